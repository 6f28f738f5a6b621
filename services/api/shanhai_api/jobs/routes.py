"""`/jobs` and what lies below: progress as events, results sent as they are."""

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Query, Response
from fastapi.responses import StreamingResponse

from shanhai.db.identity import NOBODY
from shanhai.db.queries.jobs import find_job
from shanhai.db.tables.job import Job
from shanhai.jobs.results import ResultForm, title_of
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import JobStatus
from shanhai_api.compliance.operations import names_in
from shanhai_api.exports import note_download
from shanhai_api.jobs import operations
from shanhai_api.jobs.models import JobInputs, Jobs, JobsQuery, Manifest, StatusInfo, write_cursor
from shanhai_api.jobs.results import (
    POLL_S,
    hear,
    raw_answer,
    send_file,
    successful_result,
    told_results,
    told_status,
    value_answer,
    wait_for_end,
)
from shanhai_api.kit import dependencies
from shanhai_api.kit.answers import HEARTBEAT, HEARTBEAT_S, LONGEST_S, STREAMED, Answer, stream
from shanhai_api.kit.late_route import LateRoute
from shanhai_api.kit.pages import moment
from shanhai_api.kit.people import people_on
from shanhai_api.kit.requests import StreamReader
from shanhai_api.kit.routing import Route
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.view import EVENTS, HTML, JSON, View, choose_format, digest_of, entity_tag
from shanhai_api.processes.descriptions import RESULTS, VALUE, result_contents


async def follow(
    state: ServiceState, view: View, job_id: UUID, reader: StreamReader, *, seen: str | None
) -> AsyncIterator[bytes]:
    """A `status` event for each change until the job ends, the service stops, or it took too long.

    The first tells the state there is, unless it is the one whose event was `seen` last.
    """
    loop = asyncio.get_running_loop()
    told, said_at, ends_at = seen, loop.time(), loop.time() + LONGEST_S
    with state.milestones.of(job_id) as passed:
        while told is None or not (state.draining.is_set() or loop.time() >= ends_at):
            passed.clear()
            if (caller := await reader.now()) is None:
                return
            async with state.sessions() as session:
                job = await find_job(session, job_id, reader=caller)
            if job is None:
                return
            news = orjson.dumps(told_status(job, view))
            if (tag := digest_of(news)) != told:
                told, said_at = tag, loop.time()
                yield b"event: status\nid: %s\ndata: %s\n\n" % (tag.encode(), news)
            elif loop.time() - said_at >= HEARTBEAT_S:
                said_at = loop.time()
                yield HEARTBEAT
            if JobStatus(job.status).final:
                return
            await hear(passed, POLL_S)


def knows_the_end(job: Job, view: View, seen: str | None) -> bool:
    """Whether a caller has been told the last there is to be told of a job."""
    return JobStatus(job.status).final and seen == digest_of(orjson.dumps(told_status(job, view)))


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


class JobEventsQuery(dependencies.PageQuery):
    """Parameters of the events of a job."""

    f: str | None = dependencies.format_field("events", "json")


@router.get("/jobs", summary="Jobs, the newest first")
async def list_jobs(
    read: dependencies.Read[dependencies.Reader], query: Annotated[JobsQuery, Query()]
) -> Answer[Jobs]:
    """List jobs."""
    found = await operations.read_jobs(read, query)
    page = found[: query.limit]
    stated = dependencies.given(query)
    links = read.self_links("/jobs", **stated)
    if len(found) > query.limit:
        cursor = write_cursor(page[-1].created_at, page[-1].id)
        place = {**stated, "f": query.f, "limit": str(query.limit), "cursor": cursor}
        links.append(read.link("/jobs", "next", JSON.media_type, **place))
    titles = {name: contract.title.in_(read.lang) for name, contract in CONTRACTS.items()}
    jobs = Jobs(jobs=[StatusInfo.of(job, read) for job in page], links=links)
    return Answer(jobs, page={"titles": titles})


@router.get("/jobs/{job}", summary="A job's state and progress")
async def read_job(read: dependencies.Read[dependencies.Reader], job: str) -> Answer[StatusInfo]:
    """Tell how far a job is."""
    row = await operations.read_job(read.session, read.caller, job)
    return Answer(
        StatusInfo.of(row, read),
        state=operations.state_tag(row),
        headers=waiting_headers(row),
        page=page_of(row, await operations.read_former(read.session, read.caller, row), read),
    )


@router.get("/jobs/{job}/inputs", summary="What a job was asked for")
async def read_inputs(
    read: dependencies.Read[dependencies.JobCaller], job: str
) -> Answer[JobInputs]:
    """Tell the inputs as they were sent, to who asked for the job and to administrators."""
    row = await operations.read_job(read.session, read.caller, job)
    operations.demand_own(row, read.caller)
    return Answer(JobInputs(process=row.kind, inputs=row.inputs))


@router.delete("/jobs/{job}", summary="Dismiss a job", response_model=StatusInfo)
async def dismiss_job(
    view: dependencies.TheView,
    state: dependencies.TheState,
    caller: dependencies.JobCaller,
    job: str,
    expected: dependencies.IfMatch,
) -> Response:
    """Ask for the end of a job, wait for it, and tell its state; what has ended stays as it is."""
    async with state.unit() as unit:
        row = await operations.dismiss(
            unit.session, caller, job, expected=expected, act=dependencies.act_of(caller, view)
        )
    if not JobStatus(row.status).final:
        # It runs: until the worker has ended it, it is not dismissed, and it is not told to be.
        row = await wait_for_end(state, row.id, MOST_ENDING_S) or row
    body = orjson.dumps(told_status(row, view))
    return view.send(body, JSON.media_type, version=entity_tag(operations.state_tag(row), body))


@router.post("/jobs/{job}/retry", summary="Try a job again", status_code=201)
async def retry_job(
    write: dependencies.Write[dependencies.JobCaller], job: str
) -> Answer[StatusInfo]:
    """Make a new job of one that failed or was dismissed; the old one stays as it is."""
    return await operations.retry(write, job)


@router.get(
    "/jobs/{job}/manifest",
    summary="All that is needed to repeat a job",
    response_model=Manifest,
)
async def read_manifest(read: dependencies.Read[dependencies.Reader], job: str) -> Response:
    """Tell inputs with checksums, parameters, versions and seed."""
    row = await operations.read_job(read.session, read.caller, job)
    # As it was written: members that say nothing are part of it.
    manifest = successful_result(row).get("manifest", {})
    return read.respond(manifest, extra={"job": str(row.id), "of_job": known_by(row, read)})


@router.get(
    "/jobs/{job}/events",
    summary="A job's progress as server-sent events",
    response_class=StreamingResponse,
    responses=FOLLOWED,
)
async def stream_events(
    read: dependencies.Read[dependencies.Reader],
    job: str,
    query: Annotated[JobEventsQuery, Query()],
) -> Response:
    """Tell every change of a job until it ends; `Last-Event-ID` says what is known already.

    Whoever asks for JSON is told the state as it is now.
    """
    row = await operations.read_job(read.session, read.caller, job)
    if choose_format(read.request, (EVENTS, JSON)) is JSON:
        return read.respond(
            told_status(row, read),
            formats=(JSON,),
            headers=waiting_headers(row),
            state=operations.state_tag(row),
        )
    seen = read.request.headers.get("last-event-id")
    if knows_the_end(row, read, seen):
        # By this a browser knows not to come again.
        return Response(status_code=204)
    reader = StreamReader(read.request, read.caller)
    return stream(follow(read.state, read, row.id, reader, seen=seen))


def waiting_headers(job: Job) -> dict[str, str]:
    """What has not ended is worth another look."""
    return {} if JobStatus(job.status).final else {"Retry-After": "1"}


def page_of(job: Job, former: Job | None, view: View) -> dict[str, object]:
    """What the page of a job shows beside its state."""
    status = JobStatus(job.status)
    done = status is JobStatus.SUCCESSFUL
    return {
        "title": process_of(job, view),
        "former": None if former is None else known_by(former, view),
        "ended": status.final,
        "results": told_results(job, view) if done else None,
    }


def process_of(job: Job, view: View) -> str:
    """What the process of a job is called."""
    contract = CONTRACTS.get(job.kind)
    return job.kind if contract is None else contract.title.in_(view.lang)


def known_by(job: Job, view: View) -> dict[str, object]:
    """What people know a job by: what it computes, what it is called, and when it was made."""
    names = filter(None, (process_of(job, view), title_of(job, view.lang)))
    return {"title": " · ".join(names), "created": moment(job.created_at)}


results = APIRouter(tags=["processes"], route_class=LateRoute)
WHOLE = {
    JSON.media_type: {"schema": {"anyOf": [{"$ref": f"#/components/schemas/{RESULTS}"}, VALUE]}},
    HTML.media_type: {"schema": {"type": "string"}},
}
Parameters = Annotated[dependencies.PageQuery, Query()]


class OutputQuery(dependencies.PageQuery):
    """Parameters of one output."""

    f: str | None = dependencies.format_field("json", "text", "html")


@results.get(
    "/jobs/{job}/results",
    summary="A job's results",
    response_class=Response,
    responses={200: {"content": {**result_contents(), **WHOLE}}},
)
async def read_results(
    read: dependencies.Read[dependencies.Reader], job: str, query: Parameters
) -> Response:
    """Tell the results in the form asked for with the job: one document, or outputs as they are.

    Whoever names a format with `f`, or asks for a page, is given the document.
    """
    row = await operations.read_job(read.session, read.caller, job)
    successful_result(row)
    raw = ResultForm.of_row(row.result_form).response == "raw"
    if raw and query.f is None and not wants_page(read):
        return raw_answer(read, read.state.store, row)
    document = told_results(row, read)
    values = {name: item for name, item in document.items() if is_value(name, item)}
    extra: dict[str, Any] = {
        "job": str(row.id),
        "of_job": known_by(row, read),
        "values": values,
        "checked": None,
    }
    if row.kind == "check-compliance" and read.wants_html(JSON, HTML):
        checked, viewer = document["result"], read.caller.viewer
        names = await names_in(read.session, checked, viewer, read.lang)
        people = await people_on(read.session, viewer, checked)
        extra |= {"checked": checked, "names": names, "people": people}
    return read.respond(document, template="results.html", extra=extra)


@results.get(
    "/jobs/{job}/results/{output}",
    summary="One output of a job",
    response_class=Response,
    responses={200: {"content": result_contents()}},
)
async def read_output(
    read: dependencies.Read[dependencies.Reader],
    job: str,
    output: str,
    query: Annotated[OutputQuery, Query()],
) -> Response:
    """Send a result file, or a value as JSON."""
    row = await operations.read_job(read.session, read.caller, job)
    file, value = operations.output_of(row, output)
    if file is not None:
        if await find_job(read.session, row.id, reader=NOBODY) is None:
            told = {"table": "job", "object_id": f"{row.id}/{output}", "sha256": file["sha256"]}
            await note_download(read.request, read.caller, **told)
        return send_file(read, read.state.store, output, file)
    known = next((item for item in CONTRACTS[row.kind].outputs if item.name == output), None)
    if known is None:
        return read.send(orjson.dumps(value), JSON.media_type)
    return value_answer(read, known, value)


def is_value(name: str, item: object) -> bool:
    """Whether a result is told on the page itself, being neither a file nor a layer of a map."""
    return name != "layers" and not (isinstance(item, dict) and "href" in item)


def wants_page(view: View) -> bool:
    """Whether a browser asks, which names HTML among what it accepts."""
    return HTML.media_type in view.request.headers.get("accept", "")
