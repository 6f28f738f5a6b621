"""Proof that aligning an extensive quantity has kept its total."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.raster.inspect import open_geotiff
from shanhai.raster.lattice import CellCentres
from shanhai.raster.warp import KEPT_ZERO, Source, read_open_block
from shanhai.science.arrays import FloatArray
from shanhai.science.grid import Grid, Window

TOLERANCE = 0.005
"""Part of the total that resampling may add or lose."""

_STRIP_ROWS, _MOST_CELLS = 512, 8_000_000
"""Rows read at once, so that no block of a file is unpacked twice, and cells at most."""

_CELLS_AT_ONCE = 250_000

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Maps a picklable function over a sequence, results in order."""


@dataclass(frozen=True, slots=True)
class SourceTotal:
    """Sum of the source cells over a grid.

    Attributes:
        inside: Of cells whose centre lies on the grid.
        edge: Of cells near enough to the grid's edge to be cut by it, whichever side.
    """

    inside: float
    edge: float


def source_total(source: Source, grid: Grid, run: Run = map) -> SourceTotal:
    """Sum the first band of a source over the extent of a grid; `run` goes over its strips."""
    height, width = source.facts.height, source.facts.width
    rows = min(_STRIP_ROWS, max(1, _MOST_CELLS // width))
    strips = [Window(row, 0, min(rows, height - row), width) for row in range(0, height, rows)]
    parts = list(run(partial(_strip_total, source, grid), strips))
    return SourceTotal(sum(one.inside for one in parts), sum(one.edge for one in parts))


def _strip_total(source: Source, grid: Grid, strip: Window) -> SourceTotal:
    with open_geotiff(source.path) as file:
        values = np.nan_to_num(read_open_block(file, strip, kept=KEPT_ZERO)[0])
    # Positions take several times the room of the values: a few rows of them at a time.
    rows = max(1, _CELLS_AT_ONCE // strip.width)
    parts = [
        _total(source, grid, Window(strip.row + row, 0, len(some), strip.width), some)
        for row in range(0, strip.height, rows)
        for some in [values[row : row + rows]]
    ]
    return SourceTotal(sum(one.inside for one in parts), sum(one.edge for one in parts))


def _total(source: Source, grid: Grid, window: Window, values: FloatArray) -> SourceTotal:
    """What of some rows lies on the grid, and what near its edge."""
    centres = CellCentres(
        source.facts.transform, source.resolution, source.crs, f"EPSG:{grid.epsg}"
    )
    x, y = centres.within(window)
    west, south, east, north = grid.bounds
    depth = np.minimum(np.minimum(x - west, east - x), np.minimum(y - south, north - y))
    # A cell of degrees is longer than the mean side in one direction.
    reach = 2 * max(source.resolution, grid.cell_m)
    return SourceTotal(
        inside=float(values[depth >= 0].sum()),
        edge=float(values[np.abs(depth) < reach].sum()),
    )


def check_total(theme: str, source: Source, grid: Grid, aligned: float, run: Run = map) -> None:
    """Refuse an alignment that lost or made some of what it should have kept.

    Raises:
        InvalidInput: the totals differ by more than `TOLERANCE`, cells at the edge apart.
    """
    wanted = source_total(source, grid, run)
    if abs(aligned - wanted.inside) <= TOLERANCE * wanted.inside + wanted.edge:
        return
    raise InvalidInput(
        f"{theme}: {aligned:.0f} on the analysis grid against {wanted.inside:.0f} in the source; "
        f"they must agree within {100 * TOLERANCE:g} %",
        message_zh=f"{theme}：分析格网合计 {aligned:.0f}，源数据合计 {wanted.inside:.0f}，"
        f"相差不得超过 {100 * TOLERANCE:g} %",
        pointer=f"/inputs/datasets/{theme}",
    )
