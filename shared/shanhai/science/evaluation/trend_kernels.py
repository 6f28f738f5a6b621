"""The tests of trend, cell by cell, compiled; see `cell_trend` for what they mean."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@njit(cache=True, nogil=True)
def _slope(values: Floats, times: Floats, count: int, pairs: Floats) -> float:
    """Median of the slopes of all pairs; `pairs` is room for them."""
    size = 0
    for i in range(count - 1):
        for j in range(i + 1, count):
            pairs[size] = (values[j] - values[i]) / (times[j] - times[i])
            size += 1
    middle = size // 2
    ordered = np.partition(pairs[:size], middle)
    if size % 2 == 1:
        return float(ordered[middle])
    return float((ordered[:middle].max() + ordered[middle]) / 2)


@njit(cache=True, nogil=True)
def _score(values: Floats, count: int) -> float:
    """Rises minus falls over all pairs."""
    score = 0.0
    for i in range(count - 1):
        for j in range(i + 1, count):
            score += np.sign(values[j] - values[i])
    return score


@njit(cache=True, nogil=True)
def _variance(values: Floats, count: int) -> float:
    """Variance of the score without trend, less what ties take from it."""
    ordered = np.sort(values[:count])
    ties, run = 0.0, 1
    for i in range(1, count + 1):
        if i < count and ordered[i] == ordered[i - 1]:
            run += 1
        else:
            ties += run * (run - 1) * (2 * run + 5)
            run = 1
    return (count * (count - 1) * (2 * count + 5) - ties) / 18


@njit(cache=True, nogil=True)
def _lag_one(values: Floats, times: Floats, count: int) -> float:
    """Autocorrelation of neighbours in time; NaN for a constant series."""
    mean = values[:count].mean()
    spread, together = 0.0, 0.0
    for i in range(count):
        spread += (values[i] - mean) ** 2
        if i > 0 and times[i] - times[i - 1] == 1.0:
            together += (values[i] - mean) * (values[i - 1] - mean)
    return together / spread if spread > 0 else np.nan


@njit(cache=True, nogil=True)
def _prewhiten(values: Floats, times: Floats, count: int, slope: float) -> int:
    """Take the lag-1 memory out of the series in place, keeping its trend; returns what is left.

    The first value of each unbroken run has no forerunner and is lost.
    """
    residual = np.empty(count)
    for i in range(count):
        residual[i] = values[i] - slope * times[i]
    memory = _lag_one(residual, times, count)
    if np.isnan(memory):
        return count
    left = 0
    for i in range(1, count):
        if times[i] - times[i - 1] == 1.0:
            values[left] = residual[i] - memory * residual[i - 1] + slope * times[i]
            times[left] = times[i]
            left += 1
    return left


@njit(cache=True, nogil=True)
def _gather(series: Floats, cell: int, values: Floats, times: Floats) -> int:
    """Valid values of a cell and their times; returns how many."""
    count = 0
    for year in range(series.shape[0]):
        if not np.isnan(series[year, cell]):
            values[count] = series[year, cell]
            times[count] = year
            count += 1
    return count


@njit(cache=True, nogil=True)
def trends(series: Floats, least: int, prewhiten: bool, out: Floats) -> None:
    """Slope, score and Z of every column of `series` into the rows of `out`, NaN beforehand.

    Args:
        series: Years, cells.
        least: Fewer valid values leave a cell NaN.
        prewhiten: Whether score and Z are those of the prewhitened series.
        out: Three rows of as many cells.
    """
    years = series.shape[0]
    values, times = np.empty(years), np.empty(years)
    pairs = np.empty(years * (years - 1) // 2)
    for cell in range(series.shape[1]):
        count = _gather(series, cell, values, times)
        if count < least:
            continue
        slope = _slope(values, times, count, pairs)
        if prewhiten:
            count = _prewhiten(values, times, count, slope)
        score = _score(values, count)
        spread = _variance(values, count)
        out[0, cell] = slope
        out[1, cell] = score
        # A constant series has no variance, and no trend either.
        out[2, cell] = (score - np.sign(score)) / np.sqrt(spread) if spread > 0 else 0.0


@njit(cache=True, nogil=True)
def lag_ones(series: Floats, least: int, out: Floats) -> None:
    """Lag-1 autocorrelation of every column after a straight line is taken off, into `out`."""
    years = series.shape[0]
    values, times = np.empty(years), np.empty(years)
    for cell in range(series.shape[1]):
        count = _gather(series, cell, values, times)
        if count < least:
            continue
        centre, mean = times[:count].mean(), values[:count].mean()
        above, below = 0.0, 0.0
        for i in range(count):
            above += (times[i] - centre) * (values[i] - mean)
            below += (times[i] - centre) ** 2
        for i in range(count):
            values[i] -= mean + above / below * (times[i] - centre)
        out[cell] = _lag_one(values, times, count)
