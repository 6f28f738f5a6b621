"""Observations as they are kept, in columns: what is written to files of closed months."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

UNTOLD = np.iinfo(np.int64).min
"""In place of a time nobody told: as NumPy has it, and PostgreSQL's `-infinity`."""
NO_FEATURE = 0
"""In place of the number of a sampling feature where none was told."""


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
