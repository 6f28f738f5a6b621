"""What can be asked of jobs."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import Act
from shanhai.db.queries.job_reading import JobFilter, find_job, list_jobs
from shanhai.db.tables import Job
from shanhai.errors import Forbidden, NotFound
from shanhai.jobs.results import status_info
from shanhai.jobs.states import cancel
from shanhai.jobs.submission import resubmit, terms_of
from shanhai.vocabulary import Scope
from shanhai_api.awaiting import successful_result
from shanhai_api.dependencies import act_of
from shanhai_api.errors import NoSuchJob
from shanhai_api.features.values import parse_datetime
from shanhai_api.identity import Caller
from shanhai_api.jobs.parameters import JobsQuery, read_cursor
from shanhai_api.once import Made
from shanhai_api.state import State, Unit
from shanhai_api.view import View


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


def as_uuid(text: str) -> UUID | None:
    """The UUID a text spells in its usual form, else None."""
    try:
        parsed = UUID(text)
    except ValueError:
        return None
    return parsed if str(parsed) == text.lower() else None


async def read_jobs(session: AsyncSession, caller: Caller, query: JobsQuery) -> Sequence[Job]:
    """One job more than a page, from the newest on."""
    return await list_jobs(
        session,
        JobFilter(
            reader=caller,
            kinds=members(query.processID),
            statuses=members(query.status),
            min_seconds=query.minDuration,
            max_seconds=query.maxDuration,
            dead=query.dead == "true",
            created=None if query.datetime is None else parse_datetime(query.datetime),
        ),
        limit=query.limit + 1,
        after=None if query.cursor is None else read_cursor(query.cursor),
    )


def members(text: str | None) -> tuple[str, ...]:
    """The members of a comma-separated list."""
    return () if text is None else tuple(part.strip() for part in text.split(","))


async def dismiss(session: AsyncSession, caller: Caller, job_id: str, *, act: Act) -> Job:
    """Ask for the end of a job; only who requested it and administrators may.

    Raises:
        NoSuchJob: there is none.
        Forbidden: it is somebody else's.
    """
    job = await read_job(session, caller, job_id)
    demand_own(job, caller)
    await cancel(session, job.id, act=act)
    await session.refresh(job)
    return job


async def retry(state: State, unit: Unit, view: View, caller: Caller, job_id: str) -> Made:
    """Ask once more for what a job that failed or was dismissed should have computed.

    Raises:
        NoSuchJob: there is none.
        Forbidden: it is somebody else's.
        Conflict: it has not ended so, or was tried again before.
        TooManyJobs: as many jobs of theirs are waiting as may.
    """
    former = await read_job(unit.session, caller, job_id)
    demand_own(former, caller)
    job = await resubmit(
        unit.session,
        former,
        identity=caller,
        terms=terms_of(state.configuration.queue, caller),
        act=act_of(caller, view),
    )
    unit.after_commit.append(partial(state.dispatcher.dispatch, job.id, job.attempt))
    content = status_info(job, base_url=view.base, lang=view.lang)
    return Made(content, {"Location": f"{view.base}/jobs/{job.id}"})


def demand_own(job: Job, caller: Caller) -> None:
    """Refuse whoever neither requested the job nor administers.

    Raises:
        Forbidden: so it is.
    """
    if job.requested_by != caller.owner and not caller.may(Scope.ADMIN):
        raise Forbidden(
            "only who requested a job and administrators may dismiss it or try it again",
            message_zh="只有作业提交者和管理员可以取消或重试该作业",
        )


def output_of(job: Job, name: str) -> tuple[Mapping[str, Any] | None, Any]:
    """An output of a successful job: its file, or None and its value.

    Raises:
        NotFound: the job has no such output.
    """
    result = successful_result(job)
    files, values = result.get("outputs", {}), result.get("values", {})
    if name in files:
        return files[name], None
    if name in values:
        return None, values[name]
    known = ", ".join(sorted({*files, *values}))
    raise NotFound(
        f"job {job.id} has no output {name!r}; outputs: {known}",
        message_zh=f"作业 {job.id} 没有输出 {name!r}；现有：{known}",
    )
