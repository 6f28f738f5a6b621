"""All that is known of a project on one page."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.funds import list_balances, list_entries
from shanhai.db.projects.measures import list_measures
from shanhai.db.projects.queries import ProjectSeen
from shanhai.db.projects.transitions import Event, list_states, prospects, read_events
from shanhai.db.tables.project import ProjectState
from shanhai_api.identity import Caller
from shanhai_api.projects import documents, papers
from shanhai_api.view import View

MOST_SHOWN = 1_000
ASIDE = frozenset({"suspended", "rejected", "cancelled"})
"""States beside the way from draft to closed."""


async def dossier(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> documents.Document:
    """The project's way, what can be done now, its measures, money, papers and past."""
    states = await list_states(session)
    steps = await prospects(session, project, caller)
    events = await read_events(session, project.id, after=0, limit=MOST_SHOWN)
    measures = await list_measures(session, project.id)
    found, _ = await papers.list_papers(session, caller, project, view, after=0, limit=MOST_SHOWN)
    path = documents.project_path(project.code)
    own = next(item for item in states if item.state == project.state)
    return {
        "project": project.code,
        "name": project.name.in_(view.lang),
        "name_zh": project.name.zh,
        "name_en": project.name.en,
        "state": project.state,
        "state_name": documents.describe_state(own, view)["name"],
        "track": _track(states, project, events, view),
        "transitions": [documents.describe_prospect(item, view) for item in steps],
        "measures": [documents.describe_measure(item) for item in measures],
        "funds": await _funds(session, view, caller, project),
        "documents": found,
        "events": [documents.describe_event(item, caller, view) for item in events],
        "links": [
            *documents.here_links(view),
            view.link(documents.item_path(project.code), "up"),
            *(
                view.link(f"{path}/{part}", "related")
                for part in ("transitions", "events", "measures", "funds", "documents")
            ),
        ],
    }


async def _funds(
    session: AsyncSession, view: View, caller: Caller, project: ProjectSeen
) -> dict[str, Any] | None:
    """The ledger; the public does not see it."""
    if caller.anonymous:
        return None
    entries = await list_entries(session, project.id)
    balances = await list_balances(session, project.id)
    ledger = documents.ledger_document(view, project, entries, balances)
    return {name: value for name, value in ledger.items() if name not in {"links", "project"}}


def _track(
    states: Sequence[ProjectState], project: ProjectSeen, events: Sequence[Event], view: View
) -> list[documents.Document]:
    """The states on the way, each past, now or ahead; those aside only where it has been."""
    been = {event.source for event in events} | {event.target for event in events}
    order = {item.state: item.order_no for item in states}
    here = order[project.state]
    shown = [
        item
        for item in states
        if item.state not in ASIDE or item.state in been or item.state == project.state
    ]
    return [
        {
            **documents.describe_state(item, view),
            "place": "now"
            if item.state == project.state
            else ("past" if item.state in been or _passed(item, here, project) else "ahead"),
        }
        for item in shown
    ]


def _passed(item: ProjectState, here: int, project: ProjectSeen) -> bool:
    """Whether a project that began further on would have come through the state."""
    return project.state not in ASIDE and item.state not in ASIDE and item.order_no < here
