"""A worker in this process against a real PostgreSQL and Redis."""

import asyncio
import os
import signal
import time
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Sessions
from shanhai.db.queries.audit import Act
from shanhai.jobs.results import message_of
from shanhai.jobs.states import cancel
from shanhai.processes.echo.contract import EchoInputs
from shanhai.processes.kit.task import Publication
from shanhai.vocabulary import JobStatus
from shanhai_worker.app import run
from shanhai_worker.context import WorkerContext
from shanhai_worker.runner import Consumer
from tests.support.job_rows import read_job, submit_echo, submit_together
from tests.support.workers import NO_REDIS, children_of, eventually, reach_end, servers_of


async def compute_started(sessions: Sessions, job_id: UUID) -> None:
    """Wait until the child has told its first progress."""

    async def told() -> bool:
        return (await read_job(sessions, job_id)).stage is not None

    await eventually(told)


async def test_a_dispatched_job_is_run_and_published(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, "山海")
    await worker.dispatcher.dispatch(job_id, 0)
    # poll_s is 30 here, so only the wake-up can have made it this fast
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL
    assert job.result is not None
    assert job.result["values"] == {"message": "山海"}
    assert job.result["manifest"]["inputs"]["message"] == "山海"
    assert job.worker == worker.name


async def test_progress_rises_while_it_runs(worker: WorkerContext, sessions: Sessions) -> None:
    job_id = await submit_echo(sessions, pause=2.5)
    await worker.dispatcher.dispatch(job_id, 0)
    seen = []
    async with asyncio.timeout(60):
        while not JobStatus((job := await read_job(sessions, job_id)).status).final:
            seen.append(job.progress)
            await asyncio.sleep(0.1)
    assert seen == sorted(seen)
    assert any(0 < percent < 100 for percent in seen)
    assert job.progress == 100


async def test_a_job_outlives_errors_of_what_watches_it(
    worker: WorkerContext, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[int] = []

    def gone(pid: int) -> float:
        looks.append(pid)
        raise FileNotFoundError(2, "No such file or directory", f"/proc/{pid}/task")

    monkeypatch.setattr("shanhai_worker.child_process.held_mb", gone)
    job_id = await submit_echo(sessions, "山海", pause=1)
    await worker.dispatcher.dispatch(job_id, 0)
    job = await reach_end(sessions, job_id)
    assert job.status == JobStatus.SUCCESSFUL, job.error
    assert looks


async def test_a_job_that_tells_an_output_its_process_does_not_declare_fails_and_names_it(
    worker: WorkerContext, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def publish(_session: AsyncSession, publication: Publication) -> dict[str, Any]:
        return {**publication.outcome.values, "area": {"value": 2.5}}

    monkeypatch.setattr("shanhai_worker.publication.publish_of", lambda _process: publish)
    job_id = await submit_echo(sessions, "山海")
    await worker.dispatcher.dispatch(job_id, 0)
    job = await reach_end(sessions, job_id)
    assert (job.status, job.result) == (JobStatus.FAILED, None)
    assert message_of(job, "zh") == "处理流程 'echo' 返回了未声明的输出：area"
    assert message_of(job, "en") == (
        "process 'echo' returned what it does not declare as an output: area"
    )


async def test_slots_limit_what_runs_at_once(worker: WorkerContext, sessions: Sessions) -> None:
    job_ids = await submit_together(sessions, [EchoInputs(message="hello", pause=1)] * 3)
    await worker.dispatcher.dispatch(job_ids[0], 0)

    async def statuses() -> list[str]:
        return sorted([(await read_job(sessions, job_id)).status for job_id in job_ids])

    async def two_run() -> bool:
        return (await statuses()).count(JobStatus.RUNNING) == 2

    await eventually(two_run)
    assert await statuses() == [JobStatus.ACCEPTED, JobStatus.RUNNING, JobStatus.RUNNING]
    for job_id in job_ids:  # the third starts when a slot is free, without another wake-up
        assert (await reach_end(sessions, job_id)).attempt == 1


async def test_a_cancelled_job_stops_soon(worker: WorkerContext, sessions: Sessions) -> None:
    job_id = await submit_echo(sessions, pause=600)
    await worker.dispatcher.dispatch(job_id, 0)
    await compute_started(sessions, job_id)
    (child,) = children_of(os.getpid())
    async with sessions.begin() as session:
        assert await cancel(session, job_id, act=Act("tester")) is JobStatus.RUNNING
    job = await reach_end(sessions, job_id)
    assert (job.status, job.result, job.error) == (JobStatus.DISMISSED, None, None)
    assert child not in children_of(os.getpid())


async def test_a_job_whose_child_always_dies_ends_failed(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, pause=600)
    await worker.dispatcher.dispatch(job_id, 0)
    killed, seen = 0, dict[int, float]()

    async def ended() -> bool:
        nonlocal killed
        for child in children_of(os.getpid()):
            # One that is killed before it was told its task was never started.
            if time.monotonic() - seen.setdefault(child, time.monotonic()) > 2:
                os.kill(child, signal.SIGKILL)
                killed += 1
        return JobStatus((await read_job(sessions, job_id)).status).final

    await eventually(ended)
    job = await read_job(sessions, job_id)
    assert job.status == JobStatus.FAILED
    assert job.error is not None
    assert job.error["class"] == "lost"
    told = "the process of the job ended: killed by SIGKILL (tried 2 times)"
    assert (job.error["title"], job.error["detail"]) == ("Process lost", told)
    assert job.error["detail_zh"] == "作业进程中途结束：被信号 SIGKILL 终止（已尝试 2 次）"
    assert job.crash_count == killed == 2


async def test_a_worker_whose_fork_server_is_killed_goes_on(
    worker: WorkerContext, sessions: Sessions
) -> None:
    job_id = await submit_echo(sessions, pause=1)
    await worker.dispatcher.dispatch(job_id, 0)
    await compute_started(sessions, job_id)
    (server,) = servers_of(os.getpid())
    os.kill(server, signal.SIGKILL)
    job = await reach_end(sessions, job_id)
    assert (job.status, job.attempt, job.crash_count) == (JobStatus.SUCCESSFUL, 2, 1)
    assert servers_of(os.getpid()) != [server]


@pytest.mark.configured(job_timeout_s=1.5)
class TestTimeLimit:
    async def test_a_job_that_runs_too_long_ends_with_the_limit_named(
        self, worker: WorkerContext, sessions: Sessions
    ) -> None:
        job_id = await submit_echo(sessions, pause=600)
        await worker.dispatcher.dispatch(job_id, 0)
        job = await reach_end(sessions, job_id)
        assert job.error is not None
        assert job.error["class"] == "resource"
        assert "the limit (1.5 s, stopped after " in job.error["detail"]
        assert children_of(os.getpid()) == []


@pytest.mark.configured(poll_s=0.2)
class TestWithoutRedis:
    async def test_work_goes_on(self, context: WorkerContext, sessions: Sessions) -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(run(context, partial(Consumer, NO_REDIS), stop))
        job_id = await submit_echo(sessions)
        assert (await reach_end(sessions, job_id)).status == JobStatus.SUCCESSFUL
        stop.set()
        async with asyncio.timeout(60):
            await running


async def test_health_and_metrics_are_served(worker: WorkerContext, sessions: Sessions) -> None:
    job_id = await submit_echo(sessions, pause=0.2)
    await worker.dispatcher.dispatch(job_id, 0)
    await reach_end(sessions, job_id)
    base = f"http://{worker.settings.host}:{worker.settings.port}"
    async with httpx.AsyncClient(base_url=base) as client:
        assert (await client.get("/health/live")).json() == {"status": "ok"}
        ready = (await client.get("/health/ready")).json()
        assert ready == {"status": "ok", "isolation": {"network": "active"}}
        metrics = (await client.get("/metrics")).text
    assert 'shanhai_jobs{status="successful"} 1.0' in metrics
    assert "shanhai_job_queue_depth 0.0" in metrics
    assert "shanhai_job_lease_expiries_total 0.0" in metrics
    assert 'shanhai_job_run_seconds_count{ending="successful",process="echo"} 1.0' in metrics
    assert 'shanhai_job_stage_seconds_count{process="echo",stage="wait"} 1.0' in metrics
    assert "shanhai_audit_intact 1.0" in metrics
    assert 'shanhai_disk_free_bytes{folder="scratch"}' in metrics
    assert 'shanhai_db_pool_size{pool="worker"} 10.0' in metrics
    assert "shanhai_db_longest_statement_seconds 0.0" in metrics
    assert 'shanhai_job_dead{failure="lost"} 0.0' in metrics
    assert 'shanhai_delivery_dead{kind="webhook"} 0.0' in metrics
    offset = next(line for line in metrics.splitlines() if line.startswith("shanhai_clock_offset"))
    assert abs(float(offset.split()[1])) < 5
