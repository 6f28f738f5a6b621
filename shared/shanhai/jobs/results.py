"""What clients see of a job: its statusInfo, its results, and what its subscribers are told."""

from collections.abc import Mapping
from typing import Any, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.tables.job import Job
from shanhai.http_egress import parse_target
from shanhai.jobs.fair_queue import QUOTA
from shanhai.jobs.messages import AGAIN, ENDING, HELD_BACK, STATUS_MESSAGES, Failure, name_stage
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.contract import OutputSpec, ProcessContract
from shanhai.settings import OutgoingSettings
from shanhai.validation import rfc3339
from shanhai.vocabulary import JobStatus, Lang

MILESTONES = "shanhai_job_ended"
"""The channel on which the ids of jobs are told that have published their results, or ended."""
Transmission = Literal["value", "reference"]


class ResultForm(BaseModel):
    """What was asked of the results' form; empty where the caller left it to the platform.

    Attributes:
        response: Outputs as they are, or one JSON document of all.
        outputs: The outputs wanted, each with the way it is given; empty means all.
    """

    response: Literal["raw", "document"] | None = None
    outputs: dict[str, Transmission | None] = {}

    @classmethod
    def of_row(cls, kept: Mapping[str, Any] | None) -> Self:
        """The form as it is kept with a job."""
        return cls.model_validate(kept or {})

    def row(self) -> dict[str, Any] | None:
        """The form as it is kept with a job: nothing where nothing was asked."""
        return self.model_dump(exclude_defaults=True) or None

    def wanted(self, contract: ProcessContract) -> list[OutputSpec]:
        """The outputs asked for, in the order of the contract."""
        return [item for item in contract.outputs if not self.outputs or item.name in self.outputs]

    def by_reference(self, name: str) -> bool:
        """Whether an output was asked for by reference."""
        return self.outputs.get(name) == "reference"


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
        "title": title_of(job, lang),
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
        "methods": (job.task or {}).get("methods") or None,
        "links": [
            *job_links(job, base_url=base_url, kept=kept),
            *_early_links(job, base_url=base_url, lang=lang, kept=kept),
        ],
    }
    if job.error is not None and status.final:
        info["exception"] = exception_of(job.error, lang)
    return {name: value for name, value in info.items() if value is not None}


def title_of(job: Job, lang: Lang) -> str | None:
    """What the inputs of a job call it, where they do."""
    names = (job.inputs.get(member) for member in (f"name_{lang}", "name_zh"))
    return next((name for name in names if isinstance(name, str)), None)


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


def is_published(job: Job) -> bool:
    """Whether outputs of a job can be had already that has not ended: only its PDF is to come."""
    return job.result is not None and not JobStatus(job.status).final


def _early_links(job: Job, *, base_url: str, lang: Lang, kept: Lang | None) -> list[dict[str, Any]]:
    """Links to what can be had while the PDF is set; afterwards the results have them."""
    files = (job.result or {}).get("outputs", {}) if is_published(job) else {}
    return [
        output_link(job, output, base_url=base_url, lang=lang, kept=kept)
        for output in CONTRACTS[job.kind].outputs
        if output.name in files
    ]


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


LONGEST_URI = 2000
# The standard knows no address for jobs that were dismissed: they end without a result, too.
_TOLD_AT = {
    JobStatus.RUNNING: "inProgressUri",
    JobStatus.SUCCESSFUL: "successUri",
    JobStatus.FAILED: "failedUri",
    JobStatus.DISMISSED: "failedUri",
}


class Subscriber(BaseModel):
    """Addresses that are told of a job, as the execution request gives them."""

    model_config = ConfigDict(extra="forbid")

    successUri: str | None = Field(None, max_length=LONGEST_URI)
    inProgressUri: str | None = Field(None, max_length=LONGEST_URI)
    failedUri: str | None = Field(None, max_length=LONGEST_URI)

    @model_validator(mode="after")
    def check_any(self) -> Self:
        """Somebody is to be told something."""
        if not self.given:
            raise ValueError(
                "one of successUri, inProgressUri and failedUri is needed"
                " / 须给出 successUri、inProgressUri、failedUri 之一"
            )
        return self

    @property
    def given(self) -> dict[str, str]:
        """The addresses there are, by their names."""
        addresses: dict[str, str] = self.model_dump(exclude_none=True)
        return addresses

    def check_hosts(self, settings: OutgoingSettings) -> None:
        """Refuse addresses that nothing may be sent to.

        Raises:
            InvalidInput: One of them is malformed, or its host is not listed.
        """
        for name, url in self.given.items():
            parse_target(url, settings, pointer=f"/subscriber/{name}")

    def row(self, lang: Lang) -> dict[str, str]:
        """What is kept with a job: the addresses, and the language they are told in."""
        return {**self.given, "lang": lang}


async def tell_subscriber(session: AsyncSession, job_id: UUID, status: JobStatus) -> None:
    """Write a delivery for the subscriber of a job whose state this transaction changes.

    Who listens on `MILESTONES` is told when the job has ended.
    """
    told = [func.pg_notify(MILESTONES, str(job_id))] if status.final else []
    subscriber = await session.scalar(select(Job.subscriber, *told).where(Job.id == job_id))
    target = (subscriber or {}).get(_TOLD_AT[status])
    if target is None:
        return
    payload: dict[str, Any] = {"job": str(job_id)}
    if status is not JobStatus.SUCCESSFUL:
        # Its state at this moment, whatever it is when this is sent; results do not change.
        job = await session.get_one(Job, job_id, populate_existing=True)
        payload["status"] = status_info(job, base_url="", lang=language_of(job))
    await enqueue(session, "callback", target, f"job.{status}", payload)


def language_of(job: Job) -> Lang:
    """The language its subscriber is told in."""
    return "en" if (job.subscriber or {}).get("lang") == "en" else "zh"
