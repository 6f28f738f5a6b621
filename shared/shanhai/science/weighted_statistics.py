"""Mean, spread and exact quantiles of values with weights, read block by block.

The weights are areas, so that cells of unequal size count for what they cover. Quantiles are found
as in `shanhai.science.quantiles`, by the bits of the values, in two passes and a megabyte; here the
counts are sums of weights.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import FloatArray

Values = NDArray[np.float32]
Block = tuple[Values, FloatArray]
"""Finite values and their weights, one dimension each."""
Keys = NDArray[np.uint32]

_HALF_BITS = 16
_BINS = 1 << _HALF_BITS
_SIGN = np.uint32(0x8000_0000)


@dataclass(frozen=True, slots=True)
class WeightedMoments:
    """Total weight, mean, sum of weighted squared deviations, extremes, of the values seen so far.

    Source: Chan, Golub and LeVeque (1979), with weights in place of counts.
    """

    weight: float = 0.0
    mean: float = math.nan
    squares: float = 0.0
    low: float = math.nan
    high: float = math.nan

    @classmethod
    def of(cls, values: Values, weights: FloatArray) -> "WeightedMoments":
        """Moments of one block of finite values."""
        weight = float(weights.sum())
        if values.size == 0 or weight <= 0:
            return cls()
        wide = values.astype(np.float64)
        mean = float(weights @ wide) / weight
        squares = float(weights @ np.square(wide - mean))
        return cls(weight, mean, squares, float(values.min()), float(values.max()))

    def joined(self, other: "WeightedMoments") -> "WeightedMoments":
        """Moments of both sets of values."""
        if not self.weight or not other.weight:
            return self if self.weight else other
        weight = self.weight + other.weight
        gap, share = other.mean - self.mean, other.weight / weight
        return WeightedMoments(
            weight,
            self.mean + gap * share,
            self.squares + other.squares + gap * gap * self.weight * share,
            min(self.low, other.low),
            max(self.high, other.high),
        )

    @property
    def sd(self) -> float:
        """Population standard deviation; NaN of nothing."""
        return math.sqrt(self.squares / self.weight) if self.weight else math.nan


@dataclass(frozen=True, slots=True)
class WeightedSummary:
    """What is said of values with weights; NaN of nothing."""

    moments: WeightedMoments
    quantiles: tuple[float, ...]


def summarise(
    blocks: Callable[[], Iterable[Block]], probabilities: Sequence[float]
) -> WeightedSummary:
    """Moments and quantiles; `blocks` is called twice.

    Args:
        blocks: Yields finite values with positive weights.
        probabilities: Each 0–1. The quantile of one is the smallest value that, with all smaller
            ones, has at least that share of the weight.
    """
    moments, upper = WeightedMoments(), np.zeros(_BINS)
    for values, weights in blocks():
        moments = moments.joined(WeightedMoments.of(values, weights))
        upper += np.bincount(_keys(values) >> _HALF_BITS, weights, _BINS)
    if not moments.weight:
        return WeightedSummary(moments, (math.nan,) * len(probabilities))
    below = np.cumsum(upper)
    wanted = [_first_reaching(below, share * below[-1]) for share in probabilities]
    lower = _lower_sums(blocks(), sorted(set(wanted)))
    quantiles = []
    for number, share in zip(wanted, probabilities, strict=True):
        rest = share * below[-1] - (below[number - 1] if number else 0.0)
        inner = _first_reaching(np.cumsum(lower[number]), rest)
        quantiles.append(value_of((number << _HALF_BITS) | inner))
    return WeightedSummary(moments, tuple(quantiles))


def _keys(values: Values) -> Keys:
    """Integers in the order of the values; both zeros are one."""
    bits = np.ascontiguousarray(values + np.float32(0.0)).view(np.uint32)
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def value_of(key: int) -> float:
    """The value an integer of `_keys` stands for."""
    bits = key ^ 0x8000_0000 if key & 0x8000_0000 else key ^ 0xFFFF_FFFF
    return float(np.array([bits], dtype=np.uint32).view(np.float32)[0])


def _first_reaching(running: FloatArray, target: float) -> int:
    """The first place at which a running sum that has begun reaches a target, at most its last."""
    begun = int(np.searchsorted(running, 0.0, side="right"))
    last = int(np.searchsorted(running, running[-1], side="left"))
    return min(max(int(np.searchsorted(running, target, side="left")), begun), last)


def _lower_sums(blocks: Iterable[Block], bins: Sequence[int]) -> dict[int, FloatArray]:
    """Sums of weights by the lower half of the key, for some upper halves."""
    sums = {number: np.zeros(_BINS) for number in bins}
    for values, weights in blocks:
        keys = _keys(values)
        for number, own in sums.items():
            inside = (keys >> _HALF_BITS) == number
            own += np.bincount(keys[inside] & (_BINS - 1), weights[inside], _BINS)
    return sums
