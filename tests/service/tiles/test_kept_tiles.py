"""What is answered without drawing, and without the database; and when no longer."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import REGISTRY
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.settings import RedisSettings, TilesSettings
from shanhai_tiles.app import create_app
from tests.service.tiles.conftest import World, serve
from tests.support.job_rows import open_sessions
from tests.support.workers import eventually

PLACE = "tiles/WebMercatorQuad/10/848/440"
RASTER = f"/layers/dataset.dem.itu/{PLACE}.png"
VECTOR = f"/layers/zones/{PLACE}.mvt"
LAST_STATEMENT = """
    SELECT max(state_change) FROM pg_stat_activity
     WHERE application_name IN ('shanhai-tiles', 'shanhai-tiles-quick')
       AND datname = current_database()
"""

Execute = Callable[[str], Awaitable[Any]]


@pytest.fixture
async def execute(world: Any) -> AsyncIterator[Execute]:
    """Runs one statement in a transaction of its own; its first value."""
    async with open_sessions(world.database_url) as sessions:

        async def run(statement: str) -> Any:
            async with sessions.begin() as session:
                result = await (await session.connection()).execute(text(statement))
                return result.scalar() if result.returns_rows else None

        yield run


def drawn() -> float:
    return REGISTRY.get_sample_value("shanhai_tiles_cache_lookups_total", {"result": "drawn"}) or 0


@pytest.mark.parametrize("address", [RASTER, VECTOR])
async def test_hundred_clients_at_once_have_a_tile_drawn_once(world: World, address: str) -> None:
    before = drawn()
    # A service of the test's own, which has kept nothing yet.
    async with serve(world, public_read=True) as client:
        answers = await asyncio.gather(*(client.get(address) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert drawn() - before == 1


@pytest.mark.parametrize("address", [RASTER, VECTOR])
async def test_kept_tile_asks_the_database_nothing(
    client: httpx.AsyncClient, execute: Execute, address: str
) -> None:
    tag = (await client.get(address)).headers["ETag"]

    async def asks_nothing() -> bool:
        before = await execute(LAST_STATEMENT)
        assert (await client.get(address)).status_code == 200
        again = await client.get(address, headers={"If-None-Match": tag})
        assert again.status_code == 304
        return bool(await execute(LAST_STATEMENT) == before)

    # A machine that stands still for a second makes the service ask what has changed.
    await eventually(asks_nothing)


async def test_unchanged_raster_is_not_drawn_to_say_so(client: httpx.AsyncClient) -> None:
    address = RASTER.replace("848/440", "848/441")
    tag = (await client.get(address)).headers["ETag"]
    async with asyncio.timeout(30):
        before = drawn()
        answer = await client.get(address.replace(".png", ".webp"), headers={"If-None-Match": tag})
        assert answer.status_code == 200
        assert drawn() == before + 1
        webp = {"If-None-Match": answer.headers["ETag"]}
        for _ in range(3):
            assert (await client.get(f"{address[:-4]}.webp", headers=webp)).status_code == 304
    assert drawn() == before + 1


async def test_withdrawn_raster_is_gone_within_a_second(
    client: httpx.AsyncClient, execute: Execute
) -> None:
    assert (await client.get(RASTER)).status_code == 200
    await execute("UPDATE dataset SET visibility = 'region' WHERE code = 'dem.itu'")
    try:

        async def gone() -> bool:
            return (await client.get(RASTER)).status_code == 404

        await eventually(gone)
    finally:
        await execute("UPDATE dataset SET visibility = 'public' WHERE code = 'dem.itu'")

    async def back() -> bool:
        return (await client.get(RASTER)).status_code == 200

    await eventually(back)


async def test_cells_without_licence_are_kept_by_no_shared_cache(
    client: httpx.AsyncClient, execute: Execute, world: World
) -> None:
    cells, known = RASTER.replace(".png", ".npy"), {"Authorization": f"Bearer {world.key}"}
    version = (await client.get("/layers/dataset.dem.itu")).json()["version"]
    licence = await execute("SELECT licence FROM dataset WHERE code = 'dem.itu'")
    given = await client.get(cells, params={"v": version}, headers=known)
    assert given.headers["Cache-Control"].startswith("public")
    await execute("UPDATE dataset SET licence = NULL WHERE code = 'dem.itu'")
    try:

        async def withheld() -> bool:
            return (await client.get(cells)).status_code == 401

        await eventually(withheld)
        for named in ({}, {"v": version}):
            own = await client.get(cells, params=named, headers=known)
            assert own.content == given.content
            assert own.headers["Cache-Control"].startswith("private")
            assert "X-Accel-Expires" not in own.headers
            picture = await client.get(RASTER, params=named, headers=known)
            assert picture.headers["Cache-Control"].startswith("public")
            again = {"If-None-Match": given.headers["ETag"]}
            assert (await client.get(cells, params=named, headers=again)).status_code == 401
    finally:
        await execute(f"UPDATE dataset SET licence = '{licence}' WHERE code = 'dem.itu'")

    async def back() -> bool:
        return (await client.get(cells)).status_code == 200

    await eventually(back)


async def test_errors_are_not_kept(client: httpx.AsyncClient, world: Any) -> None:
    address = f"/layers/dataset.npp.truncated/{PLACE}.png"
    before = drawn()
    for _ in range(2):
        answer = await client.get(address)
        assert answer.status_code == 409
        assert answer.headers["Cache-Control"] == "no-store"
        assert "X-Accel-Expires" not in answer.headers
    assert drawn() == before


async def test_several_layers_come_in_one_tile(client: httpx.AsyncClient) -> None:
    both = await client.get(f"/layers/zones,regions/{PLACE}.mvt")
    assert both.status_code == 200
    parts = [
        (await client.get(f"/layers/{name}/{PLACE}.mvt")).content for name in ("zones", "regions")
    ]
    assert both.content == b"".join(parts)
    twice = await client.get(f"/layers/zones,regions,zones/{PLACE}.mvt")
    assert twice.content == both.content
    again = await client.get(
        f"/layers/zones,regions/{PLACE}.mvt", headers={"If-None-Match": both.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("layer", "status"),
    [("zones,dataset.dem.itu", 400), ("zones,nothing", 404), (",".join(["zones"] * 11), 400)],
)
async def test_what_cannot_be_in_one_tile_is_refused(
    client: httpx.AsyncClient, layer: str, status: int
) -> None:
    answer = await client.get(f"/layers/{layer}/{PLACE}.mvt")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("store", ["redis", "disk"])
async def test_second_process_finds_what_the_first_has_drawn(
    world: Any, redis_url: str, tmp_path: Path, store: str
) -> None:
    settings = replace(
        world.settings(public_read=True),
        redis=RedisSettings(url=SecretStr(redis_url)),
        tiles=TilesSettings(store=store, store_folder=tmp_path, store_timeout_ms=1000),
    )
    answers, before = [], drawn()
    for _ in range(2):
        app = create_app(settings)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as caller:
                answers += [await caller.get(address) for address in (RASTER, VECTOR)]
    assert {answer.status_code for answer in answers} == {200}
    assert answers[0].content == answers[2].content
    assert answers[1].content == answers[3].content
    assert answers[1].headers["ETag"] == answers[3].headers["ETag"]
    assert drawn() - before == 2
