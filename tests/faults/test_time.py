"""Processes that sleep, clocks that jump, workers that come and go, and many reapers at once."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from shanhai.db.engine import Sessions
from shanhai.db.tables.job import Job
from shanhai.jobs.upkeep import reap
from shanhai_worker.child_protocol import OUTCOME
from tests.faults.breakable import LEASE_S, Breakable, wait_until
from tests.support.job_rows import age_job, claim_job, submit_echo
from tests.support.serving import kill
from tests.support.workers import children_of

FAKE_CLOCK = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
RESTARTS = 10


def test_worker_that_sleeps_past_its_lease(platform: Breakable) -> None:
    """What it has computed when it wakes is thrown away; it lives on."""
    job = platform.beside.ask(platform.sender().echo(pause=LEASE_S + 5))
    sleeper = platform.worker_of(job)
    sleeper.send_signal(signal.SIGSTOP)
    try:
        platform.rerun(job, attempt=2)
        # The process that computes was not stopped: its result lies there for the sleeper. It stays
        # for another job, and only the sleeper would end it.
        wait_until(lambda: any(map(has_computed, children_of(sleeper.pid))))
    finally:
        sleeper.send_signal(signal.SIGCONT)
    ended = platform.reach(job, "successful")
    assert (ended.attempt, ended.crash_count) == (2, 1)
    assert f".{sleeper.pid}." not in str(ended.worker)
    assert sleeper.poll() is None


def has_computed(child: int) -> bool:
    """Whether a process has left the outcome of a job where it works."""
    return Path(f"/proc/{child}/cwd", OUTCOME).exists()


def test_workers_restarted_during_a_job(platform: Breakable) -> None:
    """Each hands it back when told to stop; nobody is to blame, and it ends."""
    for worker in platform.standing:
        kill(worker)
    # So many at once share the connections of one PostgreSQL.
    few = {"SHANHAI_DATABASE_POOL_SIZE": "2"}
    platform.add_workers(RESTARTS + 1, finish_s=1, variables=few)
    job = platform.beside.ask(platform.sender().echo(pause=12))
    leaving: list[subprocess.Popen[bytes]] = []
    for attempt in range(1, RESTARTS + 1):
        leaving.append(platform.worker_of(job, attempt=attempt))
        leaving[-1].send_signal(signal.SIGTERM)
    assert [worker.wait(120) for worker in leaving] == [0] * RESTARTS
    ended = platform.reach(job, "successful")
    assert (ended.crash_count, ended.attempt) == (0, RESTARTS + 1)
    platform.workers.end()


class TestClock:
    @pytest.fixture
    def clock(self, platform: Breakable) -> Iterator[Path]:
        """The clock of the only worker, by what is written here."""
        if not FAKE_CLOCK.exists():
            pytest.skip("needs the package faketime")
        for worker in platform.standing:
            kill(worker)
        clock = platform.workers.folder / "clock"
        clock.write_text("+0\n")
        variables = {
            "LD_PRELOAD": str(FAKE_CLOCK),
            "FAKETIME_TIMESTAMP_FILE": str(clock),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        worker = platform.add_worker(variables=variables)
        yield clock
        kill(worker)

    def test_clock_of_a_worker_jumps(self, platform: Breakable, clock: Path) -> None:
        """Leases are told by the database's clock: an hour on or back loses nothing."""
        sender = platform.sender()
        for jump in ("+3600", "-3600"):
            job = platform.beside.ask(sender.echo(pause=LEASE_S + 1))
            platform.reach(job, "running")
            clock.write_text(f"{jump}\n")
            ended = platform.reach(job, "successful")
            assert (ended.attempt, ended.crash_count) == (1, 0)


def test_many_look_for_lost_jobs_at_once(platform: Breakable) -> None:
    """Each loss is counted once."""
    for worker in platform.standing:
        kill(worker)
    crashes = platform.beside.ask(platform.with_sessions(lose_and_reap), within_s=240)
    assert crashes == [1] * len(crashes)


async def lose_and_reap(sessions: Sessions, lost: int = 20, reapers: int = 8) -> list[int]:
    """How often each of some jobs is counted as lost, when several look at the same moment."""
    jobs: list[UUID] = [
        await submit_echo(sessions, f"reaped-{os.urandom(4).hex()}") for _ in range(lost)
    ]

    async def look() -> None:
        async with sessions.begin() as session:
            await reap(session, max_crashes=5)

    for job in jobs:
        async with sessions.begin() as session:
            await claim_job(session, worker="lost", lease_s=600, job_id=job)
        await age_job(sessions, job, "lease_until", seconds=1200)
    await asyncio.gather(*(look() for _ in range(reapers)))
    async with sessions() as session:
        return [(await session.get_one(Job, job)).crash_count for job in jobs]
