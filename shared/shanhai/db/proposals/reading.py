"""A proposal as its steps need it, what happened to it, and where it leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.demands import state_tag
from shanhai.db.features.selection import viewer_values, visibility
from shanhai.db.identity import Viewer
from shanhai.db.proposals.declaration import PROPOSALS
from shanhai.db.tables import Proposal, ProposalEvent, ProposalEvidence
from shanhai.errors import NotFound

_ROW_OF = {
    "project": text("SELECT code, NULL::int AS version FROM project WHERE id = :id"),
    "programme": text("SELECT code, NULL::int AS version FROM programme WHERE id = :id"),
    "target": text("SELECT code, version FROM plan WHERE id = :id"),
    "plan": text("SELECT code, version FROM plan WHERE id = :id"),
    "zone": text("SELECT code, version FROM zone_scheme WHERE id = :id"),
}


@dataclass(frozen=True, slots=True)
class ProposalNamed:
    """A proposal as others name it."""

    code: str
    title: str
    state: str


@dataclass(frozen=True, slots=True)
class Place:
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


async def read_place(session: AsyncSession, kind: str, row_id: int) -> Place:
    """Where what a proposal of a kind revises, or made, is."""
    return Place(*(await session.execute(_ROW_OF[kind], {"id": row_id})).one())


async def founded_on(
    session: AsyncSession, viewer: Viewer, kind: str, code: str
) -> Sequence[ProposalNamed]:
    """The proposals that name something as evidence, of those the viewer may know of."""
    met = " AND ".join(("e.kind = :kind", "e.object = :code", *visibility(PROPOSALS, viewer)))
    query = text(
        f"SELECT pr.code, pr.title, pr.state FROM {PROPOSALS.source}"  # noqa: S608 - constants
        f" JOIN proposal_evidence e ON e.proposal_id = pr.id WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "code": code, **viewer_values(viewer)}
    return [ProposalNamed(*row) for row in await session.execute(query, values)]


async def about_target(
    session: AsyncSession, viewer: Viewer, plan_id: int, indicator: str, region: str
) -> Sequence[ProposalNamed]:
    """The proposals to revise the figures of an indicator of a plan in a region."""
    named = {"indicator": indicator, "region": region}
    return await _about(session, viewer, "target", plan_id, named)


async def about_project(
    session: AsyncSession, viewer: Viewer, project_id: int
) -> Sequence[ProposalNamed]:
    """The proposals to revise a project."""
    return await _about(session, viewer, "project", project_id, {})


async def _about(
    session: AsyncSession, viewer: Viewer, kind: str, base_id: int, named: Mapping[str, str]
) -> Sequence[ProposalNamed]:
    members = (f"pr.subject->>'{name}' = :{name}" for name in named)
    about = ("pr.kind = :kind", "pr.base_id = :base", *members)
    met = " AND ".join((*about, *visibility(PROPOSALS, viewer)))
    query = text(
        "SELECT pr.code, pr.title, pr.state"  # noqa: S608 - constants
        f" FROM {PROPOSALS.source} WHERE {met} ORDER BY pr.id"
    )
    values = {"kind": kind, "base": base_id, **named, **viewer_values(viewer)}
    return [ProposalNamed(*row) for row in await session.execute(query, values)]
