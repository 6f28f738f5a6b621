"""The states of a job, and every change between them.

    accepted ──claim──▶ running ──succeed──▶ successful
       ▲  │                │ ├────fail─────▶ failed
       │  └─cancel─┐       │ └──dismiss────▶ dismissed
       │           └───────┼────────────────────▲
       └─hand_back, postpone, crash, reap

The results may be published before the job ends, while their PDF follows (`tell_results`). From
then on it ends successfully: to cancel it, or to lose its worker too often, costs the PDF alone.

A claim raises `attempt`, the fencing number: every later write of a worker names the attempt it
was given and changes nothing once another has been given out. All times are the database's, so
that a worker's clock may step without breaking a lease. What nobody holds any more is looked for
in `shanhai.jobs.upkeep`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Any
from uuid import UUID

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import NOT_AVAILABLE, DriverTransaction
from shanhai.db.queries.audit import Act, append_entries, entry_of, record
from shanhai.db.tables.job import Job
from shanhai.errors import Conflict, NotFound
from shanhai.jobs.fair_queue import RETRY
from shanhai.jobs.messages import WORKER_LOST, Failure, lost
from shanhai.jobs.results import MILESTONES, tell_subscriber
from shanhai.vocabulary import JobStatus, Label

_PUBLISHED = Job.result.is_not(None)
# A publication holds the row for as long as it waits for others.
_BRIEF = sa.text("SET LOCAL lock_timeout = '2s'")


class LeaseLost(Conflict):
    """The job is no longer this worker's: its results must be thrown away."""

    def __init__(self, lease: "Lease") -> None:
        super().__init__(f"attempt {lease.attempt} no longer holds job {lease.job_id}")


class Standing(Enum):
    """What a worker may still do with a job it claimed."""

    HELD = auto()
    CANCELLED = auto()
    LOST = auto()


@dataclass(frozen=True, slots=True)
class Lease:
    """A worker's right to a job, good for one attempt."""

    job_id: UUID
    attempt: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A claimed job: the lease and what has to be done."""

    lease: Lease
    kind: str
    task: dict[str, Any]
    seed: int
    software: str | None
    requested_by: str
    request_id: str | None
    retries: int
    traceparent: str | None = None
    result: dict[str, Any] | None = None
    """What an earlier attempt has published already; only its PDF is left to do."""
    subscribed: bool = False


async def claim_several(
    session: AsyncSession,
    *,
    worker: str,
    lease_s: float,
    free: int,
    ahead: int = 0,
    quick: Collection[str] = (),
) -> list[Claim]:
    """Take the jobs that are next in line, in their order.

    Args:
        session: Where they are taken.
        worker: Who takes them.
        lease_s: For how long each is held without renewal.
        free: How many can be begun at once.
        ahead: How many more are taken while all of them are of kinds that are `quick`.
        quick: Processes whose jobs were over in no time.
    """
    most = free + (ahead if quick else 0)
    kinds = sorted(quick)
    told = {"worker": worker, "lease_s": lease_s, "most": most, "free": free, "quick": kinds}
    rows = (await session.execute(_CLAIM, told)).all()
    for row in rows:
        if row.attempt == 1 and row.subscriber is not None:
            await tell_subscriber(session, row.id, JobStatus.RUNNING)
    return [
        Claim(
            lease=Lease(row.id, row.attempt),
            kind=row.kind,
            task=row.task,
            seed=row.seed,
            software=row.software,
            requested_by=row.requested_by,
            request_id=row.request_id,
            retries=row.retries,
            traceparent=row.traceparent,
            result=row.result,
            subscribed=row.subscriber is not None,
        )
        for row in sorted(rows, key=lambda row: row.place)
    ]


# Composed once: a worker asks it with every few small jobs.
_CLAIM = sa.text("""
WITH line AS (
  SELECT id, kind, priority, turn, created_at FROM job
   WHERE status = 'accepted' AND held IS NULL
   ORDER BY priority DESC, turn, created_at, id
   LIMIT :most FOR UPDATE SKIP LOCKED
), numbered AS (
  SELECT id, row_number() OVER in_order AS place,
         bool_and(kind = ANY(CAST(:quick AS text[])))
           OVER (in_order ROWS UNBOUNDED PRECEDING) AS all_quick
    FROM line WINDOW in_order AS (ORDER BY priority DESC, turn, created_at, id)
)
UPDATE job SET status = 'running', attempt = attempt + 1, worker = :worker, error = NULL,
       lease_until = clock_timestamp() + CAST(:lease_s AS float) * interval '1 second',
       started_at = coalesce(started_at, clock_timestamp())
  FROM numbered
 WHERE job.id = numbered.id AND job.status = 'accepted'
   AND (numbered.place <= :free OR numbered.all_quick)
RETURNING job.id, attempt, kind, task, seed, software, requested_by, request_id, retries,
          traceparent, result, subscriber, numbered.place
""")


async def renew(
    session: AsyncSession,
    lease: Lease,
    *,
    lease_s: float,
    percent: float = 0,
    stage: str | None = None,
) -> Standing:
    """Hold the job for another `lease_s` and tell how far it is; progress never falls."""
    statement = (
        _guarded(lease)
        .values(
            lease_until=_from_now(lease_s),
            progress=sa.func.greatest(Job.progress, min(int(percent), 99)),
            stage=sa.func.coalesce(stage, Job.stage),
        )
        .returning(Job.cancel_requested)
    )
    return _standing(await session.scalar(statement))


async def look(session: AsyncSession, lease: Lease) -> Standing:
    """Whether the job is still held, without renewing the lease."""
    return _standing(await session.scalar(sa.select(Job.cancel_requested).where(*_held(lease))))


async def hold(session: AsyncSession, lease: Lease) -> Standing:
    """Lock the row until the end of the transaction, so that its results can be published."""
    held = sa.select(Job.cancel_requested).where(*_held(lease)).with_for_update()
    return _standing(await session.scalar(held))


async def tell_results(
    session: AsyncSession, lease: Lease, *, result: dict[str, Any], stage: str, lease_s: float
) -> None:
    """Keep the result of a job that goes on at `stage`, in the transaction that publishes it; who
    listens on `MILESTONES` is told.

    From here on the job ends successfully, however it ends: what follows only completes the result.

    Raises:
        LeaseLost: the attempt no longer holds the job; roll back.
    """
    await _change(session, lease, result=result, stage=stage, lease_until=_from_now(lease_s))
    await session.execute(sa.select(sa.func.pg_notify(MILESTONES, str(lease.job_id))))


async def succeed(session: AsyncSession, lease: Lease, *, result: dict[str, Any]) -> None:
    """End the job with its result, in the transaction that publishes it.

    Raises:
        LeaseLost: the attempt no longer holds the job; roll back.
    """
    await _change(
        session,
        lease,
        status=JobStatus.SUCCESSFUL,
        progress=100,
        result=result,
        **_released(ended=True),
    )
    await note_end(session, lease.job_id, JobStatus.SUCCESSFUL, act=_worker(lease))


async def succeed_several(
    transaction: DriverTransaction, results: Mapping[Lease, dict[str, Any]]
) -> set[Lease]:
    """End jobs nobody has subscribed to with results that are all there is to publish of them.

    Returns:
        The leases of those ended. The others are not this worker's any more, or somebody has
        cancelled them.
    """
    given = {
        "jobs": [lease.job_id for lease in results],
        "attempts": [lease.attempt for lease in results],
        "results": [orjson.dumps(result).decode() for result in results.values()],
    }
    rows = (await transaction.execute(_SUCCEED, given)).all()
    ended = [Lease(row.id, row.attempt) for row in rows]
    entries = [
        entry_of(_worker(lease), "succeed", table="job", object_id=str(lease.job_id))
        for lease in ended
    ]
    await append_entries(transaction, entries)
    return set(ended)


_SUCCEED = sa.text(f"""
WITH ended AS (
  UPDATE job SET status = 'successful', progress = 100, result = CAST(done.result AS jsonb),
         lease_until = NULL, dispatched_at = NULL, finished_at = clock_timestamp()
    FROM unnest(CAST(:jobs AS uuid[]), CAST(:attempts AS integer[]), CAST(:results AS text[]))
         AS done (id, attempt, result)
   WHERE job.id = done.id AND job.attempt = done.attempt AND job.status = 'running'
     AND NOT job.cancel_requested
  RETURNING job.id, job.attempt
) SELECT id, attempt, pg_notify('{MILESTONES}', CAST(id AS text)) FROM ended
""")  # noqa: S608  (a constant)


async def fail(session: AsyncSession, lease: Lease, failure: Failure) -> None:
    """End the job with the reason why it failed.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    document = failure.document()
    status = await _end(session, lease, JobStatus.FAILED, sa.literal(document, JSONB))
    told = {"error": document} if status is JobStatus.FAILED else None
    await note_end(session, lease.job_id, status, act=_worker(lease), after=told)


async def dismiss(session: AsyncSession, lease: Lease) -> None:
    """End a running job whose computation was stopped because somebody cancelled it.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    status = await _end(session, lease, JobStatus.DISMISSED, sa.type_coerce(Job.error, JSONB))
    await note_end(session, lease.job_id, status, act=_worker(lease))


async def hand_back(session: AsyncSession, lease: Lease) -> None:
    """Let another worker take the job; nobody is to blame, so no crash is counted.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    await _change(session, lease, status=JobStatus.ACCEPTED, **_released(ended=False))


async def postpone(
    session: AsyncSession, lease: Lease, failure: Failure, *, pause_s: float
) -> None:
    """Let the job be tried again after a pause, since its failure may pass.

    A job that was cancelled meanwhile waits no more; it is dismissed.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    if await hold(session, lease) is Standing.CANCELLED:
        await dismiss(session, lease)
        return
    await _change(
        session,
        lease,
        status=JobStatus.ACCEPTED,
        held=RETRY,
        not_before=_from_now(pause_s),
        retries=Job.retries + 1,
        error=failure.document(),
        **_released(ended=False),
    )


async def crash(
    session: AsyncSession, lease: Lease, *, max_crashes: int, why: Label = WORKER_LOST
) -> JobStatus:
    """Count a crash of the computation: the job waits again, or ends when there were too many.

    Raises:
        LeaseLost: the attempt no longer holds the job.
    """
    statement = _guarded(lease).values(after_crash(max_crashes, why)).returning(Job.status)
    status = await session.scalar(statement)
    if status is None:
        raise LeaseLost(lease)
    await note_end(session, lease.job_id, JobStatus(status), act=_worker(lease))
    return JobStatus(status)


async def cancel(session: AsyncSession, job_id: UUID, *, act: Act) -> JobStatus:
    """Ask for the end of a job and return its state now; a waiting job ends at once.

    A job that has ended stays as it is.

    Raises:
        NotFound: there is no such job.
        Conflict: its results are being published, which takes a while.
    """
    # One whose results are published ends when a worker takes it, which goes no further.
    waiting = sa.and_(Job.status == JobStatus.ACCEPTED, ~_PUBLISHED)
    statement = (
        sa.update(Job)
        .where(Job.id == job_id, Job.status.in_((JobStatus.ACCEPTED, JobStatus.RUNNING)))
        .values(
            cancel_requested=True,
            status=sa.case((waiting, JobStatus.DISMISSED), else_=Job.status),
            finished_at=sa.case((waiting, sa.func.clock_timestamp()), else_=sa.null()),
            # What it failed of before is not why it ended.
            error=sa.case((waiting, sa.null()), else_=Job.error),
        )
        .returning(Job.status)
    )
    try:
        await session.execute(_BRIEF)
        status = await session.scalar(statement)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != NOT_AVAILABLE:
            raise
        raise Conflict(
            f"job {job_id} is publishing its results; it can be dismissed if that fails",
            message_zh=f"作业 {job_id} 正在发布结果；若发布失败，可再取消",
        ) from error
    if status is None:
        return await _ended_status(session, job_id)
    _record(session, job_id, "cancel", act=act, after={"status": status})
    if JobStatus(status).final:
        await tell_subscriber(session, job_id, JobStatus(status))
    return JobStatus(status)


async def _end(
    session: AsyncSession, lease: Lease, status: JobStatus, error: sa.ColumnElement[Any]
) -> JobStatus:
    """End the job as `status` says, unless its results are published; how it ended."""
    statement = (
        _guarded(lease)
        .values(
            status=sa.case((_PUBLISHED, JobStatus.SUCCESSFUL), else_=status),
            progress=sa.case((_PUBLISHED, 100), else_=Job.progress),
            error=sa.case((_PUBLISHED, sa.null()), else_=error),
            **_released(ended=True),
        )
        .returning(Job.status)
    )
    ended = await session.scalar(statement)
    if ended is None:
        raise LeaseLost(lease)
    return JobStatus(ended)


def _held(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Job.id == lease.job_id,
        Job.status == JobStatus.RUNNING,
        Job.attempt == lease.attempt,
    )


def _guarded(lease: Lease) -> sa.Update:
    return sa.update(Job).where(*_held(lease))


def _from_now(seconds: float) -> sa.ColumnElement[Any]:
    return sa.func.clock_timestamp() + timedelta(seconds=seconds)


def _standing(cancel_requested: bool | None) -> Standing:
    if cancel_requested is None:
        return Standing.LOST
    return Standing.CANCELLED if cancel_requested else Standing.HELD


def _released(*, ended: bool) -> dict[str, Any]:
    """Columns of a job that no worker holds any more."""
    return {
        "lease_until": None,
        "dispatched_at": None,
        "finished_at": sa.func.clock_timestamp() if ended else None,
    }


def after_crash(max_crashes: int, why: Label = WORKER_LOST) -> dict[str, Any]:
    """Columns after a crash: dismissed if that was asked for, failed at the limit, else waiting.

    A job whose results are published is neither: it ends successfully, without what was to follow.
    """
    exhausted = Job.crash_count + 1 >= max_crashes
    failed = sa.and_(~Job.cancel_requested, exhausted, ~_PUBLISHED)
    ended = sa.or_(Job.cancel_requested, exhausted)
    done = sa.and_(ended, _PUBLISHED)
    return {
        "crash_count": Job.crash_count + 1,
        "lease_until": None,
        "dispatched_at": None,
        "progress": sa.case((done, 100), else_=Job.progress),
        "status": sa.case(
            (done, JobStatus.SUCCESSFUL),
            (Job.cancel_requested, JobStatus.DISMISSED),
            (exhausted, JobStatus.FAILED),
            else_=JobStatus.ACCEPTED,
        ),
        "error": sa.case(
            (failed, sa.literal(lost(max_crashes, why).document(), JSONB)), else_=sa.null()
        ),
        "finished_at": sa.case((ended, sa.func.clock_timestamp()), else_=sa.null()),
    }


async def _change(session: AsyncSession, lease: Lease, **values: Any) -> None:
    changed = await session.execute(_guarded(lease).values(**values))
    if not isinstance(changed, sa.CursorResult) or changed.rowcount != 1:
        raise LeaseLost(lease)


async def _ended_status(session: AsyncSession, job_id: UUID) -> JobStatus:
    status = await session.scalar(sa.select(Job.status).where(Job.id == job_id))
    if status is None:
        raise NotFound(f"there is no job {job_id}", message_zh=f"没有作业 {job_id}")
    return JobStatus(status)


def _worker(lease: Lease) -> Act:
    return Act(f"worker:attempt {lease.attempt}")


_ENDED = {
    JobStatus.SUCCESSFUL: "succeed",
    JobStatus.FAILED: "fail",
    JobStatus.DISMISSED: "dismiss",
}
"""What the audit log calls the end of a job."""


async def note_end(
    session: AsyncSession,
    job_id: UUID,
    status: JobStatus,
    *,
    act: Act,
    after: dict[str, Any] | None = None,
) -> None:
    """Note the end of a job, where it has ended, and tell who wants to know."""
    if status.final:
        _record(session, job_id, _ENDED[status], act=act, after=after)
        await tell_subscriber(session, job_id, status)


def _record(
    session: AsyncSession,
    job_id: UUID,
    action: str,
    *,
    act: Act,
    after: dict[str, Any] | None = None,
) -> None:
    record(session, act, action, table="job", object_id=str(job_id), after=after)
