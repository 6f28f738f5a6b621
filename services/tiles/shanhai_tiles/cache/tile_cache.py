"""The tiles of one process: from memory, else from a store, else drawn once."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import Counter

from shanhai.errors import Unavailable
from shanhai.overload import SingleFlight
from shanhai.settings import BasemapSettings, TilesSettings
from shanhai_tiles.cache.stores import KEPT_S, PREFIX, CachedTile, DiskStore, RedisStore, TileStore

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
_OUTDATED = LOOKUPS.labels("outdated")

Holds = Callable[[CachedTile], bool]
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

    Who may see a tile is decided before it is asked for here. Errors are never kept. A tile that
    no longer `holds`, where that is told, is drawn anew, and answered only where that fails.

    Attributes:
        kept_in: The name of the store, for those who ask where tiles stay.
    """

    def __init__(
        self,
        memory: MemoryCache,
        store: TileStore | None = None,
        kept_in: str = "none",
        *,
        holds: Holds | None = None,
    ) -> None:
        self.kept_in = kept_in
        self._holds = holds
        self.memory = memory
        self.store: TileStore = store or NoTileStore()
        self._flights: SingleFlight[CachedTile] = SingleFlight()

    async def get(self, key: str, draw: Draw) -> CachedTile:
        """The tile; `draw` is called once for all who ask for it at the same time."""
        tile = self._held(self.memory.get(key))
        if tile is not None:
            _IN_MEMORY.inc()
            return tile
        return await self._flights.share(key, lambda: self._fetch(key, draw))

    async def close(self) -> None:
        """Stop what is being drawn, and let go of the store."""
        await self._flights.close()
        await self.store.close()

    async def _fetch(self, key: str, draw: Draw) -> CachedTile:
        kept = self.memory.get(key) or await self.store.get(key)
        tile = self._held(kept) or await self._from_elsewhere(key)
        if tile is None:
            return await self._draw_unless(kept, key, draw)
        _IN_STORE.inc()
        self.memory.put(key, tile)
        return tile

    def _held(self, tile: CachedTile | None) -> CachedTile | None:
        return tile if tile is None or self._holds is None or self._holds(tile) else None

    async def _from_elsewhere(self, key: str) -> CachedTile | None:
        """What another process is drawing, if it is done in good time; None gives us the task."""
        for wait in WAITS_S:
            if await self.store.claim(key):
                return None
            await asyncio.sleep(wait)
            tile = self._held(await self.store.get(key))
            if tile is not None:
                return tile
        return None

    async def _draw_unless(self, outdated: CachedTile | None, key: str, draw: Draw) -> CachedTile:
        try:
            return await self._draw(key, draw)
        except Unavailable:
            if outdated is None:
                raise
            _OUTDATED.inc()
            self.memory.put(key, outdated)
            return outdated

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
BASEMAPS_PREFIX = f"{PREFIX}basemaps:"


@asynccontextmanager
async def open_tiles(settings: TilesSettings, redis_url: str | None) -> AsyncIterator[TileCache]:
    """The kept tiles, for as long as the context lasts.

    Raises:
        ValueError: they are to be kept in a Redis that nobody named.
    """
    memory, store = MemoryCache(settings.cache_mb * MB), _store_of(settings, redis_url)
    async with _opened(TileCache(memory, store, settings.store)) as tiles:
        yield tiles


@asynccontextmanager
async def open_basemap_tiles(
    settings: TilesSettings, basemaps: BasemapSettings, redis_url: str | None, holds: Holds
) -> AsyncIterator[TileCache]:
    """Kept tiles of background maps, in a room of their own of the same kind of store.

    Raises:
        ValueError: they are to be kept in a Redis that nobody named.
    """
    store = _store_of(settings, redis_url, basemaps)
    memory = MemoryCache(basemaps.cache_mb * MB)
    async with _opened(TileCache(memory, store, settings.store, holds=holds)) as tiles:
        yield tiles


@asynccontextmanager
async def _opened(tiles: TileCache) -> AsyncIterator[TileCache]:
    try:
        yield tiles
    finally:
        await tiles.close()


def _store_of(
    settings: TilesSettings, redis_url: str | None, basemaps: BasemapSettings | None = None
) -> TileStore:
    """The store of drawn tiles, or of those of background maps."""
    room = (settings if basemaps is None else basemaps).store_mb * MB
    if settings.store == "redis":
        if redis_url is None:
            raise ValueError("the store redis needs SHANHAI_REDIS_URL")
        timeout_s = settings.store_timeout_ms / 1000
        if basemaps is None:
            return RedisStore(redis_url, room, timeout_s)
        # What has grown old is of use while whoever gives it is away.
        kept_s = basemaps.fresh_s + KEPT_S
        return RedisStore(redis_url, room, timeout_s, prefix=BASEMAPS_PREFIX, kept_s=kept_s)
    if settings.store == "disk" and settings.store_folder is not None:
        folder = settings.store_folder
        return DiskStore(folder if basemaps is None else folder / "basemaps", room)
    return NoTileStore()
