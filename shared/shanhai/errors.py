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
└── Unavailable          a dependency does not answer; try again
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self


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

    title = "Error"
    title_zh = "错误"

    def __init__(self, message: str, *, message_zh: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.message_zh = message_zh or message
        self.members: Mapping[str, Any] = {}
        self.problem: Mapping[str, Any] = {}

    def localised(self, lang: str) -> str:
        """The message in `lang` (`zh` or `en`)."""
        return self.message_zh if lang == "zh" else self.message


class InvalidInput(ShanhaiError):
    """The caller's value breaks a rule."""

    title = "Invalid input"
    title_zh = "输入无效"

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


class UnsupportedFile(InvalidInput):
    """A file is not what it should be."""

    title = "Unsupported file"
    title_zh = "文件不受支持"


class LimitExceeded(InvalidInput):
    """Something is larger or longer than allowed."""

    title = "Limit exceeded"
    title_zh = "超出限制"


class NotFound(ShanhaiError):
    """No such object, or none the caller may know of."""

    title = "Not found"
    title_zh = "未找到"


class Conflict(ShanhaiError):
    """The object's present state forbids the request; `faults` say what in it does."""

    title = "Conflict"
    title_zh = "状态冲突"

    def __init__(
        self, message: str, *, message_zh: str | None = None, faults: Sequence[Fault] = ()
    ) -> None:
        super().__init__(message, message_zh=message_zh)
        self.faults: tuple[Fault, ...] = tuple(faults)


class Stale(Conflict):
    """The object has changed since the caller read it."""

    title = "Precondition failed"
    title_zh = "前提条件不满足"


class InFlight(Conflict):
    """The first request with this idempotency key is still running."""


class KeyReused(Conflict):
    """This idempotency key was used with another body."""

    title = "Idempotency key reused"
    title_zh = "幂等键已被使用"


class Unauthenticated(ShanhaiError):
    """No valid identity came with the request.

    `reason` and `credential` are for the audit log: the caller is not told whether a key exists.
    """

    title = "Authentication required"
    title_zh = "需要身份认证"

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

    title = "Forbidden"
    title_zh = "没有权限"


class RateLimited(ShanhaiError):
    """More was asked for in a while than is allowed."""

    title = "Too many requests"
    title_zh = "请求过于频繁"

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

    title = "Service unavailable"
    title_zh = "服务暂不可用"
