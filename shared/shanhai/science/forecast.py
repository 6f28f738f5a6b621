"""Where a short yearly series will be: Sen's line, the test of its trend, and how sure it is.

Kept apart from `shanhai.science.indicators`, which services without SciPy import.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

import numpy as np
from scipy.stats import t as student

from shanhai.errors import InvalidInput
from shanhai.science.evaluation.cell_trend import cell_trend
from shanhai.science.indicators import LEAST_POINTS, sen_slope

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a year is expected to bring; the interval holds a single new value.

    Attributes:
        year: The year.
        value: On Sen's line.
        low: Lower end of the interval.
        high: Upper end.
    """

    year: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class YearlyTrend:
    """Sen's line through yearly values, and the Mann–Kendall test of it.

    Attributes:
        slope: Change per year.
        middle_year: Median of the years.
        middle_value: Median of the values; the line goes through both.
        score: Mann–Kendall S.
        z: Its standard normal deviate.
        p_value: Two-sided; of the normal approximation.
        points: The values it was found from.
    """

    slope: float
    middle_year: float
    middle_value: float
    score: float
    z: float
    p_value: float
    points: tuple[tuple[int, float], ...]

    def at(self, year: float) -> float:
        """The value on the line."""
        return self.middle_value + self.slope * (year - self.middle_year)

    def forecast(self, year: int, confidence: float = CONFIDENCE) -> Forecast:
        """The value on the line and the interval in which a single value of the year will lie.

        `ŷ ± t(n−2)·s·√(1 + 1/n + (x−x̄)²/Σ(xᵢ−x̄)²)` with `s² = Σ(yᵢ−ŷᵢ)²/(n−2)` of the residuals
        from Sen's line. It holds for independent, normal residuals; where the line is that of
        least squares it is the usual prediction interval.

        Args:
            year: Any year.
            confidence: Share of new values the interval is to hold, between 0 and 1.

        Raises:
            InvalidInput: the confidence is not between 0 and 1.

        Source: Conover 1999 for the line; Draper and Smith 1998, eq. 1.4.11 for the interval.
        """
        if not 0 < confidence < 1:
            raise InvalidInput(
                f"confidence is {confidence:g}; it must lie between 0 and 1",
                message_zh=f"置信度为 {confidence:g}，须在 0 与 1 之间",
                pointer="/confidence",
            )
        value, free = self.at(year), len(self.points) - 2
        years = np.array([point[0] for point in self.points], dtype=np.float64)
        left = np.array([y - self.at(x) for x, y in self.points])
        spread = math.sqrt(float(left @ left) / free)
        away = (year - years.mean()) ** 2 / float(((years - years.mean()) ** 2).sum())
        reach = float(student.ppf((1 + confidence) / 2, free)) * spread
        half = reach * math.sqrt(1 + 1 / len(years) + away)
        return Forecast(year, value, value - half, value + half)


def yearly_trend(points: Sequence[tuple[int, float]]) -> YearlyTrend | None:
    """Sen's line and the Mann–Kendall test of yearly values; gaps between years are allowed.

    Args:
        points: Pairs of year and value, the years different.

    Returns:
        None for fewer than `LEAST_POINTS` points.

    Raises:
        InvalidInput: a value is not finite, or a year is there twice.

    Source: Sen 1968; Mann 1945; Kendall 1975, with the correction for ties.
    """
    ordered = tuple(sorted(points))
    years = [year for year, _ in ordered]
    if len(set(years)) < len(years) or not all(math.isfinite(value) for _, value in ordered):
        raise InvalidInput(
            "a series needs one finite value a year", message_zh="序列每年须有且仅有一个有限值"
        )
    slope = sen_slope(ordered)
    if slope is None or len(ordered) < LEAST_POINTS:
        return None
    series = np.full((years[-1] - years[0] + 1, 1), np.nan)
    for year, value in ordered:
        series[year - years[0], 0] = value
    tested = cell_trend(series, most_gaps=1.0)
    z = float(tested.z[0])
    return YearlyTrend(
        slope,
        float(median(years)),
        float(median(value for _, value in ordered)),
        float(tested.score[0]),
        z,
        2 * NormalDist().cdf(-abs(z)),
        ordered,
    )
