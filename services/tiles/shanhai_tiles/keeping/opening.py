"""The tiles of a process as its settings want them kept."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shanhai.settings import TilesSettings
from shanhai_tiles.keeping.disk_store import DiskStore
from shanhai_tiles.keeping.memory import Memory
from shanhai_tiles.keeping.redis_store import RedisStore
from shanhai_tiles.keeping.store import NoStore, Store
from shanhai_tiles.keeping.tiles import Tiles

MB = 1024 * 1024


@asynccontextmanager
async def open_tiles(settings: TilesSettings, redis_url: str | None) -> AsyncIterator[Tiles]:
    """The kept tiles, for as long as the context lasts.

    Raises:
        ValueError: they are to be kept in a Redis that nobody named.
    """
    memory, store = Memory(settings.cache_mb * MB), _store_of(settings, redis_url)
    tiles = Tiles(memory, store, settings.store)
    try:
        yield tiles
    finally:
        await tiles.close()


def _store_of(settings: TilesSettings, redis_url: str | None) -> Store:
    room = settings.store_mb * MB
    if settings.store == "redis":
        if redis_url is None:
            raise ValueError("the store redis needs SHANHAI_REDIS_URL")
        return RedisStore(redis_url, room, settings.store_timeout_ms / 1000)
    if settings.store == "disk" and settings.store_folder is not None:
        return DiskStore(settings.store_folder, room)
    return NoStore()
