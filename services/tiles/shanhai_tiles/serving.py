"""One tile of one layer, whichever of the interfaces asked for it."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from shanhai_tiles.cache import Freshness, etag_of
from shanhai_tiles.dependencies import Seen, Services
from shanhai_tiles.documents import MVT, formats_of
from shanhai_tiles.drawing import Range, encode, index_of, palette_of
from shanhai_tiles.grids import TILE_SIZE, Bounds, TileGrid
from shanhai_tiles.layers import Layer, RasterLayer
from shanhai_tiles.raster import Cells, read_tile, require_band
from shanhai_tiles.request import path_of
from shanhai_tiles.vector import draw_tile


@dataclass(frozen=True, slots=True)
class Asked:
    """One tile as it was asked for; `format` is a suffix the layer comes in."""

    grid: TileGrid
    zoom: int
    column: int
    row: int
    format: str
    size: int = TILE_SIZE
    band: int = 1
    rescale: Range | None = None

    @property
    def bounds(self) -> Bounds:
        """Its box in the grid's unit.

        Raises:
            NotFound: it lies outside the grid.
        """
        return self.grid.bounds(self.zoom, self.column, self.row)


async def answer_tile(
    request: Request, seen: Seen, services: Services, asked: Asked, version: str | None = None
) -> Response:
    """The tile: transparent, or 204 for vectors, where the layer holds nothing.

    Args:
        request: What may already hold the tile.
        seen: The layer, which the caller may see.
        services: Where it is read from.
        asked: Which tile.
        version: The layer's version that the address names; the present one may be kept for good.
    """
    layer = seen.layer
    require_inside(layer, asked)
    etag = etag_of_tile(layer, asked)
    freshness = Freshness(etag, private=seen.private, versioned=version == layer.version)
    unchanged = freshness.not_modified(request)
    if unchanged is not None:
        return unchanged
    tile = await _tile(layer, services, asked, etag)
    return _answer(tile, freshness, formats_of(layer)[asked.format])


async def answer_layered(
    request: Request, seen: Sequence[Seen], services: Services, asked: Asked
) -> Response:
    """One tile with the features of several layers; 204 where none has any."""
    for one in seen:
        require_inside(one.layer, asked)
    etags = [etag_of_tile(one.layer, asked) for one in seen]
    freshness = Freshness(etag_of(*etags), private=any(one.private for one in seen))
    unchanged = freshness.not_modified(request)
    if unchanged is not None:
        return unchanged
    # A tile is a protobuf message of repeated layers: tiles one after the other are one.
    tiles = [
        await _tile(one.layer, services, asked, etag) for one, etag in zip(seen, etags, strict=True)
    ]
    return _answer(b"".join(tiles), freshness, MVT)


def _answer(tile: bytes, freshness: Freshness, media_type: str) -> Response:
    headers = {**freshness.headers, "Vary": "Authorization"}
    if not tile:
        return Response(status_code=204, headers=headers)
    return Response(tile, headers=headers, media_type=media_type)


async def _tile(layer: Layer, services: Services, asked: Asked, etag: str) -> bytes:
    tile = services.cache.get(etag)
    if tile is None:
        tile = await _make(layer, services, asked, asked.bounds)
        services.cache.put(etag, tile)
    return tile


def require_inside(layer: Layer, asked: Asked) -> None:
    """Refuse a tile outside its grid and a band the layer does not have.

    Raises:
        NotFound: the grid has no such tile.
        InvalidInput: the layer has no such band.
    """
    asked.grid.bounds(asked.zoom, asked.column, asked.row)
    require_band(asked.band, max(len(layer.bands), 1) if isinstance(layer, RasterLayer) else 1)


def etag_of_tile(layer: Layer, asked: Asked) -> str:
    """The entity tag of everything a tile's bytes depend on."""
    look: tuple[object, ...]
    if isinstance(layer, RasterLayer):
        look = (layer.style, asked.rescale or layer.range_of(asked.band))
    else:
        # Which rows the viewer may see is told by the version: it is made of those rows.
        look = (layer.collection.properties, sorted(layer.selection.asked.items()))
    return etag_of(
        layer.name,
        layer.version,
        look,
        asked.grid.id,
        asked.size,
        asked.format.replace("pbf", "mvt"),
        asked.band,
        asked.zoom,
        asked.column,
        asked.row,
    )


async def _make(layer: Layer, services: Services, asked: Asked, bounds: Bounds) -> bytes:
    if isinstance(layer, RasterLayer):
        path = path_of(layer, services.artifacts)
        return await services.off_the_loop(_draw_raster, layer, path, asked, bounds)
    async with services.session() as session:
        return await draw_tile(session, layer.collection, layer.selection, asked.grid, bounds)


def _draw_raster(layer: RasterLayer, path: Path, asked: Asked, bounds: Bounds) -> bytes:
    cells = read_tile(path, asked.band, asked.grid, bounds, asked.size)
    if asked.format == "npy":
        return _values(cells)
    drawn = asked.rescale or layer.range_of(asked.band)
    return encode(index_of(cells, layer.style, drawn), palette_of(layer.style), asked.format)


def _values(cells: Cells) -> bytes:
    """The values as a NumPy file of float32, rows by columns, NaN where there is none."""
    out = io.BytesIO()
    np.save(out, np.where(cells.valid, cells.values, np.nan).astype(np.float32))
    return out.getvalue()
