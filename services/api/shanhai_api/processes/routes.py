"""`/processes`, `/processes/{p}`, `/processes/{p}/execution`.

The job of an execution request is committed before the answer; the commit notifies the workers.
"""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import nullcontext
from typing import Annotated, Any
from uuid import UUID, uuid4

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, field_validator

from shanhai.db.queries.audit import Act, StoredResponse
from shanhai.errors import InvalidInput, Unauthenticated, Unavailable
from shanhai.http_egress import EgressClient, parse_target
from shanhai.jobs.group_submission import Submission
from shanhai.jobs.submission import Accepted, accept_job, prepare_job, terms_of
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.kit.contract import ProcessContract
from shanhai.settings import OutgoingSettings
from shanhai.vocabulary import Scope
from shanhai_api.compliance.operations import check_at_once
from shanhai_api.features.definition import LANG, query_parameter
from shanhai_api.jobs.models import StatusInfo
from shanhai_api.jobs.results import ended_answer, told_status, wait_for_end
from shanhai_api.kit.body import body_of, pointer_of, read_json
from shanhai_api.kit.dependencies import MAY_LOOK, PageQuery, TheView, given, query_of
from shanhai_api.kit.late_route import DirectRoute
from shanhai_api.kit.requests import Caller, caller_of, demand
from shanhai_api.kit.routing import (
    Made,
    Route,
    demand_key,
    fingerprint_of,
    once,
    preferences,
    recalled,
    replayed,
)
from shanhai_api.kit.state import ServiceState, state_of
from shanhai_api.kit.view import HTML, JSON, View
from shanhai_api.processes import descriptions
from shanhai_api.processes.descriptions import ProcessDescription, ProcessList
from shanhai_api.processes.orders import (
    ExecuteBody,
    Order,
    Preference,
    parse_order,
    parse_preference,
)

REFERENCE = frozenset({"href", "rel", "type", "hreflang", "title", "format", "mediaType"})

BYTES = "application/octet-stream"


async def with_references(settings: OutgoingSettings, caller: Caller, value: Any) -> Any:
    """The body of an execution request with what its inputs refer to in their place.

    Raises:
        Unauthenticated: there is a reference, and anybody could have sent it.
        InvalidInput: an address may not be asked, or nothing usable is there.
    """
    found = {
        name: await _fetched(settings, caller, name, item) if _is_reference(item) else item
        for name, item in value["inputs"].items()
    }
    return {**value, "inputs": found}


def _has_references(value: Any) -> bool:
    given = value.get("inputs") if isinstance(value, dict) else None
    return isinstance(given, dict) and any(map(_is_reference, given.values()))


def _is_reference(item: Any) -> bool:
    return isinstance(item, dict) and "href" in item and item.keys() <= REFERENCE


async def _fetched(
    settings: OutgoingSettings, caller: Caller, name: str, item: Mapping[str, Any]
) -> Any:
    """What an address holds, as an input: text, JSON, or bytes with their media type."""
    pointer, href = pointer_of(("inputs", name)), item["href"]
    if caller.anonymous:
        raise Unauthenticated(
            "an identity is needed to give inputs by reference", message_zh="按引用输入需要身份"
        )
    if not isinstance(href, str):
        raise InvalidInput("href must be a text", message_zh="href 须为文字", pointer=pointer)
    parse_target(href, settings, pointer=pointer)
    try:
        content, told = await EgressClient(settings).fetch(href)
        return _read(content, told, _expected(item))
    except Unavailable as error:
        message, message_zh = error.message, error.message_zh
    except ValueError:
        message, message_zh = f"what is there is not {told}", f"内容不是 {told}"
    raise InvalidInput(message, message_zh=message_zh, pointer=pointer)


def _expected(item: Mapping[str, Any]) -> str | None:
    """The media type a reference says its content has."""
    form = item.get("format")
    inner = form.get("mediaType") if isinstance(form, dict) else None
    told = item.get("type") or item.get("mediaType") or inner
    return told if isinstance(told, str) else None


def _read(content: bytes, told: str, expected: str | None) -> Any:
    """A body by its media type.

    Args:
        expected: The one the reference says, which may say more of bytes than the host does.

    Raises:
        ValueError: it is not what it is said to be.
    """
    kind = _base(told)
    if kind == "application/json" or kind.endswith("+json"):
        return orjson.loads(content)
    if kind.startswith("text/"):
        return content.decode()
    if expected is not None and kind in {_base(expected), BYTES}:
        kind = expected
    text = base64.b64encode(content).decode()
    return {"value": text, "mediaType": kind, "encoding": "base64"}


def _base(media_type: str) -> str:
    """A media type without its parameters."""
    return media_type.partition(";")[0].strip().lower()


LONGEST_PAUSE_S = 10


def is_guest(state: ServiceState, caller: Caller, contract: ProcessContract) -> bool:
    """Whether it is anybody, and the process one that anybody may run here."""
    return caller.anonymous and contract is ECHO and state.configuration.public.public_echo


def demand_little(order: Order) -> None:
    """Refuse what would let anybody take the place of others, or send them messages.

    Raises:
        Unauthenticated: an identity is needed for what is asked.
    """
    pause = order.inputs.pause if isinstance(order.inputs, EchoInputs) else 0
    if order.subscriber is None and order.priority != "high" and pause <= LONGEST_PAUSE_S:
        return
    raise Unauthenticated(
        f"an identity is needed for a subscriber, priority `high` or a pause over"
        f" {LONGEST_PAUSE_S} s",
        message_zh=f"回调、高优先级或超过 {LONGEST_PAUSE_S} 秒的等待需要身份",
    )


async def accept(
    request: Request,
    state: ServiceState,
    view: View,
    caller: Caller,
    order: Order,
    body_sha256: str,
    job_id: UUID,
) -> Made:
    """Write the job, or find the one that will do, once for a key, and say where it is.

    Args:
        job_id: The id of the job, where it is one of those that are accepted in groups.
    """
    asked: dict[str, Any] = {
        "contract": order.contract,
        "inputs": order.inputs,
        "requested_by": caller.owner,
        "identity": caller,
        "request_id": view.request_id,
        "result_form": order.form,
        "subscriber": None if order.subscriber is None else order.subscriber.row(view.lang),
    }
    queue = state.configuration.queue
    terms = terms_of(queue, caller, priority=order.priority, unique_s=order.unique_s)
    # Its task needs nothing of the database, and no other job is looked for.
    if order.contract.shares_process and terms.unique_s is None:
        fingerprint = fingerprint_of(request, caller, body_sha256)
        # No connection is taken: nothing is asked.
        async with state.sessions() as session:
            job = await prepare_job(session, **asked)
        job.id = job_id
        told = await state.submitting.submit(
            Submission(
                job,
                terms,
                Act(caller.owner, view.request_id),
                fingerprint,
                lambda job: _made(view, Accepted(job)).kept(),
            )
        )
        return Made.again(told) if isinstance(told, StoredResponse) else _made(view, Accepted(told))
    async with state.unit() as unit:

        async def effect() -> Made:
            return _made(view, await accept_job(unit.session, terms=terms, **asked))

        return await once(request, unit, caller, body_sha256=body_sha256, effect=effect)


def _made(view: View, accepted: Accepted) -> Made:
    location = {"Location": f"{view.base}/jobs/{accepted.job.id}"}
    return Made(told_status(accepted.job, view), location, status=201 if accepted.new else 200)


router = APIRouter(tags=["processes"], route_class=Route)
quick = APIRouter(tags=["processes"], route_class=DirectRoute)
"""What programs ask for job by job: found first, and without dependencies."""
EXECUTION: dict[str, Any] = {
    "parameters": [
        {"name": "process", "in": "path", "required": True, "schema": {"type": "string"}},
        query_parameter("f", "Format", {"type": "string", "enum": [JSON.name, HTML.name]}),
        LANG,
    ],
    **body_of(ExecuteBody),
}
DONE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The result, when the request waited for it; or, with `unique`, the job"
        " that was there already",
        "content": {
            **descriptions.result_contents(),
            JSON.media_type: {
                "schema": {
                    "anyOf": [
                        {"$ref": f"#/components/schemas/{StatusInfo.__name__}"},
                        {"$ref": f"#/components/schemas/{descriptions.RESULTS}"},
                        descriptions.VALUE,
                    ]
                }
            },
        },
    },
    201: {"description": "The accepted job; `Location` says where it is"},
    204: {"description": "Outputs asked for by reference: `Link` says where they are"},
}


class ListQuery(PageQuery):
    """Parameters of the list of processes."""

    limit: int = Field(100, ge=1, le=10_000, description="Processes on a page")
    cursor: str | None = Field(None, description="A place given by a `next` link")

    @field_validator("cursor")
    @classmethod
    def check_cursor(cls, text: str | None) -> str | None:
        """A cursor names the process before."""
        if text is not None and text not in CONTRACTS:
            raise ValueError(
                "is not a cursor of this API; follow the links / 不是本接口给出的游标，请用链接"
            )
        return text


@router.get("/processes", summary="The computations that can be asked for", dependencies=[MAY_LOOK])
async def list_processes(view: TheView, query: Annotated[ListQuery, Query()]) -> ProcessList:
    """List the processes."""
    names = list(CONTRACTS)
    start = 0 if query.cursor is None else names.index(query.cursor) + 1
    page = names[start : start + query.limit]
    links = view.self_links("/processes", **given(query))
    if start + len(page) < len(names):
        place: dict[str, Any] = {"limit": query.limit, "cursor": page[-1], "f": query.f}
        links.append(view.link("/processes", "next", JSON.media_type, **place))
    found = [descriptions.summary(CONTRACTS[name], view) for name in page]
    return ProcessList(processes=found, links=links)


@router.get(
    "/processes/{process}",
    summary="One computation, with inputs and outputs",
    dependencies=[MAY_LOOK],
)
async def describe_process(view: TheView, process: str) -> ProcessDescription:
    """Describe a process."""
    return descriptions.description(descriptions.contract_named(process), view)


@quick.post(
    "/processes/{process}/execution",
    summary="Run a computation",
    status_code=201,
    response_model=StatusInfo,
    responses=DONE,
    openapi_extra=EXECUTION,
)
async def execute_process(request: Request) -> Response:
    """Accept a job, and wait for its end where that is wanted; answer at once what is quick."""
    view, state, caller = View.of(request), state_of(request), await caller_of(request)
    query_of(request, PageQuery)
    demand_key(request)
    contract = descriptions.contract_named(request.path_params["process"])
    guest = is_guest(state, caller, contract)
    if not guest:
        demand(caller, Scope.READ if contract.quick else Scope.JOBS)
    body = await read_json(request)
    value, preference = body.value, parse_preference(preferences(request), contract)
    if _has_references(value):
        # What was there the first time need not be there any more.
        before = await recalled(request, state, caller, body.sha256)
        if before is not None:
            return await _answer(view, state, preference, before)
        value = await with_references(state.configuration.outgoing, caller, value)
    order = parse_order(contract, value)
    if guest:
        demand_little(order)
    if order.subscriber is not None:
        order.subscriber.check_hosts(state.configuration.outgoing)
    if contract.quick and not order.needs_a_job and "respond-async" not in preference.applied:
        raw = order.form.response == "raw"
        answer = await check_at_once(view, state, caller, order.inputs, raw=raw)
        if answer is not None:
            return await replayed(request, state, caller, body_sha256=body.sha256, answer=answer)
    if not guest:
        demand(caller, Scope.JOBS)
    job_id = uuid4()
    with state.milestones.of(job_id) if preference.wait_s else nullcontext() as news:
        made = await accept(request, state, view, caller, order, body.sha256, job_id)
        # Of its own job nothing was missed: it is not looked at before there is news.
        own = made.content.get("jobID") == str(job_id)
        return await _answer(view, state, preference, made, news if own else None)


async def _answer(
    view: View,
    state: ServiceState,
    preference: Preference,
    made: Made,
    news: asyncio.Event | None = None,
) -> Response:
    """The job, or its result where the request waits for it; what was told at once as it was."""
    headers = dict(made.headers)
    if preference.applied:
        headers["Preference-Applied"] = ", ".join(preference.applied)
    if preference.wait_s and "Location" in headers:
        job = await wait_for_end(state, UUID(made.content["jobID"]), preference.wait_s, news)
        if job is not None:
            return ended_answer(view, state.store, job, headers=headers)
    return made.response(headers)
