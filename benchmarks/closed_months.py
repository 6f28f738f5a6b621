"""Values out of the file of a month, beside the same out of its partition; what closing takes."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from benchmarks.observation_reading import OF_A_STATION, ROWS, YEAR, asking, fill, rounds
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.db.engine import Sessions, create_engine, create_sessions
from shanhai.db.observations.archive import Closed, close_month
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings
from shanhai.storage.artifacts import LocalArtifacts

CLOSED = date(YEAR, 3, 1)
DAYS = f"{YEAR}-03-10/{YEAR}-03-20"
ASKED = (
    ("a page of values of a station", {"station": "read1", "datetime": DAYS, "limit": 100}, 100),
    (
        "ten days of a station",
        {"station": "read1", "datetime": DAYS, "limit": 10_000},
        11 * 288,
    ),
    ("a page of values of all stations", {"datetime": DAYS, "limit": 100}, 100),
)
SETUP = Setup(warm="plans of statements; days that are asked for differ", connections=(1, 1))


def run(bench: Workbench) -> Table:
    """Each answer over HTTP, before and after the month was closed."""
    stations = max(1, ROWS // OF_A_STATION)
    title = f"{stations * 31 * 288:,} rows of {stations:,} stations in a month"
    table = Table("closed months", title, "before it was closed", setup=SETUP)
    with asyncio.Runner() as loop:
        loop.run(fill(bench.stack.database_url, stations))
        asks = [
            (name, asking(bench.stack.api_url, bench.key, query, rows))
            for name, query, rows in ASKED
        ]
        before = [loop.run(rounds(ask)) for _, ask in asks]
        closed, copied, taken = loop.run(_close(bench))
        for (name, ask), live in zip(asks, before, strict=True):
            filed = loop.run(rounds(ask))
            table.rows.append(Row(name, Sample(tuple(filed)), Sample(tuple(live))))
        facts = {"bytes a row": closed.bytes / closed.rows, "rows a second": closed.rows / taken}
        row = Row("closing, to copying it out", Sample((taken,)), Sample((copied,)), facts=facts)
        table.rows.append(row)
    return table


async def _close(bench: Workbench) -> tuple[Closed, float, float]:
    """Close a month; the seconds of reading its rows alone, and of all of it."""
    url = SecretStr(bench.stack.database_url)
    engine = create_engine(DatabaseSettings(url=url), application="bench")
    sessions = create_sessions(engine)
    try:
        copied = await _timed(lambda: _copy_out(sessions))
        started = time.perf_counter()
        files = LocalArtifacts(bench.stack.home.artifacts)
        closed = await close_month(sessions, files, CLOSED)
        taken = time.perf_counter() - started
    finally:
        await engine.dispose()
    if closed is None:
        raise Unavailable(f"{CLOSED:%Y-%m} was not closed at {datetime.now(UTC):%H:%M}")
    return closed, copied, taken


async def _copy_out(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        raw: Any = (await (await session.connection()).get_raw_connection()).driver_connection

        async def forget(_: bytes) -> None:
            return

        await raw.copy_from_query(
            "SELECT * FROM observation_y2024m03 ORDER BY station_id, property_id, observed_at",
            output=forget,
            format="binary",
        )


async def _timed(work: Callable[[], Awaitable[None]]) -> float:
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started
