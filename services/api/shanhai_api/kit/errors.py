"""Which status each error has, and how it is told: `application/problem+json` (RFC 9457)."""

import errno
import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from starlette.exceptions import HTTPException

from shanhai import errors
from shanhai.db import engine
from shanhai.negotiation import allowed_methods, language_of
from shanhai.validation import rule_in_chinese, rule_in_english
from shanhai.vocabulary import Label, Lang
from shanhai_api.kit.requests import request_id_of

MEDIA_TYPE = "application/problem+json"
OGC_EXCEPTIONS = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0"
TYPES = "urn:problem-type:shanhai"
BEARER = 'Bearer realm="shanhai"'

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class NoSuchProcess(errors.NotFound):
    """The process is not offered."""

    title = Label("没有该处理流程", "No such process")


class NoSuchJob(errors.NotFound):
    """No job of that id that the caller may know of."""

    title = Label("没有该作业", "No such job")


class ResultNotReady(errors.NotFound):
    """The job has not ended yet."""

    title = Label("结果尚未就绪", "Result not ready")


class JobDismissed(errors.ShanhaiError):
    """The job was dismissed: there will be no result."""

    title = Label("作业已取消", "Job dismissed")


class NotAcceptable(errors.ShanhaiError):
    """None of the formats asked for is offered."""

    title = Label("格式不可用", "Not acceptable")


class UnsupportedMedia(errors.ShanhaiError):
    """The body's media type is not understood here."""

    title = Label("内容类型不受支持", "Unsupported media type")


class MethodNotAllowed(errors.ShanhaiError):
    """The resource does not take the method; `headers` name those it takes."""

    title = Label("方法不被允许", "Method not allowed")

    def __init__(self, message: str, *, message_zh: str, allowed: Sequence[str]) -> None:
        super().__init__(message, message_zh=message_zh)
        self.headers = {"Allow": ", ".join(allowed)}


class PreconditionRequired(errors.ShanhaiError):
    """The request must say which state of the object it is about."""

    title = Label("缺少前提条件", "Precondition required")


class BrokenOff(errors.InvalidInput):
    """The connection ended before the body did; hardly anyone is left to read this."""

    title = Label("请求中断", "Request broken off")


class SlowClient(errors.ShanhaiError):
    """The body stopped arriving."""

    title = Label("请求超时", "Request timeout")


STATUS: Mapping[type[errors.ShanhaiError], int] = {
    errors.ShanhaiError: 500,
    errors.InvalidInput: 400,
    errors.LimitExceeded: 413,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.KeyReused: 422,
    PreconditionRequired: 428,
    MethodNotAllowed: 405,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
    JobDismissed: 410,
    NotAcceptable: 406,
    UnsupportedMedia: 415,
    SlowClient: 408,
    errors.StorageFull: 507,
}
OGC_TYPES: Mapping[type[errors.ShanhaiError], str] = {
    NoSuchProcess: "no-such-process",
    NoSuchJob: "no-such-job",
    ResultNotReady: "result-not-ready",
}
HEADERS: Mapping[type[errors.ShanhaiError], Mapping[str, str]] = {
    errors.Unauthenticated: {"WWW-Authenticate": BEARER},
    errors.InFlight: {"Retry-After": "1"},
    errors.Unavailable: {"Retry-After": "5"},
    ResultNotReady: {"Retry-After": "1"},
}
UNEXPECTED = Label("内部错误；请凭请求编号查询日志", "internal error; the log has it by request id")
BUSY_STATES = frozenset({"57014", "25006", "55P03", "40001", "40P01", "53100", "53200", "53300"})
"""PostgreSQL's codes for: cancelled, read-only, locks and deadlocks, disk full, no room."""
DENIED = "42501"
OUTSIDE = errors.Forbidden(
    "a role is needed in the region of everything that is written",
    message_zh="须在所写内容的每个区域具有相应角色",
)
TAKEN = "23505"  # unique_violation
JUST_WRITTEN = errors.Conflict(
    "another request has just written the same; read it again",
    message_zh="另一请求刚写入了相同的内容，请重新读取",
)
UNSTORABLE_STATES = frozenset({"22021", "22P05"})
"""PostgreSQL's codes for a text with NUL, as a value and inside JSON."""
UNSTORABLE = errors.InvalidInput("texts must not contain NUL", message_zh="文本不得包含 NUL 字符")


def status_of(error: type[errors.ShanhaiError]) -> int:
    """The status of the nearest ancestor that has one."""
    return next(STATUS[kind] for kind in error.__mro__ if kind in STATUS)


def type_of(error: type[errors.ShanhaiError]) -> str:
    """The stable URI of the kind of problem."""
    if error in OGC_TYPES:
        return f"{OGC_EXCEPTIONS}/{OGC_TYPES[error]}"
    kebab = re.sub(r"(?<!^)(?=[A-Z])", "-", error.__name__).lower()
    return f"{TYPES}:{kebab}"


def problem(
    request_id: str,
    *,
    kind: str,
    title: str,
    status: int,
    detail: str,
    faults: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """A problem document; `faults` as `Fault.told` gives them."""
    document: dict[str, Any] = {
        "type": kind,
        "title": title,
        "status": status,
        "detail": detail,
        "instance": f"urn:shanhai:request:{request_id}",
    }
    if faults:
        document["errors"] = list(faults)
    return document


def answer(
    document: Mapping[str, Any], lang: Lang, headers: Mapping[str, str] | None = None
) -> Response:
    """The response that carries a problem."""
    return Response(
        orjson.dumps(document),
        document["status"],
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", "Content-Language": lang, **(headers or {})},
    )


async def on_shanhai_error(request: Request, error: Exception) -> Response:
    """Tell an error the platform raised on purpose."""
    if not isinstance(error, errors.ShanhaiError):
        raise error
    lang, kind = language_of(request), type(error)
    document = problem(
        request_id_of(request),
        kind=type_of(kind),
        title=error.title.in_(lang),
        status=status_of(kind),
        detail=error.localised(lang),
        faults=[fault.told(lang) for fault in getattr(error, "faults", ())],
    )
    headers = next((HEADERS[base] for base in kind.__mro__ if base in HEADERS), {})
    headers = {**headers, **getattr(error, "headers", {})}
    return answer({**document, **error.members}, lang, headers)


async def on_invalid_request(request: Request, error: Exception) -> Response:
    """Tell what is wrong with parameters: 400, for OGC's sake, and not FastAPI's 422."""
    if not isinstance(error, RequestValidationError):
        raise error
    told = errors.InvalidInput.placed([_fault(item) for item in error.errors()])
    return await on_shanhai_error(request, told)


def _fault(item: Mapping[str, Any]) -> errors.Fault:
    where, *path = item["loc"]
    # Of a parameter that is a list, its name is told and not which of its values it was.
    pointer = ".".join(str(part) for part in path if not isinstance(part, int)) or str(where)
    if item["type"] == "extra_forbidden":
        return errors.Fault(pointer, "is not a parameter of this resource", "不是该资源的参数")
    return errors.Fault(pointer, rule_in_english(item), rule_in_chinese(item))


async def on_http_error(request: Request, error: Exception) -> Response:
    """Tell the framework's own refusals: unknown path, method not allowed; OPTIONS its methods."""
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == 405 and request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed_methods(request)})
    lang = language_of(request)
    title = errors.HTTP_TITLES.get(error.status_code, Label("请求失败", "Request failed")).in_(lang)
    document = problem(
        request_id_of(request),
        kind="about:blank",
        title=title,
        status=error.status_code,
        detail=f"{request.method} {request.url.path}: {title.lower()}",
    )
    headers = {"Allow": allowed_methods(request)} if error.status_code == 405 else {}
    return answer(document, lang, {**(error.headers or {}), **headers})


async def on_disconnect(request: Request, error: Exception) -> Response:
    """Close the books on a request whose sender went away."""
    return await on_shanhai_error(request, BrokenOff("the body ended too early"))


async def on_database_error(request: Request, error: Exception) -> Response:
    """Tell a database that is away or busy as 503, a text it cannot hold as 400, a row of another
    region as 403, one that another request wrote meanwhile as 409; else a bug."""
    if state_of_error(error) in UNSTORABLE_STATES:
        return await on_shanhai_error(request, _unstorable(request))
    if state_of_error(error) == DENIED and "row-level security" in str(error):
        log.warning("refused by the second fence")
        return await on_shanhai_error(request, OUTSIDE)
    if state_of_error(error) == TAKEN:
        # The first line names the constraint; those after it repeat values.
        log.warning("written by another request", error=str(error).partition("\n")[0])
        return await on_shanhai_error(request, JUST_WRITTEN)
    if not is_outage(error):
        raise error
    log.warning("database unavailable", error=type(error).__name__)
    return await on_shanhai_error(request, errors.DATABASE_DOWN)


def _unstorable(request: Request) -> errors.InvalidInput:
    """The refusal of a text with NUL, which names the parameters that have one."""
    rule, rule_zh = UNSTORABLE.message, UNSTORABLE.message_zh
    names = [name for name, value in request.query_params.multi_items() if "\x00" in value]
    return errors.InvalidInput(
        "; ".join(f"{name}: {rule}" for name in names) or rule,
        message_zh="；".join(f"{name}：{rule_zh}" for name in names) or rule_zh,
        faults=[errors.Fault(name, rule, rule_zh) for name in names or [""]],
    )


async def on_system_error(request: Request, error: Exception) -> Response:
    """Tell a full disk as 507, a database that cannot be reached as 503; else a bug."""
    if engine.failed_beneath(error):
        return await on_database_error(request, error)
    if not isinstance(error, OSError) or error.errno not in {errno.ENOSPC, errno.EDQUOT}:
        raise error
    log.error("no room left", error=type(error).__name__)
    return await on_shanhai_error(request, errors.NO_ROOM)


def is_outage(error: Exception) -> bool:
    """Whether the database, and not the statement, is at fault."""
    if isinstance(error, OperationalError | InterfaceError | OSError) or engine.is_outage(error):
        return True
    return state_of_error(error) in BUSY_STATES


def state_of_error(error: Exception) -> str:
    """PostgreSQL's code of an error; empty when it has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return getattr(cause, "sqlstate", None) or ""


def unexpected(request_id: str, lang: Lang) -> Response:
    """The answer to an error nobody foresaw; it repeats nothing of the request."""
    document = problem(
        request_id,
        kind=f"{TYPES}:internal-error",
        title="内部错误" if lang == "zh" else "Internal error",
        status=500,
        detail=UNEXPECTED.in_(lang),
    )
    return answer(document, lang)
