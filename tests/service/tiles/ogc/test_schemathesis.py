"""Whatever is asked by the definition at `/api`, or against it: each answer is one it tells of."""

import asyncio

import pytest

from shanhai.db.queries.keys import create_key
from shanhai.vocabulary import Scope
from tests.service.tiles.conftest import World
from tests.support.generated_requests import EXAMPLES, faults_of
from tests.support.job_rows import open_sessions


@pytest.fixture(scope="module")
def every_key(world: World) -> str:
    """The key of an administrator."""
    return asyncio.run(_make_key(world.database_url))


async def _make_key(url: str) -> str:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        return await create_key(session, name="everything", scopes=list(Scope))


@pytest.mark.parametrize("anonymous", [True, False], ids=["anybody", "everything allowed"])
@pytest.mark.parametrize("kind", ["allowed", pytest.param("not allowed", marks=pytest.mark.long)])
@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.timeout(80 * EXAMPLES)
def test_no_answer_is_unforeseen(
    address: str, every_key: str, method: str, kind: str, anonymous: bool
) -> None:
    faults = faults_of(address, method, kind, None if anonymous else every_key)
    assert not faults, "\n\n".join(faults)
