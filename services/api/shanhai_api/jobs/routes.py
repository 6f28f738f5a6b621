"""`/jobs` and what lies below."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from shanhai.db.tables.job import Job
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import JobStatus
from shanhai_api.dependencies import (
    JobCaller,
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheView,
    act_of,
    format_field,
    given,
)
from shanhai_api.event_stream import STREAMED, stream
from shanhai_api.job_results import told_results, told_status
from shanhai_api.job_wait import successful_result, wait_for_end
from shanhai_api.jobs import operations
from shanhai_api.jobs.events import follow, knows_the_end
from shanhai_api.jobs.models import Jobs, Manifest, StatusInfo
from shanhai_api.jobs.parameters import JobsQuery, write_cursor
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.routing import Route
from shanhai_api.kit.writing import IfMatch, Read, Write
from shanhai_api.negotiation import EVENTS, JSON, choose_format
from shanhai_api.view import View, entity_tag

router = APIRouter(tags=["processes"], route_class=Route)
FOLLOWED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; or the state as it is now, to whoever asks for JSON",
        "content": STREAMED[200]["content"],
        "model": StatusInfo,
    },
    204: {"description": "The job has ended, as `Last-Event-ID` knows"},
}
MOST_ENDING_S = 5.0
"""A worker that lives has ended a job by then."""


class JobEventsQuery(PageQuery):
    """Parameters of the events of a job."""

    f: str | None = format_field("events", "json")


@router.get("/jobs", summary="Jobs, the newest first")
async def list_jobs(read: Read[Reader], query: Annotated[JobsQuery, Query()]) -> Answer[Jobs]:
    """List jobs."""
    found = await operations.read_jobs(read.session, read.caller, query)
    page = found[: query.limit]
    stated = given(query)
    links = read.self_links("/jobs", **stated)
    if len(found) > query.limit:
        cursor = write_cursor(page[-1].created_at, page[-1].id)
        place = {**stated, "f": query.f, "limit": str(query.limit), "cursor": cursor}
        links.append(read.link("/jobs", "next", JSON.media_type, **place))
    titles = {name: contract.title.in_(read.lang) for name, contract in CONTRACTS.items()}
    jobs = Jobs(jobs=[StatusInfo.of(job, read) for job in page], links=links)
    return Answer(jobs, page={"titles": titles})


@router.get("/jobs/{job}", summary="A job's state and progress")
async def read_job(read: Read[Reader], job: str) -> Answer[StatusInfo]:
    """Tell how far a job is."""
    row = await operations.read_job(read.session, read.caller, job)
    return Answer(
        StatusInfo.of(row, read),
        state=operations.state_tag(row),
        headers=waiting_headers(row),
        page=page_of(row, read),
    )


@router.delete("/jobs/{job}", summary="Dismiss a job", response_model=StatusInfo)
async def dismiss_job(
    view: TheView, state: TheState, caller: JobCaller, job: str, expected: IfMatch
) -> Response:
    """Ask for the end of a job, wait for it, and tell its state; what has ended stays as it is."""
    async with state.unit() as unit:
        row = await operations.dismiss(
            unit.session, caller, job, expected=expected, act=act_of(caller, view)
        )
    if not JobStatus(row.status).final:
        # It runs: until the worker has ended it, it is not dismissed, and it is not told to be.
        row = await wait_for_end(state, row.id, MOST_ENDING_S) or row
    body = orjson.dumps(told_status(row, view))
    return view.send(body, JSON.media_type, version=entity_tag(operations.state_tag(row), body))


@router.post("/jobs/{job}/retry", summary="Try a job again", status_code=201)
async def retry_job(write: Write[JobCaller], job: str) -> Answer[StatusInfo]:
    """Make a new job of one that failed or was dismissed; the old one stays as it is."""
    return await operations.retry(write, job)


@router.get(
    "/jobs/{job}/manifest",
    summary="All that is needed to repeat a job",
    response_model=Manifest,
)
async def read_manifest(read: Read[Reader], job: str) -> Response:
    """Tell inputs with checksums, parameters, versions and seed."""
    row = await operations.read_job(read.session, read.caller, job)
    # As it was written: members that say nothing are part of it.
    return read.respond(successful_result(row).get("manifest", {}))


@router.get(
    "/jobs/{job}/events",
    summary="A job's progress as server-sent events",
    response_class=StreamingResponse,
    responses=FOLLOWED,
)
async def stream_events(
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    query: Annotated[JobEventsQuery, Query()],
    session: ReadSession,
) -> Response:
    """Tell every change of a job until it ends; `Last-Event-ID` says what is known already.

    Whoever asks for JSON is told the state as it is now.
    """
    row = await operations.read_job(session, caller, job)
    if choose_format(view.request, (EVENTS, JSON)) is JSON:
        return view.respond(
            told_status(row, view),
            formats=(JSON,),
            headers=waiting_headers(row),
            state=operations.state_tag(row),
        )
    seen = view.request.headers.get("last-event-id")
    if knows_the_end(row, view, seen):
        # By this a browser knows not to come again.
        return Response(status_code=204)
    return stream(follow(state, view, row.id, caller, seen=seen))


def waiting_headers(job: Job) -> dict[str, str]:
    """What has not ended is worth another look."""
    return {} if JobStatus(job.status).final else {"Retry-After": "1"}


def page_of(job: Job, view: View) -> dict[str, object]:
    """What the page of a job shows beside its state."""
    status, contract = JobStatus(job.status), CONTRACTS.get(job.kind)
    done = status is JobStatus.SUCCESSFUL
    return {
        "title": job.kind if contract is None else contract.title.in_(view.lang),
        "ended": status.final,
        "results": told_results(job, view) if done else None,
    }
