"""Exact quantiles of layers that are read block by block and never held whole.

Radix selection: float32 bits map to unsigned integers of the same order. A first pass counts the
upper sixteen bits, which tells in which bin a wanted rank lies; a second pass counts the lower
sixteen bits of those bins alone. Memory is half a megabyte per counter, whatever the raster.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import IntArray

_SIGN = np.uint32(0x8000_0000)
_EXPONENT = np.uint32(0x7F80_0000)
_HALF = np.uint32(16)
_LOWER = np.uint32(0xFFFF)


@njit(cache=True, nogil=True)
def add_upper(bits: NDArray[np.uint32], counts: IntArray) -> None:
    """Count the upper halves of the order keys of float32 bits; infinities and NaN are left out."""
    for bit in bits:
        if bit & _EXPONENT != _EXPONENT:
            key = ~bit if bit & _SIGN else bit | _SIGN
            counts[key >> _HALF] += 1


@njit(cache=True, nogil=True)
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


def upper_counts(block: Block) -> IntArray:
    """Finite float32 values of a block by the upper half of their order key."""
    counts = np.zeros(_BINS, dtype=np.int64)
    add_upper(_bits(block), counts)
    return counts


def lower_counts(block: Block, bins: Sequence[int]) -> IntArray:
    """A row per upper half: its values by the lower half of their order key."""
    row_of = np.full(_BINS, -1, dtype=np.int64)
    row_of[list(bins)] = np.arange(len(bins))
    counts = np.zeros((len(bins), _BINS), dtype=np.int64)
    add_lower(_bits(block), row_of, counts)
    return counts


def _value_of(key: int) -> float:
    """The float32 value a key stands for."""
    bits = key ^ 0x8000_0000 if key & 0x8000_0000 else key ^ 0xFFFF_FFFF
    return float(np.array([bits], dtype=np.uint32).view(np.float32)[0])


def _interpolate(low: float, high: float, share: float) -> float:
    """Linear interpolation in the two-sided form NumPy uses, to agree with it in every bit."""
    step = high - low
    return high - step * (1 - share) if share >= 0.5 else low + step * share


@dataclass(slots=True)
class QuantileSketch:
    """Counts of one layer: fed twice with all its blocks, then asked for quantiles."""

    probabilities: Sequence[float]
    _upper: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _lower: dict[int, IntArray] = field(default_factory=dict)

    def add_upper(self, counts: IntArray) -> None:
        """Take the `upper_counts` of a block in the first pass."""
        self._upper += counts

    def open_bins(self) -> tuple[int, ...]:
        """End the first pass: the bins that hold the wanted ranks, for `lower_counts`."""
        if not self._upper.any():
            return ()
        wanted = {
            self._bin_of(rank)[0]
            for probability in self.probabilities
            for rank in self._ranks(probability)[:2]
        }
        self._lower = {number: np.zeros(_BINS, dtype=np.int64) for number in sorted(wanted)}
        return tuple(self._lower)

    def add_lower(self, counts: IntArray) -> None:
        """Take the `lower_counts` of a block in the second pass, in the order of the bins."""
        for own, part in zip(self._lower.values(), counts, strict=True):
            own += part

    def quantiles(self) -> list[float]:
        """One value per probability; NaN when the layer has no finite value."""
        if not self._lower:
            return [math.nan] * len(self.probabilities)
        return [self._quantile(probability) for probability in self.probabilities]

    def _quantile(self, probability: float) -> float:
        below, above, share = self._ranks(probability)
        return _interpolate(self._order_statistic(below), self._order_statistic(above), share)

    def _ranks(self, probability: float) -> tuple[int, int, float]:
        """Ranks on both sides of the quantile and its place between them; none when empty."""
        last = int(self._upper.sum()) - 1
        position = last * probability
        below = math.floor(position)
        return below, min(below + 1, max(last, below)), position - below

    def _bin_of(self, rank: int) -> tuple[int, int]:
        """Bin of the upper bits that holds `rank`, and the rank inside it."""
        running = np.cumsum(self._upper)
        number = int(np.searchsorted(running, rank, side="right"))
        return number, rank - int(running[number] - self._upper[number])

    def _order_statistic(self, rank: int) -> float:
        number, inner = self._bin_of(rank)
        lower = int(np.searchsorted(np.cumsum(self._lower[number]), inner, side="right"))
        return _value_of((number << _HALF_BITS) | lower)


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
