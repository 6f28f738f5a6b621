"""What a list of proposals shows and can be asked for; read by the engine of collections."""

from shanhai.db.features.columns import NAME, Columns, choice
from shanhai.db.features.entity import MOMENT, OBJECT, OBJECTS, TEXT, TEXTS, Entity, Property
from shanhai.db.features.joint import PARTNERS
from shanhai.vocabulary import PROPOSAL_KINDS, PROPOSAL_STATES, Label

_OWN = Columns("pr")
_SUBJECT = ("project", "programme", "plan", "indicator", "region", "scheme", "zone")
_MEMBERS = ", ".join(f"pr.subject->>'{name}'" for name in _SUBJECT)
_OBJECT = f"concat_ws('/', {_MEMBERS})"

PROPOSALS = Entity(
    name="proposals",
    title=Label("修订建议", "Proposals"),
    description=Label(
        "对项目、重点工程、指标目标、分区或规划文本的修订建议及其决定。",
        "Proposals to revise a project, programme, target, zone or plan, and what was decided.",
    ),
    table="proposal",
    alias="pr",
    joins=" LEFT JOIN region r ON r.id = pr.region_id LEFT JOIN plan p ON p.id = pr.plan_id",
    code="pr.code",
    live="true",
    # What was carried out is told to all who are known, and before that to those of its region.
    published="pr.state = 'carried_out'",
    public="false",
    current="true",
    as_of="pr.created_at < CAST(:as_of AS date) + 1",
    region="pr.region_id",
    partners=PARTNERS,
    historic=False,
    path="/proposals",
    properties=(
        Property("code", "pr.code", TEXT, Label("代码", "Code"), queryable=True, role="id"),
        _OWN.shown("title", NAME, Label("标题", "Title"), queryable=True),
        _OWN.shown("kind", choice(PROPOSAL_KINDS), Label("修订类型", "Kind"), queryable=True),
        Property("object", _OBJECT, TEXT, Label("修订对象", "What is revised"), queryable=True),
        _OWN.shown("state", choice(PROPOSAL_STATES), Label("状态", "State"), queryable=True),
        Property("plan", "p.code", TEXT, Label("规划", "Plan"), queryable=True, role="reference"),
        Property(
            "region", "r.code", TEXT, Label("区域", "Region"), queryable=True, role="reference"
        ),
        _OWN.shown("author", TEXT, Label("提出人", "Author"), queryable=True),
        _OWN.shown("reason", TEXT, Label("理由", "Reason")),
        Property(
            "evidence",
            "ARRAY(SELECT e.kind || ':' || e.object FROM proposal_evidence e"
            " WHERE e.proposal_id = pr.id ORDER BY e.seq)",
            TEXTS,
            Label("依据", "Evidence"),
            queryable=True,
        ),
        _OWN.shown("revises", OBJECT, Label("修订对象", "What is revised"), column="subject"),
        _OWN.shown("change", OBJECT, Label("修订内容", "Change")),
        _OWN.shown("fields", OBJECTS, Label("修订前后", "Old and new values")),
        _OWN.shown("decided_by", TEXT, Label("决定人", "Decided by"), queryable=True),
        _OWN.shown("decided_at", MOMENT, Label("决定时间", "Decided at"), queryable=True),
        _OWN.shown("decision", TEXT, Label("决定理由", "Reason of the decision")),
        _OWN.shown(
            "proposed_at",
            MOMENT,
            Label("提出时间", "Proposed at"),
            column="created_at",
            queryable=True,
        ),
    ),
)
