"""The outbox of all that is sent by itself, and its deliveries as their owners read them."""

import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from shanhai.db.tables.delivery import Delivery
from shanhai.errors import NotFound

DeliveryKind = Literal["webhook", "email", "callback"]
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 10_800, 25_200, 43_200)
"""Seconds between tries, of which there are ten in 24 hours; then it is given up."""
JITTER = 0.1
AT_ONCE = 1
"""Deliveries to one target that are sent at the same time."""
KEPT = timedelta(days=30)
"""How long what was delivered or given up can be looked up."""
REASON_LIMIT = 500
TAKE_LOCK = 0x5348_4450
"""Held while deliveries are taken, so that no target gets more than its share."""
# Among targets the one whose delivery waits longest goes first; who has many keeps nobody waiting.
_TAKE = text("""
  WITH due AS (
    SELECT d.id
      FROM (
        SELECT kind, target,
               count(*) FILTER (WHERE lease_until > clock_timestamp()) AS busy
          FROM delivery
         WHERE status = 'waiting' AND due_at <= clock_timestamp()
           AND kind = ANY (CAST(:kinds AS text[]))
         GROUP BY kind, target
      ) t
      CROSS JOIN LATERAL (
        SELECT id, due_at, number FROM delivery
         WHERE kind = t.kind AND target = t.target AND status = 'waiting'
           AND due_at <= clock_timestamp()
           AND (lease_until IS NULL OR lease_until <= clock_timestamp())
         ORDER BY due_at, number
         LIMIT greatest(CAST(:each AS bigint) - t.busy, 0)
      ) d
     ORDER BY d.due_at, d.number
     LIMIT CAST(:most AS bigint)
  ), locked AS (
    SELECT id FROM delivery WHERE id IN (SELECT id FROM due) FOR UPDATE SKIP LOCKED
  )
  UPDATE delivery
     SET attempt = attempt + 1,
         lease_until = clock_timestamp() + CAST(:lease_s AS float) * interval '1 second'
    FROM locked WHERE delivery.id = locked.id
  RETURNING delivery.id, kind, target, event_type, payload, attempt, created_at, number
""")


@dataclass(frozen=True, slots=True)
class ClaimedDelivery:
    """A delivery to be sent now; `attempt` is what its outcome is noted by."""

    id: UUID
    kind: str
    target: str
    event_type: str
    payload: dict[str, Any]
    attempt: int
    created_at: datetime
    number: int


@dataclass(frozen=True, slots=True)
class DeliveryOutcome:
    """What became of an attempt.

    Attributes:
        answered: Status the receiver answered, if it did.
        reason: Why it was not delivered; None: it was.
        reason_zh: The same in Chinese.
        final: Trying again would not help.
    """

    answered: int | None = None
    reason: str | None = None
    reason_zh: str | None = None
    final: bool = False


async def enqueue(
    session: AsyncSession,
    kind: DeliveryKind,
    target: str,
    event_type: str,
    payload: Mapping[str, Any],
    *,
    due_at: datetime | None = None,
    once_key: str | None = None,
) -> UUID | None:
    """Write something to be sent, which it is once this transaction is committed.

    Args:
        session: The transaction of its cause.
        kind: How it is sent.
        target: Code of the webhook, address of the person, or URL of the callback.
        event_type: What it tells of, as `alert.opened`.
        payload: What is told; the members `href` in it that begin with `/` become absolute when
            it is sent.
        due_at: Held back until then; default now.
        once_key: Another delivery of this key is not written.

    Returns:
        The id receivers tell repeats by; None: there is a delivery of this key already.
    """
    values: dict[str, Any] = {
        "kind": kind,
        "target": target,
        "event_type": event_type,
        "payload": dict(payload),
        "once_key": once_key,
        **({} if due_at is None else {"due_at": due_at}),
    }
    made = insert(Delivery).values(values)
    if once_key is not None:
        made = made.on_conflict_do_nothing(index_elements=["once_key"])
    return await session.scalar(made.returning(Delivery.id))


async def take(
    session: AsyncSession, kinds: Collection[str], *, most: int, lease_s: float
) -> list[ClaimedDelivery]:
    """Take what is due for sending; the caller commits, then sends."""
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(TAKE_LOCK))):
        return []
    given = {"kinds": sorted(kinds), "each": AT_ONCE, "most": most, "lease_s": lease_s}
    found = [ClaimedDelivery(*row) for row in await session.execute(_TAKE, given)]
    return sorted(found, key=lambda one: one.number)


async def note_outcome(
    session: AsyncSession, taken: ClaimedDelivery, outcome: DeliveryOutcome
) -> str | None:
    """Write down what became of an attempt: delivered, tried again later, or given up.

    Returns:
        The status it has now; None: somebody else has taken it since.
    """
    tries_left = taken.attempt <= len(PAUSES_S) and not outcome.final
    status = "delivered" if outcome.reason is None else "waiting" if tries_left else "dead"
    now = func.clock_timestamp()
    values: dict[str, Any] = {
        "status": status,
        "lease_until": None,
        "answered": outcome.answered,
        "reason": None if outcome.reason is None else outcome.reason[:REASON_LIMIT],
        "reason_zh": None if outcome.reason_zh is None else outcome.reason_zh[:REASON_LIMIT],
        "finished_at": None if status == "waiting" else now,
    }
    if status == "waiting":
        values["due_at"] = now + pause_after(taken.attempt)
    statement = (
        update(Delivery)
        .where(
            Delivery.id == taken.id,
            Delivery.attempt == taken.attempt,
            Delivery.status == "waiting",
        )
        .values(values)
        .returning(Delivery.status)
    )
    found: str | None = await session.scalar(statement)
    return found


def pause_after(attempt: int) -> timedelta:
    """How long to wait after an attempt, the first being 1, before the next."""
    spread = random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311  (jitter, not a secret)
    return timedelta(seconds=PAUSES_S[attempt - 1] * spread)


async def prune_deliveries(session: AsyncSession) -> int:
    """Forget what ended long ago; how many were forgotten."""
    old = delete(Delivery).where(Delivery.finished_at < func.now() - KEPT).returning(Delivery.id)
    return len((await session.scalars(old)).all())


async def list_deliveries(
    session: AsyncSession,
    kind: DeliveryKind,
    target: str,
    *,
    limit: int,
    status: str | None = None,
    before: UUID | None = None,
) -> Sequence[Delivery]:
    """Deliveries to a target, the newest first.

    Args:
        session: Where they are read.
        kind: How they are sent.
        target: Whom to.
        limit: At most so many.
        status: Only those in this state.
        before: Only those older than this one.
    """
    query = (
        select(Delivery)
        .where(Delivery.kind == kind, Delivery.target == target)
        .order_by(Delivery.created_at.desc(), Delivery.number.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(Delivery.status == status)
    if before is not None:
        last = aliased(Delivery)
        place = select(last.created_at, last.number).where(last.id == before).subquery()
        query = query.where(tuple_(Delivery.created_at, Delivery.number) < tuple_(*place.c))
    return (await session.scalars(query)).all()


async def find_delivery(
    session: AsyncSession, kind: DeliveryKind, target: str, delivery_id: UUID, *, lock: bool = False
) -> Delivery:
    """A delivery to a target.

    Raises:
        NotFound: there is none of this id.
    """
    query = select(Delivery).where(
        Delivery.id == delivery_id, Delivery.kind == kind, Delivery.target == target
    )
    found = await session.scalar(query.with_for_update() if lock else query)
    if found is None:
        raise NotFound(
            f"there is no delivery {delivery_id}", message_zh=f"没有投递记录 {delivery_id}"
        )
    return found


async def send_again(
    session: AsyncSession, kind: DeliveryKind, target: str, delivery_id: UUID
) -> Delivery:
    """Have a delivery sent at once, under its own id: again where it has ended.

    Raises:
        NotFound: there is none of this id.
    """
    row = await find_delivery(session, kind, target, delivery_id, lock=True)
    row.due_at = (await session.execute(select(func.now()))).scalar_one()
    if row.status != "waiting":
        row.status, row.attempt, row.finished_at = "waiting", 0, None
    await session.flush()
    return row
