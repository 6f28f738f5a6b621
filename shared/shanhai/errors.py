"""The errors of the platform; the edges (HTTP, terminal, job row) decide how to show them.

ShanhaiError
├── InvalidInput         the caller's value breaks a rule; names field, value and rule
│   ├── UnsupportedFile  an uploaded or given file is not what it should be
│   └── LimitExceeded    larger or longer than allowed; names the limit
├── NotFound             no such object, or none the caller may know of
├── Conflict             the object's present state forbids it
│   ├── Stale            it has changed since the caller read it
│   ├── InFlight         the first request with this idempotency key is still running
│   └── KeyReused        this idempotency key was used with another body
├── Unauthenticated      no valid identity
├── Forbidden            the identity lacks the scope
├── RateLimited          more was asked for in a while than is allowed; try again later
├── Unavailable          a dependency does not answer; try again
│   └── StorageFull      there is no room
└── InternalError        the platform itself does wrong what it was asked for
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from shanhai.vocabulary import Label

Step = TypeVar("Step")
HTTP_TITLES: Mapping[int, Label] = {
    404: Label("未找到", "Not found"),
    405: Label("方法不被允许", "Method not allowed"),
}
"""Of what a router itself refuses."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule: where (a JSON pointer into the body, or a parameter name) and why."""

    pointer: str
    detail: str
    detail_zh: str | None = None

    def told(self, lang: str) -> dict[str, str]:
        """As problem documents tell it, in `lang` (`zh` or `en`) where there is a translation."""
        detail = self.detail_zh if lang == "zh" and self.detail_zh else self.detail
        return {"pointer": self.pointer, "detail": detail}


class ShanhaiError(Exception):
    """Base of every error the platform raises on purpose.

    `message` is English; `message_zh` its Chinese twin where a person reads it; `members` are what
    a problem document tells beside them; `problem` is the document that a service answered with.
    """

    title = Label("错误", "Error")

    def __init__(self, message: str, *, message_zh: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh or message
        self.members: Mapping[str, Any] = {}
        self.problem: Mapping[str, Any] = {}

    def localised(self, lang: str) -> str:
        """The message in `lang` (`zh` or `en`)."""
        return self.message_zh if lang == "zh" else self.message


_NOTHING = Label("", "")


class _Faulty(ShanhaiError):
    """An error whose `faults` say what in the request is refused, and why."""

    def __init__(
        self,
        message: str,
        *,
        message_zh: str | None = None,
        pointer: str | None = None,
        faults: Sequence[Fault] = (),
    ) -> None:
        super().__init__(message, message_zh=message_zh)
        own = (Fault(pointer, message, message_zh),) if pointer is not None else ()
        self.faults: tuple[Fault, ...] = (*own, *faults)

    @classmethod
    def of(cls, faults: Sequence[Fault]) -> Self:
        """The error of some faults; its message is theirs."""
        return cls(
            "; ".join(fault.detail for fault in faults),
            message_zh="；".join(fault.detail_zh or fault.detail for fault in faults),
            faults=faults,
        )


class InvalidInput(_Faulty):
    """The caller's value breaks a rule."""

    title = Label("输入无效", "Invalid input")

    @classmethod
    def placed(cls, faults: Sequence[Fault], before: Label = _NOTHING) -> Self:
        """The error of some faults; its message says `before`, then where and why of each."""
        return cls(
            before.en + "; ".join(f"{one.pointer or '/'}: {one.detail}" for one in faults),
            message_zh=before.zh
            + "；".join(f"{one.pointer or '/'}：{one.detail_zh or one.detail}" for one in faults),
            faults=faults,
        )


class UnsupportedFile(InvalidInput):
    """A file is not what it should be."""

    title = Label("文件不受支持", "Unsupported file")


class LimitExceeded(InvalidInput):
    """Something is larger or longer than allowed."""

    title = Label("超出限制", "Limit exceeded")


class NotFound(ShanhaiError):
    """No such object, or none the caller may know of."""

    title = Label("未找到", "Not found")


class Conflict(_Faulty):
    """The object's present state forbids the request; `faults` say what in it does."""

    title = Label("状态冲突", "Conflict")


class Stale(Conflict):
    """The object has changed since the caller read it."""

    title = Label("前提条件不满足", "Precondition failed")


def demand_state(
    state: str, expected: frozenset[str] | None, what: str, what_zh: str | None = None
) -> None:
    """Refuse to write to what is in none of the states expected; None stands for any.

    Raises:
        Stale: it is in none.
    """
    if expected is not None and state not in expected:
        raise Stale(
            f"{what} has changed since it was read; read it again",
            message_zh=f"{what_zh or what} 在读取之后已被更改，请重新读取",
        )


def demand_step(steps: Mapping[str, Step], source: str, target: str) -> Step:
    """The step from one state to another.

    Args:
        steps: Those there are from the state, by the state they lead to.

    Raises:
        Conflict: there is no such step.
    """
    if target in steps:
        return steps[target]
    listed = ", ".join(steps)
    en = f"there is no step from {source!r} to {target!r}; allowed: {listed or 'none'}"
    zh = f"不能从 {source!r} 变为 {target!r}；可变为：{listed or '无'}"
    raise Conflict(en, message_zh=zh, faults=[Fault("/to", en, zh)])


class InFlight(Conflict):
    """The first request with this idempotency key is still running."""


class KeyReused(Conflict):
    """This idempotency key was used with another body."""

    title = Label("幂等键已被使用", "Idempotency key reused")


class Unauthenticated(ShanhaiError):
    """No valid identity came with the request.

    `reason` and `credential` are for the audit log: the caller is not told whether a key exists.
    """

    title = Label("需要身份认证", "Authentication required")

    def __init__(
        self,
        message: str,
        *,
        message_zh: str | None = None,
        reason: str | None = None,
        credential: str | None = None,
    ) -> None:
        super().__init__(message, message_zh=message_zh)
        self.reason = reason or message
        self.credential = credential


class Forbidden(ShanhaiError):
    """The identity lacks the scope."""

    title = Label("没有权限", "Forbidden")


class RateLimited(ShanhaiError):
    """More was asked for in a while than is allowed."""

    title = Label("请求过于频繁", "Too many requests")

    def __init__(
        self,
        message: str,
        *,
        message_zh: str | None = None,
        retry_after_s: int = 1,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, message_zh=message_zh)
        self.headers = {"Retry-After": str(retry_after_s), **(headers or {})}


class Unavailable(ShanhaiError):
    """A dependency does not answer."""

    title = Label("服务暂不可用", "Service unavailable")


class StorageFull(Unavailable):
    """There is no room for what was sent or is to be sent; there may be later."""

    title = Label("存储空间不足", "Insufficient storage")


class InternalError(ShanhaiError):
    """The platform itself does wrong what it was asked for, and says what that is."""

    title = Label("内部错误", "Internal error")


DATABASE_DOWN = Unavailable(
    "the database does not answer; try again", message_zh="数据库暂不可用，请稍后重试"
)
NO_ROOM = StorageFull(
    "there is no room left for it; try again later", message_zh="存储空间不足，请稍后重试"
)
