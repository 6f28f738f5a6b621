"""Read proposals: the list and what it can be filtered by, one proposal with its events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.joint_plans import PARTNERS
from shanhai.db.features.columns import NAME, Columns, choice
from shanhai.db.features.entity import MOMENT, OBJECT, OBJECTS, TEXT, TEXTS, Entity, Property
from shanhai.db.features.preconditions import state_tag
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.tables.plan import Proposal, ProposalEvent, ProposalEvidence
from shanhai.errors import NotFound
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


_ROW_OF = {
    "project": text("SELECT code, NULL::int AS version FROM project WHERE id = :id"),
    "programme": text("SELECT code, NULL::int AS version FROM programme WHERE id = :id"),
    "target": text("SELECT code, version FROM plan WHERE id = :id"),
    "plan": text("SELECT code, version FROM plan WHERE id = :id"),
    "zone": text("SELECT code, version FROM zone_scheme WHERE id = :id"),
}


@dataclass(frozen=True, slots=True)
class ProposalReference:
    """A proposal as others name it."""

    code: str
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """The row an object is in: its code, and its version where it has one."""

    code: str
    version: int | None


async def find_proposal(
    session: AsyncSession, code: str, viewer: Viewer, *, lock: bool = False
) -> Proposal:
    """The proposal of a code, locked until the transaction ends where that is asked.

    Raises:
        NotFound: there is none the viewer may know of.
    """
    met = " AND ".join(("pr.code = :code", *visibility(PROPOSALS, viewer)))
    locking = " FOR NO KEY UPDATE OF pr" if lock else ""
    # Constants of the declaration; callers' values are bound.
    query = text(f"SELECT pr.id FROM {PROPOSALS.source} WHERE {met}{locking}")  # noqa: S608
    values = {"code": code, **viewer_values(viewer)}
    row_id = None if "\x00" in code else await session.scalar(query, values)
    if row_id is None:
        raise NotFound(f"there is no proposal {code!r}", message_zh=f"没有修订建议 {code!r}")
    return await session.get_one(Proposal, row_id, populate_existing=True)


def tag_of(proposal: Proposal) -> str:
    """What tells this state of the row from others."""
    return state_tag(proposal.id, proposal.row_version)


async def read_events(session: AsyncSession, proposal_id: int) -> Sequence[ProposalEvent]:
    """All that happened to a proposal, in its order."""
    query = (
        select(ProposalEvent)
        .where(ProposalEvent.proposal_id == proposal_id)
        .order_by(ProposalEvent.seq)
    )
    return (await session.scalars(query)).all()


async def read_evidence(session: AsyncSession, proposal_id: int) -> Sequence[ProposalEvidence]:
    """What a proposal is founded on, as it was listed."""
    query = (
        select(ProposalEvidence)
        .where(ProposalEvidence.proposal_id == proposal_id)
        .order_by(ProposalEvidence.seq)
    )
    return (await session.scalars(query)).all()


async def read_place(session: AsyncSession, kind: str, row_id: int) -> ObjectVersion:
    """Where what a proposal of a kind revises, or made, is."""
    return ObjectVersion(*(await session.execute(_ROW_OF[kind], {"id": row_id})).one())


async def founded_on(
    session: AsyncSession, viewer: Viewer, kind: str, code: str
) -> Sequence[ProposalReference]:
    """The proposals that name something as evidence, of those the viewer may know of."""
    met = " AND ".join(("e.kind = :kind", "e.object = :code", *visibility(PROPOSALS, viewer)))
    query = text(
        f"SELECT pr.code, pr.title, pr.state FROM {PROPOSALS.source}"  # noqa: S608 - constants
        f" JOIN proposal_evidence e ON e.proposal_id = pr.id WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "code": code, **viewer_values(viewer)}
    return [ProposalReference(*row) for row in await session.execute(query, values)]


async def about_target(
    session: AsyncSession, viewer: Viewer, plan_id: int, indicator: str, region: str
) -> Sequence[ProposalReference]:
    """The proposals to revise the figures of an indicator of a plan in a region."""
    named = {"indicator": indicator, "region": region}
    return await _about(session, viewer, "target", plan_id, named)


async def about_project(
    session: AsyncSession, viewer: Viewer, project_id: int
) -> Sequence[ProposalReference]:
    """The proposals to revise a project."""
    return await _about(session, viewer, "project", project_id, {})


async def _about(
    session: AsyncSession, viewer: Viewer, kind: str, base_id: int, named: Mapping[str, str]
) -> Sequence[ProposalReference]:
    members = (f"pr.subject->>'{name}' = :{name}" for name in named)
    about = ("pr.kind = :kind", "pr.base_id = :base", *members)
    met = " AND ".join((*about, *visibility(PROPOSALS, viewer)))
    query = text(
        "SELECT pr.code, pr.title, pr.state"  # noqa: S608 - constants
        f" FROM {PROPOSALS.source} WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "base": base_id, **named, **viewer_values(viewer)}
    return [ProposalReference(*row) for row in await session.execute(query, values)]
