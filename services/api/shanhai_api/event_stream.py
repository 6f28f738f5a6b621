"""Answers that go on: server-sent events, and how the API's definition tells of them."""

from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse

from shanhai_api.negotiation import EVENTS

HEARTBEAT_S = 15.0
HEARTBEAT = b": waiting\n\n"
LONGEST_S = 900.0
"""Then clients connect again, from where they are: what they may do is looked up anew."""
STREAMED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events",
        "content": {EVENTS.media_type: {"schema": {"type": "string"}}},
    }
}


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The events one by one, passed on by proxies as they come."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type=EVENTS.media_type, headers=headers)
