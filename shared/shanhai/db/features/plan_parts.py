"""Records: what each region contributes to a joint plan."""

from shanhai.db.features.columns import Columns, as_of, current, square_kilometres
from shanhai.db.features.entity import TEXT, Editing, Entity
from shanhai.db.features.guards import RECORD_PERIOD
from shanhai.db.features.joint import PARTNERS, part_of_the_plan
from shanhai.vocabulary import Label, Role

_OWN = Columns("pp")

PLAN_PARTS = Entity(
    name="plan_parts",
    title=Label("联合规划分部", "Parts of a joint plan"),
    description=Label(
        "联合规划中各区域自行编写的部分；面积未绘制的为空，不计为零。",
        "What each region writes of a joint plan; the area of a region nobody has drawn is null,"
        " never zero.",
    ),
    table="plan_part",
    alias="pp",
    joins=(
        " JOIN plan p ON p.id = pp.plan_id JOIN region r ON r.id = pp.region_id"
        " LEFT JOIN party o ON o.id = pp.party_id"
    ),
    code="pp.code",
    live="pp.deleted_at IS NULL AND p.deleted_at IS NULL",
    published="p.status IN ('approved', 'superseded')",
    current=current("pp"),
    as_of=as_of("pp"),
    region="pp.region_id",
    partners=PARTNERS,
    interval=_OWN.interval,
    path="/plans/{plan}/parts",
    properties=(
        _OWN.code,
        *_OWN.names(),
        _OWN.reference("plan", "p.code", Label("规划", "Plan"), to="plans", required=True),
        _OWN.copied_from("plan_part"),
        _OWN.reference("region", "r.code", Label("区域", "Region"), to="regions", required=True),
        _OWN.reference(
            "department",
            "o.code",
            Label("责任部门", "Department"),
            to="parties",
            column="party_id",
        ),
        _OWN.column("text_zh", TEXT, Label("内容", "Text, zh")),
        _OWN.column("text_en", TEXT, Label("内容(英)", "Text, en")),
        square_kilometres("area_km2", "r.area_m2", Label("区域面积", "Area of the region")),
        _OWN.source,
        *_OWN.period,
    ),
    editing=Editing(roles=frozenset({Role.PLANNER}), guards=(RECORD_PERIOD, part_of_the_plan())),
)
