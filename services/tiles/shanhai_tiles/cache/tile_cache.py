"""The tiles of one process: from memory, else from a store, else drawn once."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import Counter

from shanhai.overload import SingleFlight
from shanhai.settings import TilesSettings
from shanhai_tiles.cache.stores import CachedTile, DiskStore, RedisStore, TileStore

OVERHEAD_BYTES = 512
"""What an entry takes beside its body: many tiles are small, and empty ones must count too."""


class MemoryCache:
    """Tiles, least recently used dropped first, bounded in bytes.

    A key names everything a tile's bytes depend on, so nothing ever needs to be removed because it
    changed. Only the event loop may use it.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.size = 0
        self._tiles: OrderedDict[str, CachedTile] = OrderedDict()

    def get(self, key: str) -> CachedTile | None:
        """The tile, or None; an empty tile is a tile."""
        tile = self._tiles.get(key)
        if tile is not None:
            self._tiles.move_to_end(key)
        return tile

    def put(self, key: str, tile: CachedTile) -> None:
        """Keep a tile, unless it alone would take an eighth of the room."""
        if _size_of(tile) > self.capacity // 8:
            return
        former = self._tiles.pop(key, None)
        self.size += _size_of(tile) - (0 if former is None else _size_of(former))
        self._tiles[key] = tile
        while self.size > self.capacity:
            _, dropped = self._tiles.popitem(last=False)
            self.size -= _size_of(dropped)


def _size_of(tile: CachedTile) -> int:
    return len(tile.body) + OVERHEAD_BYTES


WAITS_S = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3)
"""How long to wait between looks for a tile that another process is drawing."""

LOOKUPS = Counter("shanhai_tiles_cache_lookups", "Where tiles came from", ["result"])
_IN_MEMORY = LOOKUPS.labels("memory")
_IN_STORE = LOOKUPS.labels("store")
_DRAWN = LOOKUPS.labels("drawn")

Draw = Callable[[], Awaitable[CachedTile]]


class NoTileStore:
    """Nothing is kept outside the process."""

    async def get(self, key: str) -> CachedTile | None:
        """Nothing."""
        return None

    async def put(self, key: str, tile: CachedTile) -> None:
        """Nothing is kept."""

    async def claim(self, key: str) -> bool:
        """Nobody else can know."""
        return True

    async def release(self, key: str) -> None:
        """There is no claim."""

    async def close(self) -> None:
        """There is nothing open."""


class TileCache:
    """Tiles by a key that names everything their bytes depend on.

    Who may see a tile is decided before it is asked for here. Errors are never kept.

    Attributes:
        kept_in: The name of the store, for those who ask where tiles stay.
    """

    def __init__(
        self, memory: MemoryCache, store: TileStore | None = None, kept_in: str = "none"
    ) -> None:
        self.kept_in = kept_in
        self.memory = memory
        self.store: TileStore = store or NoTileStore()
        self._flights: SingleFlight[CachedTile] = SingleFlight()

    async def get(self, key: str, draw: Draw) -> CachedTile:
        """The tile; `draw` is called once for all who ask for it at the same time."""
        tile = self.memory.get(key)
        if tile is not None:
            _IN_MEMORY.inc()
            return tile
        return await self._flights.share(key, lambda: self._fetch(key, draw))

    async def close(self) -> None:
        """Stop what is being drawn, and let go of the store."""
        await self._flights.close()
        await self.store.close()

    async def _fetch(self, key: str, draw: Draw) -> CachedTile:
        tile = await self.store.get(key)
        if tile is None:
            tile = await self._from_elsewhere(key)
        if tile is None:
            return await self._draw(key, draw)
        _IN_STORE.inc()
        self.memory.put(key, tile)
        return tile

    async def _from_elsewhere(self, key: str) -> CachedTile | None:
        """What another process is drawing, if it is done in good time; None gives us the task."""
        for wait in WAITS_S:
            if await self.store.claim(key):
                return None
            await asyncio.sleep(wait)
            tile = await self.store.get(key)
            if tile is not None:
                return tile
        return None

    async def _draw(self, key: str, draw: Draw) -> CachedTile:
        try:
            tile = await draw()
            _DRAWN.inc()
            self.memory.put(key, tile)
            await self.store.put(key, tile)
        finally:
            await self.store.release(key)
        return tile


MB = 1024 * 1024


@asynccontextmanager
async def open_tiles(settings: TilesSettings, redis_url: str | None) -> AsyncIterator[TileCache]:
    """The kept tiles, for as long as the context lasts.

    Raises:
        ValueError: they are to be kept in a Redis that nobody named.
    """
    memory, store = MemoryCache(settings.cache_mb * MB), _store_of(settings, redis_url)
    tiles = TileCache(memory, store, settings.store)
    try:
        yield tiles
    finally:
        await tiles.close()


def _store_of(settings: TilesSettings, redis_url: str | None) -> TileStore:
    room = settings.store_mb * MB
    if settings.store == "redis":
        if redis_url is None:
            raise ValueError("the store redis needs SHANHAI_REDIS_URL")
        return RedisStore(redis_url, room, settings.store_timeout_ms / 1000)
    if settings.store == "disk" and settings.store_folder is not None:
        return DiskStore(settings.store_folder, room)
    return NoTileStore()
