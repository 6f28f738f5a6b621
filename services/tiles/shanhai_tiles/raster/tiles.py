"""One tile of a raster as a picture or as values, and a preview of the whole raster."""

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rasterio.io import MemoryFile
from rasterio.transform import Affine

from shanhai.cartography import Style
from shanhai.raster.geotiff import FLOAT_NODATA
from shanhai_tiles.grids import TileGrid
from shanhai_tiles.raster.dataset_pool import DatasetPool, require_band
from shanhai_tiles.raster.images import ValueRange, encode, index_of
from shanhai_tiles.raster.reader import Cells, RasterTile, read_tile
from shanhai_tiles.raster.resampling import TilePart


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


def draw_raster(rasters: DatasetPool, path: Path, tile: RasterTile, look: Look) -> bytes:
    """The file of a tile.

    Raises:
        LayerUnreadable: the raster is damaged.
        InvalidInput: it has no such band.
    """
    cells = read_tile(rasters, path, tile)
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
    rasters: DatasetPool, path: Path, band: int, style: Style, drawn: ValueRange | None, side: int
) -> bytes:
    """A PNG whose longer side has at most `side` pixels, and never more than the raster has cells.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    with rasters.open(path) as raster:
        require_band(band, raster.bands)
        height, width = raster.shape(0)
        scale = min(1.0, side / max(height, width))
        shape = (max(1, round(height * scale)), max(1, round(width * scale)))
        values = raster.read_whole(band, shape)
        cells = Cells(values, raster.nodata(band), TilePart(0, 0, *shape), shape)
    return encode(index_of(cells, style, drawn), style, "png")
