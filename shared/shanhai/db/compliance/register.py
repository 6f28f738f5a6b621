"""The register of a region's lines: how much there is of each kind, and where it has shrunk.

Sizes compare within one delimitation only: what a new drawing gives up is no shrinkage.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.engine import read_today
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import (
    Selection,
    bound_values,
    conditions,
    viewer_values,
    visibility,
)
from shanhai.db.identity import Viewer

TOLERATED_M2 = 100.0
"""A hundredth of a hectare: less is how a redrawn border differs."""
MOST_STATES = 200_000

BELOW = """
WITH RECURSIVE below AS (
  SELECT CAST(:region AS bigint) AS id
  UNION SELECT r.id FROM region r JOIN below ON r.parent_id = below.id
   WHERE r.deleted_at IS NULL
)"""
IN_BELOW = "ca.region_id IN (SELECT id FROM below)"
# What several areas cover counts once: they are made one shape.
TOTALS = """
, lines AS MATERIALIZED (
  SELECT ca.kind, coalesce(ca.delimitation, '') AS delimitation, ca.id, ca.geom, ca.area_m2,
         ca.length_m, ca.region_id, ca.approved_area_km2
    FROM {source} WHERE {conditions} AND ca.region_id IN (SELECT id FROM below)
)
SELECT kind, nullif(delimitation, '') AS delimitation,
       GROUPING(delimitation) = 1 AS whole_kind, count(*) AS areas,
       count(geom) AS drawn,
       CASE WHEN count(*) FILTER (WHERE ST_Dimension(geom) = 2) < 2 THEN sum(area_m2)
            ELSE ST_Area(ST_Union(geom) FILTER (WHERE ST_Dimension(geom) = 2)::geography)
       END AS area_m2,
       sum(length_m) FILTER (WHERE ST_Dimension(geom) = 1) AS length_m,
       sum(approved_area_km2) FILTER (WHERE region_id = :region) AS own_approved_km2,
       sum(approved_area_km2) FILTER (WHERE region_id <> :region) AS lower_approved_km2
  FROM lines
 GROUP BY GROUPING SETS ((kind, delimitation), (kind))
 ORDER BY kind, GROUPING(delimitation) DESC, delimitation
"""
STATES = """
SELECT CASE WHEN ca.copied_from_id IS NULL THEN ca.code
            ELSE regexp_replace(ca.code, '[.]v[0-9]+$', '') END AS code,
       ca.kind, ca.delimitation, greatest(ca.valid_from, lower(p.in_force)) AS valid_from,
       least(upper(p.in_force), CASE WHEN ca.deleted_at IS NULL THEN ca.valid_to
            ELSE coalesce(ca.valid_to, ca.deleted_at::date) END) AS valid_to,
       coalesce(ca.area_m2, (ca.approved_area_km2 * 1e6)::double precision) AS area_m2,
       ca.region_id, ca.geom IS NOT NULL AS drawn
  FROM {source}
 WHERE {conditions} AND {within}
   AND (ca.valid_to IS NULL OR ca.valid_from IS NULL OR ca.valid_to > ca.valid_from)
   AND coalesce(NOT isempty(p.in_force * daterange(ca.valid_from, ca.valid_to)), true)
 ORDER BY ca.kind, ca.code, ca.valid_from NULLS FIRST
 LIMIT {most}
"""
REGION = text("SELECT id, area_m2 FROM region WHERE code = :code AND deleted_at IS NULL")


@dataclass(frozen=True, slots=True)
class Total:
    """How much there is of a kind of line, in all or of one delimitation.

    Attributes:
        whole_kind: All delimitations together.
        area_m2: What the drawn areas cover, overlaps counted once; None where none is drawn.
        approved_km2: The approved figure of the region itself, else the sum of those below it.
    """

    kind: str
    delimitation: str | None
    whole_kind: bool
    areas: int
    drawn: int
    area_m2: float | None
    length_m: float | None
    approved_km2: float | None
    approved_by_parts: bool


@dataclass(frozen=True, slots=True)
class AreaState:
    """A control area over a period, with its size then: as drawn, else as approved."""

    code: str
    kind: str
    delimitation: str | None
    valid_from: date | None
    valid_to: date | None
    area_m2: float
    region_id: int = 0
    drawn: bool = True


@dataclass(frozen=True, slots=True)
class Decline:
    """A day on which the lines of one delimitation became smaller."""

    kind: str
    delimitation: str | None
    day: date
    lost_m2: float
    codes: tuple[str, ...]


async def read_totals(
    session: AsyncSession, viewer: Viewer, region_id: int, *, as_of: date | None
) -> list[Total]:
    """The totals of a region and all below it, each kind before its delimitations."""
    selection = Selection(viewer, as_of=as_of)
    statement = _totals_statement(conditions(CONTROL_AREAS, selection), as_of is not None)
    rows = await session.execute(statement, {**bound_values(selection), "region": region_id})
    found: list[Total] = []
    for row in rows:
        own, lower = row.own_approved_km2, row.lower_approved_km2
        approved = lower if own is None else own
        found.append(
            Total(
                row.kind,
                row.delimitation,
                bool(row.whole_kind),
                row.areas,
                row.drawn,
                row.area_m2,
                row.length_m,
                None if approved is None else float(approved),
                own is None and lower is not None,
            )
        )
    return found


async def read_declines(session: AsyncSession, viewer: Viewer, region_id: int) -> list[Decline]:
    """The days on which published lines of the region became smaller."""
    met = (f"({CONTROL_AREAS.published})", *visibility(CONTROL_AREAS, viewer))
    statement = _states_statement(met)
    rows = await session.execute(statement, {**viewer_values(viewer), "region": region_id})
    return find_declines(AreaState(*row) for row in rows if row.area_m2 is not None)


async def read_losses(
    session: AsyncSession, regions: Collection[int], kinds: Collection[str]
) -> dict[tuple[int, str], Decline]:
    """What published lines of regions have lost and not regained, by region and kind.

    Lines of a region are those it holds itself, not those of regions below it.
    """
    if not regions or not kinds:
        return {}
    met = (f"({CONTROL_AREAS.published})", "ca.kind = ANY(CAST(:kinds AS text[]))")
    statement = _losses_statement(met)
    values = {"regions": sorted(regions), "kinds": sorted(kinds)}
    groups: dict[tuple[int, str], list[AreaState]] = defaultdict(list)
    for row in await session.execute(statement, values):
        if row.area_m2 is not None:
            state = AreaState(*row)
            groups[state.region_id, state.kind].append(state)
    today = await read_today(session)
    found = {place: find_loss(states, today) for place, states in groups.items()}
    return {place: loss for place, loss in found.items() if loss is not None}


async def find_region(session: AsyncSession, code: str) -> tuple[int, float | None] | None:
    """The id and area of a region."""
    row = (await session.execute(REGION, {"code": code})).one_or_none()
    return None if row is None else (row.id, row.area_m2)


def find_declines(states: Iterable[AreaState]) -> list[Decline]:
    """The days on which the areas of one delimitation became smaller, all of them together.

    What one area loses to another of the same delimitation is not lost. An area that ends together
    with its delimitation, or goes on in another, was redrawn.
    """
    groups: dict[tuple[str, str | None], list[AreaState]] = defaultdict(list)
    by_code: dict[str, list[AreaState]] = defaultdict(list)
    for state in states:
        groups[state.kind, state.delimitation].append(state)
        by_code[state.code].append(state)
    return [
        decline
        for (kind, delimitation), members in sorted(groups.items(), key=lambda item: str(item[0]))
        for decline in _declines_of(kind, delimitation, members, by_code)
    ]


def find_loss(states: Sequence[AreaState], today: date) -> Decline | None:
    """What lines of one kind have lost by a day and not regained; None for next to nothing.

    Only the delimitations in force count; where none is any more, nothing was put in the place of
    the last one, and all of it is lost.
    """
    by_code: dict[str, list[AreaState]] = defaultdict(list)
    groups: dict[str | None, list[AreaState]] = defaultdict(list)
    for state in states:
        groups[state.delimitation].append(state)
        by_code[state.code].append(state)
    standing = [
        members for members in groups.values() if any(_holds(one, today) for one in members)
    ]
    losses = [_loss_of(members, by_code, today) for members in standing or groups.values()]
    counted = [loss for loss in losses if loss is not None]
    return max(counted, key=lambda loss: loss.lost_m2 if standing else loss.day, default=None)


def _loss_of(
    members: Sequence[AreaState], by_code: Mapping[str, Sequence[AreaState]], today: date
) -> Decline | None:
    lost, latest, codes = 0.0, None, set[str]()
    ends = {one.valid_to for one in members if one.valid_to is not None}
    begins = {one.valid_from for one in members if one.valid_from is not None}
    for day in sorted(one for one in ends | begins if one <= today):
        gone, change = _change(members, day, by_code)
        lost = max(0.0, lost + change)
        if lost == 0:
            codes.clear()
        elif change > TOLERATED_M2:
            latest = day
            codes.update(gone)
    if latest is None or lost <= TOLERATED_M2:
        return None
    first = members[0]
    return Decline(first.kind, first.delimitation, latest, lost, tuple(sorted(codes)))


def _declines_of(
    kind: str,
    delimitation: str | None,
    members: Sequence[AreaState],
    by_code: Mapping[str, Sequence[AreaState]],
) -> Iterable[Decline]:
    ends = sorted({state.valid_to for state in members if state.valid_to is not None})
    begins = {state.valid_from for state in members if state.valid_from is not None}
    for day in sorted({*ends, *begins}):
        if not any(_holds(state, day) for state in members):
            continue
        gone, lost = _change(members, day, by_code)
        if gone and lost > TOLERATED_M2:
            yield Decline(kind, delimitation, day, lost, gone)


def _change(
    members: Sequence[AreaState], day: date, by_code: Mapping[str, Sequence[AreaState]]
) -> tuple[tuple[str, ...], float]:
    """The codes of the areas that ended on a day, and what all of them lost by it.

    An area whose size was only printed is not smaller for being drawn.
    """
    gone = [one for one in members if one.valid_to == day and not _redrawn(one, day, by_code)]
    come = [one for one in members if one.valid_from == day]
    printed = {one.code for one in gone if not one.drawn}
    drawn = printed & {one.code for one in come if one.drawn}
    counted = [one for one in gone if one.code not in drawn]
    lost = sum(one.area_m2 for one in counted)
    lost -= sum(one.area_m2 for one in come if one.code not in drawn)
    return tuple(sorted({one.code for one in counted})), lost


def _holds(state: AreaState, day: date) -> bool:
    begun = state.valid_from is None or state.valid_from <= day
    return begun and (state.valid_to is None or state.valid_to > day)


def _redrawn(state: AreaState, day: date, by_code: Mapping[str, Sequence[AreaState]]) -> bool:
    """Whether the area goes on in another delimitation."""
    return any(
        other.delimitation != state.delimitation and other.valid_from == day
        for other in by_code[state.code]
    )


@lru_cache(maxsize=64)
def _totals_statement(met: tuple[str, ...], former: bool) -> TextClause:
    return _over_areas(TOTALS, (f"({CONTROL_AREAS.published})", *met), former=former)


@lru_cache(maxsize=64)
def _states_statement(met: tuple[str, ...]) -> TextClause:
    return _over_areas(STATES, met, former=True)


@lru_cache(maxsize=1)
def _losses_statement(met: tuple[str, ...]) -> TextClause:
    within = "ca.region_id = ANY(CAST(:regions AS bigint[]))"
    return text(_filled(STATES, met, former=True, within=within))


def _over_areas(template: str, met: Sequence[str], *, former: bool) -> TextClause:
    return text(BELOW + _filled(template, met, former=former))


def _filled(template: str, met: Sequence[str], *, former: bool, within: str = IN_BELOW) -> str:
    # Constants of the declarations; callers' values are bound.
    return template.format(
        source=source_of(CONTROL_AREAS, former=former),
        conditions=" AND ".join(f"({condition})" for condition in met),
        within=within,
        most=MOST_STATES,
    )
