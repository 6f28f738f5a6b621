"""Which layer a name stands for, kept in memory for as long as nothing has changed."""

from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.fast_reads import Executor
from shanhai.db.identity import Viewer
from shanhai_tiles.change_listener import ChangeTracker
from shanhai_tiles.grids import Bounds
from shanhai_tiles.layers.catalogue import (
    Layer,
    RasterLayer,
    VectorLayer,
    find_raster,
    list_rasters,
    vector_layer,
)
from shanhai_tiles.vector.collections import VECTORS, LayerSelection
from shanhai_tiles.vector.extent import read_state

RASTERS = "datasets"
"""The collection whose changes are those of raster layers."""
MOST_KEPT = 4096

Open = Callable[[], AbstractAsyncContextManager[AsyncSession]]


class LayerDirectory:
    """The layers of one database.

    Whether a caller may see a layer is decided by the caller, each time.
    """

    def __init__(self, changes: ChangeTracker, quick: Executor, session: Open) -> None:
        self._changes = changes
        self._quick = quick
        self._session = session
        self._rasters: OrderedDict[str, RasterLayer] = OrderedDict()
        self._state = ""

    async def find(self, name: str, selection: LayerSelection, *, to_draw: bool = False) -> Layer:
        """The layer of this name.

        Args:
            name: Its name.
            selection: The part of a collection that is wanted.
            to_draw: Leave out what drawing a tile does not need: extent and sources of a
                collection, which have to be read.

        Raises:
            NotFound: there is none.
            DBAPIError, OSError, TimeoutError: the database does not answer.
        """
        await self._catch_up()
        if name not in VECTORS:
            return await self._raster(name)
        collection, version = VECTORS[name], self._changes.version(name)
        if to_draw:
            return vector_layer(collection, selection, version)
        state = await read_state(self._quick, collection, selection)
        return vector_layer(collection, selection, version, state)

    async def all(self, viewer: Viewer) -> list[Layer]:
        """Every collection, the newest result of each theme and region, every given raster."""
        await self._catch_up()
        vectors = [await self.find(name, LayerSelection(viewer=viewer)) for name in VECTORS]
        async with self._session() as session:
            return [*vectors, *await list_rasters(session)]

    def stamp(self, layer: VectorLayer, lonlat: Bounds) -> str:
        """The state of what a tile of the layer just found can show."""
        return self._changes.stamp(layer.name, lonlat)

    async def _raster(self, name: str) -> RasterLayer:
        state = self._changes.version(RASTERS)
        if state != self._state:
            self._rasters.clear()
            self._state = state
        found = self._rasters.get(name)
        if found is None:
            async with self._session() as session:
                found = await find_raster(session, name)
            # What was read is as new as `state` at least; if more is known by now, it may be old.
            if state == self._state:
                self._keep(name, found)
        return found

    def _keep(self, name: str, layer: RasterLayer) -> None:
        self._rasters[name] = layer
        if len(self._rasters) > MOST_KEPT:
            self._rasters.popitem(last=False)

    async def _catch_up(self) -> None:
        if not self._changes.current:
            await self._changes.catch_up(self._quick)
