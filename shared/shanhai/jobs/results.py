"""What clients see of a job: its statusInfo and its results, as OGC API - Processes has them."""

from collections.abc import Mapping
from typing import Any

from shanhai.db.tables.job import Job
from shanhai.jobs.failures import Failure
from shanhai.jobs.fair_queue import QUOTA
from shanhai.jobs.result_form import ResultForm
from shanhai.jobs.stages import AGAIN, ENDING, HELD_BACK, STATUS_MESSAGES, name_stage
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import OutputSpec
from shanhai.timestamps import rfc3339
from shanhai.vocabulary import JobStatus, Lang

REL_RESULTS = "http://www.opengis.net/def/rel/ogc/1.0/results"
REL_EVENTS = "urn:shanhai:rel:events"
"""Of the stream: `monitor` means a resource to be asked again, which a stream is not."""


def status_info(job: Job, *, base_url: str, lang: Lang, kept: Lang | None = None) -> dict[str, Any]:
    """The statusInfo of a job; members without a value are left out.

    Args:
        kept: The language its links keep.
    """
    status = JobStatus(job.status)
    info: dict[str, Any] = {
        "processID": job.kind,
        "type": "process",
        "jobID": str(job.id),
        "status": status.value,
        "message": message_of(job, lang),
        "created": rfc3339(job.created_at),
        "started": rfc3339(job.started_at),
        "finished": rfc3339(job.finished_at),
        "updated": rfc3339(job.updated_at),
        "progress": job.progress,
        "stage": job.stage if status is JobStatus.RUNNING else None,
        "attempt": job.attempt,
        "priority": job.priority,
        "retryOf": None if job.retry_of is None else str(job.retry_of),
        "notBefore": rfc3339(job.not_before),
        "links": job_links(job, base_url=base_url, kept=kept),
    }
    if job.error is not None and status.final:
        info["exception"] = exception_of(job.error, lang)
    return {name: value for name, value in info.items() if value is not None}


def message_of(job: Job, lang: Lang) -> str:
    """One line a person reads while waiting."""
    status = JobStatus(job.status)
    if job.error is not None:
        detail = Failure.parse(job.error).detail.in_(lang)
        return detail if status.final else AGAIN.in_(lang).format(detail)
    if job.held == QUOTA:
        return HELD_BACK.in_(lang)
    if status is JobStatus.RUNNING and job.cancel_requested:
        return ENDING.in_(lang)
    if status is JobStatus.RUNNING and job.stage is not None:
        return name_stage(
            job.stage, lang, CONTRACTS[job.kind].stages if job.kind in CONTRACTS else {}
        )
    return STATUS_MESSAGES[status].in_(lang)


def exception_of(error: Mapping[str, Any], lang: Lang) -> dict[str, Any]:
    """The error of a failed job in the members of a problem document."""
    failure = Failure.parse(dict(error))
    exception: dict[str, Any] = {
        "title": failure.title.in_(lang),
        "detail": failure.detail.in_(lang),
        "class": failure.kind,
    }
    if failure.faults:
        exception["errors"] = [fault.told(lang) for fault in failure.faults]
    return exception


def results_document(
    job: Job, *, base_url: str, lang: Lang, kept: Lang | None = None
) -> dict[str, Any]:
    """The results of a successful job: values as they are, declared files as links.

    A job's other files, its rasters above all, are layers and datasets and no members. Where the
    caller named outputs these are the members, and values asked for by reference are links.
    """
    result, form = job.result or {}, ResultForm.of_row(job.result_form)
    values, files = result.get("values", {}), result.get("outputs", {})
    wanted = form.wanted(CONTRACTS[job.kind])
    links = {
        output.name: output_link(job, output, base_url=base_url, lang=lang, kept=kept)
        for output in wanted
        if output.name in files or (output.name in values and form.by_reference(output.name))
    }
    if form.outputs:
        values = {name: value for name, value in values.items() if name in form.outputs}
    return {**values, **links}


def output_link(
    job: Job, output: OutputSpec, *, base_url: str, lang: Lang, kept: Lang | None = None
) -> dict[str, Any]:
    """A link to one output, be it a file or a value."""
    file = (job.result or {}).get("outputs", {}).get(output.name)
    href = _in_language(f"{base_url}/jobs/{job.id}/results/{output.name}", kept)
    if file is None:
        title = output.title.in_(lang)
        return {"href": href, "rel": "item", "type": output.media_type, "title": title}
    return {
        "href": href,
        "rel": "item",
        "type": file["media_type"],
        "title": file[f"title_{lang}"],
        "length": file["bytes"],
    }


def job_links(job: Job, *, base_url: str, kept: Lang | None = None) -> list[dict[str, str]]:
    """Where a client goes from here: again, to the results, to the process."""
    url = f"{base_url}/jobs/{job.id}"
    links = [
        _link(url, "self"),
        _link(url, "monitor"),
        _link(f"{url}/events", REL_EVENTS, "text/event-stream"),
        _link(f"{base_url}/processes/{job.kind}", "up"),
    ]
    if job.status == JobStatus.SUCCESSFUL:
        links.append(_link(f"{url}/results", REL_RESULTS))
        links.append(_link(f"{url}/manifest", "describedby"))
    return [{**link, "href": _in_language(link["href"], kept)} for link in links]


def _in_language(href: str, kept: Lang | None) -> str:
    return href if kept is None else f"{href}?lang={kept}"


def _link(href: str, rel: str, media_type: str = "application/json") -> dict[str, str]:
    return {"href": href, "rel": rel, "type": media_type}
