"""Automatic checks of observations: they mark values, and never drop any.

Every check works on columns sorted by series and time. What a mark says is what was known when the
value arrived: marks are not taken back when late values come between.
"""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from shanhai.vocabulary import FLAGS

Values = NDArray[np.float64]
Marks = NDArray[np.bool_]

SPIKE_SPREADS = 5.0
"""A change per hour above so many interquartile ranges of the hourly change is a spike."""
FLAT_VALUES = 12
"""So many equal values in a row are a flat line."""
OVERSATURATED = 1.5
"""Oxygen above so many times its saturation contradicts the temperature of the water."""


class QualityFlag(IntFlag):
    """The bits marks are stored as, in the order of `vocabulary.FLAGS`."""

    OUT_OF_RANGE = 1
    SPIKE = 2
    FLAT = 4
    INCONSISTENT = 8


def flag_codes(flags: int) -> list[str]:
    """The codes of stored marks."""
    return [term.code for bit, term in enumerate(FLAGS) if flags >> bit & 1]


def out_of_range(value: Values, low: Values, high: Values) -> Marks:
    """Values below `low` or above `high`, of one unit; a limit of NaN is none."""
    return (value < low) | (value > high)


def spikes(change: Values, elapsed_h: Values, spread: Values) -> Marks:
    """Changes since the value before that are too fast for the series.

    What changed within an hour counts as the change of an hour: the spread is that of hourly means,
    and the noise of a sensor read each minute is not sixty times as large.

    Args:
        change: Difference from the value before; NaN where there is none.
        elapsed_h: Hours since that value, above 0.
        spread: Interquartile range of the series' hourly change; NaN or 0 where it says nothing.
    """
    known = np.isfinite(change) & (spread > 0)
    with np.errstate(invalid="ignore"):
        rate = np.abs(change) / np.maximum(elapsed_h, 1.0)
        marked: Marks = known & (rate > SPIKE_SPREADS * spread)
    return marked


def equal_runs(
    value: Values, first: Marks, before: Values, run_before: Values
) -> NDArray[np.int64]:
    """How many values in a row, up to each one, are the same.

    Args:
        value: Values sorted by series and time.
        first: Where a series begins.
        before: The value that was stored before each series' first one, by row; NaN for none.
        run_before: How many were the same up to that one, by row.
    """
    size = len(value)
    same = np.zeros(size, np.bool_)
    same[1:] = (value[1:] == value[:-1]) & ~first[1:]
    begins = np.flatnonzero(~same)
    lengths = np.diff(np.append(begins, size))
    run = np.arange(size) - np.repeat(begins, lengths) + 1
    carried = np.where(first & (value == before), run_before, 0).astype(np.int64)
    longer: NDArray[np.int64] = run + np.repeat(carried[begins], lengths)
    return longer


def oxygen_saturation(temperature: Values) -> Values:
    """Oxygen fresh water can hold at sea level, mg/L, by its temperature in degrees Celsius.

    `468 / (31.6 + T)`, as GB 3838-2002 has it for 101.3 kPa; valid from 0 to 45 degrees.
    """
    saturated: Values = 468.0 / (31.6 + temperature)
    return saturated


def oversaturated(oxygen: Values, temperature: Values) -> Marks:
    """Oxygen in mg/L above 150 % of saturation; NaN is never marked."""
    with np.errstate(invalid="ignore"):
        marked: Marks = oxygen > OVERSATURATED * oxygen_saturation(temperature)
    return marked


def exceeds(part: Values, whole: Values) -> Marks:
    """A part above the whole that contains it; NaN is never marked."""
    return part > whole


RELATIONS = (
    ("pm25", "pm10", exceeds),
    ("permanganate_index", "cod", exceeds),
    ("dissolved_oxygen", "water_temperature", oversaturated),
)
"""Pairs of properties at one station and time, and what marks both (in the units of the two)."""
