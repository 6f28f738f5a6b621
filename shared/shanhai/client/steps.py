"""What the client does, as generators that do no I/O: written once, for both kinds of client.

A generator yields what is to be done — a request, a pause, some work on this machine — and is sent
what came of it, as `httpx.Auth` has it. A driver of a few lines carries the steps out, either
at once or awaiting each.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import update_wrapper
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeAlias, TypeVar, overload

import httpx

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
