"""pytest plugin: sessions on the databases of the test servers, and what those hold at first."""

from collections.abc import AsyncIterator

import pytest
from alembic import command
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.migrate import migration_config
from shanhai.db.tables.zone import Region
from tests.support.feature_rows import forget_features
from tests.support.job_rows import add_region, forget_jobs, open_sessions


def downgrade(url: str, revision: str) -> None:
    """Run the migrations down to `revision`."""
    command.downgrade(migration_config(url), revision)


@pytest.fixture(scope="module")
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


@pytest.fixture
async def city(session: AsyncSession) -> Region:
    """A city half a degree wide, which is not committed."""
    return await add_region(session, "city", box=(118.0, 24.4, 118.5, 24.5))
