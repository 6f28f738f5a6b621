"""`/jobs` and what lies below."""

from hashlib import sha256
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse

from shanhai.db.tables.job import Job
from shanhai.jobs.result_form import ResultForm
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import JobStatus
from shanhai_api.compliance.naming import names_in
from shanhai_api.dependencies import (
    JobCaller,
    PageQuery,
    Reader,
    ReadSession,
    TheState,
    TheUnit,
    TheView,
    act_of,
    given,
)
from shanhai_api.event_stream import STREAMED, stream
from shanhai_api.job_results import raw_answer, told_results, told_status, value_answer
from shanhai_api.job_wait import successful_result, wait_for_end
from shanhai_api.jobs import operations
from shanhai_api.jobs.events import follow, knows_the_end
from shanhai_api.jobs.files import send_file
from shanhai_api.jobs.parameters import JobsQuery, write_cursor
from shanhai_api.negotiation import EVENTS, HTML, JSON, Format, choose_format
from shanhai_api.once import once
from shanhai_api.preconditions import expected_states
from shanhai_api.view import View, entity_tag

router = APIRouter(tags=["processes"])
Parameters = Annotated[PageQuery, Query()]
NO_BODY = sha256(b"").hexdigest()
FOLLOWED: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events; or the state as it is now, to whoever asks for JSON",
        "content": {**STREAMED[200]["content"], JSON.media_type: {"schema": {"type": "object"}}},
    },
    204: {"description": "The job has ended, as `Last-Event-ID` knows"},
}
MOST_ENDING_S = 5.0
"""A worker that lives has ended a job by then."""


@router.get("/jobs", summary="Jobs, the newest first")
async def list_jobs(
    view: TheView, caller: Reader, query: Annotated[JobsQuery, Query()], session: ReadSession
) -> Response:
    """List jobs."""
    found = await operations.read_jobs(session, caller, query)
    page = found[: query.limit]
    stated = given(query)
    links = view.self_links("/jobs", **stated)
    if len(found) > query.limit:
        cursor = write_cursor(page[-1].created_at, page[-1].id)
        place = {**stated, "f": query.f, "limit": str(query.limit), "cursor": cursor}
        links.append(view.link("/jobs", "next", JSON.media_type, **place))
    document = {"jobs": [told_status(job, view) for job in page], "links": links}
    titles = {name: contract.title.in_(view.lang) for name, contract in CONTRACTS.items()}
    return view.respond(document, template="jobs.html", extra={"titles": titles})


@router.get("/jobs/{job}", summary="A job's state and progress")
async def read_job(
    view: TheView, caller: Reader, job: str, query: Parameters, session: ReadSession
) -> Response:
    """Tell how far a job is."""
    row = await operations.read_job(session, caller, job)
    return status_answer(row, view, JSON, HTML)


@router.delete("/jobs/{job}", summary="Dismiss a job")
async def dismiss_job(
    request: Request,
    view: TheView,
    state: TheState,
    caller: JobCaller,
    job: str,
    query: Parameters,
) -> Response:
    """Ask for the end of a job, wait for it, and tell its state; what has ended stays as it is."""
    expected = expected_states(request)
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
async def retry_job(
    request: Request,
    view: TheView,
    state: TheState,
    caller: JobCaller,
    job: str,
    query: Parameters,
    unit: TheUnit,
) -> Response:
    """Make a new job of one that failed or was dismissed; the old one stays as it is."""
    made = await once(
        request,
        unit,
        caller,
        body_sha256=NO_BODY,
        effect=lambda: operations.retry(state, unit, view, caller, job),
    )
    return made.response()


@router.get("/jobs/{job}/results", summary="A job's results")
async def read_results(
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Tell the results in the form asked for with the job: one document, or outputs as they are.

    Whoever names a format with `f`, or asks for a page, is given the document.
    """
    row = await operations.read_job(session, caller, job)
    successful_result(row)
    raw = ResultForm.of_row(row.result_form).response == "raw"
    if raw and query.f is None and not wants_page(view):
        return raw_answer(view, state.store, row)
    document = told_results(row, view)
    values = {name: item for name, item in document.items() if is_value(name, item)}
    extra: dict[str, Any] = {"job": str(row.id), "values": values, "checked": None}
    if row.kind == "check-compliance" and view.wants_html(JSON, HTML):
        checked = document["result"]
        names = await names_in(session, checked, caller.viewer, view.lang)
        extra |= {"checked": checked, "names": names}
    return view.respond(document, template="results.html", extra=extra)


@router.get("/jobs/{job}/results/{output}", summary="One output of a job")
async def read_output(
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    output: str,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Send a result file, or a value as JSON."""
    row = await operations.read_job(session, caller, job)
    file, value = operations.output_of(row, output)
    if file is not None:
        return send_file(view, state.store, output, file)
    known = next((item for item in CONTRACTS[row.kind].outputs if item.name == output), None)
    if known is None:
        return view.send(orjson.dumps(value), JSON.media_type)
    return value_answer(view, known, value)


@router.get("/jobs/{job}/manifest", summary="All that is needed to repeat a job")
async def read_manifest(
    view: TheView, caller: Reader, job: str, query: Parameters, session: ReadSession
) -> Response:
    """Tell inputs with checksums, parameters, versions and seed."""
    row = await operations.read_job(session, caller, job)
    return view.respond(successful_result(row).get("manifest", {}), formats=(JSON, HTML))


@router.get(
    "/jobs/{job}/events",
    summary="A job's progress as server-sent events",
    response_class=StreamingResponse,
    responses=FOLLOWED,
)
async def stream_events(
    request: Request,
    view: TheView,
    state: TheState,
    caller: Reader,
    job: str,
    query: Parameters,
    session: ReadSession,
) -> Response:
    """Tell every change of a job until it ends; `Last-Event-ID` says what is known already.

    Whoever asks for JSON is told the state as it is now.
    """
    row = await operations.read_job(session, caller, job)
    if choose_format(request, (EVENTS, JSON)) is JSON:
        return status_answer(row, view, JSON)
    seen = request.headers.get("last-event-id")
    if knows_the_end(row, view, seen):
        # By this a browser knows not to come again.
        return Response(status_code=204)
    return stream(follow(state, view, row.id, caller, seen=seen))


def status_answer(job: Job, view: View, *formats: Format) -> Response:
    """The state of a job in one of the formats; what has not ended is worth another look."""
    return view.respond(
        told_status(job, view),
        template="job.html",
        formats=formats,
        headers={} if JobStatus(job.status).final else {"Retry-After": "1"},
        extra=page_of(job, view),
        state=operations.state_tag(job),
    )


def page_of(job: Job, view: View) -> dict[str, object]:
    """What the page of a job shows beside its state."""
    status, contract = JobStatus(job.status), CONTRACTS.get(job.kind)
    done = status is JobStatus.SUCCESSFUL
    return {
        "title": job.kind if contract is None else contract.title.in_(view.lang),
        "ended": status.final,
        "results": told_results(job, view) if done else None,
    }


def is_value(name: str, item: object) -> bool:
    """Whether a result is told on the page itself, being neither a file nor a layer of a map."""
    return name != "layers" and not (isinstance(item, dict) and "href" in item)


def wants_page(view: View) -> bool:
    """Whether a browser asks, which names HTML among what it accepts."""
    return HTML.media_type in view.request.headers.get("accept", "")
