"""Around every request: an id, security headers, and a measurement."""

import re
import time
import uuid
from urllib.parse import urlsplit

import structlog
from prometheus_client import Histogram
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.limits import Allowance

SECONDS = Histogram(
    "shanhai_tiles_request_seconds", "Time to answer", ["method", "route", "status"]
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    # Any map, wherever it is hosted, may show what is public; no cookie is ever read.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "ETag, X-Request-Id, Content-Language, RateLimit, RateLimit-Policy, Retry-After"
    ),
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Cache-Control": "no-cache",
}
PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-None-Match",
    "Access-Control-Max-Age": "86400",
}
_GIVEN_ID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")


def content_policy(tiles_url: str) -> str:
    """Own files only, and tiles from the configured public address, maybe another host name.

    One policy for every answer: a browser binds a worker to that of the worker's own file, and the
    worker is what fetches tiles.
    """
    parts = urlsplit(tiles_url)
    tiles = f"{parts.scheme}://{parts.netloc}"
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

    def __init__(self, app: ASGIApp, tiles_url: str) -> None:
        self.app = app
        self.headers = {**HEADERS, "Content-Security-Policy": content_policy(tiles_url)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer preflights, answer HEAD as GET without its body, and dress every answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.perf_counter()
        method = scope["method"]
        if method == "HEAD":
            scope["method"] = "GET"
        status = 500

        async def dressed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                for name, value in (*self.headers.items(), ("X-Request-Id", request_id)):
                    headers.setdefault(name, value)
                allowance: Allowance | None = scope["state"].get("allowance")
                if allowance is not None:
                    headers.update(allowance.headers())
            elif method == "HEAD":
                message["body"] = b""
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await (_preflight if _is_preflight(scope) else self.app)(scope, receive, dressed)
            finally:
                _measure(scope, method, status, time.perf_counter() - started)


def _is_preflight(scope: Scope) -> bool:
    asked = {name for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in asked


async def _preflight(scope: Scope, receive: Receive, send: Send) -> None:
    headers = [(name.lower().encode(), value.encode()) for name, value in PREFLIGHT.items()]
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


def _request_id(scope: Scope) -> str:
    """The caller's own id when it is a UUID, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "").lower()
    return given if _GIVEN_ID.match(given) else str(uuid.uuid4())


def _measure(scope: Scope, method: str, status: int, seconds: float) -> None:
    """By the route's pattern, never its address: labels must stay few."""
    route = getattr(scope.get("route"), "path", "none")
    SECONDS.labels(method, route, status).observe(seconds)
