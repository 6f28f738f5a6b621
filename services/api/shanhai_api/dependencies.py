"""What routes ask for: the view, the caller, a session."""

from collections.abc import AsyncIterator
from typing import Annotated, Literal

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.vocabulary import Scope
from shanhai_api.identity import Caller, caller_of, demand
from shanhai_api.state import State, Unit, state_of
from shanhai_api.view import View

READ_ONLY = {"postgresql_readonly": True}


class PageQuery(BaseModel):
    """Parameters of every document; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid")

    f: str | None = Field(None, description="Format: `json` or `html`", examples=["json"])
    lang: Literal["zh", "en"] | None = Field(None, description="Language of titles and labels")


def get_view(request: Request) -> View:
    """How the request is answered."""
    return View.of(request)


async def get_reader(request: Request) -> Caller:
    """A caller who may read."""
    return demand(await caller_of(request), Scope.READ)


async def get_job_caller(request: Request) -> Caller:
    """A caller who may run jobs."""
    return demand(await caller_of(request), Scope.JOBS)


async def get_administrator(request: Request) -> Caller:
    """A caller who may administer."""
    return demand(await caller_of(request), Scope.ADMIN)


async def get_read_session(request: Request) -> AsyncIterator[AsyncSession]:
    """A session that cannot write."""
    async with state_of(request).sessions.begin() as session:
        await session.connection(execution_options=READ_ONLY)
        yield session


async def get_unit(request: Request) -> AsyncIterator[Unit]:
    """A unit of work, committed before the answer is sent."""
    async with state_of(request).unit() as unit:
        yield unit


def act_of(caller: Caller, view: View) -> Act:
    """The caller and request as the audit log names them."""
    return Act(caller.owner, view.request_id)


# Ended with the function, not after the answer: what was answered must be committed.
TheState = Annotated[State, Depends(state_of)]
TheView = Annotated[View, Depends(get_view)]
Reader = Annotated[Caller, Depends(get_reader)]
JobCaller = Annotated[Caller, Depends(get_job_caller)]
Administrator = Annotated[Caller, Depends(get_administrator)]
ReadSession = Annotated[AsyncSession, Depends(get_read_session, scope="function")]
TheUnit = Annotated[Unit, Depends(get_unit, scope="function")]
