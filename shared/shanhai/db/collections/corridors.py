"""Ecological corridors, and the places they join or fail at."""

from shanhai.db.collections.guards import DRAWN, PERIOD, computed_by_jobs
from shanhai.db.collections.joint_plans import PARTNERS, within_joint_plan
from shanhai.db.features.columns import (
    IN_FORCE,
    ORDER,
    POSITIVE,
    PUBLIC_EDITION,
    Columns,
    as_of,
    choice,
    current,
    square_kilometres,
)
from shanhai.db.features.entity import (
    NUMBER,
    OBJECT,
    TEXTS,
    Editing,
    Entity,
    Property,
)
from shanhai.vocabulary import (
    CORRIDOR_CLASSES,
    CORRIDOR_TYPES,
    NODE_KINDS,
    OBJECT_STATUSES,
    ORIGINS,
    Label,
    Role,
)

_LINE, _NODE = Columns("co"), Columns("n")
_EDITING = Editing(
    roles=frozenset({Role.PLANNER, Role.ANALYST}),
    lifecycle=DRAWN,
    guards=(PERIOD, computed_by_jobs, within_joint_plan()),
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
    code="co.code",
    geometry="co.geom",
    geometry_type="geometry-multilinestring",
    geometry_column="geom",
    live="co.deleted_at IS NULL",
    published=f"co.status IN ('published', 'superseded') AND {PUBLIC_EDITION}",
    current=f"{current('co')} AND co.status <> 'superseded'",
    as_of=as_of("co"),
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    region="co.region_id",
    partners=PARTNERS,
    interval=_LINE.interval,
    properties=(
        _LINE.code,
        *_LINE.names(),
        _LINE.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _LINE.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _LINE.copied_from("corridor"),
        _LINE.reference("pattern", "pt.code", Label("格局", "Pattern"), to="patterns"),
        _LINE.column("order", ORDER, Label("序号", "Order"), column="order_no", queryable=True),
        _LINE.column(
            "type", choice(CORRIDOR_TYPES), Label("类型", "Type"), queryable=True, required=True
        ),
        _LINE.column(
            "class",
            choice(CORRIDOR_CLASSES),
            Label("等级", "Class"),
            column="class_code",
            queryable=True,
        ),
        _LINE.column("width_m", POSITIVE, Label("宽度", "Width"), queryable=True, unit="m"),
        _LINE.column("connects", TEXTS, Label("连接对象", "Connects")),
        Property(
            "length_km",
            "round((co.length_m / 1e3)::numeric, 4)",
            NUMBER,
            Label("长度", "Length"),
            queryable=True,
            unit="km",
        ),
        Property(
            "footprint",
            "ST_AsGeoJSON(co.footprint, 7, 0)::json",
            OBJECT,
            Label("范围", "Footprint"),
        ),
        _LINE.attribute("quality", OBJECT, Label("质量", "Quality")),
        _LINE.column("origin", choice(ORIGINS), Label("来源方式", "Origin"), queryable=True),
        _LINE.job,
        _LINE.column("status", choice(OBJECT_STATUSES), Label("状态", "Status"), queryable=True),
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
    code="n.code",
    geometry="n.geom",
    geometry_type="geometry-point",
    geometry_column="geom",
    live="n.deleted_at IS NULL",
    published=f"n.status IN ('published', 'superseded') AND {PUBLIC_EDITION}",
    current=f"{current('n')} AND n.status <> 'superseded'",
    as_of=as_of("n"),
    history=frozenset({"status"}),
    in_force=IN_FORCE,
    region="n.region_id",
    partners=PARTNERS,
    interval=_NODE.interval,
    properties=(
        _NODE.code,
        *_NODE.names(required=False),
        _NODE.column(
            "kind", choice(NODE_KINDS), Label("类型", "Kind"), queryable=True, required=True
        ),
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
        _NODE.column("score", NUMBER, Label("得分", "Score"), queryable=True),
        square_kilometres("area_km2", "n.area_m2", Label("面积", "Area")),
        Property(
            "footprint",
            "ST_AsGeoJSON(n.footprint, 7, 0)::json",
            OBJECT,
            Label("范围", "Footprint"),
        ),
        _NODE.attribute("quality", OBJECT, Label("质量", "Quality")),
        _NODE.column("origin", choice(ORIGINS), Label("来源方式", "Origin"), queryable=True),
        _NODE.job,
        _NODE.column("status", choice(OBJECT_STATUSES), Label("状态", "Status"), queryable=True),
        _NODE.source,
        _NODE.fields,
        *_NODE.period,
    ),
    editing=_EDITING,
)
