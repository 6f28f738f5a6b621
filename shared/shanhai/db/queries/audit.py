"""Write and read the audit log; the first answers to requests that may be repeated.

Entries wait in the session and are written in one statement when its transaction commits: the lock
that orders the chain is then held for one round trip, not for the whole transaction. Too many for
that are written into numbers reserved for them, and joined to the chain by the commit.

The first answer to a POST with an idempotency key is kept beside them, in the same transaction, so
that repeating the request repeats the answer only.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import delete, event, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from shanhai.db.engine import DATABASE_ERRORS, DriverTransaction
from shanhai.db.tables.access import AuditLog, IdempotencyKey
from shanhai.errors import InFlight, KeyReused

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

WAITING = "audit_entries"
MARKS = "audit_marks"
INSERT = text(
    """INSERT INTO audit_log
         (actor, action, object_table, object_id, before, after, request_id, address)
       SELECT entry->>'actor', entry->>'action', entry->>'table', entry->>'object',
              nullif(entry->'before', 'null'), nullif(entry->'after', 'null'),
              entry->>'request', entry->>'address'
         FROM jsonb_array_elements(CAST(:entries AS jsonb)) WITH ORDINALITY AS given (entry, place)
        ORDER BY place"""
)
RESERVE = text("SELECT audit_reserve(:number)")
MODE = text("SELECT set_config('shanhai.audit_reserved', :mode, true)")


SOURCE: ContextVar[str | None] = ContextVar("source_address", default=None)
"""The address a request came from, while it is answered: so no writer can forget to name it."""


@contextmanager
def acting_from(address: str | None) -> Iterator[None]:
    """Name the address in what is done in this context."""
    token = SOURCE.set(address)
    try:
        yield
    finally:
        SOURCE.reset(token)


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, in which request and from which address; workers and commands have none."""

    actor: str
    request_id: str | None = None
    address: str | None = field(default_factory=SOURCE.get)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; `equal` names columns of the log."""

    equal: Mapping[str, str]
    since: datetime | None = None
    until: datetime | None = None


_TOLD = text(
    "SELECT EXISTS (SELECT FROM audit_log WHERE object_table = :table AND object_id = :object"
    " AND action = :action AND actor = :actor AND at > now() - interval '1 hour')"
)


async def is_told(
    session: AsyncSession, act: Act, action: str, *, table: str, object_id: str
) -> bool:
    """Whether the log has the same action of the same actor in the last hour."""
    asked = {"table": table, "object": object_id, "action": action, "actor": act.actor}
    return bool(await session.scalar(_TOLD, asked))


WRITTEN_EVERY_S = 60.0
"""Seconds between two writings of what is counted."""
MOST_KINDS = 200
"""Events told apart in that time by one process; the rest of an action is one row together."""
TOLD_FOR_S = 3600.0
"""Seconds for which an event that is told once is not told again."""
OTHERS = "more of these from other addresses, keys or identities"
Writing = Callable[[], AbstractAsyncContextManager[AsyncSession]]


@dataclass(frozen=True, slots=True)
class RepeatedEvent:
    """What may happen any number of times, and is counted rather than told each time."""

    actor: str
    action: str
    table: str
    object_id: str
    reason: str | None = None
    address: str | None = field(default_factory=SOURCE.get)


@dataclass(slots=True)
class EventCount:
    """How often an event was, and when."""

    first: datetime
    last: datetime
    times: int = 0


@dataclass(slots=True)
class EventTally:
    """Events of one process that wait to be written into the audit log: a row each a minute.

    A flood of failed sign-ins thus makes few rows, and costs a request a look into a dictionary.
    """

    writing: Writing
    waiting: dict[RepeatedEvent, EventCount] = field(default_factory=dict)
    told: dict[RepeatedEvent, float] = field(default_factory=dict)

    def count(self, event: RepeatedEvent) -> None:
        """Count an event, to be written with how often it was."""
        if event not in self.waiting and len(self.waiting) >= MOST_KINDS:
            event = RepeatedEvent(event.actor, event.action, event.table, "*", OTHERS, None)
        now = datetime.now(UTC)
        found = self.waiting.setdefault(event, EventCount(now, now))
        found.last = now
        found.times += 1

    def tell_hourly(self, event: RepeatedEvent) -> None:
        """Count an event of which one row an hour is enough."""
        now = time.monotonic()
        if now >= self.told.get(event, 0.0):
            self.told[event] = now + TOLD_FOR_S
            self.count(event)

    async def write(self) -> None:
        """Write what waits; what cannot be written waits on."""
        if not self.waiting:
            return
        taken, self.waiting = self.waiting, {}
        try:
            async with self.writing() as session:
                for event, found in taken.items():
                    if event not in self.told or not await _is_told_hourly(session, event):
                        record_count(session, event, found)
        except DATABASE_ERRORS as error:
            log.warning("audit log: counted events wait", error=type(error).__name__)
            for event, found in taken.items():
                later = self.waiting.setdefault(event, found)
                if later is not found:
                    later.first, later.times = found.first, later.times + found.times
        now = time.monotonic()
        self.told = {event: until for event, until in self.told.items() if until > now}

    @asynccontextmanager
    async def writing_down(self) -> AsyncIterator[None]:
        """Write now and then, and what is left at the end."""
        task = asyncio.create_task(self._keep_writing())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await self.write()
            for event, found in self.waiting.items():
                log.error("not in the audit log", event_told=asdict(event), times=found.times)

    async def _keep_writing(self) -> None:
        while True:
            await asyncio.sleep(WRITTEN_EVERY_S)
            await self.write()


async def _is_told_hourly(session: AsyncSession, event: RepeatedEvent) -> bool:
    """Whether another process has told the event within the hour."""
    act = Act(event.actor)
    return await is_told(session, act, event.action, table=event.table, object_id=event.object_id)


def record_count(session: AsyncSession, event: RepeatedEvent, found: EventCount) -> None:
    """Add an entry of a counted event to a transaction."""
    about = {
        **({} if event.reason is None else {"reason": event.reason}),
        "times": found.times,
        "first": found.first.isoformat(),
        "last": found.last.isoformat(),
    }
    act = Act(event.actor, address=event.address)
    record(session, act, event.action, table=event.table, object_id=event.object_id, after=about)


def record(
    session: AsyncSession,
    act: Act,
    action: str,
    *,
    table: str,
    object_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Add an entry to the transaction that makes the change; it is written at its commit."""
    entry = entry_of(act, action, table=table, object_id=object_id, before=before, after=after)
    if not session.in_transaction():
        # So that a rollback is told to us even when no statement was sent yet.
        session.sync_session.begin()
    session.info.setdefault(WAITING, []).append(entry)


def entry_of(
    act: Act,
    action: str,
    *,
    table: str,
    object_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> str:
    """An entry as text: later changes of the images must not change it."""
    return json.dumps(
        {
            "actor": act.actor,
            "action": action,
            "table": table,
            "object": object_id,
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
            "request": act.request_id,
            "address": act.address,
        },
        ensure_ascii=False,
        allow_nan=False,
    )


async def write_entries(session: AsyncSession) -> None:
    """Write the entries that wait, before the commit that would: to read them in between."""
    await session.run_sync(_write)


async def append_entries(transaction: DriverTransaction, entries: Sequence[str]) -> None:
    """Write entries in a transaction of the driver; the last thing that is done in it."""
    if entries:
        await transaction.execute(INSERT, {"entries": f"[{','.join(entries)}]"})


@asynccontextmanager
async def reserved_entries(session: AsyncSession, number: int) -> AsyncIterator[int]:
    """Statements that write `number` entries without waiting for others, nor others for them.

    Yields:
        The id of the first; the statements must give each entry the next one, to the last. When
        the transaction commits they become one link of the chain.
    """
    first = await session.scalar(RESERVE, {"number": number})
    await session.execute(MODE, {"mode": "on"})
    yield int(first or 0)
    await session.execute(MODE, {"mode": "off"})


async def read_entries(
    session: AsyncSession, wanted: AuditFilter, *, limit: int, before: int | None = None
) -> Sequence[AuditLog]:
    """Entries from the newest on."""
    columns = AuditLog.__table__.columns
    query = select(AuditLog).order_by(AuditLog.id.desc()).limit(limit)
    for name, value in wanted.equal.items():
        query = query.where(columns[name] == value)
    if wanted.since is not None:
        query = query.where(AuditLog.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(AuditLog.at <= wanted.until)
    if before is not None:
        query = query.where(AuditLog.id < before)
    return (await session.scalars(query)).all()


def _write(session: Session) -> None:
    entries = session.info.get(WAITING)
    if entries:
        session.info[WAITING] = []
        session.execute(INSERT, {"entries": f"[{','.join(entries)}]"})


def _before_commit(session: Session) -> None:
    if not session.in_nested_transaction():
        _write(session)


def _after_begin(session: Session, transaction: SessionTransaction) -> None:
    """Note how many entries waited when a savepoint was set."""
    if transaction.nested:
        marks = session.info.setdefault(MARKS, {})
        marks[transaction] = len(session.info.get(WAITING, ()))


def _after_rollback(session: Session, previous: SessionTransaction) -> None:
    """Forget the entries of what did not happen: since the savepoint, or all."""
    if previous.nested or previous.parent is None:
        mark = session.info.get(MARKS, {}).get(previous, 0)
        del session.info.get(WAITING, [])[mark:]


def _after_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(MARKS, None)


event.listen(Session, "before_commit", _before_commit)
event.listen(Session, "after_transaction_create", _after_begin)
event.listen(Session, "after_soft_rollback", _after_rollback)
event.listen(Session, "after_transaction_end", _after_end)


KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What makes a repeated request the same: who, where, the key, and the body's SHA-256."""

    owner: str
    route: str
    key: str
    body_sha256: str

    def lock_number(self) -> int:
        """The number of the advisory lock that stands for the key."""
        name = "\0".join((self.owner, self.route, self.key)).encode()
        return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """An HTTP answer as it is kept."""

    status: int
    headers: dict[str, str]
    body: str


async def recall(session: AsyncSession, fingerprint: Fingerprint) -> StoredResponse | None:
    """The answer given before; None for a new key, which this transaction now holds.

    Raises:
        InFlight: another transaction holds the key.
        KeyReused: the key came with another body before.
    """
    taken = select(func.pg_try_advisory_xact_lock(fingerprint.lock_number()))
    if not await session.scalar(taken):
        raise still_running()
    found = await session.scalar(
        select(IdempotencyKey).where(
            IdempotencyKey.owner == fingerprint.owner,
            IdempotencyKey.route == fingerprint.route,
            IdempotencyKey.key == fingerprint.key,
        )
    )
    if found is None:
        return None
    demand_same(fingerprint, found.body_sha256)
    return StoredResponse(found.status, found.headers, found.body)


def still_running() -> InFlight:
    """The refusal of a request whose key another one holds."""
    return InFlight(
        "the first request with this Idempotency-Key is still running",
        message_zh="使用该 Idempotency-Key 的首个请求仍在处理",
    )


def demand_same(fingerprint: Fingerprint, body_sha256: str) -> None:
    """Refuse a key that came with another body before.

    Raises:
        KeyReused: so it is.
    """
    if body_sha256 != fingerprint.body_sha256:
        raise KeyReused(
            "this Idempotency-Key was used with another body; use a new key for a new request",
            message_zh="该 Idempotency-Key 已用于另一请求内容；新请求请使用新的键",
        )


_RECALL = text(
    """SELECT asked.place, kept.body_sha256, kept.status, kept.headers, kept.body
         FROM unnest(CAST(:owners AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]))
              WITH ORDINALITY AS asked (owner, route, key, place)
         JOIN idempotency_key kept USING (owner, route, key)"""
)
# The age in its text, so that one plan for all groups knows how few are so old.
_REMEMBER = text(
    f"""WITH old AS (DELETE FROM idempotency_key
                     WHERE created_at < now() - interval '{KEPT.days} days')
       INSERT INTO idempotency_key (owner, route, key, body_sha256, status, headers, body)
       SELECT owner, route, key, body_sha256, status, CAST(headers AS jsonb), body
         FROM unnest(CAST(:owners AS text[]), CAST(:routes AS text[]), CAST(:keys AS text[]),
                     CAST(:bodies_sha256 AS text[]), CAST(:statuses AS smallint[]),
                     CAST(:headers AS text[]), CAST(:bodies AS text[]))
              AS made (owner, route, key, body_sha256, status, headers, body)"""  # noqa: S608
)


async def recall_several(
    transaction: DriverTransaction, fingerprints: Sequence[Fingerprint]
) -> dict[Fingerprint, StoredResponse | KeyReused]:
    """The answers given before to keys whose locks this transaction holds, and what is misused."""
    found: dict[Fingerprint, StoredResponse | KeyReused] = {}
    for row in (await transaction.execute(_RECALL, _columns(fingerprints))).all():
        fingerprint = fingerprints[row.place - 1]
        try:
            demand_same(fingerprint, row.body_sha256)
        except KeyReused as error:
            found[fingerprint] = error
        else:
            found[fingerprint] = StoredResponse(row.status, row.headers, row.body)
    return found


async def remember_several(
    transaction: DriverTransaction, answers: Mapping[Fingerprint, StoredResponse]
) -> None:
    """Keep answers in the transaction of their effects, and forget those that are too old."""
    given = {
        **_columns([*answers]),
        "bodies_sha256": [one.body_sha256 for one in answers],
        "statuses": [answer.status for answer in answers.values()],
        "headers": [json.dumps(answer.headers) for answer in answers.values()],
        "bodies": [answer.body for answer in answers.values()],
    }
    await transaction.execute(_REMEMBER, given)


def _columns(fingerprints: Sequence[Fingerprint]) -> dict[str, list[str]]:
    return {
        "owners": [one.owner for one in fingerprints],
        "routes": [one.route for one in fingerprints],
        "keys": [one.key for one in fingerprints],
    }


async def remember(session: AsyncSession, fingerprint: Fingerprint, answer: StoredResponse) -> None:
    """Keep the answer in the transaction of its effect, and forget answers that are too old."""
    await session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < func.now() - KEPT)
    )
    session.add(
        IdempotencyKey(
            owner=fingerprint.owner,
            route=fingerprint.route,
            key=fingerprint.key,
            body_sha256=fingerprint.body_sha256,
            status=answer.status,
            headers=answer.headers,
            body=answer.body,
        )
    )
