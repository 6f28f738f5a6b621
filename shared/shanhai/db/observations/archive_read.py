"""Read what is in the files of closed months, beside what their partitions have.

Which of the two has a series may change between two statements. So each statement that reads a
partition also tells the version of the month's file, and what was read of another one is read anew.
"""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import text

from shanhai.db.engine import Executor
from shanhai.db.observations.partitions import TimeRange, month_of, stretch_of
from shanhai.db.observations.validation import microseconds, moment
from shanhai.errors import NotFound, Unavailable
from shanhai.monitoring.observation import UNTOLD, ObservedRows, series_keys
from shanhai.storage.artifacts import ArtifactStore

if TYPE_CHECKING:
    from shanhai.vector.observation_file import RowFilter

AHEAD_ROWS = 100_000
"""Rows taken from a file at once by who reads on and on: a file is read through each time."""
_STATE = text("""
  SELECT a.version, a.uri,
         (SELECT array_agg(s.station_id) FROM archived_series s
           WHERE s.month = a.month AND s.station_id = ANY (CAST(:stations AS int[]))
             AND s.property_id = ANY (CAST(:properties AS smallint[]))) AS stations,
         (SELECT array_agg(s.property_id) FROM archived_series s
           WHERE s.month = a.month AND s.station_id = ANY (CAST(:stations AS int[]))
             AND s.property_id = ANY (CAST(:properties AS smallint[]))) AS properties
    FROM observation_archive a
   WHERE a.month = CAST(:month AS date)
""")


Spot = tuple[datetime, int, int]
"""A place in the order of time, then of series: a time, station and property."""
Row = tuple[datetime, int, int, float, int, int, datetime, datetime | None]
"""Time, station, property, value, quality, flags, when it was received, and when known."""


@dataclass(frozen=True, slots=True)
class Filed:
    """What the file of a month stands for, of some series.

    Attributes:
        version: None if there is no file.
        keys: The series that are in it, sorted.
    """

    version: int | None
    uri: str
    keys: NDArray[np.int64]

    def path(self, files: ArtifactStore) -> Path:
        """The file.

        Raises:
            Unavailable: it is not where it should be.
        """
        try:
            return files.local_path(self.uri)
        except NotFound as error:
            raise Unavailable(
                "a file of archived observations is missing from the store: " + self.uri,
                message_zh="存储中缺少观测归档文件：" + self.uri,
            ) from error


async def find_filed(
    asked: Executor, month: date, stations: Collection[int], properties: Collection[int]
) -> Filed:
    """What the file of a month has of some stations and properties."""
    bound = {"month": month, "stations": sorted(stations), "properties": sorted(properties)}
    rows = (await asked.execute(_STATE, bound)).all()
    if not rows:
        return Filed(None, "", np.empty(0, np.int64))
    row = rows[0]
    keys = series_keys(np.array(row.stations or []), np.array(row.properties or []))
    return Filed(row.version, row.uri, np.sort(keys))


class ArchivedMonths:
    """Hands out, in the order of time, what files have of some series.

    Args:
        ahead: How many rows it may read before they are asked for.
    """

    def __init__(
        self,
        asked: Executor,
        files: ArtifactStore,
        stations: Collection[int],
        properties: Collection[int],
        *,
        marked: bool,
        ahead: int = AHEAD_ROWS,
    ) -> None:
        self._asked, self._files = asked, files
        self._stations, self._properties = stations, properties
        self._marked = marked
        self._ahead = ahead
        self._month: date | None = None
        self._filed = Filed(None, "", np.empty(0, np.int64))
        self._held = _Held(ObservedRows.joined([]), 0, 0)

    def version(self, month: date) -> int | None:
        """The version of the month's file, as it was when this last looked; None without one."""
        return self._filed.version if month == self._month else None

    async def look(self, month: date) -> None:
        """Look anew what the month's file stands for."""
        self._filed = await find_filed(self._asked, month, self._stations, self._properties)
        self._month = month
        self._held = _Held(ObservedRows.joined([]), 0, 0)

    async def rows(self, within: TimeRange, after: Spot | None, most: int) -> list[Row]:
        """The first rows of a stretch of a month behind a place; of the version last seen."""
        month = month_of(within.start)
        if self.version(month) is None or not len(self._filed.keys):
            return []
        start, end = microseconds(within.start), microseconds(within.end)
        place = None
        if after is not None:
            place = (microseconds(after[0]), after[1], after[2])
            start = max(start, place[0])
        found = self._held.part(start, end, place, most)
        if found is None:
            self._held = await asyncio.to_thread(self._read, month, start, place, most)
            found = self._held.part(start, end, place, most)
        return [] if found is None else _told(found)

    def _read(
        self, month: date, start: int, after: tuple[int, int, int] | None, most: int
    ) -> "_Held":
        from shanhai.vector.observation_file import first_rows  # it loads pyarrow

        end = microseconds(stretch_of(month).end)
        size = max(most, self._ahead)
        wanted = self._wanted(start, end)
        rows = first_rows(self._filed.path(self._files), wanted, size, after=after)
        # Several rows may be of the last time, of which the file has more.
        return _Held(rows, start, int(rows.time[-1]) if len(rows) == size else end)

    def _wanted(self, start: int, end: int) -> "RowFilter":
        from shanhai.vector.observation_file import RowFilter

        return RowFilter(self._filed.keys, start, end, self._marked)


@dataclass(frozen=True, slots=True)
class _Held:
    """The rows there are from one time to before another, and some of that one."""

    rows: ObservedRows
    start: int
    end: int

    def part(
        self, start: int, end: int, after: tuple[int, int, int] | None, most: int
    ) -> ObservedRows | None:
        """The first of them; None if others may belong there."""
        if start < self.start:
            return None
        first, last = (int(np.searchsorted(self.rows.time, at)) for at in (start, end))
        if after is not None:
            first = max(first, self._behind(after))
        if last - first < most and end > self.end:
            return None
        return self.rows.take(slice(first, max(first, min(last, first + most))))

    def _behind(self, place: tuple[int, int, int]) -> int:
        """The number of the first row behind a place."""
        opens, ends = (
            int(np.searchsorted(self.rows.time, place[0], side)) for side in ("left", "right")
        )
        of_then = self.rows.take(slice(opens, ends)).keys()
        key = series_keys(np.array(place[1]), np.array(place[2]))
        return opens + int(np.searchsorted(of_then, key, "right"))


def _told(rows: ObservedRows) -> list[Row]:
    """Rows as they are read from the database."""
    return list(
        zip(
            [moment(at) for at in rows.time.tolist()],
            rows.station.tolist(),
            rows.property.tolist(),
            rows.value.tolist(),
            rows.quality.tolist(),
            rows.flags.tolist(),
            [moment(at) for at in rows.received.tolist()],
            [None if at == UNTOLD else moment(at) for at in rows.result.tolist()],
            strict=True,
        )
    )
