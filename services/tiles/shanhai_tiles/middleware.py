"""Around every request: an id, security headers, and a measurement."""

import re
import time
import uuid
from functools import lru_cache
from urllib.parse import urlsplit

import structlog
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
EXPOSED = {
    "Access-Control-Expose-Headers": (
        "ETag, X-Request-Id, Content-Language, RateLimit, RateLimit-Policy, Retry-After,"
        " Shanhai-Tile-Truncated"
    ),
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Max-Age": "86400",
}
ANYONE = b"*"
UNNAMED = "Content-Type, If-None-Match"
NAMED = f"Authorization, {UNNAMED}"
_GIVEN_ID = re.compile(rb"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")


def content_policy(tiles_url: str) -> str:
    """Own files only, and tiles from the configured public address, maybe another host name.

    One policy for every answer: a browser binds a worker to that of the worker's own file, and the
    worker is what fetches tiles.
    """
    tiles = _origin_of(tiles_url)
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
        own = (_origin_of(public.api_url), _origin_of(public.tiles_url))
        self.origins = frozenset(origin.encode() for origin in (*own, *public.cors_origins))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights, answer HEAD as GET without its body, and dress every answer."""
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
            scope["method"] = "GET"
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
                headers += self._readers(scope, given)
                allowance: Allowance | None = state.get("allowance")
                if allowance is not None:
                    headers += _pairs(allowance.headers())
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        # Each request is a task of its own, with which what is bound here ends.
        structlog.contextvars.bind_contextvars(request_id=request_id)
        parent = given.get(b"traceparent", b"").decode("latin-1") or None
        with span("request", kind="server", parent=parent) as traced:
            try:
                if method == "OPTIONS" and b"access-control-request-method" in given:
                    await self._preflight(given, dressed)
                else:
                    await self.app(scope, receive, dressed)
            finally:
                _measure(scope, method, status, time.perf_counter() - started)
                traced.name(f"{method} {getattr(scope.get('route'), 'path', '')}".rstrip())
                traced.tell("http.response.status_code", status)

    def _readers(self, scope: Scope, given: dict[bytes, bytes]) -> list[Pair]:
        """Whose pages may read the answer: any, unless an identity was shown for it.

        No cookie is ever read, so a page can only show what it was given itself; yet what is not
        public is for the pages of those origins alone that the operator has listed.
        """
        if b"authorization" not in given and b"token=" not in scope["query_string"]:
            return OPEN
        origin = given.get(b"origin", b"")
        varying: list[Pair] = [(b"vary", b"Origin")]
        if origin not in self.origins:
            return varying
        return [(b"access-control-allow-origin", origin), *_EXPOSED, *varying]

    async def _preflight(self, given: dict[bytes, bytes], send: Send) -> None:
        listed = given.get(b"origin", b"") in self.origins
        allowed = {**PREFLIGHT, "Access-Control-Allow-Headers": NAMED if listed else UNNAMED}
        headers = [*_pairs(allowed), (b"vary", b"Origin")]
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def _pairs(headers: dict[str, str]) -> list[Pair]:
    return [(name.lower().encode(), value.encode()) for name, value in headers.items()]


_EXPOSED = _pairs(EXPOSED)
OPEN: list[Pair] = [(b"access-control-allow-origin", ANYONE), *_EXPOSED]
"""Any map, wherever it is hosted, may show what is public."""


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


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
