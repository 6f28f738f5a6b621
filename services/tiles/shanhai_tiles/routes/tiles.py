"""Tiles of rasters and of vectors."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from shanhai_tiles.cache import Freshness, etag_of
from shanhai_tiles.dependencies import SeenDep, Services, ServicesDep, accepts
from shanhai_tiles.documents import formats_of
from shanhai_tiles.drawing import Range, encode, index_of, palette_of
from shanhai_tiles.grids import Bounds, TileGrid, grid_named
from shanhai_tiles.layers import Layer, RasterLayer
from shanhai_tiles.raster import Cells, read_tile, require_band
from shanhai_tiles.request import parse_format, parse_rescale, parse_row, path_of
from shanhai_tiles.vector import draw_tile
from shanhai_tiles.vector_layers import CHOOSING

router = APIRouter(default_response_class=Response)


@dataclass(frozen=True, slots=True)
class Asked:
    """One tile of one layer, as it was asked for."""

    grid: TileGrid
    bounds: Bounds
    size: int
    format: str
    band: int
    rescale: Range | None


@router.get(
    "/layers/{layer}/tiles/{tms}/{z}/{x}/{y}.{fmt}",
    dependencies=[Depends(accepts("v", "band", "rescale", *CHOOSING))],
)
async def read_layer_tile(
    request: Request,
    seen: SeenDep,
    services: ServicesDep,
    tms: str,
    z: int,
    x: int,
    y: str,
    fmt: str,
    v: Annotated[str | None, Query(max_length=64)] = None,
    band: Annotated[int, Query(ge=1, le=10_000)] = 1,
    rescale: str | None = None,
) -> Response:
    """A tile: transparent, or 204 for vectors, where the layer holds nothing."""
    layer = seen.layer
    row = parse_row(y, layer)
    format_ = parse_format(layer, fmt)
    grid = grid_named(tms)
    asked = Asked(
        grid, grid.bounds(z, x, row.number), row.size, format_, band, parse_rescale(layer, rescale)
    )
    if isinstance(layer, RasterLayer):
        require_band(band, max(len(layer.bands), 1))
    etag = etag_of(*_identity(layer, asked), z, x, row.number)
    freshness = Freshness(etag, private=seen.private, versioned=v == layer.version)
    unchanged = freshness.not_modified(request)
    if unchanged is not None:
        return unchanged
    tile = services.cache.get(etag)
    if tile is None:
        tile = await _make(layer, services, asked)
        services.cache.put(etag, tile)
    headers = {**freshness.headers, "Vary": "Authorization"}
    if not tile:
        return Response(status_code=204, headers=headers)
    return Response(tile, headers=headers, media_type=formats_of(layer)[format_])


def _identity(layer: Layer, asked: Asked) -> tuple[object, ...]:
    """Everything but its place that a tile's bytes depend on."""
    look: tuple[object, ...]
    if isinstance(layer, RasterLayer):
        look = (layer.style, asked.rescale or layer.range_of(asked.band))
    else:
        # Which rows the viewer may see is told by the version: it is made of those rows.
        look = (layer.collection.properties, sorted(layer.selection.asked.items()))
    return (
        layer.name,
        layer.version,
        look,
        asked.grid.id,
        asked.size,
        asked.format.replace("pbf", "mvt"),
        asked.band,
    )


async def _make(layer: Layer, services: Services, asked: Asked) -> bytes:
    if isinstance(layer, RasterLayer):
        path = path_of(layer, services.artifacts)
        return await services.off_the_loop(_draw_raster, layer, path, asked)
    async with services.session() as session:
        return await draw_tile(session, layer.collection, layer.selection, asked.grid, asked.bounds)


def _draw_raster(layer: RasterLayer, path: Path, asked: Asked) -> bytes:
    cells = read_tile(path, asked.band, asked.grid, asked.bounds, asked.size)
    if asked.format == "npy":
        return _values(cells)
    drawn = asked.rescale or layer.range_of(asked.band)
    return encode(index_of(cells, layer.style, drawn), palette_of(layer.style), asked.format)


def _values(cells: Cells) -> bytes:
    """The values as a NumPy file of float32, rows by columns, NaN where there is none."""
    out = io.BytesIO()
    np.save(out, np.where(cells.valid, cells.values, np.nan).astype(np.float32))
    return out.getvalue()
