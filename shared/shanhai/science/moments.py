"""Mean and variance of values read block by block; exact sums that no order changes."""

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray

_EXPONENT = np.uint32(255)
_FRACTION = np.uint32(0x7F_FFFF)
_LEADING = np.int64(1 << 23)
_LOW_HALF = np.int64((1 << 24) - 1)


@njit(cache=True, nogil=True)
def add_moments(bits: NDArray[np.uint32], sums: IntArray) -> int:
    """Add finite float32 values by their power of two; returns how many there were.

    Args:
        bits: The values, seen as integers.
        sums: Row 0 takes the signed mantissas, rows 1 and 2 the upper and lower 24 bits of their
            squares; a column per power.
    """
    count = 0
    for bit in bits:
        exponent = (bit >> np.uint32(23)) & _EXPONENT
        if exponent == _EXPONENT:
            continue
        mantissa = np.int64(bit & _FRACTION)
        power = np.int64(0)
        if exponent > 0:
            mantissa += _LEADING
            power = np.int64(exponent) - 1
        square = mantissa * mantissa
        sums[0, power] += -mantissa if bit >> np.uint32(31) else mantissa
        sums[1, power] += square >> 24
        sums[2, power] += square & _LOW_HALF
        count += 1
    return count


_UNIT_BITS = 149
"""The smallest float32 is 2⁻¹⁴⁹; totals count it."""

_POWERS = 255
_HALF = 24


@dataclass(frozen=True, slots=True)
class ExactMoments:
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
    def of(cls, values: NDArray[np.floating]) -> "ExactMoments":
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

    def joined(self, other: "ExactMoments") -> "ExactMoments":
        """Moments of both blocks."""
        return ExactMoments(
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


@dataclass(frozen=True, slots=True)
class RunningMoments:
    """Count, mean and sum of squared deviations of the values seen so far.

    Joining the moments of windows in window order gives the same bytes whoever counted them.

    Source: Chan, Golub and LeVeque 1979.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "RunningMoments":
        """Moments of one block; NaN is left out."""
        known = values[~np.isnan(values)].astype(np.float64)
        if known.size == 0:
            return cls()
        mean = float(known.mean())
        return cls(known.size, mean, float(np.square(known - mean).sum()))

    def joined(self, other: "RunningMoments") -> "RunningMoments":
        """Moments of both sets of values."""
        count = self.count + other.count
        if count == 0:
            return self
        gap, share = other.mean - self.mean, other.count / count
        return RunningMoments(
            count,
            self.mean + gap * share,
            self.squares + other.squares + gap * gap * self.count * share,
        )

    @property
    def sd(self) -> float:
        """Population standard deviation; NaN of nothing."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan
