"""One tile of one layer, drawn, as an HTTP answer, whichever interface was asked."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from starlette.requests import Request
from starlette.responses import Response

from shanhai.cartography import Style
from shanhai.db.standby import lagging
from shanhai.raster.geotiff import FLOAT_NODATA
from shanhai_tiles.answers import Freshness, Responses, digest_of, etag_of
from shanhai_tiles.cache.stores import CachedTile
from shanhai_tiles.dependencies import Services, VisibleLayer
from shanhai_tiles.grids import TILE_SIZE, Bounds, TileGrid
from shanhai_tiles.layers.catalogue import MVT, Layer, RasterLayer, band_count, formats_of
from shanhai_tiles.layers.directory import LayerDirectory
from shanhai_tiles.raster.dataset_pool import DatasetPool, Source, require_band
from shanhai_tiles.raster.images import MEDIA_TYPES, ValueRange, encode, index_of
from shanhai_tiles.raster.reader import Cells, RasterTile, read_tile
from shanhai_tiles.raster.resampling import TilePart
from shanhai_tiles.request import source_of
from shanhai_tiles.vector.tiles import area_of, draw_tile


@dataclass(frozen=True, slots=True)
class Look:
    """How a tile shows its values.

    Attributes:
        style: Its colours.
        drawn: The values at the ends of a ramp; None for classes.
        format: One of the suffixes rasters come in.
    """

    style: Style
    drawn: ValueRange | None
    format: str


def draw_raster(rasters: DatasetPool, source: Source, tile: RasterTile, look: Look) -> bytes:
    """The file of a tile.

    Raises:
        LayerUnreadable: the raster is damaged.
        InvalidInput: it has no such band.
    """
    cells = read_tile(rasters, source, tile)
    if look.format == "npy":
        return _array(cells)
    if look.format == "tif":
        return _geotiff(cells, tile)
    return encode(index_of(cells, look.style, look.drawn), look.style, look.format)


def _array(cells: Cells) -> bytes:
    """The values as a NumPy file of float32, rows by columns, NaN where there is none."""
    out = io.BytesIO()
    np.save(out, cells.filled(np.nan, "float32"))
    return out.getvalue()


def _geotiff(cells: Cells, tile: RasterTile) -> bytes:
    """The values as a GeoTIFF in the grid's system, of the raster's own type and nodata."""
    nodata, dtype = cells.nodata, cells.values.dtype.name
    if nodata is None:
        nodata, dtype = FLOAT_NODATA, "float32"
    west, _, east, north = tile.bounds
    cell = (east - west) / tile.size
    profile = {
        "driver": "GTiff",
        "count": 1,
        "height": tile.size,
        "width": tile.size,
        "dtype": dtype,
        "nodata": nodata,
        "crs": _system(tile.grid),
        "transform": Affine(cell, 0.0, west, 0.0, -cell, north),
        "compress": "deflate",
        "zlevel": 1,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as file:
            file.write(cells.filled(nodata, dtype), 1)
        return bytes(memory.getbuffer())


def _system(grid: TileGrid) -> str:
    """The authority and code of a grid's reference system."""
    authority, _, code = grid.crs.split("/")[-3:]
    return f"{authority}:{code}"


MOST_PIXELS = 2048
"""Along the longer side."""


def draw_preview(
    rasters: DatasetPool,
    source: Source,
    band: int,
    style: Style,
    drawn: ValueRange | None,
    side: int,
) -> bytes:
    """A PNG whose longer side has at most `side` pixels, and never more than the raster has cells.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    with rasters.open(source) as raster:
        require_band(band, raster.bands)
        height, width = raster.shape(0)
        scale = min(1.0, side / max(height, width))
        shape = (max(1, round(height * scale)), max(1, round(width * scale)))
        values = raster.read_whole(band, shape)
        cells = Cells(values, raster.nodata(band), TilePart(0, 0, *shape), shape)
    return encode(index_of(cells, style, drawn), style, "png")


EMPTY: Responses = {204: {"description": "The layer has no features there"}}


@dataclass(frozen=True, slots=True)
class TileRequest:
    """One tile as it was asked for; `format` is a suffix the layer comes in."""

    grid: TileGrid
    zoom: int
    column: int
    row: int
    format: str
    size: int = TILE_SIZE
    band: int = 1
    rescale: ValueRange | None = None

    @property
    def bounds(self) -> Bounds:
        """Its box in the grid's unit.

        Raises:
            NotFound: it lies outside the grid.
        """
        return self.grid.bounds(self.zoom, self.column, self.row)


async def answer_tile(
    request: Request,
    seen: VisibleLayer,
    services: Services,
    asked: TileRequest,
    version: str | None = None,
) -> Response:
    """The tile: transparent, or 204 for vectors, where the layer holds nothing.

    Args:
        request: What may already hold the tile.
        seen: The layer, which the caller may see.
        services: Where it is read from.
        asked: Which tile.
        version: The layer's version that the address names; the present one may be kept for good.

    Raises:
        Unauthenticated: it has values of a dataset that states no licence, and nobody is known.
    """
    layer = seen.layer
    require_inside(layer, asked)
    seen = seen if asked.format in MEDIA_TYPES else seen.with_cells()
    key = key_of_tile(layer, services.directory, asked)
    kept_for_good = version == layer.version
    if isinstance(layer, RasterLayer):
        # The key tells the bytes apart before they are drawn.
        freshness = Freshness(f'"{key}"', seen.private, kept_for_good)
        if freshness.holds_for(request):
            return answer_kept(None, freshness)
    tile = await _tile(layer, services, asked, key)
    freshness = Freshness(tile.etag, seen.private, kept_for_good)
    if freshness.holds_for(request):
        return answer_kept(None, freshness)
    return answer_kept(tile, freshness, formats_of(layer)[asked.format])


async def answer_layered(
    request: Request, seen: Sequence[VisibleLayer], services: Services, asked: TileRequest
) -> Response:
    """One tile with the features of several layers; 204 where none has any."""
    for one in seen:
        require_inside(one.layer, asked)
    tiles = [
        await _tile(one.layer, services, asked, key_of_tile(one.layer, services.directory, asked))
        for one in seen
    ]
    private = any(one.private for one in seen)
    freshness = Freshness(etag_of(*(tile.etag for tile in tiles)), private)
    if freshness.holds_for(request):
        return answer_kept(None, freshness)
    # A tile is a protobuf message of repeated layers: tiles one after the other are one.
    body = b"".join(tile.body for tile in tiles)
    notes = tuple(note for tile in tiles for note in tile.notes)
    return answer_kept(CachedTile(body, freshness.etag, notes), freshness, MVT)


def answer_kept(
    tile: CachedTile | None, freshness: Freshness, media_type: str | None = None
) -> Response:
    """The tile, 204 for an empty one, 304 for none."""
    headers = {**freshness.headers, **freshness.proxied, "Vary": "Authorization, Cookie"}
    if tile is None:
        return Response(status_code=304, headers=headers)
    headers |= tile.notes
    if not tile.body:
        return Response(status_code=204, headers=headers)
    return Response(tile.body, headers=headers, media_type=media_type)


async def _tile(layer: Layer, services: Services, asked: TileRequest, key: str) -> CachedTile:
    return await services.tiles.get(key, lambda: _draw(layer, services, asked, key))


def require_inside(layer: Layer, asked: TileRequest) -> None:
    """Refuse a tile outside its grid and a band the layer does not have.

    Raises:
        NotFound: the grid has no such tile.
        InvalidInput: the layer has no such band.
    """
    asked.grid.bounds(asked.zoom, asked.column, asked.row)
    require_band(asked.band, band_count(layer))


def key_of_tile(layer: Layer, directory: LayerDirectory, asked: TileRequest) -> str:
    """The name of everything a tile's bytes depend on, and for features of who may see them."""
    place = (asked.grid.id, asked.zoom, asked.column, asked.row)
    if isinstance(layer, RasterLayer):
        drawn = asked.rescale or layer.range_of(asked.band)
        look = (_digest_of_style(layer.style), drawn, asked.format, asked.size, asked.band)
        return digest_of(layer.name, layer.version, *look, *place)
    stamp = directory.stamp(layer, area_of(asked.grid, *place[1:]))
    return digest_of(layer.name, layer.selection.key, *place, stamp)


@lru_cache(maxsize=256)
def _digest_of_style(style: Style) -> str:
    return digest_of(style)


async def _draw(layer: Layer, services: Services, asked: TileRequest, key: str) -> CachedTile:
    if isinstance(layer, RasterLayer):
        source = source_of(layer, services.artifacts)
        tile = RasterTile(asked.grid, asked.bounds, asked.size, asked.band)
        look = Look(layer.style, asked.rescale or layer.range_of(asked.band), asked.format)
        body = await services.off_the_loop(draw_raster, services.rasters, source, tile, look)
        return CachedTile(body, f'"{key}"')
    # It is kept under its key, so it must show what the key is made of.
    with lagging(services.directory.written):
        drawn = await draw_tile(
            services.quick, layer.collection, layer.selection, asked.grid, asked.bounds
        )
    # Of the bytes alone: an edit elsewhere changes no tag.
    return CachedTile(drawn.data, etag_of(MVT, hashlib.sha256(drawn.data).hexdigest()), drawn.notes)
