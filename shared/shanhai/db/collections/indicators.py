"""Records: the dictionary of indicators, and the list each plan makes of it."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.collections.guards import RECORD_PERIOD
from shanhai.db.collections.joint_plans import PARTNERS, part_of_the_plan
from shanhai.db.features.columns import NAME, ORDER, Columns, choice, stated_rows
from shanhai.db.features.entity import (
    INTEGER,
    NUMBER,
    OBJECT,
    OBJECTS,
    TEXT,
    Editing,
    Entity,
    Property,
)
from shanhai.vocabulary import INDICATOR_DIRECTIONS, INDICATOR_PROPERTIES, Label, Role

_ENTRY, _LISTED = Columns("i"), Columns("pi")
_WRITERS = frozenset({Role.PLANNER, Role.APPROVER})
_OF_PLAN = "t.plan_id = pi.plan_id AND t.indicator_id = pi.indicator_id"
_NOW = "indicator_target t"
_THEN = f"{stated_rows('indicator_target', 'asked.day')} t"
_TARGETS = (
    "(SELECT coalesce(json_agg(json_build_object('region', tr.code, 'role', t.role,"
    " 'year', t.year, 'value', t.value, 'comparator', t.comparator_printed, 'sense', t.sense,"
    " 'cumulative_from', t.cumulative_from, 'revisable', t.revisable, 'source', t.source)"
    " ORDER BY tr.code, t.year NULLS FIRST, t.role), '[]'::json) FROM {stated}"
    " JOIN region tr ON tr.id = t.region_id"
    " WHERE t.plan_id = pi.plan_id AND t.indicator_id = pi.indicator_id)"
)
_BASE = (
    f" FROM {{stated}} WHERE {_OF_PLAN} AND t.role = 'base'"
    " ORDER BY t.region_id = p.region_id DESC, t.year LIMIT 1)"
)


def _stated(name: str, schema: Mapping[str, Any], title: Label, sql: str) -> Property:
    """A property that figures tell, those of today or of a former day."""
    now, then = (sql.format(stated=stated) for stated in (_NOW, _THEN))
    return Property(name, now, schema, title, former=then)


INDICATORS = Entity(
    name="indicators",
    title=Label("指标", "Indicators"),
    description=Label("指标词典。", "The dictionary of indicators."),
    table="indicator",
    alias="i",
    published="true",
    region=None,
    path="/indicators",
    properties=(
        _ENTRY.code,
        *_ENTRY.names(),
        _ENTRY.queryable("unit", NAME, Label("单位", "Unit"), required=True),
        _ENTRY.choice("property", INDICATOR_PROPERTIES, Label("属性", "Property"), required=True),
        _ENTRY.choice("direction", INDICATOR_DIRECTIONS, Label("方向", "Direction"), required=True),
        _ENTRY.queryable("category", TEXT, Label("类别", "Category")),
        *_ENTRY.both("formula", Label("算法", "Formula")),
        _ENTRY.attribute("least", NUMBER, Label("可能的最小值", "Least value there can be")),
        _ENTRY.attribute("most", NUMBER, Label("可能的最大值", "Greatest value there can be")),
        *_ENTRY.period,
    ),
    editing=Editing(roles=_WRITERS, guards=(RECORD_PERIOD,)),
)

PLAN_INDICATORS = Entity(
    name="plan_indicators",
    title=Label("规划指标", "Indicators of a plan"),
    description=Label(
        "规划的指标表：属性、方向、基期值与目标。",
        "The indicators of a plan with property, direction, base and targets.",
    ),
    table="plan_indicator",
    alias="pi",
    joins=(
        " JOIN plan p ON p.id = pi.plan_id LEFT JOIN indicator i ON i.id = pi.indicator_id"
        " LEFT JOIN party o ON o.id = pi.party_id LEFT JOIN region r ON r.id = pi.region_id"
    ),
    live="pi.deleted_at IS NULL AND p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    region="coalesce(pi.region_id, p.region_id)",
    partners=PARTNERS,
    path="/plans/{plan}/indicators",
    properties=(
        _LISTED.code,
        _LISTED.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _LISTED.reference(
            "region", "r.code", Label("所属部分的区域", "Region whose part it is of"), to="regions"
        ),
        _LISTED.reference(
            "indicator", "i.code", Label("指标", "Indicator"), to="indicators", required=True
        ),
        _LISTED.queryable("order", ORDER, Label("序号", "Order"), column="order_no", required=True),
        Property("name_zh", "i.name_zh", TEXT, Label("中文名称", "Chinese name"), queryable=True),
        Property("name_en", "i.name_en", TEXT, Label("英文名称", "English name"), queryable=True),
        Property("unit", "i.unit", TEXT, Label("单位", "Unit"), queryable=True),
        Property(
            "property",
            "coalesce(pi.property, i.property)",
            choice(INDICATOR_PROPERTIES),
            Label("属性", "Property"),
            queryable=True,
            column="property",
        ),
        Property(
            "direction",
            "i.direction",
            choice(INDICATOR_DIRECTIONS),
            Label("方向", "Direction"),
            queryable=True,
        ),
        _LISTED.queryable("category", TEXT, Label("类别", "Category")),
        _LISTED.column("category_zh", TEXT, Label("类别名称", "Category name, zh")),
        _LISTED.column("category_en", TEXT, Label("类别英文名称", "Category name, en")),
        _LISTED.reference(
            "department", "o.code", Label("责任部门", "Department"), to="parties", column="party_id"
        ),
        _stated("base_year", INTEGER, Label("基期年", "Base year"), f"(SELECT t.year{_BASE}"),
        _stated("base_value", NUMBER, Label("基期值", "Base value"), f"(SELECT t.value{_BASE}"),
        _LISTED.source,
        _LISTED.attribute("floor", OBJECT, Label("底线", "Floor that is not to be passed")),
        _LISTED.attribute(
            "inventory_problem", TEXT, Label("存量所在问题", "Problem that counts its stock")
        ),
        _LISTED.attribute(
            "complement_problem", TEXT, Label("互补的问题", "Problem it is the complement of")
        ),
        _stated("targets", OBJECTS, Label("基期与目标", "Base and targets"), _TARGETS),
        *_LISTED.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER}), guards=(RECORD_PERIOD, part_of_the_plan)),
)
