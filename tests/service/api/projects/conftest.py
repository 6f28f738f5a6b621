"""A project in a region, and people who have roles there."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ROLE_SCOPES, Role
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.known_lines import register_lines
from tests.support.projects import PROJECT, add_project

MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
People = dict[str, httpx.AsyncClient]


@pytest.fixture
async def with_role(state: ServiceState, client_with: MakeClient) -> MakeClient:
    """Makes clients whose key has one role, in a region or everywhere, or others also."""

    async def make(
        role: Role, region: str | None = "banan", also: Iterable[tuple[Role, str]] = ()
    ) -> httpx.AsyncClient:
        async with state.sessions.begin() as session:
            key = await create_key(
                session,
                name=role.value,
                scopes=sorted(ROLE_SCOPES[role]),
                roles=[RoleGiven(role, region), *(RoleGiven(*other) for other in also)],
            )
        client = await client_with()
        client.headers["Authorization"] = f"Bearer {key}"
        return client

    return make


@pytest.fixture
async def people(with_role: MakeClient, session: AsyncSession) -> People:
    """One of each role in the region of the project."""
    await add_region(session)
    return {role.value: await with_role(role) for role in Role if role is not Role.ADMIN}


@pytest.fixture
async def project(session: AsyncSession, people: People) -> str:
    """A drafted project without anything; its code."""
    await add_project(session)
    await session.commit()
    return PROJECT


async def add_region(session: AsyncSession) -> None:
    """Two districts, of which all lines are known."""
    rows: list[dict[str, Any]] = [
        {"code": "banan", "name_zh": "巴南区", "name_en": "Banan"},
        {"code": "elsewhere", "name_zh": "别处", "name_en": "Elsewhere"},
    ]
    await forget_rows(session, ["indicator"])
    for row in rows:
        region = Region(**row, level="district")
        session.add(region)
        await session.flush()
        await register_lines(session, region)
    await session.commit()
