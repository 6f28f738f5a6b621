"""Patterns of protection and restoration, and their components."""

from shanhai.db.collections.guards import DRAWN, PERIOD, RECORD_PERIOD, no_circle
from shanhai.db.collections.joint_plans import PARTNERS, within_joint_plan
from shanhai.db.features.columns import (
    IN_FORCE,
    ORDER,
    PUBLIC_EDITION,
    Columns,
    as_of,
    choice,
    current,
    square_kilometres,
)
from shanhai.db.features.entity import (
    INTEGER,
    NUMBER,
    TEXT,
    TEXTS,
    Editing,
    Entity,
    Property,
)
from shanhai.vocabulary import CERTAINTIES, OBJECT_STATUSES, Label, Role

_PATTERN, _PART = Columns("pt"), Columns("pc")
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
    code="pt.code",
    live="pt.deleted_at IS NULL",
    published=_PUBLISHED,
    current=f"{current('pt')} AND pt.status <> 'superseded'",
    as_of=as_of("pt"),
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    region="pt.region_id",
    partners=PARTNERS,
    interval=_PATTERN.interval,
    path="/patterns",
    properties=(
        _PATTERN.code,
        *_PATTERN.names(),
        _PATTERN.column("level", TEXT, Label("层级", "Level"), queryable=True),
        _PATTERN.reference(
            "region", "r.code", Label("区域", "Region"), to="regions", required=True
        ),
        _PATTERN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _PATTERN.copied_from("pattern"),
        _PATTERN.column(
            "version", {**INTEGER, "minimum": 1}, Label("版本", "Version"), queryable=True
        ),
        _PATTERN.column("status", choice(OBJECT_STATUSES), Label("状态", "Status"), queryable=True),
        _PATTERN.attribute("principle_zh", TEXT, Label("原则", "Principle, zh")),
        _PATTERN.attribute("principle_en", TEXT, Label("原则(英)", "Principle, en")),
        _PATTERN.source,
        *_PATTERN.period,
    ),
    editing=Editing(roles=_WRITERS, lifecycle=DRAWN, guards=(RECORD_PERIOD, within_joint_plan(""))),
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
    code="pc.code",
    geometry="pc.geom",
    geometry_type="geometry-any",
    geometry_column="geom",
    live="pc.deleted_at IS NULL AND pt.deleted_at IS NULL",
    published=_PUBLISHED,
    current=f"{current('pc')} AND pt.status <> 'superseded'",
    as_of=as_of("pc"),
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    region="pt.region_id",
    partners=PARTNERS,
    interval=_PART.interval,
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
        Property(
            "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
        ),
        Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference"),
        _PART.copied_from("pattern_component"),
        Property(
            "status", "pt.status", choice(OBJECT_STATUSES), Label("状态", "Status"), queryable=True
        ),
        _PART.column("type", TEXT, Label("类型", "Type"), queryable=True, required=True),
        _PART.column("order", ORDER, Label("序号", "Order"), column="order_no", queryable=True),
        _PART.column(
            "certainty", choice(CERTAINTIES), Label("确定性", "Certainty"), queryable=True
        ),
        _PART.column("label_zh", TEXT, Label("标签", "Label, zh")),
        _PART.column("label_en", TEXT, Label("标签(英)", "Label, en")),
        _PART.column("covers", TEXTS, Label("涵盖要素", "Covers")),
        square_kilometres("area_km2", "pc.area_m2", Label("面积", "Area")),
        Property(
            "length_km",
            "round((pc.length_m / 1e3)::numeric, 4)",
            NUMBER,
            Label("长度", "Length"),
            unit="km",
        ),
        _PART.source,
        _PART.fields,
        *_PART.period,
    ),
    editing=Editing(
        roles=_WRITERS, guards=(PERIOD, no_circle("pattern_component", "parent_id", "parent"))
    ),
)
