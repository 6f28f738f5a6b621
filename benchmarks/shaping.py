"""Waiting for the simpler shapes that the worker makes of what was added: minutes for many."""

import asyncio
import time

from asyncpg import Connection, connect

PATIENCE_S = 3600.0
# Counting them all the time would be most of what the database does.
_WAITS = "SELECT EXISTS (SELECT FROM tile_pending)"


async def wait_for_shapes(url: str) -> None:
    """Wait until no object of a database waits for its simpler shapes."""
    connection = await connect(url)
    try:
        await seconds_until_shaped(connection)
    finally:
        await connection.close()


async def seconds_until_shaped(connection: Connection) -> float:
    """The same; how long it took."""
    started = time.perf_counter()
    async with asyncio.timeout(PATIENCE_S):
        while await connection.fetchval(_WAITS):  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(1)
    # As autovacuum does within a minute.
    await connection.execute("VACUUM ANALYZE region_shape, zone_shape, tile_pending", timeout=600)
    return time.perf_counter() - started
