"""Islands and their uses, outfalls with permits, fishing harbours, and the way of the water."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections import guards
from shanhai.db.compliance.rules import activities
from shanhai.db.features import columns, entity
from shanhai.errors import Fault
from shanhai.vocabulary import Label, Role, Scope

_ISLAND, _OUTFALL = columns.Columns("isl"), columns.Columns("ofl")
_HARBOUR, _LINK = columns.Columns("hb"), columns.Columns("rl")
_WRITERS = frozenset({Role.PLANNER, Role.SUPERVISOR})
_SCOPES = frozenset({Scope.PROJECTS, Scope.WRITE})
KEPT_FROM = frozenset({"mining", "sea_reclamation"})
"""Activities that islands are kept from unless they are among the allowed uses: what counts as one
of them, such as quarrying or sand mining, is refused as well."""
KEPT_CLASSES = ("uninhabited", "protected")
_CLASSES = {term.code: term.label for term in vocabulary.ISLAND_CLASSES}


@guards.of_values
async def uses_are_known(session: AsyncSession, change: entity.PendingWrite) -> Sequence[Fault]:
    """What an island may be used for are activities of the rules."""
    known = activities().known
    return [
        Fault(
            f"/properties/allowed_uses/{place}",
            f"{use!r} is not a known activity; see /compliance/activities",
            f"{use!r} 不是已知活动，见 /compliance/activities",
        )
        for place, use in enumerate((change.after or {}).get("allowed_uses") or [])
        if use not in known
    ]


_OBSERVABLE = text("SELECT code, unit, low, high FROM observed_property WHERE code = ANY (:codes)")


@guards.of_values
async def limits_are_of_properties(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """A permit limits what can be observed, each by a number of the property's unit and range."""
    limits = (change.after or {}).get("limits") or {}
    if limits == (change.before or {}).get("limits"):
        return ()
    found = await session.execute(_OBSERVABLE, {"codes": list(limits)})
    known = {row.code: row for row in found}
    rules = {name: _limit_rule(value, known.get(name)) for name, value in limits.items()}
    return [
        Fault(
            f"/properties/limits/{name}",
            f"limits.{name}: {limits[name]!r}: {rule.en}",
            f"limits.{name}：{limits[name]!r}：{rule.zh}",
        )
        for name, rule in rules.items()
        if rule is not None
    ]


def _limit_rule(value: object, of: Any) -> Label | None:
    """The rule that the limit of a property breaks."""
    if of is None:
        return Label(
            "该代码不是观测属性，见 /properties",
            "no observed property has this code; see /properties",
        )
    unit = "" if of.unit == "1" else f" {of.unit}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return Label(f"须为数值{unit}", f"must be a number{unit and f' of{unit}'}")
    if of.low <= value <= of.high:
        return None
    return Label(
        f"须在 {of.low:g} 至 {of.high:g}{unit} 之间",
        f"must lie between {of.low:g} and {of.high:g}{unit}",
    )


_KEEPING = text(
    "SELECT isl.code, isl.class_code, isl.allowed_uses"
    " FROM island isl JOIN project pj ON pj.id = :project"
    " WHERE isl.deleted_at IS NULL AND (isl.valid_to IS NULL OR isl.valid_to > current_date)"
    " AND isl.class_code = ANY (:classes) AND isl.geom && pj.geom"
    " AND ST_Intersects(isl.geom, pj.geom) AND NOT ST_Touches(isl.geom, pj.geom)"
    " ORDER BY isl.code"
)


async def island_refusal(session: AsyncSession, project_id: int, measure: str) -> Label | None:
    """Why a measure of a project is refused on an island it lies on; None where it is not."""
    counts_as = activities().distances(measure).keys()
    if not KEPT_FROM & counts_as:
        return None
    asked = {"project": project_id, "classes": [*KEPT_CLASSES]}
    for code, class_code, allowed in await session.execute(_KEEPING, asked):
        if not counts_as & set(allowed):
            name = activities().name_of(measure)
            kind = _CLASSES[class_code]
            return Label(
                f"项目位于岛屿 {code!r}（{kind.zh}），不得{name.zh}",
                f"the project lies on the island {code!r} ({kind.en.lower()}):"
                f" no {name.en.lower()} there",
            )
    return None


_MEASURES = text("SELECT measure FROM project_measure WHERE project_id = :project ORDER BY measure")


async def island_refusals(session: AsyncSession, project_id: int) -> Sequence[Label]:
    """Why measures of a project are refused on islands it lies on, where its shape came later."""
    measures = (await session.scalars(_MEASURES, {"project": project_id})).all()
    told = [await island_refusal(session, project_id, measure) for measure in measures]
    return [one for one in told if one is not None]


ISLANDS = entity.Entity(
    name="islands",
    title=Label("海岛与江心岛", "Islands"),
    description=Label(
        "海岛和江心岛名录：类别与允许的利用方式；未绘制的没有几何。",
        "The register of islands in the sea and in rivers: their class, and what they may be used"
        " for; without shape until drawn.",
    ),
    table="island",
    alias="isl",
    joins=(
        " LEFT JOIN region r ON r.id = isl.region_id"
        " LEFT JOIN named_feature nf ON nf.id = isl.feature_id"
        " LEFT JOIN problem b ON b.id = isl.problem_id"
    ),
    geometry_type="geometry-multipolygon",
    geometry_column="geom",
    published="true",
    properties=(
        _ISLAND.code,
        *_ISLAND.names(),
        _ISLAND.choice("waters", vocabulary.ISLAND_WATERS, Label("水域", "Waters"), required=True),
        _ISLAND.choice(
            "class", vocabulary.ISLAND_CLASSES, Label("类别", "Class"), column="class_code"
        ),
        _ISLAND.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _ISLAND.reference(
            "feature", "nf.code", Label("命名地物", "Named feature"), to="named_features"
        ),
        _ISLAND.reference("problem", "b.code", Label("对应问题", "Problem"), to="problems").of_some,
        _ISLAND.queryable("allowed_uses", entity.TEXTS, Label("允许的活动", "Allowed uses")),
        _ISLAND.area,
        _ISLAND.source,
        _ISLAND.fields,
        *_ISLAND.period,
    ),
    editing=entity.Editing(roles=_WRITERS, scopes=_SCOPES, guards=(guards.PERIOD, uses_are_known)),
)

OUTFALLS = entity.Entity(
    name="outfalls",
    title=Label("入河入海排污口", "Outfalls"),
    description=Label(
        "入河、入海排污口及其许可、责任主体和监测站点。",
        "Where water is let into rivers and the sea: who does, by which permit, and where it is"
        " observed.",
    ),
    table="outfall",
    alias="ofl",
    joins=(
        " LEFT JOIN region r ON r.id = ofl.region_id"
        " LEFT JOIN party o ON o.id = ofl.discharger_id"
        " LEFT JOIN station s ON s.id = ofl.station_id"
    ),
    geometry_type="geometry-point",
    geometry_column="geom",
    published="true",
    properties=(
        _OUTFALL.code,
        *_OUTFALL.names(),
        _OUTFALL.choice("kind", vocabulary.OUTFALL_KINDS, Label("类型", "Kind"), required=True),
        _OUTFALL.reference(
            "region", "r.code", Label("受纳水域", "Receiving waters"), to="regions", required=True
        ),
        _OUTFALL.reference("discharger", "o.code", Label("责任主体", "Discharger"), to="parties"),
        _OUTFALL.reference("station", "s.code", Label("监测站点", "Station"), to="stations"),
        _OUTFALL.queryable("permit", entity.TEXT, Label("许可证号", "Permit")),
        _OUTFALL.queryable("permit_from", entity.DATE, Label("许可起始日", "Permit from")),
        _OUTFALL.queryable("permit_until", entity.DATE, Label("许可截止日", "Permit until")),
        _OUTFALL.column("limits", entity.OBJECT, Label("排放限值", "Limits")),
        _OUTFALL.source,
        _OUTFALL.fields,
        *_OUTFALL.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS,
        scopes=_SCOPES,
        guards=(
            guards.PERIOD,
            guards.in_order("permit_from", "permit_until", "许可截止日不得早于起始日"),
            limits_are_of_properties,
        ),
    ),
)

FISHING_HARBOURS = entity.Entity(
    name="fishing_harbours",
    title=Label("渔港", "Fishing harbours"),
    description=Label("渔港及其等级和泊位。", "Harbours of fishing boats, their grade and berths."),
    table="fishing_harbour",
    alias="hb",
    joins=(" LEFT JOIN region r ON r.id = hb.region_id LEFT JOIN party o ON o.id = hb.operator_id"),
    geometry_type="geometry-any",
    geometry_column="geom",
    published="true",
    properties=(
        _HARBOUR.code,
        *_HARBOUR.names(),
        _HARBOUR.choice("grade", vocabulary.HARBOUR_GRADES, Label("等级", "Grade")),
        _HARBOUR.reference(
            "region", "r.code", Label("区域", "Region"), to="regions", required=True
        ),
        _HARBOUR.reference("operator", "o.code", Label("运营单位", "Operator"), to="parties"),
        _HARBOUR.queryable("berths", columns.ORDER, Label("泊位数", "Berths")),
        _HARBOUR.area,
        _HARBOUR.source,
        _HARBOUR.fields,
        *_HARBOUR.period,
    ),
    editing=entity.Editing(roles=_WRITERS, scopes=_SCOPES, guards=(guards.PERIOD,)),
)

REGION_LINKS = entity.Entity(
    name="region_links",
    title=Label("上下游关系", "Upstream and downstream"),
    description=Label(
        "水流自上而下经过的村庄、河流、断面与海湾，每一处指向其下游。",
        "The villages, rivers, sections and bays on the way of the water, each with the next below"
        " it.",
    ),
    table="region_link",
    alias="rl",
    joins=(
        " LEFT JOIN region r ON r.id = rl.region_id LEFT JOIN station s ON s.id = rl.station_id"
        " LEFT JOIN region_link lower ON lower.id = rl.flows_to_id"
    ),
    published="true",
    path="/region-links",
    properties=(
        _LINK.code,
        *_LINK.names(),
        _LINK.choice("kind", vocabulary.REGION_LINK_KINDS, Label("类型", "Kind"), required=True),
        _LINK.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _LINK.reference("flows_to", "lower.code", Label("流入", "Flows to"), to="region_links"),
        _LINK.reference("station", "s.code", Label("交接断面", "Section"), to="stations"),
        _LINK.source,
        *_LINK.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS,
        scopes=_SCOPES,
        guards=(
            guards.RECORD_PERIOD,
            guards.no_circle("region_link", "flows_to_id", "flows_to", under=""),
        ),
    ),
)
