"""Sums that no order of the terms can change: a layer gives the same total whatever its windows.

A float32 number is a whole number of 24 bits times a power of two. Whole numbers are added by their
power, and joined as integers of any length.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray
from shanhai.science.summation_kernels import add_moments

_UNIT_BITS = 149
"""The smallest float32 is 2⁻¹⁴⁹; totals count it."""

_POWERS = 255
_HALF = 24


@dataclass(frozen=True, slots=True)
class Moments:
    """Exact moments of float32 values.

    Attributes:
        count: How many there were.
        total: Their sum, in units of 2⁻¹⁴⁹.
        squares: Sum of their squares, in units of 2⁻²⁹⁸.
        low: The smallest; infinite when there was none.
        high: The largest.
    """

    count: int = 0
    total: int = 0
    squares: int = 0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Moments":
        """Moments of the finite values of a block, rounded to float32."""
        known = np.ascontiguousarray(values, dtype=np.float32).ravel()
        sums = np.zeros((3, _POWERS), dtype=np.int64)
        count = add_moments(known.view(np.uint32), sums)
        if count == 0:
            return cls()
        known = known if count == known.size else known[np.isfinite(known)]
        return cls(
            count=count,
            total=_joined(sums[0]),
            squares=_joined(sums[1], 2, _HALF) + _joined(sums[2], 2),
            low=float(known.min()),
            high=float(known.max()),
        )

    def joined(self, other: "Moments") -> "Moments":
        """Moments of both blocks."""
        return Moments(
            self.count + other.count,
            self.total + other.total,
            self.squares + other.squares,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def sum(self) -> float:
        """The sum, correctly rounded."""
        return float(Fraction(self.total, 1 << _UNIT_BITS))

    @property
    def mean(self) -> float:
        """The mean, correctly rounded; NaN of nothing."""
        return float(self._mean) if self.count else math.nan

    @property
    def sd(self) -> float:
        """The population standard deviation; NaN of nothing."""
        if not self.count:
            return math.nan
        mean_square = Fraction(self.squares, self.count << (2 * _UNIT_BITS))
        return math.sqrt(mean_square - self._mean**2)

    @property
    def _mean(self) -> Fraction:
        return Fraction(self.total, self.count << _UNIT_BITS)


def _joined(sums: IntArray, step: int = 1, shift: int = 0) -> int:
    """Parts by power, each worth two to the `step`-fold power, as one whole number."""
    return sum(int(part) << (step * power + shift) for power, part in enumerate(sums) if part)
