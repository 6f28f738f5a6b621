"""What is done with projects beside their rows, and all that is known of one on one page."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.projects.funds import NewEntry, add_entry, list_balances, list_entries
from shanhai.db.projects.measures import MeasureRecord, list_measures, put_measure
from shanhai.db.projects.queries import ProjectSeen, find_project
from shanhai.db.projects.transitions import Event, list_states, prospects, read_events, take_step
from shanhai.db.projects.transitions import ProjectTransitionRequest as Asked
from shanhai.db.tables.project import ProjectState
from shanhai.errors import NotFound, Unauthenticated
from shanhai.vocabulary import Label
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.dependencies import WriteContext
from shanhai_api.kit.identity import Caller
from shanhai_api.kit.view import View
from shanhai_api.plans.answers import here_links, item_path, project_path
from shanhai_api.projects import papers
from shanhai_api.projects.models import (
    LedgerFigures,
    LedgerLineMade,
    Measure,
    MeasureShown,
    ProjectDossier,
    ProjectHistory,
    ProjectStep,
    ProjectStepTaken,
    StateOnTheWay,
    measure_path,
    state_name,
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


MOST_SHOWN = 1_000
ASIDE = frozenset({"suspended", "rejected", "cancelled"})
"""States beside the way from draft to closed."""


async def dossier(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> ProjectDossier:
    """The project's way, what can be done now, its measures, money, papers and past."""
    states = await list_states(session)
    steps = await prospects(session, project, caller)
    events = await read_events(session, project.id, after=0, limit=MOST_SHOWN)
    measures = await list_measures(session, project.id)
    found, _ = await papers.list_papers(session, caller, project, view, after=0, limit=MOST_SHOWN)
    path = project_path(project.code)
    own = next(item for item in states if item.state == project.state)
    return ProjectDossier(
        project=project.code,
        name=project.name.in_(view.lang),
        name_zh=project.name.zh,
        name_en=project.name.en,
        state=project.state,
        state_name=state_name(own, view),
        track=_track(states, project, events, view),
        transitions=[ProjectStep.of(item, view) for item in steps],
        measures=[Measure.from_row(item) for item in measures],
        funds=await _funds(session, caller, project),
        documents=found,
        events=[ProjectHistory.of(item, caller, view) for item in events],
        links=[
            *here_links(view),
            view.link(item_path(project.code), "up"),
            *(
                view.link(f"{path}/{part}", "related")
                for part in ("transitions", "events", "measures", "funds", "documents")
            ),
        ],
    )


async def _funds(
    session: AsyncSession, caller: Caller, project: ProjectSeen
) -> LedgerFigures | None:
    """The ledger; the public does not see it."""
    if caller.anonymous:
        return None
    entries = await list_entries(session, project.id)
    return LedgerFigures.of_project(entries, await list_balances(session, project.id))


def _track(
    states: Sequence[ProjectState], project: ProjectSeen, events: Sequence[Event], view: View
) -> list[StateOnTheWay]:
    """The states on the way, each past, now or ahead; those aside only where it has been."""
    been = {event.source for event in events} | {event.target for event in events}
    order = {item.state: item.order_no for item in states}
    here, found = order[project.state], []
    for item in states:
        if item.state == project.state:
            found.append(StateOnTheWay.of(item, "now", view))
        elif item.state in been:
            found.append(StateOnTheWay.of(item, "past", view))
        elif item.state not in ASIDE:
            place = "past" if _passed(item, here, project) else "ahead"
            found.append(StateOnTheWay.of(item, place, view))
    return found


def _passed(item: ProjectState, here: int, project: ProjectSeen) -> bool:
    """Whether a project that began further on would have come through the state."""
    return project.state not in ASIDE and item.state not in ASIDE and item.order_no < here
