"""Spatial autocorrelation: global and local Moran's I with permutation tests, and how far it goes.

Neighbours share a side or a corner (queen), the neighbours of each item weigh the same and sum
to 1. Rasters and fishnets are lattices; polygons bring their own neighbours. Compiled loops take
them in compressed rows: the neighbours of item i are `neighbours[starts[i]:starts[i + 1]]`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.kernels import compiled


@compiled
def queen_of_lattice(numbers: IntArray) -> tuple[IntArray, IntArray]:
    """Starts and neighbours of the numbered cells (−1 is none), neighbours in row-major order."""
    height, width = numbers.shape
    count = 0
    for row in range(height):
        for col in range(width):
            count += numbers[row, col] >= 0
    starts = np.zeros(count + 1, dtype=np.int64)
    neighbours = np.empty(8 * count, dtype=np.int64)
    at = 0
    for row in range(height):
        for col in range(width):
            own = numbers[row, col]
            if own < 0:
                continue
            for i in range(max(row - 1, 0), min(row + 2, height)):
                for j in range(max(col - 1, 0), min(col + 2, width)):
                    other = numbers[i, j]
                    if other >= 0 and other != own:
                        neighbours[at] = other
                        at += 1
            starts[own + 1] = at
    return starts, neighbours[:at].copy()


@compiled
def lag_of(z: FloatArray, starts: IntArray, neighbours: IntArray) -> FloatArray:
    """Mean of the neighbours of every item; NaN without one."""
    lag = np.empty(len(z))
    for i in range(len(z)):
        first, last = starts[i], starts[i + 1]
        total = 0.0
        for at in range(first, last):
            total += z[neighbours[at]]
        lag[i] = total / (last - first) if last > first else np.nan
    return lag


@compiled
def cross_sum(z: FloatArray, starts: IntArray, neighbours: IntArray) -> float:
    """Σ z·lag over the items that have a neighbour."""
    total = 0.0
    for i in range(len(z)):
        first, last = starts[i], starts[i + 1]
        if last > first:
            lag = 0.0
            for at in range(first, last):
                lag += z[neighbours[at]]
            total += z[i] * (lag / (last - first))
    return total


_NEAR = 1e-12
"""Part of the largest deviation by which means of neighbours differ through rounding alone."""


@compiled
def count_as_far(z: FloatArray, lag: FloatArray, starts: IntArray, draws: IntArray) -> IntArray:
    """How many conditional permutations give an item at least, and at most, its own local product.

    Equal ones, which differ by the order of their sums alone, count on both sides.

    Args:
        z: Deviations from the mean.
        lag: Mean of each item's neighbours.
        starts: Starts of the neighbours, for their number.
        draws: One row per permutation: different numbers below n − 1, at least as many as any
            item has neighbours. An item skips its own number.

    Returns:
        Two rows: at least, at most.
    """
    found = np.zeros((2, len(z)), dtype=np.int64)
    near = _NEAR * np.abs(z).max()
    for i in range(len(z)):
        card = starts[i + 1] - starts[i]
        if card == 0:
            continue
        for draw in range(len(draws)):
            total = 0.0
            for at in range(card):
                other = draws[draw, at]
                total += z[other + (other >= i)]
            beyond = z[i] * (total / card - lag[i])
            found[0, i] += beyond >= -near * abs(z[i])
            found[1, i] += beyond <= near * abs(z[i])
    return found


MAX_ITEMS = 200_000
"""More cells than this are averaged over zoning units before they are tested."""

PERMUTATIONS = 999
ALPHA = 0.05
RANGE_THRESHOLD = 0.1
"""Moran's I below which two places count as apart."""

_HIGH_HIGH, _LOW_HIGH, _LOW_LOW, _HIGH_LOW, _NOT_SIGNIFICANT = range(1, 6)
"""Codes of the local classes; 0 is an item without neighbour."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Who neighbours whom, in compressed rows.

    Attributes:
        starts: Where the neighbours of each item begin, and where the last one's end.
        items: Numbers of the neighbours, item after item.
    """

    starts: IntArray
    items: IntArray

    @property
    def counts(self) -> IntArray:
        """Number of neighbours of each item."""
        return np.diff(self.starts)


@dataclass(frozen=True, slots=True)
class GlobalMoran:
    """Moran's I of an area.

    Attributes:
        index: I; NaN when the layer is constant or nothing has a neighbour.
        expected: −1/(n − 1), its mean without autocorrelation.
        p: Pseudo p-value, one-sided in the direction found; NaN with `index`.
        n: Number of valid items.
    """

    index: float
    expected: float
    p: float
    n: int


@dataclass(frozen=True, slots=True)
class LocalMoran:
    """Local Moran's I of every item.

    Attributes:
        index: I_i; NaN for an item without neighbour.
        p: Pseudo p-value by conditional permutation, one-sided; NaN with `index`.
        classes: At the false discovery rate asked for: 1 high among high, 2 low among high, 3 low
            among low, 4 high among low, 5 not significant, 0 without neighbour.
    """

    index: FloatArray
    p: FloatArray
    classes: ClassArray


def lattice_neighbours(valid: BoolArray) -> Neighbours:
    """Queen neighbours of the valid cells, numbered in row-major order."""
    numbers = np.where(valid, np.cumsum(valid).reshape(valid.shape) - 1, -1).astype(np.int64)
    return Neighbours(*queen_of_lattice(numbers))


def neighbours_of_pairs(pairs: IntArray, count: int) -> Neighbours:
    """Neighbours from the pairs of items that touch, each pair once, in any order."""
    both = np.concatenate([pairs, pairs[:, ::-1]])
    ordered = both[np.lexsort((both[:, 1], both[:, 0]))]
    starts = np.searchsorted(ordered[:, 0], np.arange(count + 1))
    return Neighbours(starts.astype(np.int64), np.ascontiguousarray(ordered[:, 1]))


def global_moran(
    values: FloatArray, neighbours: Neighbours, seed: int, permutations: int = PERMUTATIONS
) -> GlobalMoran:
    """`I = (n/S0)·Σ z·lag/Σ z²`, tested by permuting the values over the items.

    `p = (r + 1)/(permutations + 1)`, r the permutations at least as far out on the side of I.

    Args:
        values: One per item, without NaN, any unit.
        neighbours: Of the items; those without neighbour do not count in S0.
        seed: Seed of the permutations.
        permutations: 0 leaves p NaN.

    Raises:
        InvalidInput: there are more than `MAX_ITEMS` items.

    Source: Moran 1950; Cliff and Ord 1981.
    """
    _require_size(values)
    n = len(values)
    expected = -1.0 / (n - 1) if n > 1 else math.nan
    z, squares = _deviations(values)
    linked = int(np.count_nonzero(neighbours.counts))
    if squares == 0 or linked == 0:
        return GlobalMoran(math.nan, expected, math.nan, n)
    scale = n / linked / squares
    found = scale * cross_sum(z, neighbours.starts, neighbours.items)
    random = np.random.default_rng(seed)
    drawn = np.empty(permutations)
    for number in range(permutations):
        drawn[number] = cross_sum(random.permutation(z), neighbours.starts, neighbours.items)
    beyond = scale * drawn - found
    as_far = np.array([[np.sum(beyond >= -_NEAR)], [np.sum(beyond <= _NEAR)]])
    p = float(_pseudo_p(as_far, permutations)[0]) if permutations else math.nan
    return GlobalMoran(found, expected, p, n)


def local_moran(
    values: FloatArray,
    neighbours: Neighbours,
    seed: int,
    permutations: int = PERMUTATIONS,
    alpha: float = ALPHA,
) -> LocalMoran:
    """`I_i = z_i·lag_i/m2`, `m2 = Σ z²/n`, with conditional permutations.

    The item keeps its value while its neighbours are drawn from the others. PySAL's esda divides by
    n − 1 in m2, which scales every I_i by (n − 1)/n and changes nothing else.

    Args:
        values: One per item, without NaN, any unit.
        neighbours: Of the items.
        seed: Seed of the draws, which all items share.
        permutations: At least 1.
        alpha: False discovery rate of the classes.

    Raises:
        InvalidInput: there are more than `MAX_ITEMS` items.

    Source: Anselin 1995; Benjamini and Hochberg 1995.
    """
    _require_size(values)
    z, squares = _deviations(values)
    n, counts = len(z), neighbours.counts
    if squares == 0 or not counts.any():
        return LocalMoran(np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, dtype=np.uint8))
    lag = lag_of(z, neighbours.starts, neighbours.items)
    draws = _draws(n - 1, int(counts.max()), permutations, seed)
    as_far = count_as_far(z, lag, neighbours.starts, draws)
    p = np.where(counts > 0, _pseudo_p(as_far, permutations), np.nan)
    return LocalMoran(
        index=z * lag / (squares / n),
        p=p,
        classes=_local_classes(z, lag, false_discoveries_held(p, alpha)),
    )


def false_discoveries_held(p: FloatArray, alpha: float = ALPHA) -> BoolArray:
    """Which p-values stay significant when the false discovery rate is held at `alpha`.

    Args:
        p: 0–1; NaN is no test and never significant.
        alpha: Rate, 0–1.

    Source: Benjamini and Hochberg 1995, step-up procedure.
    """
    tested = np.flatnonzero(~np.isnan(p))
    ordered = np.sort(p[tested])
    allowed = alpha * np.arange(1, len(ordered) + 1) / max(len(ordered), 1)
    passing = ordered[ordered <= allowed]
    held: BoolArray = p <= (passing[-1] if passing.size else -1.0)
    return held


@dataclass(frozen=True, slots=True)
class Correlogram:
    """Moran's I by distance on a lattice.

    Attributes:
        distance_m: Upper end of each distance class, m.
        index: Moran's I of the pairs in it; NaN without pair.
    """

    distance_m: FloatArray
    index: FloatArray

    def range_m(self, threshold: float = RANGE_THRESHOLD) -> float | None:
        """First distance at which I is below `threshold`; None when it never is."""
        below = np.flatnonzero(self.index < threshold)
        return float(self.distance_m[below[0]]) if below.size else None


def correlogram(values: FloatArray, side_m: float, reach_m: float) -> Correlogram:
    """Moran's I of the pairs of cells at 0–1, 1–2, … cells from each other.

    All pairs are taken, by the Fourier transform of the lattice.

    Args:
        values: Lattice; NaN is left out.
        side_m: Side of a cell of the lattice, m.
        reach_m: Largest distance, m.

    Source: Cliff and Ord 1981.
    """
    steps = max(1, min(int(reach_m // side_m), max(values.shape) - 1))
    valid = ~np.isnan(values)
    z = np.where(valid, values - np.mean(values, where=valid), 0.0)
    products, pairs = _by_offset(z), _by_offset(valid.astype(np.float64))
    rows, cols = (np.abs(fft.fftfreq(size, 1.0 / size)) for size in products.shape)
    ring = np.ceil(np.hypot(rows[:, np.newaxis], cols) - 1e-9).astype(np.int64)
    known = pairs > 0.5
    near = known & (ring >= 1) & (ring <= steps)
    total = np.bincount(ring[near], products[near], minlength=steps + 1)[1:]
    count = np.bincount(ring[near], pairs[near], minlength=steps + 1)[1:]
    scale = np.square(z).sum() / max(np.count_nonzero(valid), 1)
    index: FloatArray = np.full(steps, np.nan)
    np.divide(total, count * scale, out=index, where=(count > 0) & (scale > 0))
    return Correlogram(side_m * np.arange(1, steps + 1), index)


def _by_offset(layer: FloatArray) -> FloatArray:
    """Sum of the products of all pairs of cells by their offset, wrapped like `fftfreq`."""
    shape = tuple(fft.next_fast_len(2 * size - 1, real=True) for size in layer.shape)
    spectrum = fft.rfft2(layer, shape)
    return np.asarray(fft.irfft2(np.abs(spectrum) ** 2, shape))


def _require_size(values: NDArray[np.floating]) -> None:
    if len(values) > MAX_ITEMS:
        raise InvalidInput(
            f"{len(values)} cells are more than the {MAX_ITEMS} that are tested by permutation; "
            "average them over zoning units first",
            message_zh=f"像元数 {len(values)} 超过置换检验的上限 {MAX_ITEMS}，请先按分区单元求均值",
        )


def _deviations(values: FloatArray) -> tuple[FloatArray, float]:
    """Deviations from the mean and the sum of their squares, 0 for a constant layer."""
    z = values - values.mean()
    squares = float(np.square(z).sum())
    constant = np.ptp(values) <= 1e-12 * max(1.0, float(np.abs(values).max()))
    return z, 0.0 if constant else squares


def _draws(items: int, columns: int, permutations: int, seed: int) -> IntArray:
    """Rows of `columns` different numbers below `items`."""
    random = np.random.default_rng(seed)
    return np.stack(
        [random.choice(items, columns, replace=False, shuffle=True) for _ in range(permutations)]
    ).astype(np.int64)


def _pseudo_p(as_far: IntArray, permutations: int) -> FloatArray:
    """(r + 1)/(m + 1) with r on the side on which fewer permutations are at least as far out."""
    return np.asarray((as_far.min(axis=0) + 1.0) / (permutations + 1.0))


def _local_classes(z: FloatArray, lag: FloatArray, significant: BoolArray) -> ClassArray:
    high, among_high = z >= 0, lag >= 0
    among = np.where(high, _HIGH_HIGH, _LOW_HIGH), np.where(high, _HIGH_LOW, _LOW_LOW)
    codes = np.where(among_high, *among)
    codes = np.where(significant, codes, _NOT_SIGNIFICANT).astype(np.uint8)
    codes[np.isnan(lag)] = 0
    return codes
