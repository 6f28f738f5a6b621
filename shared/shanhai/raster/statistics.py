"""Statistics of a band, read block by block, and proof that aligning keeps totals."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.raster.coordinate_interpolation import CellCentres
from shanhai.raster.inspect import open_geotiff
from shanhai.raster.warp import KEPT_ZERO, RasterSource, read_open_block
from shanhai.science.arrays import FloatArray
from shanhai.science.grid import Grid, Window

DISPLAY_PROBABILITIES = (0.02, 0.98)

_HELD_VALUES = 4_000_000
"""Values that are sorted at once."""

Blocks = Callable[[], Iterable[NDArray[np.floating]]]


@dataclass(frozen=True, slots=True)
class BandStatistics:
    """Statistics over the valid cells; None where no cell is valid."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    p2: float | None
    p98: float | None
    valid_percent: float

    def document(self) -> dict[str, float | None]:
        """As stored in the `grid` of a dataset."""
        return asdict(self)


def band_statistics(blocks: Blocks) -> BandStatistics:
    """Statistics of a band; `blocks` is called several times and yields NaN for nodata.

    Mean and spread of the blocks are joined as they pass (Chan, Golub and LeVeque 1983).
    """
    cells = valid = 0
    low, high, mean, squares = np.inf, -np.inf, 0.0, 0.0
    for block in blocks():
        values = block[np.isfinite(block)].astype(np.float64)
        cells += block.size
        if not values.size:
            continue
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        # Sums of squares about zero would lose all digits where the mean is large.
        middle = float(values.mean())
        apart, share = middle - mean, values.size / (valid + values.size)
        values -= middle
        squares += float(np.vdot(values, values)) + apart * apart * valid * share
        mean += apart * share
        valid += values.size
    percent = round(100 * valid / cells, 6) if cells else 0.0
    if valid == 0:
        return BandStatistics(None, None, None, None, None, None, percent)
    p2, p98 = _display_quantiles(blocks, valid)
    return BandStatistics(low, high, mean, float(np.sqrt(squares / valid)), p2, p98, percent)


def _display_quantiles(blocks: Blocks, valid: int) -> list[float]:
    """The exact quantiles of the float32 values, by whichever way."""
    if valid > _HELD_VALUES:
        # Here, because most rasters are smaller, and to import one need not load compiled code.
        from shanhai.science.quantiles import exact_quantiles

        return exact_quantiles(blocks, DISPLAY_PROBABILITIES)
    held = [block[np.isfinite(block)].astype(np.float32) for block in blocks()]
    values = np.concatenate(held).astype(np.float64)
    return [float(value) for value in np.quantile(values, DISPLAY_PROBABILITIES)]


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


def source_total(source: RasterSource, grid: Grid, run: Run = map) -> SourceTotal:
    """Sum the first band of a source over the extent of a grid; `run` goes over its strips."""
    height, width = source.facts.height, source.facts.width
    rows = min(_STRIP_ROWS, max(1, _MOST_CELLS // width))
    strips = [Window(row, 0, min(rows, height - row), width) for row in range(0, height, rows)]
    parts = list(run(partial(_strip_total, source, grid), strips))
    return SourceTotal(sum(one.inside for one in parts), sum(one.edge for one in parts))


def _strip_total(source: RasterSource, grid: Grid, strip: Window) -> SourceTotal:
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


def _total(source: RasterSource, grid: Grid, window: Window, values: FloatArray) -> SourceTotal:
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


def check_total(
    theme: str, source: RasterSource, grid: Grid, aligned: float, run: Run = map
) -> None:
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
