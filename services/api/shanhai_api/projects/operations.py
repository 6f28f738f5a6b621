"""What is done with projects beside their rows."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.funds import NewEntry, add_entry
from shanhai.db.projects.measures import MeasureRecord, put_measure
from shanhai.db.projects.queries import ProjectSeen, find_project
from shanhai.db.projects.transitions import Event, list_states, take_step
from shanhai.db.projects.transitions import ProjectTransitionRequest as Asked
from shanhai.db.today import read_today
from shanhai.errors import NotFound, Unauthenticated
from shanhai.vocabulary import Label
from shanhai_api.identity import Caller
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.writing import WriteContext
from shanhai_api.projects.documents import item_path, project_path
from shanhai_api.projects.models import (
    LedgerLineMade,
    MeasureShown,
    ProjectHistory,
    ProjectStepTaken,
    measure_path,
)
from shanhai_api.projects.schemas import FundEntryBody, NewMeasureBody, TransitionBody


async def state_label(session: AsyncSession, project: ProjectSeen) -> Label:
    """The name of the state a project is in."""
    states = await list_states(session)
    found = next(item for item in states if item.state == project.state)
    return Label(found.name_zh, found.name_en)


async def see_ledger(session: AsyncSession, code: str, caller: Caller) -> ProjectSeen:
    """The project whose money a caller wants to see; the public does not.

    Raises:
        Unauthenticated: no identity was given.
        NotFound: there is no project the caller may know of.
    """
    demand_known(caller)
    return await find_project(session, code, caller.viewer)


def demand_known(caller: Caller) -> None:
    """Refuse the public, which does not see money.

    Raises:
        Unauthenticated: no identity was given.
    """
    if caller.anonymous:
        raise Unauthenticated(
            "an identity is needed to see money", message_zh="查看资金需要身份认证"
        )


async def step(
    write: WriteContext, code: str, body: TransitionBody, expected: frozenset[str] | None
) -> Answer[ProjectStepTaken]:
    """Take a step, and tell the event it left."""
    asked = Asked(body.to, body.note, tuple(body.documents))
    taken = await take_step(write.session, code, write.caller, write.act, asked, expected=expected)
    path = project_path(taken.project.code)
    place = f"{path}/events/{taken.event.seq}"
    shown = ProjectStepTaken(
        project=taken.project.code,
        state=taken.event.target,
        event=ProjectHistory.of(taken.event, write.caller, write),
        links=[
            write.link(place, "self"),
            write.link(f"{path}/transitions", "related"),
            write.link(item_path(taken.project.code), "up"),
        ],
    )
    return Answer(shown, state=taken.tag, location=place)


def one_event(found: Sequence[Event], seq: int) -> Event:
    """The event of a number.

    Raises:
        NotFound: the project has none.
    """
    if not found or found[0].seq != seq:
        raise NotFound(f"there is no event {seq}", message_zh=f"没有事件 {seq}")
    return found[0]


async def create_measure(
    write: WriteContext, code: str, body: NewMeasureBody
) -> Answer[MeasureShown]:
    """Add a measure to a project."""
    measure = MeasureRecord(**body.model_dump())
    await put_measure(write.session, code, write.caller, write.act, measure, only_new=True)
    project = await find_project(write.session, code, write.caller.viewer)
    place = measure_path(code, measure.measure)
    return Answer(MeasureShown.of(project.code, measure, write), location=place)


async def write_measure(
    write: WriteContext, code: str, measure: MeasureRecord, expected: frozenset[str] | None
) -> Answer[MeasureShown]:
    """Write a measure in the place of the one there is, or as a new one."""
    written, new = await put_measure(
        write.session, code, write.caller, write.act, measure, expected=expected
    )
    project = await find_project(write.session, code, write.caller.viewer)
    shown = MeasureShown.of(project.code, written, write)
    place = measure_path(project.code, written.measure) if new else None
    return Answer(shown, state=project.tag, location=place)


async def make_entry(write: WriteContext, code: str, body: FundEntryBody) -> Answer[LedgerLineMade]:
    """Move money by an entry of the ledger."""
    given: dict[str, Any] = body.model_dump()
    if body.kind == "payment" and body.paid_on is None:
        given["paid_on"] = await read_today(write.session)
    entry = await add_entry(write.session, code, write.caller, write.act, NewEntry(**given))
    place = f"{project_path(code)}/funds"
    shown = LedgerLineMade.of(entry, project=code, links=[write.link(place, "up")])
    return Answer(shown, location=place)
