"""Refusals as pages, for people who look at the service in a browser."""

from collections.abc import Awaitable, Callable
from functools import wraps

import orjson
import structlog
from asyncpg import InternalClientError
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from shanhai.errors import ShanhaiError
from shanhai_api.errors import (
    MEDIA_TYPE,
    on_database_error,
    on_disconnect,
    on_http_error,
    on_invalid_request,
    on_shanhai_error,
    on_system_error,
    request_id_of,
    unexpected,
)
from shanhai_api.language import language_of
from shanhai_api.negotiation import HTML, JSON, choose_format
from shanhai_api.pages import render
from shanhai_api.state import state_of
from shanhai_api.view import View

Handler = Callable[[Request, Exception], Awaitable[Response]]
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

_OUTAGES = (DBAPIError, InternalClientError, PoolTimeoutError, ConnectionError, TimeoutError)


def install_handlers(app: FastAPI) -> None:
    """Tell every error as a problem document, or to a browser as a page."""
    handlers: dict[type[Exception], Handler] = {
        ShanhaiError: on_shanhai_error,
        RequestValidationError: on_invalid_request,
        HTTPException: on_http_error,
        ClientDisconnect: on_disconnect,
        OSError: on_system_error,
        **dict.fromkeys(_OUTAGES, on_database_error),
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
    answer = unexpected(request_id_of(request), language_of(request))
    try:
        return _page(request, answer) if _wants_page(request, answer) else answer
    except Exception:
        log.exception("error page failed")
        return answer


def _wants_page(request: Request, answer: Response) -> bool:
    """Whether a browser reads the answer: what is refused elsewhere must not be refused here."""
    if answer.media_type != MEDIA_TYPE or request.method not in {"GET", "HEAD"}:
        return False
    if "f" in request.query_params:
        return request.query_params["f"] == HTML.name
    if HTML.media_type not in request.headers.get("accept", "").lower():
        return False
    return choose_format(request, (JSON, HTML)) is HTML


def _page(request: Request, answer: Response) -> Response:
    view = View.of(request)
    issuers = state_of(request).configuration.oidc.issuer
    context = view.page_context(orjson.loads(bytes(answer.body)), {"issuers": issuers})
    kept = {
        name: value
        for name, value in answer.headers.items()
        if name not in {"content-type", "content-length"}
    }
    headers = {**kept, "Vary": "Accept, Accept-Language, Authorization"}
    body = render("problem.html", context)
    return Response(body, answer.status_code, media_type=HTML.media_type, headers=headers)
