"""Schedules: processes that are asked for again and again, and when each is due."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice, takewhile
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, record
from shanhai.db.tables.job import Job, Schedule, ScheduleRun
from shanhai.errors import Conflict, Forbidden, LimitExceeded, NotFound, demand_state
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.kit.publication import demand_right
from shanhai.vocabulary import JobStatus, Role, Scope

SHORTEST_S = 60
FIELDS = 5
MOST_MISSED = 10_000
"""Missed times are counted no further."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of one schedule.

    Attributes:
        cron: Minute, hour, day, month and day of the week, as cron of Debian reads them.
        every_s: Seconds between two times, where there is no `cron`.
        starts_at: The first of these times, with a zone.
        timezone: IANA name of the zone `cron` is meant in.
    """

    cron: str | None
    every_s: int | None
    starts_at: datetime
    timezone: str

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time later than `moment`, in UTC; None when there is none in 50 years."""
        return next(self.times_after(moment), None)

    def times_after(self, moment: datetime) -> Iterator[datetime]:
        """All times later than `moment`, in UTC."""
        if self.cron is not None:
            local = CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone)))
            return (time.astimezone(UTC) for time in local)
        return self._beats_after(moment)

    def _beats_after(self, moment: datetime) -> Iterator[datetime]:
        step = timedelta(seconds=self.every_s or SHORTEST_S)
        passed = (moment - self.starts_at) // step + 1
        beat = self.starts_at.astimezone(UTC) + step * max(passed, 0)
        while True:
            yield beat
            beat += step

    def count_missed(self, due_at: datetime, now: datetime) -> int:
        """How many times lie after `due_at` and not after `now`, counted up to `MOST_MISSED`."""
        later = takewhile(lambda time: time <= now, self.times_after(due_at))
        return sum(1 for _ in islice(later, MOST_MISSED))


def check_cron(text: str) -> str:
    """Check a cron expression; what is left out of the message is what was given.

    Raises:
        ValueError: It is none, or never comes.
    """
    if len(text.split()) != FIELDS:
        raise ValueError(
            "must have five fields: minute, hour, day, month, day of the week"
            " / 须有五个字段：分、时、日、月、星期"
        )
    try:
        if next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
            raise ValueError("names a time that never comes / 指定的时间永远不会到来")
    except CronSimError as error:
        raise ValueError(f"is no cron expression: {error} / 不是有效的 cron 表达式") from error
    return text


PLANNERS = frozenset({Role.PLANNER, Role.ADMIN})
MOST = 200
"""Schedules one owner may have."""
LATE_AFTER = timedelta(minutes=1)
"""A schedule that nobody attended to for so long is late: workers look every few seconds."""


class Attendance(StrEnum):
    """Whether a schedule is attended to."""

    ENABLED = "enabled"
    PAUSED = "paused"
    LATE = "late"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Run:
    """A time a schedule was due, and what has become of its job, if there is one."""

    row: ScheduleRun
    status: JobStatus | None


def may_schedule(identity: Identity) -> bool:
    """Whether they may make schedules: planners of any region, and administrators."""
    if identity.anonymous or not identity.may(Scope.JOBS):
        return False
    grants = identity.grants
    return (
        grants is None
        or identity.may(Scope.ADMIN)
        or any(grant.role in PLANNERS for grant in grants)
    )


def demand_planner(identity: Identity) -> None:
    """Refuse whoever may make no schedules.

    Raises:
        Forbidden: So it is.
    """
    if not may_schedule(identity):
        raise Forbidden(
            "schedules take the scope jobs and the role planner or admin",
            message_zh="定时任务须具有 jobs 权限及 planner 或 admin 角色",
        )


def timing_of(schedule: Schedule) -> Timing:
    """When the schedule is due."""
    return Timing(schedule.cron, schedule.every_s, schedule.starts_at, schedule.timezone)


def attendance_of(schedule: Schedule, now: datetime) -> Attendance:
    """Whether the schedule rests, is overdue, is never due again, or is as it should be."""
    if not schedule.enabled:
        return Attendance.PAUSED
    if schedule.next_at is None:
        return Attendance.OVER
    return Attendance.LATE if now - schedule.next_at > LATE_AFTER else Attendance.ENABLED


async def list_schedules(session: AsyncSession, identity: Identity) -> Sequence[Schedule]:
    """One's own schedules, by code; administrators see all."""
    query = select(Schedule).where(Schedule.deleted_at.is_(None)).order_by(Schedule.code)
    if not identity.may(Scope.ADMIN):
        query = query.where(Schedule.owner == identity.owner)
    return (await session.scalars(query)).all()


async def find_schedule(
    session: AsyncSession, code: str, identity: Identity, *, lock: bool = False
) -> Schedule:
    """A schedule of one's own, or any for administrators.

    Raises:
        NotFound: There is none.
    """
    query = select(Schedule).where(Schedule.code == code, Schedule.deleted_at.is_(None))
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None or (found.owner != identity.owner and not identity.may(Scope.ADMIN)):
        raise NotFound(f"there is no schedule {code!r}", message_zh=f"没有定时任务 {code!r}")
    return found


async def list_runs(
    session: AsyncSession, schedule: Schedule, *, limit: int, before: datetime | None = None
) -> list[Run]:
    """The times it was due, the last first."""
    query = (
        select(ScheduleRun, Job.status)
        .outerjoin(Job, Job.id == ScheduleRun.job_id)
        .where(ScheduleRun.schedule_id == schedule.id)
        .order_by(ScheduleRun.due_at.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(ScheduleRun.due_at < before)
    return await _runs(session, query)


async def list_last_runs(session: AsyncSession, schedules: Sequence[Schedule]) -> dict[int, Run]:
    """The last time each of the schedules was due, by its id; none for those never due."""
    last = (
        select(ScheduleRun)
        .where(ScheduleRun.schedule_id == Schedule.id)
        .order_by(ScheduleRun.due_at.desc())
        .limit(1)
        .lateral()
    )
    run = aliased(ScheduleRun, last)
    query = (
        select(run, Job.status)
        .select_from(Schedule)
        .join(run, true())
        .outerjoin(Job, Job.id == run.job_id)
        .where(Schedule.id.in_([schedule.id for schedule in schedules]))
    )
    return {found.row.schedule_id: found for found in await _runs(session, query)}


async def _runs(session: AsyncSession, query: Select[ScheduleRun, str]) -> list[Run]:
    # The state of a job is None where no job was joined.
    return [
        Run(row, None if row.job_id is None else JobStatus(status))
        for row, status in await session.execute(query)
    ]


async def create_schedule(
    session: AsyncSession,
    contents: Mapping[str, Any],
    *,
    identity: Identity,
    groups: Sequence[str],
    act: Act,
) -> Schedule:
    """Make a schedule in one's own name.

    Raises:
        Forbidden: They may not, or may not publish what its jobs would.
        Conflict: The code is taken.
        LimitExceeded: They have as many as they may.
    """
    demand_planner(identity)
    await demand_right(session, CONTRACTS[contents["process"]], contents["inputs"], identity)
    live = Schedule.deleted_at.is_(None)
    taken = select(Schedule.id).where(Schedule.code == contents["code"], live)
    if await session.scalar(taken) is not None:
        raise Conflict(
            f"there is a schedule {contents['code']!r} already",
            message_zh=f"定时任务 {contents['code']!r} 已存在",
        )
    own = select(func.count()).where(Schedule.owner == identity.owner, live)
    if (await session.scalar(own) or 0) >= MOST:
        raise LimitExceeded(
            f"no more than {MOST} schedules of one owner", message_zh=f"每人最多 {MOST} 个定时任务"
        )
    now = await _now(session)
    schedule = Schedule(
        **{**contents, "starts_at": contents["starts_at"] or now},
        owner=identity.owner,
        groups=list(groups),
    )
    schedule.next_at = timing_of(schedule).next_after(now) if schedule.enabled else None
    session.add(schedule)
    await session.flush()
    await session.refresh(schedule)
    _record(session, act, "create", schedule, contents)
    return schedule


async def replace_schedule(
    session: AsyncSession,
    code: str,
    contents: Mapping[str, Any],
    *,
    identity: Identity,
    groups: Sequence[str],
    act: Act,
    expected: frozenset[str] | None,
) -> Schedule:
    """Replace a schedule; it runs in the name of who replaced it.

    Raises:
        NotFound, Forbidden: They may not.
        Stale: It is in none of the states expected.
    """
    demand_planner(identity)
    await demand_right(session, CONTRACTS[contents["process"]], contents["inputs"], identity)
    schedule = await _expected(session, code, identity, expected)
    now = await _now(session)
    for name, value in contents.items():
        setattr(schedule, name, value)
    schedule.starts_at = contents["starts_at"] or now
    schedule.owner, schedule.groups = identity.owner, list(groups)
    schedule.next_at = timing_of(schedule).next_after(now) if schedule.enabled else None
    schedule.row_version += 1
    schedule.updated_at = now
    await session.flush()
    _record(session, act, "update", schedule, contents)
    return schedule


async def set_enabled(
    session: AsyncSession, code: str, enabled: bool, *, identity: Identity, act: Act
) -> Schedule:
    """Let a schedule rest, or attend to it again: from now on, and in its owner's name as before.

    Raises:
        NotFound: There is none.
        Conflict: So it is already.
    """
    schedule = await find_schedule(session, code, identity, lock=True)
    if schedule.enabled is enabled:
        state, state_zh = ("enabled", "启用") if enabled else ("paused", "暂停")
        raise Conflict(
            f"schedule {code!r} is {state} already",
            message_zh=f"定时任务 {code!r} 已处于{state_zh}状态",
        )
    now = await _now(session)
    schedule.enabled = enabled
    schedule.next_at = timing_of(schedule).next_after(now) if enabled else None
    schedule.row_version += 1
    schedule.updated_at = now
    record(
        session,
        act,
        "resume" if enabled else "pause",
        table="schedule",
        object_id=code,
        after={"enabled": enabled},
    )
    return schedule


async def drop_schedule(
    session: AsyncSession,
    code: str,
    *,
    identity: Identity,
    act: Act,
    expected: frozenset[str] | None,
) -> None:
    """End a schedule; the jobs it made, and the times it was due, are kept.

    Raises:
        NotFound: There is none.
        Stale: It is in none of the states expected.
    """
    schedule = await _expected(session, code, identity, expected)
    schedule.deleted_at = await _now(session)
    schedule.next_at, schedule.enabled = None, False
    _record(session, act, "delete", schedule, None)


async def _expected(
    session: AsyncSession, code: str, identity: Identity, expected: frozenset[str] | None
) -> Schedule:
    schedule = await find_schedule(session, code, identity, lock=True)
    demand_state(str(schedule.row_version), expected, f"schedule {code}", f"定时任务 {code}")
    return schedule


async def _now(session: AsyncSession) -> datetime:
    now: datetime = (await session.execute(select(func.clock_timestamp()))).scalar_one()
    return now


def _record(
    session: AsyncSession,
    act: Act,
    action: str,
    schedule: Schedule,
    contents: Mapping[str, Any] | None,
) -> None:
    told = None
    if contents is not None:
        starts_at = contents["starts_at"]
        told = {**contents, "starts_at": None if starts_at is None else starts_at.isoformat()}
    record(session, act, action, table="schedule", object_id=schedule.code, after=told)
