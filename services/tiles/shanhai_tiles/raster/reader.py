"""Cells of a stored raster under the pixels of a tile, or under a point.

Cells are shown as they are: the value of a pixel is that of the cell, or of the overview's cell,
its centre falls in. What marks cells without value is the nodata value; masks beside it are not
read.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray
from shanhai_tiles.grids import Bounds, TileGrid
from shanhai_tiles.raster import resampling
from shanhai_tiles.raster.dataset_pool import DatasetPool, OpenRaster, Source, require_band

Values = NDArray[Any]


@dataclass(frozen=True, slots=True)
class RasterTile:
    """A tile of `size` by `size` pixels, which shows one band.

    Attributes:
        bounds: Its box in the grid's unit.
    """

    grid: TileGrid
    bounds: Bounds
    size: int
    band: int = 1

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return (self.size, self.size)


@dataclass(frozen=True, slots=True)
class Cells:
    """Values for the pixels of a part of a tile; outside the part there are none.

    Attributes:
        values: One for each pixel of the part.
        nodata: What stands for none; NaN and the infinite do so too.
        part: Where they are.
        shape: Rows and columns of the tile.
    """

    values: Values
    nodata: float | None
    part: resampling.TilePart
    shape: tuple[int, int]

    @property
    def valid(self) -> BoolArray:
        """Whether each pixel of the part holds a value."""
        return valid_in(self.values, self.nodata)

    def filled(self, fill: float, dtype: str) -> Values:
        """The whole tile, with `fill` where there is no value."""
        tile = np.full(self.shape, fill, dtype)
        tile[self.part.slices] = np.where(self.valid, self.values, fill)
        return tile


def valid_in(values: Values, nodata: float | None) -> BoolArray:
    """Whether values stand for something."""
    known = np.isfinite(values) if values.dtype.kind == "f" else np.ones(values.shape, bool)
    if nodata is not None:
        known &= values != values.dtype.type(nodata)
    return known


def read_tile(rasters: DatasetPool, source: Source, tile: RasterTile) -> Cells:
    """The cells under a tile's pixels; of no pixel where none lies on the raster.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    with rasters.open(source) as raster:
        require_band(tile.band, raster.bands)
        part = resampling.part_over(tile.grid, tile.bounds, tile.size, raster.frame)
        if part is None:
            return _nothing(raster, tile)
        net = resampling.sample_grid_over(tile.grid, tile.bounds, tile.size, part, raster.frame)
        return _read_under(raster, tile, net)


def read_point(
    rasters: DatasetPool, source: Source, band: int, lon: float, lat: float
) -> float | None:
    """The value of the cell at a point in degrees; None outside the raster or on nodata.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    with rasters.open(source) as raster:
        require_band(band, raster.bands)
        columns, rows = raster.frame.locate(np.array([[lon]]), np.array([[lat]]))
        window = resampling.SampleGrid(resampling.TilePart(0, 0, 1, 1), columns, rows).window(
            *raster.shape(0)
        )
        if window is None:
            return None
        value = raster.read(band, 0, window)
        return float(value[0, 0]) if valid_in(value, raster.nodata(band))[0, 0] else None


def _nothing(raster: OpenRaster, tile: RasterTile) -> Cells:
    values = np.empty((0, 0), raster.dtype(tile.band))
    return Cells(values, raster.nodata(tile.band), resampling.TilePart(0, 0, 0, 0), tile.shape)


def _read_under(raster: OpenRaster, tile: RasterTile, net: resampling.SampleGrid) -> Cells:
    level = raster.level_for(net.cells_per_pixel)
    height, width = raster.shape(level)
    reduced = net.scaled(width / raster.frame.width, height / raster.frame.height)
    window = reduced.window(height, width)
    if window is None:
        return _nothing(raster, tile)
    nodata = raster.nodata(tile.band)
    block = raster.read_kept(tile.band, level, window)
    framed = reduced.leaves(window)
    if framed:
        block = _with_frame(block, nodata)
    rows, columns = resampling.index_of(reduced, window, framed=framed)
    return Cells(_gather(block, rows, columns), nodata, net.part, tile.shape)


def _with_frame(block: Values, nodata: float | None) -> Values:
    """The block with a cell of nodata more on every side."""
    if nodata is None and block.dtype.kind != "f":
        block = block.astype(np.float64)
    fill = np.nan if nodata is None else nodata
    framed = np.full((block.shape[0] + 2, block.shape[1] + 2), fill, block.dtype)
    framed[1:-1, 1:-1] = block
    return framed


def _gather(block: Values, rows: resampling.Index, columns: resampling.Index) -> Values:
    """The cells at each pixel's row and column."""
    if rows.shape[1] == 1 and columns.shape[0] == 1:
        found: Values = block.take(rows[:, 0], axis=0).take(columns[0], axis=1)
    else:
        flat = np.ascontiguousarray(block).ravel()
        found = flat.take(rows * np.int32(block.shape[1]) + columns)
    return found
