"""Exact quantiles, mean and variance of layers that are read block by block and never held whole.

Radix selection: float32 bits map to unsigned integers of the same order. A first pass counts the
upper sixteen bits, which tells in which bin a wanted rank lies; a second pass counts the lower
sixteen bits of those bins alone. Memory is half a megabyte per counter, whatever the raster.
Moments are exact sums that no order changes.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import IntArray
from shanhai.science.kernels import compiled
from shanhai.science.weighted_statistics import value_of

_SIGN = np.uint32(0x8000_0000)
_EXPONENT = np.uint32(0x7F80_0000)
_HALF = np.uint32(16)
_LOWER = np.uint32(0xFFFF)


@compiled
def add_upper(bits: NDArray[np.uint32], counts: IntArray) -> None:
    """Count the upper halves of the order keys of float32 bits; infinities and NaN are left out."""
    for bit in bits:
        if bit & _EXPONENT != _EXPONENT:
            key = ~bit if bit & _SIGN else bit | _SIGN
            counts[key >> _HALF] += 1


@compiled
def add_lower(bits: NDArray[np.uint32], row_of: IntArray, counts: IntArray) -> None:
    """Count the lower halves of the keys whose upper half has a row; −1 is none."""
    for bit in bits:
        if bit & _EXPONENT != _EXPONENT:
            key = ~bit if bit & _SIGN else bit | _SIGN
            row = row_of[key >> _HALF]
            if row >= 0:
                counts[row, key & _LOWER] += 1


Block = NDArray[np.floating]
Keys = NDArray[np.uint32]

_HALF_BITS = 16
_BINS = 1 << _HALF_BITS


def _bits(block: Block) -> Keys:
    return np.ascontiguousarray(block, dtype=np.float32).ravel().view(np.uint32)


Counts = tuple[IntArray, IntArray]
"""Places where counts are not 0, and the counts there: few of the many are."""


def upper_counts(block: Block) -> Counts:
    """Finite float32 values of a block by the upper half of their order key."""
    counts = np.zeros(_BINS, dtype=np.int64)
    add_upper(_bits(block), counts)
    return _occupied(counts)


def lower_counts(block: Block, bins: Sequence[int]) -> Counts:
    """Values by the lower half of their order key, a row of places for each upper half."""
    row_of = np.full(_BINS, -1, dtype=np.int64)
    row_of[list(bins)] = np.arange(len(bins))
    counts = np.zeros((len(bins), _BINS), dtype=np.int64)
    add_lower(_bits(block), row_of, counts)
    return _occupied(counts.ravel())


def _occupied(counts: IntArray) -> Counts:
    places = np.flatnonzero(counts)
    return places, counts[places]


def interpolate(low: float, high: float, share: float) -> float:
    """Linear interpolation in the two-sided form NumPy uses, to agree with it in every bit."""
    step = high - low
    return high - step * (1 - share) if share >= 0.5 else low + step * share


@dataclass(slots=True)
class QuantileSketch:
    """Counts of one layer: fed twice with all its blocks, then asked for quantiles."""

    probabilities: Sequence[float]
    _upper: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _running: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _bins: tuple[int, ...] = ()
    _lower: IntArray = field(default_factory=lambda: np.zeros((0, _BINS), dtype=np.int64))

    def add_upper(self, counts: Counts) -> None:
        """Take the `upper_counts` of a block in the first pass."""
        places, found = counts
        self._upper[places] += found

    def open_bins(self) -> tuple[int, ...]:
        """End the first pass: the bins that hold the wanted ranks, for `lower_counts`."""
        self._running = np.cumsum(self._upper)
        if self._running[-1] == 0:
            return ()
        wanted = {
            self._bin_of(rank)[0]
            for probability in self.probabilities
            for rank in self._ranks(probability)[:2]
        }
        self._bins = tuple(sorted(wanted))
        self._lower = np.zeros((len(self._bins), _BINS), dtype=np.int64)
        return self._bins

    def add_lower(self, counts: Counts) -> None:
        """Take the `lower_counts` of a block in the second pass, in the order of the bins."""
        places, found = counts
        self._lower.reshape(-1)[places] += found

    def select(self, blocks: Iterable[Block]) -> list[float]:
        """The second pass of a layer alone, and its quantiles."""
        bins = self.open_bins()
        for block in blocks:
            self.add_lower(lower_counts(block, bins))
        return self.quantiles()

    def quantiles(self) -> list[float]:
        """One value per probability; NaN when the layer has no finite value."""
        if not self._bins:
            return [math.nan] * len(self.probabilities)
        lower = dict(zip(self._bins, np.cumsum(self._lower, axis=1), strict=True))
        return [self._quantile(probability, lower) for probability in self.probabilities]

    def _quantile(self, probability: float, lower: Mapping[int, IntArray]) -> float:
        below, above, share = self._ranks(probability)
        low, high = (self._order_statistic(rank, lower) for rank in (below, above))
        return interpolate(low, high, share)

    def _ranks(self, probability: float) -> tuple[int, int, float]:
        """Ranks on both sides of the quantile and its place between them; none when empty."""
        last = int(self._running[-1]) - 1
        position = last * probability
        below = math.floor(position)
        return below, min(below + 1, max(last, below)), position - below

    def _bin_of(self, rank: int) -> tuple[int, int]:
        """Bin of the upper bits that holds `rank`, and the rank inside it."""
        number = int(np.searchsorted(self._running, rank, side="right"))
        return number, rank - (int(self._running[number - 1]) if number else 0)

    def _order_statistic(self, rank: int, lower: Mapping[int, IntArray]) -> float:
        number, inner = self._bin_of(rank)
        half = int(np.searchsorted(lower[number], inner, side="right"))
        return value_of((number << _HALF_BITS) | half)


def exact_layer_quantiles(
    blocks: Callable[[], Iterable[Mapping[str, Block]]], probabilities: Sequence[float]
) -> dict[str, list[float]]:
    """Quantiles of several layers, read twice together.

    Args:
        blocks: Called twice; each call yields, block by block, the layers by name. A layer may be
            missing from some blocks.
        probabilities: Each 0–1.

    Returns:
        By layer one value per probability, equal to `numpy.quantile(..., method="linear")` of the
        finite values rounded to float32; NaN for a layer without finite value.

    Raises:
        InvalidInput: a probability lies outside 0–1.
    """
    _require_probabilities(probabilities)
    sketches: dict[str, QuantileSketch] = {}
    for block in blocks():
        for name, values in block.items():
            sketches.setdefault(name, QuantileSketch(probabilities)).add_upper(upper_counts(values))
    bins = {name: sketch.open_bins() for name, sketch in sketches.items()}
    for block in blocks():
        for name, values in block.items():
            sketches[name].add_lower(lower_counts(values, bins[name]))
    return {name: sketch.quantiles() for name, sketch in sketches.items()}


def exact_quantiles(
    blocks: Callable[[], Iterable[Block]], probabilities: Sequence[float]
) -> list[float]:
    """Quantiles of one layer; see `exact_layer_quantiles`."""
    result = exact_layer_quantiles(lambda: ({"": block} for block in blocks()), probabilities)
    return result.get("", [math.nan] * len(probabilities))


def _require_probabilities(probabilities: Sequence[float]) -> None:
    for probability in probabilities:
        if not 0 <= probability <= 1:
            raise InvalidInput(
                f"probability is {probability}; it must lie between 0 and 1",
                message_zh=f"分位概率为 {probability}，须在 0 与 1 之间",
            )


_EXPONENT_BITS = np.uint32(255)
_FRACTION = np.uint32(0x7F_FFFF)
_LEADING = np.int64(1 << 23)
_LOW_HALF = np.int64((1 << 24) - 1)


@compiled
def add_moments(bits: NDArray[np.uint32], sums: IntArray) -> int:
    """Add finite float32 values by their power of two; returns how many there were.

    Args:
        bits: The values, seen as integers.
        sums: Row 0 takes the signed mantissas, rows 1 and 2 the upper and lower 24 bits of their
            squares; a column per power.
    """
    count = 0
    for bit in bits:
        exponent = (bit >> np.uint32(23)) & _EXPONENT_BITS
        if exponent == _EXPONENT_BITS:
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
_HALF_FRACTION = 24


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
            squares=_joined(sums[1], 2, _HALF_FRACTION) + _joined(sums[2], 2),
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
