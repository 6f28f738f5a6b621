"""Observations read back: values, statistics, newest values, in the order of time.

Each statement is short and stands for itself: who reads slowly keeps nothing open.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache, partial
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text

from shanhai.db.collections.data_sources import STATIONS
from shanhai.db.engine import PLAN_ANEW, Executor
from shanhai.db.features.selection import Selection, bound_values, conditions
from shanhai.db.observations import partitions
from shanhai.db.observations.archive_read import AHEAD_ROWS, ArchivedMonths
from shanhai.db.observations.rollups import Every, Rollup, buckets_sql
from shanhai.errors import InvalidInput, Unavailable
from shanhai.monitoring.observation import VALID
from shanhai.storage.artifacts import ArtifactStore

STEPS: Mapping[Every | None, timedelta] = {
    None: timedelta(hours=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "month": timedelta(days=30),
}
"""How often a series has a row: certain of statistics, a guess of values."""
OBSERVED = replace(STATIONS, current="true")
"""Stations with those that are closed by now: what they observed is read as ever."""
SHORTEST_WIDE = timedelta(minutes=10)
"""The shortest stretch that values of many series are read in: most of the time of such a statement
goes into planning, and into sending as many stations as are named."""
BLOCK = 5_000
"""Rows of one statement when no number is asked for."""
LONGEST_BLOCK = 10_001
"""Rows of the longest page, and one more that tells whether there are others."""
MANY_SERIES = 50
"""From so many on, the best way to their values depends on how many they are."""
MANY_STATIONS = 1_000
"""More are looked up in a hash table, row by row: planning an array of them takes milliseconds."""
EARLIEST = datetime(1950, 1, 1, tzinfo=UTC)
TRIES = 5
"""How often a month is read that is put into a file, or fetched back from it, at that moment."""
GAP_INTERVALS = 3
"""A station that told nothing for so many of its intervals has a gap."""


class SeriesPosition(NamedTuple):
    """A place in the order of time, then of series."""

    at: datetime
    station_id: int
    property_id: int


class Value(NamedTuple):
    """An observation as it is kept."""

    at: datetime
    station_id: int
    property_id: int
    value: float
    quality: int
    flags: int
    received_at: datetime
    result_time: datetime | None


class FormerObservation(NamedTuple):
    """What an observation was before another value was sent for it."""

    at: datetime
    station_id: int
    property_id: int
    value: float
    quality: int
    flags: int
    received_at: datetime
    replaced_at: datetime
    result_time: datetime | None


class SeenStation(NamedTuple):
    """A station whose observations may be read; longitude and latitude where it has a place."""

    id: int
    code: str
    name_zh: str
    name_en: str
    interval_s: int | None
    longitude: float | None
    latitude: float | None

    def has_gap(self, newest: datetime, now: datetime) -> bool:
        """Whether nothing was told for longer than is usual."""
        if self.interval_s is None:
            return False
        return (now - newest).total_seconds() > GAP_INTERVALS * self.interval_s


@dataclass(frozen=True, slots=True)
class PropertySummary:
    """A property as those who read values need it."""

    id: int
    code: str
    name_zh: str
    name_en: str
    unit: str
    decimals: int
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class SeriesQuery:
    """Which series are asked for, and from when to before when.

    Attributes:
        stations: Their ids.
        marked: Only values that a check marked, or whose sender does not call them valid.
    """

    stations: Collection[int]
    properties: Mapping[int, PropertySummary]
    start: datetime
    end: datetime
    marked: bool = False

    def bound(self) -> dict[str, object]:
        """The values of the binds that all statements read."""
        return {"stations": sorted(self.stations), "properties": sorted(self.properties)}


_SERIES = (
    "{0}.station_id = ANY(CAST(:stations AS int[]))"
    " AND {0}.property_id = ANY(CAST(:properties AS smallint[]))"
)
# Without IS TRUE this would be a join, for which the table is read anew for each row.
_HASHED_SERIES = (
    "(x.station_id IN (SELECT unnest(CAST(:stations AS int[])))) IS TRUE"
    " AND x.property_id = ANY(CAST(:properties AS smallint[]))"
)
_AFTER = (
    "({0}, x.station_id, x.property_id)"
    " > (CAST(:after_at AS timestamptz), CAST(:after_station AS int), CAST(:after_property AS int))"
)
_MARKED = f"(x.flags <> 0 OR x.quality <> {VALID})"
_PROPERTIES = text(
    "SELECT id, code, name_zh, name_en, unit, decimals, low, high, hj525, aliases"
    " FROM observed_property ORDER BY id"
)
# Constants of this file; callers' values are bound.
_LATEST = text(
    "SELECT x.observed_at, x.station_id, x.property_id, x.value, x.quality, x.flags, x.received_at,"  # noqa: S608
    " x.result_time"
    f" FROM observation_latest x WHERE {_SERIES.format('x')}"
    " AND x.observed_at >= :start AND x.observed_at < :end"
    " AND (x.station_id, x.property_id)"
    " > (CAST(:after_station AS int), CAST(:after_property AS int))"
    " ORDER BY x.station_id, x.property_id LIMIT :wanted"
)
_FORMER = text("""
  SELECT r.observed_at, r.station_id, r.property_id, r.value, r.quality, r.flags, r.received_at,
         r.replaced_at, r.result_time
    FROM unnest(CAST(:at AS timestamptz[]), CAST(:stations AS int[]),
                CAST(:properties AS smallint[])) AS k (observed_at, station_id, property_id)
    JOIN observation_revision r USING (observed_at, station_id, property_id)
   ORDER BY r.id
""")


async def find_stations(
    asked: Executor,
    selection: Selection,
    codes: Sequence[str] | None = None,
    *,
    ids: Collection[int] | None = None,
) -> dict[int, SeenStation]:
    """The stations of a selection that its viewer may know of: of certain codes or ids if given,
    closed or not, or else those that are not closed."""
    among = STATIONS if codes is None and ids is None else OBSERVED
    where = " AND ".join(f"({one})" for one in conditions(among, selection))
    values = bound_values(selection)
    if codes is not None:
        where += " AND sn.code = ANY(CAST(:codes AS text[]))"
        values["codes"] = list(codes)
    if ids is not None:
        where += " AND sn.id = ANY(CAST(:ids AS int[]))"
        values["ids"] = sorted(ids)
    query = text(
        "SELECT sn.id, sn.code, sn.name_zh, sn.name_en, sn.interval_s,"  # noqa: S608 - constants
        f" ST_X(sn.geom), ST_Y(sn.geom) FROM {STATIONS.source} WHERE {where}"
    )
    found = (await asked.execute(query, values)).all()
    return {row[0]: SeenStation(*row) for row in found}


async def find_station_ids(asked: Executor, selection: Selection) -> list[int]:
    """Ids of the stations of a selection, closed or not, that its viewer may know of, rising.

    In one row: a country's stations come in half the time that all they are would take.
    """
    where = " AND ".join(f"({one})" for one in conditions(OBSERVED, selection))
    query = text(
        "SELECT array_agg(sn.id ORDER BY sn.id)"  # noqa: S608 - constants
        f" FROM {STATIONS.source} WHERE {where}"
    )
    [row] = (await asked.execute(query, bound_values(selection))).all()
    ids: list[int] | None = row[0]
    return ids or []


async def find_properties(
    asked: Executor, names: Sequence[str] | None = None
) -> dict[int, PropertySummary]:
    """The properties some names mean, codes or others; all of them without names.

    Raises:
        InvalidInput: a name means none.
    """
    rows = (await asked.execute(_PROPERTIES, {})).all()
    wanted = {row.id for row in rows} if names is None else set[int]()
    for name in names or ():
        meant = [row.id for row in rows if name in {row.code, row.hj525, *row.aliases}]
        if not meant:
            raise InvalidInput(
                f"no property {name[:80]!r} is known; see /properties",
                message_zh=f"没有观测项目 {name[:80]!r}，见 /properties",
                pointer="property",
            )
        wanted.update(meant)
    return {row.id: PropertySummary(*tuple(row)[:8]) for row in rows if row.id in wanted}


async def read_values(
    asked: Executor,
    series: SeriesQuery,
    files: ArtifactStore,
    *,
    most: int | None = None,
    after: SeriesPosition | None = None,
) -> AsyncIterator[Sequence[Value]]:
    """Values in the order of time, station and property, block by block.

    Args:
        files: Where those of closed months are.
        most: How many; all of them without it.
        after: Those behind this place only.

    Raises:
        Unavailable: the file of a month is missing.
    """
    archived = ArchivedMonths(
        asked,
        files,
        series.stations,
        series.properties,
        marked=series.marked,
        ahead=AHEAD_ROWS if most is None else 0,
    )
    read = partial(_values, asked, series, archived)
    async for block in _walk(asked, series, None, read, most, after):
        yield [Value(*row[:8]) for row in block]


async def read_statistics(
    asked: Executor,
    series: SeriesQuery,
    every: Every,
    *,
    most: int | None = None,
    after: SeriesPosition | None = None,
) -> AsyncIterator[Sequence[Rollup]]:
    """Statistics by hour, day or month, in the order of time, station and property."""
    read = partial(_statistics, asked, series, every)
    async for block in _walk(asked, series, every, read, most, after):
        yield [Rollup(*row) for row in block]


async def read_latest(
    asked: Executor, series: SeriesQuery, *, most: int, after: SeriesPosition | None = None
) -> list[Value]:
    """The newest value of each series, in the order of stations and properties."""
    values = {
        **series.bound(),
        "start": series.start,
        "end": series.end,
        "wanted": most,
        "after_station": 0 if after is None else after.station_id,
        "after_property": 0 if after is None else after.property_id,
    }
    return [Value(*row) for row in (await asked.execute(_LATEST, values)).all()]


async def read_former(
    asked: Executor, values: Sequence[Value]
) -> dict[SeriesPosition, list[FormerObservation]]:
    """What some observations were before, oldest first."""
    keys = {
        "at": [value.at for value in values],
        "stations": [value.station_id for value in values],
        "properties": [value.property_id for value in values],
    }
    found: dict[SeriesPosition, list[FormerObservation]] = {}
    for row in (await asked.execute(_FORMER, keys)).all():
        former = FormerObservation(*row)
        found.setdefault(SeriesPosition(*former[:3]), []).append(former)
    return found


async def _walk(
    asked: Executor,
    series: SeriesQuery,
    every: Every | None,
    read: Callable[[partitions.TimeRange, SeriesPosition | None, int], Awaitable[Sequence[Any]]],
    most: int | None,
    after: SeriesPosition | None,
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """Rows of one stretch after another, in blocks."""
    number = len(series.stations) * len(series.properties)
    months = await partitions.read_months(asked)
    if not number or not months:
        return
    start = series.start if after is None else max(series.start, after.at)
    walk = partitions.Walk(
        _wide(months, every),
        partitions.TimeRange(start, series.end),
        wanted=BLOCK if most is None else most,
        step=STEPS[every] / number,
        shortest=SHORTEST_WIDE if every is None and _is_wide(series) else partitions.SHORTEST,
    )
    left, behind = most, after
    while (left is None or left > 0) and (stretch := walk.next()):
        found = 0
        full = True
        while full and left != 0:
            size = BLOCK if left is None else min(left, LONGEST_BLOCK)
            rows = await read(stretch, behind, size)
            full = len(rows) == size
            if rows:
                found += len(rows)
                left = None if left is None else left - len(rows)
                behind = _place(rows[-1], every)
                yield rows
        walk.learn(found)


def _wide(months: Sequence[date], every: Every | None) -> list[partitions.TimeRange]:
    """Values are read month by month. A bucket may begin in the month before its first value."""
    stretches = [partitions.stretch_of(month) for month in months]
    if every is None:
        return stretches
    return [partitions.TimeRange(stretches[0].start - timedelta(days=32), stretches[-1].end)]


async def _values(
    asked: Executor,
    series: SeriesQuery,
    archived: ArchivedMonths,
    stretch: partitions.TimeRange,
    after: SeriesPosition | None,
    size: int,
) -> Sequence[Sequence[Any]]:
    """Values of one month: of its partition, and of its file where it has one."""
    month = partitions.month_of(stretch.start)
    hashed = len(series.stations) > MANY_STATIONS
    query = _values_query(month, series.marked, _is_wide(series), hashed)
    for _ in range(TRIES):
        found = (await asked.execute(query, _binds(series, stretch, after, size))).all()
        rows = [row for row in found if row[0] is not None]
        version = next((row[8] for row in reversed(found) if row[0] is None), None)
        if version is None:
            return rows
        if version == archived.version(month):
            filed = await archived.rows(stretch, after, size)
            return sorted((*rows, *filed), key=lambda row: row[:3])[:size] if filed else rows
        await archived.look(month)
    raise Unavailable(
        f"the observations of {month:%Y-%m} are being put into a file; try again",
        message_zh=f"{month:%Y-%m} 的观测数据正在归档，请稍后重试",
    )


async def _statistics(
    asked: Executor,
    series: SeriesQuery,
    every: Every,
    stretch: partitions.TimeRange,
    after: SeriesPosition | None,
    size: int,
) -> Sequence[Sequence[Any]]:
    query = _statistics_query(every, _is_wide(series))
    return (await asked.execute(query, _binds(series, stretch, after, size))).all()


def _is_wide(series: SeriesQuery) -> bool:
    return len(series.stations) * len(series.properties) > MANY_SERIES


def _binds(
    series: SeriesQuery, stretch: partitions.TimeRange, after: SeriesPosition | None, size: int
) -> Mapping[str, object]:
    return {
        **series.bound(),
        "start": stretch.start,
        "end": stretch.end,
        "size": size,
        "after_at": EARLIEST if after is None else after.at,
        "after_station": 0 if after is None else after.station_id,
        "after_property": 0 if after is None else after.property_id,
    }


@lru_cache(maxsize=1024)
def _values_query(month: date, marked: bool, wide: bool, hashed: bool) -> TextClause:
    """What reads the table of a month, by itself: planning all months would take longer.

    If the month has a file, one more row without a time tells its version: only one statement sees
    both as they are at one moment.
    """
    return _planned(
        "(SELECT x.observed_at, x.station_id, x.property_id, x.value, x.quality, x.flags,"  # noqa: S608
        " x.received_at, x.result_time, CAST(NULL AS bigint) AS version"
        f" FROM {partitions.month_table(month)} x"
        f" WHERE {_HASHED_SERIES if hashed else _SERIES.format('x')}"
        " AND x.observed_at >= CAST(:start AS timestamptz)"
        " AND x.observed_at < CAST(:end AS timestamptz)"
        f" AND {_AFTER.format('x.observed_at')}{' AND ' + _MARKED if marked else ''}"
        " ORDER BY x.observed_at, x.station_id, x.property_id LIMIT :size)"
        " UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, a.version"
        f" FROM observation_archive a WHERE a.month = DATE '{month}'",
        wide,
    )


@lru_cache
def _statistics_query(every: Every, wide: bool) -> TextClause:
    return _planned(
        f"SELECT x.* FROM ({buckets_sql(every)}) x WHERE {_AFTER.format('x.starts_at')}"  # noqa: S608
        " ORDER BY x.starts_at, x.station_id, x.property_id LIMIT :size",
        wide,
    )


def _planned(sql: str, wide: bool) -> TextClause:
    return text(sql).execution_options(**{PLAN_ANEW: wide})


def _place(row: Sequence[Any], every: Every | None) -> SeriesPosition:
    return SeriesPosition(*row[:3]) if every is None else SeriesPosition(row[2], row[0], row[1])
