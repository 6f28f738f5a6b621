"""Classes of water by the worst item: the single-factor method of GB 3838 and GB 3097.

The limits are data, the files of `standards`; a value on a limit meets it unless the standard says
that it has to be passed. Values between points go by inverse distance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any, Literal

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.standards import Standard, head_of, in_force, read_standard
from shanhai.vocabulary import Label

Body = Literal["river", "lake", "sea"]
Medium = Literal["surface_water", "sea_water"]
WATER_STANDARDS = ("gb-3838-2002", "gb-3097-1997")
NOT_ASSESSED = 0
"""Class of what has no value of any item."""


_WORSE = {
    "inferior_v": Label("劣Ⅴ类", "worse than V"),
    "inferior_4": Label("劣四类", "worse than 4"),
}
_RIVER = dict(zip(("I", "II", "III", "IV", "V"), "ⅠⅡⅢⅣⅤ", strict=True))
_SEA = dict(zip("1234", "一二三四", strict=True))


def class_label(code: str) -> Label:
    """A class of water as people write it, by its code in either standard."""
    if code in _WORSE:
        return _WORSE[code]
    if code in _RIVER:
        return Label(f"{_RIVER[code]}类", f"class {code}")
    return Label(f"第{_SEA[code]}类", f"class {code}")


@dataclass(frozen=True, slots=True)
class WaterItem:
    """One item of a standard, with a limit for each class, the best class first.

    Attributes:
        code: The observed property.
        hj525: Its code in HJ 525, where one is known.
        unit: Unit of the limits (UCUM).
        low: Least values, NaN where there is none.
        high: Greatest values, NaN where there is none.
        strict: Whether a value has to pass the limit, not only to reach it.
        bodies: Kinds of water the row holds for; empty for all.
        instead: Another property, which meets the first limits by values as great as these.
    """

    code: str
    hj525: str | None
    label: Label
    unit: str
    low: FloatArray
    high: FloatArray
    strict: bool
    bodies: tuple[str, ...]
    instead: tuple[str, FloatArray] | None

    def classes(self, values: FloatArray, instead: FloatArray | None = None) -> ClassArray:
        """The class of each value: 1 is the best, one more than the last is worse than all.

        Args:
            values: In `unit`; NaN is not measured.
            instead: Values of the property that may stand in, of the same shape.

        Returns:
            `NOT_ASSESSED` where the value is NaN.
        """
        worst = len(self.low) + 1
        found = np.full(values.shape, worst, dtype=np.uint8)
        for place in range(len(self.low) - 1, -1, -1):
            met = self._meets(values, place)
            if self.instead is not None and instead is not None and place < len(self.instead[1]):
                met |= instead >= self.instead[1][place]
            found[met] = place + 1
        found[np.isnan(values)] = NOT_ASSESSED
        return found

    def _meets(self, values: FloatArray, place: int) -> BoolArray:
        low, high = self.low[place], self.high[place]
        met = np.ones(values.shape, dtype=bool)
        if not np.isnan(low):
            met &= (values > low) if self.strict else (values >= low)
        if not np.isnan(high):
            met &= (values < high) if self.strict else (values <= high)
        return met


@dataclass(frozen=True, slots=True)
class WaterStandard(Standard):
    """A standard: its classes from the best to the worst, and its items.

    Attributes:
        classes: Codes of the classes, the best first.
        worse: Code of what meets none of them.
        items: Every row; some hold for rivers or for lakes alone.
    """

    classes: tuple[str, ...]
    worse: str
    items: tuple[WaterItem, ...]

    @property
    def properties(self) -> frozenset[str]:
        """The observed properties that its items are assessed by."""
        stand_ins = {item.instead[0] for item in self.items if item.instead is not None}
        return frozenset({item.code for item in self.items} | stand_ins)

    def items_for(self, body: Body) -> tuple[WaterItem, ...]:
        """The items that are assessed in a kind of water."""
        return tuple(item for item in self.items if not item.bodies or body in item.bodies)

    def name_of(self, code: int) -> str | None:
        """The code of a class by number; None for what is not assessed."""
        if code == NOT_ASSESSED:
            return None
        return (*self.classes, self.worse)[code - 1]


@dataclass(frozen=True, slots=True)
class WaterClasses:
    """Classes of several sections.

    Attributes:
        items: Codes of the items, in the order of the first axis below.
        of_items: Class of each item in each section, shape (items, sections).
        classes: Class of each section: that of its worst item.
        deciding: Which items are of the section's class, shape (items, sections).
        assessed: How many items each section has values of.
    """

    items: tuple[str, ...]
    of_items: ClassArray
    classes: ClassArray
    deciding: BoolArray
    assessed: ClassArray

    def deciding_items(self, section: int) -> list[str]:
        """The items that decided the class of a section."""
        return [self.items[place] for place in np.flatnonzero(self.deciding[:, section])]


def classify(values: Mapping[str, FloatArray], standard: WaterStandard, body: Body) -> WaterClasses:
    """The class of every section by its worst item.

    Args:
        values: Values by item, in the standard's units, all of one length: one for each section.
            NaN, or an item that is not there, is not measured; other properties are ignored.
        standard: Limits.
        body: Kind of water, which says what items are assessed and which limits hold.

    Returns:
        Classes from 1, the best; 0 where a section has no value of any item.

    Raises:
        InvalidInput: a concentration is negative, or not finite.

    Source: GB 3838-2002, 5; measures for the assessment of surface water, 2011; GB 3097-1997.
    """
    items = [item for item in standard.items_for(body) if item.code in values]
    sections = max((np.atleast_1d(one).shape[0] for one in values.values()), default=0)
    of_items = np.zeros((len(items), sections), dtype=np.uint8)
    for place, item in enumerate(items):
        own = np.atleast_1d(np.asarray(values[item.code], dtype=np.float64))
        _refuse_impossible(item, own)
        stand_in = None if item.instead is None else values.get(item.instead[0])
        of_items[place] = item.classes(own, stand_in)
    classes = of_items.max(axis=0, initial=NOT_ASSESSED)
    return WaterClasses(
        tuple(item.code for item in items),
        of_items,
        classes,
        (of_items == classes) & (of_items > NOT_ASSESSED),
        np.count_nonzero(of_items, axis=0).astype(np.uint8),
    )


def share_between(classes: ClassArray, best: int, worst: int) -> float:
    """Per cent of what was assessed that is of the classes `best` to `worst`, both included.

    Args:
        classes: From 1; 0 is not assessed and counts nowhere.
        best: Number of the first class that counts.
        worst: Number of the last class that counts.

    Returns:
        0–100; NaN where nothing was assessed.
    """
    known = classes[classes > NOT_ASSESSED]
    if not known.size:
        return float("nan")
    return 100.0 * float(np.count_nonzero((known >= best) & (known <= worst))) / known.size


def water_standard(medium: Medium, day: date) -> WaterStandard:
    """The standard in force for a kind of water on a day: the newest that began by then.

    Raises:
        InvalidInput: none was in force yet.
    """
    return in_force(map(load_water_standard, WATER_STANDARDS), medium, day)


@cache
def load_water_standard(name: str) -> WaterStandard:
    """A standard by its identifier.

    Raises:
        InvalidInput: there is none of that name.
        ValueError: a limit is stricter than that of a better class.
    """
    data = read_standard(name, WATER_STANDARDS)
    classes = tuple(data["classes"])
    return WaterStandard(
        *head_of(data),
        classes,
        data["worse"],
        tuple(_item(row, len(classes)) for row in data["items"]),
    )


def _item(row: Mapping[str, Any], classes: int) -> WaterItem:
    low, high = (_limits(row.get(side), classes) for side in ("low", "high"))
    if np.any(np.diff(low) > 0) or np.any(np.diff(high) < 0):
        raise ValueError(f"limits of {row['code']} grow stricter from class to class")
    instead = row.get("instead")
    return WaterItem(
        row["code"],
        row.get("hj525"),
        Label(row["zh"], row["en"]),
        row["unit"],
        low,
        high,
        row.get("strict", False),
        tuple(row.get("bodies", ())),
        None if instead is None else (instead["code"], np.array(instead["low"], dtype=float)),
    )


def _limits(given: Sequence[float] | None, classes: int) -> FloatArray:
    if given is None:
        return np.full(classes, np.nan)
    if len(given) != classes:
        raise ValueError(f"{len(given)} limits for {classes} classes")
    return np.array(given, dtype=np.float64)


def _refuse_impossible(item: WaterItem, values: FloatArray) -> None:
    known = values[~np.isnan(values)]
    bad = known[(known < 0) | np.isinf(known)]
    if bad.size:
        raise InvalidInput(
            f"{item.code} is {bad[0]:g} {item.unit}; it must be 0 or more, and finite",
            message_zh=f"{item.label.zh}为 {bad[0]:g} {item.unit}，须为不小于 0 的有限值",
            pointer=f"/{item.code}",
        )


POWER = 2.0
_NEAR_M = 1e-6
"""Below this distance a place is the point itself."""


def inverse_distance(
    points: FloatArray, values: FloatArray, places: FloatArray, power: float = POWER
) -> FloatArray:
    """Mean of the points' values weighted by `1/d^power`.

    Args:
        points: East and north of the points, m, shape (n, 2).
        values: Value of each; NaN is left out.
        places: East and north of the places that are asked for, m, shape (m, 2).
        power: Exponent, > 0.

    Returns:
        One value for each place, never beyond the least and greatest of the points; a place on a
        point has that point's value. NaN everywhere when no point has a value.

    Raises:
        InvalidInput: the exponent is not greater than 0.

    Source: Shepard 1968, A two-dimensional interpolation function for irregularly-spaced data.
    """
    if not power > 0:
        raise InvalidInput(
            f"power is {power:g}; it must be greater than 0",
            message_zh=f"power 为 {power:g}，须大于 0",
            pointer="/power",
        )
    known = ~np.isnan(values)
    if not known.any():
        return np.full(len(places), np.nan)
    own, heights = points[known], values[known]
    gaps = np.hypot(places[:, None, 0] - own[None, :, 0], places[:, None, 1] - own[None, :, 1])
    nearest = gaps.argmin(axis=1)
    # Relative to the nearest point, no weight overflows however close that is.
    least = np.maximum(gaps[np.arange(len(places)), nearest], _NEAR_M)[:, None]
    weights = (least / np.maximum(gaps, _NEAR_M)) ** power
    found: FloatArray = weights @ heights / weights.sum(axis=1)
    at_point = gaps[np.arange(len(places)), nearest] <= _NEAR_M
    found[at_point] = heights[nearest[at_point]]
    return np.clip(found, heights.min(), heights.max())
