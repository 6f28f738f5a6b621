"""Versions of a zoning, and the polygons of their classes."""

from functools import partial
from typing import Any

from shanhai.db.collections import joint_plans, scheme_states
from shanhai.db.collections.guards import PERIOD, computed_by_jobs, made_by, revised_by
from shanhai.db.features.columns import NAME, ORDER, Columns, choice
from shanhai.db.features.entity import (
    BOOLEAN,
    INTEGER,
    NUMBER,
    OBJECT,
    OBJECTS,
    TEXT,
    TEXTS,
    Editing,
    Entity,
    Property,
)
from shanhai.vocabulary import ORIGINS, SCHEME_STATUSES, Label, Role

_SCHEME, _ZONE = Columns("s"), Columns("z")
_WRITERS = frozenset({Role.PLANNER, Role.ANALYST})

LIVE = "s.deleted_at IS NULL"
PUBLISHED = "s.status IN ('published', 'superseded')"
AS_OF = f"{PUBLISHED} AND daterange(s.valid_from, s.valid_to) @> CAST(:as_of AS date)"
# What is superseded without a last day is closed at once.
IN_FORCE = (
    "daterange(s.valid_from, s.valid_to) @> current_date"
    " AND (s.status = 'published' OR s.status = 'superseded' AND s.valid_to IS NOT NULL)"
)
NEWEST = (
    "s.status <> 'superseded' AND NOT EXISTS (SELECT FROM zone_scheme other"
    " WHERE other.code = s.code AND other.deleted_at IS NULL AND CASE other.status"
    " WHEN 'published' THEN true WHEN 'superseded' THEN other.valid_to > current_date"
    " ELSE other.version > s.version END)"
)
CURRENT_SCHEME = f"({IN_FORCE} OR {NEWEST})"
"""The version of a scheme in force today; of one that none is published of, its newest draft."""

OF_PLAN = (
    "NOT EXISTS (SELECT FROM zone_scheme other WHERE other.code = s.code"
    " AND other.plan_id IS NOT DISTINCT FROM s.plan_id AND other.deleted_at IS NULL"
    " AND (other.status = 'published', other.version) > (s.status = 'published', s.version))"
)
"""The version of a scheme that an edition of a plan holds: the published, or else the newest."""

# A draft has no days of its own: it is there from when it was made. What a plan held when it was
# superseded it holds for good.
_THERE = (
    "coalesce(CASE WHEN {s}.status IN ('published', 'superseded') THEN {s}.valid_from"
    " ELSE {s}.created_at::date END <= CAST(:as_of AS date), true)"
)
OF_PLAN_AS_OF = (
    f"{_THERE.format(s='s')} AND NOT EXISTS ("  # noqa: S608 - constants of this code
    "SELECT FROM zone_scheme other WHERE other.code = s.code"
    " AND other.plan_id IS NOT DISTINCT FROM s.plan_id AND other.deleted_at IS NULL"
    f" AND {_THERE.format(s='other')}"
    " AND (other.status IN ('published', 'superseded'), other.version)"
    f" > ({PUBLISHED}, s.version))"
)
"""The version that it held on a day, which may have been a draft then."""

_VERDICT = (
    "(SELECT f FROM zone v, jsonb_array_elements(v.attrs->'flags') f WHERE v.scheme_id = s.id"
    " AND v.deleted_at IS NULL AND f->>'code' = 'robustness' ORDER BY v.id LIMIT 1)"
)
"""What the computation said of its zones; it stands with each of them."""

VERSION = _SCHEME.shown("version", INTEGER, Label("版本", "Version"), queryable=True)

_OF_SCHEME: dict[str, Any] = {
    "published": PUBLISHED,
    "current": CURRENT_SCHEME,
    "as_of": AS_OF,
    "of_plan": OF_PLAN,
    "of_plan_as_of": OF_PLAN_AS_OF,
    "region": "s.region_id",
    "partners": joint_plans.PARTNERS,
    "history": frozenset({"version", "status", "job"}),
    "historic": False,
    "interval": ("s.valid_from", "s.valid_to"),
}
"""What schemes and their zones have alike."""

ZONE_SCHEMES = Entity(
    name="zone_schemes",
    title=Label("分区方案", "Zone schemes"),
    description=Label(
        "分区方案的版本及其来源；默认给出现行版本。",
        "Versions of a zoning and their provenance; the one in force unless asked otherwise.",
    ),
    table="zone_scheme",
    alias="s",
    joins=" LEFT JOIN region r ON r.id = s.region_id LEFT JOIN plan p ON p.id = s.plan_id",
    geometry="r.geom",
    geometry_type="geometry-multipolygon",
    live=LIVE,
    **_OF_SCHEME,
    properties=(
        _SCHEME.code,
        *_SCHEME.names(),
        _SCHEME.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _SCHEME.reference("plan", "p.code", Label("规划", "Plan"), to="plans"),
        _SCHEME.queryable("kind", NAME, Label("方案类型", "Kind of scheme"), required=True),
        _SCHEME.choice("origin", ORIGINS, Label("来源方式", "Origin"), required=True),
        _SCHEME.job,
        _SCHEME.choice("status", SCHEME_STATUSES, Label("状态", "Status")),
        VERSION,
        _SCHEME.fields,
        *_SCHEME.period,
        Property("robustness", _VERDICT, OBJECT, Label("分区稳健性", "How robust the zones are")),
        _SCHEME.column("gap_reason", TEXT, Label("空缺说明", "Reason for gaps")),
        made_by("s", "zone"),
        revised_by("s", "zone"),
        _SCHEME.source,
        _SCHEME.details,
    ),
    editing=Editing(
        roles=_WRITERS,
        lifecycle=scheme_states.LIFECYCLE,
        effects=(scheme_states.close_former, scheme_states.show_rasters),
        guards=(
            PERIOD,
            computed_by_jobs,
            scheme_states.reviewed_without_overlap,
            scheme_states.published_without_rival,
            scheme_states.published_without_gap,
            joint_plans.within_joint_plan(),
            joint_plans.published_after_the_plan,
            partial(joint_plans.stays_once_decided, but=("status", "valid_from", "gap_reason")),
        ),
    ),
)

ZONES = Entity(
    name="zones",
    title=Label("分区", "Zones"),
    description=Label(
        "分区的图斑：类别、管控要求与来源；默认给出现行方案。",
        "The polygons of a zoning with class, requirement and provenance; of the schemes in force"
        " unless asked otherwise.",
    ),
    table="zone",
    alias="z",
    joins=(
        " JOIN zone_scheme s ON s.id = z.scheme_id"
        # Always found; told as outer joins, PostgreSQL leaves out those a count has no use for.
        " LEFT JOIN zone_class c ON c.id = z.class_id"
        " LEFT JOIN region r ON r.id = s.region_id LEFT JOIN plan p ON p.id = s.plan_id"
    ),
    geometry_type="geometry-multipolygon",
    geometry_column="geom",
    live=f"{LIVE} AND z.deleted_at IS NULL",
    **_OF_SCHEME,
    properties=(
        _ZONE.code,
        _ZONE.reference(
            "scheme", "s.code", Label("方案", "Scheme"), to="zone_schemes", required=True
        ),
        VERSION,
        _SCHEME.shown("status", choice(SCHEME_STATUSES), Label("状态", "Status"), queryable=True),
        _ZONE.shown_region,
        Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference"),
        _SCHEME.shown("kind", TEXT, Label("方案类型", "Kind of scheme"), queryable=True),
        _ZONE.reference(
            "zone_class",
            "c.code",
            Label("类别", "Class"),
            to="zone_classes",
            column="class_id",
            required=True,
        ),
        Property("class", "c.class_code", TEXT, Label("类别代码", "Class code"), queryable=True),
        Property("class_value", "c.order_no", INTEGER, Label("类别序号", "Class number")),
        Property("class_name_zh", "c.name_zh", TEXT, Label("类别名称", "Class name in Chinese")),
        Property(
            "class_name_en", "c.name_en", TEXT, Label("类别英文名称", "Class name in English")
        ),
        Property("group", "c.group_code", TEXT, Label("类组", "Group"), queryable=True),
        Property("color", "c.color", TEXT, Label("颜色", "Colour")),
        Property("requirement_zh", "c.requirement_zh", TEXT, Label("管控要求", "Requirement, zh")),
        Property(
            "requirement_en", "c.requirement_en", TEXT, Label("管控要求（英文）", "Requirement, en")
        ),
        Property(
            "name_zh",
            "coalesce(z.name_zh, c.name_zh)",
            NAME,
            Label("中文名称", "Chinese name"),
            column="name_zh",
        ),
        Property(
            "name_en",
            "coalesce(z.name_en, c.name_en)",
            NAME,
            Label("英文名称", "English name"),
            column="name_en",
        ),
        _ZONE.column("functions", TEXTS, Label("主导功能", "Functions")),
        _ZONE.column("problems", TEXTS, Label("主要问题", "Problems")),
        Property(
            "towns",
            "ARRAY(SELECT t.code FROM zone_town zt JOIN region t ON t.id = zt.region_id"
            " WHERE zt.zone_id = z.id ORDER BY t.code)",
            TEXTS,
            Label("涉及镇街", "Towns"),
        ),
        *_ZONE.both("location", Label("位置", "Location"), attribute=True),
        _ZONE.attribute("functions_zh", TEXTS, Label("主导功能（原文）", "Functions as printed")),
        _ZONE.attribute("functions_en", TEXTS, Label("主导功能（英文）", "Functions, en")),
        _ZONE.attribute("problems_zh", TEXTS, Label("主要问题（原文）", "Problems as printed")),
        _ZONE.attribute("problems_en", TEXTS, Label("主要问题（英文）", "Problems, en")),
        _ZONE.attribute("towns_stated", ORDER, Label("载明镇街数", "Stated number of towns")),
        _ZONE.attribute("towns_complete", BOOLEAN, Label("镇街已列全", "All towns are listed")),
        _ZONE.attribute("features", OBJECT, Label("载明地物", "Features named in it")),
        _ZONE.attribute("counts_stated", OBJECT, Label("载明地物数", "Stated numbers of them")),
        _ZONE.area,
        _ZONE.attribute(
            "stated_area_km2",
            {**NUMBER, "minimum": 0},
            Label("原文面积", "Area as stated"),
            unit="km2",
        ),
        Property(
            "area_raster_km2",
            "z.attrs->'area_raster_km2'",
            NUMBER,
            Label("栅格面积", "Area in cells"),
            unit="km2",
        ),
        Property(
            "share_percent", "z.attrs->'share_percent'", NUMBER, Label("占比", "Share"), unit="%"
        ),
        Property("cells", "z.attrs->'cells'", INTEGER, Label("栅格数", "Cells")),
        Property("statistics", "z.attrs->'statistics'", OBJECT, Label("统计", "Statistics")),
        Property("flags", "z.attrs->'flags'", OBJECTS, Label("提示", "Flags")),
        _SCHEME.job,
        _ZONE.fields,
        Property(
            "valid_from",
            "s.valid_from",
            {"type": "string", "format": "date"},
            Label("生效日期", "Valid from"),
            role="primary-interval-start",
        ),
        Property(
            "valid_to",
            "s.valid_to",
            {"type": "string", "format": "date"},
            Label("失效日期", "Valid to"),
            role="primary-interval-end",
        ),
    ),
    editing=Editing(
        roles=_WRITERS,
        guards=(
            *(scheme_states.only_in_drafts, scheme_states.class_fits_scheme),
            joint_plans.stays_once_decided,
        ),
    ),
)
