"""How much of a service each cell gives: extremely important, important, general.

The classes are cut where the cells that give most hold half, and four fifths, of the total. The
thresholds are values, so that ties and the order of cells do not matter. They are exact, although
a layer is read block by block and never held: a float32 is a whole number times a power of two, so
the sum of a bin of like exponent is a whole number too, and whole numbers do not round.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray, IntArray

Block = NDArray[np.floating]
Keys = NDArray[np.uint32]

SHARES = (0.5, 0.8)
"""Parts of the total that the first class, and the first two, hold; guideline 2017, status L."""

EXTREMELY_IMPORTANT, IMPORTANT, GENERAL = 1, 2, 3
NODATA = 0

_HALF_BITS = 16
_LOW_MASK = np.uint32((1 << _HALF_BITS) - 1)
_BINS = 1 << 15
"""Of the upper half of the bits of a float32 without sign."""

_FRACTION_BITS = 23
_SMALLEST = Fraction(1, 2**149)
"""The smallest float32 above 0, of which all others are multiples."""


def _keys(block: Block) -> Keys:
    """Bits of the finite float32 values of a block, which have the order of the values."""
    values = np.asarray(block, dtype=np.float32).ravel()
    known = values[np.isfinite(values)]
    if (negative := int(np.count_nonzero(known < 0))) > 0:
        raise InvalidInput(
            f"a supply is negative in {negative} cells (lowest {known.min():g}); "
            "shares of a total need values of 0 and more",
            message_zh=f"有 {negative} 个像元的供给为负（最低 {known.min():g}），"
            "累计占比要求数值不小于 0",
        )
    # Adding 0 turns the −0 into 0, whose bits would be the highest.
    return (known + np.float32(0)).view(np.uint32)


def _multiple(key: int) -> int:
    """How many times the smallest float32 goes into the value of a key."""
    exponent, fraction = key >> _FRACTION_BITS, key & ((1 << _FRACTION_BITS) - 1)
    if exponent == 0:
        return fraction
    return (fraction | (1 << _FRACTION_BITS)) << (exponent - 1)


def _step(number: int) -> int:
    """By how many of the smallest float32 neighbours in a bin of the upper bits differ."""
    return 1 << max(0, (number >> (_FRACTION_BITS - _HALF_BITS)) - 1)


@dataclass(slots=True)
class ShareSketch:
    """Counts and sums of one layer: fed twice with all its blocks, then asked for thresholds."""

    shares: Sequence[float] = SHARES
    _count: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _low_sum: IntArray = field(default_factory=lambda: np.zeros(_BINS, dtype=np.int64))
    _lower: dict[int, IntArray] = field(default_factory=dict)

    def count_upper(self, block: Block) -> None:
        """Take a block in the first pass.

        Raises:
            InvalidInput: it holds a negative value.
        """
        keys = _keys(block)
        upper = keys >> _HALF_BITS
        self._count += np.bincount(upper, minlength=_BINS)
        low = np.bincount(upper, weights=keys & _LOW_MASK, minlength=_BINS)
        self._low_sum += low.astype(np.int64)

    def open_bins(self) -> None:
        """End the first pass: find the bins in which the thresholds lie."""
        self._lower = {
            place[0]: np.zeros(1 << _HALF_BITS, dtype=np.int64)
            for share in self.shares
            if (place := self._bin_of(share)) is not None
        }

    def count_lower(self, block: Block) -> None:
        """Take a block in the second pass."""
        keys = _keys(block)
        upper = keys >> _HALF_BITS
        for number, counts in self._lower.items():
            inside = keys[upper == number] & _LOW_MASK
            counts += np.bincount(inside, minlength=counts.size)

    def thresholds(self) -> list[float]:
        """One value per share; infinite for a layer whose total is 0."""
        return [self._threshold(share) for share in self.shares]

    def _sum_of(self, number: int) -> int:
        first = _multiple(number << _HALF_BITS)
        return int(self._count[number]) * first + int(self._low_sum[number]) * _step(number)

    def _bin_of(self, share: float) -> tuple[int, Fraction] | None:
        """The bin, from the top, in which the share is reached, and what is wanted of it."""
        sums = {int(number): self._sum_of(int(number)) for number in np.flatnonzero(self._count)}
        wanted = _exact(share) * sum(sums.values())
        if wanted == 0:
            return None
        for number in sorted(sums, reverse=True):
            if sums[number] >= wanted:
                return number, wanted
            wanted -= sums[number]
        raise AssertionError("a share of at most 1 is reached by the whole")

    def _threshold(self, share: float) -> float:
        place = self._bin_of(share)
        if place is None:
            return float("inf")
        number, wanted = place
        counts = self._lower[number]
        for low in np.flatnonzero(counts)[::-1].tolist():
            multiple = _multiple(number << _HALF_BITS | low)
            wanted -= int(counts[low]) * multiple
            if wanted <= 0:
                return float(multiple * _SMALLEST)
        raise AssertionError("the second pass held fewer values than the first")


def _exact(share: float) -> Fraction:
    """The share as it was written: 0.8 is four fifths, not the nearest binary number."""
    return Fraction(str(share))


def share_thresholds(
    blocks: Callable[[], Iterable[Mapping[str, Block]]], shares: Sequence[float] = SHARES
) -> dict[str, list[float]]:
    """Thresholds of several layers, read twice together.

    Args:
        blocks: Called twice; each call yields, block by block, the layers by name, values ≥ 0.
        shares: Parts of the total, each above 0 and at most 1.

    Returns:
        By layer one value per share: that of the last cell needed when cells are taken by falling
        value until the share is reached. Infinite for a layer whose total is 0.

    Raises:
        InvalidInput: a share is out of range, or a value negative.
    """
    for share in shares:
        if not 0 < share <= 1:
            raise InvalidInput(
                f"share is {share}; it must be above 0 and at most 1",
                message_zh=f"累计占比为 {share}，须大于 0 且不超过 1",
            )
    sketches: dict[str, ShareSketch] = {}
    for block in blocks():
        for name, values in block.items():
            sketches.setdefault(name, ShareSketch(shares)).count_upper(values)
    for sketch in sketches.values():
        sketch.open_bins()
    for block in blocks():
        for name, values in block.items():
            sketches[name].count_lower(values)
    return {name: sketch.thresholds() for name, sketch in sketches.items()}


def importance_class(supply: FloatArray, thresholds: Sequence[float]) -> ClassArray:
    """Importance of one service.

    Args:
        supply: Any unit, ≥ 0.
        thresholds: Of 50 and 80 % of the total, see `share_thresholds`.

    Returns:
        1 extremely important (`S ≥ t₁`), 2 important (`t₂ ≤ S < t₁`), 3 general; 0 where NaN.

    Source: Ecological Protection Red-line Delineation Guideline 2017; status L.
    """
    first, second = thresholds
    # The thresholds are float32 values; a layer of more digits is cut the same way.
    values = np.asarray(supply, dtype=np.float32)
    classes = np.where(values >= first, EXTREMELY_IMPORTANT, GENERAL)
    classes[(values >= second) & (values < first)] = IMPORTANT
    return np.where(np.isnan(values), NODATA, classes).astype(np.uint8)


def overall_importance(classes: Sequence[ClassArray]) -> ClassArray:
    """The highest importance a cell has for any service; 0 where one is unknown."""
    together = np.stack(list(classes))
    return np.where((together == NODATA).any(axis=0), NODATA, together.min(axis=0)).astype(np.uint8)
