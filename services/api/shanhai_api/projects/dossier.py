"""All that is known of a project on one page."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.measures import list_measures
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.transitions import Event, list_states, prospects, read_events
from shanhai.db.tables.project import ProjectState
from shanhai_api.identity import Caller
from shanhai_api.projects import papers
from shanhai_api.projects.documents import here_links, item_path, project_path
from shanhai_api.projects.models import (
    LedgerFigures,
    Measure,
    ProjectDossier,
    ProjectHistory,
    ProjectStep,
    StateOnTheWay,
    state_name,
)
from shanhai_api.view import View

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
