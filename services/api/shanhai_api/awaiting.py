"""Waiting for a job within a request, and answering with its result."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast
from uuid import UUID

import orjson
from fastapi import Response

from shanhai.db.queries.job_reading import find_job
from shanhai.db.tables import Job
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.jobs.contracts import CONTRACTS
from shanhai.jobs.failures import Failure
from shanhai.jobs.results import results_document
from shanhai.vocabulary import JobStatus
from shanhai_api.errors import JobDismissed, ResultNotReady
from shanhai_api.negotiation import JSON
from shanhai_api.state import State
from shanhai_api.view import View, link_header

POLL_S = 0.1
CALLERS_FAULT = frozenset({"invalid", "resource"})


class JobFailed(ShanhaiError):
    """The job ended without a result, and its inputs are not to blame."""

    title = "Job failed"
    title_zh = "作业失败"


async def wait_for_end(state: State, job_id: UUID, seconds: float) -> Job | None:
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
            raise _failure(Failure.parse(job.error or {}))
        case JobStatus.DISMISSED:
            raise JobDismissed(f"job {job.id} was dismissed", message_zh=f"作业 {job.id} 已取消")
        case _:
            raise ResultNotReady(
                f"job {job.id} is {job.status}; its result is not ready",
                message_zh=f"作业 {job.id} 尚未完成，结果未就绪",
            )


def _failure(failure: Failure) -> ShanhaiError:
    if failure.kind in CALLERS_FAULT:
        return InvalidInput(failure.detail.en, message_zh=failure.detail.zh, faults=failure.faults)
    return JobFailed(failure.detail.en, message_zh=failure.detail.zh)


def ended_answer(view: View, job: Job, *, raw: bool, headers: Mapping[str, str]) -> Response:
    """The result of an ended job: a lone text as it is, anything else as the document."""
    values = successful_result(job).get("values", {})
    outputs = CONTRACTS[job.kind].outputs
    monitor = [view.link(f"/jobs/{job.id}", "monitor")]
    shown = {name: value for name, value in headers.items() if name != "Location"}
    shown["Link"] = link_header(monitor, rels={"monitor"})["Link"]
    if raw and len(outputs) == 1 and outputs[0].media_type == "text/plain":
        return Response(str(values[outputs[0].name]), 200, shown, outputs[0].media_type)
    document = results_document(job, base_url=view.base, lang=view.lang)
    return Response(orjson.dumps(document), 200, shown, JSON.media_type)
