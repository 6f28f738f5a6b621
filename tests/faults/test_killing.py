"""Processes killed with work in their hands."""

import os
import signal
from collections.abc import Iterable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

from shanhai_worker.child_protocol import ORDER
from tests.faults.breakable import Breakable, wait_until
from tests.support.serving import kill
from tests.support.workers import children_of


def any_is_answered(asked: Iterable[Future[str]]) -> bool:
    return any(answer.done() for answer in asked)


def test_worker_killed_twice_in_one_job(platform: Breakable) -> None:
    """Others take the job over, each time once, although all of them look for lost jobs."""
    platform.stand_by(3)
    with platform.under_load() as load:
        job = platform.beside.ask(load.senders[0].echo(pause=12))
        for attempt in (1, 2):
            kill(platform.worker_of(job, attempt=attempt))
            platform.rerun(job, attempt=attempt + 1)
        load.go_on()
    ended = platform.reach(job, "successful")
    assert (ended.attempt, ended.crash_count) == (3, 2)


def test_api_killed_right_after_it_accepted(platform: Breakable) -> None:
    """Who was told 201 finds the job; who was told nothing asks again and gets one job."""
    with platform.under_load() as load:
        for _ in range(2):
            senders = [platform.sender() for _ in range(8)]
            asked = [platform.beside.begin(sender.echo()) for sender in senders]
            wait_until(partial(any_is_answered, asked))
            platform.kill(platform.api)
            platform.start_api()
            for sender, answer in zip(senders, asked, strict=True):
                ended = platform.beside.ask(sender.follow(answer.result(240)), within_s=240)
                assert ended == "successful"
            load.go_on()


def test_postgres_killed(platform: Breakable) -> None:
    with platform.under_load() as load:
        load.go_on()
        job = platform.beside.ask(load.senders[0].echo(pause=4))
        platform.reach(job, "running")
        repeats = len(platform.ledger.repeats)
        platform.kill(platform.postgres)
        wait_until(lambda: len(platform.ledger.repeats) > repeats)
        platform.postgres.start()
        platform.reach(job, "successful")
        load.go_on()
    assert all(worker.poll() is None for worker in platform.standing)


def test_redis_killed_and_empty_when_it_is_back(platform: Breakable) -> None:
    with platform.under_load() as load:
        load.go_on()
        platform.kill(platform.redis)
        load.go_on()
        platform.redis.start()
        load.go_on()
        platform.redis.flush()
        load.go_on()
    assert all(worker.poll() is None for worker in platform.standing)


def test_job_that_always_kills_its_process(platform: Breakable) -> None:
    """It ends, with the reason, and takes nobody's turn meanwhile."""
    with platform.under_load() as load:
        job = platform.beside.ask(load.senders[0].echo(pause=600))
        for attempt in range(1, 6):
            # On a quick machine several processes in a row may be killed by one look for them.
            if platform.reach(job, "running", "failed", attempt=attempt).status == "running":
                kill_child(platform, job, attempt)
        load.go_on()
    ended = platform.reach(job, "failed")
    assert ended.error is not None
    assert (ended.error["class"], ended.crash_count) == ("lost", 5)


def kill_child(platform: Breakable, job: str, attempt: int) -> None:
    """Kill the process that computes an attempt at the job, as soon as there is one."""

    def killed() -> bool:
        for worker in platform.standing:
            for child in children_of(worker.pid):
                if computes(child, job):
                    os.kill(child, signal.SIGKILL)
        row = platform.job(job)
        return row.attempt > attempt or row.status != "running"

    wait_until(killed)


def computes(child: int, job: str) -> bool:
    """Whether a process was split off for the job, whose order lies where it works."""
    try:
        return job in Path(f"/proc/{child}/cwd", ORDER).read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return False
