"""Patterns of protection and restoration, their components, corridors and nodes."""

from dataclasses import replace

from shanhai.db.collections.guards import DRAWN, PERIOD, RECORD_PERIOD, computed_by_jobs, no_circle
from shanhai.db.collections.joint_plans import PARTNERS, stays_once_decided, within_joint_plan
from shanhai.db.features.columns import (
    IN_FORCE,
    ORDER,
    POSITIVE,
    PUBLIC_EDITION,
    Columns,
    choice,
    current,
)
from shanhai.db.features.entity import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    Editing,
    Entity,
    Property,
)
from shanhai.vocabulary import (
    CERTAINTIES,
    CORRIDOR_CLASSES,
    CORRIDOR_TYPES,
    NODE_KINDS,
    OBJECT_STATUSES,
    ORIGINS,
    Label,
    Role,
)

_PATTERN, _PART = Columns("pt"), Columns("pc")
_OF_PLAN = (within_joint_plan(""), stays_once_decided)
_WRITERS = frozenset({Role.PLANNER, Role.ANALYST})
_PUBLISHED = f"pt.status IN ('published', 'superseded') AND {PUBLIC_EDITION}"

PATTERNS = Entity(
    name="patterns",
    title=Label("格局", "Patterns"),
    description=Label(
        "生态保护修复格局：区域与市域的总体结构。",
        "Patterns of protection and restoration, of the wider region and of the city.",
    ),
    table="pattern",
    alias="pt",
    joins=" LEFT JOIN region r ON r.id = pt.region_id LEFT JOIN plan p ON p.id = pt.plan_id",
    published=_PUBLISHED,
    current=f"{current('pt')} AND pt.status <> 'superseded'",
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    partners=PARTNERS,
    path="/patterns",
    properties=(
        _PATTERN.code,
        *_PATTERN.names(),
        _PATTERN.queryable("level", TEXT, Label("层级", "Level")),
        _PATTERN.reference(
            "region", "r.code", Label("区域", "Region"), to="regions", required=True
        ),
        _PATTERN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _PATTERN.copied_from("pattern"),
        _PATTERN.queryable("version", {**INTEGER, "minimum": 1}, Label("版本", "Version")),
        _PATTERN.choice("status", OBJECT_STATUSES, Label("状态", "Status")),
        *_PATTERN.both("principle", Label("原则", "Principle"), attribute=True),
        _PATTERN.attribute("set_by", TEXT, Label("提出该格局的规划", "Plan that sets it")),
        _PATTERN.attribute("note", TEXT, Label("说明", "Note")),
        _PATTERN.source,
        *_PATTERN.period,
    ),
    editing=Editing(roles=_WRITERS, lifecycle=DRAWN, guards=(RECORD_PERIOD, *_OF_PLAN)),
)

PATTERN_COMPONENTS = Entity(
    name="pattern_components",
    title=Label("格局要素", "Pattern components"),
    description=Label(
        "格局中的屏障、带、湾、廊道和节点；原文未绘制的没有几何。",
        "The screens, belts, bays, corridors and points of a pattern; without geometry where no"
        " source draws them.",
    ),
    table="pattern_component",
    alias="pc",
    joins=(
        " JOIN pattern pt ON pt.id = pc.pattern_id"
        " LEFT JOIN region r ON r.id = pt.region_id LEFT JOIN plan p ON p.id = pt.plan_id"
        " LEFT JOIN pattern_component parent ON parent.id = pc.parent_id"
    ),
    geometry_type="geometry-any",
    geometry_column="geom",
    live="pc.deleted_at IS NULL AND pt.deleted_at IS NULL",
    published=_PUBLISHED,
    current=f"{current('pc')} AND pt.status <> 'superseded'",
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    region="pt.region_id",
    partners=PARTNERS,
    properties=(
        _PART.code,
        *_PART.names(),
        _PART.reference(
            "pattern", "pt.code", Label("格局", "Pattern"), to="patterns", required=True
        ),
        Property("pattern_name_zh", "pt.name_zh", TEXT, Label("格局名称", "Pattern name, zh")),
        Property("pattern_name_en", "pt.name_en", TEXT, Label("格局英文名称", "Pattern name, en")),
        _PART.reference(
            "parent", "parent.code", Label("上级要素", "Parent component"), to="pattern_components"
        ),
        _PART.shown_region,
        Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference"),
        _PART.copied_from("pattern_component"),
        Property(
            "status", "pt.status", choice(OBJECT_STATUSES), Label("状态", "Status"), queryable=True
        ),
        _PART.queryable("type", TEXT, Label("类型", "Type"), required=True),
        _PART.order,
        _PART.choice("certainty", CERTAINTIES, Label("确定性", "Certainty")),
        *_PART.both("label", Label("标签", "Label")),
        _PART.column("covers", TEXTS, Label("涵盖要素", "Covers")),
        *_PART.both("role", Label("作用", "Role"), attribute=True),
        *_PART.both("rule", Label("划定规则", "Rule"), attribute=True),
        _PART.attribute("count_stated", ORDER, Label("载明数量", "Stated number")),
        _PART.attribute("complete", BOOLEAN, Label("已列全", "All are listed")),
        _PART.attribute("members_of", TEXT, Label("成员所在集合", "Collection of its members")),
        _PART.area,
        _PART.length,
        _PART.source,
        _PART.fields,
        *_PART.period,
    ),
    editing=Editing(
        roles=_WRITERS,
        guards=(PERIOD, no_circle("pattern_component", "parent_id", "parent"), stays_once_decided),
    ),
)


_LINE, _NODE = Columns("co"), Columns("n")
_EDITING = Editing(
    roles=frozenset({Role.PLANNER, Role.ANALYST}),
    lifecycle=DRAWN,
    guards=(PERIOD, computed_by_jobs, within_joint_plan(), stays_once_decided),
)

CORRIDORS = Entity(
    name="corridors",
    title=Label("生态廊道", "Corridors"),
    description=Label(
        "绘制或计算的生态廊道：等级、宽度、质量与来源；未绘制的没有几何。",
        "Drawn or computed corridors with class, width, quality and provenance; without geometry"
        " until drawn.",
    ),
    table="corridor",
    alias="co",
    joins=(
        " LEFT JOIN region r ON r.id = co.region_id LEFT JOIN plan p ON p.id = co.plan_id"
        " LEFT JOIN pattern pt ON pt.id = co.pattern_id"
    ),
    geometry_type="geometry-multilinestring",
    geometry_column="geom",
    published=f"co.status IN ('published', 'superseded') AND {PUBLIC_EDITION}",
    current=f"{current('co')} AND co.status <> 'superseded'",
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    partners=PARTNERS,
    properties=(
        _LINE.code,
        *_LINE.names(),
        _LINE.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _LINE.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _LINE.copied_from("corridor"),
        _LINE.reference("pattern", "pt.code", Label("格局", "Pattern"), to="patterns"),
        _LINE.order,
        _LINE.choice("type", CORRIDOR_TYPES, Label("类型", "Type"), required=True),
        _LINE.choice("class", CORRIDOR_CLASSES, Label("等级", "Class"), column="class_code"),
        _LINE.queryable("width_m", POSITIVE, Label("宽度", "Width"), unit="m"),
        _LINE.column("connects", TEXTS, Label("连接对象", "Connects")),
        replace(_LINE.length, queryable=True),
        _LINE.footprint,
        _LINE.attribute("quality", OBJECT, Label("质量", "Quality")),
        _LINE.choice("origin", ORIGINS, Label("来源方式", "Origin")),
        _LINE.job,
        _LINE.choice("status", OBJECT_STATUSES, Label("状态", "Status")),
        _LINE.source,
        _LINE.fields,
        *_LINE.period,
    ),
    editing=_EDITING,
)

CORRIDOR_NODES = Entity(
    name="corridor_nodes",
    title=Label("廊道节点", "Corridor nodes"),
    description=Label(
        "源地、踏脚石、夹点、障碍点、交汇点、鞍部点与断裂点：几何为其上一点，范围另列。",
        "Sources, stepping stones, pinch points, barriers, junctions, saddles and break points: a"
        " point on each, with its outline beside it.",
    ),
    table="corridor_node",
    alias="n",
    joins=" LEFT JOIN region r ON r.id = n.region_id LEFT JOIN plan p ON p.id = n.plan_id",
    geometry_type="geometry-point",
    geometry_column="geom",
    published=f"n.status IN ('published', 'superseded') AND {PUBLIC_EDITION}",
    current=f"{current('n')} AND n.status <> 'superseded'",
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    partners=PARTNERS,
    properties=(
        _NODE.code,
        *_NODE.names(required=False),
        _NODE.choice("kind", NODE_KINDS, Label("类型", "Kind"), required=True),
        _NODE.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _NODE.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _NODE.copied_from("corridor_node"),
        Property(
            "corridors",
            "ARRAY(SELECT of.code FROM corridor of WHERE of.id = ANY(n.corridor_ids)"
            " ORDER BY of.code)",
            TEXTS,
            Label("所属廊道", "Corridors"),
            role="reference",
            column="corridor_ids",
            refers_to="corridors",
        ),
        _NODE.queryable("score", NUMBER, Label("得分", "Score")),
        _NODE.area,
        _NODE.footprint,
        _NODE.attribute("quality", OBJECT, Label("质量", "Quality")),
        _NODE.choice("origin", ORIGINS, Label("来源方式", "Origin")),
        _NODE.job,
        _NODE.choice("status", OBJECT_STATUSES, Label("状态", "Status")),
        _NODE.source,
        _NODE.fields,
        *_NODE.period,
    ),
    editing=_EDITING,
)
