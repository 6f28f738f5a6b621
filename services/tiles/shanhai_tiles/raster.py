"""Cells of a stored raster under the pixels of a tile, or under a point.

Cells are shown as they are: the value of a pixel is that of the cell, or of the overview's cell,
its centre falls in.
"""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.windows import Window

from shanhai.errors import InvalidInput
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.grids import Bounds, FloatArray, TileGrid
from shanhai_tiles.sampling import Frame, tile_positions


@dataclass(frozen=True, slots=True)
class Cells:
    """Values for the pixels of a tile and whether each holds one."""

    values: NDArray[Any]
    valid: NDArray[np.bool_]

    @property
    def empty(self) -> bool:
        """Whether no pixel holds a value."""
        return not bool(self.valid.any())


def read_tile(path: Path, band: int, grid: TileGrid, bounds: Bounds, size: int) -> Cells:
    """The cells under a tile's pixels, `size` by `size`.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    try:
        with rasterio.open(path, driver="GTiff") as file:
            require_band(band, file.count)
            columns, rows = tile_positions(grid, bounds, size, frame_of(file))
            return _read_at(file, band, columns, rows)
    except RasterioError as error:
        raise LayerUnreadable from error


def read_point(path: Path, band: int, lon: float, lat: float) -> float | None:
    """The value of the cell at a point in degrees; None outside the raster or on nodata.

    Raises:
        LayerUnreadable: the file is damaged.
        InvalidInput: the file has no such band.
    """
    try:
        with rasterio.open(path, driver="GTiff") as file:
            require_band(band, file.count)
            columns, rows = frame_of(file).locate(np.array([[lon]]), np.array([[lat]]))
            cells = _read_at(file, band, columns, rows)
    except RasterioError as error:
        raise LayerUnreadable from error
    return None if cells.empty else float(cells.values[0, 0])


def require_band(band: int, count: int) -> None:
    """Refuse a band the raster does not have."""
    if not 1 <= band <= count:
        raise InvalidInput(
            f"band is {band}; this layer has bands 1 to {count}",
            message_zh=f"band 为 {band}；该图层的波段为 1 至 {count}",
            pointer="band",
        )


def frame_of(file: Any) -> Frame:
    """How an open raster lies on the ground."""
    if file.crs is None:
        raise LayerUnreadable
    epsg = file.crs.to_epsg()
    a, b, c, d, e, f = tuple(file.transform)[:6]
    crs = file.crs.to_wkt() if epsg is None else f"EPSG:{epsg}"
    return Frame(crs, (a, b, c, d, e, f), file.width, file.height)


def _read_at(file: Any, band: int, columns: FloatArray, rows: FloatArray) -> Cells:
    inside = (columns >= 0) & (columns < file.width) & (rows >= 0) & (rows < file.height)
    if not inside.any():
        return Cells(np.zeros(columns.shape, file.dtypes[band - 1]), inside)
    reduction = _reduction(columns, rows, inside)
    window = _window(columns[inside], rows[inside], reduction, file)
    block = file.read(band, window=window.source, out_shape=window.shape, masked=True)
    column, row = window.index(columns, rows, inside)
    values = np.ma.getdata(block)[row, column]
    valid = inside & ~np.ma.getmaskarray(block)[row, column]
    if values.dtype.kind == "f":
        valid &= np.isfinite(values)
    return Cells(values, valid)


def _reduction(columns: FloatArray, rows: FloatArray, inside: NDArray[np.bool_]) -> int:
    """The power of two by which cells are smaller than pixels, where the tile has any."""
    pairs = inside[:, 1:] & inside[:, :-1]
    if not pairs.any():
        return 1
    across = columns[:, 1:][pairs] - columns[:, :-1][pairs]
    down = rows[:, 1:][pairs] - rows[:, :-1][pairs]
    cells = float(np.median(np.hypot(across, down)))
    return 2 ** int(math.log2(cells)) if cells >= 1 else 1


@dataclass(frozen=True, slots=True)
class _ReducedWindow:
    """A window of the raster read at a reduced size."""

    source: Window
    shape: tuple[int, int]

    def index(
        self, columns: FloatArray, rows: FloatArray, inside: NDArray[np.bool_]
    ) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Column and row in the reduced block of each position; 0 where it is not `inside`."""
        height, width = self.shape
        column = (columns - self.source.col_off) * (width / self.source.width)
        row = (rows - self.source.row_off) * (height / self.source.height)
        return _clamped(column, inside, width), _clamped(row, inside, height)


def _clamped(position: FloatArray, inside: NDArray[np.bool_], length: int) -> NDArray[np.intp]:
    cell = np.where(inside, position, 0.0).astype(np.intp)
    return np.clip(cell, 0, length - 1)


def _window(columns: FloatArray, rows: FloatArray, reduction: int, file: Any) -> _ReducedWindow:
    """The window that covers the positions, its origin on the overview's own cells."""
    left = int(columns.min()) // reduction * reduction
    top = int(rows.min()) // reduction * reduction
    right = min(_ceil_to(int(columns.max()) + 1, reduction), file.width)
    bottom = min(_ceil_to(int(rows.max()) + 1, reduction), file.height)
    shape = (math.ceil((bottom - top) / reduction), math.ceil((right - left) / reduction))
    return _ReducedWindow(Window(left, top, right - left, bottom - top), shape)


def _ceil_to(value: int, step: int) -> int:
    return -(-value // step) * step
