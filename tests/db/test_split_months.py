"""Months split by day and by hash of the station: stored, read and closed as whole ones are."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text

from shanhai.db.engine import Sessions
from shanhai.db.features.selection import Selection
from shanhai.db.identity import EVERYTHING
from shanhai.db.observations.archive import close_month
from shanhai.db.observations.queries import (
    SeriesQuery,
    Value,
    find_properties,
    find_stations,
    read_values,
)
from shanhai.db.observations.rollups import sum_up
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.job_rows import open_sessions
from tests.support.observation_rows import add_station, store_observations

STATIONS = ("a", "b", "c", "d")
START, END = datetime(2020, 3, 30, tzinfo=UTC), datetime(2020, 4, 3, tzinfo=UTC)
GIVEN = [
    FeedObservation(station, "pm25", START + timedelta(hours=hour), 20 + hour % 7)
    for hour in range(4 * 24)
    for station in STATIONS
]
PARTS = text("SELECT count(*) FROM pg_partition_tree('observation_y2020m03') WHERE isleaf")
FILLED = text(
    "SELECT count(DISTINCT tableoid) FROM observation WHERE observed_at < '2020-03-31 00:00+00'"
)


async def read(sessions: Sessions, files: LocalArtifacts) -> list[Value]:
    async with sessions() as session:
        stations = await find_stations(session, Selection(EVERYTHING), STATIONS)
        series = SeriesQuery(stations, await find_properties(session, ["pm25"]), START, END)
        return [row async for block in read_values(session, series, files) for row in block]


@pytest.mark.parametrize(
    ("days", "hashes", "parts"), [("on", 4, 124), ("off", 4, 4), ("on", 1, 31)]
)
async def test_they_are_as_whole_ones(
    fresh_database_url: str, empty_store: LocalArtifacts, days: str, hashes: int, parts: int
) -> None:
    name = fresh_database_url.rpartition("/")[2]
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        await session.execute(text(f"ALTER DATABASE {name} SET shanhai.observation_days = {days}"))
        told = f"ALTER DATABASE {name} SET shanhai.observation_hashes = {hashes}"
        await session.execute(text(told))
        for code in STATIONS:
            await add_station(session, code)
    async with open_sessions(fresh_database_url) as sessions:
        outcome = await store_observations(sessions, GIVEN, files=empty_store)
        assert outcome.accepted == len(GIVEN)
        again = await store_observations(sessions, GIVEN[:50], files=empty_store)
        assert again.duplicates == 50
        async with sessions() as session:
            assert await session.scalar(PARTS) == parts
            assert (await session.scalar(FILLED) > 1) == (hashes > 1)
        before = await read(sessions, empty_store)
        assert [row.at for row in before] == sorted(row.time for row in GIVEN)
        async with sessions.begin() as session:
            await sum_up(session, most=1_000)
        assert await close_month(sessions, empty_store, date(2020, 3, 1)) is not None
        assert await read(sessions, empty_store) == before
        late = [FeedObservation("a", "pm25", START + timedelta(minutes=30), 1.0)]
        await store_observations(sessions, late, files=empty_store)
        assert len(await read(sessions, empty_store)) == len(before) + 1
