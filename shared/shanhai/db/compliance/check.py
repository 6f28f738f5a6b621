"""Check a geometry, or a project, against the lines, the rules and the zones in force."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import Any

import shapely
from sqlalchemy import TextClause, text

from shanhai.db.balance_rules import balance_rules
from shanhai.db.balances import judge_project
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.collections.regions import REGIONS
from shanhai.db.compliance import data_gaps, result, surroundings
from shanhai.db.compliance.intersections import Given
from shanhai.db.compliance.overlaps import places_outside, read_lines, read_zones
from shanhai.db.compliance.rules import activities, find_named, read_leaves, read_rules
from shanhai.db.compliance.verdict import activities_judged, binding, judge
from shanhai.db.engine import Executor as Reader
from shanhai.db.engine import read_today, together
from shanhai.db.features.columns import source_of
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.identity import Viewer
from shanhai.errors import InvalidInput, NotFound
from shanhai.vocabulary import CONTROL_KINDS, Label

MOST_AT_ONCE = 10_000
"""Vertices up to which a check is answered at once; above, it is a job."""
KIND_NAMES = {term.code: term.label for term in CONTROL_KINDS}
UNBOUNDED = frozenset({"not_drawn", "partly_drawn", "not_registered"})
"""Reasons for which nobody can say what lies outside a line."""
EVERYWHERE = result.RuleLocation("everywhere", None, Label("全域", "Everywhere"))
MEASURES = text(
    """SELECT measure FROM project_measure WHERE project_id = :project_id
        ORDER BY order_no, measure"""
)


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What is asked beside the geometry.

    Attributes:
        activities: What is to be done, measures of projects included; nothing is judged as
            development, and the answer says so.
        region: The code of a region whose rules hold besides those of the touched places.
        as_of: The day of the check; None is today.
        lines: The kinds of control areas that are looked at; None is all.
    """

    activities: tuple[str, ...] = ()
    region: str | None = None
    as_of: date | None = None
    lines: frozenset[str] | None = field(default=None)


WHATEVER = CheckRequest()


@dataclass(frozen=True, slots=True)
class ProjectShape:
    """A project as it is checked: the stored bytes of its geometry, and its measures."""

    id: int
    code: str
    region_id: int
    wkb: bytes
    vertices: int
    measures: tuple[str, ...]


async def check_geometry(
    session: Reader,
    viewer: Viewer,
    given: Given,
    asked: CheckRequest = WHATEVER,
    *,
    project: ProjectShape | None = None,
    today: date | None = None,
) -> result.CheckResult:
    """Check a geometry in stored coordinates: overlaps, rules that speak of it, and a verdict.

    Args:
        project: The project whose geometry it is; its place is told by its region.
        today: The day it is, where it is known.

    Raises:
        InvalidInput: the region is not there, or not for this viewer, or the geometry lies in
            no region that is known.
    """
    day = asked.as_of or today or await read_today(session)
    sha256 = digest_of(given.wkb)
    named = await _regions(session, viewer, asked, project)
    project_id = None if project is None else project.id
    around, (lines, beneath), (zones, zoned), leaves = await together(
        session,
        _around(session, given, named, anywhere=project is not None),
        read_lines(session, viewer, given, as_of=asked.as_of, kinds=asked.lines),
        read_zones(session, viewer, given, day=day),
        read_leaves(session, viewer, sha256=sha256, project_id=project_id, day=day),
    )
    known = activities()
    kinds = KIND_NAMES if asked.lines is None else asked.lines
    rules, registered, schemes = await together(
        session,
        read_rules(
            session,
            viewer,
            {line.kind for line in lines},
            {zone.class_code for zone in zones},
            {*beneath, *zoned, *around.around},
            spoken=_spoken(asked),
            as_of=asked.as_of,
            looked_at=asked.lines,
        ),
        surroundings.read_registered(session, viewer, kinds, around.regions, as_of=asked.as_of),
        surroundings.read_schemes(session, viewer, around.around, day=day),
    )
    unknown = await _unknown(session, asked.activities)
    touched = Touched(around, lines, zones, rules, registered, schemes)
    gaps = await _gaps(session, viewer, asked, touched, unknown)
    outside = _outside(touched, gaps)
    gaps = [
        replace(gap, leaves=tuple(leave for leave in leaves if leave.gap == gap.code))
        for gap in gaps
    ]
    places = [*places_of(lines, zones, rules), *outside]
    ledger: list[result.LedgerJudgement] = []
    if project is not None and asked.as_of is None:
        ledger = await _by_the_ledger(session, viewer, project)
    judged = judge(known, asked.activities, places, rules, leaves, gaps, ledger)
    return result.CheckResult(
        verdict=judged.verdict,
        subject=result.CheckedGeometry(
            given.measure,
            given.vertices,
            sha256,
            day,
            None if project is None else project.code,
        ),
        lines=lines,
        zones=zones,
        hits=judged.hits,
        duties=judged.duties,
        gaps=tuple(gaps),
        unknown=unknown,
        exceptions=_applied(leaves, judged.hits, gaps),
        reasons=judged.reasons,
        not_judged=judged.not_judged,
        ledger=judged.ledger,
    )


async def _by_the_ledger(
    session: Reader, viewer: Viewer, project: ProjectShape
) -> list[result.LedgerJudgement]:
    """The conditions the ledger judges of a project: those of kinds it takes something of."""
    found = await judge_project(session, project.id, project.region_id, viewer)
    stated = ((one, balance_rules()[one.kind].condition) for one in found)
    return [
        result.LedgerJudgement(condition, one.verdict.met, one.lacking(one.verdict))
        for one, condition in stated
        if condition is not None and one.own.all_taken.amount
    ]


async def check_project(
    session: Reader, viewer: Viewer, code: str, asked: CheckRequest = WHATEVER
) -> result.CheckResult:
    """Check a project: its geometry, and its measures where no activities are asked about.

    Raises:
        NotFound: there is no such project, or none the viewer may know of.
        InvalidInput: it has no geometry yet.
    """
    project = await find_project(session, viewer, code)
    named = asked.activities or project.measures
    asked = CheckRequest(named, asked.region, asked.as_of, asked.lines)
    return await check_geometry(session, viewer, Given(project.wkb), asked, project=project)


async def find_project(session: Reader, viewer: Viewer, code: str) -> ProjectShape:
    """A project as it is checked.

    Raises:
        NotFound: there is none, or none the viewer may know of.
        InvalidInput: it has no geometry yet.
    """
    selection = Selection(viewer, code=code)
    query = _project_statement(conditions(PROJECTS, selection))
    rows = (await session.execute(query, bound_values(selection))).all()
    if not rows:
        raise NotFound(f"there is no project {code!r}", message_zh=f"没有项目 {code!r}")
    (row,) = rows
    if row.wkb is None:
        raise InvalidInput(
            f"project {code!r} has no geometry to check yet",
            message_zh=f"项目 {code!r} 尚无几何，无法审查",
            pointer="/inputs/project",
        )
    found = (await session.execute(MEASURES, {"project_id": row.id})).all()
    measures = tuple(one.measure for one in found)
    return ProjectShape(row.id, row.code, row.region_id, bytes(row.wkb), row.vertices, measures)


@lru_cache(maxsize=64)
def _project_statement(met: tuple[str, ...]) -> TextClause:
    where = " AND ".join(f"({one})" for one in met)
    # Constants of the declarations; callers' values are bound.
    return text(
        "SELECT pj.id, pj.code, pj.region_id, ST_AsBinary(pj.geom, 'NDR') AS wkb,"  # noqa: S608
        f" ST_NPoints(pj.geom) AS vertices FROM {source_of(PROJECTS, former=False)} WHERE {where}"
    )


def digest_of(wkb: bytes) -> str:
    """What tells one shape from another, whichever vertex it begins with."""
    normal = shapely.normalize(shapely.from_wkb(wkb))
    return hashlib.sha256(shapely.to_wkb(normal, byte_order=1, output_dimension=2)).hexdigest()


@dataclass(frozen=True, slots=True)
class Touched:
    """What there is where a geometry lies."""

    around: surroundings.Whereabouts
    lines: Sequence[result.TouchedLine]
    zones: Sequence[result.TouchedZone]
    rules: Sequence[result.BindingRule]
    registered: surroundings.StatedLines
    schemes: Sequence[Any]


async def _around(
    session: Reader, given: Given, named: Collection[int], *, anywhere: bool
) -> surroundings.Whereabouts:
    around = await surroundings.read_around(session, given, named)
    return around if anywhere else await surroundings.demand_known(session, around)


def _spoken(asked: CheckRequest) -> frozenset[str]:
    """What is asked about, and all it counts as."""
    known = activities()
    named = activities_judged(known, asked.activities)
    return frozenset(chain.from_iterable(known.distances(code) for code in named))


async def _gaps(
    session: Reader,
    viewer: Viewer,
    asked: CheckRequest,
    touched: Touched,
    unknown: Collection[str],
) -> list[result.Gap]:
    """What could bind there and is not known."""
    around, rules, known = touched.around, touched.rules, activities()
    whole, of_class = binding(known, asked.activities, rules)
    could = data_gaps.Binding(whole, of_class, asked.lines)
    kinds = could.kinds()
    found = await data_gaps.line_gaps(
        session, viewer, around, kinds, touched.lines, touched.registered, as_of=asked.as_of
    )
    found += data_gaps.class_gaps(touched.lines, of_class)
    found += data_gaps.rule_gaps(touched.lines, touched.zones, rules)
    found += data_gaps.zone_gaps(around, could.schemes(), touched.zones, touched.schemes)
    if not around.placed or around.beyond(around.lowest):
        found.append(
            data_gaps.beyond_gap(around, await surroundings.nearest(session, around.given))
        )
    judged = activities_judged(known, asked.activities)
    return [*found, *data_gaps.activity_gaps(known, judged, unknown, rules)]


def _outside(touched: Touched, gaps: Sequence[result.Gap]) -> list[result.RuleLocation]:
    """The places outside lines, where all of the lines is known."""
    kinds = {str(rule.subject) for rule in touched.rules if rule.scope == "outside_control_area"}
    kinds -= {str(gap.subject) for gap in gaps if gap.reason in UNBOUNDED}
    around = touched.around.around
    drawn = [
        kind for kind in kinds if not around.isdisjoint(touched.registered.drawn.get(kind, ()))
    ]
    return places_outside(touched.around.given, touched.lines, drawn)


def places_of(
    lines: Sequence[result.TouchedLine],
    zones: Sequence[result.TouchedZone],
    rules: Sequence[result.BindingRule] = (),
) -> list[result.RuleLocation]:
    """The places whose rules hold for a geometry; there is always everywhere.

    Areas of a class that rules speak of are a place for themselves.
    """
    spoken = {name for rule in rules for name in rule.classes}
    kinds: dict[tuple[str, str | None], list[str]] = {}
    for line in lines:
        for area in line.areas:
            area_class = area.class_code if area.class_code in spoken else None
            kinds.setdefault((line.kind, area_class), []).append(area.code)
    classes = {zone.class_code: zone for zone in zones}
    return [
        *(
            result.RuleLocation("control_area", kind, KIND_NAMES[kind], tuple(found), area_class)
            for (kind, area_class), found in kinds.items()
        ),
        *(
            result.RuleLocation("zone_class", code, zone.name, zone.zones)
            for code, zone in classes.items()
        ),
        EVERYWHERE,
    ]


async def _regions(
    session: Reader, viewer: Viewer, asked: CheckRequest, project: ProjectShape | None
) -> frozenset[int]:
    """The ids of the regions that are named, besides those of the touched places."""
    own = frozenset() if project is None else frozenset({project.region_id})
    if asked.region is None:
        return own
    selection = Selection(viewer, code=asked.region)
    query = _region_statement(conditions(REGIONS, selection))
    found: int | None = await session.scalar(query, bound_values(selection))
    if found is None:
        raise InvalidInput(
            f"there is no region {asked.region!r}",
            message_zh=f"没有区域 {asked.region!r}",
            pointer="/inputs/region",
        )
    return own | {found}


@lru_cache(maxsize=64)
def _region_statement(met: tuple[str, ...]) -> TextClause:
    where = " AND ".join(f"({one})" for one in met)
    # Constants of the declarations; callers' values are bound.
    return text(f"SELECT {REGIONS.key} FROM {REGIONS.source} WHERE {where}")  # noqa: S608


async def _unknown(session: Reader, asked: Collection[str]) -> tuple[str, ...]:
    strange = {code for code in asked if code not in activities().known}
    named = await find_named(session, strange)
    return tuple(sorted(strange - named))


def _applied(
    leaves: Sequence[result.Leave], hits: Sequence[result.Hit], gaps: Sequence[result.Gap]
) -> tuple[result.Leave, ...]:
    """The exceptions that lift a rule which was hit, or decide about a gap."""
    of_rules = {leave.code for hit in hits for leave in hit.leaves}
    used = of_rules | {leave.code for gap in gaps for leave in gap.leaves}
    return tuple(leave for leave in leaves if leave.code in used)
