"""Where vegetation or productivity has been going: seven classes of trend."""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray

LEAST_YEARS = 8
"""Years a series must span before a trend is spoken of."""

SIGNIFICANT = 1.96
"""|Z| of a trend that chance brings about in one of twenty."""

HIGHLY_SIGNIFICANT = 2.576
"""|Z| of a trend that chance brings about in one of a hundred."""

STABLE_SLOPE: Mapping[str, float] = MappingProxyType({"ndvi": 0.0005, "fvc": 0.0005})
"""Change per year below which an index is called stable, by series; others have none."""


class Degradation(IntEnum):
    """Trend classes from the worst to the best; 0 is nodata."""

    STRONG_DECLINE = 1
    DECLINE = 2
    SLIGHT_DECLINE = 3
    STABLE = 4
    SLIGHT_RISE = 5
    RISE = 6
    STRONG_RISE = 7


def require_years(years: int, name: str) -> None:
    """Refuse a series too short for a trend.

    Raises:
        InvalidInput: it has fewer than `LEAST_YEARS` years.
    """
    if years < LEAST_YEARS:
        raise InvalidInput(
            f"{name} has {years} years; a trend needs at least {LEAST_YEARS}",
            message_zh=f"{name} 仅有 {years} 年，趋势分析至少需要 {LEAST_YEARS} 年",
        )


def degradation_class(slope: FloatArray, z: FloatArray, *, stable_slope: float = 0.0) -> ClassArray:
    """Class of a trend by its sign and significance.

    Args:
        slope: Change per year, in the unit of the series.
        z: Standard normal deviate of the Mann–Kendall test.
        stable_slope: Slopes below this are stable whatever their significance, ≥ 0.

    Returns:
        Codes of `Degradation`; 0 where slope or z is NaN.
    """
    strength = np.select([np.abs(z) >= HIGHLY_SIGNIFICANT, np.abs(z) >= SIGNIFICANT], [3, 2], 1)
    codes = Degradation.STABLE + np.sign(slope) * strength
    codes = np.where(np.abs(slope) < stable_slope, Degradation.STABLE, codes)
    unknown = np.isnan(slope) | np.isnan(z)
    return np.where(unknown, 0, codes).astype(np.uint8)
