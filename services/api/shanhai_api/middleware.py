"""Around every request: its id, its log line and metrics, security headers, the last resort."""

import re
import time
import uuid
from dataclasses import dataclass, field

import structlog
from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.rate_limits import Allowance
from shanhai.tracing import Span, bound_trace_id, span
from shanhai_api.error_pages import answer_unexpected
from shanhai_api.metrics import ApiMetrics

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none';"
    " form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
QUIET = ("/health", "/metrics")

log: structlog.stdlib.BoundLogger = structlog.get_logger("shanhai_api.access")


@dataclass(slots=True)
class RequestProgress:
    """What became of a request."""

    request_id: str
    head: bool
    began: float = field(default_factory=time.perf_counter)
    status: int | None = None


class HeadSent(Exception):
    """All of an answer to HEAD is sent, and a body that goes on need not be made."""


class RequestScope:
    """ASGI middleware, the outermost one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request whatever happens inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        course = RequestProgress(request_id_from(request), head=scope["method"] == "HEAD")
        if course.head:
            # A copy: the server must still know that no body is to be sent.
            scope = {**scope, "method": "GET"}
        scope.setdefault("state", {})["request_id"] = course.request_id
        with (
            structlog.contextvars.bound_contextvars(request_id=course.request_id),
            span("request", kind="server", parent=request.headers.get("traceparent")) as traced,
            bound_trace_id(),
        ):
            await self._run(scope, receive, send, course)
            _name(traced, scope, course)

    async def _run(
        self, scope: Scope, receive: Receive, send: Send, course: RequestProgress
    ) -> None:
        async def finished(message: Message) -> None:
            await send(_finish(message, course, scope["state"].get("allowance")))
            if course.head and message.get("more_body"):
                raise HeadSent

        metrics = _metrics(scope)
        with metrics.running.track_inprogress():
            try:
                await self.app(scope, receive, finished)
            except HeadSent:
                pass
            except Exception:
                log.exception("request failed")
                if course.status is None:
                    last_resort = answer_unexpected(Request(scope))
                    await last_resort(scope, receive, finished)
        _note(scope, course, metrics)


def request_id_from(request: Request) -> str:
    """The caller's id when it is harmless, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def _finish(message: Message, course: RequestProgress, allowance: Allowance | None) -> Message:
    if message["type"] == "http.response.start":
        course.status = message["status"]
        headers = MutableHeaders(scope=message)
        headers["X-Request-Id"] = course.request_id
        for name, value in HEADERS.items():
            headers.setdefault(name, value)
        if allowance is not None:
            headers.update(allowance.headers())
    elif message["type"] == "http.response.body" and course.head:
        return {**message, "body": b"", "more_body": False}
    return message


def _name(traced: Span, scope: Scope, course: RequestProgress) -> None:
    """Call the span by its route's pattern, as OpenTelemetry's conventions have it."""
    route = getattr(scope.get("route"), "path", "")
    traced.name(f"{scope['method']} {route}".rstrip())
    traced.tell("http.request.method", scope["method"])
    traced.tell("http.response.status_code", course.status or 499)
    if route:
        traced.tell("http.route", route)
    if (course.status or 0) >= 500:
        traced.fail(f"status {course.status}")


def _metrics(scope: Scope) -> ApiMetrics:
    metrics: ApiMetrics = scope["app"].state.service.metrics
    return metrics


def _note(scope: Scope, course: RequestProgress, metrics: ApiMetrics) -> None:
    seconds = time.perf_counter() - course.began
    route = getattr(scope.get("route"), "path", None)
    method = "HEAD" if course.head else scope["method"]
    metrics.observe(method=method, route=route, status=course.status or 499, seconds=seconds)
    if not scope["path"].startswith(QUIET):
        log.info(
            "request",
            method=method,
            path=scope["path"],
            status=course.status,
            seconds=round(seconds, 4),
        )
