"""Errors of the service and how they look over HTTP: RFC 9457 problem documents."""

import errno
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

import structlog
from asyncpg import PostgresError
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shanhai.db.engine import CANCELLED, failed_beneath
from shanhai.errors import (
    DATABASE_DOWN,
    HTTP_TITLES,
    NO_ROOM,
    Conflict,
    Fault,
    Forbidden,
    InvalidInput,
    NotFound,
    RateLimited,
    ShanhaiError,
    StorageFull,
    Unauthenticated,
    Unavailable,
)
from shanhai.http_egress import NoAnswerInTime, UnusableAnswer
from shanhai.negotiation import allowed_methods, language_of
from shanhai.validation import rule_in_chinese, rule_in_english
from shanhai.vocabulary import Label
from shanhai_tiles.answers import DocumentPart, Maybe
from shanhai_tiles.pages import HTML, asks_for_page, render_problem
from shanhai_tiles.wmts.faults import WmtsFault, is_wmts, report, status_of

log = structlog.get_logger()

PROBLEM_TYPE = "application/problem+json"
NEVER_STORED = {"Cache-Control": "no-store"}


class LayerUnreadable(Conflict):
    """The layer is registered but its file is missing or damaged; other layers are not touched."""

    title = Label("图层文件无法读取", "Layer file unreadable")

    def __init__(self) -> None:
        super().__init__(
            "the file of this layer is missing or damaged; the operator must restore it "
            "or run the job again",
            message_zh="该图层的文件缺失或已损坏，请运维人员恢复文件或重新运行任务",
        )


class ProblemFault(DocumentPart):
    """One broken rule."""

    pointer: str = Field(description="A JSON pointer into the body, or the name of a parameter")
    detail: str


class ProblemDocument(DocumentPart):
    """A problem document (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: Maybe[list[ProblemFault]] = None


_STATUS: tuple[tuple[type[ShanhaiError], int, str], ...] = (
    (LayerUnreadable, 409, "layer-unreadable"),
    (InvalidInput, 400, "invalid-input"),
    (NotFound, 404, "not-found"),
    (Conflict, 409, "conflict"),
    (Unauthenticated, 401, "unauthenticated"),
    (Forbidden, 403, "forbidden"),
    (RateLimited, 429, "rate-limited"),
    (UnusableAnswer, 502, "upstream-unusable"),
    (NoAnswerInTime, 504, "upstream-late"),
    (StorageFull, 507, "storage-full"),
    (Unavailable, 503, "unavailable"),
)
TOO_LONG = Unavailable("the query took too long; try again", message_zh="查询超时，请稍后重试")
INTERNAL = Label("内部错误", "Internal error")
UNANSWERED = Label("无法应答该请求", "the request could not be answered")
_PASSING_SQLSTATES = ("08", "53", "57")
"""Connection lost, resources short, operator's intervention."""


def problem(
    request: Request,
    status: int,
    kind: str,
    title: str,
    detail: str,
    faults: Sequence[Fault] = (),
) -> Response:
    """A problem document, for a client of WMTS its XML, and a page for who opens the viewer; never
    stored by caches."""
    lang = language_of(request)
    headers = dict(NEVER_STORED)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "5"
    if is_wmts(request):
        told = report(status, detail, lang, None, faults[0].pointer if faults else None)
        told.headers.update(headers)
        return told
    document = ProblemDocument(
        type=f"urn:problem-type:shanhai:{kind}",
        title=title,
        status=status,
        detail=detail,
        instance=f"urn:shanhai:request:{request.scope['state']['request_id']}",
        errors=[ProblemFault(**fault.told(lang)) for fault in faults] or None,
    )
    if asks_for_page(request):
        public = request.app.state.services.public
        return Response(render_problem(document.as_json(), lang, public), status, headers, HTML)
    return Response(document.model_dump_json().encode(), status, headers, PROBLEM_TYPE)


async def show_wmts_fault(request: Request, error: Exception) -> Response:
    """A parameter WMTS cannot answer, with the standard's own code for it."""
    if not isinstance(error, WmtsFault):
        raise error
    lang = language_of(request)
    told = report(status_of(request), error.localised(lang), lang, error.code, error.locator)
    told.headers.update(NEVER_STORED)
    return told


async def show_error(request: Request, error: Exception) -> Response:
    """Any of the platform's own errors."""
    if not isinstance(error, ShanhaiError):
        raise error
    lang = language_of(request)
    faults = error.faults if isinstance(error, InvalidInput) else ()
    status, kind = next(
        ((status, kind) for known, status, kind in _STATUS if isinstance(error, known)),
        (500, "internal"),
    )
    title = error.title.in_(lang)
    told = problem(request, status, kind, title, error.localised(lang), faults)
    told.headers.update(getattr(error, "headers", {}))
    return told


async def show_validation(request: Request, error: Exception) -> Response:
    """Parameters that FastAPI could not read: 400 with one fault each."""
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [
        Fault(str(one["loc"][-1]), rule_in_english(one), rule_in_chinese(one))
        for one in error.errors()
    ]
    return await show_error(request, InvalidInput.placed(faults))


async def show_http(request: Request, error: Exception) -> Response:
    """What the router itself refuses: unknown path, method not allowed; OPTIONS its methods."""
    if not isinstance(error, HTTPException):
        raise error
    allowed = {"Allow": allowed_methods(request)} if error.status_code == 405 else {}
    if allowed and request.method == "OPTIONS":
        return Response(status_code=204, headers=allowed)
    title = HTTP_TITLES.get(error.status_code, Label("请求失败", "Request failed"))
    told = title.in_(language_of(request))
    response = problem(request, error.status_code, "http", told, told)
    response.headers.update({**(error.headers or {}), **allowed})
    return response


async def show_database(request: Request, error: Exception) -> Response:
    """The database went away or a statement took longer than it may; anything else is a bug."""
    state = ""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        lost = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
        if not (lost or failed_beneath(error) or state.startswith(_PASSING_SQLSTATES)):
            return await show_unexpected(request, error)
    log.warning("database does not answer", sqlstate=state)
    return await show_error(request, TOO_LONG if state == CANCELLED else DATABASE_DOWN)


async def show_full_disk(request: Request, error: Exception) -> Response:
    """There is no room for a file that is written to be sent, or the database cannot be reached;
    anything else of the system is a bug."""
    if failed_beneath(error):
        return await show_database(request, error)
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        return await show_unexpected(request, error)
    log.error("no room left", error=type(error).__name__)
    return await show_error(request, NO_ROOM)


async def show_unexpected(request: Request, error: Exception) -> Response:
    """A bug; the log has it, the answer does not."""
    log.error("unexpected error", exc_info=error)
    lang = language_of(request)
    return problem(request, 500, "internal", INTERNAL.in_(lang), UNANSWERED.in_(lang))


Handler = Callable[[Request, Exception], Awaitable[Response]]
HANDLERS: Mapping[type[Exception], Handler] = MappingProxyType(
    {
        WmtsFault: show_wmts_fault,
        ShanhaiError: show_error,
        RequestValidationError: show_validation,
        HTTPException: show_http,
        OSError: show_full_disk,
        **dict.fromkeys((DBAPIError, PostgresError, ConnectionError, TimeoutError), show_database),
    }
)


async def tell(request: Request, error: Exception) -> Response:
    """The answer to an error that was expected; any other is raised."""
    for kind in type(error).__mro__:
        if kind in HANDLERS:
            return await HANDLERS[kind](request, error)
    raise error


class LastResort:
    """ASGI middleware that answers for bugs from within those that dress answers.

    Starlette's own answer goes out past all of them: a page of another origin may not read it, and
    its browser tells of CORS in place of the fault.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an answer that has begun cannot be taken back."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = begun or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if begun or scope["type"] != "http":
                raise
            answer = await show_unexpected(Request(scope, receive), error)
            await answer(scope, receive, send)


def install_error_handlers(app: FastAPI) -> None:
    """Make every error of the app a problem document."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)
    app.add_exception_handler(Exception, show_unexpected)
