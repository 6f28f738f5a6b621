"""What leads from an alert, a target or an object to the proposals about it."""

from collections.abc import Iterable
from typing import Annotated, Any
from urllib.parse import quote

from shanhai.db.proposals import queries
from shanhai.vocabulary import PROPOSAL_STATES, Label
from shanhai_api.kit.answers import Answered, one_of
from shanhai_api.kit.view import JSON, Link, View

PROPOSE = Label("提出修订建议", "Propose a revision")
STATES = {term.code: term.label for term in PROPOSAL_STATES}


class ProposalNamed(Answered):
    """A proposal as others name it."""

    code: str
    title: str
    state: Annotated[str, one_of(PROPOSAL_STATES)]
    state_name: str
    href: str


def name_proposals(found: Iterable[queries.ProposalReference], view: View) -> list[dict[str, Any]]:
    """Proposals as others name them."""
    return [
        {
            "code": item.code,
            "title": item.title,
            "state": item.state,
            "state_name": STATES[item.state].in_(view.lang),
            "href": view.url(f"/proposals/{quote(item.code, safe='')}"),
        }
        for item in found
    ]


def propose_link(view: View, **about: str | int) -> Link:
    """Where a proposal about something is begun."""
    return {
        "href": view.url("/proposals/blank", **about),
        "rel": "create-form",
        "type": JSON.media_type,
        "title": PROPOSE.in_(view.lang),
    }
