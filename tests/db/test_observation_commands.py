"""`shanhai observations` on a database."""

import asyncio
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from sqlalchemy import text

from shanhai.db.observations.partitions import month_table
from shanhai.db.observations.rollups import sum_up
from shanhai.monitoring.observation import FeedObservation
from tests.support.job_rows import open_sessions
from tests.support.observation_rows import (
    add_station,
    forget_observations,
    store_observations,
)

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(run: Run) -> Run:
    """Runs one of the commands in question."""
    return partial(run, "observations")


async def prepare(database_url: str) -> None:
    start = datetime(2021, 5, 3, tzinfo=UTC)
    async with open_sessions(database_url) as sessions:
        async with sessions.begin() as session:
            await forget_observations(session)
            await add_station(session, "long-ago")
        given = [
            FeedObservation("long-ago", "pm25", start + timedelta(hours=hour), hour)
            for hour in range(5)
        ]
        await store_observations(sessions, given)
        async with sessions.begin() as session:
            await sum_up(session)


def test_a_month_is_archived_held_and_recalled(run: Run, database_url: str) -> None:
    asyncio.run(prepare(database_url))
    code, said = run("archive")
    assert (code, said.split()[:3]) == (0, ["2021-05", "5", "rows"])
    assert run("hold", "2021-05", "--reason", "inquiry 7") == (0, "")
    assert run("hold", "2021-05", "--reason", "again")[0] == 1
    listed, head = run("months")[1].splitlines()
    assert listed.split()[:3] == ["2021-05", "0", "5"]
    assert listed.endswith("inquiry 7")
    assert head.split() == ["month", "live", "archived", "bytes", "held"]
    assert run("release", "2021-05") == (0, "")
    assert run("release", "2021-05")[0] == 1
    assert run("recall", "2021-05") == (0, "5 rows\n")
    assert run("months")[1].split()[:4][:3] == ["2021-05", "5", "0"]


def test_a_month_that_is_written_to_is_told_in_words_of_ours(
    run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(prepare(database_url))
    monkeypatch.setenv("SHANHAI_DATABASE_STATEMENT_TIMEOUT_S", "0.5")

    table = month_table(date(2021, 5, 1))

    async def while_written_to() -> tuple[int, str]:
        async with open_sessions(database_url) as sessions, sessions.begin() as session:
            await session.execute(text(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE"))
            return await asyncio.to_thread(run, "archive")

    code, said = asyncio.run(while_written_to())
    assert code == 1
    assert "month 2021-05 cannot be put into a file now" in said
    assert "月份 2021-05 暂不能归档" in said


def test_a_database_that_is_away_is_told_in_words_of_ours(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_DATABASE_URL", "postgresql+asyncpg://one:two@127.0.0.1:1/three")
    code, said = run("archive")
    assert code == 1
    assert "the database of SHANHAI_DATABASE_URL does not answer or refuses us" in said


@pytest.mark.parametrize("written", ["2021-13", "May", "0000-01", "2021-05-01"])
def test_what_is_no_month_is_refused(run: Run, written: str) -> None:
    code, said = run("archive", written)
    assert code == 1
    assert "month must be written like 2024-03" in said
