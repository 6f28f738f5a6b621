"""What can be asked of jobs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.queries.jobs import JobFilter, find_job, list_jobs
from shanhai.db.tables.job import Job
from shanhai.errors import Forbidden, NotFound, demand_state
from shanhai.jobs.results import is_published
from shanhai.jobs.states import cancel
from shanhai.jobs.submission import resubmit, terms_of
from shanhai.vocabulary import JobStatus, Scope
from shanhai_api.features.parameters import Reader
from shanhai_api.features.values import parse_datetime
from shanhai_api.jobs.models import JobsQuery, StatusInfo, read_cursor
from shanhai_api.jobs.results import successful_result
from shanhai_api.kit.answers import Answer
from shanhai_api.kit.dependencies import Context, WriteContext
from shanhai_api.kit.errors import NoSuchJob
from shanhai_api.kit.requests import Caller

BEGUN = tuple(status for status in JobStatus if status is not JobStatus.ACCEPTED)


async def read_job(session: AsyncSession, caller: Caller, job_id: str) -> Job:
    """A job the caller may know of.

    Raises:
        NoSuchJob: there is none.
    """
    job = None
    if (known := as_uuid(job_id)) is not None:
        job = await find_job(session, known, reader=caller)
    if job is None:
        raise NoSuchJob(f"there is no job {job_id!r}", message_zh=f"没有作业 {job_id!r}")
    return job


async def read_former(session: AsyncSession, caller: Caller, job: Job) -> Job | None:
    """The job that another tries again, where the caller may know of it."""
    return None if job.retry_of is None else await find_job(session, job.retry_of, reader=caller)


def as_uuid(text: str) -> UUID | None:
    """The UUID a text spells in its usual form, else None."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None


async def read_jobs(read: Context, query: JobsQuery) -> Sequence[Job]:
    """One job more than a page, from the newest on; dates are days of the platform's time zone.

    Durations are those of jobs that run or have ended, unless other states are asked for.

    Raises:
        InvalidInput: `datetime` is malformed.
    """
    zone = ZoneInfo(read.state.configuration.database.timezone)
    reader = Reader({} if query.datetime is None else {"datetime": query.datetime})
    created = reader.read("datetime", partial(parse_datetime, zone=zone))
    reader.refuse_faults()
    timed = query.minDuration is not None or query.maxDuration is not None
    statuses = tuple(query.status) or (BEGUN if timed else ())
    return await list_jobs(
        read.session,
        JobFilter(
            reader=read.caller,
            kinds=tuple(query.processID),
            statuses=statuses,
            min_seconds=query.minDuration,
            max_seconds=query.maxDuration,
            dead=query.dead == "true",
            created=created,
        ),
        limit=query.limit + 1,
        after=None if query.cursor is None else read_cursor(query.cursor),
    )


async def dismiss(
    session: AsyncSession,
    caller: Caller,
    job_id: str,
    *,
    expected: frozenset[str] | None,
    act: Act,
) -> Job:
    """Ask for the end of a job; only who requested it and administrators may.

    Raises:
        NoSuchJob: there is none.
        Forbidden: it is somebody else's.
        Stale: it is in none of the states `expected`.
    """
    job = await read_job(session, caller, job_id)
    demand_own(job, caller)
    demand_state(state_tag(job), expected, f"job {job.id}", f"作业 {job.id}")
    await cancel(session, job.id, act=act)
    await session.refresh(job)
    return job


def state_tag(job: Job) -> str:
    """What `If-Match` compares of a job: how it stands, and not how far it is."""
    return f"{job.status}-{job.attempt}"


async def retry(write: WriteContext, job_id: str) -> Answer[StatusInfo]:
    """Ask once more for what a job that failed or was dismissed should have computed.

    Raises:
        NoSuchJob: there is none.
        Forbidden: it is somebody else's.
        Conflict: it has not ended so, or was tried again before.
        TooManyJobs: as many jobs of theirs are waiting as may.
    """
    state, caller = write.state, write.caller
    former = await read_job(write.session, caller, job_id)
    demand_own(former, caller)
    terms = terms_of(state.configuration.queue, caller)
    job = await resubmit(write.session, former, identity=caller, terms=terms, act=write.act)
    return Answer(StatusInfo.of(job, write), location=f"/jobs/{job.id}")


def demand_own(job: Job, caller: Caller) -> None:
    """Refuse whoever neither requested the job nor administers.

    Raises:
        Forbidden: so it is.
    """
    if job.requested_by != caller.owner and not caller.may(Scope.ADMIN):
        raise Forbidden(
            "only who requested a job and administrators may read its inputs, dismiss it or try"
            " it again",
            message_zh="只有作业提交者和管理员可以查看其输入、取消或重试该作业",
        )


def output_of(job: Job, name: str) -> tuple[Mapping[str, Any] | None, Any]:
    """An output of a successful job, or of one whose PDF follows: its file, or None and its value.

    Raises:
        NotFound: the job has no such output.
        ResultNotReady: it has none yet.
    """
    result = (job.result or {}) if is_published(job) else successful_result(job)
    files, values = result.get("outputs", {}), result.get("values", {})
    if name in files:
        return files[name], None
    if name in values:
        return None, values[name]
    successful_result(job)
    known = ", ".join(sorted({*files, *values}))
    raise NotFound(
        f"job {job.id} has no output {name!r}; outputs: {known}",
        message_zh=f"作业 {job.id} 没有输出 {name!r}；现有：{known}",
    )
