"""What taking the next job costs when a hundred thousand wait, beside when a hundred do."""

import asyncio
import time

from sqlalchemy import text

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.db.engine import Sessions
from shanhai.db.migrate import upgrade
from shanhai.jobs import fair_queue, states, upkeep
from shanhai.jobs.fair_queue import Quota
from tests.support.job_rows import open_sessions

FEW, MANY = 100, 100_000
CALLERS = 50
TAKEN = 60
ROUNDS = 5
QUOTA = Quota(waiting=10_000, running=2)
DATABASE = "job_line"

_FILL = """INSERT INTO job (kind, requested_by, turn)
  SELECT 'echo', 'caller ' || n % :callers, n / :callers FROM generate_series(1, :jobs) AS n"""
SETUP = Setup(warm="plans of statements", connections=(1, 1), processes=(0, 0))


def run(bench: Workbench, *, many: int = MANY, taken: int = TAKEN) -> Table:
    """Claims, places for new jobs and rounds of the reaper, by turns with few and many waiting."""
    table = Table("job_line", f"{many:,} jobs waiting", f"{FEW} jobs waiting", setup=SETUP)
    postgres = bench.stack.postgres
    postgres.execute(f"CREATE DATABASE {DATABASE}")
    upgrade(postgres.url(DATABASE))
    samples = asyncio.run(_measure(postgres.url(DATABASE), many, taken))
    postgres.execute(f"DROP DATABASE {DATABASE} WITH (FORCE)")
    targets = {"claim": 0.25, "place of a new job": None, "round of the reaper": None}
    for what, target in targets.items():
        table.rows.append(Row(what, samples[many][what], samples[FEW][what], target))
    return table


async def _measure(url: str, many: int, taken: int) -> dict[int, dict[str, Sample]]:
    found: dict[int, dict[str, list[float]]] = {FEW: {}, many: {}}
    async with open_sessions(url) as sessions:
        for _ in range(ROUNDS):
            for jobs, seconds in found.items():
                await _fill(sessions, jobs)
                for what, figure in (await _work(sessions, taken)).items():
                    seconds.setdefault(what, []).append(figure)
    return {
        jobs: {what: Sample(tuple(figures)) for what, figures in seconds.items()}
        for jobs, seconds in found.items()
    }


async def _fill(sessions: Sessions, jobs: int) -> None:
    async with sessions.begin() as session:
        await session.execute(text("TRUNCATE job CASCADE"))
        await session.execute(text(_FILL), {"callers": CALLERS, "jobs": jobs})
        await session.execute(text("ANALYZE job"))


async def _work(sessions: Sessions, taken: int) -> dict[str, float]:
    """Seconds for one of each."""
    started = time.perf_counter()
    for _ in range(taken):
        async with sessions.begin() as session:
            if not await states.claim_several(session, worker="benchmark", lease_s=600, free=1):
                raise RuntimeError("nothing was waiting")
    claimed = time.perf_counter()
    for number in range(taken):
        caller = f"caller {number % CALLERS}"
        async with sessions.begin() as session:
            await fair_queue.lock_caller(session, caller)
            await fair_queue.find_spot(session, requested_by=caller, priority=5, quota=QUOTA)
    placed = time.perf_counter()
    for _ in range(taken):
        async with sessions.begin() as session:
            await fair_queue.admit(session, quota=QUOTA)
            await upkeep.take_undispatched(session, after_s=5)
    reaped = time.perf_counter()
    return {
        "claim": (claimed - started) / taken,
        "place of a new job": (placed - claimed) / taken,
        "round of the reaper": (reaped - placed) / taken,
    }
