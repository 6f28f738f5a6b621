"""Accept an execution request: the job is committed, then dispatched."""

import base64
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from shanhai.errors import InvalidInput, Unauthenticated, Unavailable
from shanhai.http_egress import EgressClient, parse_target
from shanhai.jobs.submission import accept_job, terms_of
from shanhai.processes.echo.contract import ECHO, EchoInputs
from shanhai.processes.kit.contract import ProcessContract
from shanhai.settings import OutgoingSettings
from shanhai_api.identity import Caller
from shanhai_api.job_results import told_status
from shanhai_api.kit.body import pointer_of
from shanhai_api.once import Made
from shanhai_api.processes.orders import Order
from shanhai_api.state import ServiceState, UnitOfWork
from shanhai_api.view import View

REFERENCE = frozenset({"href", "rel", "type", "hreflang", "title", "format", "mediaType"})

BYTES = "application/octet-stream"


async def with_references(settings: OutgoingSettings, caller: Caller, value: Any) -> Any:
    """The body of an execution request with what its inputs refer to in their place.

    Raises:
        Unauthenticated: there is a reference, and anybody could have sent it.
        InvalidInput: an address may not be asked, or nothing usable is there.
    """
    given = value.get("inputs") if isinstance(value, dict) else None
    if not isinstance(given, dict):
        return value
    found = {
        name: await _fetched(settings, caller, name, item) if _is_reference(item) else item
        for name, item in given.items()
    }
    return {**value, "inputs": found}


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
    state: ServiceState, unit: UnitOfWork, view: View, caller: Caller, order: Order
) -> Made:
    """Write the job, or find the one that will do, and say where it is."""
    accepted = await accept_job(
        unit.session,
        contract=order.contract,
        inputs=order.inputs,
        requested_by=caller.owner,
        identity=caller,
        request_id=view.request_id,
        result_form=order.form,
        subscriber=None if order.subscriber is None else order.subscriber.row(view.lang),
        terms=terms_of(
            state.configuration.queue, caller, priority=order.priority, unique_s=order.unique_s
        ),
    )
    job = accepted.job
    if accepted.new:
        unit.after_commit.append(partial(state.dispatcher.dispatch, job.id, job.attempt))
    content = told_status(job, view)
    location = {"Location": f"{view.base}/jobs/{job.id}"}
    return Made(content, location, status=201 if accepted.new else 200)
