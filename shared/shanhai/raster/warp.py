"""A source raster, window by window, on the analysis grid, by the rule its quantity asks for."""

import math
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.errors import RasterioIOError
from rasterio.windows import Window as RasterWindow

from shanhai.raster import inspect, resampling
from shanhai.raster.cells import cell_areas_m2
from shanhai.raster.store import ELSEWHERE
from shanhai.science.grid import FloatArray, Grid, IntArray, Window

_STRIP_CELLS = 4_000_000
_COARSER_FROM = 2.0
_SUBCELLS = 4
_DENSITY_ROWS = 16
_LATTICE_TOLERANCE = 1e-6
"""Part of a cell by which equal lattices may differ through rounding."""


class RasterQuantity(StrEnum):
    """What a raster's values are, which decides how they may be resampled.

    Categories are never averaged. Presence is 1 where anything of it lies in the cell. Intensive
    values (a temperature) are interpolated or averaged; a surface (elevation) is interpolated so
    that its slope is continuous too. Extensive values (persons per cell) go by their density, so
    that totals are kept.
    """

    CATEGORICAL = "categorical"
    PRESENCE = "presence"
    INTENSIVE = "intensive"
    SURFACE = "surface"
    EXTENSIVE = "extensive"


METHODS: Mapping[RasterQuantity, tuple[str, str]] = {
    RasterQuantity.CATEGORICAL: ("mode", "nearest"),
    RasterQuantity.PRESENCE: ("any", "nearest"),
    RasterQuantity.INTENSIVE: ("average", "bilinear"),
    RasterQuantity.SURFACE: ("average", "bicubic"),
    RasterQuantity.EXTENSIVE: ("sum", "density"),
}
"""The resampling towards coarser and towards finer cells."""


@dataclass(frozen=True, slots=True)
class RasterSource:
    """A raster to be aligned.

    Attributes:
        path: A GeoTIFF in the theme's own unit, nodata declared.
        facts: Its frame.
        resolution: Side of its cells, m.
        quantity: How it is resampled.
    """

    path: Path
    facts: inspect.RasterFacts
    resolution: float
    quantity: RasterQuantity

    @property
    def crs(self) -> str:
        """The system of the file, which inspection made sure of."""
        return self.facts.crs or ""

    def method(self, cell_m: float) -> str:
        """Name of the resampling towards cells of `cell_m`, as the manifest records it."""
        coarser = cell_m >= _COARSER_FROM * self.resolution
        return METHODS[self.quantity][0 if coarser else 1]


_INTERPOLATIONS = {
    "nearest": resampling.nearest,
    "bilinear": resampling.bilinear,
    "bicubic": resampling.bicubic,
}

_ZERO_IS_NODATA = {RasterQuantity.INTENSIVE, RasterQuantity.SURFACE}
KEPT_ZERO = frozenset({0.0})


def kept_of(quantity: RasterQuantity) -> Collection[float]:
    """The declared nodata that is a value where a quantity is stored."""
    return () if quantity in _ZERO_IS_NODATA else KEPT_ZERO


def open_source(path: Path, quantity: RasterQuantity) -> RasterSource:
    """Inspect a raster and make it ready to be aligned."""
    facts = inspect.inspect_raster(path)
    return RasterSource(path, facts, inspect.resolution_m(facts), quantity)


def align(source: RasterSource, grid: Grid, window: Window) -> FloatArray:
    """The bands of `source` on the cells of `window`.

    The result of a cell does not depend on the window it is computed in.

    Returns:
        Band, row, column; NaN is nodata. Categories keep their codes, 0 included, and are NaN
        outside the raster. Extensive values are per cell of `grid`.
    """
    shift = _shift_on_lattice(source, grid)
    if shift is not None:
        return _taken_as_it_is(source, window, *shift)
    method = source.method(grid.cell_m)
    if method in {"mode", "any", "average", "sum"}:
        return _gather(source, grid, window, method)
    if method == "density":
        return _spread_density(source, grid, window)
    rows, cols = _source_positions(source, _cells_of(grid, source.crs), window)
    return _sample(source, rows, cols, _INTERPOLATIONS[method])


def align_classes(
    source: RasterSource, grid: Grid, window: Window, *codes: int
) -> tuple[FloatArray, ...]:
    """The classes of a window as `align` gives them, and the part of each cell some classes hold.

    Args:
        source: A raster of classes.
        grid: Where they are wanted.
        window: Part of the grid.
        codes: The classes whose shares are wanted.

    Returns:
        Classes, and the share of each code, 0–1: of the source cells in a cell, or 0 and 1 where
        the source is not finer than the grid. NaN outside the raster.
    """
    if source.method(grid.cell_m) == "mode":
        ballot = _count_classes(source, grid, window)
        return (ballot.winners(), *(ballot.share(code) for code in codes))
    classes = align(source, grid, window)[0]
    known = ~np.isnan(classes)
    return (classes, *(np.where(known, classes == code, np.nan) for code in codes))


def _shift_on_lattice(source: RasterSource, grid: Grid) -> tuple[int, int] | None:
    """Row and column of the grid's first cell in a raster that has the very same cells."""
    a, b, west, d, e, north = source.facts.transform
    same_cells = (a, b, d, e) == (grid.cell_m, 0.0, 0.0, -grid.cell_m)
    if not same_cells or source.crs != f"EPSG:{grid.epsg}":
        return None
    row, col = (north - grid.north) / grid.cell_m, (grid.west - west) / grid.cell_m
    if max(abs(row - round(row)), abs(col - round(col))) > _LATTICE_TOLERANCE:
        return None
    return round(row), round(col)


def _taken_as_it_is(source: RasterSource, window: Window, row: int, col: int) -> FloatArray:
    """Every cell with its own value: no way of resampling would give another."""
    facts = source.facts
    found = np.full((facts.bands, window.height, window.width), np.nan)
    top, left = window.row + row, window.col + col
    first_row, first_col = max(top, 0), max(left, 0)
    end_row = min(top + window.height, facts.height)
    end_col = min(left + window.width, facts.width)
    if end_row > first_row and end_col > first_col:
        block = Window(first_row, first_col, end_row - first_row, end_col - first_col)
        inner = block.slices_within(Window(top, left, window.height, window.width))
        found[:, *inner] = read_block(source, block)
    return found


def _cells_of(grid: Grid, target: str) -> resampling.CellCentres:
    return resampling.CellCentres(grid.transform, grid.cell_m, f"EPSG:{grid.epsg}", target)


def _source_positions(
    source: RasterSource, cells: resampling.CellCentres, window: Window
) -> tuple[FloatArray, FloatArray]:
    """Row and column positions of target cells in the source raster."""
    x, y = cells.within(window)
    a, _, west, _, e, north = source.facts.transform
    return (y - north) / e, (x - west) / a


def _sample(
    source: RasterSource, rows: FloatArray, cols: FloatArray, interpolate: Any
) -> FloatArray:
    facts = source.facts
    block = _covering(rows, cols, facts.height, facts.width, margin=3)
    if block is None:
        return np.full((facts.bands, *rows.shape), np.nan)
    values: FloatArray = interpolate(read_block(source, block), *_inside(rows, cols, block, facts))
    return values


def _inside(
    rows: FloatArray, cols: FloatArray, block: Window, facts: inspect.RasterFacts
) -> tuple[FloatArray, FloatArray]:
    """Positions within the block; those outside the raster stay outside the block as well."""
    outside = (rows < 0) | (rows > facts.height) | (cols < 0) | (cols > facts.width)
    return np.where(outside, -np.inf, rows - block.row), np.where(
        outside, -np.inf, cols - block.col
    )


def _covering(
    rows: FloatArray, cols: FloatArray, height: int, width: int, *, margin: int
) -> Window | None:
    """The block of source cells around the positions; None when they all miss the raster."""
    finite = np.isfinite(rows) & np.isfinite(cols)
    if not finite.any():
        return None
    if not finite.all():
        rows, cols = rows[finite], cols[finite]
    top = max(0, math.floor(rows.min()) - margin)
    left = max(0, math.floor(cols.min()) - margin)
    bottom = min(height, math.ceil(rows.max()) + margin)
    right = min(width, math.ceil(cols.max()) + margin)
    if bottom <= top or right <= left:
        return None
    return Window(top, left, bottom - top, right - left)


def _opened(source: RasterSource) -> AbstractContextManager[Any]:
    elsewhere = ELSEWHERE.get()
    if elsewhere is None:
        return inspect.open_geotiff(source.path)
    return elsewhere.raster(source.path, source.facts)


def read_block(source: RasterSource, block: Window) -> FloatArray:
    """Bands of a block of the source, nodata and infinities as NaN.

    Raises:
        UnsupportedFile: the pixels cannot be read.
    """
    with _opened(source) as file:
        return read_open_block(file, block, kept=kept_of(source.quantity))


def read_open_block(
    file: Any, block: Window, *, kept: Collection[float] = (), infinite: bool = False
) -> FloatArray:
    """Bands of a block of an open file as float64; infinities as NaN, unless they are asked for.

    A declared nodata among `kept` is taken as the value it is: in class rasters 0 is the sea, which
    takes part in the vote on a coarser cell.
    """
    cut = RasterWindow(block.col, block.row, block.width, block.height)
    try:
        stored, left_out = file.read(window=cut), inspect.own_mask(file, cut)
    except RasterioIOError as error:
        raise inspect.refuse(
            "the TIFF is damaged or cut short: its pixels cannot be read",
            "TIFF 文件损坏或不完整：无法读取像元",
        ) from error
    values: FloatArray = stored.astype(np.float64)
    nodata = file.nodata
    if nodata is not None and nodata not in kept:
        # As it is stored: half the memory to go through, and the digits nodata was given in.
        values[stored == nodata] = np.nan
    if stored.dtype.kind == "f" and not infinite:
        values[np.isinf(stored)] = np.nan
    if left_out is not None:
        values[:, left_out] = np.nan
    return values


def _gather(source: RasterSource, grid: Grid, window: Window, method: str) -> FloatArray:
    """Every source cell goes to the target cell its centre lies in."""
    if method == "mode":
        return _count_classes(source, grid, window).winners()[np.newaxis]
    gathering = resampling.CellAggregation(source.facts.bands, window.height, window.width)
    for values, target in _cells_within(source, grid, window):
        gathering.add(values, target)
    if method == "average":
        return gathering.means()
    sums = gathering.sums()
    return sums if method == "sum" else np.where(sums > 0, 1.0, sums)


def _count_classes(source: RasterSource, grid: Grid, window: Window) -> resampling.Ballot:
    ballot = resampling.Ballot(window.height, window.width)
    for values, target in _cells_within(source, grid, window):
        ballot.add(values[0], target)
    return ballot


def _cells_within(
    source: RasterSource, grid: Grid, window: Window
) -> Iterator[tuple[FloatArray, IntArray]]:
    """Bands of the source cells around a window, and the target cell each belongs to."""
    facts = source.facts
    rows, cols = _source_positions(source, _cells_of(grid, source.crs), window)
    margin = math.ceil(grid.cell_m / source.resolution) + 2
    block = _covering(rows, cols, facts.height, facts.width, margin=margin)
    if block is None:
        return
    centres = resampling.CellCentres(
        facts.transform, source.resolution, source.crs, f"EPSG:{grid.epsg}"
    )
    with _opened(source) as file:
        for strip in _low_strips(block, max(1, _STRIP_CELLS // block.width)):
            values = read_open_block(file, strip, kept=kept_of(source.quantity))
            yield values, _target_cells(*centres.within(strip), grid, window)


def _target_cells(x: FloatArray, y: FloatArray, grid: Grid, window: Window) -> IntArray:
    """Flat index within the window of the cell each point lies in, −1 outside."""
    with np.errstate(invalid="ignore"):
        row = np.floor((grid.north - y) / grid.cell_m) - window.row
        col = np.floor((x - grid.west) / grid.cell_m) - window.col
        inside = (row >= 0) & (row < window.height) & (col >= 0) & (col < window.width)
    return np.where(
        inside, np.where(inside, row, 0) * window.width + np.where(inside, col, 0), -1
    ).astype(np.int64)


def _spread_density(source: RasterSource, grid: Grid, window: Window) -> FloatArray:
    """Density of the source cell under each of 16 points of a cell, times the cell's area."""
    facts = source.facts
    rows, cols = _source_positions(source, _cells_of(grid, source.crs), window)
    margin = math.ceil(grid.cell_m / source.resolution) + 2
    block = _covering(rows, cols, facts.height, facts.width, margin=margin)
    if block is None:
        return np.full((facts.bands, window.height, window.width), np.nan)
    areas = cell_areas_m2(facts, block.row, block.height)[:, np.newaxis]
    density = read_block(source, block) / areas
    # Sixteen points for every cell are many: strips keep them in the processor's cache.
    strips = [
        _sum_points(source, grid, density, block, strip)
        for strip in _low_strips(window, _DENSITY_ROWS)
    ]
    return np.concatenate(strips, axis=1) * (grid.cell_area_m2 / _SUBCELLS**2)


def _sum_points(
    source: RasterSource, grid: Grid, density: FloatArray, block: Window, strip: Window
) -> FloatArray:
    """Sum of the densities under the points of every cell; NaN where all are unknown."""
    fine = Grid(
        grid.epsg,
        grid.west,
        grid.north,
        grid.cell_m / _SUBCELLS,
        grid.width * _SUBCELLS,
        grid.height * _SUBCELLS,
    )
    inner = Window(*(_SUBCELLS * n for n in (strip.row, strip.col, strip.height, strip.width)))
    rows, cols = _source_positions(source, _cells_of(fine, source.crs), inner)
    points = resampling.nearest(density, *_inside(rows, cols, block, source.facts))
    blocks = points.reshape(-1, strip.height, _SUBCELLS, strip.width, _SUBCELLS)
    return np.where(np.isnan(blocks).all(axis=(2, 4)), np.nan, np.nansum(blocks, axis=(2, 4)))


def _low_strips(window: Window, rows: int) -> list[Window]:
    end = window.row + window.height
    return [
        Window(row, window.col, min(rows, end - row), window.width)
        for row in range(window.row, end, rows)
    ]
