"""A worker says that it runs, and takes that back when it stops."""

import asyncio
from pathlib import Path

from sqlalchemy import text

from shanhai import __version__
from shanhai.db.engine import Sessions
from shanhai_worker.context import WorkerContext
from shanhai_worker.periodic import tell_presence
from tests.support.accounts import account_url
from tests.support.workers import start_workers


async def present(sessions: Sessions, name: str, *, gone: bool = False) -> tuple[str, int] | None:
    """What is told of a worker, once it is there, or is gone; None where that does not come."""
    query = text("SELECT version, slots FROM worker_presence WHERE name = :name")
    for _ in range(200):
        async with sessions() as session:
            row = (await session.execute(query, {"name": name})).first()
        if (row is None) == gone:
            break
        await asyncio.sleep(0.05)
    return None if row is None else (row.version, row.slots)


async def test_it_is_told_while_it_runs(context: WorkerContext, sessions: Sessions) -> None:
    telling = asyncio.create_task(tell_presence(context))
    assert await present(sessions, context.name) == (__version__, context.settings.slots)
    telling.cancel()
    await asyncio.wait({telling}, timeout=20)
    assert telling.cancelled()
    assert await present(sessions, context.name, gone=True) is None


async def test_a_running_worker_tells_it(worker: WorkerContext, sessions: Sessions) -> None:
    assert await present(sessions, worker.name) is not None


def test_an_account_that_is_no_workers_ends_the_start(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with start_workers(database_url, redis_url, tmp_path) as workers:
        process = workers.start(
            variables={"SHANHAI_DATABASE_URL": account_url(database_url, "api")}
        )
        assert process.wait(timeout=60) != 0
    told = (tmp_path / "worker.log").read_text()
    assert "SHANHAI_DATABASE_URL names the account shanhai_api" in told
