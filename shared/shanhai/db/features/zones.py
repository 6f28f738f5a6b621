"""Versions of a zoning, and the polygons of their classes."""

from shanhai.db.features.entity import (
    DATE,
    INTEGER,
    NUMBER,
    OBJECT,
    OBJECTS,
    TEXT,
    Entity,
    Property,
)
from shanhai.vocabulary import Label

LIVE = "s.deleted_at IS NULL"
PUBLISHED = "s.status IN ('published', 'superseded')"
AS_OF = f"{PUBLISHED} AND daterange(s.valid_from, s.valid_to) @> CAST(:as_of AS date)"
NEWEST = (
    "s.status <> 'superseded' AND NOT EXISTS (SELECT FROM zone_scheme other"
    " WHERE other.code = s.code AND other.deleted_at IS NULL AND (other.status = 'published'"
    " OR other.status <> 'superseded' AND other.version > s.version))"
)
CURRENT_SCHEME = f"(s.status = 'published' OR {NEWEST})"
"""The published version of a scheme; of one never published its newest draft."""

SCHEME = Property("code", "s.code", TEXT, Label("代码", "Code"), queryable=True, role="id")
REGION = Property(
    "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
)
PLAN = Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference")
KIND = Property("kind", "s.kind", TEXT, Label("方案类型", "Kind of scheme"), queryable=True)
STATUS = Property("status", "s.status", TEXT, Label("状态", "Status"), queryable=True)
VERSION = Property("version", "s.version", INTEGER, Label("版本", "Version"), queryable=True)
JOB = Property(
    "job",
    "s.job_id::text",
    {"type": "string", "format": "uuid"},
    Label("作业", "Job"),
    queryable=True,
)
VALID_FROM = Property(
    "valid_from",
    "s.valid_from",
    DATE,
    Label("生效日期", "Valid from"),
    role="primary-interval-start",
)
VALID_TO = Property(
    "valid_to", "s.valid_to", DATE, Label("失效日期", "Valid to"), role="primary-interval-end"
)

ZONE_SCHEMES = Entity(
    name="zone_schemes",
    title=Label("分区方案", "Zone schemes"),
    description=Label(
        "分区方案的版本及其来源；默认给出现行版本。",
        "Versions of a zoning and their provenance; the one in force unless asked otherwise.",
    ),
    source=(
        "zone_scheme s LEFT JOIN region r ON r.id = s.region_id"
        " LEFT JOIN plan p ON p.id = s.plan_id"
    ),
    key="s.id",
    code="s.code",
    geometry="r.geom",
    geometry_type="geometry-multipolygon",
    live=LIVE,
    published=PUBLISHED,
    current=CURRENT_SCHEME,
    as_of=AS_OF,
    history=frozenset({"version", "status", "job"}),
    interval=("s.valid_from", "s.valid_to"),
    properties=(
        SCHEME,
        Property("name_zh", "s.name_zh", TEXT, Label("中文名称", "Chinese name"), queryable=True),
        Property("name_en", "s.name_en", TEXT, Label("英文名称", "English name"), queryable=True),
        REGION,
        PLAN,
        KIND,
        Property("origin", "s.origin", TEXT, Label("来源方式", "Origin"), queryable=True),
        JOB,
        STATUS,
        VERSION,
        VALID_FROM,
        VALID_TO,
        Property("gap_reason", "s.gap_reason", TEXT, Label("空缺说明", "Reason for gaps")),
        Property("details", "s.attrs", OBJECT, Label("详情", "Details")),
    ),
)

ZONES = Entity(
    name="zones",
    title=Label("分区", "Zones"),
    description=Label(
        "分区的图斑：类别、管控要求与来源；默认给出已发布的现行方案。",
        "The polygons of a zoning with class, requirement and provenance; of published schemes in"
        " force unless asked otherwise.",
    ),
    source=(
        "zone z JOIN zone_scheme s ON s.id = z.scheme_id"
        # Always found; told as outer joins, PostgreSQL leaves out those a count has no use for.
        " LEFT JOIN zone_class c ON c.id = z.class_id"
        " LEFT JOIN region r ON r.id = s.region_id LEFT JOIN plan p ON p.id = s.plan_id"
    ),
    key="z.id",
    code="z.code",
    geometry="z.geom",
    geometry_type="geometry-multipolygon",
    live=LIVE,
    published=PUBLISHED,
    current="s.status = 'published'",
    as_of=AS_OF,
    history=frozenset({"version", "status", "job"}),
    interval=("s.valid_from", "s.valid_to"),
    properties=(
        Property("code", "z.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        Property(
            "scheme", "s.code", TEXT, Label("方案", "Scheme"), queryable=True, role="reference"
        ),
        VERSION,
        STATUS,
        REGION,
        PLAN,
        KIND,
        Property("class", "c.code", TEXT, Label("类别代码", "Class code"), queryable=True),
        Property("class_value", "c.order_no", INTEGER, Label("类别序号", "Class number")),
        Property("class_name_zh", "c.name_zh", TEXT, Label("类别名称", "Class name in Chinese")),
        Property(
            "class_name_en", "c.name_en", TEXT, Label("类别英文名称", "Class name in English")
        ),
        Property("group", "c.group_code", TEXT, Label("类组", "Group"), queryable=True),
        Property("color", "c.color", TEXT, Label("颜色", "Colour")),
        Property("requirement_zh", "c.requirement_zh", TEXT, Label("管控要求", "Requirement, zh")),
        Property(
            "requirement_en", "c.requirement_en", TEXT, Label("管控要求(英)", "Requirement, en")
        ),
        Property(
            "name_zh", "coalesce(z.name_zh, c.name_zh)", TEXT, Label("中文名称", "Chinese name")
        ),
        Property(
            "name_en", "coalesce(z.name_en, c.name_en)", TEXT, Label("英文名称", "English name")
        ),
        Property(
            "area_km2",
            "round((z.area_m2 / 1e6)::numeric, 4)",
            NUMBER,
            Label("面积", "Area"),
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
        JOB,
        VALID_FROM,
        VALID_TO,
    ),
)
