"""Months split by day and by hash of the station: stored, read and closed as whole ones are."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.cli.doctor import check_months
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
from shanhai.errors import Unavailable
from shanhai.monitoring.observation import FeedObservation
from shanhai.storage.artifacts import LocalArtifacts
from tests.support.accounts import account_url
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


async def set_split(session: AsyncSession, name: str, days: str, hashes: str) -> None:
    for setting, value in (("days", days), ("hashes", hashes)):
        told = f"ALTER DATABASE {name} SET shanhai.observation_{setting} = '{value}'"
        await session.execute(text(told))


@pytest.mark.parametrize(
    ("days", "hashes", "parts"), [("on", 4, 124), ("off", 4, 4), ("on", 1, 31)]
)
async def test_they_are_as_whole_ones(
    fresh_database_url: str, empty_store: LocalArtifacts, days: str, hashes: int, parts: int
) -> None:
    name = fresh_database_url.rpartition("/")[2]
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        await set_split(session, name, days, str(hashes))
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


@pytest.mark.parametrize(
    ("days", "hashes", "told", "parts"),
    [
        ("off", "abc", "observation_hashes is 'abc', no number up to 64: not split so", 1),
        ("on", "65", "observation_hashes is '65'", 31),
        ("maybe", "4", "observation_days is 'maybe', neither on nor off: not split so", 4),
        ("maybe", "-1", "neither on nor off; shanhai.observation_hashes is '-1'", 1),
        ("on", "4", "new months are split by day and in 4 by station", 124),
        ("off", "0", "new months are whole", 1),
    ],
)
async def test_values_that_cannot_be_used_are_told_and_stop_nothing(
    fresh_database_url: str,
    empty_store: LocalArtifacts,
    monkeypatch: pytest.MonkeyPatch,
    days: str,
    hashes: str,
    told: str,
    parts: int,
) -> None:
    name = fresh_database_url.rpartition("/")[2]
    async with open_sessions(fresh_database_url) as sessions, sessions.begin() as session:
        await set_split(session, name, days, hashes)
        await add_station(session, "a")
    async with open_sessions(fresh_database_url) as sessions:
        outcome = await store_observations(sessions, GIVEN[:1], files=empty_store)
        assert outcome.accepted == 1
        async with sessions() as session:
            assert await session.scalar(PARTS) == parts
    monkeypatch.setenv("SHANHAI_DATABASE_URL", account_url(fresh_database_url, "api"))
    try:
        said = await check_months()
    except Unavailable as error:
        said = error.message
    assert told in said
