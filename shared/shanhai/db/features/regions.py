"""Administrative units and other regions."""

from shanhai.db.features.entity import DATE, INTEGER, NUMBER, TEXT, Entity, Property
from shanhai.vocabulary import REGION_LEVELS, Label

REGIONS = Entity(
    name="regions",
    title=Label("区域", "Regions"),
    description=Label(
        "行政区、流域、海湾、岛屿和示范区，构成一棵树。",
        "Administrative units, basins, bays, islands and demonstration areas; a tree.",
    ),
    source="region r LEFT JOIN region parent ON parent.id = r.parent_id",
    key="r.id",
    code="r.code",
    geometry="r.geom",
    geometry_type="geometry-multipolygon",
    live="r.deleted_at IS NULL",
    published="true",
    current="daterange(r.valid_from, r.valid_to) @> current_date",
    as_of="daterange(r.valid_from, r.valid_to) @> CAST(:as_of AS date)",
    interval=("r.valid_from", "r.valid_to"),
    properties=(
        Property("code", "r.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        Property("name_zh", "r.name_zh", TEXT, Label("中文名称", "Chinese name"), queryable=True),
        Property("name_en", "r.name_en", TEXT, Label("英文名称", "English name"), queryable=True),
        Property(
            "level",
            "r.level",
            {"type": "string", "enum": list(REGION_LEVELS)},
            Label("级别", "Level"),
            queryable=True,
        ),
        Property(
            "parent",
            "parent.code",
            TEXT,
            Label("上级区域", "Parent region"),
            queryable=True,
            role="reference",
        ),
        Property(
            "adcode",
            "r.attrs->>'adcode'",
            TEXT,
            Label("行政区划代码", "Administrative division code"),
            queryable=True,
        ),
        Property("metric_epsg", "r.metric_srid", INTEGER, Label("量算坐标系", "Metric CRS (EPSG)")),
        Property(
            "area_km2",
            "round((r.area_m2 / 1e6)::numeric, 4)",
            NUMBER,
            Label("面积", "Area"),
            unit="km2",
        ),
        Property("source", "r.attrs->>'source'", TEXT, Label("来源", "Source")),
        Property("licence", "r.attrs->>'licence'", TEXT, Label("许可", "Licence")),
        Property(
            "valid_from",
            "r.valid_from",
            DATE,
            Label("生效日期", "Valid from"),
            role="primary-interval-start",
        ),
        Property(
            "valid_to",
            "r.valid_to",
            DATE,
            Label("失效日期", "Valid to"),
            role="primary-interval-end",
        ),
    ),
)
