"""The layers there are: rasters registered as datasets, and collections of features.

Names: `{theme}.{region}` is the newest published result, `{theme}.{job}` that of one job,
`dataset.{code}` a registered raster, `zones` and `regions` the collections.
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cartography import ClassStyle, RampStyle, Style
from shanhai.db.identity import Identity
from shanhai.db.queries.jobs import find_job
from shanhai.errors import NotFound
from shanhai.vocabulary import Label
from shanhai_tiles.datasets import Row, find_dataset, list_datasets
from shanhai_tiles.drawing import Range
from shanhai_tiles.grids import EARTH_RADIUS_M, TILE_SIZE, Bounds
from shanhai_tiles.sampling import Frame, metres_per_unit
from shanhai_tiles.sources import Source
from shanhai_tiles.vector_layers import Collection, Selection
from shanhai_tiles.vector_state import WORLD, State

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$")
VERSION_LENGTH = 16
SHARPER_THAN_CELLS = 2
VECTOR_MAXZOOM = 14
UNREAD = State(WORLD, ())


@dataclass(frozen=True, slots=True)
class RasterLayer:
    """A stored raster with what is needed to draw and to describe it.

    Attributes:
        draft_of: The job it is an unpublished result of; who may not know of the job may not know
            of the layer.
    """

    name: str
    title: Label
    theme: str
    style: Style
    uri: str
    version: str
    frame: Frame
    bands: tuple[dict[str, float], ...]
    unit: str
    native_resolution_m: float | None
    public: bool
    stand_in: bool
    sources: tuple[Source, ...]
    job: str | None
    draft_of: UUID | None = None
    kind: Literal["raster"] = "raster"

    @property
    def bounds(self) -> Bounds:
        """West, south, east, north in degrees."""
        return self.frame.lonlat_bounds

    @property
    def cell_m(self) -> float:
        """Side of a cell in metres, at the middle of the raster when it is in degrees."""
        unit_m = metres_per_unit(self.frame.crs)
        if unit_m is not None:
            return abs(self.frame.transform[0]) * unit_m
        west, south, east, north = self.bounds
        height_m = math.radians(north - south) * EARTH_RADIUS_M
        width_m = (
            math.radians(east - west) * EARTH_RADIUS_M * math.cos(math.radians(south + north) / 2)
        )
        return max(min(height_m / self.frame.height, width_m / self.frame.width), 0.01)

    @property
    def maxzoom(self) -> int:
        """The zoom from which a client may enlarge pixels; cells are then four pixels wide."""
        equator = 2 * math.pi * EARTH_RADIUS_M / TILE_SIZE
        native = math.log2(equator / self.cell_m)
        return max(0, min(math.ceil(native) + SHARPER_THAN_CELLS, 22))

    def range_of(self, band: int) -> Range | None:
        """The values at the ends of the ramp; None for a layer of classes."""
        if isinstance(self.style, ClassStyle):
            return None
        if self.style.low is not None and self.style.high is not None:
            return Range(self.style.low, self.style.high)
        found = self.bands[band - 1] if band <= len(self.bands) else {}
        low, high = found.get("p2", 0.0), found.get("p98", 1.0)
        if high <= low:
            low, high = found.get("min", low), found.get("max", high)
        return Range(low, high if high > low else low + 1.0)


@dataclass(frozen=True, slots=True)
class VectorLayer:
    """A collection of features, or the part of it that was asked for."""

    name: str
    title: Label
    collection: Collection
    selection: Selection
    version: str
    bounds: Bounds
    sources: tuple[Source, ...]
    public: bool = True
    job: str | None = None
    maxzoom: int = VECTOR_MAXZOOM
    kind: Literal["vector"] = "vector"

    @property
    def stand_in(self) -> bool:
        """Whether what the features were computed from stands in for a measurement."""
        return any(source.stand_in for source in self.sources)


Layer = RasterLayer | VectorLayer


async def find_raster(session: AsyncSession, name: str) -> RasterLayer:
    """The raster layer of this name.

    Raises:
        NotFound: there is none.
    """
    row = await find_dataset(session, name) if _NAME.match(name) else None
    if row is None:
        raise no_layer(name)
    return _raster_layer(name, row)


async def list_rasters(session: AsyncSession) -> list[RasterLayer]:
    """The newest result of each theme and region, and every given raster."""
    return [_raster_layer(row.layer_name, row) for row in await list_datasets(session)]


def vector_layer(
    collection: Collection, selection: Selection, version: str, state: State = UNREAD
) -> VectorLayer:
    """A collection in a version; tiles are drawn of it without a look at its extent and sources."""
    entity = collection.entity
    return VectorLayer(
        entity.name, entity.title, collection, selection, version, state.bounds, state.sources
    )


async def is_hidden(session: AsyncSession, layer: Layer, reader: Identity) -> bool:
    """Whether it is the draft of a job the reader may not know of."""
    if not isinstance(layer, RasterLayer) or layer.draft_of is None:
        return False
    return await find_job(session, layer.draft_of, reader=reader) is None


def no_layer(name: str) -> NotFound:
    """The error for a layer that does not exist, or that the caller may not know of."""
    return NotFound(
        f"there is no layer {name!r}; /layers lists those there are",
        message_zh=f"没有名为 {name!r} 的图层；可用图层见 /layers",
    )


def _raster_layer(name: str, row: Row) -> RasterLayer:
    return RasterLayer(
        name=name,
        title=Label(row.name_zh, row.name_en),
        theme=row.theme,
        style=row.style,
        uri=row.uri,
        version=row.checksum[:VERSION_LENGTH],
        frame=_frame(row.grid),
        bands=tuple(row.grid.get("statistics", ())),
        unit=row.unit or (row.style.unit if isinstance(row.style, RampStyle) else ""),
        native_resolution_m=row.native_resolution_m,
        public=row.public,
        stand_in=row.stand_in or any(source.stand_in for source in row.sources),
        sources=row.sources,
        job=row.job,
        draft_of=UUID(row.job) if row.job and row.computed and not row.public else None,
    )


def _frame(grid: dict[str, Any]) -> Frame:
    a, b, c, d, e, f = (float(number) for number in grid["transform"])
    return Frame(f"EPSG:{grid['epsg']}", (a, b, c, d, e, f), grid["width"], grid["height"])
