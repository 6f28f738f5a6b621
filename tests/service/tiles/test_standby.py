"""Tiles of features drawn at a standby: a real one, and never under a key of what it lacks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
import httpx
import pytest
from pydantic import SecretStr

from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, Surroundings
from shanhai_tiles.app import create_app
from tests.db.test_standby import StandbyPostgres, tell
from tests.service.tiles.test_replicas import EDITED, names_in, rename
from tests.support.run_directory import quick_place, run_directory

pytestmark = pytest.mark.timeout(300)
LAG_S = 20.0
"""The bound alone would let the standby be asked while it hangs."""
DRAWN = """SELECT count(*) FROM pg_stat_activity
 WHERE application_name = 'shanhai-tiles-quick' AND query LIKE '%ST_AsMVT(%'"""


@dataclass(frozen=True)
class Following:
    """A tile service with a standby."""

    world: Any
    client: httpx.AsyncClient
    url: str
    standby: StandbyPostgres

    async def names(self, **query: str) -> set[str]:
        path = f"/layers/regions/tiles/WebMercatorQuad/{EDITED}.mvt"
        answer = await self.client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return names_in(answer)

    async def drawn_there(self) -> bool:
        """Whether a connection of the service has drawn a tile at the standby last."""
        connection = await asyncpg.connect(self.url)
        try:
            return bool(await connection.fetchval(DRAWN))
        finally:
            await connection.close()

    async def shows(self, name: str) -> None:
        for _ in range(600):
            if name in await self.names():
                return
            await asyncio.sleep(0.05)
        raise TimeoutError(f"{name} is not shown")


@pytest.fixture(scope="module")
def standby_of_world(private_postgres: PrivatePostgres, world: Any) -> Iterator[StandbyPostgres]:
    with run_directory(quick_place()) as directory:
        server = StandbyPostgres(
            Surroundings.of_home(Home(directory), bound=True), private_postgres
        )
        server.start()
        yield server
        server.stop()


@pytest.fixture
async def following(
    world: Any, private_postgres: PrivatePostgres, standby_of_world: StandbyPostgres
) -> AsyncIterator[Following]:
    settings = world.settings(public_read=True)

    def there(url: str) -> str:
        return url.replace(f":{private_postgres.port}/", f":{standby_of_world.port}/")

    url = settings.database.url.get_secret_value()
    database = settings.database.model_copy(
        update={"read_url": SecretStr(there(url)), "read_lag_s": LAG_S}
    )
    app = create_app(replace(settings, database=database))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app=app), base_url="http://tiles.test"
        ) as client,
    ):
        yield Following(world, client, there(world.database_url), standby_of_world)


async def until_drawn_there(following: Following) -> None:
    """Ask for one tile after the other, none of which is kept, until one is drawn there."""
    for number in range(600):
        place = f"14/{13568 + number % 24}/{7024 + number // 24}"
        answer = await following.client.get(f"/layers/regions/tiles/WebMercatorQuad/{place}.mvt")
        assert answer.status_code in {200, 204}, answer.text
        if await following.drawn_there():
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("no tile is drawn at the standby")


async def test_tiles_are_drawn_there_and_never_under_a_key_of_what_it_lacks(
    following: Following,
) -> None:
    await until_drawn_there(following)
    superuser = SecretStr(following.url)
    await tell(superuser, "SELECT pg_wal_replay_pause()")
    try:
        for name in ("Huli while it hangs", "Huli still"):
            await rename(following.world, name)
            # Drawn by the primary, though the standby is within its bound of 20 s.
            await following.shows(name)
            assert name in await following.names()
    finally:
        await tell(superuser, "SELECT pg_wal_replay_resume()")
    # It has come after: what it draws shows the edit, and tiles go on without it.
    following.standby.stop()
    try:
        await rename(following.world, "Huli without it")
        await following.shows("Huli without it")
    finally:
        following.standby.start()
