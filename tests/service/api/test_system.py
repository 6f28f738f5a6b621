"""`/system`: workers with what they run, backups, and the replica."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text, update

from shanhai.db.queries.system_status import forget_worker, note_worker, put_mark, read_reach_s
from shanhai.db.tables.job import Job
from shanhai_api.kit.state import ServiceState
from tests.support.emptying import forget_rows
from tests.support.job_rows import submit_echo

NAME = "host.example.17.ab12"


@pytest.fixture(autouse=True)
async def nothing(state: ServiceState) -> None:
    async with state.sessions.begin() as session:
        await forget_rows(session, ["worker_presence", "backup_mark", "job"])


async def told(admin: httpx.AsyncClient) -> Mapping[str, Any]:
    answer = await admin.get("/system")
    assert answer.status_code == 200, answer.text
    found: Mapping[str, Any] = answer.json()
    return found


async def note(state: ServiceState, name: str = NAME) -> None:
    async with state.sessions.begin() as session:
        await note_worker(session, name, version="1.2.3", slots=2)


async def age(state: ServiceState, by: timedelta) -> None:
    """Make workers silent for as long."""
    aged = text("UPDATE worker_presence SET seen_at = clock_timestamp() - CAST(:by AS interval)")
    async with state.sessions.begin() as session:
        await session.execute(aged, {"by": by})


async def test_it_says_that_there_is_nothing(admin: httpx.AsyncClient) -> None:
    found = await told(admin)
    assert found["workers"] == []
    assert found["backups"] == {"base": None, "archive": None, "check": None}
    # Nobody has looked for a replica.
    assert (found["replica"], found["replica_seen"]) == (None, None)


async def test_workers_are_told_with_the_jobs_they_run(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    await note(state)
    await note(state, "other.18.cd34")
    mine, others, waiting = [await submit_echo(state.sessions, text) for text in "abc"]
    async with state.sessions.begin() as session:
        for job, worker in ((mine, NAME), (others, "lost.1.ff00")):
            running = {"status": "running", "worker": worker, "progress": 40}
            await session.execute(
                update(Job).where(Job.id == job).values(**running, started_at=datetime.now(UTC))
            )
        await session.execute(update(Job).where(Job.id == waiting).values(worker=NAME))
    found = {one["machine"]: one for one in (await told(admin))["workers"]}
    assert found.keys() == {"host.example", "other"}
    one = found["host.example"]
    assert (one["pid"], one["alive"], one["version"], one["slots"]) == (17, True, "1.2.3", 2)
    [job] = one["jobs"]
    assert (job["id"], job["process"], job["progress"]) == (str(mine), "echo", 40)
    assert job["started"]
    assert found["other"]["jobs"] == []


async def test_a_worker_that_says_nothing_is_lost_and_at_last_forgotten(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    await note(state)
    first = (await told(admin))["workers"][0]
    await note(state)
    again = (await told(admin))["workers"][0]
    assert again["began"] == first["began"]
    assert again["seen"] > first["seen"]
    for aged, expected in ((80, True), (100, False)):
        await age(state, timedelta(seconds=aged))
        found = await told(admin)
        assert [one["alive"] for one in found["workers"]] == [expected]
        assert (found["replica_seen"] is not None) == expected
    await age(state, timedelta(hours=25))
    await note(state, "other.18.cd34")
    assert [one["machine"] for one in (await told(admin))["workers"]] == ["other"]
    async with state.sessions.begin() as session:
        await forget_worker(session, "other.18.cd34")
    assert (await told(admin))["workers"] == []


async def test_backups_are_told_with_the_last_check(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    base = datetime(2026, 3, 1, 4, tzinfo=UTC)
    async with state.sessions.begin() as session:
        await put_mark(session, "base", base, {"name": "b"})
    assert (await told(admin))["backups"] == {
        "base": "2026-03-01T04:00:00.000Z",
        "archive": None,
        "check": None,
    }
    async with state.sessions.begin() as session:
        await put_mark(session, "archive", base + timedelta(hours=1), {"segment": "s"})
        detail = {"opened": True, "gaps": 2, "bases": 1}
        await put_mark(session, "verified", base + timedelta(hours=2), detail)
    assert (await told(admin))["backups"] == {
        "base": "2026-03-01T04:00:00.000Z",
        "archive": "2026-03-01T05:00:00.000Z",
        "check": {"at": "2026-03-01T06:00:00.000Z", "opened": True, "gaps": 2},
    }
    async with state.sessions() as session:
        # A check holds no change: it is no part whose reach is watched.
        assert (await read_reach_s(session)).keys() == {"base", "archive"}


async def test_the_replica_is_told_as_the_newest_worker_has_seen_it(
    admin: httpx.AsyncClient, state: ServiceState
) -> None:
    await note(state)
    found = await told(admin)
    assert found["replica"] is None
    assert found["replica_seen"] == found["workers"][0]["seen"]
    async with state.sessions.begin() as session:
        await session.execute(text("UPDATE worker_presence SET replica_lag_bytes = 4096"))
    assert (await told(admin))["replica"] == {"lag_bytes": 4096}


async def test_it_is_for_administrators(
    anonymous: httpx.AsyncClient, reader: httpx.AsyncClient, publisher: httpx.AsyncClient
) -> None:
    assert (await anonymous.get("/system")).status_code == 401
    for client in (reader, publisher):
        assert (await client.get("/system")).status_code == 403
