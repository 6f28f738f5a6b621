"""How the indicators of a plan stand: their figures, values and project measures together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.projects import PROJECTS
from shanhai.db.features.columns import rows_of, stated_rows
from shanhai.db.indicators.plan_indicators import Listed, PlanRegion, PlanSeen, ids
from shanhai.db.indicators.targets import as_target, describe_target, read_targets
from shanhai.db.indicators.values import newest_values
from shanhai.db.mines import read_accepted
from shanhai.db.projects.queries import MEMBERS_THEN
from shanhai.db.tables.indicator import IndicatorTarget
from shanhai.errors import InvalidInput
from shanhai.science.flags import (
    VALUE_NOTE,
    IndicatorRemark,
    measures_counted,
    measures_foreign,
)
from shanhai.science.indicators import (
    BaseFigure,
    IndicatorStanding,
    IndicatorStatus,
    ObservedFigure,
    Record,
    sen_slope,
)
from shanhai.science.units import convert, plain
from shanhai.vocabulary import Label

# A project counts from the year it passed acceptance, in the calendar plans are written in, for as
# long as it is not sent back; one that never told when counts by the year it was to end.
_DONE = """
WITH RECURSIVE tree (root, id) AS (
  SELECT id, id FROM region WHERE id = ANY(:regions)
  UNION
  SELECT tree.root, region.id FROM region JOIN tree ON region.parent_id = tree.id
), counted AS (
  SELECT pj.id, pj.region_id,
         CASE WHEN pj.state IN ('monitoring', 'effect_evaluation', 'after_care', 'closed') THEN
           coalesce((SELECT extract(year FROM max(e.at))
                       FROM project_event e
                      WHERE e.project_id = pj.id AND e.to_state = 'monitoring'{by_then}),
                    pj.end_year)
         END AS year
    FROM {projects} pj
   WHERE pj.id IN (SELECT member.project_id FROM {members} member)
     AND {there}
     AND pj.state NOT IN ('rejected', 'cancelled')
)
SELECT m.indicator_id, tree.root, m.unit, CAST(c.year AS int), sum(m.planned), sum(m.done),
       array_agg(DISTINCT c.id)
  FROM {measures} m
  JOIN counted c ON c.id = m.project_id
  JOIN tree ON tree.id = c.region_id
 WHERE m.indicator_id = ANY(:indicators)
 GROUP BY m.indicator_id, tree.root, m.unit, c.year
"""
DONE = text(
    _DONE.format(
        by_then="",
        projects="project",
        members="(SELECT project_id FROM plan_membership WHERE plan_id = :plan)",
        there="pj.deleted_at IS NULL",
        measures="project_measure",
    )
)
DONE_BY_THEN = text(
    _DONE.format(
        by_then="\n                        AND e.at::date <= CAST(:as_of AS date)",
        projects=rows_of(PROJECTS, former=True),
        members=MEMBERS_THEN,
        there=PROJECTS.as_of,
        measures=stated_rows("project_measure", "CAST(:as_of AS date)"),
    )
)


@dataclass(slots=True)
class Contribution:
    """What projects plan and did for an indicator in a region, in the indicator's unit.

    Attributes:
        accepted: By year, what was done by projects and mines that passed acceptance in it.
        foreign: Units that cannot be converted; what is in them is left out.
    """

    planned: Decimal
    done: Decimal
    accepted: dict[int, Decimal]
    projects: set[int]
    foreign: set[str]
    mines: int = 0

    @classmethod
    def none(cls) -> "Contribution":
        """What there is before anything was done."""
        return cls(Decimal(0), Decimal(0), {}, set(), set())

    def accept(self, year: int, amount: Decimal) -> None:
        """Count what was accepted in a year."""
        self.accepted[year] = self.accepted.get(year, Decimal(0)) + amount

    def beside(self, entered: Sequence[ObservedFigure], year: int) -> list[ObservedFigure]:
        """The values entered and, of years without one, what accepted projects did."""
        known = {item.year for item in entered}
        stated = max((item.year for item in entered if item.cumulative), default=0)
        return [
            *entered,
            *(
                ObservedFigure(each, amount)
                for each, amount in sorted(self.accepted.items())
                # A stated total holds what was done before it: nothing is counted twice.
                if each not in known and stated < each <= year
            ),
        ]


async def contributions(
    session: AsyncSession,
    plan_id: int,
    units: dict[int, str],
    regions: Sequence[int],
    as_of: date | None = None,
) -> dict[tuple[int, int], Contribution]:
    """What projects of the plan and mines did, by indicator and region, in `units`.

    With `as_of` it is what was told of them on that day.
    """
    values: dict[str, Any] = {"plan": plan_id, "indicators": [*units], "regions": [*regions]}
    query = DONE
    if as_of is not None:
        query, values = DONE_BY_THEN, {**values, "as_of": as_of}
    found: dict[tuple[int, int], Contribution] = {}
    for indicator, region, unit, year, planned, done, projects in await session.execute(
        query, values
    ):
        own = found.setdefault((indicator, region), Contribution.none())
        own.projects.update(projects)
        try:
            planned, done = (_amount(each, unit, units[indicator]) for each in (planned, done))
        except InvalidInput:
            own.foreign.add(unit)
            continue
        own.planned += planned
        own.done += done
        if year is not None and done:
            own.accept(year, done)
    for mines in await read_accepted(session, plan_id, units, regions, as_of):
        own = found.setdefault((mines.indicator, mines.region), Contribution.none())
        try:
            own.accept(mines.year, convert(mines.area_ha, "ha", units[mines.indicator]))
            own.mines += mines.mines
        except InvalidInput:
            own.foreign.add("ha")
    return found


def _amount(measured: float | None, unit: str | None, wanted: str) -> Decimal:
    amount = Decimal(repr(measured or 0.0))
    return amount if unit is None else convert(amount, unit, wanted)


NO_TARGET = IndicatorRemark(
    "no_target",
    Label("规划未给出该区域的目标。", "The plan states no target for this region."),
)
STEADY_SHARE = 1e-9
"""A slope that is a smaller part of the values is that of rounding."""


@dataclass(frozen=True, slots=True)
class Case:
    """An indicator in a region: what the plan states, what was entered, what projects did."""

    listed: Listed
    place: PlanRegion
    figures: Sequence[IndicatorTarget]
    entered: Sequence[ObservedFigure] = field(default=())
    projects: Contribution | None = None

    @property
    def targets(self) -> list[IndicatorTarget]:
        """The figures to be reached."""
        return [row for row in self.figures if row.role == "target"]

    @property
    def base(self) -> IndicatorTarget | None:
        """The figure it starts from."""
        return next((row for row in self.figures if row.role == "base"), None)

    def record(self, year: int, *, counted_up: bool) -> Record:
        """What is judged; what projects did is part of totals only."""
        row = self.base
        base = (
            BaseFigure(row.year, row.value)
            if row is not None and row.year is not None and row.value is not None
            else None
        )
        observed = self.entered
        if counted_up and self.projects is not None:
            observed = self.projects.beside(self.entered, year)
        return Record([as_target(target) for target in self.targets], base, observed)


async def read_cases(
    session: AsyncSession,
    plan: PlanSeen,
    indicators: Sequence[Listed],
    places: Sequence[PlanRegion],
    year: int,
) -> list[Case]:
    """The indicators in each of the regions, with all that is known of them up to a year.

    Of a plan seen as of a day, that is what was known on it.
    """
    wanted, regions = ids(indicators), ids(places)
    rows = await read_targets(session, plan.id, indicators=wanted, as_of=plan.as_of)
    values = await newest_values(session, wanted, regions, year, plan.as_of)
    units = {item.id: item.unit for item in indicators}
    done = await contributions(session, plan.id, units, regions, plan.as_of)
    figures: dict[tuple[int, int], list[IndicatorTarget]] = {}
    for row in rows:
        figures.setdefault((row.indicator_id, row.region_id), []).append(row)
    return [
        Case(
            listed,
            place,
            figures.get((listed.id, place.id), []),
            values.get((listed.id, place.id), []),
            done.get((listed.id, place.id)),
        )
        for place in places
        for listed in indicators
    ]


def describe_case(case: Case, year: int) -> dict[str, Any]:
    """How an indicator stands in a region, in both languages."""
    listed, base = case.listed, case.base
    judged = [judge_target(case, place, year) for place in range(len(case.targets))]
    due = _due(case, year)
    headline = (
        IndicatorStanding(IndicatorStatus.NO_DATA, remarks=(NO_TARGET,))
        if due is None
        else judged[due]
    )
    latest = headline if headline.value is not None else _latest(case)
    return {
        "indicator": listed.code,
        "order": listed.order,
        "name_zh": listed.name.zh,
        "name_en": listed.name.en,
        "unit": listed.unit,
        "property": "binding" if listed.binding else "expected",
        "direction": listed.direction,
        "category": None if listed.category is None else listed.category.document(),
        "department": None if listed.department is None else listed.department.document(),
        "region": {
            "code": case.place.code,
            "name_zh": case.place.name.zh,
            "name_en": case.place.name.en,
        },
        "base": None if base is None else {"year": base.year, "value": plain(base.value)},
        "target": None if due is None else describe_target(case.targets[due]),
        **_told(replace(headline, remarks=(*headline.remarks, *_noted(case, latest)))),
        "value": plain(latest.value),
        "value_year": latest.value_year,
        "targets": [
            {"stage": stage, **describe_target(row), **_told(standing)}
            for stage, row, standing in zip(
                _stages(case.targets), case.targets, judged, strict=True
            )
        ],
        "references": [describe_target(row) for row in case.figures if row.role == "reference"],
        "trend": _trend(case),
        "projects": _projects(case),
    }


def _due(case: Case, year: int) -> int | None:
    """The place of the target a year works towards."""
    record = case.record(year, counted_up=False)
    target = record.due(year)
    return None if target is None else list(record.targets).index(target)


def judge_target(case: Case, place: int, year: int) -> IndicatorStanding:
    """How the indicator stands to the target at a place of `case.targets`, in a year."""
    counted_up = case.targets[place].cumulative_from is not None
    record = case.record(year, counted_up=counted_up)
    standing = record.judge(record.targets[place], year)
    more = tuple(_measure_remarks(case, year)) if counted_up else ()
    if not more:
        return standing
    return IndicatorStanding(
        standing.status,
        standing.value,
        standing.value_year,
        standing.path,
        standing.gap,
        standing.progress_percent,
        (*standing.remarks, *more),
    )


def _measure_remarks(case: Case, year: int) -> Iterable[IndicatorRemark]:
    if case.projects is None:
        return
    entered = {item.year for item in case.entered}
    years = [item.year for item in case.projects.beside(case.entered, year)]
    counted = sorted(set(years) - entered)
    if counted:
        yield measures_counted(counted)
    if case.projects.foreign:
        yield measures_foreign(sorted(case.projects.foreign))


def _latest(case: Case) -> IndicatorStanding:
    """The newest value entered, where no target is there to judge it."""
    newest = max(case.entered, key=lambda item: item.year, default=None)
    if newest is None:
        return IndicatorStanding(IndicatorStatus.NO_DATA)
    return IndicatorStanding(IndicatorStatus.NO_DATA, newest.value, newest.year)


def _noted(case: Case, latest: IndicatorStanding) -> Iterable[IndicatorRemark]:
    """What was remarked of the value that is told, as it was written."""
    for item in case.entered:
        if item.year == latest.value_year and item.note is not None:
            yield IndicatorRemark(VALUE_NOTE, Label(item.note, item.note))


def _stages(targets: Sequence[IndicatorTarget]) -> list[str | None]:
    """The last year is final, those before are near; what has no year is neither."""
    final = max((row.year for row in targets if row.year is not None), default=None)
    return [
        None if row.year is None else "final" if row.year == final else "near" for row in targets
    ]


def _told(standing: IndicatorStanding) -> dict[str, Any]:
    return {
        "status": standing.status.value,
        "gap": plain(standing.gap),
        "path_value": plain(standing.path),
        "progress_percent": plain(standing.progress_percent),
        "remarks": [
            {"code": remark.code, "zh": remark.label.zh, "en": remark.label.en}
            for remark in standing.remarks
        ],
    }


def _trend(case: Case) -> dict[str, Any] | None:
    """The slope of the yearly values; totals have none of their own."""
    points = [(float(item.year), float(item.value)) for item in case.entered if not item.cumulative]
    slope = sen_slope(points)
    if slope is None:
        return None
    size = max(abs(value) for _, value in points)
    if abs(slope) <= STEADY_SHARE * size:
        course = "steady"
    else:
        course = "improving" if (slope > 0) == (case.listed.direction == "higher") else "worsening"
    return {"per_year": slope, "course": course, "values": len(points)}


def _projects(case: Case) -> Mapping[str, Any] | None:
    if case.projects is None:
        return None
    return {
        "count": len(case.projects.projects),
        "planned": plain(case.projects.planned),
        "done": plain(case.projects.done),
        "accepted": plain(sum(case.projects.accepted.values(), start=0 * case.projects.done)),
        "mines": case.projects.mines,
    }
