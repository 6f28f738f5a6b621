"""The steps of a project: what can be done now, and doing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.balances import hold_entries
from shanhai.db.features.write import state_tag
from shanhai.db.identity import Identity, demand_role, demand_scopes
from shanhai.db.projects.queries import SCOPES, ProjectSeen, demand_expected, find_project
from shanhai.db.projects.transition_guards import Verdict, judge, read_facts
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.project import ProjectEvent, ProjectState, ProjectTransition
from shanhai.db.tables.provision import Document
from shanhai.errors import Conflict, Fault, InvalidInput, demand_step
from shanhai.vocabulary import Label, Role

MOVE = text(
    """UPDATE project
          SET state = :state, row_version = row_version + 1, updated_at = now(),
              valid_from = CASE WHEN coalesce(valid_from <= current_date, true)
                                 AND coalesce(valid_to > current_date, true)
                                THEN current_date ELSE valid_from END
        WHERE id = :project RETURNING row_version"""
)
NEXT_SEQ = text("SELECT coalesce(max(seq), 0) + 1 FROM project_event WHERE project_id = :project")


@dataclass(frozen=True, slots=True)
class StepAhead:
    """A step from the present state; `guard` and `rule` as the table has them."""

    target: str
    name: Label
    roles: frozenset[Role]
    guard: str | None
    rule: Label | None


@dataclass(frozen=True, slots=True)
class Prospect:
    """A step with how it stands for a caller."""

    step: StepAhead
    has_role: bool
    verdicts: Sequence[Verdict]

    @property
    def allowed(self) -> bool:
        """Whether it can be taken now, given what must be sent with it."""
        return self.has_role and all(item.met is not False for item in self.verdicts)


@dataclass(frozen=True, slots=True)
class ProjectTransitionRequest:
    """A step that is asked for."""

    to: str
    note: str | None = None
    documents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TransitionResult:
    """A step that was taken, and the tag of the project's new state."""

    project: ProjectSeen
    event: "Event"
    tag: str


@dataclass(frozen=True, slots=True)
class Event:
    """A step of a project's past."""

    seq: int
    source: str
    target: str
    at: datetime
    actor: str
    note: str | None
    documents: Sequence[str]
    source_name: Label
    target_name: Label


async def steps_ahead(session: AsyncSession, state: str) -> Sequence[StepAhead]:
    """The steps there are from a state, in the order of the states they lead to."""
    query = (
        select(ProjectTransition, ProjectState)
        .join(ProjectState, ProjectState.state == ProjectTransition.to_state)
        .where(ProjectTransition.from_state == state)
        .order_by(ProjectState.order_no)
    )
    return [_ahead(step, target) for step, target in await session.execute(query)]


def _ahead(step: ProjectTransition, target: ProjectState) -> StepAhead:
    rule = None if step.guard is None else Label(step.guard_zh or "", step.guard_en or "")
    roles = frozenset(Role(role) for role in step.roles)
    return StepAhead(step.to_state, Label(target.name_zh, target.name_en), roles, step.guard, rule)


async def prospects(
    session: AsyncSession, project: ProjectSeen, identity: Identity
) -> Sequence[Prospect]:
    """What the caller can do with the project now, and what stands against the rest."""
    steps = await steps_ahead(session, project.state)
    facts = await read_facts(session, project, None)
    able, known = identity.may(*SCOPES), identity.viewer.is_member([project.region_id])
    return [
        Prospect(
            step,
            able and identity.acts_as(step.roles, project.region_id),
            judge(step.guard, facts, (project.state, step.target), known=known),
        )
        for step in steps
    ]


async def take_step(
    session: AsyncSession,
    code: str,
    identity: Identity,
    act: Act,
    asked: ProjectTransitionRequest,
    *,
    expected: frozenset[str] | None,
) -> TransitionResult:
    """Move a project on.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is no project it may know of.
        Stale: the project is not in an expected state of its row.
        Conflict: the step does not exist, a guard stands against it, or another came first.
        InvalidInput: a document is none of the project's.
    """
    demand_scopes(identity, SCOPES)
    seen = await find_project(session, code, identity.viewer)
    # Who waits here for another's step finds the project elsewhere afterwards.
    project = await find_project(session, code, identity.viewer, lock=True)
    demand_expected(project, expected)
    if project.state != seen.state:
        raise _overtaken(seen, project)
    steps = await steps_ahead(session, project.state)
    step = demand_step({one.target: one for one in steps}, project.state, asked.to)
    demand_role(identity, step.roles, project.region_id)
    await _demand_documents(session, project, asked.documents)
    await hold_entries(session, project.id)
    facts = await read_facts(session, project, asked.note or "")
    verdicts = judge(step.guard, facts, (project.state, step.target))
    _demand_met(project, step, verdicts)
    return await _move(session, project, step, act, asked)


async def _move(
    session: AsyncSession,
    project: ProjectSeen,
    step: StepAhead,
    act: Act,
    asked: ProjectTransitionRequest,
) -> TransitionResult:
    seq = int(await session.scalar(NEXT_SEQ, {"project": project.id}) or 1)
    event = ProjectEvent(
        project_id=project.id,
        seq=seq,
        from_state=project.state,
        to_state=step.target,
        actor=act.actor,
        note=asked.note,
        documents=list(asked.documents),
    )
    session.add(event)
    await session.flush()
    moved = await session.scalar(MOVE, {"project": project.id, "state": step.target})
    version = int(moved or 0)
    record(
        session,
        act,
        "transition",
        table="project",
        object_id=project.code,
        before={"id": project.id, "row_version": project.row_version, "state": project.state},
        after={
            "id": project.id,
            "row_version": version,
            "state": step.target,
            "event": seq,
            "note": asked.note,
            "documents": list(asked.documents),
        },
    )
    told = await read_events(session, project.id, after=seq - 1, limit=1)
    return TransitionResult(project, told[0], state_tag(project.id, version))


async def read_events(
    session: AsyncSession, project_id: int, *, after: int, limit: int
) -> Sequence[Event]:
    """Steps of the past in their order, from the one behind `after` on."""
    source, target = aliased(ProjectState), aliased(ProjectState)
    query = (
        select(ProjectEvent, source, target)
        .join(source, source.state == ProjectEvent.from_state)
        .join(target, target.state == ProjectEvent.to_state)
        .where(ProjectEvent.project_id == project_id, ProjectEvent.seq > after)
        .order_by(ProjectEvent.seq)
        .limit(limit)
    )
    return [_event(*row) for row in await session.execute(query)]


def _event(row: ProjectEvent, source: ProjectState, target: ProjectState) -> Event:
    return Event(
        row.seq,
        row.from_state,
        row.to_state,
        row.at,
        row.actor,
        row.note,
        row.documents,
        Label(source.name_zh, source.name_en),
        Label(target.name_zh, target.name_en),
    )


async def list_states(session: AsyncSession) -> Sequence[ProjectState]:
    """All states in their order."""
    return (await session.scalars(select(ProjectState).order_by(ProjectState.order_no))).all()


async def _demand_documents(
    session: AsyncSession, project: ProjectSeen, documents: Sequence[str]
) -> None:
    query = select(Document.code).where(
        Document.owner_collection == "projects",
        Document.owner_code == project.code,
        Document.deleted_at.is_(None),
        Document.code.in_(documents),
    )
    known = set(await session.scalars(query)) if documents else set()
    faults = [
        Fault(
            f"/documents/{number}",
            f"the project has no document {code!r}",
            f"该项目没有文件 {code!r}",
        )
        for number, code in enumerate(documents)
        if code not in known
    ]
    if faults:
        raise InvalidInput(
            "documents must belong to the project", message_zh="文件须属于该项目", faults=faults
        )


def _demand_met(project: ProjectSeen, step: StepAhead, verdicts: Sequence[Verdict]) -> None:
    unmet = [item for item in verdicts if not item.met]
    if not unmet:
        return
    zh, en = ("；".join(v.text.zh for v in unmet), "; ".join(v.text.en for v in unmet))
    raise Conflict(
        f"{project.code!r} cannot go from {project.state!r} to {step.target!r}: {en}",
        message_zh=f"{project.code!r} 不能从 {project.state!r} 变为 {step.target!r}：{zh}",
        faults=[Fault(item.pointer, item.text.en, item.text.zh) for item in unmet],
    )


def _overtaken(seen: ProjectSeen, now: ProjectSeen) -> Conflict:
    return Conflict(
        f"another step was taken at the same time: the project is {now.state!r} now",
        message_zh=f"同时发生了另一状态变更：项目现为 {now.state!r}",
        faults=[Fault("/to", f"was asked of state {seen.state!r}", f"针对的是状态 {seen.state!r}")],
    )
