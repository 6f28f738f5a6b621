"""Observations out: a year of hourly statistics of a station, the newest values of all, a page."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from os import environ
from urllib.parse import urlencode, urlsplit

import asyncpg
import numpy as np
import orjson
from pydantic import SecretStr

from benchmarks.http_load import AT_ONCE, read_answer
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.observations.partitions import make_months
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings

ROWS = int(environ.get("BENCH_STORED_OBSERVATIONS", "2000000"))
"""Rows stored, a year of values every five minutes of as many stations as that takes."""
YEAR = 2024
WHOLE = f"{YEAR}-01-01/{YEAR}-12-31"
OF_A_STATION = 366 * 288
NEWEST = 10_000
ROUNDS = 20
PROPERTY = "pm25"
YEAR_S, NEWEST_S, PAGE_S = 0.050, 0.100, 0.050
ADD_STATIONS = """
  INSERT INTO station (visibility, code, name_zh, name_en, kind, interval_s, geom)
  SELECT 'public', 'read' || n, '站 ' || n, 'Station ' || n, 'land', 300,
         ST_SetSRID(ST_MakePoint(118, 24.5), 4490)
    FROM generate_series(1, $1) n
"""
SERIES = """
  (SELECT s.id AS station_id, p.id AS property_id FROM station s, observed_property p
    WHERE s.code IN (SELECT 'read' || n FROM generate_series(1, {0}) n) AND p.code = 'pm25') series
"""
# In the order of time, as feeds send them.
ADD_VALUES = """
  INSERT INTO observation (observed_at, value, received_at, station_id, source_id, property_id,
                           quality, flags)
  SELECT at, extract(epoch FROM at)::bigint / 300 % 250 + station_id % 10, at, station_id, 1,
         property_id, 0, 0
    FROM generate_series($1::timestamptz, $2::timestamptz - interval '5 minutes',
                         interval '5 minutes') at, {series}
"""
ADD_HOURS = """
  INSERT INTO observation_hour
  SELECT station_id, property_id, at, 12, 30, 20, 40, 30, 39.5
    FROM {series}, generate_series($1::timestamptz, $2::timestamptz - interval '1 hour',
                                   interval '1 hour') at
"""
ADD_NEWEST = """
  INSERT INTO observation_latest (station_id, property_id, observed_at, value, received_at, quality,
                                  flags, equal_values)
  SELECT station_id, property_id, $1::timestamptz - interval '5 minutes', 30, $1, 0, 0, 1
    FROM {series}
"""
SETUP = Setup(
    warm="plans of statements; days that are asked for differ", connections=(1, 1), processes=(1, 0)
)


def run(bench: Workbench) -> Table:
    """Each answer over HTTP, beside the time it may take."""
    stations = max(1, ROWS // OF_A_STATION)
    title = f"{stations * OF_A_STATION:,} rows stored of {stations:,} stations"
    table = Table("observation reading", title, "the time it may take", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(fill(bench.stack.database_url, stations))
        asked = (
            (
                "a year of a station by hours",
                {"station": "read1", "every": "hour", "datetime": WHOLE, "limit": 10_000},
                366 * 24,
                YEAR_S,
            ),
            (
                f"newest values of {NEWEST:,} stations",
                {"latest": "true", "property": PROPERTY, "limit": NEWEST},
                NEWEST,
                NEWEST_S,
            ),
            (
                "a page of values of a station",
                {"station": "read1", "datetime": f"{YEAR}-06-01/..", "limit": 100},
                100,
                PAGE_S,
            ),
            (
                "a page of values of all stations",
                {"datetime": f"{YEAR}-06-01/..", "limit": 100},
                100,
                PAGE_S,
            ),
        )
        for name, query, rows, most_s in asked:
            ask = asking(bench.stack.api_url, bench.key, query, rows)
            taken = loop.run(rounds(ask))
            table.rows.append(
                Row(
                    name,
                    Sample((float(np.quantile(taken, 0.95)),)),
                    Sample((most_s,)),
                    target=1.0,
                    facts={"median ms": float(np.median(taken)) * 1e3},
                )
            )
    return table


async def rounds(ask: Callable[[], Awaitable[float]]) -> list[float]:
    """Seconds of some answers, after one that is not counted."""
    await ask()
    return [await ask() for _ in range(ROUNDS)]


def asking(
    base_url: str, key: str, query: dict[str, object], rows: int
) -> Callable[[], Awaitable[float]]:
    """What asks once over a connection of its own; the seconds until the last byte."""
    parts = urlsplit(base_url)
    head = (
        f"GET /observations?{urlencode(query)} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
        f"Authorization: Bearer {key}\r\n\r\n"
    )

    async def ask() -> float:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=AT_ONCE)
        started = time.perf_counter()
        writer.write(head.encode())
        _, answer = await read_answer(reader)
        taken = time.perf_counter() - started
        writer.close()
        found = len(orjson.loads(answer).get("observations", ()))
        if found != rows:
            raise Unavailable(f"{found} rows, not {rows}: {answer[:200]!r}")
        return taken

    return ask


async def fill(url: str, stations: int) -> None:
    """Store a year of values and hourly statistics of so many stations, and newest values of more.

    What is there already is left as it is.
    """
    zone_start = datetime(YEAR - 1, 12, 31, 16, tzinfo=UTC)
    zone_end = datetime(YEAR, 12, 31, 16, tzinfo=UTC)
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application="bench")
    try:
        async with create_sessions(engine).begin() as session:
            months = [date(YEAR, month, 1) for month in range(1, 13)]
            await make_months(session, [date(YEAR - 1, 12, 1), *months])
    finally:
        await engine.dispose()
    connection = await asyncpg.connect(url)
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM station WHERE code = 'read1')"):
            return
        own, newest = SERIES.format(stations), SERIES.format(NEWEST)
        await connection.execute(ADD_STATIONS, max(stations, NEWEST))
        await connection.execute(ADD_VALUES.format(series=own), zone_start, zone_end)
        await connection.execute(ADD_HOURS.format(series=own), zone_start, zone_end)
        await connection.execute(ADD_NEWEST.format(series=newest), zone_end)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()
