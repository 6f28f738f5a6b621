"""Sums that no order of the terms can change: a layer gives the same total whatever its windows.

A float32 number is a whole number of 24 bits times a power of two. Whole numbers are added by their
power, which is exact in float64, and joined as integers of any length.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray

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
        squares: Sum of their squares, in units of 2⁻²⁹⁸; 0 unless it was asked for.
        low: The smallest; infinite when there was none.
        high: The largest.
    """

    count: int = 0
    total: int = 0
    squares: int = 0
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, values: NDArray[np.floating], *, with_squares: bool = False) -> "Moments":
        """Moments of the finite values of a block, rounded to float32."""
        known = np.asarray(values, dtype=np.float32).ravel()
        known = known[np.isfinite(known)]
        if known.size == 0:
            return cls()
        mantissas, powers = _parts(known)
        return cls(
            count=known.size,
            total=_joined(np.bincount(powers, weights=mantissas, minlength=_POWERS)),
            squares=_squares(mantissas, powers) if with_squares else 0,
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


def _parts(values: NDArray[np.float32]) -> tuple[NDArray[np.float64], IntArray]:
    """Signed whole numbers of 24 bits, and the powers of two they are multiplied with."""
    bits = values.view(np.uint32)
    exponents = ((bits >> 23) & 255).astype(np.int64)
    mantissas = (bits & 0x7F_FFFF).astype(np.float64)
    mantissas[exponents > 0] += 1 << 23
    return np.where(bits >> 31, -mantissas, mantissas), np.maximum(exponents, 1) - 1


def _joined(sums: NDArray[Any]) -> int:
    return sum(int(part) << power for power, part in enumerate(sums) if part)


def _squares(mantissas: NDArray[np.float64], powers: IntArray) -> int:
    """Squares of 48 bits are added in halves, so that no sum outgrows float64."""
    squares = np.square(mantissas.astype(np.int64))
    total = 0
    for part, shift in ((squares >> _HALF, _HALF), (squares & ((1 << _HALF) - 1), 0)):
        sums = np.bincount(powers, weights=part.astype(np.float64), minlength=_POWERS)
        total += sum(int(one) << (2 * power + shift) for power, one in enumerate(sums) if one)
    return total
