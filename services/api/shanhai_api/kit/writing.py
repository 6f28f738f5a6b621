"""What endpoints read and write with: who asks, the session, and the state they expect."""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar, get_args

from fastapi import Depends, Header, Request
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai_api.dependencies import ReadSession, TheUnit, act_of
from shanhai_api.identity import Caller
from shanhai_api.preconditions import expected_states
from shanhai_api.state import ServiceState, UnitOfWork, state_of
from shanhai_api.view import View

Who = TypeVar("Who")
Check = Callable[[Request], Coroutine[Any, Any, Caller]]


async def get_expected(
    request: Request,
    if_match: Annotated[
        str | None, Header(description="ETag of the state that is to be written over")
    ] = None,
) -> frozenset[str] | None:
    """The states a write expects; the header is declared here, and may be sent in parts."""
    return expected_states(request)


IfMatch = Annotated[frozenset[str] | None, Depends(get_expected)]
"""The states, one of which the object must be in; None for any."""


@dataclass(frozen=True, slots=True)
class Context(View):
    """A request with its caller and a session."""

    caller: Caller
    session: AsyncSession

    @property
    def state(self) -> ServiceState:
        """What the running service holds."""
        return state_of(self.request)

    @property
    def act(self) -> Act:
        """The caller and request as the audit log names them."""
        return act_of(self.caller, self)


@dataclass(frozen=True, slots=True)
class WriteContext(Context):
    """A request that writes, in a unit of work that is committed before it is answered."""

    unit: UnitOfWork


class Read(Context, Generic[Who]):
    """A parameter of endpoints that read: `read: Read[Administrator]` names who may."""

    def __class_getitem__(cls, who: Any) -> Any:
        check: Check = get_args(who)[1].dependency

        async def get_context(
            request: Request, caller: Annotated[Caller, Depends(check)], session: ReadSession
        ) -> Context:
            return Context.of(request, caller=caller, session=session)

        return Annotated[Context, Depends(get_context)]


class Write(WriteContext, Generic[Who]):
    """A parameter of endpoints that write: `write: Write[Administrator]` names who may."""

    def __class_getitem__(cls, who: Any) -> Any:
        check: Check = get_args(who)[1].dependency

        async def get_context(
            request: Request, caller: Annotated[Caller, Depends(check)], unit: TheUnit
        ) -> WriteContext:
            return WriteContext.of(request, caller=caller, session=unit.session, unit=unit)

        return Annotated[WriteContext, Depends(get_context)]
