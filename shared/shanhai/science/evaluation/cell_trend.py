"""Trend and memory of a yearly series in every cell.

Kept apart from `shanhai.science.indicators`, which services without a compiler import.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import FloatArray
from shanhai.science.kernels import compiled

Floats = NDArray[np.float64]
_ROUNDING = 1e-13
"""Part of the largest value up to which what a straight line leaves is rounding."""


@compiled
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


@compiled
def _score(values: Floats, count: int) -> float:
    """Rises minus falls over all pairs."""
    score = 0.0
    for i in range(count - 1):
        for j in range(i + 1, count):
            score += np.sign(values[j] - values[i])
    return score


@compiled
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


@compiled
def _lag_one(values: Floats, times: Floats, count: int) -> float:
    """Autocorrelation of neighbours in time; NaN for a constant series."""
    mean = values[:count].mean()
    spread, together = 0.0, 0.0
    for i in range(count):
        spread += (values[i] - mean) ** 2
        if i > 0 and times[i] - times[i - 1] == 1.0:
            together += (values[i] - mean) * (values[i - 1] - mean)
    return together / spread if spread > 0 else np.nan


@compiled
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


@compiled
def _gather(series: Floats, cell: int, values: Floats, times: Floats) -> int:
    """Valid values of a cell and their times; returns how many."""
    count = 0
    for year in range(series.shape[0]):
        if not np.isnan(series[year, cell]):
            values[count] = series[year, cell]
            times[count] = year
            count += 1
    return count


@compiled
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


@compiled
def lag_ones(series: Floats, least: int, out: Floats) -> None:
    """Lag-1 autocorrelation of every column after a straight line is taken off, into `out`."""
    years = series.shape[0]
    values, times = np.empty(years), np.empty(years)
    for cell in range(series.shape[1]):
        count = _gather(series, cell, values, times)
        if count < least:
            continue
        centre, mean = times[:count].mean(), values[:count].mean()
        largest = np.abs(values[:count]).max()
        above, below = 0.0, 0.0
        for i in range(count):
            above += (times[i] - centre) * (values[i] - mean)
            below += (times[i] - centre) ** 2
        for i in range(count):
            values[i] -= mean + above / below * (times[i] - centre)
        # What rounding leaves of a straight line has no memory.
        if np.abs(values[:count]).max() > _ROUNDING * largest:
            out[cell] = _lag_one(values, times, count)


MOST_GAPS = 0.2
"""Part of the years that may be missing in a cell."""

LEAST_VALUES = 3
"""Values without which there is neither trend nor memory, whatever the span."""


@dataclass(frozen=True, slots=True)
class CellTrend:
    """Trend of every cell; NaN where too many years are missing.

    Attributes:
        slope: Theil–Sen slope, unit of the series per year.
        score: Mann–Kendall S.
        z: Its standard normal deviate.
    """

    slope: FloatArray
    score: FloatArray
    z: FloatArray


def _least(years: int, most_gaps: float) -> int:
    return max(LEAST_VALUES, years - math.floor(years * most_gaps))


def _columns(series: FloatArray) -> FloatArray:
    return np.ascontiguousarray(series, dtype=np.float64).reshape(series.shape[0], -1)


def cell_trend(
    series: FloatArray, *, prewhiten: bool = False, most_gaps: float = MOST_GAPS
) -> CellTrend:
    """Theil–Sen slope and Mann–Kendall test of every cell.

    Slope is the median of `(yⱼ − yᵢ)/(j − i)`. `S = Σ sign(yⱼ − yᵢ)`,
    `Var = [n(n−1)(2n+5) − Σt(t−1)(2t+5)]/18` over groups of t equal values, `Z = (S ∓ 1)/√Var`, 0
    where S = 0. Missing years are skipped; n counts the others.

    Args:
        series: First axis the years, at equal steps; NaN is a missing year.
        prewhiten: Take the lag-1 autocorrelation of the detrended series out before the test
            (trend-free prewhitening); the slope stays that of the series itself.
        most_gaps: Part of the years that may be missing in a cell, 0–1.

    Returns:
        Arrays of the shape of one year.

    Source: Sen 1968; Mann 1945; Kendall 1975; Yue et al. 2002 for the prewhitening.
    """
    shape = series.shape[1:]
    cells = _columns(series)
    out = np.full((3, cells.shape[1]), np.nan)
    trends(cells, _least(series.shape[0], most_gaps), prewhiten, out)
    slope, score, z = (row.reshape(shape) for row in out)
    return CellTrend(slope, score, z)


def lag_one_autocorrelation(series: FloatArray, *, most_gaps: float = MOST_GAPS) -> FloatArray:
    """Autocorrelation of a year with the next after the linear trend is taken off.

    The higher, the slower a disturbance fades.

    Args:
        series: First axis the years, at equal steps; NaN is a missing year.
        most_gaps: Part of the years that may be missing in a cell, 0–1.

    Returns:
        −1…1, of the shape of one year; NaN where too many years are missing or nothing is left
        after the trend.

    Source: Scheffer et al. 2009 for its meaning; ordinary least squares for the trend.
    """
    cells = _columns(series)
    out = np.full(cells.shape[1], np.nan)
    lag_ones(cells, _least(series.shape[0], most_gaps), out)
    return out.reshape(series.shape[1:])
