"""Series that are of another unit than was told: kept anew, in closed months too."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.rollups import sum_up
from shanhai.db.sensorthings.series_units import Restatement, Steps, restate
from shanhai.errors import LimitExceeded
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.observation_rows import (
    store_observations,
    stored_values,
)

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
