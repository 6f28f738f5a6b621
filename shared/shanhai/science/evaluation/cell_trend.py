"""Trend and memory of a yearly series in every cell.

Kept apart from `shanhai.science.trend`, which services without a compiler import.
"""

import math
from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import FloatArray
from shanhai.science.evaluation.trend_kernels import lag_ones, trends

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
