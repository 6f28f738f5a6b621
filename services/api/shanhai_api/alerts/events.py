"""What happens to alerts, as server-sent events."""

import asyncio
from collections.abc import AsyncIterator

import orjson
from fastapi import Request

from shanhai.db.alerts.queries import events_after, newest_event
from shanhai.db.alerts.serialization import describe_alert, describe_events
from shanhai.db.identity import Viewer
from shanhai.errors import InvalidInput
from shanhai_api.event_stream import HEARTBEAT, HEARTBEAT_S, LONGEST_S
from shanhai_api.state import ServiceState
from shanhai_api.view import View

POLL_S = 0.5
PORTION = 100


def last_event(request: Request) -> int | None:
    """The number of the event a client has seen last, if it says so.

    Raises:
        InvalidInput: it is no number of an event.
    """
    given = request.headers.get("last-event-id")
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and int(given[:20]) < 2**63):
        raise InvalidInput(
            "Last-Event-ID must be the id of an event",
            message_zh="Last-Event-ID 须为事件的 id",
            pointer="Last-Event-ID",
        )
    return int(given)


async def follow(
    state: ServiceState, view: View, viewer: Viewer, *, after: int | None
) -> AsyncIterator[bytes]:
    """An event for each thing the viewer may know of, named as it is, until the service stops."""
    async with state.reading() as session:
        seen = await newest_event(session) if after is None else after
    yield HEARTBEAT
    silent_s, loop = 0.0, asyncio.get_running_loop()
    ends_at = loop.time() + LONGEST_S
    while loop.time() < ends_at:
        async with state.reading() as session:
            newest, news = await events_after(session, viewer, seen, limit=PORTION)
        moved, seen = newest > seen, newest
        for event, row in news:
            [told] = describe_events([event], view.lang)
            document = orjson.dumps({**told, "alert": describe_alert(row, view)})
            yield b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.kind.encode(), document)
            silent_s = 0.0
        if moved:
            # There may be more.
            continue
        if state.draining.is_set():
            return
        if silent_s >= HEARTBEAT_S:
            yield HEARTBEAT
            silent_s = 0.0
        await asyncio.sleep(POLL_S)
        silent_s += POLL_S
