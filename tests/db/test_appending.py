"""Series that are remembered and continued: what is stored is what batches store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.engine import Sessions, open_quick_writer
from shanhai.db.identity import Grant, Identity, KeyStamp
from shanhai.db.observations.appending import Appender
from shanhai.db.observations.feeds import GroupCommit
from shanhai.db.observations.ingest import IncomingBatch, Sender
from shanhai.monitoring.observation import BatchOutcome, FeedObservation
from shanhai.settings import DatabaseSettings
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import Role, Scope
from tests.support.observation_rows import (
    FEED,
    add_station,
    fetch,
    forget_observations,
    store_observations,
    stored_values,
)

SKEW = timedelta(minutes=5)
START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=9)
HOUR = timedelta(hours=1)
PROPERTIES = ("pm25", "pm10", "no2", "a34004", "water_temperature", "dissolved_oxygen")


@pytest.fixture
async def appender(database_url: str, sessions: Sessions) -> AsyncIterator[Appender]:
    """An appender that remembers nothing, on a database with the stations `a` and `b`."""
    async with sessions.begin() as session:
        await forget_observations(session)
        for code in ("a", "b"):
            await add_station(session, code)
    async with new_appender(database_url) as made:
        yield made


@asynccontextmanager
async def new_appender(database_url: str) -> AsyncIterator[Appender]:
    settings = DatabaseSettings(url=SecretStr(database_url))
    async with open_quick_writer(settings, application="tests", most=2) as connections:
        yield Appender(connections, SKEW)


def at_hour(
    number: float, value: float, station: str = "a", property_: str = "no2", **more: Any
) -> FeedObservation:
    return FeedObservation(station, property_, START + number * HOUR, value, **more)


async def append(
    appender: Appender, *given: FeedObservation, identity: Identity = FEED, by_series: bool = False
) -> BatchOutcome | None:
    delivery = IncomingBatch(given, Sender("http", identity), by_series=by_series)
    [outcome] = await appender.append([delivery])
    return outcome


async def execute(sessions: Sessions, statement: str) -> None:
    async with sessions.begin() as session:
        await session.execute(text(statement))


KEPT = """
  SELECT p.code, o.observed_at, o.value, o.quality, o.flags, o.result_time, o.feature_id, q.sender
    FROM observation o JOIN station s ON s.id = o.station_id
    JOIN observed_property p ON p.id = o.property_id JOIN observation_source q ON q.id = o.source_id
   WHERE s.code = '{}' ORDER BY 1, 2
"""
NEWEST = """
  SELECT p.code, l.observed_at, l.value, l.quality, l.flags, l.equal_values, l.result_time
    FROM observation_latest l JOIN station s ON s.id = l.station_id
    JOIN observed_property p ON p.id = l.property_id
   WHERE s.code = '{}' ORDER BY 1
"""
DUE = """
  SELECT d.property_id, d.day FROM rollup_due d JOIN station s ON s.id = d.station_id
   WHERE s.code = '{}' ORDER BY 1, 2
"""
TOLD = """
  SELECT c.property_id, c.first_at, c.last_at
    FROM observation_change c JOIN station s ON s.id = c.station_id
   WHERE s.code = '{}' ORDER BY c.property_id, c.id
"""


async def test_what_is_appended_is_what_the_other_way_stores(
    appender: Appender, sessions: Sessions
) -> None:
    """Random rows into `a` as here and into `b` as all batches go, some of both late or revised."""
    chance = Random(5)  # noqa: S311 - rows of a test
    appended = 0
    for step in range(120):
        given = random_rows(chance, step)
        outcome = await append(appender, *given)
        appended += outcome is not None
        twice = [one._replace(station="b") for one in given]
        received = datetime.now(UTC)
        expected = await store_observations(sessions, twice, received=received)
        if outcome is None:
            outcome = await store_observations(sessions, given, received=received)
        assert outcome == expected
        if step == 60:
            await execute(sessions, "UPDATE observation_latest SET hourly_spread = 1.5")
    assert appended > 60, appended
    for query in (KEPT, NEWEST, DUE, TOLD):
        own, other = [await fetch(sessions, query.format(code)) for code in "ab"]
        assert own == other
    flags = {row[4] for row in await fetch(sessions, KEPT.format("a"))}
    assert all(any(one & bit for one in flags) for bit in (1, 2, 4, 8))


def random_rows(chance: Random, step: int) -> list[FeedObservation]:
    number = step if chance.random() < 0.9 else chance.randrange(step + 1)
    found = []
    for code in chance.sample(PROPERTIES, chance.choice([1, 1, 2, 4])):
        value = chance.choice([3.0, 3.0, 3.0, 60.0, 12_000.0]) if step > 30 else 3.0
        unit = "mg/m3" if code == "no2" and chance.random() < 0.3 else None
        quality = "M" if chance.random() < 0.1 else "valid"
        late = START + (number + 0.5) * HOUR if chance.random() < 0.2 else None
        more: dict[str, Any] = {"unit": unit, "quality": quality, "result_time": late}
        found += [at_hour(number + part / 4, value, property_=code, **more) for part in range(2)]
    return found


async def learned(appender: Appender, sessions: Sessions) -> None:
    """Make the series of no2 at `a` one that is remembered."""
    await store_observations(sessions, [at_hour(0, 1)])
    assert await append(appender, at_hour(1, 2)) is not None


CHANGES: Sequence[tuple[str, FeedObservation]] = (
    ("UPDATE station SET deleted_at = now() WHERE code = 'a'", at_hour(2, 3)),
    ("UPDATE station SET code = 'z' WHERE code = 'a'", at_hour(2, 3)),
    ("UPDATE observed_property SET raw_since = now() WHERE code = 'no2'", at_hour(2, 3)),
    ("UPDATE observed_property SET series_moved = true WHERE code = 'no2'", at_hour(2, 3)),
    (
        "UPDATE observation_latest SET observed_at = observed_at + interval '1 day'",
        at_hour(2, 3),
    ),
)


@pytest.mark.parametrize(("change", "row"), CHANGES)
async def test_what_changed_meanwhile_is_noticed(
    appender: Appender, sessions: Sessions, change: str, row: FeedObservation
) -> None:
    await learned(appender, sessions)
    former = await fetch(sessions, "SELECT * FROM observed_property WHERE code = 'no2'")
    await execute(sessions, change)
    try:
        assert await append(appender, row) is None
        assert len(await fetch(sessions, "SELECT 1 FROM observation")) == 2
    finally:
        undo = "UPDATE observed_property SET raw_since = NULL, series_moved = false"
        await execute(sessions, f"{undo} WHERE code = 'no2'")
    assert former == [
        row[:]
        for row in await fetch(sessions, "SELECT * FROM observed_property WHERE code = 'no2'")
    ]


async def test_a_value_too_large_to_be_kept_is_not_appended(
    appender: Appender, sessions: Sessions
) -> None:
    await learned(appender, sessions)
    assert await append(appender, at_hour(2, 1e100)) is not None
    for value, unit in ((-1.1e100, None), (1e98, "mg/m3"), (1e307, "mg/m3")):
        assert await append(appender, at_hour(3, value, unit=unit)) is None
    assert len(await fetch(sessions, "SELECT 1 FROM observation")) == 3


async def test_a_range_and_a_unit_told_meanwhile_are_noticed(
    appender: Appender, sessions: Sessions
) -> None:
    await learned(appender, sessions)
    await execute(
        sessions,
        "INSERT INTO station_range SELECT s.id, p.id, 0, 5 FROM station s, observed_property p"
        " WHERE s.code = 'a' AND p.code = 'no2'",
    )
    assert await append(appender, at_hour(2, 6)) is not None
    assert await append(appender, at_hour(3, 4), by_series=True) is not None
    await execute(
        sessions,
        "INSERT INTO datastream (station_id, property_id, sensor_id, name, description, unit,"
        " conversion) SELECT s.id, p.id, 1, '', '', '{\"symbol\": \"mg/m3\"}', '{1000,1,0}'"
        " FROM station s, observed_property p WHERE s.code = 'a' AND p.code = 'no2'",
    )
    assert await append(appender, at_hour(4, 0.004), by_series=True) is not None
    found = await fetch(sessions, "SELECT value, flags FROM observation ORDER BY observed_at")
    assert found == [(1, 0), (2, 0), (6, 1), (4, 0), (4, 0)]


async def test_a_contradiction_stored_by_another_is_noticed(
    appender: Appender, sessions: Sessions
) -> None:
    await store_observations(sessions, [at_hour(0, 1, property_="pm25")])
    assert await append(appender, at_hour(1, 20, property_="pm25")) is not None
    await store_observations(sessions, [at_hour(2, 50, property_="pm10")])
    assert await append(appender, at_hour(2, 60, property_="pm25")) is not None
    # A value of the other side may lie before its newest one.
    await store_observations(sessions, [at_hour(9, 50, property_="pm10")])
    assert await append(appender, at_hour(3, 60, property_="pm25")) is None
    found = await fetch(sessions, KEPT.format("a"))
    assert [row[4] for row in found if row[0] == "pm25"] == [0, 0, 8]


async def test_who_may_not_observe_there_appends_nothing(
    appender: Appender, sessions: Sessions
) -> None:
    await learned(appender, sessions)
    elsewhere = Grant(Role.FEED, frozenset({-1}))
    narrow = Identity("key:feed", frozenset({Scope.OBSERVE}), (elsewhere,))
    assert await append(appender, at_hour(2, 3), identity=narrow) is None
    assert len(await fetch(sessions, "SELECT 1 FROM observation")) == 2


async def test_a_newest_value_that_was_taken_back_is_not_waited_for(
    appender: Appender, sessions: Sessions
) -> None:
    await learned(appender, sessions)
    back = "UPDATE observation_latest SET observed_at = observed_at - interval '1 hour'"
    await execute(sessions, back)
    await execute(sessions, f"DELETE FROM observation WHERE observed_at = '{START + HOUR}'")
    assert await append(appender, at_hour(0.5, 7)) is None
    assert await append(appender, at_hour(0.5, 7)) is not None


async def test_two_processes_that_append_to_one_series_lose_nothing(
    appender: Appender, sessions: Sessions, database_url: str
) -> None:
    await learned(appender, sessions)
    chance = Random(2)  # noqa: S311 - rows of a test
    values = {START: 1.0, START + HOUR: 2.0}

    async def send(own: Appender, first: int) -> None:
        for number in range(first, 160, 2):
            row = at_hour(number, chance.randrange(9))
            if await append(own, row) is None:
                await store_observations(sessions, [row])
            values[row.time] = row.value

    async with new_appender(database_url) as other, asyncio.timeout(60):
        await asyncio.gather(send(appender, 2), send(other, 3))
    assert await stored_values(sessions, "a", "no2") == sorted(values.items())
    newest = await fetch(sessions, "SELECT observed_at FROM observation_latest")
    assert newest == [(max(values),)]


async def test_values_of_a_station_keep_their_order_whatever_way_they_go(
    appender: Appender, sessions: Sessions
) -> None:
    await learned(appender, sessions)
    sender = Sender("http", FEED)
    given = [[at_hour(2, 3)], [at_hour(1, 9)], [at_hour(3, 4)], [at_hour(2, 3, station="b")]]
    outcomes = await appender.append([IncomingBatch(rows, sender) for rows in given])
    assert [one is not None for one in outcomes] == [True, False, False, False]


async def test_nothing_is_stored_for_a_presumed_sender_whom_nobody_confirms(
    appender: Appender, sessions: Sessions, tmp_path: Path
) -> None:
    presumed = replace(FEED, stamp=KeyStamp("nobodys1", 1))
    group = GroupCommit(sessions, skew=SKEW, files=LocalArtifacts(tmp_path), appender=appender)
    with pytest.raises(ValueError, match="must be confirmed"):
        await group.store(IncomingBatch([at_hour(0, 1)], Sender("http", presumed)))
    await group.close()
    assert await fetch(sessions, KEPT.format("a")) == []
