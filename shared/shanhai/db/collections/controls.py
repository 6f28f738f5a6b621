"""Control lines and protected areas; what may be done where, and the classes of zonings."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections import guards
from shanhai.db.collections.joint_plans import PARTNERS, stays_once_decided, within_joint_plan
from shanhai.db.collections.notices import heard_before
from shanhai.db.features import entity
from shanhai.db.features.columns import (
    IN_FORCE,
    NAME,
    PUBLIC_EDITION,
    Columns,
    choice,
    current,
    holds_on,
)
from shanhai.errors import Fault
from shanhai.vocabulary import (
    CONTROL_KINDS,
    CONTROL_LEVELS,
    CONTROL_STATUSES,
    DECISIONS,
    FIGURE_COMPARATORS,
    ORIGINS,
    RULE_SCOPES,
    Label,
    Role,
)

_OWN = Columns("ca")
_APPROVER = frozenset({Role.APPROVER})

CONTROL_AREAS = entity.Entity(
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
    geometry_type="geometry-any",
    geometry_column="geom",
    published=f"ca.status = 'published' AND {PUBLIC_EDITION}",
    public=_OWN.public,
    signed_in=_OWN.signed_in,
    in_force=IN_FORCE,
    partners=PARTNERS,
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.choice("kind", CONTROL_KINDS, Label("类型", "Kind"), required=True),
        _OWN.queryable("class", entity.TEXT, Label("分类", "Class"), column="class_code"),
        _OWN.choice("level", CONTROL_LEVELS, Label("级别", "Level")),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _OWN.copied_from("control_area"),
        _OWN.column("legal_basis", entity.TEXT, Label("法律依据", "Legal basis")),
        _OWN.queryable("delimitation", entity.TEXT, Label("划定版本", "Delimitation")),
        _OWN.column(
            "approved_area_km2",
            {**entity.NUMBER, "minimum": 0},
            Label("批准面积", "Approved area"),
            unit="km2",
        ),
        _OWN.attribute(
            "comparator",
            choice(FIGURE_COMPARATORS),
            Label("批准面积的含义", "What the approved area means"),
        ),
        _OWN.area,
        _OWN.length,
        _OWN.choice("status", CONTROL_STATUSES, Label("状态", "Status")),
        *_OWN.access,
        _OWN.choice("origin", ORIGINS, Label("来源方式", "Origin")),
        _OWN.job,
        _OWN.source,
        _OWN.fields,
        *_OWN.period,
    ),
    editing=entity.Editing(
        roles=frozenset({Role.PLANNER}),
        lifecycle=entity.Lifecycle(
            property="status",
            initial="draft",
            steps=(
                entity.Step("draft", "published", _APPROVER),
                entity.Step("published", "draft", _APPROVER),
            ),
        ),
        guards=(
            guards.PERIOD,
            guards.AS_CLASSIFIED,
            guards.computed_by_jobs,
            within_joint_plan(),
            stays_once_decided,
            heard_before("control_areas", "status", "published"),
        ),
    ),
)


_CLASS, _RULE = Columns("c"), Columns("cr")
_WRITERS = frozenset({Role.PLANNER, Role.APPROVER})

ACTIVITY_RULES = f"""coalesce((
    SELECT jsonb_agg(jsonb_build_object(
             'code', rule.code, 'activity', rule.activity,
             'activity_zh', rule.activity_zh, 'activity_en', rule.activity_en,
             'decision', rule.decision, 'conditions', rule.conditions,
             'legal_basis', rule.legal_basis) ORDER BY rule.code)
      FROM control_rule rule LEFT JOIN plan p ON p.id = rule.plan_id
     WHERE rule.scope = 'zone_class' AND rule.subject = c.code
       AND rule.deleted_at IS NULL AND {current("rule")}
       AND {holds_on(IN_FORCE, "current_date")}), '[]'::jsonb)"""  # noqa: S608
"""The rules of a class that are in force today; those of `CONTROL_RULES` with its code."""

ZONE_CLASSES = entity.Entity(
    name="zone_classes",
    title=Label("分区类别", "Zone classes"),
    description=Label(
        "各类分区方案的类别、特征与管控要求。",
        "The classes of each kind of zoning, with traits and requirement.",
    ),
    table="zone_class",
    alias="c",
    published="true",
    region=None,
    path="/zone-classes",
    properties=(
        _CLASS.code,
        _CLASS.queryable("scheme_kind", NAME, Label("方案类型", "Kind of scheme"), required=True),
        _CLASS.queryable(
            "class_code",
            {**entity.TEXT, "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]*$", "maxLength": 80},
            Label("类别代码", "Class code"),
            required=True,
        ),
        _CLASS.queryable(
            "value",
            {**entity.INTEGER, "minimum": 1, "maximum": 255},
            Label("类别序号", "Class number"),
            column="order_no",
            required=True,
        ),
        _CLASS.queryable("group", entity.TEXT, Label("类组", "Group"), column="group_code"),
        *_CLASS.names(),
        _CLASS.column(
            "color", {**entity.TEXT, "pattern": "^#[0-9a-fA-F]{6}$"}, Label("颜色", "Colour")
        ),
        *_CLASS.both("requirement", Label("管控要求", "Requirement")),
        _CLASS.column("text_official", entity.TEXT, Label("官方原文", "Official text")),
        *_CLASS.both("traits", Label("特征", "Traits")),
        _CLASS.queryable("relation", entity.TEXT, Label("供需关系", "Supply and demand")),
        _CLASS.column("restoration_modes", entity.TEXTS, Label("修复方式", "Modes of restoration")),
        entity.Property(
            "activity_rules",
            ACTIVITY_RULES,
            entity.OBJECTS,
            Label("活动准入", "What is decided about activities"),
        ),
        _CLASS.source,
        *_CLASS.period,
    ),
    editing=entity.Editing(roles=_WRITERS, guards=(guards.RECORD_PERIOD,)),
)


@guards.of_values
async def whose_place_is_told(
    session: AsyncSession, change: entity.PendingWrite
) -> Sequence[Fault]:
    """Outside a line needs the kind of line, and classes are those of control areas."""
    after = change.after or {}
    if after.get("scope") == "outside_control_area" and after.get("subject") is None:
        return (Fault("/subject", "must be a kind of control area", "必须是管控线类型"),)
    if after.get("classes") and after.get("scope") != "control_area":
        return (Fault("/classes", "are of control areas only", "仅适用于管控线"),)
    return ()


CONTROL_RULES = entity.Entity(
    name="control_rules",
    title=Label("管控规则", "Control rules"),
    description=Label(
        "按管控线或分区类别对活动的规定。",
        "What is decided about activities in control areas and classes of zones.",
    ),
    table="control_rule",
    alias="cr",
    joins=" LEFT JOIN region r ON r.id = cr.region_id LEFT JOIN plan p ON p.id = cr.plan_id",
    published=PUBLIC_EDITION,
    in_force=IN_FORCE,
    partners=PARTNERS,
    path="/control-rules",
    properties=(
        _RULE.code,
        _RULE.choice("scope", RULE_SCOPES, Label("适用范围", "Scope"), required=True),
        _RULE.queryable("subject", entity.TEXT, Label("适用对象", "Subject")),
        _RULE.reference("region", "r.code", Label("区域", "Region"), to="regions"),
        _RULE.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _RULE.copied_from("control_rule"),
        _RULE.queryable("activity", NAME, Label("活动", "Activity"), required=True),
        *_RULE.both("activity", Label("活动名称", "Activity")),
        _RULE.choice("decision", DECISIONS, Label("规定", "Decision"), required=True),
        _RULE.column("conditions", entity.TEXTS, Label("条件", "Conditions")),
        _RULE.column("legal_basis", entity.TEXT, Label("法律依据", "Legal basis")),
        *_RULE.both("text", Label("说明", "Text")),
        _RULE.column("text_official", entity.TEXT, Label("官方原文", "Official text")),
        _RULE.attribute("covers", entity.TEXTS, Label("另适用的活动", "Further activities")),
        _RULE.attribute("classes", entity.TEXTS, Label("管控线分类", "Classes of control areas")),
        _RULE.attribute("confirm", entity.BOOLEAN, Label("待确认", "To be confirmed")),
        _RULE.source,
        _RULE.attribute("source_zh", entity.TEXT, Label("来源（中文）", "Source, zh")),
        *_RULE.period,
    ),
    editing=entity.Editing(
        roles=_WRITERS, guards=(guards.RECORD_PERIOD, whose_place_is_told, stays_once_decided)
    ),
)
