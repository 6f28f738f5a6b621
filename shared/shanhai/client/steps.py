"""What the client does, as generators that do no I/O, and what it makes of answers.

A generator yields what is to be done — a request, a pause, some work on this machine — and is sent
what came of it, as `httpx.Auth` has it. A driver of a few lines carries the steps out, either at
once or awaiting each.
"""

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeAlias, TypeVar, overload

import httpx

from shanhai import errors

P = ParamSpec("P")
T = TypeVar("T")
Mode = TypeVar("Mode", covariant=True)
Take: TypeAlias = Callable[[bytes], object]
"""Is given the bytes of an answer as they come."""


@dataclass(frozen=True, slots=True)
class Send:
    """A request; is sent the answer, or the error of its way. Errors are never given to `take`."""

    request: httpx.Request
    take: Take | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Work:
    """What takes a while on this machine; is sent what it returns."""

    function: Callable[[], Any]


Steps: TypeAlias = Generator[Send | Pause | Work, Any, T]


class Sync:
    """Marks what waits for each step."""


class Async:
    """Marks what is awaited."""


class Driven(ABC, Generic[Mode]):
    """What has methods that are steps."""

    @abstractmethod
    def _drive(self, steps: Steps[Any]) -> Any:
        """Carry out the steps and return their result, or an awaitable of it."""


class Method(Generic[P, T]):
    """A method that is written as steps: it returns its result, or an awaitable of it."""

    def __init__(self, steps: Callable[Concatenate[Any, P], Steps[T]]) -> None:
        self.steps = steps
        self.__doc__ = steps.__doc__

    @overload
    def __get__(self, part: None, owner: type) -> Self: ...
    @overload
    def __get__(self, part: Driven[Sync], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, part: Driven[Async], owner: type) -> Callable[P, Awaitable[T]]: ...
    def __get__(self, part: Driven[Any] | None, owner: type) -> Any:
        """The method of a part, carried out as the part is."""
        if part is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return part._drive(self.steps(part, *args, **kwargs))

        return update_wrapper(call, self.steps)


Progress: TypeAlias = Callable[[int, str], object]
"""Is told percent and message."""
FINAL = {"successful", "failed", "dismissed"}
SAFE = {"GET", "HEAD", "PUT", "DELETE", "OPTIONS"}
LATER = {429, 502, 503, 504}
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
KINDS: Mapping[int, type[errors.ShanhaiError]] = {
    **dict.fromkeys((400, 413, 415), errors.InvalidInput),
    401: errors.Unauthenticated,
    403: errors.Forbidden,
    404: errors.NotFound,
    409: errors.Conflict,
    **dict.fromkeys((412, 428), errors.Stale),
    422: errors.KeyReused,
    429: errors.RateLimited,
}


def content_of(response: httpx.Response) -> Any:
    """JSON as what it says, a text as such, all else as bytes; None for nothing."""
    kind = response.headers.get("Content-Type", "")
    if not response.content:
        return None
    if "json" in kind:
        return response.json()
    return response.text if kind.startswith("text/") else response.content


def next_of(page: Mapping[str, Any], url: str) -> str | None:
    """The address of the page after the one at `url`, asked for where that was.

    Links name the service as the public knows it, which may be out of reach, or have no key.
    """
    links = (httpx.URL(link["href"]) for link in page.get("links", ()) if link["rel"] == "next")
    return next((str(httpx.URL(url).copy_with(query=link.query)) for link in links), None)


def records_of(page: Mapping[str, Any]) -> Iterator[Any]:
    """What a page lists: its one member that is a list, beside the links."""
    lists = [value for name, value in page.items() if isinstance(value, list) and name != "links"]
    if len(lists) != 1:
        raise errors.InvalidInput(
            f"{', '.join(page)}: this is no page of a list; read it with `get`"
        )
    yield from lists[0]


def pause_before_repeat(
    request: httpx.Request, answered: httpx.Response | httpx.RequestError, before: int
) -> float | None:
    """Seconds until a request may be sent again; None where that is of no use, or not safe.

    A request is safe to repeat if its method is, or if it has an idempotency key. One that demands
    a state, or that there is none, would meet its own work if its answer alone was lost.

    Args:
        before: How often it was repeated already.
    """
    if request.method not in SAFE and "Idempotency-Key" not in request.headers:
        return None
    named = request.headers.get("If-Match", "*") != "*" or "If-None-Match" in request.headers
    if named and request.method in {"PUT", "DELETE"} and may_be_done(answered):
        return None
    asked = 0.0
    if isinstance(answered, httpx.Response):
        # A conflict that passes is that of an idempotency key whose first request still runs.
        passes = answered.status_code == httpx.codes.CONFLICT and "Retry-After" in answered.headers
        if answered.status_code not in LATER and not passes:
            return None
        asked = _retry_after(answered)
    own = FIRST_PAUSE_S * 2**before * random.uniform(0.5, 1)  # noqa: S311 - spreads, hides nothing
    pause = max(asked, min(own, LONGEST_PAUSE_S))
    return pause if pause <= LONGEST_PAUSE_S else None


def may_be_done(answered: httpx.Response | httpx.RequestError) -> bool:
    """Whether the request may have been carried out though the service did not say so."""
    if isinstance(answered, httpx.Response):
        return answered.status_code in {502, 504}
    return not isinstance(answered, httpx.ConnectError | httpx.ConnectTimeout)


def _retry_after(response: httpx.Response) -> float:
    """What `Retry-After` says, in seconds or as a date; 0 without it."""
    told = response.headers.get("Retry-After", "0")
    if told.isdecimal():
        return float(told)
    try:
        return (parsedate_to_datetime(told) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def checked(
    request: httpx.Request, answered: httpx.Response | httpx.RequestError
) -> httpx.Response:
    """An answer that is no error, and leads nowhere else.

    Raises:
        ShanhaiError: of the kind that the status has, with what the service said of it.
    """
    what = f"{request.method} {request.url}"
    if isinstance(answered, httpx.RequestError):
        why = str(answered) or type(answered).__name__
        raise errors.Unavailable(
            f"{what}: {why}", message_zh=f"{what}：无法连接（{why}）"
        ) from answered
    if answered.is_success or answered.status_code == httpx.codes.NOT_MODIFIED:
        return answered
    problem = _problem_of(answered)
    told = f"{problem['title']}: {problem.get('detail')}{_faults_of(problem)}"
    error = KINDS.get(answered.status_code, errors.Unavailable)(f"{what}: {told}")
    error.problem = problem
    raise error


def _faults_of(problem: Mapping[str, Any]) -> str:
    """What a problem lists and does not say in its detail already, in brackets."""
    said = str(problem.get("detail"))
    faults = (
        ": ".join(text for text in (one["pointer"], one["detail"]) if text not in said)
        for one in problem.get("errors", ())
    )
    more = "; ".join(filter(None, faults))
    return more and f" ({more})"


def _problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem document of an answer; one with its status where there is none."""
    document = content_of(response)
    plain = {"title": response.reason_phrase, "status": response.status_code}
    return plain | document if isinstance(document, dict) else plain


class JobEvents:
    """The state of a job, from the server-sent events that tell of it."""

    def __init__(self, progress: Progress | None) -> None:
        self.status: dict[str, Any] = {}
        self.last: str | None = None
        self._progress, self._rest = progress, b""
        self._told: tuple[int, str] | None = None

    @property
    def ended(self) -> bool:
        """Whether the job has."""
        return self.status.get("status") in FINAL

    def begin(self) -> None:
        """Forget the half of an event after which the stream broke off."""
        self._rest = b""

    def take(self, block: bytes) -> None:
        """Read the next bytes."""
        *events, self._rest = (self._rest + block).split(b"\n\n")
        for event in events:
            lines = (line.partition(": ") for line in event.decode().splitlines())
            fields = {name: value for name, _, value in lines}
            if "data" in fields:
                self.last, self.status = fields.get("id"), json.loads(fields["data"])
                self._tell()

    def _tell(self) -> None:
        state = (int(self.status.get("progress", 0)), str(self.status.get("message", "")))
        if self._progress is not None and state != self._told:
            self._progress(*state)
        self._told = state
