"""How much of a pool of connections is in use."""

from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.pool import QueuePool


class PoolUse(NamedTuple):
    """Connections a pool may hold, and those in use."""

    size: int
    in_use: int


def pool_use(engine: AsyncEngine) -> PoolUse:
    """Look at an engine's pool."""
    pool = engine.sync_engine.pool
    if not isinstance(pool, QueuePool):
        raise TypeError(f"{type(pool).__name__} holds no fixed number of connections")
    return PoolUse(pool.size(), pool.checkedout())
