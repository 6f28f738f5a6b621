"""The air quality index: the worst of the pollutants' indices, which lie between break points.

The break points are data, the files of `standards`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.standards import Standard, head_of, in_force, read_standard
from shanhai.vocabulary import Label

AIR_STANDARDS = ("hj-633-2012",)
GOOD = 100
"""Index up to which a day is good (excellent or good)."""

DAILY = ("so2_24h", "no2_24h", "pm10_24h", "co_24h", "o3_8h", "pm25_24h")
"""The pollutants of a day's index."""

_DIGITS = 9
"""A figure on a break point must not be rounded up by the last bit of a division."""


@dataclass(frozen=True, slots=True)
class Pollutant:
    """A pollutant over a time.

    Attributes:
        code: Identifier, with the time its mean is over.
        property: The observed property.
        hj525: Its code in HJ 525.
        unit: Unit of the concentration (UCUM).
        points: Concentrations at the values of the index, ascending; some know fewer of them.
    """

    code: str
    property: str
    hj525: str
    label: Label
    unit: str
    points: FloatArray


@dataclass(frozen=True, slots=True)
class AirStandard(Standard):
    """A standard's index: its values at the break points, and where its classes end."""

    index: FloatArray
    class_ends: FloatArray
    pollutants: Mapping[str, Pollutant]


@dataclass(frozen=True, slots=True)
class AirIndex:
    """The index of several days or hours.

    Attributes:
        codes: The pollutants, in the order of the first axis below.
        of_pollutants: Index of each pollutant, shape (pollutants, days); NaN where not measured.
        aqi: The greatest of them; NaN where nothing was measured.
        classes: 1 (excellent) to 6 (severely polluted); 0 where the index is NaN.
        primary: Which pollutants are the greatest of a day above 50, shape (pollutants, days).
    """

    codes: tuple[str, ...]
    of_pollutants: FloatArray
    aqi: FloatArray
    classes: ClassArray
    primary: BoolArray


def pollutant_index(concentration: FloatArray, code: str, standard: AirStandard) -> FloatArray:
    """Index of one pollutant, `(I_hi − I_lo)/(C_hi − C_lo)·(C − C_lo) + I_lo`, rounded up.

    Args:
        concentration: In the pollutant's unit, ≥ 0; NaN is not measured.
        code: The pollutant and the time its mean is over.
        standard: Break points.

    Returns:
        0–500 in whole numbers, NaN where the concentration is. Beyond the last break point it
        stays at its last value.

    Raises:
        InvalidInput: the pollutant is unknown, or a concentration negative or infinite.

    Source: HJ 633-2012, 4.3, equation 1.
    """
    pollutant = standard.pollutants.get(code)
    if pollutant is None:
        raise InvalidInput(
            f"there is no pollutant {code!r}; known are {', '.join(standard.pollutants)}",
            message_zh=f"没有污染物 {code!r}；可用：{'、'.join(standard.pollutants)}",
        )
    values = np.asarray(concentration, dtype=np.float64)
    bad = values[(values < 0) | np.isinf(values)]
    if bad.size:
        raise InvalidInput(
            f"{code} is {bad[0]:g} {pollutant.unit}; it must be 0 or more, and finite",
            message_zh=f"{pollutant.label.zh}为 {bad[0]:g} {pollutant.unit}，须为不小于 0 的有限值",
            pointer=f"/{code}",
        )
    between = np.interp(values, pollutant.points, standard.index[: len(pollutant.points)])
    raised: FloatArray = np.ceil(np.round(between, _DIGITS))
    return raised


def air_quality_index(concentrations: Mapping[str, FloatArray], standard: AirStandard) -> AirIndex:
    """Index and class of each day: the greatest of the pollutants' indices.

    Args:
        concentrations: By pollutant, all of one length; NaN is not measured.
        standard: Break points.

    Source: HJ 633-2012, 4.4, equation 2; 4.2 for the classes; 4.5 for the primary pollutants.
    """
    codes = tuple(concentrations)
    rows = [np.atleast_1d(pollutant_index(concentrations[code], code, standard)) for code in codes]
    table = np.array(rows, dtype=np.float64).reshape(len(codes), -1)
    known = ~np.isnan(table)
    aqi = np.where(
        known.any(axis=0), np.where(known, table, -1.0).max(axis=0, initial=-1.0), np.nan
    )
    classes = np.where(
        np.isnan(aqi), 0, 1 + np.searchsorted(standard.class_ends, aqi, side="left")
    ).astype(np.uint8)
    return AirIndex(codes, table, aqi, classes, (table == aqi) & (aqi > 50))


@dataclass(frozen=True, slots=True)
class GoodDays:
    """How many days of a period are good, of those whose index is known.

    Attributes:
        good: Days of an index up to 100.
        known: Days with a valid index.
        days: Days of the period.
    """

    good: int
    known: int
    days: int

    @property
    def share_percent(self) -> float:
        """Good days of those known, 0–100; NaN where none is."""
        return 100.0 * self.good / self.known if self.known else float("nan")


def count_good_days(concentrations: Mapping[str, FloatArray], standard: AirStandard) -> GoodDays:
    """Good days of a period of daily concentrations.

    A day is known when all six pollutants of `DAILY` are, or when those that are make it a bad
    one: what is missing could not mend it.

    Args:
        concentrations: Daily concentration by pollutant, all of one length; NaN is not measured.
        standard: Break points.

    Raises:
        InvalidInput: a pollutant of a day's index is not there.

    Source: HJ 663-2013 for what a valid day is; HJ 633-2012.
    """
    missing = [code for code in DAILY if code not in concentrations]
    if missing:
        raise InvalidInput(
            f"the index of a day needs {', '.join(missing)} too",
            message_zh=f"日空气质量指数还需要：{'、'.join(missing)}",
        )
    index = air_quality_index({code: concentrations[code] for code in DAILY}, standard)
    complete = ~np.isnan(index.of_pollutants).any(axis=0)
    bad = index.aqi > GOOD
    known = complete | bad
    return GoodDays(
        int(np.count_nonzero(known & ~bad)), int(np.count_nonzero(known)), int(known.size)
    )


def air_standard(day: date) -> AirStandard:
    """The standard in force on a day: the newest that began by then.

    Raises:
        InvalidInput: none was in force yet.
    """
    return in_force(map(load_air_standard, AIR_STANDARDS), "air", day)


@cache
def load_air_standard(name: str) -> AirStandard:
    """A standard by its identifier.

    Raises:
        InvalidInput: there is none of that name.
        ValueError: break points do not ascend.
    """
    data = read_standard(name, AIR_STANDARDS)
    return AirStandard(
        *head_of(data),
        np.array(data["index"], dtype=np.float64),
        np.array(data["class_ends"], dtype=np.float64),
        {row["code"]: _pollutant(row) for row in data["pollutants"]},
    )


def _pollutant(row: Mapping[str, Any]) -> Pollutant:
    points = np.array(row["points"], dtype=np.float64)
    if np.any(np.diff(points) <= 0):
        raise ValueError(f"break points of {row['code']} do not ascend")
    label = Label(row["zh"], row["en"])
    return Pollutant(row["code"], row["property"], row["hj525"], label, row["unit"], points)
