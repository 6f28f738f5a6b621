"""What is registered around a place: lines that state a figure or have no shape, and zonings.

A line whose approved area is 0 says that there is none.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from sqlalchemy import TextClause, text

from shanhai.db.collections.control_areas import CONTROL_AREAS
from shanhai.db.collections.zones import ZONE_SCHEMES
from shanhai.db.compliance.overlaps import in_force, read_drawn
from shanhai.db.fast_reads import Executor
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.features.tables import source_of
from shanhai.db.identity import Viewer

STATED = """
SELECT ca.region_id, ca.kind, ca.code, ca.approved_area_km2, ca.geom IS NULL AS undrawn
  FROM {source}
 WHERE {conditions} AND ca.region_id = ANY(CAST(:regions AS bigint[]))
   AND ca.kind = ANY(CAST(:kinds AS text[]))
   AND (ca.approved_area_km2 IS NOT NULL OR ca.geom IS NULL)
 ORDER BY ca.code
"""
# Lines of a region and of those in it may draw the same land, so the levels are not added up.
SIZES = """
WITH RECURSIVE below AS (
  SELECT id AS root, id, 0 AS depth FROM region WHERE id = ANY(CAST(:regions AS bigint[]))
  UNION ALL SELECT below.root, d.id, below.depth + 1
    FROM region d JOIN below ON d.parent_id = below.id
   WHERE d.deleted_at IS NULL AND below.depth < {deepest}
), level AS (
  SELECT below.root, ca.kind, below.depth, sum(ca.area_m2) / 1e6 AS km2
    FROM {source} JOIN below ON below.id = ca.region_id
   WHERE {conditions} AND ca.geom IS NOT NULL AND ca.kind = ANY(CAST(:kinds AS text[]))
   GROUP BY below.root, ca.kind, below.depth
)
SELECT root, kind, max(km2) AS km2 FROM level GROUP BY root, kind
"""
DEEPEST = 12
# Constants of the declarations; callers' values are bound.
SCHEMES = """
SELECT s.code, s.name_zh, s.name_en, s.kind, s.region_id, r.code AS region,
       EXISTS (SELECT FROM zone z WHERE z.scheme_id = s.id AND z.deleted_at IS NULL
                AND z.geom IS NULL) AS undrawn
  FROM {source}
 WHERE {conditions} AND s.region_id = ANY(CAST(:regions AS bigint[]))
 ORDER BY s.code
"""


@dataclass(frozen=True, slots=True)
class StatedArea:
    """What is stated of a kind of line in a region: areas without shape, and what was approved."""

    undrawn: tuple[str, ...]
    unstated: bool
    approved_km2: float


@dataclass(frozen=True, slots=True)
class StatedLines:
    """What there is of kinds of lines in regions, by region and kind.

    Attributes:
        drawn: The regions for which lines were drawn, by kind.
    """

    figures: Mapping[tuple[int, str], StatedArea]
    drawn: Mapping[str, frozenset[int]]


async def read_registered(
    session: Executor,
    viewer: Viewer,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> StatedLines:
    """What there is of kinds of lines in regions."""
    figures = await read_figures(session, viewer, kinds, regions, as_of=as_of)
    return StatedLines(figures, await read_drawn(session, viewer, kinds, regions, as_of=as_of))


async def read_figures(
    session: Executor,
    viewer: Viewer,
    kinds: Collection[str],
    regions: Collection[int],
    *,
    as_of: date | None,
) -> Mapping[tuple[int, str], StatedArea]:
    """What is stated of kinds of lines in regions."""
    selection = Selection(viewer, as_of=as_of)
    statement = over_lines(STATED, conditions(CONTROL_AREAS, selection), as_of is not None)
    values = {**bound_values(selection), "kinds": sorted(kinds), "regions": sorted(regions)}
    found: dict[tuple[int, str], StatedArea] = {}
    for row in (await session.execute(statement, values)).all():
        known = found.get(
            (row.region_id, row.kind), StatedArea((), unstated=False, approved_km2=0.0)
        )
        approved = row.approved_area_km2
        lacking = row.undrawn and (approved is None or approved > 0)
        found[row.region_id, row.kind] = StatedArea(
            (*known.undrawn, row.code) if lacking else known.undrawn,
            known.unstated or (row.undrawn and approved is None),
            known.approved_km2 + float(approved or 0),
        )
    return found


async def read_sizes(
    session: Executor,
    viewer: Viewer,
    places: Collection[tuple[int, str]],
    *,
    as_of: date | None,
) -> dict[tuple[int, str], float]:
    """What is drawn of kinds of lines in regions and those below them, km²."""
    if not places:
        return {}
    selection = Selection(viewer, as_of=as_of)
    statement = over_lines(SIZES, conditions(CONTROL_AREAS, selection), as_of is not None)
    values = {
        **bound_values(selection),
        "kinds": sorted({kind for _, kind in places}),
        "regions": sorted({region for region, _ in places}),
    }
    rows = (await session.execute(statement, values)).all()
    return {(row.root, row.kind): float(row.km2 or 0) for row in rows}


async def read_schemes(
    session: Executor, viewer: Viewer, regions: Collection[int], *, day: date
) -> Sequence[Any]:
    """The zonings in force in regions on a day, and whether zones of them are not drawn."""
    selection = Selection(viewer, as_of=day)
    statement = _schemes_statement(conditions(ZONE_SCHEMES, selection))
    values = {**bound_values(selection), "regions": sorted(regions)}
    return (await session.execute(statement, values)).all()


@lru_cache(maxsize=64)
def over_lines(template: str, met: tuple[str, ...], former: bool) -> TextClause:
    """A statement over the lines in force."""
    # Constants of the declarations; callers' values are bound.
    return text(
        template.format(
            source=source_of(CONTROL_AREAS, former=former),
            conditions=" AND ".join(f"({one})" for one in (*met, *in_force(former=former))),
            deepest=DEEPEST,
        )
    )


@lru_cache(maxsize=64)
def _schemes_statement(met: tuple[str, ...]) -> TextClause:
    # Constants of the declarations; callers' values are bound.
    return text(
        SCHEMES.format(
            source=ZONE_SCHEMES.source, conditions=" AND ".join(f"({one})" for one in met)
        )
    )
