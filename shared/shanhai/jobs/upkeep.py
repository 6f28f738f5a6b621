"""Jobs of dead workers are queued again, and those of schedules submitted when they are due."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from pydantic import ValidationError
from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.db.engine import is_outage
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act
from shanhai.db.tables.job import Job, Schedule, ScheduleRun
from shanhai.errors import InvalidInput, ShanhaiError
from shanhai.jobs.fair_queue import IN_LINE, ORDER, Quota
from shanhai.jobs.messages import classify
from shanhai.jobs.schedules import demand_planner, timing_of
from shanhai.jobs.states import Lease, after_crash, note_end
from shanhai.jobs.submission import Terms, accept_job
from shanhai.processes.catalogue import CONTRACTS
from shanhai.vocabulary import JobStatus

REAPED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Reaped:
    """A job whose worker stopped renewing its lease, and what became of it."""

    job_id: UUID
    status: JobStatus


async def reap(session: AsyncSession, *, max_crashes: int) -> Sequence[Reaped]:
    """Take running jobs from workers that stopped renewing, each counted as a crash."""
    expired = (
        select(Job.id)
        .where(Job.status == JobStatus.RUNNING, Job.lease_until < func.clock_timestamp())
        .order_by(Job.lease_until)
        .limit(REAPED_AT_ONCE)
        .with_for_update(skip_locked=True)
        .cte("expired")
    )
    statement = (
        update(Job)
        .where(Job.id == expired.c.id)
        .values(after_crash(max_crashes))
        .returning(Job.id, Job.status)
    )
    rows = (await session.execute(statement)).all()
    reaped = [Reaped(row.id, JobStatus(row.status)) for row in rows]
    for job in reaped:
        await note_end(session, job.job_id, job.status, act=Act("reaper"))
    return reaped


async def take_undispatched(session: AsyncSession, *, after_s: float) -> Sequence[Lease]:
    """Jobs waiting for `after_s` since they were last sent, marked as sent now.

    A job that was handed back or lost its worker was never sent since, and is due at once.
    """
    since = func.coalesce(Job.dispatched_at, Job.created_at)
    # Only those next in line: a worker that is woken looks for more by itself.
    following = select(Job.id).where(IN_LINE).order_by(*ORDER).limit(REAPED_AT_ONCE)
    due = (
        select(Job.id)
        .where(
            Job.id.in_(following),
            Job.status == JobStatus.ACCEPTED,
            since < func.clock_timestamp() - timedelta(seconds=after_s),
        )
        .with_for_update(skip_locked=True)
        .cte("due")
    )
    statement = (
        update(Job)
        .where(Job.id == due.c.id)
        .values(dispatched_at=func.clock_timestamp())
        .returning(Job.id, Job.attempt)
    )
    return [Lease(row.id, row.attempt) for row in (await session.execute(statement)).all()]


_ALONE = text("SELECT pg_try_advisory_xact_lock(hashtext('schedules'))")

Recalling = Callable[[AsyncSession], Authenticator]

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Attended:
    """A schedule whose time had come, and the job that was made of it, if one was."""

    code: str
    due_at: datetime
    job_id: UUID | None


async def attend_to_next(
    session: AsyncSession, recalling: Recalling, quota: Quota
) -> Attended | None:
    """Ask for what the schedule due longest says; None when nothing is due, or another attends.

    The time is noted with the job, in the transaction of the caller: it is attended to once,
    whoever is killed when. Of several times that were missed it is the first, and the others are
    counted and left out.
    """
    if not await session.scalar(_ALONE):
        return None
    now = func.clock_timestamp()
    due = (
        select(Schedule, now)
        .where(Schedule.next_at <= now, Schedule.enabled, Schedule.deleted_at.is_(None))
        .order_by(Schedule.next_at)
        .limit(1)
        .with_for_update()
    )
    row = (await session.execute(due)).one_or_none()
    if row is None:
        return None
    schedule, moment = row
    due_at, timing = schedule.next_at, timing_of(schedule)
    run = ScheduleRun(
        schedule_id=schedule.id, due_at=due_at, missed=timing.count_missed(due_at, moment)
    )
    await _ask(session, schedule, run, recalling(session), quota)
    session.add(run)
    schedule.next_at = timing.next_after(moment)
    return Attended(schedule.code, due_at, run.job_id)


async def _ask(
    session: AsyncSession,
    schedule: Schedule,
    run: ScheduleRun,
    authenticator: Authenticator,
    quota: Quota,
) -> None:
    """Make the job, or keep the reason why there is none: the next time comes in any case."""
    try:
        async with session.begin_nested():
            groups = frozenset(schedule.groups)
            owner = await authenticator.recall(schedule.owner, None, groups=groups)
            run.job_id = await _submit(session, schedule, run.due_at, owner, quota)
    except ShanhaiError as error:
        log.warning("schedule refused", schedule=schedule.code, error=type(error).__name__)
        run.error = classify(error).document()
    except Exception as error:
        if is_outage(error):
            raise
        log.exception("schedule failed", schedule=schedule.code)
        run.error = classify(error).document()


async def _submit(
    session: AsyncSession, schedule: Schedule, due_at: datetime, owner: Identity, quota: Quota
) -> UUID:
    demand_planner(owner)
    contract = CONTRACTS.get(schedule.process)
    if contract is None:
        raise InvalidInput(
            f"there is no process {schedule.process!r} any more",
            message_zh=f"处理流程 {schedule.process!r} 已不存在",
        )
    try:
        inputs = contract.inputs.model_validate(schedule.inputs)
    except ValidationError as error:
        raise InvalidInput(
            f"the inputs do not fit {contract.id} any more; replace the schedule",
            message_zh=f"输入不再符合 {contract.id} 的要求，请更新该定时任务",
        ) from error
    accepted = await accept_job(
        session,
        contract=contract,
        inputs=inputs,
        requested_by=owner.owner,
        identity=owner,
        request_id=f"schedule {schedule.code} {due_at.isoformat()}",
        terms=Terms(priority=schedule.priority, quota=quota),
    )
    return accepted.job.id
