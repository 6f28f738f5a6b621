"""Plans and policies; each lies where its region lies."""

from shanhai.db.features.entity import DATE, INTEGER, TEXT, Entity, Property
from shanhai.vocabulary import Label

PLANS = Entity(
    name="plans",
    title=Label("规划与政策", "Plans and policies"),
    description=Label(
        "规划与政策文件：级别、期限、上位规划与状态。",
        "Plans and policies: level, period, upper plan and status.",
    ),
    source=(
        "plan p LEFT JOIN region r ON r.id = p.region_id"
        " LEFT JOIN plan upper_plan ON upper_plan.id = p.upper_plan_id"
    ),
    key="p.id",
    code="p.code",
    geometry="r.geom",
    geometry_type="geometry-multipolygon",
    live="p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    current="(p.valid_to IS NULL OR p.valid_to > current_date)",
    as_of="daterange(p.valid_from, p.valid_to) @> CAST(:as_of AS date)",
    history=frozenset({"version"}),
    interval=(
        "make_date(lower(p.period), 1, 1)",
        "make_date(upper(p.period), 1, 1)",
    ),
    properties=(
        Property("code", "p.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        Property("name_zh", "p.name_zh", TEXT, Label("中文名称", "Chinese name"), queryable=True),
        Property("name_en", "p.name_en", TEXT, Label("英文名称", "English name"), queryable=True),
        Property("kind", "p.kind", TEXT, Label("类型", "Kind"), queryable=True),
        Property("level", "p.level", TEXT, Label("级别", "Level"), queryable=True),
        Property(
            "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
        ),
        Property(
            "upper_plan",
            "upper_plan.code",
            TEXT,
            Label("上位规划", "Upper plan"),
            queryable=True,
            role="reference",
        ),
        Property("period_start", "lower(p.period)", INTEGER, Label("起始年", "First year")),
        Property("period_end", "upper(p.period) - 1", INTEGER, Label("终止年", "Last year")),
        Property("base_year", "p.base_year", INTEGER, Label("基准年", "Base year")),
        Property("document", "p.attrs->>'document'", TEXT, Label("文号", "Document number")),
        Property("issuer", "p.attrs->>'issuer'", TEXT, Label("发布机构", "Issuer")),
        Property("issued_on", "p.attrs->>'issued_on'", DATE, Label("发布日期", "Issued on")),
        Property("status", "p.status", TEXT, Label("状态", "Status"), queryable=True),
        Property("version", "p.version", INTEGER, Label("版本", "Version"), queryable=True),
        Property("valid_from", "p.valid_from", DATE, Label("生效日期", "Valid from")),
        Property("valid_to", "p.valid_to", DATE, Label("失效日期", "Valid to")),
    ),
)
