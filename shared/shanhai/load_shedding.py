"""Requests beyond what a process can serve at once are refused at once."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.errors import Unavailable

EXEMPT = ("/health", "/metrics")
OVERLOADED = Unavailable(
    "the service has as many requests in hand as it can take; try again",
    message_zh="服务正在处理的请求已达上限，请稍后重试",
)
Refuse = Callable[[Request, Exception], Awaitable[Response]]


class Admission:
    """ASGI middleware: so many requests at a time, and 503 at once for the others.

    Health and metrics are always answered. A stream of events counts until it has begun: from then
    on it only looks into the database now and then.
    """

    def __init__(self, app: ASGIApp, *, most: int, refuse: Refuse) -> None:
        self.app = app
        self.most = most
        self.in_hand = 0
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a request in, or refuse it."""
        if scope["type"] != "http" or scope["path"].startswith(EXEMPT):
            await self.app(scope, receive, send)
        elif self.in_hand >= self.most:
            refusal = await self._refuse(Request(scope, receive), OVERLOADED)
            await refusal(scope, receive, send)
        else:
            await self._take_in(scope, receive, send)

    async def _take_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = 1
        self.in_hand += held

        async def watched(message: Message) -> None:
            nonlocal held
            if message["type"] == "http.response.start" and _is_event_stream(message):
                self.in_hand -= held
                held = 0
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self.in_hand -= held


def _is_event_stream(start: Message) -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/event-stream")
        for name, value in start.get("headers", ())
    )
