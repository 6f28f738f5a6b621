"""What routes ask for: the view, the caller, a session, and the state a write expects."""

from collections.abc import AsyncIterator, Callable, Coroutine, Set
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args

from fastapi import Depends, Header, Request
from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import QueryParams

from shanhai.db.authentication import KeySignedIn, SignedIn
from shanhai.db.engine import FastReader
from shanhai.db.queries.audit import Act, record
from shanhai.db.standby import MAY_LAG
from shanhai.errors import Fault, Forbidden, InvalidInput, Unauthenticated
from shanhai.validation import Rfc3339Date
from shanhai.vocabulary import Role, Scope
from shanhai_api.kit.errors import PreconditionRequired
from shanhai_api.kit.requests import (
    SAFE,
    Caller,
    caller_of,
    demand,
    may_audit,
    person_of,
    request_id_of,
    signed_in_of,
    visitor_of,
)
from shanhai_api.kit.state import ServiceState, UnitOfWork, get_state, state_of
from shanhai_api.kit.view import View


def expected_states(request: Request) -> frozenset[str] | None:
    """The states, one of which the object must be in; None for any.

    An entity tag is `"<state>.<representation>"`: the object may be written by whoever has read
    this state of it, in whatever language or format.

    Raises:
        PreconditionRequired: there is no `If-Match`, and the service demands one.
    """
    header = ",".join(request.headers.getlist("if-match"))
    if not header.strip():
        if state_of(request).configuration.public.require_if_match:
            raise PreconditionRequired(
                "If-Match with the ETag of the object is needed, so that no change is lost",
                message_zh="请用 If-Match 给出对象的 ETag，以免覆盖他人的更改",
            )
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if "*" in tags:
        return None
    # All our tags are strong. One that comes back weak was weakened by a proxy that compressed the
    # answer, as nginx does: its representation is another, the state that was read is the same.
    strong = [tag.removeprefix("W/") for tag in tags]
    return frozenset(tag.strip('"').partition(".")[0] for tag in strong if tag.startswith('"'))


def wants_new(request: Request) -> bool:
    """Whether the object must not be there yet."""
    return request.headers.get("if-none-match", "").strip() == "*"


Query = TypeVar("Query", bound="PageQuery")


def format_field(*names: str) -> Any:
    """The parameter `f`, which names one of these formats; it is read where one is chosen."""
    listed = ", ".join(f"`{name}`" for name in names[:-1])
    return Field(
        None,
        description=f"Format: {listed} or `{names[-1]}`",
        examples=[names[0]],
        json_schema_extra={"enum": [*names]},
    )


class PageQuery(BaseModel):
    """Parameters of every document; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    f: str | None = format_field("json", "html")
    lang: Literal["zh", "en"] | None = Field(None, description="Language of titles and labels")

    @field_validator("f")
    @classmethod
    def check_format(cls, name: str | None) -> str | None:
        """A format must be offered, also of what is written and answered in one only."""
        told: Any = cls.model_fields["f"].json_schema_extra
        known: list[str] = told["enum"]
        if name is not None and name not in known:
            raise ValueError(f"must be one of {', '.join(known)} / 须为 {'、'.join(known)} 之一")
        return name


class DayQuery(PageQuery):
    """Parameters of what is read as of a day."""

    as_of: Rfc3339Date | None = Field(
        None, description="Day whose state is wanted; of a plan, that of the edition named"
    )


def given(query: PageQuery) -> dict[str, str]:
    """The parameters a page was asked for with, as its links repeat them; lists comma separated."""
    stated = query.model_dump(exclude_none=True, exclude_unset=True, exclude={"f", "lang"})
    found = {
        name: ",".join(value) if isinstance(value, list) else str(value)
        for name, value in stated.items()
    }
    return {name: value for name, value in found.items() if value}


async def get_view(request: Request) -> View:
    """How the request is answered."""
    return View.of(request)


async def get_guest(request: Request) -> Caller:
    """A caller with any identity, or the public where it may read."""
    caller = await caller_of(request)
    return demand(caller, Scope.READ) if caller.anonymous else caller


async def get_reader(request: Request) -> Caller:
    """A caller who may read; of one who may do no more, what is read may be a little old.

    Who may write must find what it just wrote, whichever process took it in.
    """
    caller = demand(await caller_of(request), Scope.READ)
    MAY_LAG.set(request.method in SAFE and caller.scopes == {Scope.READ})
    return caller


async def get_known_reader(request: Request) -> Caller:
    """A caller with an identity who may read: what is meant for those at work."""
    caller = await get_reader(request)
    if caller.anonymous:
        raise Unauthenticated("an identity is needed", message_zh="需要身份")
    return caller


async def get_job_caller(request: Request) -> Caller:
    """A caller who may run jobs."""
    return demand(await caller_of(request), Scope.JOBS)


async def get_observer(request: Request) -> Caller:
    """A caller who may send observations."""
    return demand(await caller_of(request), Scope.OBSERVE)


async def get_administrator(request: Request) -> Caller:
    """A caller who may administer; others who try are in the audit log."""
    caller = await caller_of(request)
    try:
        return demand(caller, Scope.ADMIN)
    except Forbidden:
        await _note_refusal(request, caller)
        raise


async def get_auditor(request: Request) -> Caller:
    """A caller who may read the audit log: an auditor of everything, or an administrator."""
    caller = await caller_of(request)
    if may_audit(caller):
        return caller
    if all(grant.role is not Role.AUDITOR for grant in caller.grants or ()):
        return await get_administrator(request)
    await _note_refusal(request, caller)
    raise Forbidden(
        "the log has no regions: it takes the role 'auditor' everywhere, not in a region",
        message_zh="审计日志不分区域：需要不限区域的 auditor 角色",
    )


async def _note_refusal(request: Request, caller: Caller) -> None:
    act = Act(caller.owner, request_id_of(request))
    object_id = f"{request.method} {request.url.path}"[:200].replace("\x00", "")
    async with state_of(request).sessions.begin() as session:
        record(session, act, "refuse", table="request", object_id=object_id)


async def get_read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session that cannot write."""
    async with state_of(request).reading() as session:
        yield session


async def get_unit(request: Request) -> AsyncIterator[UnitOfWork]:
    """A unit of work, committed before the answer is sent."""
    async with state_of(request).unit() as unit:
        yield unit


async def quick_look(request: Request) -> tuple[View, Caller, FastReader]:
    """What the routes asked most often need, without what finding it as dependencies costs."""
    return View.of(request), await get_reader(request), state_of(request).quick


def demand_once(query: QueryParams, several: Set[str] = frozenset()) -> None:
    """Refuse parameters that come twice, of which all but one would be read over.

    Args:
        query: The parameters.
        several: Names of those that are lists.

    Raises:
        InvalidInput: with a fault for each.
    """
    if len(query) == len(query.multi_items()):
        return
    told = {name for name in query if len(query.getlist(name)) > 1} - several
    if told:
        names = ", ".join(sorted(told))
        raise InvalidInput(
            f"{names}: given twice",
            message_zh=f"{names}：重复给出",
            faults=[Fault(name, "is given twice", "重复给出") for name in sorted(told)],
        )


def query_of(request: Request, model: type[Query]) -> Query:
    """The parameters of such a route, checked and told as those of every other.

    Raises:
        InvalidInput: some come twice.
        RequestValidationError: some are unknown or malformed.
    """
    demand_once(request.query_params)
    try:
        return model.model_validate(dict(request.query_params))
    except ValidationError as error:
        faults = [{**item, "loc": ("query", *item["loc"])} for item in error.errors()]
        raise RequestValidationError(faults) from error


def act_of(caller: Caller, view: View) -> Act:
    """The caller and request as the audit log names them."""
    return Act(caller.owner, view.request_id)


MAY_LOOK = Depends(get_guest)
"""For what describes the service and holds no data."""
Guest = Annotated[Caller, MAY_LOOK]
# Ended with the function, not after the answer: what was answered must be committed.
TheState = Annotated[ServiceState, Depends(get_state)]
TheView = Annotated[View, Depends(get_view)]
Reader = Annotated[Caller, Depends(get_reader)]
KnownReader = Annotated[Caller, Depends(get_known_reader)]
Writer = Annotated[Caller, Depends(caller_of)]
"""A caller who wants to write; whether it may is for the entity to say."""
Visitor = Annotated[Caller, Depends(visitor_of)]
"""Whoever comes, for what a link or a password allows: a session makes no difference."""
Person = Annotated[SignedIn, Depends(person_of)]
"""Whoever is signed in by an account, also where something is to be done first."""
AnySignedIn = Annotated[SignedIn | KeySignedIn, Depends(signed_in_of)]
"""Whoever is signed in with a browser, by an account or by an API key."""
JobCaller = Annotated[Caller, Depends(get_job_caller)]
Observer = Annotated[Caller, Depends(get_observer)]
Administrator = Annotated[Caller, Depends(get_administrator)]
Auditor = Annotated[Caller, Depends(get_auditor)]
ReadSession = Annotated[AsyncSession, Depends(get_read_session, scope="function")]
TheUnit = Annotated[UnitOfWork, Depends(get_unit, scope="function")]


Who = TypeVar("Who")
Check = Callable[[Request], Coroutine[Any, Any, Caller]]


async def get_expected(
    request: Request,
    if_match: Annotated[
        str | None,
        Header(alias="If-Match", description="ETag of the state that is to be written over"),
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
