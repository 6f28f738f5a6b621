"""k-means: greedy k-means++ starts, Lloyd's iterations, the best of many starts.

The loops go over the units column by column, so that a processor takes several at a time. Draws
and decisions are those of scikit-learn 1.9, whose clusters these are: it multiplies matrices for
every start and step, which takes four times as long for a few features.
"""

import math
from functools import partial

import numpy as np

from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.hydrology.tiles import Run
from shanhai.science.kernels import compiled

_MAX_ITERATIONS = 300
_STARTS_AT_ONCE = 10
"""Starts that one process makes in a row."""
_AT_ONCE = 512
"""Units whose distances are held at a time."""


def count_different(features: FloatArray, enough: int) -> int:
    """Number of different rows, or some number of at least `enough`."""
    # The first rows nearly always settle it, and sorting a million rows takes seconds.
    few = len(np.unique(features[:1_000], axis=0))
    return few if few >= enough else len(np.unique(features, axis=0))


def best_centres(
    features: FloatArray, k: int, seed: int, starts: int, tolerance: float, run: Run = map
) -> FloatArray:
    """Centres of the lowest sum of squares that the starts come to, the first of equal ones.

    Args:
        features: One row per unit, without NaN; at least k different rows.
        k: Number of clusters, at least 1.
        seed: Seed of the starts, which are drawn one after the other.
        starts: Number of starts, at least 1.
        tolerance: Sum of the squared steps of the centres at which they count as still, as a part
            of the mean variance of the features.
        run: Maps a picklable function over groups of starts, results in order.

    Returns:
        One row per cluster.

    Source: Lloyd 1982; Arthur and Vassilvitskii 2007, of several draws the best (greedy).
    """
    mean = features.mean(axis=0)
    rows = np.ascontiguousarray(features - mean)
    trials = 2 + int(math.log(k))
    # The stream of numpy's older generator, so that seeds mean what they always meant.
    draws = np.random.RandomState(seed).random_sample((starts, 1 + (k - 1) * trials))
    even = np.full(len(rows), 1 / len(rows)).cumsum()
    first = np.searchsorted(even / even[-1], draws[:, 0], side="right")
    still = float(np.mean(np.var(features, axis=0))) * tolerance
    groups = [slice(at, at + _STARTS_AT_ONCE) for at in range(0, starts, _STARTS_AT_ONCE)]
    tried = run(
        partial(_best_of_group, rows, k, trials, still),
        [(first[group], draws[group, 1:]) for group in groups],
    )
    _, centres = min(tried, key=lambda one: one[0])
    return np.asarray(centres + mean)


def _best_of_group(
    rows: FloatArray, k: int, trials: int, still: float, group: tuple[IntArray, FloatArray]
) -> tuple[float, FloatArray]:
    """Lowest sum of squares that some starts come to, and the centres there."""
    columns = np.ascontiguousarray(rows.T)
    norms = np.einsum("ij,ij->i", rows, rows)
    return _best_of_starts(rows, columns, norms, *group, k, trials, still)


def nearest_centres(features: FloatArray, centres: FloatArray) -> IntArray:
    """Nearest centre of every unit, the first of equally near ones.

    Args:
        features: One row per unit.
        centres: One row per cluster, in the same columns.
    """
    mean = features.mean(axis=0)
    labels = np.zeros(len(features), dtype=np.int64)
    _assign(np.ascontiguousarray((features - mean).T), centres - mean, labels)
    return labels


@compiled
def _best_of_starts(
    rows: FloatArray,
    columns: FloatArray,
    norms: FloatArray,
    first: IntArray,
    draws: FloatArray,
    k: int,
    trials: int,
    still: float,
) -> tuple[float, FloatArray]:
    best = np.empty((k, rows.shape[1]))
    least = np.inf
    for start in range(len(first)):
        centres = _spread(rows, columns, norms, first[start], draws[start], k, trials)
        squares = _settle(rows, columns, centres, still)
        if squares < least:
            least = squares
            best[:] = centres
    return least, best


@compiled
def _spread(
    rows: FloatArray,
    columns: FloatArray,
    norms: FloatArray,
    first: int,
    draws: FloatArray,
    k: int,
    trials: int,
) -> FloatArray:
    """Units to start from: each drawn by its squared distance to those before, the best of some."""
    units = len(rows)
    centres = np.empty((k, rows.shape[1]))
    centres[0] = rows[first]
    closest = np.full(units, np.inf)
    rest = _come_closer(columns, norms, rows[first], closest)
    tried, best = np.empty(units), np.empty(units)
    for number in range(1, k):
        reached = closest.cumsum()
        chosen, least = -1, np.inf
        for trial in range(trials):
            aim = draws[(number - 1) * trials + trial] * rest
            unit = min(np.searchsorted(reached, aim), units - 1)
            tried[:] = closest
            squares = _come_closer(columns, norms, rows[unit], tried)
            if chosen < 0 or squares < least:
                chosen, least = unit, squares
                tried, best = best, tried
        closest, best = best, closest
        rest = least
        centres[number] = rows[chosen]
    return centres


@compiled
def _come_closer(
    columns: FloatArray, norms: FloatArray, centre: FloatArray, closest: FloatArray
) -> float:
    """Lower squared distances to those to a centre; their sum."""
    units, own, total = len(norms), 0.0, 0.0
    for value in centre:
        own += value * value
    product = np.empty(_AT_ONCE)
    for begin in range(0, units, _AT_ONCE):
        count = min(_AT_ONCE, units - begin)
        product[:] = 0.0
        for column in range(len(centre)):
            value, values = centre[column], columns[column, begin : begin + count]
            for unit in range(count):
                product[unit] += values[unit] * value
        for unit in range(count):
            square = max(norms[begin + unit] + own - 2 * product[unit], 0.0)
            closest[begin + unit] = min(closest[begin + unit], square)
    for unit in range(units):
        total += closest[unit]
    return total


@compiled
def _settle(rows: FloatArray, columns: FloatArray, centres: FloatArray, still: float) -> float:
    """Move centres to the means of their units until they rest; the sum of squares then."""
    k, width = centres.shape
    labels, before = np.full(len(rows), -1), np.full(len(rows), -1)
    moved, weight = np.empty_like(centres), np.empty(k)
    for _ in range(_MAX_ITERATIONS):
        _assign(columns, centres, labels)
        _sum_up(rows, labels, moved, weight)
        _fill_empty(rows, labels, centres, moved, weight)
        step = 0.0
        for number in range(k):
            share = 1.0 / weight[number] if weight[number] > 0 else 1.0
            for column in range(width):
                moved[number, column] *= share
                step += (moved[number, column] - centres[number, column]) ** 2
        centres[:] = moved
        if (labels == before).all():
            break
        if step <= still:
            _assign(columns, centres, labels)
            break
        before[:] = labels
    squares = 0.0
    for unit in range(len(rows)):
        own = 0.0
        for column in range(width):
            own += (rows[unit, column] - centres[labels[unit], column]) ** 2
        squares += own
    return squares


@compiled
def _assign(columns: FloatArray, centres: FloatArray, labels: IntArray) -> None:
    """Number of the nearest centre of each unit, the first of equally near ones."""
    k, width = centres.shape
    norms = np.zeros(k)
    for number in range(k):
        for column in range(width):
            norms[number] += centres[number, column] ** 2
    product, least, nearest = np.empty(_AT_ONCE), np.empty(_AT_ONCE), np.empty(_AT_ONCE, np.int64)
    for begin in range(0, len(labels), _AT_ONCE):
        count = min(_AT_ONCE, len(labels) - begin)
        least[:] = np.inf
        for number in range(k):
            product[:] = 0.0
            for column in range(width):
                value, values = centres[number, column], columns[column, begin : begin + count]
                for unit in range(count):
                    product[unit] += values[unit] * value
            for unit in range(count):
                gap = norms[number] - 2 * product[unit]
                nearest[unit] = number if gap < least[unit] else nearest[unit]
                least[unit] = min(gap, least[unit])
        labels[begin : begin + count] = nearest[:count]


@compiled
def _sum_up(rows: FloatArray, labels: IntArray, sums: FloatArray, weight: FloatArray) -> None:
    """Sum and number of the units of each cluster, in their order."""
    sums[:] = 0.0
    weight[:] = 0.0
    for unit in range(len(rows)):
        number = labels[unit]
        weight[number] += 1.0
        for column in range(rows.shape[1]):
            sums[number, column] += rows[unit, column]


@compiled
def _fill_empty(
    rows: FloatArray, labels: IntArray, centres: FloatArray, sums: FloatArray, weight: FloatArray
) -> None:
    """Give each cluster without units the one that is farthest from its centre."""
    if weight.min() > 0:
        return
    gaps = np.zeros(len(rows))
    for unit in range(len(rows)):
        for column in range(rows.shape[1]):
            gaps[unit] += (rows[unit, column] - centres[labels[unit], column]) ** 2
    for number in range(len(weight)):
        if weight[number] > 0:
            continue
        unit = int(gaps.argmax())
        if gaps[unit] == 0:
            sums[number] = centres[labels[unit]]
            continue
        gaps[unit] = 0.0
        sums[labels[unit]] -= rows[unit]
        weight[labels[unit]] -= 1.0
        sums[number] = rows[unit]
        weight[number] = 1.0
