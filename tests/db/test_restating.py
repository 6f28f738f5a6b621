"""Series that are of another unit than was told: kept anew, in closed months too."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions, driver_transaction
from shanhai.db.observations import ingest_sql
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.ingest import IncomingBatch, Sender, store_all
from shanhai.db.observations.rollups import sum_up
from shanhai.db.queries.keys import OPERATOR
from shanhai.db.sensorthings.series_units import (
    Restatement,
    Steps,
    make_variant,
    relabel,
    restate,
)
from shanhai.db.sensorthings.write import StationSeries, update_series
from shanhai.db.tables.observation import ObservedProperty
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.observation_rows import (
    FEED,
    fetch,
    forget_observations,
    store_observations,
    stored_values,
)
from tests.support.workers import eventually

MARCH = datetime(2020, 3, 10, 12, tzinfo=UTC)
JUNE = datetime(2020, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
MILLI = (1.0, 0.0, 1000.0)
SERIES = text(
    "SELECT p.code, l.value, l.flags FROM observation_latest l JOIN observed_property p"
    " ON p.id = l.property_id WHERE isfinite(l.observed_at) ORDER BY 1"
)
DAYS = text(
    "SELECT p.code, d.mean FROM observation_day d JOIN observed_property p ON p.id = d.property_id"
    " ORDER BY d.starts_at, 1"
)

pytestmark = pytest.mark.usefixtures("one_station")


@pytest.fixture
async def store_with_a_month(sessions: Sessions, tmp_path: Path) -> LocalArtifacts:
    """A store with the file of a closed month, in which are two of the three values."""
    files = LocalArtifacts(tmp_path / "store")
    times = (MARCH, MARCH + HOUR, JUNE)
    rows = [FeedObservation("a", "pm25", time, 2000.0 * n) for n, time in enumerate(times, 1)]
    await store_observations(sessions, rows, files=files)
    async with sessions.begin() as session:
        await sum_up(session)
    assert await close_month(sessions, files, date(2020, 3, 1))
    return files


async def restated(
    sessions: Sessions, files: LocalArtifacts, now: str, was: Steps, steps: Steps
) -> int:
    async with sessions.begin() as session:
        station = await session.scalar(text("SELECT id FROM station WHERE code = 'a'"))
        query = text("SELECT id FROM observed_property WHERE code = :code")
        first, then = [await session.scalar(query, {"code": code}) for code in ("pm25", now)]
        change = Restatement(station or 0, first or 0, then or 0, was, steps)
        number = await restate(session, files, change)
        await sum_up(session)
        return number


async def test_values_follow_wherever_they_are(
    sessions: Sessions, store_with_a_month: LocalArtifacts
) -> None:
    assert await restated(sessions, store_with_a_month, "pm25", None, MILLI) == 3
    values = [value for _, value in await stored_values(sessions, "a", "pm25")]
    assert values == [2, 4, 6]
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(SERIES)] == [("pm25", 6, 0)]
        assert [tuple(row) for row in await session.execute(DAYS)] == [("pm25", 3), ("pm25", 6)]
        former = text("SELECT value FROM observation_revision ORDER BY observed_at")
        assert list(await session.scalars(former)) == [2000, 4000, 6000]
    # From milli to units of thousands: each told number is the same, and none is possible.
    assert await restated(sessions, store_with_a_month, "pm25", MILLI, (1000.0, 0.0, 1.0)) == 3
    values = [value for _, value in await stored_values(sessions, "a", "pm25")]
    assert values == [2e6, 4e6, 6e6]
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(SERIES)] == [("pm25", 6e6, 1)]


async def test_a_series_goes_to_another_property_whole(
    sessions: Sessions, store_with_a_month: LocalArtifacts
) -> None:
    assert await restated(sessions, store_with_a_month, "pm10", MILLI, None) == 3
    assert await stored_values(sessions, "a", "pm25") == []
    values = [value for _, value in await stored_values(sessions, "a", "pm10")]
    assert values == [2e6, 4e6, 6e6]
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(SERIES)] == [("pm10", 6e6, 1)]
        assert [tuple(row) for row in await session.execute(DAYS)] == []
        changed = text("SELECT count(DISTINCT property_id) FROM observation_change")
        assert await session.scalar(changed) == 2


@pytest.fixture
async def without_variants(sessions: Sessions, one_station: None) -> AsyncIterator[None]:
    """No property has a variant afterwards."""
    yield
    async with sessions.begin() as session:
        await forget_observations(session)
        await session.execute(text("DELETE FROM observed_property WHERE variant_of = 'pm25'"))
        await session.execute(text("UPDATE observed_property SET series_moved = false"))


async def corrected(session: AsyncSession, files: LocalArtifacts, symbol: str) -> None:
    """Tell another unit of pm25 at `a`, as a PATCH of its Datastream does."""

    async def make(observed: ObservedProperty) -> ObservedProperty:
        return await make_variant(session, OPERATOR, observed, symbol)

    station = await session.scalar(text("SELECT id FROM station WHERE code = 'a'"))
    of = await session.scalar(text("SELECT id FROM observed_property WHERE code = 'pm25'"))
    series = StationSeries("a", "pm25", station or 0, of or 0)
    told = {"name": "", "unit": {"name": "", "symbol": symbol, "definition": ""}}
    await update_series(session, OPERATOR, series, None, told)
    await relabel(session, OPERATOR, files, series, symbol, make)


@pytest.mark.usefixtures("without_variants")
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("symbol", ["ng/m3", "lm"])
async def test_what_comes_while_a_unit_is_corrected_is_kept_in_the_new_one(
    sessions: Sessions,
    empty_store: LocalArtifacts,
    monkeypatch: pytest.MonkeyPatch,
    symbol: str,
    waits: bool,
) -> None:
    """Values whose Datastream was read before the correction, and their lock taken after it."""
    await store_observations(sessions, [FeedObservation("a", "pm25", MARCH, 2000)])
    lock = ingest_sql.lock_series
    session = sessions()
    await session.begin()

    async def late(raw: Any, given: Any) -> Any:
        monkeypatch.setattr(ingest_sql, "lock_series", lock)
        await corrected(session, empty_store, symbol)
        if not waits:
            await session.commit()
            return await lock(raw, given)
        locking = asyncio.create_task(lock(raw, given))
        blocked = text(f"SELECT pg_blocking_pids({raw.get_server_pid()}) <> '{{}}'")

        async def waiting() -> bool:
            return bool(await session.scalar(blocked))

        await eventually(waiting)
        await session.commit()
        return await locking

    monkeypatch.setattr(ingest_sql, "lock_series", late)
    sender = Sender("sta", FEED)
    rows = [FeedObservation("a", "pm25", MARCH + HOUR, 4000)]
    sent = [
        IncomingBatch(rows, sender, by_series=True),
        IncomingBatch([rows[0]._replace(time=MARCH + 2 * HOUR)], sender),
    ]
    async with asyncio.timeout(30), driver_transaction(sessions) as transaction:
        outcomes = await store_all(transaction, sent, files=empty_store)
    await session.close()
    own = await stored_values(sessions, "a", "pm25")
    [(variant,)] = await fetch(
        sessions,
        "SELECT p.code FROM datastream d JOIN observed_property p ON p.id = d.property_id",
    )
    if symbol == "ng/m3":
        assert variant == "pm25"
        assert [value for _, value in own] == [2, 4, 4000]
    else:
        assert own == []
        moved = await stored_values(sessions, "a", variant)
        assert [value for _, value in moved] == [2000, 4000]
        assert [one.pointer for one in outcomes[1].rejected.told] == ["/property"]
    assert [one.accepted for one in outcomes] == [1, 1 if symbol == "ng/m3" else 0]


async def test_nothing_is_written_where_nothing_changes(
    sessions: Sessions, store_with_a_month: LocalArtifacts
) -> None:
    assert await restated(sessions, store_with_a_month, "pm25", MILLI, MILLI) == 0
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM observation_revision")) == 0


async def test_too_many_at_once_are_refused(
    sessions: Sessions, store_with_a_month: LocalArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.db.observations.archive_restore.MOST_ROWS", 2)
    with pytest.raises(LimitExceeded):
        await restated(sessions, store_with_a_month, "pm25", None, MILLI)
