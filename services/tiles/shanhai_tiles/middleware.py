"""Around every request: an id, security headers, and a measurement."""

import re
import time
import uuid
from collections.abc import Sequence
from functools import lru_cache

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.cors import origin_of
from shanhai.db.queries.audit import acting_from
from shanhai.overload import Allowance
from shanhai.settings import PublicSettings
from shanhai.telemetry import span
from shanhai_tiles.layers.catalogue import RASTER_FORMATS, VECTOR_FORMATS

Pair = tuple[bytes, bytes]

SECONDS = Histogram(
    "shanhai_tiles_request_seconds", "Time to answer", ["method", "route", "status"]
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-cache",
}
OF_PAGES = {"Referrer-Policy": "strict-origin-when-cross-origin"}
INERT = frozenset(
    media_type.encode() for media_type in (*RASTER_FORMATS.values(), *VECTOR_FORMATS.values())
)
"""Tiles: nothing in them is ever run, and a policy is longer than many of them."""
METHODS = ("GET", "HEAD", "POST", "OPTIONS")
# Any map, wherever it is hosted, may show what is public.
CORS: dict[str, Sequence[str]] = {
    "methods": METHODS,
    "named_methods": METHODS,
    "headers": ("Content-Type", "If-None-Match"),
    "named_headers": ("Authorization",),
    "exposed": (
        *("ETag", "X-Request-Id", "Content-Language", "RateLimit", "RateLimit-Policy"),
        *("Retry-After", "Shanhai-Tile-Truncated"),
    ),
}
"""What pages of other origins may do."""
_GIVEN_ID = re.compile(rb"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


def content_policy(tiles_url: str) -> str:
    """Own files only, and tiles from the configured public address, maybe another host name.

    One policy for every answer: a browser binds a worker to that of the worker's own file, and the
    worker is what fetches tiles.
    """
    tiles = origin_of(tiles_url)
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob: {tiles}",
            f"connect-src 'self' {tiles}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


class Surround:
    """ASGI middleware; streaming passes through untouched."""

    def __init__(self, app: ASGIApp, public: PublicSettings) -> None:
        self.app = app
        self.common = _pairs(HEADERS)
        policy = {"Content-Security-Policy": content_policy(public.tiles_url)}
        self.of_pages = _pairs({**OF_PAGES, **policy})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer HEAD as GET without its body, and dress every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"])
        request_id = _request_id(given)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":
            # The server's own still says HEAD: it knows by that to send no body.
            scope = {**scope, "method": "GET"}
        status = 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message["headers"])
                present = dict(headers)
                headers += [pair for pair in self.common if pair[0] not in present]
                if present.get(b"content-type") not in INERT:
                    headers += self.of_pages
                headers.append((b"x-request-id", request_id.encode()))
                allowance: Allowance | None = state.get("allowance")
                if allowance is not None:
                    headers += _pairs(allowance.headers())
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        # Each request is a task of its own, with which what is bound here ends.
        address = scope["client"][0] if scope.get("client") else None
        structlog.contextvars.bind_contextvars(request_id=request_id, address=address)
        parent = given.get(b"traceparent", b"").decode("latin-1") or None
        with (
            acting_from(address),
            span("request", kind="server", parent=parent) as traced,
        ):
            try:
                await self.app(scope, receive, dressed)
            finally:
                _measure(scope, method, status, time.perf_counter() - started)
                traced.name(f"{method} {getattr(scope.get('route'), 'path', '')}".rstrip())
                traced.tell("http.response.status_code", status)


def _pairs(headers: dict[str, str]) -> list[Pair]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


def _request_id(given: dict[bytes, bytes]) -> str:
    """The caller's own id when it is a UUID, else a new one."""
    shown = given.get(b"x-request-id", b"")
    return shown.decode().lower() if _GIVEN_ID.match(shown) else str(uuid.uuid4())


def _measure(scope: Scope, method: str, status: int, seconds: float) -> None:
    """By the route's pattern, never its address: labels must stay few."""
    _meter(method, getattr(scope.get("route"), "path", "none"), status).observe(seconds)


@lru_cache(maxsize=1024)
def _meter(method: str, route: str, status: int) -> Histogram:
    return SECONDS.labels(method, route, status)
