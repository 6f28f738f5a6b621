"""Observations that are taken back: in closed months too, and what is made of them follows."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.archive_restore import annul
from shanhai.db.observations.rollups import sum_up
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.observation_rows import (
    store_observations,
    stored_values,
)
from tests.support.workers import eventually

MARCH = datetime(2020, 3, 10, 12, tzinfo=UTC)
JUNE = datetime(2020, 6, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CHANGES = text("SELECT first_at, last_at FROM observation_change ORDER BY id")
NEWEST = text(
    "SELECT CASE WHEN isfinite(observed_at) THEN observed_at END, value FROM observation_latest"
)
FORMER = text("SELECT observed_at, value, result_time FROM observation_revision ORDER BY 1")

pytestmark = pytest.mark.usefixtures("one_station")


async def take_back(
    sessions: Sessions, files: LocalArtifacts, times: list[datetime] | None = None
) -> int:
    async with sessions.begin() as session:
        station = await session.scalar(text("SELECT id FROM station WHERE code = 'a'"))
        observed = await session.scalar(
            text("SELECT id FROM observed_property WHERE code = 'pm25'")
        )
        return await annul(session, files, station or 0, observed or 0, times)


async def stored(sessions: Sessions, files: LocalArtifacts, *times: datetime) -> None:
    rows = [
        FeedObservation("a", "pm25", time, number, result_time=time + HOUR)
        for number, time in enumerate(times, 1)
    ]
    await store_observations(sessions, rows, files=files)


async def test_a_value_of_a_closed_month_is_fetched_back_and_taken(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await stored(sessions, empty_store, MARCH, MARCH + HOUR, JUNE)
    async with sessions.begin() as session:
        await sum_up(session)
    assert await close_month(sessions, empty_store, date(2020, 3, 1))
    assert await take_back(sessions, empty_store, [MARCH + HOUR]) == 1
    assert await stored_values(sessions, "a", "pm25") == [(MARCH, 1), (JUNE, 3)]
    async with sessions.begin() as session:
        assert [tuple(row) for row in await session.execute(FORMER)] == [
            (MARCH + HOUR, 2, MARCH + 2 * HOUR)
        ]
        await sum_up(session)
        days = text("SELECT number, mean FROM observation_day ORDER BY starts_at")
        assert [tuple(row) for row in await session.execute(days)] == [(1, 1), (1, 3)]


async def test_the_newest_value_is_the_one_before_wherever_it_is(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await stored(sessions, empty_store, MARCH, JUNE)
    async with sessions.begin() as session:
        await sum_up(session)
    assert await close_month(sessions, empty_store, date(2020, 3, 1))
    assert await take_back(sessions, empty_store, [JUNE]) == 1
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(NEWEST)] == [(MARCH, 1)]
        changes = (await session.execute(CHANGES)).all()
        assert tuple(changes[-1]) == (JUNE, JUNE)


async def test_all_of_a_series_goes_and_it_begins_anew(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await stored(sessions, empty_store, MARCH, MARCH + HOUR, JUNE)
    async with sessions.begin() as session:
        await sum_up(session)
    assert await close_month(sessions, empty_store, date(2020, 3, 1))
    assert await take_back(sessions, empty_store) == 3
    assert await take_back(sessions, empty_store) == 0
    assert await stored_values(sessions, "a", "pm25") == []
    async with sessions() as session:
        [(at, _)] = await session.execute(NEWEST)
        assert at is None
    await stored(sessions, empty_store, MARCH)
    assert await stored_values(sessions, "a", "pm25") == [(MARCH, 1)]
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(NEWEST)] == [(MARCH, 1)]


async def test_too_many_at_once_are_refused(
    sessions: Sessions, empty_store: LocalArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.db.observations.archive_restore.MOST_ROWS", 2)
    await stored(sessions, empty_store, JUNE, JUNE + HOUR, JUNE + 2 * HOUR)
    with pytest.raises(LimitExceeded):
        await take_back(sessions, empty_store)
    assert len(await stored_values(sessions, "a", "pm25")) == 3


@pytest.mark.parametrize(
    ("gone", "newest"), [(MARCH, (JUNE, 3)), (JUNE, (MARCH + HOUR, 2))], ids=["older", "newest"]
)
async def test_the_newest_value_may_be_in_the_file_of_another_month(
    sessions: Sessions, empty_store: LocalArtifacts, gone: datetime, newest: tuple[datetime, float]
) -> None:
    times = [MARCH, MARCH + HOUR, JUNE]
    await stored(sessions, empty_store, *times)
    async with sessions.begin() as session:
        await sum_up(session)
    for month in (3, 6):
        assert await close_month(sessions, empty_store, date(2020, month, 1))
    assert await take_back(sessions, empty_store, [gone]) == 1
    async with sessions() as session:
        assert [tuple(row) for row in await session.execute(NEWEST)] == [newest]
    # What is sent again is there already.
    again = [
        FeedObservation("a", "pm25", time, number)
        for number, time in enumerate(times, 1)
        if time != gone
    ]
    outcome = await store_observations(sessions, again, files=empty_store)
    assert (outcome.accepted, outcome.duplicates, outcome.revised) == (0, 2, 0)


async def test_all_of_a_series_goes_of_a_month_that_is_being_closed_too(
    sessions: Sessions, empty_store: LocalArtifacts
) -> None:
    await stored(sessions, empty_store, MARCH)
    async with sessions.begin() as session:
        await sum_up(session)
    recorded = asyncio.Event()

    def tell(step: str) -> None:
        if step == "recorded":
            recorded.set()

    async with sessions() as reading, sessions() as watching, asyncio.TaskGroup() as group:
        # The month is not emptied before who reads it is done.
        await reading.execute(text("SELECT FROM observation_y2020m03"))
        closing = group.create_task(close_month(sessions, empty_store, date(2020, 3, 1), tell=tell))
        await recorded.wait()
        taking = group.create_task(take_back(sessions, empty_store))

        async def both_wait() -> bool:
            held = text(
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database"
                " WHERE d.datname = current_database() AND NOT l.granted"
            )
            return int(await watching.scalar(held) or 0) == 2

        await eventually(both_wait)
        await reading.rollback()
    assert closing.result()
    assert taking.result() == 1
    assert await stored_values(sessions, "a", "pm25") == []
    async with sessions() as session:
        assert await session.scalar(text("SELECT count(*) FROM archived_series")) == 0
