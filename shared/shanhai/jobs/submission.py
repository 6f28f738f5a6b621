"""Accept a job: resolve what was asked for, write the row and what it will read."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import __version__
from shanhai.db.identity import Identity, demand_role
from shanhai.db.queries.audit import Act, record
from shanhai.db.queries.jobs import find_region, find_retry
from shanhai.db.tables.job import Job, JobDataset
from shanhai.errors import Conflict
from shanhai.jobs.fair_queue import NO_QUOTA, NORMAL, Quota, demand_priority, find_spot, lock_caller
from shanhai.jobs.results import ResultForm
from shanhai.processes.catalogue import read_task, resolution_of
from shanhai.processes.kit.checkout import source_digest
from shanhai.processes.kit.contract import Inputs, ProcessContract
from shanhai.processes.kit.lookups import demand_known
from shanhai.processes.kit.publication import identity_of
from shanhai.processes.kit.task import Task
from shanhai.settings import QueueSettings
from shanhai.telemetry import traceparent
from shanhai.vocabulary import ROLE_SCOPES, JobStatus, Role, Scope

SOFTWARE = f"shanhai {__version__}"
RETRIED = (JobStatus.FAILED, JobStatus.DISMISSED)
"""States of jobs that may be asked for once more."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a job is accepted.

    Attributes:
        priority: From 0 to 9; higher ones go first.
        unique_s: An equal job of the same caller is given instead, if one is waiting or running or
            succeeded at most so many seconds ago; None to make another in any case.
        quota: How many jobs the caller may have.
    """

    priority: int = NORMAL
    unique_s: float | None = None
    quota: Quota = NO_QUOTA


USUAL = Terms()


def terms_of(
    queue: QueueSettings,
    identity: Identity,
    *,
    priority: str = "normal",
    unique_s: float | None = None,
) -> Terms:
    """On what terms a job of the identity is accepted.

    Raises:
        Forbidden: They may not pass before others.
    """
    quota = Quota(queue.queue_waiting, queue.queue_running)
    return Terms(demand_priority(identity, priority), unique_s, quota)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The job that does what was asked, and whether it was made for that."""

    job: Job
    new: bool = True


JOB_ROLES = frozenset(role for role in Role if Scope.JOBS in ROLE_SCOPES[role])
"""The roles that compute, in their regions."""


async def _demand_region(session: AsyncSession, code: str | None, identity: Identity) -> None:
    """Refuse a job of a region in which who asks computes nothing: it reads what is kept there.

    Raises:
        Forbidden: So it is.
    """
    region = None if code is None else await find_region(session, code)
    if region is not None:
        demand_role(identity, JOB_ROLES, region.id)


async def accept_job(
    session: AsyncSession,
    *,
    contract: ProcessContract,
    inputs: Inputs,
    requested_by: str,
    identity: Identity | None = None,
    request_id: str | None = None,
    result_form: ResultForm | None = None,
    subscriber: Mapping[str, str] | None = None,
    terms: Terms = USUAL,
) -> Accepted:
    """Write an accepted job; workers are notified once the caller commits.

    Args:
        session: Where the row is written.
        contract: The process.
        inputs: What was asked, checked against the contract.
        requested_by: Who asked.
        identity: What who asked may do, for processes that write in their name.
        request_id: The request, for the audit log.
        result_form: How the results are to be told.
        subscriber: Addresses that are told how it goes; see `shanhai.jobs.results`.
        terms: Its priority, whether an equal job will do, and how many there may be.

    Raises:
        InvalidInput: The inputs name what does not exist or does not fit; names every fault.
        TooManyJobs: As many jobs of the caller are waiting as may.
    """
    job = await prepare_job(
        session,
        contract=contract,
        inputs=inputs,
        requested_by=requested_by,
        identity=identity,
        request_id=request_id,
        result_form=result_form,
        subscriber=subscriber,
    )
    return await _enter(session, job, terms, Act(requested_by, request_id))


async def prepare_job(
    session: AsyncSession,
    *,
    contract: ProcessContract,
    inputs: Inputs,
    requested_by: str,
    identity: Identity | None = None,
    request_id: str | None = None,
    result_form: ResultForm | None = None,
    subscriber: Mapping[str, str] | None = None,
) -> Job:
    """The job of `accept_job`, looked up and judged; it is in no line yet.

    Raises:
        InvalidInput: The inputs name what does not exist or does not fit; names every fault.
    """
    if identity is not None:
        await demand_known(session, inputs, identity.viewer)
        await _demand_region(session, getattr(inputs, "region", None), identity)
    task = await resolution_of(contract.id).task_of(
        session, inputs, requested_by=requested_by, identity=identity
    )
    job = Job(
        kind=contract.id,
        inputs=inputs.model_dump(mode="json", exclude_unset=True),
        task=task.model_dump(mode="json"),
        result_form=None if result_form is None else result_form.row(),
        subscriber=None if subscriber is None else dict(subscriber),
        seed=task.seed,
        requested_by=requested_by,
        request_id=request_id,
        software=SOFTWARE,
        traceparent=traceparent(),
    )
    job.digest = _digest(job)
    return job


async def resubmit(
    session: AsyncSession, former: Job, *, identity: Identity, terms: Terms, act: Act
) -> Job:
    """Ask once more for what a job that failed or was dismissed should have computed.

    The task is the one that was accepted then, in the name and with the rights of who asks now.

    Raises:
        Conflict: The job has not ended so, or was asked for once more before.
        Forbidden: Who asks may not compute in its region, or not write what the job would.
        TooManyJobs: As many jobs of theirs are waiting as may.
    """
    status = JobStatus(former.status)
    if status not in RETRIED:
        raise Conflict(
            f"job {former.id} is {status}; only failed and dismissed jobs are tried again",
            message_zh=f"作业 {former.id} 的状态为 {status}，只有失败或已取消的作业可以重试",
        )
    await session.execute(select(Job.id).where(Job.id == former.id).with_for_update())
    later = await find_retry(session, former.id)
    if later is not None:
        raise Conflict(
            f"job {former.id} was tried again as {later}",
            message_zh=f"作业 {former.id} 已作为 {later} 重试",
        )
    await _demand_region(session, former.inputs.get("region"), identity)
    resolution = resolution_of(former.kind)
    task = await resolution.authorised(session, read_task(former.task), identity)
    job = Job(
        kind=former.kind,
        inputs=former.inputs,
        task=task.model_dump(mode="json"),
        result_form=former.result_form,
        subscriber=former.subscriber,
        seed=former.seed,
        requested_by=identity.owner,
        request_id=act.request_id,
        retry_of=former.id,
        software=SOFTWARE,
    )
    job.digest = _digest(job)
    return (await _enter(session, job, terms, act)).job


async def resubmit_as_asked(session: AsyncSession, former: Job, *, quota: Quota, act: Act) -> Job:
    """`resubmit` in the name of who asked for the job, with the rights they had when they did.

    For whoever runs the platform: neither the results nor what is written become theirs.

    Raises:
        Conflict, Forbidden, TooManyJobs: As `resubmit`.
    """
    task = read_task(former.task)
    identity = Identity(former.requested_by, frozenset())
    if task.authority is not None:
        identity = identity_of(task)
    terms = Terms(quota=quota)
    return await resubmit(session, former, identity=identity, terms=terms, act=act)


async def _enter(session: AsyncSession, job: Job, terms: Terms, act: Act) -> Accepted:
    """Give the job its place in the line, unless an equal one will do."""
    await lock_caller(session, job.requested_by)
    if terms.unique_s is not None:
        equal = await _find_equal(session, job, terms.unique_s)
        if equal is not None:
            return Accepted(equal, new=False)
    spot = await find_spot(
        session, requested_by=job.requested_by, priority=terms.priority, quota=terms.quota
    )
    job.priority, job.turn, job.held = terms.priority, spot.turn, spot.held
    session.add(job)
    await session.flush()  # which tells what the database made: the id and the times
    session.add_all(_inputs_read(job, read_task(job.task)))
    record(session, act, "submit", table="job", object_id=str(job.id), after=told_of(job))
    return Accepted(job)


def told_of(job: Job) -> dict[str, Any]:
    """What the audit log tells of a job that was asked for."""
    told: dict[str, Any] = {"process": job.kind, "inputs": job.inputs}
    return told if job.retry_of is None else {**told, "retry_of": str(job.retry_of)}


async def _find_equal(session: AsyncSession, job: Job, unique_s: float) -> Job | None:
    """The newest job of the caller that computes the same, and may still stand for it."""
    going_on = Job.status.in_((JobStatus.ACCEPTED, JobStatus.RUNNING)) & ~Job.cancel_requested
    lately = and_(
        Job.status == JobStatus.SUCCESSFUL,
        Job.finished_at >= func.clock_timestamp() - timedelta(seconds=unique_s),
    )
    found = (
        select(Job)
        .where(
            Job.requested_by == job.requested_by,
            Job.digest == job.digest,
            or_(going_on, lately),
        )
        .order_by(Job.created_at.desc())
        .limit(1)
    )
    return await session.scalar(found)


def _digest(job: Job) -> str:
    """What stands for all that the result of a job depends on, and for how it is told."""
    said = [job.kind, job.task, job.seed, source_digest(), job.result_form, job.subscriber]
    return hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _inputs_read(job: Job, task: Task) -> list[JobDataset]:
    return [
        JobDataset(
            job_id=job.id,
            dataset_id=dataset.id,
            role="input",
            name=theme,
            checksum=dataset.checksum,
        )
        for theme, dataset in sorted(task.datasets.items())
    ]
