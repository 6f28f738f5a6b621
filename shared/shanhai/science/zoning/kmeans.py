"""k-means: greedy k-means++ starts, Lloyd's iterations, the best of many starts.

The loops go over the units column by column, so that a processor takes several at a time. Draws
and decisions are those of scikit-learn 1.9, whose clusters these are: it multiplies matrices for
every start and step, which takes longer for a few features. Units whose centre cannot change are
left out.
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
_COLUMNS = 4
"""Columns that a loop takes at a time, so that a processor loads and stores sums less often."""
_FEW = 4
"""Part of the units, as its reciprocal: where more could change their centre, all are looked at."""
_STEPS = 1024
"""Steps of the gaps by which units are put into an order."""
_INEXACT = 1e-6
"""Part of the length of the longest vector within which two distances may be the same."""


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
        # Contiguous, as they arrive in another process: for others the loops are compiled anew.
        [(first[group], np.ascontiguousarray(draws[group, 1:])) for group in groups],
    )
    _, centres = min(tried, key=lambda one: one[0])
    return np.asarray(centres + mean)


def _best_of_group(
    rows: FloatArray, k: int, trials: int, still: float, group: tuple[IntArray, FloatArray]
) -> tuple[float, FloatArray]:
    """Lowest sum of squares that some starts come to, and the centres there."""
    wide = _widened(rows)
    norms = np.einsum("ij,ij->i", rows, rows)
    squares, centres = _best_of_starts(wide, _columns_of(wide), norms, *group, k, trials, still)
    return squares, centres[:, : rows.shape[1]]


def nearest_centres(features: FloatArray, centres: FloatArray) -> IntArray:
    """Nearest centre of every unit, the first of equally near ones.

    Args:
        features: One row per unit.
        centres: One row per cluster, in the same columns.
    """
    mean = features.mean(axis=0)
    labels, none = np.zeros(len(features), dtype=np.int64), np.empty(0)
    columns = _columns_of(_widened(features - mean))
    _assign(columns, none, _widened(centres - mean), labels, none)
    return labels


def _widened(rows: FloatArray) -> FloatArray:
    """The rows with columns of zeros, which change no sum, up to a multiple of `_COLUMNS`."""
    return np.pad(rows, ((0, 0), (0, -rows.shape[1] % _COLUMNS)))


def _columns_of(rows: FloatArray) -> FloatArray:
    return np.ascontiguousarray(rows.T)


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
        squares = _settle(rows, columns, norms, centres, still)
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
    units, width = rows.shape
    centres, near = np.empty((k, width)), np.empty((trials, width))
    closest, reached = np.full(units, np.inf), np.empty(units)
    tried, squares = np.empty((trials, units)), np.empty(trials)
    for trial in range(trials):
        near[trial] = rows[first]
    centres[0] = rows[first]
    _come_closer(columns, norms, near, closest, tried, squares)
    chosen = 0
    for number in range(1, k):
        rest, sofar = squares[chosen], 0.0
        for unit in range(units):
            closest[unit] = tried[chosen, unit]
            sofar += closest[unit]
            reached[unit] = sofar
        for trial in range(trials):
            aim = draws[(number - 1) * trials + trial] * rest
            near[trial] = rows[min(_first_at_least(reached, aim), units - 1)]
        _come_closer(columns, norms, near, closest, tried, squares)
        chosen = 0
        for trial in range(1, trials):
            chosen = trial if squares[trial] < squares[chosen] else chosen
        centres[number] = near[chosen]
    return centres


@compiled
def _first_at_least(rising: FloatArray, value: float) -> int:
    """Place of the first number that is not below a value; their count where all are."""
    low, high = 0, len(rising)
    while low < high:
        middle = (low + high) // 2
        if rising[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _come_closer(
    columns: FloatArray,
    norms: FloatArray,
    near: FloatArray,
    closest: FloatArray,
    tried: FloatArray,
    squares: FloatArray,
) -> None:
    """Squared distances, lowered to those to each of some centres alone.

    Args:
        columns: Of the units, a multiple of `_COLUMNS`.
        norms: Squared norms of the units.
        near: The centres, one row each.
        closest: Squared distances so far.
        tried: Filled with the lowered ones, one row for each centre.
        squares: Filled with their sums.
    """
    product = np.empty(_AT_ONCE)
    for number in range(len(near)):
        own = 0.0
        for value in near[number]:
            own += value * value
        for begin in range(0, len(norms), _AT_ONCE):
            some = min(_AT_ONCE, len(norms) - begin)
            _multiply(columns, near[number], begin, some, product)
            for unit in range(some):
                square = max(norms[begin + unit] + own - 2 * product[unit], 0.0)
                tried[number, begin + unit] = min(closest[begin + unit], square)
    squares[:] = 0.0
    # Of all centres at once: each sum waits for the one before.
    for unit in range(len(norms)):
        for number in range(len(near)):
            squares[number] += tried[number, unit]


@compiled
def _multiply(
    columns: FloatArray, centre: FloatArray, begin: int, count: int, product: FloatArray
) -> None:
    """Scalar products of some units and a centre, summed column by column."""
    product[:count] = 0.0
    for column in range(0, len(centre), _COLUMNS):
        a, b, c, d = centre[column], centre[column + 1], centre[column + 2], centre[column + 3]
        first = columns[column, begin : begin + count]
        second = columns[column + 1, begin : begin + count]
        third = columns[column + 2, begin : begin + count]
        fourth = columns[column + 3, begin : begin + count]
        for unit in range(count):
            product[unit] = (
                product[unit] + first[unit] * a + second[unit] * b + third[unit] * c
            ) + fourth[unit] * d


@compiled
def _settle(
    rows: FloatArray, columns: FloatArray, norms: FloatArray, centres: FloatArray, still: float
) -> float:
    """Move centres to the means of their units until they rest; the sum of squares then.

    Once few units change their centre, those that cannot are left out: the nearest centre of a unit
    stays while the centres have moved less than half of what the second is farther off. Sums
    of clusters are then kept up to date, and at the end made anew in the order of the units.
    """
    units, (k, width) = len(rows), centres.shape
    labels, few = np.full(units, -1), units // _FEW
    sums, weight, moved = np.empty_like(centres), np.empty(k), np.empty_like(centres)
    gaps, none = np.empty(units), np.empty(0)
    order, ends = np.empty(few, np.int64), np.empty(_STEPS, np.int64)
    ordered = np.empty((width, few))
    changed, among, step_of_gap, drift = units, units, 1.0, 0.0
    for iteration in range(1, _MAX_ITERATIONS + 1):
        if among <= few:
            among = ends[int(min(drift / step_of_gap, _STEPS - 1.0))]
        if among <= few:
            changed = _move(rows, ordered, order[:among], centres, labels, sums, weight)
        else:
            is_calm = changed <= few and k > 1
            changed = _assign(columns, norms, centres, labels, gaps if is_calm else none)
            if is_calm:
                step_of_gap, drift = _order_by_gap(columns, gaps, order, ordered, ends), 0.0
                among = ends[0]
            _sum_up(rows, labels, sums, weight)
        step, farthest = _find_means(rows, labels, centres, sums, weight, moved)
        if changed == 0 or step <= still or iteration == _MAX_ITERATIONS:
            _sum_up(rows, labels, sums, weight)
            _find_means(rows, labels, centres, sums, weight, moved)
        centres[:] = moved
        drift += 2 * farthest
        if changed == 0:
            break
        if step <= still:
            _assign(columns, norms, centres, labels, none)
            break
    squares = 0.0
    for unit in range(units):
        own = 0.0
        for column in range(width):
            own += (rows[unit, column] - centres[labels[unit], column]) ** 2
        squares += own
    return squares


@compiled
def _find_means(
    rows: FloatArray,
    labels: IntArray,
    centres: FloatArray,
    sums: FloatArray,
    weight: FloatArray,
    means: FloatArray,
) -> tuple[float, float]:
    """Means of the clusters; the sum of their squared distances to the centres, and the longest."""
    total, longest, counted = 0.0, 0.0, weight.copy()
    means[:] = sums
    _fill_empty(rows, labels, centres, means, counted)
    for number in range(len(means)):
        share, square = 1.0 / counted[number] if counted[number] > 0 else 1.0, 0.0
        for column in range(means.shape[1]):
            means[number, column] *= share
            gap = (means[number, column] - centres[number, column]) ** 2
            total += gap
            square += gap
        longest = max(longest, square)
    return total, math.sqrt(longest)


@compiled
def _assign(
    columns: FloatArray, norms: FloatArray, centres: FloatArray, labels: IntArray, gaps: FloatArray
) -> int:
    """Number of the nearest centre of each unit, the first of equally near ones.

    Args:
        columns: Of the units, a multiple of `_COLUMNS`.
        norms: Squared norms of the units; needed for gaps alone.
        centres: One row each.
        labels: Filled with the numbers.
        gaps: Filled with how much farther the second centre is, less what may be inexact; of no
            length where nobody wants them.

    Returns:
        Units whose nearest centre is another than before.
    """
    own, changed, inexact = _norms_of(centres), 0, 0.0
    if len(gaps):
        inexact = _INEXACT * math.sqrt(_most(norms) + _most(own))
    product, least, second = np.empty(_AT_ONCE), np.empty(_AT_ONCE), np.empty(_AT_ONCE)
    nearest = np.empty(_AT_ONCE, np.int64)
    for begin in range(0, len(labels), _AT_ONCE):
        count = min(_AT_ONCE, len(labels) - begin)
        least[:] = np.inf
        second[:] = np.inf
        for number in range(len(centres)):
            _multiply(columns, centres[number], begin, count, product)
            for unit in range(count):
                square = own[number] - 2 * product[unit]
                nearest[unit] = number if square < least[unit] else nearest[unit]
                second[unit] = min(second[unit], max(square, least[unit]))
                least[unit] = min(square, least[unit])
        for unit in range(count):
            changed += labels[begin + unit] != nearest[unit]
            labels[begin + unit] = nearest[unit]
        for unit in range(count if len(gaps) else 0):
            far = math.sqrt(max(norms[begin + unit] + second[unit], 0.0))
            near = math.sqrt(max(norms[begin + unit] + least[unit], 0.0))
            gaps[begin + unit] = max(far - near - inexact, 0.0)
    return changed


@compiled
def _most(values: FloatArray) -> float:
    most = -math.inf
    for value in values:
        most = max(most, value)
    return most


@compiled
def _norms_of(centres: FloatArray) -> FloatArray:
    norms = np.zeros(len(centres))
    for number in range(len(centres)):
        for column in range(centres.shape[1]):
            norms[number] += centres[number, column] ** 2
    return norms


@compiled
def _move(
    rows: FloatArray,
    columns: FloatArray,
    order: IntArray,
    centres: FloatArray,
    labels: IntArray,
    sums: FloatArray,
    weight: FloatArray,
) -> int:
    """`_assign` for some units, whose columns are in their order, with the sums of the clusters."""
    found, none = np.empty_like(order), np.empty(0)
    for place in range(len(order)):
        found[place] = labels[order[place]]
    changed = _assign(columns, none, centres, found, none)
    for place in range(len(order) if changed else 0):
        unit, new = order[place], found[place]
        old = labels[unit]
        if old == new:
            continue
        labels[unit] = new
        weight[old] -= 1.0
        weight[new] += 1.0
        for column in range(rows.shape[1]):
            sums[old, column] -= rows[unit, column]
            sums[new, column] += rows[unit, column]
    return changed


@compiled
def _order_by_gap(
    columns: FloatArray, gaps: FloatArray, order: IntArray, ordered: FloatArray, ends: IntArray
) -> float:
    """The units of the smallest gaps, in steps of equal size.

    Args:
        columns: Of all units.
        gaps: Of all units, at least 0.
        order: Filled with as many units as it holds, those of the first step first.
        ordered: Filled with their columns.
        ends: Filled with the number of units up to the end of each step.

    Returns:
        The size of a step.
    """
    step = max(_most(gaps) / (len(ends) - 1), 1e-300)
    ends[:] = 0
    for gap in gaps:
        ends[int(gap / step)] += 1
    place, before = np.empty_like(ends), 0
    for number in range(len(ends)):
        place[number] = before
        before += ends[number]
        ends[number] = before
    for unit in range(len(gaps)):
        number = int(gaps[unit] / step)
        if place[number] < len(order):
            order[place[number]] = unit
        place[number] += 1
    for column in range(len(columns)):
        for at in range(len(order)):
            ordered[column, at] = columns[column, order[at]]
    return step


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
