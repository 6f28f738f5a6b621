"""A worker says that it runs, and takes that back when it stops."""

import asyncio

from sqlalchemy import text

from shanhai import __version__
from shanhai.db.engine import Sessions
from shanhai_worker.context import WorkerContext
from shanhai_worker.periodic import tell_presence


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
