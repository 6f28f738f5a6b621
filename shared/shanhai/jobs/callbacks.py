"""Subscribers of a job: who is told how it goes (OGC API - Processes, callback)."""

from collections.abc import Mapping
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.deliveries.outbox import enqueue
from shanhai.db.tables.job import Job
from shanhai.http_egress import parse_target
from shanhai.jobs.results import results_document, status_info
from shanhai.settings import OutgoingSettings
from shanhai.vocabulary import JobStatus, Lang

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
    """Write a delivery for the subscriber of a job whose state this transaction changes."""
    subscriber = await session.scalar(select(Job.subscriber).where(Job.id == job_id))
    target = (subscriber or {}).get(_TOLD_AT[status])
    if target is None:
        return
    payload: dict[str, Any] = {"job": str(job_id)}
    if status is not JobStatus.SUCCESSFUL:
        # Its state at this moment, whatever it is when this is sent; results do not change.
        job = await session.get_one(Job, job_id, populate_existing=True)
        payload["status"] = status_info(job, base_url="", lang=language_of(job))
    await enqueue(session, "callback", target, f"job.{status}", payload)


def callback_results(job: Job, *, base_url: str) -> Mapping[str, Any]:
    """The results of a job as its subscriber is sent them."""
    return results_document(job, base_url=base_url, lang=language_of(job))


def language_of(job: Job) -> Lang:
    """The language its subscriber is told in."""
    return "en" if (job.subscriber or {}).get("lang") == "en" else "zh"
