"""The tiles of one process: from memory, else from the store, else drawn, once."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import Counter

from shanhai.flights import Flights
from shanhai_tiles.keeping.memory import Memory
from shanhai_tiles.keeping.store import NoStore, Store
from shanhai_tiles.keeping.tile import Tile

WAITS_S = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3)
"""How long to wait between looks for a tile that another process is drawing."""

LOOKUPS = Counter("shanhai_tiles_cache_lookups", "Where tiles came from", ["result"])
_IN_MEMORY = LOOKUPS.labels("memory")
_IN_STORE = LOOKUPS.labels("store")
_DRAWN = LOOKUPS.labels("drawn")

Draw = Callable[[], Awaitable[Tile]]


class Tiles:
    """Tiles by a key that names everything their bytes depend on.

    Who may see a tile is decided before it is asked for here. Errors are never kept.

    Attributes:
        kept_in: The name of the store, for those who ask where tiles stay.
    """

    def __init__(self, memory: Memory, store: Store | None = None, kept_in: str = "none") -> None:
        self.kept_in = kept_in
        self.memory = memory
        self.store: Store = store or NoStore()
        self._flights: Flights[Tile] = Flights()

    async def get(self, key: str, draw: Draw) -> Tile:
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

    async def _fetch(self, key: str, draw: Draw) -> Tile:
        tile = await self.store.get(key)
        if tile is None:
            tile = await self._from_elsewhere(key)
        if tile is None:
            return await self._draw(key, draw)
        _IN_STORE.inc()
        self.memory.put(key, tile)
        return tile

    async def _from_elsewhere(self, key: str) -> Tile | None:
        """What another process is drawing, if it is done in good time; None gives us the task."""
        for wait in WAITS_S:
            if await self.store.claim(key):
                return None
            await asyncio.sleep(wait)
            tile = await self.store.get(key)
            if tile is not None:
                return tile
        return None

    async def _draw(self, key: str, draw: Draw) -> Tile:
        try:
            tile = await draw()
            _DRAWN.inc()
            self.memory.put(key, tile)
            await self.store.put(key, tile)
        finally:
            await self.store.release(key)
        return tile
