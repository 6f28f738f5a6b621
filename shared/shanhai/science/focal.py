"""Sums over the neighbourhood of a cell, the same whatever window of a raster they are taken in.

Exponential kernels go through the Fourier transform. Its rounding depends on the block that is
transformed, so the blocks are part of the method: they lie on a lattice that is tied to the grid
and not to the window. A window whose sides are multiples of `BLOCK`, with a halo of the kernel's
reach, then gives the bytes of the whole raster; any other window agrees to about 1e-13 of the
largest value. Sums over a disk, plain or weighted by a bell curve, are taken in an order that every
window shares, and agree to the byte in all of them.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.kernels import compiled


@compiled
def sum_spans(before: IntArray, spans: IntArray) -> IntArray:
    """Sum of every cell's disk from the running sums of the rows.

    Args:
        before: In column j the sum of the row's first j cells; one column more than the raster.
        spans: Half width of each row of the disk; the disk has an odd number of rows.
    """
    height, width = before.shape[0], before.shape[1] - 1
    radius = len(spans) // 2
    sums = np.zeros((height, width), dtype=np.int64)
    for row in range(height):
        for step in range(max(-radius, -row), min(radius, height - 1 - row) + 1):
            _add_span(sums[row], before[row + step], spans[step + radius], width)
    return sums


@compiled
def _add_span(sums: IntArray, before: IntArray, span: int, width: int) -> None:
    start, end = min(span, width), max(width - span - 1, min(span, width))
    for col in range(start):
        sums[col] += before[min(col + span + 1, width)]
    for col in range(start, end):
        sums[col] += before[col + span + 1] - before[col - span]
    for col in range(end, width):
        sums[col] += before[width] - before[max(col - span, 0)]


@compiled
def sum_gaussian(values: FloatArray, spans: IntArray, bell: FloatArray, edge: float) -> FloatArray:
    """Sum of every cell's disk, weighted with `bell[|rows|]·bell[|columns|] − edge`.

    What a row gives is built up from its centre outwards, once for all rows of the disk. The order
    of every sum follows from the distance alone, so it is the same in every window.

    Args:
        values: Nothing unknown.
        spans: Half width of each row of the disk; the disk has an odd number of rows.
        bell: Weights along a line by distance in cells, as many as half the rows and one.
        edge: What is taken off every weight.
    """
    height, width = values.shape
    radius = len(spans) // 2
    sums = np.zeros((height, width))
    weighted, plain = np.empty(width), np.empty(width)
    for row in range(height):
        weighted[:], plain[:] = 0.0, 0.0
        for span in range(radius + 1):
            _widen(weighted, plain, values[row], span, bell[span])
            for step in range(-radius, radius + 1):
                if spans[step + radius] == span and 0 <= row + step < height:
                    _add_line(sums[row + step], weighted, plain, bell[abs(step)], edge)
    return sums


@compiled
def _widen(
    weighted: FloatArray, plain: FloatArray, line: FloatArray, span: int, weight: float
) -> None:
    """Add the cells `span` away on both sides to the sums along a line."""
    width = len(line)
    if span == 0:
        for col in range(width):
            _take(weighted, plain, col, line[col], weight)
        return
    for col in range(min(span, width - span)):
        _take(weighted, plain, col, line[col + span], weight)
    for col in range(span, width - span):
        both = line[col - span] + line[col + span]
        weighted[col] += weight * both
        plain[col] += both
    for col in range(max(span, width - span), width):
        _take(weighted, plain, col, line[col - span], weight)


@compiled
def _take(weighted: FloatArray, plain: FloatArray, col: int, value: float, weight: float) -> None:
    weighted[col] += weight * value
    plain[col] += value


@compiled
def _add_line(
    sums: FloatArray, weighted: FloatArray, plain: FloatArray, weight: float, edge: float
) -> None:
    for col in range(len(sums)):
        sums[col] += weight * weighted[col] - edge * plain[col]


BLOCK = 512
"""Side of the blocks that are transformed together, cells; the windows of the processes."""

_UNITS = 2**30
"""Parts of 1 in which disk sums count: fractions are rounded to 1e-9, flags are exact."""

Spectrum = NDArray[np.complex128]
"""Transform of a kernel."""


@dataclass(frozen=True, slots=True)
class WindowFrame:
    """Where an array lies in the analysis grid, and which part of it is asked for.

    Attributes:
        outer: Cells the array holds; may begin before the grid does.
        inner: Cells whose result is wanted, within `outer`.
    """

    outer: Window
    inner: Window

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> "WindowFrame":
        """The frame of an array that is the whole grid."""
        window = Window(0, 0, shape[0], shape[1])
        return cls(window, window)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of the inner cells in the array."""
        return self.inner.slices_within(self.outer)


def exponential_kernel(decay_m: float, reach_m: float, cell_m: float) -> FloatArray:
    """Weights `exp(−d/decay)` of the cells whose centre lies within `reach_m`, else 0.

    Args:
        decay_m: Distance at which the weight falls to 1/e, m.
        reach_m: Largest distance that counts, m.
        cell_m: Side of a cell, m.
    """
    distance, within = _disk(reach_m, cell_m)
    return np.where(within, np.exp(-distance / decay_m), 0.0)


def convolve(
    values: FloatArray, kernel: FloatArray, frame: WindowFrame | None = None
) -> FloatArray:
    """Weighted sum of the neighbourhood of every cell.

    Args:
        values: ≥ 0; NaN adds nothing, and so does what lies beyond the array.
        kernel: Square of odd side with weights ≥ 0, symmetric about its centre.
        frame: Where the array lies; the whole grid when not given.

    Returns:
        ≥ 0 in the blocks of the inner cells, NaN elsewhere. The centre's own nodata is not carried
        over. Exact to about 1e-13 of the largest sum.
    """
    from scipy import fft  # here, because what only names the formula has no SciPy

    frame = frame or WindowFrame.whole(values.shape)
    radius = kernel.shape[0] // 2
    side = fft.next_fast_len(BLOCK + 2 * radius, real=True)
    spectrum = fft.rfft2(kernel, s=(side, side))
    sums = np.full(values.shape, np.nan)
    for block in _blocks(frame):
        around = _around(values, block, radius, side)
        held, place = _overlap(block, 0, values.shape)
        sums[held] = _transformed(around, kernel, spectrum)[place]
    return sums


def weighted_mean(
    values: FloatArray, known: BoolArray, kernel: FloatArray, frame: WindowFrame | None = None
) -> FloatArray:
    """Weighted mean over the known cells of the neighbourhood.

    Args:
        values: ≥ 0, taken where `known`.
        known: Cells that count.
        kernel: As in `convolve`.
        frame: As in `convolve`.

    Returns:
        In the unit of `values`; NaN where the cell itself is unknown, and outside the inner blocks.
    """
    above = convolve(np.where(known, values, 0.0), kernel, frame)
    below = convolve(known.astype(np.float64), kernel, frame)
    # A known cell counts itself, so the weight below is at least that of the centre.
    mean: FloatArray = np.full(values.shape, np.nan)
    return np.divide(above, below, out=mean, where=known & (below > 0))


def disk_sum(values: FloatArray, radius_m: float, cell_m: float) -> FloatArray:
    """Sum over the cells whose centre lies within a distance.

    Args:
        values: 0–1; NaN adds nothing, and so does what lies beyond the array.
        radius_m: Radius of the disk, m.
        cell_m: Side of a cell, m.

    Returns:
        Cells; values are counted in steps of 2⁻³⁰, so that no order of the sum leaves a trace.
    """
    counts = np.rint(np.nan_to_num(values, nan=0.0) * _UNITS).astype(np.int64)
    before = np.zeros((counts.shape[0], counts.shape[1] + 1), dtype=np.int64)
    np.cumsum(counts, axis=1, out=before[:, 1:])
    sums: IntArray = sum_spans(before, disk_spans(radius_m, cell_m))
    cells: FloatArray = sums / _UNITS
    return cells


def gaussian_sum(values: FloatArray, reach_m: float, cell_m: float) -> FloatArray:
    """Sum weighted with `(e^{−½(d/d0)²} − e^{−½})/(1 − e^{−½})` within `d0 = reach_m`.

    The weight is 1 at the cell and falls to 0 at d0.

    Args:
        values: ≥ 0; NaN adds nothing, and so does what lies beyond the array.
        reach_m: d0, m.
        cell_m: Side of a cell, m.

    Returns:
        ≥ 0. A window with a halo of `reach_m` gives the bytes of the whole raster.

    Source: InVEST urban nature access, after Liu et al. 2022.
    """
    spans = disk_spans(reach_m, cell_m)
    steps = np.arange(len(spans) // 2 + 1) * cell_m
    bell = np.exp(-0.5 * (steps / reach_m) ** 2)
    edge = math.exp(-0.5)
    sums: FloatArray = sum_gaussian(np.nan_to_num(values, nan=0.0), spans, bell, edge)
    # At d0 the weight is 0 but for a rounding.
    return np.maximum(sums / (1.0 - edge), 0.0)


def disk_mean(values: FloatArray, radius_m: float, cell_m: float) -> FloatArray:
    """Mean of the known cells within a distance, as exact as `disk_sum`; NaN stays NaN.

    Args:
        values: 0–1.
        radius_m: Radius of the disk, m.
        cell_m: Side of a cell, m.
    """
    known = ~np.isnan(values)
    cells = disk_sum(known.astype(np.float64), radius_m, cell_m)
    mean: FloatArray = np.full(values.shape, np.nan)
    return np.divide(disk_sum(values, radius_m, cell_m), cells, out=mean, where=known)


def disk_spans(radius_m: float, cell_m: float) -> IntArray:
    """Half width in cells of every row of a disk, from its northernmost to its southernmost."""
    # A cell on the circle belongs to the disk, whatever the noise of quotient and root.
    radius = radius_m / cell_m + 1e-9
    rows = np.arange(-math.floor(radius), math.floor(radius) + 1)
    widths: FloatArray = np.floor(np.sqrt(radius**2 - rows**2))
    return widths.astype(np.int64)


def _disk(reach_m: float, cell_m: float) -> tuple[FloatArray, BoolArray]:
    """Distance of the cells around a centre, m, and which lie within `reach_m`."""
    spans = disk_spans(reach_m, cell_m)
    steps = np.arange(len(spans)) - len(spans) // 2
    within = np.abs(steps) <= spans[:, np.newaxis]
    return np.hypot(steps[:, np.newaxis], steps) * cell_m, within


def _blocks(frame: WindowFrame) -> Iterator[Window]:
    """Blocks of the lattice that hold inner cells, in the coordinates of the array."""
    outer, inner = frame.outer, frame.inner
    for top in range(inner.row // BLOCK * BLOCK, inner.row + inner.height, BLOCK):
        for left in range(inner.col // BLOCK * BLOCK, inner.col + inner.width, BLOCK):
            yield Window(top - outer.row, left - outer.col, BLOCK, BLOCK)


def _transformed(around: FloatArray, kernel: FloatArray, spectrum: Spectrum) -> FloatArray:
    """Sums of the cells of a block, given the block and its halo."""
    side, halo = around.shape[0], kernel.shape[0] - 1
    held = around[: BLOCK + halo, : BLOCK + halo]
    if held.min() == held.max():
        return np.full((BLOCK, BLOCK), held[0, 0] * kernel.sum())
    from scipy import fft

    sums = fft.irfft2(fft.rfft2(around) * spectrum, s=(side, side))
    # The first `halo` rows and columns hold what the transform wraps around.
    inner = sums[halo : halo + BLOCK, halo : halo + BLOCK]
    return np.asarray(np.maximum(inner, 0.0))


def _around(values: FloatArray, block: Window, radius: int, side: int) -> FloatArray:
    """A block and its halo at their places in a square of zeros, nodata as zero."""
    around = np.zeros((side, side))
    held, place = _overlap(block, radius, values.shape)
    around[place] = np.nan_to_num(values[held], nan=0.0)
    return around


def _overlap(
    block: Window, radius: int, shape: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where the array meets a block grown by `radius`: in the array, and in the grown block."""
    rows = _meeting(block.row - radius, block.row + block.height + radius, shape[0])
    cols = _meeting(block.col - radius, block.col + block.width + radius, shape[1])
    return (rows[0], cols[0]), (rows[1], cols[1])


def _meeting(first: int, end: int, length: int) -> tuple[slice, slice]:
    low, high = max(first, 0), max(min(end, length), max(first, 0))
    return slice(low, high), slice(low - first, high - first)
