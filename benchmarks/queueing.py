"""What the queue of jobs costs: until a job starts, a trivial job, and what a full queue does.

Bare arq keeps no row, no lease and no result: a task is called in its event loop, and forgotten
when Redis is. Our jobs are computed in processes apart from the worker, and each ends in a durable
commit. Arq is asked twice: as it comes, and with the shortest pauses between its looks at Redis,
which is its best. Its tasks are put into Redis by the program that measures; our jobs are asked for
over HTTP, with a key, and once more put into the line by a statement, to tell the worker's part.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from statistics import median, quantiles
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
from arq import create_pool, func
from arq.connections import RedisSettings
from arq.worker import Worker
from asyncpg import Connection, connect

from benchmarks.observations import Client
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample, alternate, seconds_of
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.jobs.fair_queue import CHANNEL

STARTS = 40
START_BOUND_S = 0.3
TRIVIAL = 100
ROUNDS = 3
SINGLE, WARMING, PAUSE_S = 200, 10, 0.02
"""Jobs asked for one at a time, those before them, and the rest between two, s."""
READS = 150
WAITING = 10_000
CONNECTIONS = 8
FULL_SHARE = 1 / 1.5
LOOK_S = 0.005
PATIENCE_S = 600.0
QUEUE = "bare"
ARQ = {"by its defaults": (0.5, 1.0), "with a look each 5 ms": (0.005, 0.25)}
"""Seconds between two looks of arq at Redis, and the ratio asked for."""
ONE = {"p50": (0, 0.025), "p95": (1, 0.060)}
"""Which quantile of the time of one job, and the bound asked for, s."""
ARQ_SLOTS = 10
"""Tasks at a time, arq's default; our worker has two slots."""
OWNER, EXECUTION = "benchmark", "/processes/echo/execution"

_STARTED = "SELECT extract(epoch FROM started_at - created_at) FROM job WHERE id = $1"
_UNFINISHED = """SELECT count(*) FROM job
                  WHERE id = ANY($1) AND status NOT IN ('successful', 'failed', 'dismissed')"""
_FILL = f"""
  INSERT INTO job (kind, inputs, task, requested_by, seed)
  SELECT kind, inputs, jsonb_set(task, '{{inputs,pause}}', to_jsonb($2::float)), '{OWNER}', 0
    FROM (SELECT * FROM job WHERE kind = 'echo' AND status = 'successful' LIMIT 1) done,
         generate_series(1, $1)
  RETURNING id
"""  # noqa: S608  (a constant)
_NOTIFY = f"NOTIFY {CHANNEL}"
_EMPTY = f"DELETE FROM job WHERE requested_by = '{OWNER}'"  # noqa: S608  (a constant)
SETUP = Setup(
    settings="ours two slots, arq ten; ours the API, a worker, its fork server and two jobs",
    warm="the worker and its fork server; arq's worker, already waiting",
    connections=(1, 1),
    processes=(5, 1),
)


def run(bench: Workbench) -> Table:
    """The three figures, on the stack's one worker."""
    table = Table("queueing", "the queue of jobs", "floor", setup=SETUP)
    with asyncio.Runner() as loop, ApiClient(bench.stack.api_url, bench.key) as api:
        connection = loop.run(connect(bench.stack.database_url))
        table.rows.append(_until_start(loop, api, connection))
        address = bench.stack.redis.administrator_url(1)
        ways = {
            f"asked for over {CONNECTIONS} connections": _asked(bench, loop, connection),
            "asked for one after the other": _trivial_jobs(loop, api, connection),
            "waiting in the line": _waiting(loop, connection),
        }
        for number, (way, ours) in enumerate(ways.items()):
            for how, (pause_s, target) in ARQ.items():
                samples = alternate(ours, _arq_jobs(loop, address, pause_s), rounds=ROUNDS)
                what = f"one of {TRIVIAL} trivial jobs, {way}; floor: arq {how}"
                setup = SETUP if number else replace(SETUP, connections=(CONNECTIONS, 1))
                target = None if number else target
                table.rows.append(Row(what, *samples, target=target, setup=setup))
        table.rows.extend(_one_job(bench))
        table.rows.append(_reads(bench, loop, connection))
        loop.run(connection.close())
    return table


def _until_start(loop: asyncio.Runner, api: ApiClient, connection: Connection) -> Row:
    """From the row to the claim, by the database's clock, one job at a time."""
    waits = []
    for number in range(STARTS):
        job = _submit(api, f"start.{number}")
        loop.run(_finished(connection, [job]))
        waits.append(float(loop.run(connection.fetchval(_STARTED, job))))
    bound = Sample((START_BOUND_S,))
    facts = {"median, ms": 1000 * sorted(waits)[len(waits) // 2]}
    return Row("until a job starts, p95; floor: the bound", p95(waits), bound, 1.0, facts)


def p95(seconds: list[float]) -> Sample:
    """The 95th percentile."""
    return Sample((quantiles(seconds, n=20)[-1],))


def _trivial_jobs(
    loop: asyncio.Runner, api: ApiClient, connection: Connection
) -> Callable[[int], float]:
    def ours(number: int) -> float:
        started = time.perf_counter()
        jobs = [_submit(api, f"{number}.{one}") for one in range(TRIVIAL)]
        loop.run(_finished(connection, jobs))
        return (time.perf_counter() - started) / TRIVIAL

    return ours


def _asked(
    bench: Workbench, loop: asyncio.Runner, connection: Connection
) -> Callable[[int], float]:
    """Over several connections at once, which are kept."""
    client = Client(bench.stack.api_url, bench.key)

    async def send(messages: Iterator[str]) -> list[UUID]:
        connected, found = await client.open(), []
        for message in messages:
            order = orjson.dumps({"inputs": {"message": message}})
            once = f"Prefer: respond-async\r\nIdempotency-Key: {message}-{uuid4()}\r\n"
            _, told = await client.post(EXECUTION, "application/json", order, *connected, once)
            found.append(UUID(orjson.loads(told)["jobID"]))
        connected[1].close()
        return found

    async def work(name: str) -> None:
        messages = iter([f"{name}.{number}" for number in range(TRIVIAL)])
        sent = await asyncio.gather(*(send(messages) for _ in range(CONNECTIONS)))
        await _finished(connection, [job for jobs in sent for job in jobs])

    return lambda number: seconds_of(lambda: loop.run(work(f"asked.{number}")), operations=TRIVIAL)


def _waiting(loop: asyncio.Runner, connection: Connection) -> Callable[[int], float]:
    """From the statement that puts all of them into the line."""

    async def work() -> None:
        jobs = [row["id"] for row in await connection.fetch(_FILL, TRIVIAL, 0.0)]
        await connection.execute(_NOTIFY)
        await _finished(connection, jobs)

    return lambda number: seconds_of(lambda: loop.run(work()), operations=TRIVIAL)


def _one_job(bench: Workbench) -> Iterator[Row]:
    """One `echo` after the other, each from the request to the result in its answer."""
    headers = {"Authorization": f"Bearer {bench.key}"}
    seconds = []
    with httpx.Client(base_url=bench.stack.api_url, headers=headers, timeout=60) as client:
        for number in range(-WARMING, SINGLE):
            started = time.perf_counter()
            order = {"inputs": {"message": str(number)}}
            answer = client.post(EXECUTION, json=order).raise_for_status()
            if number >= 0:
                seconds.append(time.perf_counter() - started)
            if answer.text != str(number):
                raise RuntimeError(f"another answer: {answer.text[:100]}")
            time.sleep(PAUSE_S)
    found = median(seconds), p95(seconds).median
    for name, (place, bound_s) in ONE.items():
        what = f"one job from the request to the result, {name}; floor: the bound"
        yield Row(what, Sample((found[place],)), Sample((bound_s,)), 1.0)


def _arq_jobs(loop: asyncio.Runner, address: str, pause_s: float) -> Callable[[int], float]:
    def floor(number: int) -> float:
        return loop.run(_arq_round(address, pause_s)) / TRIVIAL

    return floor


async def _arq_round(address: str, pause_s: float) -> float:
    """Seconds for all jobs, from the first request on, with a worker that was waiting."""
    pool = await create_pool(RedisSettings.from_dsn(address), default_queue_name=QUEUE)
    worker = Worker(
        functions=[func(_trivial, name="trivial")],
        queue_name=QUEUE,
        redis_pool=pool,
        handle_signals=False,
        max_jobs=ARQ_SLOTS,
        poll_delay=pause_s,
        keep_result=3600,
    )
    working = asyncio.create_task(worker.async_run())
    try:
        started = time.perf_counter()
        jobs = [await pool.enqueue_job("trivial", str(number)) for number in range(TRIVIAL)]
        async with asyncio.timeout(PATIENCE_S):
            for number, job in enumerate(jobs):
                if job is None or await job.result(poll_delay=LOOK_S) != str(number):
                    raise RuntimeError("arq gave another answer")
        return time.perf_counter() - started
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        await pool.flushdb()
        await pool.aclose()


async def _trivial(ctx: dict[Any, Any], *args: Any, **kwargs: Any) -> Any:
    return args[0]


def _reads(bench: Workbench, loop: asyncio.Runner, connection: Connection) -> Row:
    """The list of jobs and a page of features, with the queue full and with none waiting."""
    paths = ("/jobs?limit=10", "/collections/regions/items?limit=10")
    headers = {"Authorization": f"Bearer {bench.key}"}
    with httpx.Client(base_url=bench.stack.api_url, headers=headers, timeout=60) as client:

        def read() -> float:
            seconds = []
            for number in range(READS):
                started = time.perf_counter()
                client.get(paths[number % len(paths)]).raise_for_status()
                seconds.append(time.perf_counter() - started)
            return p95(seconds).median

        def full(number: int) -> float:
            loop.run(connection.execute(_FILL, WAITING, 600.0))
            try:
                time.sleep(1)  # the worker takes what it can
                return read()
            finally:
                loop.run(connection.execute(_EMPTY))
                time.sleep(2)  # and lets go of it

        samples = alternate(full, lambda number: read(), rounds=ROUNDS)
    what = f"a read, p95, {WAITING} jobs waiting; floor: none waiting"
    return Row(what, *samples, target=FULL_SHARE)


def _submit(api: ApiClient, message: str) -> UUID:
    return UUID(api.submit("echo", {"message": message}).id)


async def _finished(connection: Connection, jobs: list[UUID]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await connection.fetchval(_UNFINISHED, jobs):  # noqa: ASYNC110  another process ends it
            await asyncio.sleep(LOOK_S)
