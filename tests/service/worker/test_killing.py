"""Workers in processes of their own, stopped and killed in the middle of a job."""

import signal
import time

from sqlalchemy import select

from shanhai.db.engine import Sessions
from shanhai.db.tables.access import AuditLog
from shanhai.jobs.queue import ArqDispatcher, PostgresDispatcher
from shanhai.vocabulary import JobStatus
from tests.support.job_rows import read_job, submit_echo
from tests.support.serving import PATIENCE_S, kill
from tests.support.workers import (
    NO_REDIS,
    Workers,
    children_of,
    eventually,
    is_running,
    reach,
    reach_end,
)


async def test_a_killed_workers_job_is_finished_once_by_another(
    workers: Workers, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, "once", pause=2)
    victim = workers.start()
    await reach(sessions, job_id, JobStatus.RUNNING)

    async def computing() -> bool:
        return bool(children_of(victim.pid))

    await eventually(computing)
    (child,) = children_of(victim.pid)
    kill(victim)

    async def child_ended() -> bool:
        return not is_running(child)

    await eventually(child_ended)
    assert (await read_job(sessions, job_id)).status == JobStatus.RUNNING

    workers.start()
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL
    assert (job.attempt, job.crash_count) == (2, 1)
    async with sessions() as session:
        ends = select(AuditLog).where(
            AuditLog.object_id == str(job_id), AuditLog.action == "succeed"
        )
        assert len((await session.scalars(ends)).all()) == 1


async def test_a_stopped_worker_hands_its_job_back_and_leaves_in_time(
    workers: Workers, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, pause=600)
    worker = workers.start(finish_s=2)
    await reach(sessions, job_id, JobStatus.RUNNING)
    waiting = await submit_echo(sessions)
    started = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    job = await reach(sessions, job_id, JobStatus.ACCEPTED, within_s=30)
    assert worker.wait(timeout=PATIENCE_S) == 0
    assert time.monotonic() - started >= 2
    assert (job.crash_count, job.attempt, job.lease_until) == (0, 1, None)
    assert (await read_job(sessions, waiting)).status == JobStatus.ACCEPTED  # it claimed no more


async def test_a_stopped_worker_finishes_a_short_job_first(
    workers: Workers, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, pause=1)
    worker = workers.start()
    await reach(sessions, job_id, JobStatus.RUNNING)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=PATIENCE_S) == 0
    job = await read_job(sessions, job_id)
    assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 1)


async def test_a_sleeping_worker_loses_its_job_and_gives_way(
    workers: Workers, sessions: Sessions
) -> None:
    # Longer than another worker takes to start, or the sleeper would wake to a finished process.
    job_id = await submit_echo(sessions, pause=20)
    sleeper = workers.start()
    await reach(sessions, job_id, JobStatus.RUNNING)

    async def computing() -> bool:
        return bool(children_of(sleeper.pid))

    await eventually(computing)
    sleeper.send_signal(signal.SIGSTOP)
    workers.start()

    async def taken_over() -> bool:
        job = await read_job(sessions, job_id)
        return job.attempt == 2 and job.status == JobStatus.RUNNING

    await eventually(taken_over)
    sleeper.send_signal(signal.SIGCONT)

    async def given_up() -> bool:
        return not await computing()

    await eventually(given_up)
    assert (await read_job(sessions, job_id)).status == JobStatus.RUNNING
    job = await reach_end(sessions, job_id, within_s=60)
    assert (job.status, job.attempt, job.crash_count) == (JobStatus.SUCCESSFUL, 2, 1)
    assert sleeper.poll() is None  # it lives on, without the job


async def test_a_worker_without_redis_is_woken_by_postgresql(
    workers: Workers, sessions: Sessions
) -> None:
    first = await submit_echo(sessions)
    without = {"SHANHAI_QUEUE": "postgres", "SHANHAI_REDIS_URL": ""}
    workers.start(variables=without, poll_s=120)
    await reach_end(sessions, first)  # found when it started; from here on it has to be told
    second = await submit_echo(sessions)
    assert await PostgresDispatcher(sessions).dispatch(second, 0)
    assert (await reach_end(sessions, second)).status == JobStatus.SUCCESSFUL


async def test_a_job_submitted_while_redis_is_away_is_run(
    workers: Workers, sessions: Sessions
) -> None:
    workers.start()
    job_id = await submit_echo(sessions)
    dispatcher = ArqDispatcher(NO_REDIS)
    assert not await dispatcher.dispatch(job_id, 0)
    await dispatcher.close()
    assert (await reach_end(sessions, job_id)).status == JobStatus.SUCCESSFUL
