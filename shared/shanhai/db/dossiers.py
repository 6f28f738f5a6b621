"""The dossier of a region: what is stored of a bay, a basin or a district, put together when asked.

A part has the rows a reader may see that belong to the region or one below it, or lie in its shape.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import shores, titles
from shanhai.db.collections.catalogue import entity_named, seen_by
from shanhai.db.collections.controls import CONTROL_AREAS
from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.collections.duties import DUTIES
from shanhai.db.collections.projects import PROJECTS
from shanhai.db.compliance.rules import activities
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.hierarchy import find_region
from shanhai.db.identity import Viewer
from shanhai.db.observations.aggregation import WATER_STATIONS, water_classes
from shanhai.db.projects.plan_totals import UNDONE
from shanhai.science import water_quality
from shanhai.science.units import unit_name
from shanhai.vocabulary import STATION_KINDS, Label

Row = dict[str, Any]
MOST_ROWS = 500
"""Rows of a part; what is beyond is counted, and found in its collection."""
NAMES = ("code", "name_zh", "name_en")
WITHIN = (
    "({region} = ANY(:below) OR ({shape} && (SELECT geom FROM region WHERE id = :here)"
    " AND ST_Intersects({shape}, (SELECT geom FROM region WHERE id = :here))))"
)
OF_ITS_REGIONS = "{region} = ANY(:below)"
OF_IT_ALONE = "{region} = :here"


@dataclass(frozen=True, slots=True)
class DossierColumn:
    """A column of a part: its member, its title, and the words of its codes."""

    name: str
    title: Label
    unit: str | None = None
    words: Mapping[str, Label] = field(default_factory=dict)
    kind: Literal["text", "number"] = "text"


@dataclass(frozen=True, slots=True)
class DossierPart:
    """A part of a dossier.

    Attributes:
        of: The collection or records its rows are of; None where they are computed.
        total: How many rows there are, of which at most `MOST_ROWS` are here.
    """

    name: str
    title: Label
    columns: Sequence[DossierColumn]
    rows: Sequence[Row]
    total: int
    of: Entity | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """What is stored of a region."""

    code: str
    name: Label
    level: str
    year: int
    parts: Sequence[DossierPart]


@dataclass(frozen=True, slots=True)
class DossierList:
    """A part that lists rows of an entity: members by their declared names."""

    name: str
    title: Label
    entity: Entity
    members: tuple[str, ...]
    where: str = WITHIN
    order: str = "{code}"


_LISTS = (
    DossierList(
        "members",
        Label("组成（自山顶至海洋）", "Members, from the summit to the sea"),
        titles.DEMONSTRATION_MEMBERS,
        ("order", *NAMES, "section", "state", "text_zh", "text_en"),
        OF_IT_ALONE,
        "dm.order_no, {code}",
    ),
    DossierList(
        "titles",
        Label("称号", "Titles"),
        titles.TITLES,
        (*NAMES, "series", "level", "state", "target_year", "year", "document"),
        OF_ITS_REGIONS,
    ),
    DossierList(
        "outfalls",
        Label("排污口", "Outfalls"),
        shores.OUTFALLS,
        (*NAMES, "kind", "discharger", "permit", "permit_until", "station"),
    ),
    DossierList(
        "fishing_harbours",
        Label("渔港", "Fishing harbours"),
        shores.FISHING_HARBOURS,
        (*NAMES, "grade", "berths", "operator"),
    ),
    DossierList(
        "islands",
        Label("海岛与江心岛", "Islands"),
        shores.ISLANDS,
        (*NAMES, "waters", "class", "area_km2"),
    ),
    DossierList(
        "projects",
        Label("项目", "Projects"),
        PROJECTS,
        (*NAMES, "state", "start_year", "end_year", "cost"),
        f"({WITHIN} OR EXISTS (SELECT FROM project_region at WHERE at.project_id = pj.id"
        " AND at.region_id = ANY(:below)))",
    ),
    DossierList(
        "duties",
        Label("职责", "Duties"),
        DUTIES,
        ("plan", *NAMES, "article", "due", "state", "lead", "named"),
        # What an article makes parties do here is what its provision names the region for.
        "EXISTS (SELECT FROM plan_provision said WHERE said.plan_id = du.plan_id"
        " AND said.code = du.code AND said.deleted_at IS NULL AND said.region_ids && :below)",
    ),
)
LISTED = {one.name: one for one in _LISTS}
PARTS = (
    *("members", "scores", "titles", "waters", "shorelines", "outfalls", "results"),
    *("fishing_harbours", "islands", "projects", "measures", "duties"),
)
"""The parts in the order they are read in."""


async def read_dossier(session: AsyncSession, viewer: Viewer, code: str, year: int) -> Dossier:
    """The dossier of a region; classes of water are those of the means of `year`.

    Raises:
        NotFound: there is no such region.
    """
    here = await find_region(session, code)
    asked = {"here": here.id, "below": here.below, "most": MOST_ROWS, **viewer_values(viewer)}
    made = [
        *[await _listed(session, viewer, one, asked) for one in LISTED.values()],
        await _scores(session, here.id),
        await _waters(session, viewer, asked, year),
        await _shorelines(session, viewer, asked),
        await _results(session, viewer, asked),
        await _measures(session, viewer, asked),
    ]
    parts = {part.name: part for part in made if part.rows}
    ordered = [parts[name] for name in PARTS if name in parts]
    return Dossier(code, here.name, here.level, year, ordered)


def _met(entity: Entity, viewer: Viewer, where: str) -> str:
    wanted = where.format(region=entity.region, shape=entity.geometry, code=entity.code)
    return " AND ".join([entity.live, entity.current, *visibility(entity, viewer), wanted])


def _of_listed(name: str, viewer: Viewer) -> str:
    """The rows of a listed part, all of them, as what stands behind FROM."""
    listed = LISTED[name]
    entity = seen_by(listed.entity, viewer)
    return f"{entity.source} WHERE {_met(entity, viewer, listed.where)}"


async def _listed(
    session: AsyncSession, viewer: Viewer, one: DossierList, asked: Mapping[str, Any]
) -> DossierPart:
    entity = seen_by(one.entity, viewer)
    declared = {item.name: item for item in entity.properties}
    wanted = [declared[name] for name in one.members]
    told = ", ".join(f'{item.sql} AS "{item.name}"' for item in wanted)
    order = one.order.format(code=entity.code)
    query = text(
        f"SELECT {told}, count(*) OVER () AS total_rows FROM {entity.source}"  # noqa: S608
        f" WHERE {_met(entity, viewer, one.where)} ORDER BY {order} LIMIT :most"
    )
    rows = (await session.execute(query, asked)).mappings().all()
    columns = [
        DossierColumn(
            item.name,
            item.title,
            item.unit,
            {term.code: term.label for term in item.terms} or await _named(session, item, rows),
            "number" if item.schema["type"] in {"number", "integer"} else "text",
        )
        for item in wanted
    ]
    total = rows[0]["total_rows"] if rows else 0
    found = [{name: _plain(row[name]) for name in one.members} for row in rows]
    return DossierPart(one.name, one.title, columns, found, total, one.entity)


async def _named(
    session: AsyncSession, item: Property, rows: Sequence[Mapping[Any, Any]]
) -> dict[str, Label]:
    """What the rows are called whose codes a member has."""
    if item.refers_to is None:
        return {}
    values = [row[item.name] for row in rows]
    codes = {one for value in values for one in (value if isinstance(value, list) else [value])}
    table = entity_named(item.refers_to).table
    query = text(
        f"SELECT code, name_zh, name_en FROM {table}"  # noqa: S608 - a constant of the declarations
        " WHERE code = ANY(:codes) AND deleted_at IS NULL"
    )
    found = await session.execute(query, {"codes": sorted(codes - {None})})
    return {row.code: Label(row.name_zh, row.name_en) for row in found}


def _plain(value: Any) -> Any:
    """A value as JSON has it; amounts stay exact."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _computed(
    name: str, title: Label, columns: Sequence[DossierColumn], rows: Iterable[Mapping[Any, Any]]
) -> DossierPart:
    listed = [{member: _plain(value) for member, value in row.items()} for row in rows]
    return DossierPart(name, title, columns, listed, len(listed))


def weighted_mean(scores: Iterable[tuple[Decimal, Decimal | None]]) -> Decimal | None:
    """The mean of scores by their weights, to two digits; without a weight one counts as 1."""
    known = [(score, Decimal(1) if weight is None else weight) for score, weight in scores]
    if not known:
        return None
    whole = sum((weight for _, weight in known), Decimal(0))
    return (sum((s * w for s, w in known), Decimal(0)) / whole).quantize(Decimal("0.01"))


_SCORES = text("""
SELECT ds.year, dc.code, dc.name_zh, dc.name_en, dc.weight, ds.score, ds.text_zh, ds.text_en
  FROM demonstration_score ds JOIN demonstration_criterion dc ON dc.id = ds.criterion_id
 WHERE ds.region_id = :here AND ds.deleted_at IS NULL AND dc.deleted_at IS NULL
   AND (ds.valid_to IS NULL OR ds.valid_to > current_date)
 ORDER BY ds.year DESC, dc.order_no, dc.code
""")
_YEAR = DossierColumn("year", Label("年份", "Year"), kind="number")
_NAMES = (
    DossierColumn("code", Label("代码", "Code")),
    DossierColumn("name_zh", Label("中文名称", "Chinese name")),
    DossierColumn("name_en", Label("英文名称", "English name")),
)
OVERALL = Label("综合得分", "Weighted mean")


async def _scores(session: AsyncSession, here: int) -> DossierPart:
    """Scores by year, the newest first, each year with the mean of what was scored in it."""
    rows = (await session.execute(_SCORES, {"here": here})).all()
    found: list[Row] = []
    for year in dict.fromkeys(row.year for row in rows):
        own = [row for row in rows if row.year == year]
        found += [{**row._mapping} for row in own]
        mean = weighted_mean((row.score, row.weight) for row in own)
        told: Row = {"year": year, "name_zh": OVERALL.zh, "name_en": OVERALL.en, "score": mean}
        found.append(dict.fromkeys(found[-1]) | told)
    columns = (
        _YEAR,
        *_NAMES,
        DossierColumn("weight", Label("权重", "Weight"), kind="number"),
        DossierColumn("score", Label("得分", "Score"), kind="number"),
        DossierColumn("text_zh", Label("依据", "What it rests on, zh")),
        DossierColumn("text_en", Label("依据（英文）", "What it rests on, en")),
    )
    return _computed("scores", Label("评分", "Scores"), columns, found)


_CLASSES = {
    code: water_quality.class_label(code)
    for name in water_quality.WATER_STANDARDS
    for standard in [water_quality.load_water_standard(name)]
    for code in (*standard.classes, standard.worse)
}


async def _waters(
    session: AsyncSession, viewer: Viewer, asked: Mapping[str, Any], year: int
) -> DossierPart:
    """The class of the water at each section and station of the sea, by the means of a year."""
    query = text(
        f"SELECT sn.id, sn.code, sn.name_zh, sn.name_en, sn.kind FROM {STATIONS.source}"  # noqa: S608
        f" WHERE {_met(STATIONS, viewer, WITHIN)} AND sn.kind = ANY(:kinds) ORDER BY sn.code"
        " LIMIT :most"
    )
    stations = (await session.execute(query, {**asked, "kinds": [*WATER_STATIONS]})).all()
    found, standards, items = list[Row](), dict[str, Label](), dict[str, Label]()
    for kind, medium in WATER_STATIONS.items():
        own = {one.id: one for one in stations if one.kind == kind}
        if not own:
            continue
        standard = water_quality.water_standard(medium, date(year, 12, 31))
        standards[standard.id] = standard.label
        items |= {item.code: item.label for item in standard.items}
        days = (date(year, 1, 1), date(year, 12, 31))
        for key, water in (await water_classes(session, own, standard, *days)).items():
            found.append(
                {
                    **{name: getattr(own[key], name) for name in (*NAMES, "kind")},
                    "year": year,
                    "class": water.name,
                    "deciding": water.deciding,
                    "months": water.months,
                    "standard": standard.id,
                }
            )
    columns = (
        *_NAMES,
        DossierColumn(
            "kind", Label("类型", "Kind"), words={one.code: one.label for one in STATION_KINDS}
        ),
        _YEAR,
        DossierColumn("class", Label("类别", "Class"), words=_CLASSES),
        DossierColumn("deciding", Label("定类指标", "Deciding items"), words=items),
        DossierColumn("months", Label("有观测的月数", "Months observed"), kind="number"),
        DossierColumn("standard", Label("标准", "Standard"), words=standards),
    )
    title = Label("水质类别（断面均按河流限值）", "Classes of water (sections by limits of rivers)")
    return _computed("waters", title, columns, found)


async def _shorelines(
    session: AsyncSession, viewer: Viewer, asked: Mapping[str, Any]
) -> DossierPart:
    """Length of drawn shoreline by class: of the region, and of what touches its shape."""
    query = text(
        "SELECT ca.class_code AS class, count(*) AS stretches,"  # noqa: S608 - constants
        " round((sum(ca.length_m) / 1e3)::numeric, 3) AS length_km"
        f" FROM {CONTROL_AREAS.source}"
        f" WHERE {_met(CONTROL_AREAS, viewer, WITHIN)} AND ca.kind = 'shoreline'"
        " AND ca.length_m > 0 AND ca.status = 'published'"
        " GROUP BY ca.class_code ORDER BY ca.class_code"
    )
    rows = (await session.execute(query, asked)).mappings()
    # The class that indicators ask for; any other is told as it was written.
    natural = {"natural": Label("自然岸线", "Natural shoreline")}
    columns = (
        DossierColumn("class", Label("岸线类型", "Class"), words=natural),
        DossierColumn("stretches", Label("段数", "Stretches"), kind="number"),
        DossierColumn("length_km", Label("长度", "Length"), "km", kind="number"),
    )
    return _computed("shorelines", Label("岸线", "Shoreline"), columns, rows)


def _unit_of(rows: Iterable[Any]) -> DossierColumn:
    """The column of units, as people write them."""
    codes = {row.unit for row in rows} - {None}
    words = {code: Label(unit_name(code, "zh"), unit_name(code, "en")) for code in codes}
    return DossierColumn("unit", Label("单位", "Unit"), words=words)


YES_NO = {"yes": Label("是", "Yes"), "no": Label("否", "No")}


async def _results(session: AsyncSession, viewer: Viewer, asked: Mapping[str, Any]) -> DossierPart:
    """The last value of each property at the stations of outfalls, beside the permitted limit."""
    seen = " AND ".join((STATIONS.live, *visibility(STATIONS, viewer)))
    query = text(
        "SELECT ofl.code, ofl.name_zh, ofl.name_en, op.code AS property, op.name_zh AS item_zh,"  # noqa: S608
        " op.name_en AS item_en, l.value, op.unit, l.observed_at, count(*) OVER () AS total_rows,"
        " to_char(l.observed_at, 'YYYY-MM-DD HH24:MI') AS minute,"
        " CASE WHEN jsonb_typeof(ofl.limits -> op.code) = 'number'"
        " THEN (ofl.limits ->> op.code)::float8 END AS most"
        f" FROM outfall ofl JOIN ({STATIONS.source}) ON sn.id = ofl.station_id AND {seen}"
        " JOIN observation_latest l ON l.station_id = sn.id"
        " JOIN observed_property op ON op.id = l.property_id"
        f" WHERE ofl.id IN (SELECT {shores.OUTFALLS.alias}.id"
        f" FROM {_of_listed('outfalls', viewer)})"
        " ORDER BY ofl.code, op.code LIMIT :most"
    )
    rows = (await session.execute(query, asked)).all()
    items = {row.property: Label(row.item_zh, row.item_en) for row in rows}
    minutes = {row.observed_at.isoformat(): Label(row.minute, row.minute) for row in rows}
    columns = (
        *_NAMES,
        DossierColumn("property", Label("项目", "Property"), words=items),
        DossierColumn("value", Label("最近值", "Last value"), kind="number"),
        _unit_of(rows),
        DossierColumn("observed_at", Label("时间", "Observed at"), words=minutes),
        DossierColumn("limit", Label("许可限值", "Limit"), kind="number"),
        DossierColumn("exceeded", Label("超限", "Exceeded"), words=YES_NO),
    )
    found = [
        {
            **{name: getattr(row, name) for name in (*NAMES, "property", "value", "unit")},
            "observed_at": row.observed_at.isoformat(),
            "limit": row.most,
            "exceeded": None if row.most is None else "yes" if row.value > row.most else "no",
        }
        for row in rows
    ]
    total = rows[0].total_rows if rows else 0
    title = Label("排污口监测结果", "Results at outfalls")
    return DossierPart("results", title, columns, found, total)


async def _measures(session: AsyncSession, viewer: Viewer, asked: Mapping[str, Any]) -> DossierPart:
    """What the projects that were not given up plan and have done of each measure."""
    query = text(
        "SELECT m.measure, count(*) AS projects, sum(m.planned) AS planned, sum(m.done) AS done,"  # noqa: S608
        " m.unit FROM project_measure m WHERE m.project_id IN"
        f" (SELECT {PROJECTS.alias}.id FROM {_of_listed('projects', viewer)} AND {UNDONE})"
        " GROUP BY m.measure, m.unit ORDER BY m.measure, m.unit"
    )
    rows = (await session.execute(query, asked)).all()
    words = {row.measure: activities().name_of(row.measure) for row in rows}
    columns = (
        DossierColumn("measure", Label("措施", "Measure"), words=words),
        DossierColumn("projects", Label("项目数", "Projects"), kind="number"),
        DossierColumn("planned", Label("计划", "Planned"), kind="number"),
        DossierColumn("done", Label("完成", "Done"), kind="number"),
        _unit_of(rows),
    )
    told = [row._mapping for row in rows]
    return _computed("measures", Label("措施", "Measures"), columns, told)
