"""The statements of the ingest path: what is stored already, and what is written.

They speak to asyncpg itself: a single observation needs half a dozen statements, and a million rows
go through a binary COPY made by NumPy. Times are whole microseconds all the way, since a datetime
for each of a million rows would take longer than storing them.
"""

from datetime import datetime
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shanhai.db.observations.judging import Rows, microseconds
from shanhai.db.observations.series import Mask, Sorted, Stored
from shanhai.monitoring.observed_rows import ObservedRows

POSTGRES_EPOCH_US = 946_684_800_000_000
"""2000-01-01, from which PostgreSQL counts, in microseconds since 1970."""
NEVER = -(2**62)
PORTION_ROWS = 20_000
"""Rows one statement compares or revises: it must end within the time statements have."""
COPIED_ROWS = 50_000
"""Rows of one COPY, for the same reason."""
HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
COLUMNS = (
    *("observed_at", "value", "received_at", "station_id", "source_id"),
    *("property_id", "quality", "flags"),
)
# What a row of COPY's binary format is for these columns: their number, then length and value each.
ROW = np.dtype(
    [
        ("columns", ">i2"),
        *(
            field
            for name, kind in zip(
                COLUMNS, (">i8", ">f8", ">i8", ">i4", ">i4", ">i2", ">i2", ">i2"), strict=True
            )
            for field in ((f"{name}_length", ">i4"), (name, kind))
        ),
    ]
)
_AT = "(timestamptz 'epoch' + {} * interval '1 microsecond')"
_US = "(extract(epoch FROM {}) * 1000000)::bigint"

_ADD_SERIES = """
  INSERT INTO observation_latest
    (station_id, property_id, observed_at, value, received_at, quality, flags, equal_values)
  SELECT k.station_id, k.property_id, '-infinity', 'NaN', '-infinity', 0, 0, 0
    FROM unnest($1::int[], $2::smallint[]) AS k (station_id, property_id)
   WHERE NOT EXISTS (SELECT FROM observation_latest l
                      WHERE l.station_id = k.station_id AND l.property_id = k.property_id)
   ORDER BY 1, 2
  ON CONFLICT DO NOTHING
"""
_LOCK_SERIES = f"""
  SELECT CASE WHEN isfinite(l.observed_at) THEN {_US.format("l.observed_at")} END AS time,
         l.value, l.quality, l.equal_values, l.hourly_spread,
         CASE WHEN r.station_id IS NULL THEN p.low ELSE r.low END AS low,
         CASE WHEN r.station_id IS NULL THEN p.high ELSE r.high END AS high
    FROM unnest($1::int[], $2::smallint[]) AS k (station_id, property_id)
         JOIN observation_latest l USING (station_id, property_id)
         JOIN observed_property p ON p.id = k.property_id
         LEFT JOIN station_range r
           ON r.station_id = k.station_id AND r.property_id = k.property_id
   ORDER BY l.station_id, l.property_id
     FOR UPDATE OF l
"""  # noqa: S608
_PRESENT = f"""
  SELECT k.row - 1 AS row, o.value, o.quality
    FROM unnest($1::int[], $2::smallint[], $3::bigint[]) WITH ORDINALITY
           AS k (station_id, property_id, time, row)
         JOIN observation o ON o.station_id = k.station_id AND o.property_id = k.property_id
                           AND o.observed_at = {_AT.format("k.time")}
"""  # noqa: S608
_GIVEN = f"""
  SELECT k.station_id, k.property_id, {_AT.format("k.time")} AS observed_at, k.value, k.quality,
         k.flags, k.source_id
    FROM unnest($1::int[], $2::smallint[], $3::bigint[], $4::float8[], $5::smallint[],
                $6::smallint[], $7::int[])
           AS k (station_id, property_id, time, value, quality, flags, source_id)
"""  # noqa: S608
_REVISE = f"""
  WITH given AS ({_GIVEN}), kept AS (
    INSERT INTO observation_revision
      (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
       flags)
    SELECT o.observed_at, o.value, o.received_at, $8, o.station_id, o.source_id, o.property_id,
           o.quality, o.flags
      FROM given g JOIN observation o USING (station_id, property_id, observed_at)
  )
  UPDATE observation o
     SET value = g.value, quality = g.quality, flags = g.flags, received_at = $8,
         source_id = g.source_id
    FROM given g
   WHERE o.station_id = g.station_id AND o.property_id = g.property_id
     AND o.observed_at = g.observed_at
"""  # noqa: S608
_KEEP_FORMER = f"""
  INSERT INTO observation_revision
    (observed_at, value, received_at, replaced_at, station_id, source_id, property_id, quality,
     flags)
  SELECT g.observed_at, g.value, $8, $8, g.station_id, g.source_id, g.property_id, g.quality,
         g.flags
    FROM ({_GIVEN}) g
"""  # noqa: S608
_FOLLOW_UP = f"""
  WITH newest AS (
    UPDATE observation_latest l
       SET observed_at = {_AT.format("k.time")}, value = k.value, quality = k.quality,
           flags = k.flags, equal_values = k.equal_values, received_at = $8
      FROM unnest($1::int[], $2::smallint[], $3::bigint[], $4::float8[], $5::smallint[],
                  $6::smallint[], $7::smallint[])
             AS k (station_id, property_id, time, value, quality, flags, equal_values)
     WHERE l.station_id = k.station_id AND l.property_id = k.property_id
  ), due AS (
    INSERT INTO rollup_due (station_id, property_id, day)
    SELECT * FROM unnest($9::int[], $10::smallint[], $11::date[])
    ON CONFLICT DO NOTHING
  ), told AS (
    INSERT INTO observation_change (station_id, property_id, first_at, last_at)
    SELECT k.station_id, k.property_id, {_AT.format("k.first")}, {_AT.format("k.last")}
      FROM unnest($12::int[], $13::smallint[], $14::bigint[], $15::bigint[])
             AS k (station_id, property_id, first, last)
  )
  SELECT pg_notify('shanhai_observations', '')
"""  # noqa: S608


Columns = list[list[Any]]
"""Columns of rows, as parameters of a statement."""


async def lock_series(raw: Any, given: Sorted) -> Stored:
    """What is stored of each series, which nobody else writes until this transaction ends.

    Series are made, and then locked, in their order: whoever waits for one holds none after it.
    """
    keys = given.stations, given.properties
    await raw.execute(_ADD_SERIES, *keys)
    found = await raw.fetch(_LOCK_SERIES, *keys)

    def column(name: str, missing: float = np.nan) -> NDArray[np.float64]:
        return np.array([missing if row[name] is None else row[name] for row in found], np.float64)

    return Stored(
        np.array([NEVER if row["time"] is None else row["time"] for row in found], np.int64),
        column("value"),
        column("quality").astype(np.int16),
        column("equal_values").astype(np.int64),
        column("hourly_spread"),
        column("low"),
        column("high"),
    )


async def find_present(
    raw: Any, rows: Rows
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.int16]]:
    """Which rows' keys are stored, and with what values and qualities."""
    found: list[Any] = []
    for start in range(0, len(rows), PORTION_ROWS):
        part = rows.take(np.arange(start, min(start + PORTION_ROWS, len(rows))))
        keys = part.station.tolist(), part.property.tolist(), part.time.tolist()
        found += [
            (start + row, value, quality)
            for row, value, quality in await raw.fetch(_PRESENT, *keys)
        ]
    return (
        np.array([row for row, _, _ in found], np.intp),
        np.array([value for _, value, _ in found], np.float64),
        np.array([quality for _, _, quality in found], np.int16),
    )


async def copy_rows(raw: Any, rows: Rows, flags: NDArray[np.int16], received: datetime) -> None:
    """Add rows whose keys are not stored yet."""
    for start in range(0, len(rows), COPIED_ROWS):
        which = np.arange(start, min(start + COPIED_ROWS, len(rows)))
        data = encode_rows(rows.take(which), flags[which], received)
        await raw.copy_to_table(
            "observation", source=BytesIO(data), columns=COLUMNS, format="binary"
        )


async def copy_back(raw: Any, rows: ObservedRows) -> None:
    """Add rows that were stored before, as they were; their keys are not stored."""
    for start in range(0, len(rows), COPIED_ROWS):
        data = encode_observed(rows.take(slice(start, start + COPIED_ROWS)))
        await raw.copy_to_table(
            "observation", source=BytesIO(data), columns=COLUMNS, format="binary"
        )


def encode_rows(rows: Rows, flags: NDArray[np.int16], received: datetime) -> bytes:
    """The rows in COPY's binary format."""
    arrived = np.full(len(rows), microseconds(received), np.int64)
    return encode_observed(
        ObservedRows(
            rows.station,
            rows.property,
            rows.time,
            rows.value,
            arrived,
            rows.source,
            rows.quality,
            flags,
        )
    )


def encode_observed(rows: ObservedRows) -> bytes:
    """The rows in COPY's binary format."""
    table = np.empty(len(rows), ROW)
    table["columns"] = len(COLUMNS)
    values = {
        "observed_at": rows.time - POSTGRES_EPOCH_US,
        "value": rows.value,
        "received_at": rows.received - POSTGRES_EPOCH_US,
        "station_id": rows.station,
        "source_id": rows.source,
        "property_id": rows.property,
        "quality": rows.quality,
        "flags": rows.flags,
    }
    for name, column in values.items():
        table[f"{name}_length"] = ROW[name].itemsize
        table[name] = column
    return b"".join((HEADER, table.tobytes(), TRAILER))


def decode_observed(data: bytes) -> ObservedRows:
    """Whole rows of COPY's binary format, without header and trailer."""
    table = np.frombuffer(data, ROW)
    return ObservedRows(
        table["station_id"].astype(np.int32),
        table["property_id"].astype(np.int16),
        table["observed_at"].astype(np.int64) + POSTGRES_EPOCH_US,
        table["value"].astype(np.float64),
        table["received_at"].astype(np.int64) + POSTGRES_EPOCH_US,
        table["source_id"].astype(np.int32),
        table["quality"].astype(np.int16),
        table["flags"].astype(np.int16),
    )


async def revise_rows(raw: Any, rows: Rows, flags: NDArray[np.int16], received: datetime) -> None:
    """Give rows that are stored other values, and keep what they were."""
    await _in_portions(raw, _REVISE, rows, flags, received)


async def keep_former(raw: Any, rows: Rows, received: datetime) -> None:
    """Keep rows that another row of the same batch replaced before any was stored."""
    await _in_portions(raw, _KEEP_FORMER, rows, np.zeros(len(rows), np.int16), received)


async def _in_portions(
    raw: Any, statement: str, rows: Rows, flags: NDArray[np.int16], received: datetime
) -> None:
    for start in range(0, len(rows), PORTION_ROWS):
        which = np.arange(start, min(start + PORTION_ROWS, len(rows)))
        part = rows.take(which)
        await raw.execute(statement, *_columns(part, flags[which]), part.source.tolist(), received)


def latest_columns(
    given: Sorted, flags: NDArray[np.int16], equal_values: NDArray[np.int64], which: Mask
) -> Columns:
    """The last rows of some series, as newest values."""
    ends = given.ends[which]
    rows = given.rows.take(ends)
    return [*_columns(rows, flags[ends]), equal_values[ends].tolist()]


def _columns(rows: Rows, flags: NDArray[np.int16]) -> Columns:
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
    await raw.execute(_FOLLOW_UP, *latest, received, *days, *changes)
