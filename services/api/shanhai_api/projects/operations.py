"""What is done with projects beside their rows."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import orjson
from fastapi import Request, Response
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.projects.funds import NewEntry, add_entry
from shanhai.db.projects.measures import MeasureRecord, put_measure
from shanhai.db.projects.queries import ProjectSeen, find_project
from shanhai.db.projects.transitions import Event, list_states, take_step
from shanhai.db.projects.transitions import ProjectTransitionRequest as Asked
from shanhai.db.today import read_today
from shanhai.errors import NotFound, Unauthenticated
from shanhai.vocabulary import Label
from shanhai_api.dependencies import act_of
from shanhai_api.identity import Caller
from shanhai_api.negotiation import JSON
from shanhai_api.once import Made, once
from shanhai_api.preconditions import expected_states
from shanhai_api.projects import documents
from shanhai_api.projects.schemas import FundEntryBody, NewMeasureBody, TransitionBody
from shanhai_api.state import UnitOfWork
from shanhai_api.view import View, entity_tag

NO_STORE = {"Cache-Control": "no-store"}


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
    request: Request, view: View, caller: Caller, unit: UnitOfWork, code: str, body: TransitionBody
) -> Made:
    """Take a step, and tell the event it left."""
    taken = await take_step(
        unit.session,
        code,
        caller,
        act_of(caller, view),
        Asked(body.to, body.note, tuple(body.documents)),
        expected=expected_states(request),
    )
    path = documents.project_path(taken.project.code)
    content = {
        "project": taken.project.code,
        "state": taken.event.target,
        "event": documents.describe_event(taken.event, caller, view),
        "links": [
            view.link(f"{path}/events/{taken.event.seq}", "self"),
            view.link(f"{path}/transitions", "related"),
            view.link(documents.item_path(taken.project.code), "up"),
        ],
    }
    headers = {
        "Location": view.url(f"{path}/events/{taken.event.seq}"),
        "ETag": f'"{entity_tag(taken.tag, orjson.dumps(content))}"',
    }
    return Made(content, headers)


def one_event(found: Sequence[Event], seq: int) -> Event:
    """The event of a number.

    Raises:
        NotFound: the project has none.
    """
    if not found or found[0].seq != seq:
        raise NotFound(f"there is no event {seq}", message_zh=f"没有事件 {seq}")
    return found[0]


async def create_measure(
    view: View, caller: Caller, unit: UnitOfWork, code: str, body: NewMeasureBody
) -> Made:
    """Add a measure to a project."""
    measure = MeasureRecord(**body.model_dump())
    await put_measure(unit.session, code, caller, act_of(caller, view), measure, only_new=True)
    project = await find_project(unit.session, code, caller.viewer)
    place = f"{documents.project_path(code)}/measures/{quote(measure.measure, safe='')}"
    return Made(documents.measure_document(view, project, measure), {"Location": view.url(place)})


async def make_entry(
    view: View, caller: Caller, unit: UnitOfWork, code: str, body: FundEntryBody
) -> Made:
    """Move money by an entry of the ledger."""
    given: dict[str, Any] = body.model_dump()
    if body.kind == "payment" and body.paid_on is None:
        given["paid_on"] = await read_today(unit.session)
    entry = await add_entry(unit.session, code, caller, act_of(caller, view), NewEntry(**given))
    place = f"{documents.project_path(code)}/funds"
    content = {
        "project": code,
        **documents.describe_entry(entry),
        "links": [view.link(place, "up")],
    }
    return Made(content, {"Location": view.url(place)})


async def answer_once(
    request: Request, unit: UnitOfWork, caller: Caller, sha256: str, effect: Any
) -> Response:
    """The answer to a POST, given as often as it is asked with the same key."""
    made = await once(request, unit, caller, body_sha256=sha256, effect=effect)
    return Response(
        orjson.dumps(made.content), made.status, {**made.headers, **NO_STORE}, JSON.media_type
    )
