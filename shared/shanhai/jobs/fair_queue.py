"""The line of waiting jobs: in which order they are taken, and who must wait outside it.

Workers take the job of the highest priority, of these the one with the lowest `turn`. A new job
gets the turn that is being served, or the one after its caller's last: so callers with waiting jobs
are served in turn, however many each of them has, and taking one is a look at an index's head.

A job stands outside the line, `held`, while its caller has as many in it or running as they may
(`quota`), or until it is tried again after a passing failure (`retry`). `admit` lets such jobs in.
"""

import math
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import Transaction
from shanhai.db.identity import Identity
from shanhai.db.tables.job import Job
from shanhai.errors import Forbidden, RateLimited
from shanhai.vocabulary import JobStatus, Label, Role, Scope, roles_zh

QUOTA = "quota"
RETRY = "retry"
ADMITTED_AT_ONCE = 1000
LOCKS = 0x6A6F6273
"""The first number of the advisory locks by which a caller's jobs are counted one at a time."""
TRY_AGAIN_S = 10
CHANNEL = "shanhai_jobs"
"""On which PostgreSQL notifies workers of jobs."""

PRIORITIES: Mapping[str, int] = {"low": 2, "normal": 5, "high": 8}
NORMAL = PRIORITIES["normal"]
HURRIED: frozenset[Role] = frozenset({Role.APPROVER, Role.SUPERVISOR, Role.ADMIN})
"""Who may pass before others."""

IN_LINE = and_(Job.status == JobStatus.ACCEPTED, Job.held.is_(None))
ORDER = (Job.priority.desc(), Job.turn, Job.created_at, Job.id)


class TooManyJobs(RateLimited):
    """The caller has as many waiting jobs as they may."""

    title = Label("作业过多", "Too many jobs")


@dataclass(frozen=True, slots=True)
class Quota:
    """How many jobs one caller may have waiting, and in line or running; 0 is no limit."""

    waiting: int = 0
    running: int = 0


NO_QUOTA = Quota()


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where a new job stands."""

    turn: int
    held: str | None


def demand_priority(identity: Identity, name: str) -> int:
    """The priority of that name.

    Raises:
        Forbidden: They may not pass before others.
    """
    hurried = (
        identity.grants is None
        or identity.may(Scope.ADMIN)
        or any(grant.role in HURRIED for grant in identity.grants)
    )
    if PRIORITIES[name] > NORMAL and not hurried:
        roles = ", ".join(sorted(HURRIED))
        raise Forbidden(
            f"priority {name!r} takes one of the roles {roles}",
            message_zh=f"优先级 {name!r} 须具有以下角色之一：{roles_zh(HURRIED)}",
        )
    return PRIORITIES[name]


async def lock_caller(session: AsyncSession, requested_by: str) -> None:
    """Count one caller's jobs at a time, until the end of the transaction."""
    await session.execute(select(func.pg_advisory_xact_lock(LOCKS, number_of_caller(requested_by))))


async def find_spot(
    session: AsyncSession, *, requested_by: str, priority: int, quota: Quota
) -> QueuePlace:
    """Where a new job of a caller stands; `lock_caller` comes before, and workers hear of it.

    Raises:
        TooManyJobs: They have as many waiting as they may.
    """
    [line] = await find_lines(session, [(requested_by, priority)], quota)
    return line.add(quota)


@dataclass(slots=True)
class CallerLine:
    """What a caller has in the line, counted no further than the quota, and the next turn."""

    waiting: int
    running: int
    turn: int

    def add(self, quota: Quota) -> QueuePlace:
        """The place of one more job.

        Raises:
            TooManyJobs: As many of theirs are waiting as may.
        """
        if quota.waiting and self.waiting >= quota.waiting:
            raise TooManyJobs(
                f"{self.waiting} jobs of yours are waiting, and no more may; try again when some"
                " are done, or dismiss some",
                message_zh=f"您已有 {self.waiting} 个作业在排队，达到上限；"
                "请待其完成或取消部分作业",
                retry_after_s=TRY_AGAIN_S,
            )
        held = QUOTA if quota.running and self.running >= quota.running else None
        place = QueuePlace(self.turn, held)
        self.waiting += 1
        self.running += held is None
        self.turn += 1
        return place


# One question, asked after the locks: it sees all that was counted under them.
_LINES = text(f"""
SELECT (SELECT count(*) FROM (SELECT FROM job
         WHERE requested_by = owner AND status = 'accepted' LIMIT :waiting) AS one) AS waiting,
       (SELECT count(*) FROM (SELECT FROM job
         WHERE requested_by = owner
           AND (status = 'running' OR (status = 'accepted' AND held IS NULL))
         LIMIT :running) AS one) AS running,
       greatest(
         coalesce(
           (SELECT turn FROM job WHERE status = 'accepted' AND held IS NULL AND priority = level
             ORDER BY turn, created_at, id LIMIT 1),
           (SELECT max(turn) FROM job WHERE status = 'running' AND priority = level),
           0),
         (SELECT max(turn) + 1 FROM job
           WHERE requested_by = owner AND status = 'accepted' AND priority = level)) AS turn,
       pg_notify('{CHANNEL}', owner)
  FROM unnest(CAST(:owners AS text[]), CAST(:levels AS smallint[]))
       WITH ORDINALITY AS asked (owner, level, place)
 ORDER BY place
""")  # noqa: S608  (a constant)


async def find_lines(
    transaction: Transaction, callers: Sequence[tuple[str, int]], quota: Quota
) -> list[CallerLine]:
    """How callers stand in the line of a priority, once they are locked; workers hear of it."""
    asked = {
        "owners": [owner for owner, _ in callers],
        "levels": [priority for _, priority in callers],
        "waiting": quota.waiting,
        "running": quota.running,
    }
    rows = (await transaction.execute(_LINES, asked)).all()
    return [CallerLine(row.waiting, row.running, row.turn) for row in rows]


async def admit(session: AsyncSession, *, quota: Quota) -> int:
    """Let jobs into the line whose time has come or whose callers have room; how many."""
    due = _due().cte("due")
    await session.execute(update(Job).where(Job.id == due.c.id).values(held=QUOTA, not_before=None))
    if not quota.running:
        everyone = text(_ADMIT_ALL)
        return len((await session.execute(everyone, {"most": ADMITTED_AT_ONCE})).all())
    callers = await _lock_held_callers(session)
    if not callers:
        return 0
    # A statement of its own, which sees what was counted under the locks.
    admitted = await session.execute(
        text(_ADMIT_SOME), {"callers": list(callers), "quota": quota.running}
    )
    return len(admitted.all())


_ADMIT_ALL = """
UPDATE job SET held = NULL, dispatched_at = NULL
 WHERE id IN (SELECT id FROM job WHERE status = 'accepted' AND held = 'quota'
               LIMIT :most FOR UPDATE SKIP LOCKED)
RETURNING id
"""
_HELD_CALLERS = """
WITH RECURSIVE caller (name) AS (
  (SELECT requested_by FROM job WHERE status = 'accepted' AND held = 'quota'
    ORDER BY requested_by LIMIT 1)
  UNION ALL
  SELECT (SELECT requested_by FROM job
           WHERE status = 'accepted' AND held = 'quota' AND requested_by > name
           ORDER BY requested_by LIMIT 1)
    FROM caller WHERE name IS NOT NULL
) SELECT name FROM caller WHERE name IS NOT NULL
"""
_ADMIT_SOME = """
WITH room AS MATERIALIZED (
  SELECT name, CAST(:quota AS bigint) -
         (SELECT count(*) FROM job
           WHERE requested_by = name
             AND (status = 'running' OR (status = 'accepted' AND held IS NULL))) AS free
    FROM unnest(CAST(:callers AS text[])) AS name
), next AS MATERIALIZED (
  SELECT waiting.id FROM room
   CROSS JOIN LATERAL (
     SELECT id FROM job
      WHERE status = 'accepted' AND held = 'quota' AND requested_by = room.name
      ORDER BY priority DESC, turn, created_at, id
      LIMIT greatest(room.free, 0) FOR UPDATE SKIP LOCKED) AS waiting
)
UPDATE job SET held = NULL, dispatched_at = NULL FROM next WHERE job.id = next.id
RETURNING job.id
"""


async def _lock_held_callers(session: AsyncSession) -> Sequence[str]:
    """The callers with jobs held for want of room, but for those whose jobs are being counted."""
    names = (await session.scalars(text(_HELD_CALLERS))).all()
    return [name for name in names if await _try_lock(session, name)]


async def _try_lock(session: AsyncSession, requested_by: str) -> bool:
    taken = select(func.pg_try_advisory_xact_lock(LOCKS, number_of_caller(requested_by)))
    return bool(await session.scalar(taken))


def number_of_caller(requested_by: str) -> int:
    """The second number of a caller's lock; two callers with one number wait for each other."""
    return zlib.crc32(requested_by.encode()) - 2**31


def _due() -> Select[Any]:
    return (
        select(Job.id)
        .where(
            Job.status == JobStatus.ACCEPTED,
            Job.held == RETRY,
            Job.not_before <= func.clock_timestamp(),
        )
        .order_by(Job.not_before)
        .limit(ADMITTED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )


def pause_s(retries: int, *, first_s: float, longest_s: float, jitter: float) -> float:
    """Seconds until the next try after `retries` of them: doubling, bounded, and not all at once.

    Args:
        retries: How often it was tried again so far.
        first_s: The first pause.
        longest_s: The longest.
        jitter: From 0 to 1: which part of the second half of the pause is waited.
    """
    doublings = min(retries, math.ceil(math.log2(max(longest_s / first_s, 1))))
    return min(first_s * 2.0**doublings, longest_s) * (0.5 + jitter / 2)
