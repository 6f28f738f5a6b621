"""Rows in the order of series and time, one for each key, compared with what is stored."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanhai.db.observations.code_lookup import KnownCodes, KnownProperty, KnownStation
from shanhai.db.observations.validation import EARLIEST, ResolvedRows, microseconds
from shanhai.monitoring import checks
from shanhai.monitoring.observation import VALID, FeedObservation
from shanhai.monitoring.units import conversion

HOUR_US = 3_600_000_000
LONGEST_RUN = 30_000
"""Equal values are counted so far: the number is kept in two bytes."""
Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sorted:
    """Rows by series and time, each key once: the last row that was given for it.

    Attributes:
        begins: Where each series begins.
        series: The number of each row's series.
        order: The rows as they were given, in the order of their keys: their numbers.
        key: The row that has the key of each of these.
        opens: Which of these are the first with their key.
        differs: Which of these differ from the one before them, which has the same key.
        former: The rows that were replaced, for the revisions, and the key each belongs to.
    """

    rows: ResolvedRows
    begins: Numbers
    series: Numbers
    order: Numbers
    key: Numbers
    opens: Mask
    differs: Mask
    former: ResolvedRows
    former_of: Numbers

    @property
    def stations(self) -> list[int]:
        """The station of each series."""
        listed: list[int] = self.rows.station[self.begins].tolist()
        return listed

    @property
    def properties(self) -> list[int]:
        """The property of each series."""
        listed: list[int] = self.rows.property[self.begins].tolist()
        return listed

    @property
    def ends(self) -> Numbers:
        """Where each series ends: the number of its last row."""
        return np.append(self.begins[1:], len(self.rows)) - 1


def sort_rows(rows: ResolvedRows) -> Sorted:
    """Rows in the order of their keys; of those with one key, the last that was given."""
    code = (rows.station.astype(np.int64) << 16) | rows.property.astype(np.int64)
    # Stable: rows with one key stay in the order they were given.
    order = np.lexsort((rows.time, code))
    code, rows = code[order], rows.take(order)
    opens = np.ones(len(rows), np.bool_)
    opens[1:] = (code[1:] != code[:-1]) | (rows.time[1:] != rows.time[:-1])
    key = np.cumsum(opens) - 1
    differs = np.zeros(len(rows), np.bool_)
    differs[1:] = ~opens[1:] & _differ(rows, np.s_[1:], np.s_[:-1])
    last = np.append(opens[1:], True)
    before_change = np.append(differs[1:], False)
    kept, code = (rows, code) if opens.all() else (rows.take(last), code[last])
    begin = np.ones(len(kept), np.bool_)
    begin[1:] = code[1:] != code[:-1]
    begins = np.flatnonzero(begin)
    series = np.cumsum(begin) - 1
    former = rows.take(before_change)
    return Sorted(kept, begins, series, order, key, opens, differs, former, key[before_change])


def _differ(rows: ResolvedRows, one: slice, other: slice) -> Mask:
    unlike = np.zeros(len(rows.value[one]), np.bool_)
    for column in (rows.value, rows.quality, rows.result, rows.feature):
        unlike |= column[one] != column[other]
    return unlike


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """What is stored of each series: its newest value, and what checks need to know.

    Attributes:
        time: Of the newest value; a very small number where there is none.
        low, high: The possible range at the station; NaN for none.
    """

    time: Numbers
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    equal_values: Numbers
    spread: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Marked:
    """What the checks of a batch found, by row.

    Attributes:
        ahead: The row is newer than all that is stored of its series.
    """

    flags: NDArray[np.int16]
    equal_values: Numbers
    ahead: Mask


def mark(given: Sorted, stored: StoredSeries, known: KnownCodes, partners: "Partners") -> Marked:
    """Check the rows; rate and flat line only in what continues a series.

    Late rows are checked for their own value: what lay between others when those were checked
    cannot be known from here, and marks are not taken back.
    """
    rows, series = given.rows, given.series
    ahead = rows.time > stored.time[series]
    flags = np.zeros(len(rows), np.int16)
    flags[checks.out_of_range(rows.value, stored.low[series], stored.high[series])] |= (
        checks.QualityFlag.OUT_OF_RANGE
    )
    first = _first_ahead(given, ahead)
    usable = rows.quality == VALID
    flags[_spikes(given, stored, first) & ahead & usable] |= checks.QualityFlag.SPIKE
    before = np.where(first & ahead, stored.value[series], np.nan)
    runs = checks.equal_runs(
        rows.value, first, before, stored.equal_values[series].astype(np.float64)
    )
    runs = np.minimum(runs, LONGEST_RUN)
    moving = np.isin(rows.property, [one.id for one in known.properties.values() if one.moves])
    flags[(runs >= checks.FLAT_VALUES) & moving & ahead & usable] |= checks.QualityFlag.FLAT
    flags[partners.contradicted(rows) & usable] |= checks.QualityFlag.INCONSISTENT
    return Marked(flags, runs, ahead)


def _first_ahead(given: Sorted, ahead: Mask) -> Mask:
    """The rows whose value before is the stored one, or none: the first of a series or of its new
    part."""
    first = np.zeros(len(ahead), np.bool_)
    first[given.begins] = True
    first[1:] |= ahead[1:] & ~ahead[:-1]
    return first


def _spikes(given: Sorted, stored: StoredSeries, first: Mask) -> Mask:
    rows, series = given.rows, given.series
    change, elapsed = np.full(len(rows), np.nan), np.ones(len(rows))
    change[1:] = rows.value[1:] - rows.value[:-1]
    elapsed[1:] = (rows.time[1:] - rows.time[:-1]) / HOUR_US
    sound = np.zeros(len(rows), np.bool_)
    sound[1:] = rows.quality[:-1] == VALID
    change[first] = rows.value[first] - stored.value[series[first]]
    elapsed[first] = (rows.time[first] - stored.time[series[first]]) / HOUR_US
    sound[first] = stored.quality[series[first]] == VALID
    return checks.spikes(np.where(sound, change, np.nan), elapsed, stored.spread[series])


@dataclass(frozen=True, slots=True)
class Partners:
    """Values of related properties at the stations and times of the rows; NaN where there is none.

    Attributes:
        values: By the number of the relation, then the values of its other side for each row.
    """

    values: tuple[tuple[int, int, NDArray[np.float64]], ...]

    def contradicted(self, rows: ResolvedRows) -> Mask:
        """The rows that contradict a related value."""
        marked = np.zeros(len(rows), np.bool_)
        for relation, side, partner in self.values:
            broken = checks.RELATIONS[relation][2]
            sides = (rows.value, partner) if side == 0 else (partner, rows.value)
            marked |= broken(*sides)
        return marked


def relations_of(rows: ResolvedRows, known: KnownCodes) -> list[tuple[int, int, int, int]]:
    """Which relations the rows take part in: its number, the side, the property, the other one."""
    present = set(np.unique(rows.property).tolist())
    found = []
    for number, (first, second, _) in enumerate(checks.RELATIONS):
        if first in known.related and second in known.related:
            pair = known.related[first].id, known.related[second].id
            found += [
                (number, side, pair[side], pair[1 - side])
                for side in (0, 1)
                if pair[side] in present
            ]
    return found


def partner_values(rows: ResolvedRows, own: int, other: int) -> NDArray[np.float64]:
    """The valid values the rows give for another property at the same station and time.

    Rows of properties other than `own` have none, and get NaN.
    """
    found = np.full(len(rows), np.nan)
    here = np.flatnonzero(rows.property == own)
    there = np.flatnonzero((rows.property == other) & (rows.quality == VALID))
    if not len(there):
        return found
    # One number for a station and a time; rows of one property are in the order of these already.
    times, rank = np.unique(rows.time, return_inverse=True)
    keys = rows.station.astype(np.int64) * len(times) + rank
    places = np.minimum(np.searchsorted(keys[there], keys[here]), len(there) - 1)
    match = keys[there[places]] == keys[here]
    found[here[match]] = rows.value[there[places[match]]]
    return found


Key = tuple[int, int]
"""Numbers of station and property."""


class NewestValue(NamedTuple):
    """The newest value of a series.

    Attributes:
        stamp: The transaction that wrote it; None where there is none.
        time: Microseconds of UTC since 1970; a very small number where there is none.
        equal_values: How many values up to this one were the same.
        spread: Interquartile range of the hourly change; NaN where it is not known.
    """

    stamp: int | None
    time: int
    value: float
    quality: int
    equal_values: int
    spread: float


class Partner(NamedTuple):
    """The other side of a relation of `checks.RELATIONS` at the same station.

    Attributes:
        side: Which side the series itself is: 0 or 1.
        stamp: The transaction that wrote the row of its property.
    """

    relation: int
    side: int
    key: Key
    stamp: int


@dataclass(frozen=True, slots=True)
class RememberedSeries:
    """A series as it is stored to.

    Attributes:
        unit: The unit its Datastream tells; empty for that of the property.
        low, high: The possible range; NaN for none.
        stamps: The transactions that wrote the rows of its station, property, range and Datastream.
    """

    station: KnownStation
    observed: KnownProperty
    unit: str
    low: float
    high: float
    stamps: tuple[int, int, int | None, int | None]
    partners: tuple[Partner, ...]

    @property
    def key(self) -> Key:
        """Its numbers."""
        return self.station.id, self.observed.id

    @property
    def earliest(self) -> int:
        """None older is taken, in microseconds since 1970."""
        lines = (self.station.starts, self.observed.since)
        return max((line for line in lines if line is not None), default=microseconds(EARLIEST))

    def value_of(self, row: FeedObservation) -> float | None:
        """The value in the unit of the property; None where its unit is none of this."""
        unit = self.unit or row.unit or ""
        if unit in {"", self.observed.unit}:
            return row.value
        how = conversion(unit, self.observed.unit)
        return None if how is None else float(how(row.value))  # type: ignore[arg-type]


def marks_of(series: RememberedSeries, before: NewestValue, value: NewestValue) -> int:
    """What `mark` would say of a value that follows another, but for contradictions."""
    flags = checks.QualityFlag(0)
    # The checks take single numbers as they take columns.
    limits: Any = value.value, series.low, series.high
    if checks.out_of_range(*limits):
        flags |= checks.QualityFlag.OUT_OF_RANGE
    if value.quality == VALID:
        if before.spread > 0 and before.quality == VALID:
            hours = (value.time - before.time) / HOUR_US
            change: Any = value.value - before.value, hours, before.spread
            if checks.spikes(*change):
                flags |= checks.QualityFlag.SPIKE
        if value.equal_values >= checks.FLAT_VALUES and series.observed.moves:
            flags |= checks.QualityFlag.FLAT
    return int(flags)
