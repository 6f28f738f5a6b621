"""The figures a plan prints, beside what is computed for the same; what is not computed is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import style_of
from shanhai.db import mines
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.data_sources import DATASETS
from shanhai.db.collections.patterns import CORRIDORS
from shanhai.db.collections.provisions import FIGURES
from shanhai.db.collections.zones import ZONES
from shanhai.db.features.entity import Entity
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.indicators.plan_indicators import PlanSeen
from shanhai.db.projects.queries import projects_of_plan
from shanhai.errors import InvalidInput
from shanhai.science.units import convert, unit_label
from shanhai.vocabulary import Label

_PROJECTS = next(item.sql for item in FIGURES.properties if item.name == "projects")
_FIGURES = f"""
SELECT pf.code, pf.name_zh, pf.name_en, pf.kind, pf.aspect, pf.class_zh, pf.class_en, pf.comparator,
       pf.value, pf.unit, pf.first_year, pf.last_year, pf.untold, pf.computed_by, pf.computed_of,
       i.id AS indicator_id, i.code AS indicator, i.unit AS indicator_unit,
       coalesce(r.id, own.id) AS region_id, coalesce(r.code, own.code) AS region,
       coalesce(r.name_zh, own.name_zh) AS region_zh, coalesce(r.name_en, own.name_en) AS region_en,
       {_PROJECTS} AS projects, pf.project_ids
  FROM {FIGURES.source} LEFT JOIN region own ON own.id = p.region_id
 WHERE p.id = :plan AND {FIGURES.live} AND {FIGURES.current}
 ORDER BY array_position(ARRAY['evaluation', 'benefit', 'achievement', 'condition', 'count',
                               'reference', 'context'], CAST(pf.kind AS text)), pf.order_no, pf.id
"""  # noqa: S608 - constants
_BELOW = (
    "(WITH RECURSIVE below (id) AS (SELECT CAST(:region AS bigint) UNION SELECT r.id FROM region r"
    " JOIN below ON r.parent_id = below.id WHERE r.deleted_at IS NULL) SELECT id FROM below)"
)
_ABOVE = (
    "(WITH RECURSIVE above (id) AS (SELECT CAST(:region AS bigint) UNION SELECT r.parent_id"
    " FROM region r JOIN above ON r.id = above.id WHERE r.parent_id IS NOT NULL)"
    " SELECT id FROM above)"
)
_OBSERVED = text(
    """SELECT value, year, CAST(job_id AS text), attrs->>'note' FROM (
         SELECT DISTINCT ON (year) value, year, job_id, attrs FROM indicator_value
          WHERE indicator_id = :indicator AND region_id = :region
          ORDER BY year, recorded_at DESC, id DESC) newest
        ORDER BY (year = CAST(:wanted AS integer)) DESC NULLS LAST, year DESC LIMIT 1"""
)
_ROWS: Mapping[str, str] = {
    "tasks": "SELECT count(*) FROM plan_provision pv WHERE pv.plan_id = :plan"
    " AND pv.kind = 'task' AND pv.deleted_at IS NULL",
    "programmes": "SELECT count(*) FROM programme pg WHERE pg.plan_id = :plan"
    " AND pg.deleted_at IS NULL",
    "indicators": "SELECT count(*) FROM plan_indicator pi WHERE pi.plan_id = :plan"
    " AND pi.deleted_at IS NULL",
}
_PLACES = 4
_NO_SUBSTANCE = Label(
    "原文未载明时段或计算对象，不作比较",
    "the source does not print its period or substance, so the two are not compared",
)


@dataclass(frozen=True, slots=True)
class ComputedFigure:
    """What is computed for a figure.

    Attributes:
        value: In `unit`; None where nothing is computed, and then `reason` says why.
        origin: What it comes from: `job`, `dataset`, `zoning`, `indicator` or a collection.
        code: Which one; None for the sum of a collection.
        job: The job that computed it, where one did.
        on: When it was computed or recorded; `year` what it is of, where that is known.
        rows: How many rows were added up.
        remark: How far it can be relied on: the stand-ins it rests on, what was noted with it.
    """

    value: Decimal | None = None
    unit: str | None = None
    origin: str | None = None
    code: str | None = None
    job: str | None = None
    on: date | None = None
    year: int | None = None
    rows: int | None = None
    reason: Label | None = None
    remark: Label | None = None


@dataclass(frozen=True, slots=True)
class ComparedFigure:
    """A printed figure and what is computed for it; differences are computed minus printed."""

    printed: Mapping[str, Any]
    computed: ComputedFigure
    value: Decimal | None
    difference: Decimal | None
    difference_percent: Decimal | None
    reason: Label | None


def compare_figure(printed: Mapping[str, Any], computed: ComputedFigure) -> ComparedFigure:
    """Put the computed value into the figure's unit and take the difference.

    A figure whose period or substance its source does not print is not compared: the computed
    value stands beside it in its own unit.
    """
    if computed.value is None or printed["value"] is None:
        reason = computed.reason or Label("原文没有数值", "the source prints no value")
        return ComparedFigure(printed, computed, computed.value, None, None, reason)
    if {"period", "substance"} & {*printed["untold"]}:
        return ComparedFigure(printed, computed, computed.value, None, None, _NO_SUBSTANCE)
    value = computed.value
    if printed["unit"] and computed.unit:
        try:
            value = convert(value, computed.unit, printed["unit"])
        except InvalidInput:
            one, other = unit_label(printed["unit"]), unit_label(computed.unit)
            reason = Label(
                f"单位不同（{one.zh} 与 {other.zh}），不作比较",
                f"the units differ ({one.en} and {other.en}), so they are not compared",
            )
            return ComparedFigure(printed, computed, value, None, None, reason)
    difference = value - printed["value"]
    percent = None
    if printed["value"]:
        percent = round(100 * difference / abs(printed["value"]), 2)
    return ComparedFigure(
        printed, computed, round(value, _PLACES), round(difference, _PLACES), percent, None
    )


async def compare_figures(
    session: AsyncSession,
    plan: PlanSeen,
    viewer: Viewer,
    *,
    kind: str | None = None,
    year: int | None = None,
    of_class: str | None = None,
    region: str | None = None,
) -> Sequence[ComparedFigure]:
    """The figures of a plan beside what is computed for them, as the viewer may know of it.

    Args:
        session: Reads.
        plan: The plan.
        viewer: Who reads.
        kind: Only of this kind.
        year: Only those whose period holds this year.
        of_class: Only of this class, by its name in either language.
        region: Only of this region.
    """
    rows = (await session.execute(text(_FIGURES), {"plan": plan.id})).mappings()
    found: list[dict[str, Any]] = [dict(row) for row in rows]
    reader = _FigureReader(session, plan, viewer)
    return [
        compare_figure(row, await reader.computed(row))
        for row in found
        if kind in {None, row["kind"]}
        and region in {None, row["region"]}
        and of_class in {None, row["class_zh"], row["class_en"]}
        and (year is None or _holds(row, year))
    ]


def _holds(row: Mapping[str, Any], year: int) -> bool:
    first, last = row["first_year"] or row["last_year"], row["last_year"] or row["first_year"]
    return first is not None and first <= year <= last


@dataclass(frozen=True, slots=True)
class _FigureReader:
    """Looks up what is computed for the figures of a plan."""

    session: AsyncSession
    plan: PlanSeen
    viewer: Viewer

    async def computed(self, row: Mapping[str, Any]) -> ComputedFigure:
        """What is computed for a figure, or why nothing is."""
        by = row["computed_by"]
        if by is None and row["indicator"] is None:
            reason = Label("未指明对照的计算结果", "no computed result is named for it")
            return ComputedFigure(reason=reason)
        if row["region_id"] is None:
            return ComputedFigure(reason=Label("规划没有区域", "the plan has no region"))
        if by is None:
            return await self._observed(row)
        readers = {
            "evaluation_area": self._evaluated,
            "evaluation_mean": self._evaluated,
            "zone_area": self._zones,
            "control_area": self._controls,
            "region_area": self._outline,
            "corridor_length": self._corridors,
            "row_count": self._counted,
            "mine_restored": self._mines,
            "work_done": self._work,
        }
        return await readers[by](row)

    async def _observed(self, row: Mapping[str, Any]) -> ComputedFigure:
        """The newest observed value, or that of the figure's last year; of a benefit the newest."""
        values = {
            "indicator": row["indicator_id"],
            "region": row["region_id"],
            "wanted": None if row["kind"] == "benefit" else row["last_year"],
        }
        found = (await self.session.execute(_OBSERVED, values)).first()
        if found is None:
            reason = Label(
                f"指标 {row['indicator']} 尚无观测值",
                f"no value of the indicator {row['indicator']} is recorded",
            )
            return ComputedFigure(reason=reason)
        value, year, job, note = found
        unit, code = row["indicator_unit"], row["indicator"]
        remark = None if note is None else Label(note, note)
        return ComputedFigure(value, unit, "indicator", code, job, year=year, remark=remark)

    async def _evaluated(self, row: Mapping[str, Any]) -> ComputedFigure:
        """Of the newest evaluation of the region, or of one above it, whose layer can be seen."""
        layer, *classes = row["computed_of"]
        met = (DATASETS.live, DATASETS.current, *visibility(DATASETS, self.viewer))
        query = text(
            "SELECT d.code, CAST(d.job_id AS text), d.created_at::date, job.result->'values',"  # noqa: S608 - constants
            " CASE WHEN d.stand_in THEN d.stand_in_note_zh END, d.stand_in_note_en"
            f" FROM {DATASETS.source} JOIN job ON job.id = d.job_id"
            f" WHERE {' AND '.join(met)} AND d.theme = :layer AND d.region_id IN {_ABOVE}"
            " AND job.kind = 'evaluate-ecosystem' AND job.status = 'successful'"
            " ORDER BY (d.region_id = :region) DESC, d.created_at DESC, d.id DESC LIMIT 1"
        )
        values = {"layer": layer, "region": row["region_id"], **viewer_values(self.viewer)}
        found = (await self.session.execute(query, values)).first()
        if found is None:
            title = style_of(layer).title
            return ComputedFigure(
                reason=Label(
                    f"该区域尚无可见的评价结果“{title.zh}”，可用 evaluate-ecosystem 计算",
                    f"no evaluation of the region can be seen ({title.en}); evaluate-ecosystem"
                    " computes one",
                )
            )
        code, job, on, result, note_zh, note_en = found
        if row["computed_by"] == "evaluation_mean":
            means = (result or {}).get("means", {}).get(layer, {})
            value, unit = means.get(row["region"]), means.get("unit")
        else:
            areas = (result or {}).get("areas_km2", {}).get(layer, {}).get(row["region"])
            value = None if areas is None else sum(Decimal(str(areas[one])) for one in classes)
            unit = "km2"
        if value is None:
            reason = Label(
                "该次评价没有此区域的统计，须重新计算",
                "that evaluation tells nothing of this region; compute it anew",
            )
            return ComputedFigure(origin="dataset", code=code, job=job, on=on, reason=reason)
        remark = None if note_zh is None else Label(note_zh, note_en or note_zh)
        return ComputedFigure(Decimal(str(value)), unit, "dataset", code, job, on, remark=remark)

    async def _zones(self, row: Mapping[str, Any]) -> ComputedFigure:
        where = "s.plan_id = :plan" + (" AND c.code = ANY(:of)" if row["computed_of"] else "")
        scheme = await self._summed(ZONES, "z.area_m2", where, row, "min(s.code)")
        return _sum_of(scheme, "zoning", Decimal(1_000_000), "km2", Label("分区", "zone"))

    async def _controls(self, row: Mapping[str, Any]) -> ComputedFigure:
        where = f"ca.kind = ANY(:of) AND ca.region_id IN {_BELOW}"
        found = await self._summed(CONTROL_AREAS, "ca.area_m2", where, row)
        return _sum_of(found, "control_areas", Decimal(1_000_000), "km2", _CONTROL)

    async def _corridors(self, row: Mapping[str, Any]) -> ComputedFigure:
        found = await self._summed(CORRIDORS, "co.length_m", f"co.region_id IN {_BELOW}", row)
        return _sum_of(found, "corridors", Decimal(1000), "km", Label("廊道", "corridor"))

    async def _outline(self, row: Mapping[str, Any]) -> ComputedFigure:
        query = text("SELECT area_m2 FROM region WHERE id = :region")
        area = await self.session.scalar(query, {"region": row["region_id"]})
        if area is None:
            return ComputedFigure(reason=Label("区域尚未绘制", "nobody has drawn the region"))
        return ComputedFigure(Decimal(str(area)) / 1_000_000, "km2", "regions", row["region"])

    async def _counted(self, row: Mapping[str, Any]) -> ComputedFigure:
        (what,) = row["computed_of"]
        values = {"plan": self.plan.id, **viewer_values(self.viewer)}
        if what == "zones":
            count = (await self._summed(ZONES, "z.area_m2", "s.plan_id = :plan", row))[0]
        elif what == "projects":
            seen = f"WITH {projects_of_plan(self.viewer)} SELECT count(*) FROM seen"  # noqa: S608 - constants
            count = await self.session.scalar(text(seen), values)
        else:
            count = await self.session.scalar(text(_ROWS[what]), {"plan": self.plan.id})
        return ComputedFigure(Decimal(count), None, what, rows=count)

    async def _mines(self, row: Mapping[str, Any]) -> ComputedFigure:
        curve = await mines.read_stock(
            self.session, self.viewer, region=row["region"], plan_id=None
        )
        restored = sum((year.restored_ha for year in curve.years), Decimal(0))
        return ComputedFigure(restored, "ha", "mines")

    async def _work(self, row: Mapping[str, Any]) -> ComputedFigure:
        """What the benefit's projects did of a measure, or all of the plan where none are named."""
        own = ("pj.id = ANY(:own)",) if row["project_ids"] else ()
        query = text(
            f"WITH {projects_of_plan(self.viewer, *own)} SELECT count(*), min(m.unit),"  # noqa: S608 - constants
            " count(DISTINCT m.unit), sum(coalesce(m.done, 0)) FROM seen s"
            " JOIN project_measure m ON m.project_id = s.id WHERE m.measure = :measure"
        )
        (measure,) = row["computed_of"]
        values = {"plan": self.plan.id, "measure": measure, **viewer_values(self.viewer)}
        values |= {"own": row["project_ids"]} if own else {}
        count, unit, units, done = (await self.session.execute(query, values)).one()
        if units != 1:
            return ComputedFigure(
                reason=Label(
                    f"项目没有以同一单位填报措施 {measure!r}",
                    f"no projects report the measure {measure!r} in one unit",
                )
            )
        return ComputedFigure(Decimal(str(done)), unit, "projects", rows=count)

    async def _summed(
        self,
        entity: Entity,
        amount: str,
        where: str,
        row: Mapping[str, Any],
        code: str = "NULL",
    ) -> tuple[int, int, Decimal | None, str | None]:
        """How many rows there are, how many are drawn, their sum, and a code."""
        # Drafts stand beside what they are to replace: whoever sees both would count twice.
        seen = visibility(entity, self.viewer)
        met = (entity.live, entity.current, entity.published, *seen, where)
        query = text(
            f"SELECT count(*), count({amount}), sum(CAST({amount} AS numeric)), {code}"  # noqa: S608 - constants
            f" FROM {entity.source} WHERE {' AND '.join(met)}"
        )
        asked = {"plan": self.plan.id, "of": row["computed_of"], "region": row["region_id"]}
        values = {name: value for name, value in asked.items() if f":{name}" in where}
        found = await self.session.execute(query, {**values, **viewer_values(self.viewer)})
        count, drawn, total, name = found.one()
        return count, drawn, total, name


_CONTROL = Label("管控区", "control area")


def _sum_of(
    found: tuple[int, int, Decimal | None, str | None],
    origin: str,
    factor: Decimal,
    unit: str,
    what: Label,
) -> ComputedFigure:
    count, drawn, total, code = found
    if total is None or drawn < count:
        reason = Label(
            f"已登记 {count} 个{what.zh}，其中 {drawn} 个有图形",
            f"of {count} stored ({what.en}) {drawn} are drawn",
        )
        return ComputedFigure(origin=origin, code=code, rows=count, reason=reason)
    return ComputedFigure(total / factor, unit, origin, code, rows=count)
