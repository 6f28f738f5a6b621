"""Waiting for a job within a request, and what its end means for the caller."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

from shanhai.db.queries.jobs import find_job
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, InvalidInput, ShanhaiError
from shanhai.jobs.failures import Failure
from shanhai.vocabulary import JobStatus
from shanhai_api.errors import JobDismissed, ResultNotReady
from shanhai_api.state import ServiceState

POLL_S = 0.1
CALLERS_FAULT = frozenset({"invalid", "resource"})


class UnsuccessfulJob(Conflict):
    """The job ended without a result, and its inputs are not to blame."""

    title = "Job failed"
    title_zh = "作业失败"


async def wait_for_end(state: ServiceState, job_id: UUID, seconds: float) -> Job | None:
    """The job once it has ended; None when it has not in time, or the service stops."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not state.draining.is_set():
        async with state.sessions() as session:
            job = await find_job(session, job_id, reader=None)
        if job is not None and JobStatus(job.status).final:
            return job
        if loop.time() >= deadline:
            return None
        await asyncio.sleep(POLL_S)
    return None


def successful_result(job: Job) -> Mapping[str, Any]:
    """The result of a job that has one.

    Raises:
        ResultNotReady: the job has not ended.
        InvalidInput: it failed by its inputs.
        JobFailed: it failed otherwise.
        JobDismissed: it was dismissed.
    """
    match JobStatus(job.status):
        case JobStatus.SUCCESSFUL:
            return cast("Mapping[str, Any]", job.result or {})
        case JobStatus.FAILED:
            failure = Failure.parse(job.error or {})
            raise _with_state(_failure(failure), job, failure.kind)
        case JobStatus.DISMISSED:
            dismissed = f"job {job.id} was dismissed"
            raise _with_state(JobDismissed(dismissed, message_zh=f"作业 {job.id} 已取消"), job)
        case _:
            not_ready = ResultNotReady(
                f"job {job.id} is {job.status}; its result is not ready",
                message_zh=f"作业 {job.id} 尚未完成，结果未就绪",
            )
            raise _with_state(not_ready, job)


def _with_state(error: ShanhaiError, job: Job, failure: str | None = None) -> ShanhaiError:
    """The error, telling with its problem how the job stands."""
    state = {"jobID": str(job.id), "status": job.status}
    error.members = {"job": state if failure is None else {**state, "class": failure}}
    return error


def _failure(failure: Failure) -> ShanhaiError:
    if failure.kind in CALLERS_FAULT:
        return InvalidInput(failure.detail.en, message_zh=failure.detail.zh, faults=failure.faults)
    return UnsuccessfulJob(failure.detail.en, message_zh=failure.detail.zh)
