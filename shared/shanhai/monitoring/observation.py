"""Observations in columns: incoming batches, refused rows, and rows as they are stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanhai.vocabulary import QUALITIES

UNTOLD = np.iinfo(np.int64).min
"""In place of a time nobody told: as NumPy has it, and PostgreSQL's `-infinity`."""
NO_FEATURE = 0
"""In place of the number of a sampling feature where none was told."""
OF_STATION = -1
"""In place of it where a value was told to be of its station, and of no sampling feature."""


@dataclass(frozen=True, slots=True)
class ObservedRows:
    """Rows of observations, column by column, as they are kept.

    Attributes:
        station, property, source: Numbers of rows in the database.
        time, received: Microseconds of UTC since 1970.
        value: In the unit of the property; finite.
        quality, flags: As `observation` has them.
        result: When the value was known, in microseconds of UTC since 1970; `UNTOLD` for most.
        feature: The number of the sampling feature; `NO_FEATURE` for most.
    """

    station: NDArray[np.int32]
    property: NDArray[np.int16]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    received: NDArray[np.int64]
    source: NDArray[np.int32]
    quality: NDArray[np.int16]
    flags: NDArray[np.int16]
    result: NDArray[np.int64]
    feature: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.time)

    def keys(self) -> NDArray[np.int64]:
        """The series of each row, as `series_keys` has it."""
        return series_keys(self.station, self.property)

    def take(self, which: Any) -> "ObservedRows":
        """Some of the rows: by mask, by numbers, or a slice of them."""
        return ObservedRows(*(getattr(self, one.name)[which] for one in fields(self)))

    def packed(self) -> bytes:
        """The rows one after another: the same bytes for the same rows, however they came."""
        table = np.empty(len(self), PACKED)
        for one in fields(self):
            table[one.name] = getattr(self, one.name)
        return table.tobytes()

    @classmethod
    def joined(cls, parts: "list[ObservedRows]") -> "ObservedRows":
        """The parts one after another."""
        if not parts:
            return cls(*(np.empty(0, PACKED[one.name]) for one in fields(cls)))
        return cls(
            *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls))
        )


PACKED = np.dtype(
    [
        *(("station", "<i4"), ("property", "<i2"), ("time", "<i8"), ("value", "<f8")),
        *(("received", "<i8"), ("source", "<i4"), ("quality", "<i2"), ("flags", "<i2")),
        *(("result", "<i8"), ("feature", "<i4")),
    ]
)


def series_keys(station: NDArray[Any], property_: NDArray[Any]) -> NDArray[np.int64]:
    """One number for each pair, in the order of stations and properties."""
    return (station.astype(np.int64) << 16) | property_.astype(np.int64)


Times = NDArray[np.datetime64]
"""Microseconds of UTC, `datetime64[us]`."""
Whole = NDArray[np.int32]
VALID = 0
"""The quality of a value nobody doubts, as it is stored."""
LARGEST = 1e100
"""No value is kept that is further from zero: means are made of squares, which must be numbers."""
MOST_TOLD = 1000
"""Refused rows that are named one by one; the rest are counted."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_QUALITY_NUMBERS = {
    name: number
    for number, quality in enumerate(QUALITIES)
    for name in (quality.code, quality.letter)
}


def quality_number(name: str) -> int:
    """The number a quality is stored as, by its code or its letter in HJ 212.

    Raises:
        KeyError: there is no such quality.
    """
    return _QUALITY_NUMBERS[name]


class FeedObservation(NamedTuple):
    """One value, as a feed that brings few at a time tells it.

    Attributes:
        time: With its offset from UTC.
        unit: None for the unit of the property.
        quality: A code or letter of `vocabulary.QUALITIES`.
        result_time: When the value was known, with its offset from UTC; None where nobody tells.
        feature: The number of the sampling feature it is of, `OF_STATION`, or `NO_FEATURE`.
    """

    station: str
    property: str
    time: datetime
    value: float
    unit: str | None = None
    quality: str = "valid"
    result_time: datetime | None = None
    feature: int = NO_FEATURE


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that was refused: its number in the request, the member, and the rule it breaks."""

    index: int
    pointer: str
    detail: str
    detail_zh: str

    def told(self, lang: str) -> dict[str, int | str]:
        """As answers tell it, in `lang` (`zh` or `en`)."""
        detail = self.detail_zh if lang == "zh" else self.detail
        return {"index": self.index, "pointer": self.pointer, "detail": detail}


@dataclass(frozen=True, slots=True)
class Texts:
    """A column of few distinct texts: row `i` has `distinct[number[i]]`."""

    distinct: tuple[str, ...]
    number: Whole

    @classmethod
    def of(cls, texts: Sequence[str]) -> "Texts":
        """The column of the texts."""
        numbers = {text: number for number, text in enumerate(dict.fromkeys(texts))}
        return cls(
            tuple(numbers),
            np.fromiter(map(numbers.__getitem__, texts), np.int32, len(texts)),
        )

    @classmethod
    def joined(cls, parts: Sequence["Texts"]) -> "Texts":
        """The parts one after another."""
        numbers: dict[str, int] = {}
        for part in parts:
            for text in part.distinct:
                numbers.setdefault(text, len(numbers))
        moved = [
            np.array([numbers[text] for text in part.distinct], np.int32)[part.number]
            for part in parts
            if len(part.number)
        ]
        return cls(tuple(numbers), np.concatenate(moved) if moved else np.empty(0, np.int32))

    def take(self, which: NDArray[np.bool_]) -> "Texts":
        """Some of the rows."""
        return Texts(self.distinct, self.number[which])


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of observations as columns of one length.

    Attributes:
        unit: Empty for the unit of the property.
        quality: Numbers in `vocabulary.QUALITIES`.
        index: The number of each row in the request, from 0.
        result_time: When each value was known; not a time where nobody tells.
        feature: Numbers of sampling features.
    """

    station: Texts
    property: Texts
    time: Times
    value: NDArray[np.float64]
    unit: Texts
    quality: NDArray[np.int16]
    index: NDArray[np.int64]
    result_time: Times
    feature: Whole

    def __len__(self) -> int:
        return len(self.value)

    @classmethod
    def of(cls, rows: Sequence[FeedObservation]) -> "Batch":
        """The rows in their order, numbered from 0.

        Raises:
            KeyError: a quality there is not.
            ValueError: a time without its offset from UTC.
        """
        station, property_, time, value, unit, quality, result_time, feature = (
            zip(*rows, strict=True) if rows else ((),) * len(FeedObservation._fields)
        )
        return cls(
            Texts.of(station),
            Texts.of(property_),
            _times(time),
            np.array(value, np.float64),
            Texts.of([one or "" for one in unit]),
            np.array([quality_number(one) for one in quality], np.int16),
            np.arange(len(rows), dtype=np.int64),
            _times(result_time),
            np.array(feature, np.int32),
        )

    def take(self, which: NDArray[np.bool_]) -> "Batch":
        """Some of the rows, numbered as they were."""

        def some(column: Any) -> Any:
            return column.take(which) if isinstance(column, Texts) else column[which]

        return Batch(*(some(getattr(self, one.name)) for one in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["Batch"]) -> "Batch":
        """The parts one after another."""
        return cls(
            Texts.joined([part.station for part in parts]),
            Texts.joined([part.property for part in parts]),
            np.concatenate([np.empty(0, "datetime64[us]"), *(part.time for part in parts)]),
            np.concatenate([np.empty(0, np.float64), *(part.value for part in parts)]),
            Texts.joined([part.unit for part in parts]),
            np.concatenate([np.empty(0, np.int16), *(part.quality for part in parts)]),
            np.concatenate([np.empty(0, np.int64), *(part.index for part in parts)]),
            np.concatenate([np.empty(0, "datetime64[us]"), *(part.result_time for part in parts)]),
            np.concatenate([np.empty(0, np.int32), *(part.feature for part in parts)]),
        )


def _times(column: Sequence[datetime | None]) -> Times:
    # A feed tells several values of one time.
    known = {time: _microseconds(time) for time in set(column)}
    return np.array([known[time] for time in column], np.int64).view("datetime64[us]")


def _microseconds(time: datetime | None) -> int:
    if time is None:
        return UNTOLD
    if time.tzinfo is None:
        raise ValueError(f"{time} has no offset from UTC")
    return (time - _EPOCH) // _MICROSECOND


@dataclass(slots=True)
class RefusedRows:
    """The rows that were refused: the first of them told, all of them counted."""

    number: int = 0
    told: list[Rejection] = field(default_factory=list)

    def add(self, rejections: Iterable[Rejection], *, untold: int = 0) -> None:
        """Note rows, and `untold` more that are only counted."""
        for rejection in rejections:
            self.number += 1
            if len(self.told) < MOST_TOLD:
                self.told.append(rejection)
        self.number += untold


@dataclass(frozen=True, slots=True)
class RefusedKind:
    """Rows of one station, or of an unknown one (None), refused for the same member.

    Attributes:
        detail: The rule that the last of them broke; `detail_zh` in Chinese.
        number: How many they are.
    """

    station: int | None
    pointer: str
    detail: str
    detail_zh: str
    number: int


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """What became of the rows of a batch: each is counted once.

    Attributes:
        accepted: New ones.
        duplicates: Those that were there already, with the same value.
        revised: Those that replaced another value, which is kept as a revision.
    """

    accepted: int
    duplicates: int
    revised: int
    rejected: RefusedRows
