"""Waiting for a job; its status and results as HTTP: one document, or the outputs as they are."""

import asyncio
import base64
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any, cast
from uuid import UUID

import orjson
from fastapi import Response

from shanhai.db.queries.jobs import find_job
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, InvalidInput, ShanhaiError
from shanhai.jobs.messages import Failure
from shanhai.jobs.results import (
    ResultForm,
    is_published,
    output_link,
    results_document,
    status_info,
)
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import QUALIFIED, OutputSpec
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import JobStatus, Label
from shanhai_api.kit.errors import JobDismissed, NotAcceptable, ResultNotReady
from shanhai_api.kit.state import ServiceState
from shanhai_api.kit.stored_files import StoredFileResponse
from shanhai_api.kit.view import JSON, TEXT, View, choose_format, digest_of, is_known, link_header

POLL_S = 0.25
"""Seconds between looks at a job of which nobody has told anything."""
CALLERS_FAULT = frozenset({"invalid", "resource"})


class UnsuccessfulJob(Conflict):
    """The job ended without a result, and its inputs are not to blame."""

    title = Label("作业失败", "Job failed")


async def wait_for_end(
    state: ServiceState, job_id: UUID, seconds: float, heard: asyncio.Event | None = None
) -> Job | None:
    """The job once it has ended; None when it has not in time, or the service stops.

    Args:
        heard: What tells of it since before it was accepted, if anything does.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    with state.milestones.of(job_id) as news:
        if heard is not None:
            await hear(heard, min(POLL_S, seconds))
        while not state.draining.is_set():
            news.clear()
            async with state.reading() as session:
                job = await find_job(session, job_id, reader=None)
            if job is not None and JobStatus(job.status).final:
                return job
            left_s = deadline - loop.time()
            if left_s <= 0:
                return None
            await hear(news, min(POLL_S, left_s))
    return None


async def hear(news: asyncio.Event, within_s: float) -> None:
    """Wait for the event, or as long as that."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await news.wait()


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
            raise _with_state(_not_ready(job), job)


def _not_ready(job: Job) -> ResultNotReady:
    if is_published(job):
        return ResultNotReady(
            f"job {job.id} is {job.status}: its report is still being set as PDF; all other "
            f"outputs can be had already, each at /jobs/{job.id}/results/ and its name",
            message_zh=f"作业 {job.id} 的 PDF 报告正在排版；其余成果已可逐项获取："
            f"/jobs/{job.id}/results/ 加成果名",
        )
    return ResultNotReady(
        f"job {job.id} is {job.status}; its result is not ready",
        message_zh=f"作业 {job.id} 尚未完成，结果未就绪",
    )


def _with_state(error: ShanhaiError, job: Job, failure: str | None = None) -> ShanhaiError:
    """The error, telling with its problem how the job stands."""
    state = {"jobID": str(job.id), "status": job.status}
    error.members = {"job": state if failure is None else {**state, "class": failure}}
    return error


def _failure(failure: Failure) -> ShanhaiError:
    if failure.kind in CALLERS_FAULT:
        return InvalidInput(failure.detail.en, message_zh=failure.detail.zh, faults=failure.faults)
    return UnsuccessfulJob(failure.detail.en, message_zh=failure.detail.zh)


REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
)
"""A report brings its style and pictures with it, and no script."""


def send_file(view: View, store: ArtifactStore, name: str, file: Mapping[str, Any]) -> Response:
    """A result file under its output's name; its ETag is its digest."""
    etag = f'"{file["sha256"]}"'
    headers = {"ETag": etag, "Cache-Control": view.cache_control(), "Vary": "Authorization"}
    if file["media_type"].startswith("text/html"):
        headers["Content-Security-Policy"] = REPORT_POLICY
    if is_known(view.request, etag):
        return Response(status_code=304, headers=headers)
    suffix = PurePosixPath(file["uri"]).suffix
    return StoredFileResponse(
        store,
        file["uri"],
        media_type=file["media_type"],
        headers=headers,
        filename=f"{name}{suffix}",
        disposition="inline",
    )


def told_status(job: Job, view: View) -> dict[str, Any]:
    """The statusInfo of a job."""
    return status_info(job, base_url=view.base, lang=view.lang, kept=view.chosen_lang)


def told_results(job: Job, view: View) -> dict[str, Any]:
    """The results of a successful job."""
    return results_document(job, base_url=view.base, lang=view.lang, kept=view.chosen_lang)


def told_link(job: Job, output: OutputSpec, view: View) -> dict[str, Any]:
    """A link to one output of a job."""
    return output_link(job, output, base_url=view.base, lang=view.lang, kept=view.chosen_lang)


MULTIPART = "multipart/related"


def ended_answer(
    view: View, store: ArtifactStore, job: Job, *, headers: Mapping[str, str]
) -> Response:
    """The result of an ended job in the answer to the request that asked for it.

    Raises:
        InvalidInput, JobFailed, JobDismissed: as `successful_result`.
    """
    successful_result(job)
    form = ResultForm.of_row(job.result_form)
    there = _outputs_there(job, form)
    lone_text = len(there) == 1 and there[0].media_type == TEXT.media_type
    if form.response == "raw" or (form.response is None and lone_text):
        answer = raw_answer(view, store, job)
    else:
        document = told_results(job, view)
        answer = Response(orjson.dumps(document), media_type=JSON.media_type)
    monitor = link_header([view.link(f"/jobs/{job.id}", "monitor")], rels={"monitor"})["Link"]
    links = [monitor, *([answer.headers["link"]] if "link" in answer.headers else [])]
    shown = {name: value for name, value in headers.items() if name != "Location"}
    answer.headers.update({**shown, "Link": ", ".join(links)})
    return answer


def raw_answer(view: View, store: ArtifactStore, job: Job) -> Response:
    """The outputs as they are: one alone as the body, several as parts, references as links.

    In parts, files are given by reference whatever was asked.
    """
    form, result = ResultForm.of_row(job.result_form), successful_result(job)
    files, values = result.get("outputs", {}), result.get("values", {})
    wanted = _outputs_there(job, form)
    if all(form.by_reference(output.name) for output in wanted):
        return _linked(view, job, wanted)
    if len(wanted) == 1 and wanted[0].name in files:
        return send_file(view, store, wanted[0].name, files[wanted[0].name])
    if len(wanted) == 1:
        return value_answer(view, wanted[0], values[wanted[0].name])
    return _in_parts(view, job, form, wanted)


def _outputs_there(job: Job, form: ResultForm) -> list[OutputSpec]:
    """The outputs that were asked for and made."""
    result = successful_result(job)
    made = {*result.get("outputs", {}), *result.get("values", {})}
    return [output for output in form.wanted(CONTRACTS[job.kind]) if output.name in made]


def value_answer(view: View, output: OutputSpec, value: Any) -> Response:
    """One value: a text as such, unless JSON is asked for; all else as what it is."""
    if output.media_type == TEXT.media_type and not _wants_text(view):
        return view.send(orjson.dumps(value), JSON.media_type)
    return view.send(*content_of(output, value))


def content_of(output: OutputSpec, value: Any) -> tuple[bytes, str]:
    """A value as bytes, out of the standard's wrapping, and their media type."""
    if output.media_type == TEXT.media_type:
        return str(value).encode(), TEXT.media_type
    if not isinstance(value, dict) or not {"value", "mediaType"} <= value.keys() <= QUALIFIED:
        return orjson.dumps(value), output.media_type
    if value.get("encoding") == "base64":
        return base64.b64decode(value["value"]), value["mediaType"]
    return orjson.dumps(value["value"]), value["mediaType"]


def _wants_text(view: View) -> bool:
    try:
        return choose_format(view.request, (TEXT, JSON)) is TEXT
    except NotAcceptable:
        if view.request.method != "POST":
            raise
        # The computation is done: its result is not withheld for the form it comes in.
        return True


def _linked(view: View, job: Job, wanted: list[OutputSpec]) -> Response:
    """No body, and a link to each output, titled with its name, which is ASCII."""
    links = [told_link(job, output, view) for output in wanted]
    told = [
        f'<{link["href"]}>; rel="item"; type="{link["type"]}"; title="{output.name}"'
        for link, output in zip(links, wanted, strict=True)
    ]
    return Response(status_code=204, headers={"Link": ", ".join(told)} if told else None)


def _in_parts(view: View, job: Job, form: ResultForm, wanted: list[OutputSpec]) -> Response:
    """Outputs as the parts of a body (RFC 2387), each under its name."""
    result = successful_result(job)
    # The same for the same results, so that a caller who has them is told so.
    boundary = digest_of(orjson.dumps([str(job.id), job.result_form]))
    parts = []
    for output in wanted:
        head = [f"Content-ID: {output.name}"]
        body = b""
        if output.name in result.get("outputs", {}) or form.by_reference(output.name):
            link = told_link(job, output, view)
            head += [f"Content-Type: {link['type']}", f"Content-Location: {link['href']}"]
        else:
            body, media_type = content_of(output, result["values"][output.name])
            head.append(f"Content-Type: {media_type}")
        parts.append("\r\n".join([f"--{boundary}", *head, "", ""]).encode() + body + b"\r\n")
    content = b"".join(parts) + f"--{boundary}--\r\n".encode()
    # RFC 2387 wants the type of the part that a reader begins with, the first one.
    kind = f'{MULTIPART}; boundary={boundary}; type="{wanted[0].media_type}"'
    return view.send(content, kind)
