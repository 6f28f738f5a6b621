"""What a job costs besides its computation: from the request to the stored result."""

import asyncio
import time
from uuid import UUID

import orjson
from asyncpg import Connection, connect

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient

ROUNDS = 3
TOGETHER = 8
LOOK_S = 0.002

_PREPARE = "CREATE TABLE IF NOT EXISTS bare_job (id uuid PRIMARY KEY, status text, result jsonb)"
_INSERT = """INSERT INTO bare_job VALUES (gen_random_uuid(), 'accepted', NULL) RETURNING id"""
_UPDATE = "UPDATE bare_job SET status = 'successful', result = $2 WHERE id = $1"
_UNFINISHED = """SELECT count(*) FROM job
                  WHERE id = ANY($1) AND status NOT IN ('successful', 'failed', 'dismissed')"""
_FAILED = "SELECT count(*) FROM job WHERE id = ANY($1) AND status <> 'successful'"
SETUP = Setup(
    settings="two slots",
    warm="the worker, its fork server and its session",
    connections=(1, 1),
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """One `echo` after the other, and several at once."""
    table = Table("jobs", "echo, from the request to the result", "INSERT + UPDATE", setup=SETUP)
    with asyncio.Runner() as loop, ApiClient(bench.stack.api_url, bench.key) as api:
        connection = loop.run(connect(bench.stack.database_url))
        loop.run(connection.execute(_PREPARE))
        for together in (1, TOGETHER):
            table.rows.append(_compare(loop, api, connection, together))
        loop.run(connection.execute("DROP TABLE bare_job"))
        loop.run(connection.close())
    return table


def _compare(loop: asyncio.Runner, api: ApiClient, connection: Connection, together: int) -> Row:
    accepted: list[float] = []

    def ours(number: int) -> float:
        started = time.perf_counter()
        jobs = [_submit(api, f"{number}.{one}") for one in range(together)]
        accepted.append((time.perf_counter() - started) / together)
        loop.run(finished(connection, jobs))
        return (time.perf_counter() - started) / together

    def floor(number: int) -> float:
        return seconds_of(lambda: loop.run(_bare(connection, together)), operations=together)

    samples = alternate(ours, floor, rounds=ROUNDS)
    accept_ms = 1000 * sorted(accepted)[len(accepted) // 2]
    what = "one at a time" if together == 1 else f"{together} at once, each"
    return Row(what, *samples, facts={"until accepted, ms": accept_ms})


def _submit(api: ApiClient, message: str) -> UUID:
    return UUID(api.submit("echo", {"message": message}).id)


async def finished(connection: Connection, jobs: list[UUID]) -> None:
    """Wait for the end of jobs without asking the API.

    Raises:
        RuntimeError: Some failed.
    """
    while await connection.fetchval(_UNFINISHED, jobs):  # noqa: ASYNC110  another process ends it
        await asyncio.sleep(LOOK_S)
    failed = await connection.fetchval(_FAILED, jobs)
    if failed:
        raise RuntimeError(f"{failed} of {len(jobs)} jobs failed")


async def _bare(connection: Connection, together: int) -> None:
    result = orjson.dumps({"values": {"message": "done"}}).decode()
    for _ in range(together):
        row = await connection.fetchval(_INSERT)
        await connection.execute(_UPDATE, row, result)
