"""Two processes serve the same tiles: an edit is shown by both within a second, where it is."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx
import mapbox_vector_tile
import pytest
from sqlalchemy import text

from tests.support.accounts import account_url
from tests.support.job_rows import open_sessions
from tests.support.workers import NO_REDIS, free_port

PATIENCE_S = 60.0
SOON_S = 10.0
EDITED, ELSEWHERE, WHOLE = "10/848/439", "12/3390/1759", "6/52/27"
"""Tiles within the eastern district, within the western one, and around both."""


@pytest.fixture(scope="module")
def replicas(world: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """The addresses of two processes over one database, each with a memory of its own."""
    ports = [free_port(), free_port()]
    processes = []
    log = (tmp_path_factory.mktemp("replicas") / "log").open("wb")
    for port in ports:
        settings = {
            "SHANHAI_DATABASE_URL": account_url(world.database_url, "tiles"),
            "SHANHAI_ARTIFACTS_ROOT": str(world.artifacts.root),
            "SHANHAI_REDIS_URL": NO_REDIS,
            "SHANHAI_PUBLIC_READ": "true",
            "SHANHAI_TILES_PORT": str(port),
        }
        command = [sys.executable, "-m", "shanhai_tiles"]
        environment = {**os.environ, **settings}
        processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
    addresses = [f"http://127.0.0.1:{port}" for port in ports]
    try:
        for address in addresses:
            _wait_for(address)
        yield addresses
    finally:
        for process in processes:
            process.kill()
            process.wait(PATIENCE_S)
        log.close()


def _wait_for(address: str) -> None:
    started = time.monotonic()
    while True:  # an error is told once patience has ended
        try:
            httpx.get(f"{address}/layers").raise_for_status()
        except httpx.HTTPError:
            if time.monotonic() - started > PATIENCE_S:
                raise
            time.sleep(0.1)
        else:
            return


def tile_of(address: str, place: str, layer: str = "regions", **query: str) -> httpx.Response:
    path = f"{address}/layers/{layer}/tiles/WebMercatorQuad/{place}.mvt"
    answer = httpx.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer


def version_at(address: str) -> str:
    version: str = httpx.get(f"{address}/layers/regions").json()["version"]
    return version


def names_in(answer: httpx.Response) -> set[str]:
    features = mapbox_vector_tile.decode(answer.content)["regions"]["features"]
    return {feature["properties"]["name_en"] for feature in features}


async def rename(world: Any, name: str) -> None:
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        statement = "UPDATE region SET name_en = :name WHERE code = 'xiamen.huli'"
        await session.execute(text(statement), {"name": name})


async def test_an_edit_is_soon_shown_by_all_and_only_where_it_is(
    world: Any, replicas: list[str]
) -> None:
    before = {
        (address, place): tile_of(address, place).headers["etag"]
        for address in replicas
        for place in (EDITED, ELSEWHERE, WHOLE)
    }
    await rename(world, "Huli East")
    deadline = time.monotonic() + SOON_S
    for address in replicas:
        while "Huli East" not in names_in(tile_of(address, EDITED)):
            assert time.monotonic() < deadline, "the edit is not shown"
    after = {asked: tile_of(*asked).headers["etag"] for asked in before}
    changed = {place for asked, place in before if before[asked, place] != after[asked, place]}
    assert changed == {EDITED, WHOLE}
    for place in (EDITED, ELSEWHERE, WHOLE):
        assert len({after[address, place] for address in replicas}) == 1


async def test_a_replica_whose_listener_is_cut_off_shows_nothing_old(
    world: Any, replicas: list[str]
) -> None:
    kill = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'shanhai-tiles-changes' AND datname = current_database()"
    )
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        assert len((await session.execute(kill)).all()) == len(replicas)
    for number in range(5):
        await rename(world, f"Huli {number}")
        deadline = time.monotonic() + SOON_S
        for address in replicas:
            while f"Huli {number}" not in names_in(tile_of(address, EDITED)):
                assert time.monotonic() < deadline, "the edit is not shown"


async def test_a_version_that_is_named_is_kept_for_good_until_an_edit(
    world: Any, replicas: list[str]
) -> None:
    [version] = {version_at(address) for address in replicas}
    answer = tile_of(replicas[0], EDITED, v=version)
    assert "immutable" in answer.headers["cache-control"]
    await rename(world, "Huli once more")
    await asyncio.sleep(1.0)
    again = tile_of(replicas[1], EDITED, v=version)
    assert "immutable" not in again.headers["cache-control"]
    assert "Huli once more" in names_in(again)
