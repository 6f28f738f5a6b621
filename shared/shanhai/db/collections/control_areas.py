"""Control lines and protected or sensitive areas."""

from shanhai.db.collections.guards import PERIOD, computed_by_jobs
from shanhai.db.collections.joint_plans import PARTNERS, within_joint_plan
from shanhai.db.features.columns import (
    IN_FORCE,
    PUBLIC_EDITION,
    Columns,
    as_of,
    choice,
    current,
    square_kilometres,
)
from shanhai.db.features.entity import (
    BOOLEAN,
    NUMBER,
    TEXT,
    Editing,
    Entity,
    Lifecycle,
    Property,
    Step,
)
from shanhai.vocabulary import (
    CONTROL_KINDS,
    CONTROL_LEVELS,
    CONTROL_STATUSES,
    ORIGINS,
    Label,
    Role,
)

_OWN = Columns("ca")
_APPROVER = frozenset({Role.APPROVER})

CONTROL_AREAS = Entity(
    name="control_areas",
    title=Label("管控线", "Control areas"),
    description=Label(
        "红线、农田、城镇开发边界、自然保护地、岸线、海岛等，含级别、法律依据与划定版本。",
        "Red line, farmland, urban boundary, protected areas, shoreline, islands and the like, with"
        " level, legal basis and delimitation.",
    ),
    table="control_area",
    alias="ca",
    joins=" LEFT JOIN region r ON r.id = ca.region_id LEFT JOIN plan p ON p.id = ca.plan_id",
    code="ca.code",
    geometry="ca.geom",
    geometry_type="geometry-any",
    geometry_column="geom",
    live="ca.deleted_at IS NULL",
    published=f"ca.status = 'published' AND {PUBLIC_EDITION}",
    public="ca.is_public",
    current=current("ca"),
    as_of=as_of("ca"),
    in_force=IN_FORCE,
    region="ca.region_id",
    partners=PARTNERS,
    interval=_OWN.interval,
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.column(
            "kind", choice(CONTROL_KINDS), Label("类型", "Kind"), queryable=True, required=True
        ),
        _OWN.column("class", TEXT, Label("分类", "Class"), column="class_code", queryable=True),
        _OWN.column("level", choice(CONTROL_LEVELS), Label("级别", "Level"), queryable=True),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _OWN.copied_from("control_area"),
        _OWN.column("legal_basis", TEXT, Label("法律依据", "Legal basis")),
        _OWN.column("delimitation", TEXT, Label("划定版本", "Delimitation"), queryable=True),
        _OWN.column(
            "approved_area_km2",
            {**NUMBER, "minimum": 0},
            Label("批准面积", "Approved area"),
            unit="km2",
        ),
        square_kilometres("area_km2", "ca.area_m2", Label("面积", "Area")),
        Property(
            "length_km",
            "round((ca.length_m / 1e3)::numeric, 4)",
            NUMBER,
            Label("长度", "Length"),
            unit="km",
        ),
        _OWN.column("status", choice(CONTROL_STATUSES), Label("状态", "Status"), queryable=True),
        _OWN.column("public", BOOLEAN, Label("公开", "Public"), column="is_public", queryable=True),
        _OWN.column("origin", choice(ORIGINS), Label("来源方式", "Origin"), queryable=True),
        _OWN.job,
        _OWN.source,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=Editing(
        roles=frozenset({Role.PLANNER}),
        lifecycle=Lifecycle(
            property="status",
            initial="draft",
            steps=(
                Step("draft", "published", _APPROVER),
                Step("published", "draft", _APPROVER),
            ),
        ),
        guards=(PERIOD, computed_by_jobs, within_joint_plan()),
    ),
)
