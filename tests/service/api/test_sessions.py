"""What a session of the API can and cannot do."""

from contextlib import asynccontextmanager
from functools import partial

import pytest
from fastapi import Request
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai_api.kit.dependencies import get_read_session
from shanhai_api.kit.state import ServiceState, UnitOfWork


@pytest.fixture
def request_of(state: ServiceState) -> Request:
    """A request as dependencies see it."""
    app = type("App", (), {"state": type("AppState", (), {"service": state})})
    return Request({"type": "http", "app": app, "headers": []})


async def test_reading_session_cannot_write(request_of: Request) -> None:
    async with asynccontextmanager(get_read_session)(request_of) as session:
        with pytest.raises(DBAPIError, match="read-only transaction"):
            await session.execute(text("DELETE FROM region"))


async def test_statements_are_cut_off(session: AsyncSession) -> None:
    limit = await session.scalar(text("SHOW statement_timeout"))
    assert limit == "5s"


async def test_actions_follow_the_commit_and_only_it(state: ServiceState) -> None:
    done: list[str] = []

    async def note(unit: UnitOfWork, what: str) -> None:
        done.append(f"{what}, in transaction: {unit.session.in_transaction()}")

    async with state.unit() as unit:
        unit.after_commit.append(partial(note, unit, "first"))
        assert done == []
    assert done == ["first, in transaction: False"]


async def test_rolled_back_work_has_no_consequences(state: ServiceState) -> None:
    done: list[str] = []

    async def note() -> None:
        done.append("noted")

    async def fail() -> None:
        async with state.unit() as unit:
            unit.after_commit.append(note)
            raise RuntimeError("rolled back")

    with pytest.raises(RuntimeError, match="rolled back"):
        await fail()
    assert done == []
