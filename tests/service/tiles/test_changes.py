"""Following the log of changes: what is known at once, what is known when the line is cut."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shanhai.db.engine import FastReader, Sessions, open_quick_reader
from shanhai.db.tiles.simplification import prune_changes
from shanhai.settings import DatabaseSettings
from shanhai_tiles.layers.directory import READ, TRUSTED_S, ChangeTracker, following_changes
from tests.support.accounts import account_url
from tests.support.job_rows import add_region

Box = tuple[float, float, float, float]
HERE, THERE = (118.0, 24.4, 118.1, 24.5), (119.0, 25.0, 119.5, 25.5)
SOON_S = TRUSTED_S


@pytest.fixture(autouse=True)
async def here_and_there(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        for code, box in (("here", HERE), ("there", THERE)):
            await session.execute(text("DELETE FROM region WHERE code = :c"), {"c": code})
            await add_region(session, code, box=box)


def settings_of(url: str) -> DatabaseSettings:
    return DatabaseSettings(url=SecretStr(account_url(url, "tiles")), pool_size=2)


@pytest.fixture
async def changes(sessions: Sessions, database_url: str) -> AsyncIterator[ChangeTracker]:
    async with following_changes(settings_of(database_url), application="followed") as changes:
        await until(lambda: changes.current)
        yield changes


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[FastReader]:
    async with open_quick_reader(settings_of(database_url), application="test") as reader:
        yield reader


async def until(reached: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait for what is to happen."""
    async with asyncio.timeout(within_s):
        while not reached():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


async def rename(sessions: Sessions, code: str) -> None:
    async with sessions.begin() as session:
        statement = text("UPDATE region SET name_en = name_en || '.' WHERE code = :code")
        await session.execute(statement, {"code": code})


async def test_a_change_is_known_within_a_second_and_only_where_it_is(
    changes: ChangeTracker, sessions: Sessions
) -> None:
    here, there = changes.stamp("regions", HERE), changes.stamp("regions", THERE)
    version, zones = changes.version("regions"), changes.version("zones")
    await rename(sessions, "here")
    await until(lambda: changes.stamp("regions", HERE) != here, SOON_S)
    assert changes.stamp("regions", THERE) == there
    assert changes.version("regions") != version
    assert changes.version("zones") == zones


async def test_replicas_and_newcomers_agree(
    changes: ChangeTracker, sessions: Sessions, database_url: str, reader: FastReader
) -> None:
    before = changes.stamp("regions", HERE)
    await rename(sessions, "here")
    await until(lambda: changes.stamp("regions", HERE) != before)
    newcomer = ChangeTracker()
    await newcomer.catch_up(reader)
    for collection in ("regions", "zones", "datasets"):
        assert newcomer.stamp(collection, HERE) == changes.stamp(collection, HERE)
        assert newcomer.version(collection) == changes.version(collection)


async def test_a_change_that_commits_late_is_known_too(
    changes: ChangeTracker, sessions: Sessions
) -> None:
    """The first to draw a number is the last to commit."""
    touch = text("UPDATE region SET name_en = name_en || '.' WHERE code = :code")
    async with sessions() as slow:
        await slow.execute(touch, {"code": "here"})
        here, there = changes.stamp("regions", HERE), changes.stamp("regions", THERE)
        await rename(sessions, "there")
        await until(lambda: changes.stamp("regions", THERE) != there)
        assert changes.stamp("regions", HERE) == here
        await slow.commit()
    await until(lambda: changes.stamp("regions", HERE) != here, SOON_S)


async def test_without_its_connection_nothing_is_trusted(
    changes: ChangeTracker, sessions: Sessions, reader: FastReader
) -> None:
    kill = text(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name = 'followed' AND datname = current_database()"
    )
    async with sessions.begin() as session:
        assert (await session.execute(kill)).all()
    await until(lambda: not changes.current)
    await rename(sessions, "here")
    await changes.catch_up(reader)
    assert changes.current
    known = ChangeTracker()
    await known.catch_up(reader)
    assert changes.stamp("regions", HERE) == known.stamp("regions", HERE)
    before = changes.stamp("regions", HERE)
    await rename(sessions, "here")
    await until(lambda: changes.stamp("regions", HERE) != before)


async def test_what_was_read_long_ago_is_not_trusted(reader: FastReader) -> None:
    changes = ChangeTracker()
    await changes.catch_up(reader)
    known = [changes.current]
    changes._read_at = time.monotonic() - TRUSTED_S
    assert [*known, changes.current] == [True, False]


async def test_forgetting_changes_every_key_and_all_agree(
    changes: ChangeTracker, sessions: Sessions, reader: FastReader
) -> None:
    for _ in range(3):
        await rename(sessions, "here")
    await asyncio.sleep(0.1)
    before = changes.stamp("regions", THERE)
    zones = changes.version("zones")
    async with sessions.begin() as session:
        assert await prune_changes(session, most=2, kept=1) > 0
    await until(lambda: changes.current and changes.stamp("regions", THERE) != before)
    newcomer = ChangeTracker()
    await newcomer.catch_up(reader)
    assert newcomer.stamp("regions", HERE) == changes.stamp("regions", HERE)
    assert newcomer.version("zones") == changes.version("zones") == zones


async def test_a_reading_that_was_overtaken_takes_nothing_back(
    sessions: Sessions, reader: FastReader
) -> None:
    """A reading of before a pruning arrives after one of later."""
    await rename(sessions, "here")
    await rename(sessions, "here")
    changes = ChangeTracker()
    old = (await reader.execute(text(READ), {"horizon": 0})).all()
    async with sessions.begin() as session:
        assert await prune_changes(session, most=1, kept=1) > 0
    await changes.catch_up(reader)
    known = changes.version("regions")
    changes.take(old, 0, time.monotonic())
    assert changes.version("regions") == known


async def test_a_day_is_part_of_every_version(reader: FastReader) -> None:
    changes = ChangeTracker()
    await changes.catch_up(reader)
    regions, zones = changes.version("regions"), changes.version("zones")
    changes._today = changes._today.replace(year=2999)
    changes._versions.clear()
    assert changes.version("regions") != regions
    assert changes.version("zones") != zones, "a zoning can begin or end by day"
