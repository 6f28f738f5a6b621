"""Around every request: its id, log line and metrics, security headers, refusals as pages.

Also when Python looks for cycles: with the usual thresholds, reading ten thousand positions made it
look through all modules, routes and models, three times as long as the check of compliance took.
"""

import gc
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps

import orjson
import structlog
from asyncpg import InternalClientError, PostgresError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.db.collections.catalogue import COLLECTIONS
from shanhai.db.queries.audit import acting_from
from shanhai.errors import ShanhaiError
from shanhai.negotiation import language_of, wished_most
from shanhai.overload import Allowance
from shanhai.telemetry import Span, bound_trace_id, span, tell_line
from shanhai_api.kit import errors
from shanhai_api.kit.pages import render
from shanhai_api.kit.requests import client_address, is_form, request_id_of
from shanhai_api.kit.state import ApiMetrics, state_of
from shanhai_api.kit.view import HTML, JSON, View

Handler = Callable[[Request, Exception], Awaitable[Response]]
failures: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_OUTAGES = (
    DBAPIError,
    PostgresError,  # while connecting
    InternalClientError,
    PoolTimeoutError,
    ConnectionError,
    TimeoutError,
)


def install_handlers(app: FastAPI) -> None:
    """Tell every error as a problem document, or to a browser as a page."""
    handlers: dict[type[Exception], Handler] = {
        ShanhaiError: errors.on_shanhai_error,
        RequestValidationError: errors.on_invalid_request,
        HTTPException: errors.on_http_error,
        ClientDisconnect: errors.on_disconnect,
        OSError: errors.on_system_error,
        **dict.fromkeys(_OUTAGES, errors.on_database_error),
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, told_to_people(handler))


def told_to_people(handler: Handler) -> Handler:
    """The handler, whose problem document is a page where one is asked for."""

    @wraps(handler)
    async def told(request: Request, error: Exception) -> Response:
        answer = await handler(request, error)
        return _page(request, answer) if _wants_page(request, answer) else answer

    return told


def answer_unexpected(request: Request) -> Response:
    """The last resort, to a browser as a page; the bare document where the page fails as well."""
    answer = errors.unexpected(request_id_of(request), language_of(request))
    try:
        return _page(request, answer) if _wants_page(request, answer) else answer
    except Exception:
        failures.exception("error page failed")
        return answer


def _wants_page(request: Request, answer: Response) -> bool:
    """Whether a browser reads the answer: what is refused elsewhere must not be refused here."""
    if answer.media_type != errors.MEDIA_TYPE:
        return False
    if request.method not in {"GET", "HEAD"} and not is_form(request):
        return False
    if "f" in request.query_params:
        return request.query_params["f"] == HTML.name
    accept = request.headers.get("accept", "")
    return wished_most(accept, (JSON.media_type, HTML.media_type)) == HTML.media_type


def _page(request: Request, answer: Response) -> Response:
    view = View.of(request)
    issuers = state_of(request).configuration.oidc.issuer
    more = {"issuers": issuers, "up": list_above(request)}
    context = view.page_context(orjson.loads(bytes(answer.body)), more)
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"content-type", "content-length"}
    }
    headers = {**kept, "Vary": "Accept, Accept-Language, Authorization, Cookie"}
    body = render("problem.html", context)
    return Response(body, answer.status_code, media_type=HTML.media_type, headers=headers)


def list_above(request: Request) -> str | None:
    """The nearest list above an address, to go back to: pages are not told where one came from."""
    words = request.url.path.strip("/").split("/")
    lists = {f"/collections/{entity.name}/items" for entity in COLLECTIONS} | {
        route.path
        for route in request.app.state.routes
        if "{" not in route.path and "GET" in route.methods
    }
    above = ("/" + "/".join(words[:depth]) for depth in range(len(words) - 1, 0, -1))
    return next((path for path in above if path in lists), None)


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
RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
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
    """ASGI middleware around all that answers; but for preflights, which no one is told of."""

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
        address = client_address(request)
        source = None if address is None else str(address)
        with (
            acting_from(source),
            # Who calls is told by `caller_of`, once that is known.
            _lines_telling(request_id=course.request_id, address=source, identity=None),
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
        metrics.running.inc()
        try:
            await self.app(scope, receive, finished)
        except HeadSent:
            pass
        except Exception:
            log.exception("request failed")
            if course.status is None:
                last_resort = answer_unexpected(Request(scope))
                await last_resort(scope, receive, finished)
        finally:
            metrics.running.dec()
        _note(scope, course, metrics)


@contextmanager
def _lines_telling(**members: object) -> Iterator[None]:
    """Log these members with each line, without looking at all else that is bound."""
    tokens = structlog.contextvars.bind_contextvars(**members)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


def request_id_from(request: Request) -> str:
    """The caller's id when it is harmless, else a new one."""
    given = request.headers.get("x-request-id", "")
    return given if REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


def _finish(message: Message, course: RequestProgress, allowance: Allowance | None) -> Message:
    if message["type"] == "http.response.start":
        course.status = message["status"]
        given = message.setdefault("headers", [])
        names = {name for name, _ in given}
        given += [pair for pair in RAW_HEADERS if pair[0] not in names]
        headers = MutableHeaders(raw=given)
        headers["X-Request-Id"] = course.request_id
        if allowance is not None:
            for name, value in allowance.headers().items():
                headers[name] = f"{value}, {headers[name]}" if headers.get(name) else value
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
        tell_line(
            log,
            "shanhai_api.access",
            "request",
            method=method,
            path=scope["path"],
            status=course.status,
            seconds=round(seconds, 4),
        )


YOUNG = 50_000
"""Objects made, less those freed, after which the young ones are looked through."""
OLDER = 20
"""How often that happens before older ones are."""


def settle() -> None:
    """Take what is there for permanent; call it once, when all is imported and put together."""
    gc.freeze()  # with the little that is garbage: to find it takes an eighth of a start
    gc.set_threshold(YOUNG, OLDER, OLDER)
    gc.enable()
