"""How much of a service each cell gives, and how easily land erodes or turns to bare rock.

The classes of importance are cut where the cells that give most hold half, and four fifths, of the
total. The thresholds are values, so that ties and the order of cells do not matter. They are exact,
although a layer is read block by block and never held: a float32 is a whole number times a power of
two, so the sum of a bin of like exponent is a whole number too, and whole numbers do not round.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.science.rusle import Texture

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
        # As it was written: 0.8 is four fifths, not the nearest binary number.
        wanted = Fraction(str(share)) * sum(sums.values())
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


EXTREMELY_SENSITIVE, SENSITIVE, GENERALLY_SENSITIVE = 1, 2, 3

LOCAL_PROBABILITIES = (1 / 3, 2 / 3)
"""Quantiles that grade a factor where the national boundaries tell no two places apart; E."""


@dataclass(frozen=True, slots=True)
class Breaks:
    """Boundaries of a factor whose sensitivity rises with it.

    Attributes:
        low: Values up to this grade 1.
        high: Values from this on grade 5; those between grade 3.
    """

    low: float
    high: float


EROSIVITY = Breaks(100.0, 600.0)
"""R, MJ·mm/(ha·h·yr)."""

RELIEF = Breaks(50.0, 300.0)
"""Range of elevation, m."""

CARBONATE = Breaks(30.0, 70.0)
"""Outcrop of carbonate rock, % of the area."""

SLOPE = Breaks(8.0, 25.0)
"""Degrees."""

BARE = Breaks(0.4, 0.8)
"""1 − vegetation cover: cover of 0.6 and more grades 1, of 0.2 and less 5."""

TEXTURE_GRADES: Mapping[Texture, int] = MappingProxyType(
    {
        Texture.HEAVY_CLAY: 1,
        Texture.CLAY: 1,
        Texture.SANDY_CLAY: 1,
        Texture.SAND: 1,
        Texture.LOAMY_SAND: 3,
        Texture.LOAM: 3,
        Texture.SANDY_CLAY_LOAM: 3,
        Texture.SILTY_CLAY: 5,
        Texture.CLAY_LOAM: 5,
        Texture.SANDY_LOAM: 5,
        Texture.SILTY_CLAY_LOAM: 5,
        Texture.SILT_LOAM: 5,
        Texture.SILT: 5,
    }
)
"""Grade of erodibility by texture; the guideline's Chinese texture names put upon the USDA classes,
status E."""


def grade(values: FloatArray, breaks: Breaks) -> FloatArray:
    """1, 3 or 5: `x ≤ low`, between, `x ≥ high`; NaN stays NaN.

    Where both boundaries are the same value (a factor without variation) that value grades 1.
    """
    grades = np.select([values <= breaks.low, values >= breaks.high], [1.0, 5.0], 3.0)
    return np.where(np.isnan(values), np.nan, grades)


def grade_cover(cover: FloatArray, breaks: Breaks = BARE) -> FloatArray:
    """Grade of vegetation cover, 0–1: the barer, the higher.

    Compared as cover, so that 0.6 and 0.2 fall where the guideline puts them.
    """
    dense, sparse = round(1 - breaks.low, 12), round(1 - breaks.high, 12)
    grades = np.select([cover >= dense, cover <= sparse], [1.0, 5.0], 3.0)
    return np.where(np.isnan(cover), np.nan, grades)


def grade_texture(texture: ClassArray) -> FloatArray:
    """Grade of erodibility by codes of `Texture`; NaN for nodata."""
    table = np.full(len(Texture) + 1, np.nan)
    for kind, grade_of in TEXTURE_GRADES.items():
        table[kind] = grade_of
    return table[texture]


def geometric_mean(grades: Sequence[FloatArray]) -> FloatArray:
    """The n-th root of the product of n grades; NaN where any is."""
    return np.asarray(np.prod(np.stack(list(grades)), axis=0) ** (1 / len(grades)))


def sensitivity_class(index: FloatArray) -> ClassArray:
    """Class of a sensitivity index.

    Args:
        index: Geometric mean of grades, 1–5.

    Returns:
        3 general (≤ 2), 2 sensitive (2–4], 1 extremely sensitive (> 4); 0 where NaN.

    Source: guideline 2017; status L.
    """
    classes = np.select(
        [index > 4.0, index > 2.0], [EXTREMELY_SENSITIVE, SENSITIVE], GENERALLY_SENSITIVE
    )
    return np.where(np.isnan(index), NODATA, classes).astype(np.uint8)


def erosion_index(
    *, erosivity: FloatArray, erodibility: FloatArray, relief: FloatArray, cover: FloatArray
) -> FloatArray:
    """Sensitivity to soil erosion, `(R·K·LS·Cv)^¼` of the four grades.

    Returns:
        1–5; NaN where any grade is.
    """
    return geometric_mean([erosivity, erodibility, relief, cover])


def desertification_index(
    *, carbonate: FloatArray, slope: FloatArray, cover: FloatArray
) -> FloatArray:
    """Sensitivity to rocky desertification, `(Carb·Slope·Cv)^⅓` of the three grades.

    Returns:
        1–5; NaN where any grade is. Cells without carbonate rock do not apply, see
        `desertification_class`.
    """
    return geometric_mean([carbonate, slope, cover])


def desertification_class(index: FloatArray, carbonate_percent: FloatArray) -> ClassArray:
    """Class of the index; 0 where there is no carbonate rock or the index is NaN."""
    return np.where(carbonate_percent > 0, sensitivity_class(index), NODATA).astype(np.uint8)


def monitored_erosion_class(intensity: ClassArray) -> ClassArray:
    """The shortcut of 2020 from monitored erosion.

    Args:
        intensity: 1 slight, 2 light, 3 moderate, 4 intense, 5 very intense, 6 severe (SL 190).

    Returns:
        1 for very intense and severe, 2 for moderate and intense, 3 below; 0 for nodata.

    Source: guide of the double evaluation 2020; status L.
    """
    table = (
        NODATA,
        GENERALLY_SENSITIVE,
        GENERALLY_SENSITIVE,
        SENSITIVE,
        SENSITIVE,
        *(EXTREMELY_SENSITIVE,) * 2,
    )
    return np.array(table, dtype=np.uint8)[intensity]


def monitored_desertification_class(degree: ClassArray) -> ClassArray:
    """The shortcut of 2020 from monitored rocky desertification.

    Args:
        degree: 1 none, 2 potential, 3 light, 4 moderate, 5 heavy, 6 extremely heavy.

    Returns:
        1 for heavy and worse, 2 for moderate, 3 below; 0 for nodata.

    Source: guide of the double evaluation 2020; status L.
    """
    table = (
        NODATA,
        GENERALLY_SENSITIVE,
        GENERALLY_SENSITIVE,
        GENERALLY_SENSITIVE,
        SENSITIVE,
        *(EXTREMELY_SENSITIVE,) * 2,
    )
    return np.array(table, dtype=np.uint8)[degree]


def worst_class(classes: Sequence[ClassArray]) -> ClassArray:
    """The highest sensitivity of any theme that applies; 0 where none does."""
    together = np.stack(list(classes))
    # Codes fall with severity, and 0 says nothing: it must lose against every code.
    worst = np.where(together == NODATA, np.uint8(255), together).min(axis=0)
    return np.where(worst == 255, NODATA, worst).astype(np.uint8)
