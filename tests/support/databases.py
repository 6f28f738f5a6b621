"""pytest plugin: sessions on the databases of the test servers, and what those hold at first."""

from collections.abc import AsyncIterator

import pytest

from shanhai.db.engine import Sessions
from tests.support.feature_rows import forget_features
from tests.support.job_rows import forget_jobs, open_sessions


@pytest.fixture
async def sessions(database_url: str) -> AsyncIterator[Sessions]:
    """Sessions on the database of the module, with all that former tests left in it."""
    async with open_sessions(database_url) as sessions:
        yield sessions


@pytest.fixture
async def fresh_sessions(fresh_database_url: str) -> AsyncIterator[Sessions]:
    """Sessions on an empty database of the test's own."""
    async with open_sessions(fresh_database_url) as sessions:
        yield sessions


@pytest.fixture
async def without_jobs(sessions: Sessions) -> None:
    """No job in the database of the module."""
    await forget_jobs(sessions)


@pytest.fixture
async def without_features(sessions: Sessions) -> None:
    """No feature in the database of the module."""
    async with sessions.begin() as session:
        await forget_features(session)
