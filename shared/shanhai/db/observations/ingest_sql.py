"""The statements of the ingest path: what is stored already, and what is written.

They speak to asyncpg itself: a single observation needs half a dozen statements, and a million rows
go through a binary COPY made by NumPy. Arrays are sent as texts, which PostgreSQL reads faster than
asyncpg looks at each element. Times are whole microseconds all the way, since a datetime
for each of a million rows would take longer than storing them.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.db.observations.series import Mask, Sorted, StoredSeries
from shanhai.db.observations.validation import ResolvedRows, microseconds
from shanhai.monitoring.observation import NO_FEATURE, OF_STATION, UNTOLD, ObservedRows, series_keys

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970."""
NEVER = -(2**62)
PORTION_ROWS = 20_000
"""Rows one statement compares or revises: it must end within the time statements have."""
MANY_OF_SERIES = 8
"""Rows of a series from which on its stretch of time is looked at before each of them."""
COPIED_ROWS = 50_000
"""Rows of one COPY, for the same reason."""
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
COLUMNS = (
    *("observed_at", "value", "received_at", "station_id", "source_id"),
    *("property_id", "quality", "flags"),
)
TOLD_COLUMNS = ("result_time", "feature_id")
"""Those few rows have a value in."""
KEPT_COLUMNS = (
    *COLUMNS,
    "coalesce(result_time, '-infinity') AS result_time",
    f"coalesce(feature_id, {NO_FEATURE}) AS feature_id",
)
"""SQL of all columns, none of them null."""
_KINDS = {
    **dict.fromkeys(("observed_at", "received_at", "result_time"), ">i8"),
    **dict.fromkeys(("station_id", "source_id", "feature_id"), ">i4"),
    **dict.fromkeys(("property_id", "quality", "flags"), ">i2"),
    "value": ">f8",
}


def _row(columns: Sequence[str]) -> "np.dtype[np.void]":
    """What a row of COPY's binary format is: the number of columns, then length and value each."""
    of_columns = (
        field for name in columns for field in ((f"{name}_length", ">i4"), (name, _KINDS[name]))
    )
    return np.dtype([("columns", ">i2"), *of_columns])


ROW = _row((*COLUMNS, *TOLD_COLUMNS))
AT = "(timestamptz 'epoch' + {} * interval '1 microsecond')"
US = "(extract(epoch FROM {}) * 1000000)::bigint"

_ADD_SERIES = """
  INSERT INTO observation_latest
    (station_id, property_id, observed_at, value, received_at, quality, flags, equal_values)
  SELECT k.station_id, k.property_id, '-infinity', 'NaN', '-infinity', 0, 0, 0
    FROM unnest($1::text::int[], $2::text::smallint[]) AS k (station_id, property_id)
   WHERE NOT EXISTS (SELECT FROM observation_latest l
                      WHERE l.station_id = k.station_id AND l.property_id = k.property_id)
   ORDER BY 1, 2
  ON CONFLICT DO NOTHING
"""
_LOCK_SERIES = f"""
  SELECT CASE WHEN isfinite(l.observed_at) THEN {US.format("l.observed_at")} END AS time,
         l.value, l.quality, l.equal_values, l.hourly_spread,
         CASE WHEN r.station_id IS NULL THEN p.low ELSE r.low END AS low,
         CASE WHEN r.station_id IS NULL THEN p.high ELSE r.high END AS high
    FROM unnest($1::text::int[], $2::text::smallint[]) AS k (station_id, property_id)
         JOIN observation_latest l USING (station_id, property_id)
         JOIN observed_property p ON p.id = k.property_id
         LEFT JOIN station_range r
           ON r.station_id = k.station_id AND r.property_id = k.property_id
   ORDER BY l.station_id, l.property_id
     FOR UPDATE OF l
"""  # noqa: S608
_MOVED = """
  SELECT EXISTS (SELECT FROM datastream WHERE (station_id, former_property_id) IN (
                   SELECT * FROM unnest($1::text::int[], $2::text::smallint[])))
"""
_PRESENT = f"""
  SELECT k.row - 1 AS row, o.value, o.quality, {US.format("o.result_time")} AS result,
         o.feature_id
    FROM unnest($1::text::int[], $2::text::smallint[], $3::text::bigint[]) WITH ORDINALITY
           AS k (station_id, property_id, time, row)
         JOIN observation o ON o.station_id = k.station_id AND o.property_id = k.property_id
                           AND o.observed_at = {AT.format("k.time")}
"""  # noqa: S608
# A join might read the whole table; this looks into the index for each series.
_TOUCHED = f"""
  SELECT k.row - 1 AS row
    FROM unnest($1::text::int[], $2::text::smallint[], $3::text::bigint[], $4::text::bigint[])
           WITH ORDINALITY AS k (station_id, property_id, first, last, row),
         LATERAL (SELECT FROM observation o
                   WHERE o.station_id = k.station_id AND o.property_id = k.property_id
                     AND o.observed_at BETWEEN {AT.format("k.first")} AND {AT.format("k.last")}
                   LIMIT 1) o
"""  # noqa: S608
_GIVEN = f"""
  SELECT k.station_id, k.property_id, {AT.format("k.time")} AS observed_at, k.value, k.quality,
         k.flags, k.source_id, {AT.format("k.result")} AS result_time, k.feature_id
    FROM unnest($1::text::int[], $2::text::smallint[], $3::text::bigint[], $4::text::float8[],
                $5::text::smallint[], $6::text::smallint[], $7::text::int[], $8::text::bigint[],
                $9::text::int[])
           AS k (station_id, property_id, time, value, quality, flags, source_id, result,
                 feature_id)
"""  # noqa: S608
_REVISE = f"""
  WITH given AS ({_GIVEN}), kept AS (
    INSERT INTO observation_revision
      (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
       flags, result_time, feature_id)
    SELECT o.observed_at, o.value, o.received_at, $10, o.station_id, o.source_id, o.property_id,
           o.quality, o.flags, o.result_time, o.feature_id
      FROM given g JOIN observation o USING (station_id, property_id, observed_at)
  )
  UPDATE observation o
     SET value = g.value, quality = g.quality, flags = g.flags, received_at = $10,
         source_id = g.source_id, result_time = g.result_time,
         feature_id = nullif(coalesce(g.feature_id, o.feature_id), {OF_STATION})
    FROM given g
   WHERE o.station_id = g.station_id AND o.property_id = g.property_id
     AND o.observed_at = g.observed_at
"""  # noqa: S608
_KEEP_FORMER = f"""
  INSERT INTO observation_revision
    (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
     flags, result_time, feature_id)
  SELECT g.observed_at, g.value, $10, $10, g.station_id, g.source_id, g.property_id, g.quality,
         g.flags, g.result_time, nullif(g.feature_id, {OF_STATION})
    FROM ({_GIVEN}) g
"""  # noqa: S608
_FOLLOW_UP = f"""
  WITH newest AS (
    UPDATE observation_latest l
       SET observed_at = {AT.format("k.time")}, value = k.value, quality = k.quality,
           flags = k.flags, equal_values = k.equal_values, received_at = $9,
           result_time = {AT.format("k.result")}
      FROM unnest($1::text::int[], $2::text::smallint[], $3::text::bigint[], $4::text::float8[],
                  $5::text::smallint[], $6::text::smallint[], $7::text::smallint[],
                  $8::text::bigint[])
             AS k (station_id, property_id, time, value, quality, flags, equal_values, result)
     WHERE l.station_id = k.station_id AND l.property_id = k.property_id
  ), due AS (
    INSERT INTO rollup_due (station_id, property_id, day)
    SELECT * FROM unnest($10::text::int[], $11::text::smallint[], $12::text::date[])
    ON CONFLICT DO NOTHING
  ), told AS (
    INSERT INTO observation_change (station_id, property_id, first_at, last_at)
    SELECT k.station_id, k.property_id, {AT.format("k.first")}, {AT.format("k.last")}
      FROM unnest($13::text::int[], $14::text::smallint[], $15::text::bigint[], $16::text::bigint[])
             AS k (station_id, property_id, first, last)
  )
  SELECT
"""  # noqa: S608


Columns = list[list[Any]]
"""Columns of rows, as parameters of a statement."""


async def lock_series(raw: Any, given: Sorted) -> StoredSeries:
    """What is stored of each series, which nobody else writes until this transaction ends.

    Series are locked in their order: whoever waits for one holds none after it. New ones are made
    afterwards; if another makes the same one at that moment, PostgreSQL may have to end one of both
    for a deadlock, and it tries again.
    """
    keys = arrays((given.stations, given.properties))
    found = await raw.fetch(_LOCK_SERIES, *keys)
    if len(found) < len(given.begins):
        await raw.execute(_ADD_SERIES, *keys)
        found = await raw.fetch(_LOCK_SERIES, *keys)

    def column(name: str, missing: float = np.nan) -> NDArray[np.float64]:
        return np.array([missing if row[name] is None else row[name] for row in found], np.float64)

    return StoredSeries(
        np.array([NEVER if row["time"] is None else row["time"] for row in found], np.int64),
        column("value"),
        column("quality").astype(np.int16),
        column("equal_values").astype(np.int64),
        column("hourly_spread"),
        column("low"),
        column("high"),
    )


async def are_moved(raw: Any, given: Sorted) -> bool:
    """Whether some series are stored under another property now, as their unit does not convert."""
    return bool(await raw.fetchval(_MOVED, *arrays((given.stations, given.properties))))


@dataclass(frozen=True, slots=True)
class Present:
    """What is stored of some keys, as `ResolvedRows` have it."""

    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    result: NDArray[np.int64]
    feature: NDArray[np.int32]

    def differs_from(self, rows: ResolvedRows) -> Mask:
        """Which rows say something else; one that leaves out what was told before does not."""
        unlike: Mask = (rows.value != self.value) | (rows.quality != self.quality)
        unlike |= (rows.result != UNTOLD) & (rows.result != self.result)
        feature = np.maximum(rows.feature, NO_FEATURE)
        unlike |= (rows.feature != NO_FEATURE) & (feature != self.feature)
        return unlike


async def find_present(raw: Any, rows: ResolvedRows) -> tuple[NDArray[np.intp], Present]:
    """Which rows' keys are stored, and what of them."""
    found: list[Any] = []
    for start in range(0, len(rows), PORTION_ROWS):
        which = np.arange(start, min(start + PORTION_ROWS, len(rows)))
        which = which[await _may_be_present(raw, rows.take(which))]
        if not len(which):
            continue
        part = rows.take(which)
        keys = arrays((part.station.tolist(), part.property.tolist(), part.time.tolist()))
        found += [(which[row], *rest) for row, *rest in await raw.fetch(_PRESENT, *keys)]
    rows_of, values, qualities, results, features = zip(*found, strict=True) if found else [()] * 5
    return np.array(rows_of, np.intp), Present(
        np.array(values, np.float64),
        np.array(qualities, np.int16),
        np.array([UNTOLD if one is None else one for one in results], np.int64),
        np.array([one or NO_FEATURE for one in features], np.int32),
    )


async def _may_be_present(raw: Any, rows: ResolvedRows) -> Mask:
    """Which rows may be stored: where a series has many here, those with stored ones among them.

    Stretches that were filled by others meanwhile, or never, are looked at once, not by each row.
    """
    code = series_keys(rows.station, rows.property)
    begins = np.flatnonzero(np.append(True, code[1:] != code[:-1]))
    sizes = np.diff(np.append(begins, len(rows)))
    if len(rows) < MANY_OF_SERIES * len(begins):
        return np.ones(len(rows), np.bool_)
    first, last = (pick.reduceat(rows.time, begins) for pick in (np.minimum, np.maximum))
    columns = rows.station[begins], rows.property[begins], first, last
    found = await raw.fetch(_TOUCHED, *arrays([column.tolist() for column in columns]))
    touched = np.zeros(len(begins), np.bool_)
    touched[[row["row"] for row in found]] = True
    return np.repeat(touched, sizes)


async def copy_rows(
    raw: Any, rows: ResolvedRows, flags: NDArray[np.int16], received: datetime
) -> None:
    """Add rows whose keys are not stored yet."""
    for start in range(0, len(rows), COPIED_ROWS):
        which = np.arange(start, min(start + COPIED_ROWS, len(rows)))
        await copy_back(raw, _kept(rows.take(which), flags[which], received))


async def copy_back(raw: Any, rows: ObservedRows) -> None:
    """Add rows that were stored before, as they were; their keys are not stored."""
    for start in range(0, len(rows), COPIED_ROWS):
        for columns, part in _by_columns(rows.take(slice(start, start + COPIED_ROWS))):
            data = _whole(encode_observed(part, columns))
            await raw.copy_to_table("observation", source=data, columns=columns, format="binary")


async def _whole(data: bytes) -> AsyncIterator[bytes]:
    # A file would be read in a thread.
    yield data


def _kept(rows: ResolvedRows, flags: NDArray[np.int16], received: datetime) -> ObservedRows:
    return ObservedRows(
        rows.station,
        rows.property,
        rows.time,
        rows.value,
        np.full(len(rows), microseconds(received), np.int64),
        rows.source,
        rows.quality,
        flags,
        rows.result,
        np.maximum(rows.feature, NO_FEATURE),
    )


def _by_columns(rows: ObservedRows) -> Iterator[tuple[tuple[str, ...], ObservedRows]]:
    """Rows by the columns they have a value in: nearly always all of them at once."""
    has_result, has_feature = rows.result != UNTOLD, rows.feature != NO_FEATURE
    for told in ((), TOLD_COLUMNS[:1], TOLD_COLUMNS[1:], TOLD_COLUMNS):
        which = (has_result == (TOLD_COLUMNS[0] in told)) & (
            has_feature == (TOLD_COLUMNS[1] in told)
        )
        if which.any():
            yield (*COLUMNS, *told), rows if which.all() else rows.take(which)


def encode_observed(
    rows: ObservedRows, columns: Sequence[str] = (*COLUMNS, *TOLD_COLUMNS)
) -> bytes:
    """The rows in COPY's binary format."""
    table = np.empty(len(rows), _row(columns))
    table["columns"] = len(columns)
    untold = rows.result == UNTOLD
    values = {
        "observed_at": rows.time - POSTGRES_EPOCH_US,
        "value": rows.value,
        "received_at": rows.received - POSTGRES_EPOCH_US,
        "station_id": rows.station,
        "source_id": rows.source,
        "property_id": rows.property,
        "quality": rows.quality,
        "flags": rows.flags,
        "result_time": np.where(untold, UNTOLD, rows.result - POSTGRES_EPOCH_US),
        "feature_id": rows.feature,
    }
    for name in columns:
        table[f"{name}_length"] = ROW[name].itemsize
        table[name] = values[name]
    return b"".join((HEADER, table.tobytes(), TRAILER))


def decode_observed(data: bytes) -> ObservedRows:
    """Whole rows of COPY's binary format, without header and trailer."""
    table = np.frombuffer(data, ROW)
    result = table["result_time"].astype(np.int64)
    return ObservedRows(
        table["station_id"].astype(np.int32),
        table["property_id"].astype(np.int16),
        table["observed_at"].astype(np.int64) + POSTGRES_EPOCH_US,
        table["value"].astype(np.float64),
        table["received_at"].astype(np.int64) + POSTGRES_EPOCH_US,
        table["source_id"].astype(np.int32),
        table["quality"].astype(np.int16),
        table["flags"].astype(np.int16),
        np.where(result == UNTOLD, UNTOLD, result + POSTGRES_EPOCH_US),
        table["feature_id"].astype(np.int32),
    )


async def revise_rows(
    raw: Any, rows: ResolvedRows, flags: NDArray[np.int16], received: datetime
) -> None:
    """Give rows that are stored other values, and keep what they were."""
    await _in_portions(raw, _REVISE, rows, flags, received)


async def keep_former(raw: Any, rows: ResolvedRows, received: datetime) -> None:
    """Keep rows that another row of the same batch replaced before any was stored."""
    await _in_portions(raw, _KEEP_FORMER, rows, np.zeros(len(rows), np.int16), received)


async def _in_portions(
    raw: Any, statement: str, rows: ResolvedRows, flags: NDArray[np.int16], received: datetime
) -> None:
    for start in range(0, len(rows), PORTION_ROWS):
        which = np.arange(start, min(start + PORTION_ROWS, len(rows)))
        part = rows.take(which)
        told = _told(part.result, UNTOLD), _told(part.feature, NO_FEATURE)
        columns = (*_columns(part, flags[which]), part.source.tolist(), *told)
        await raw.execute(statement, *arrays(columns), received)


def latest_columns(
    given: Sorted, flags: NDArray[np.int16], equal_values: NDArray[np.int64], which: Mask
) -> Columns:
    """The last rows of some series, as newest values."""
    ends = given.ends[which]
    rows = given.rows.take(ends)
    return [*_columns(rows, flags[ends]), equal_values[ends].tolist(), _told(rows.result, UNTOLD)]


def _told(column: NDArray[Any], missing: int) -> list[int | None]:
    return [None if one == missing else one for one in column.tolist()]


def _columns(rows: ResolvedRows, flags: NDArray[np.int16]) -> Columns:
    columns = (rows.station, rows.property, rows.time, rows.value, rows.quality, flags)
    return [column.tolist() for column in columns]


async def follow_up(
    raw: Any, latest: Columns, days: Columns, changes: Columns, *, received: datetime
) -> None:
    """Bring up to date what is made of rows that were written.

    Args:
        latest: Newest values, as `latest_columns` gives them.
        days: Series and the days whose roll-ups are no longer right.
        changes: Series, and from when to when something changed, for those who follow.
    """
    later = arrays((*days, *changes))
    await raw.execute(_FOLLOW_UP, *arrays(latest), received, *later)


def arrays(columns: Iterable[Sequence[Any]]) -> list[str]:
    """Columns of numbers, days or nothing as PostgreSQL writes arrays."""
    return [
        f"{{{','.join(['NULL' if one is None else str(one) for one in column])}}}"
        for column in columns
    ]
