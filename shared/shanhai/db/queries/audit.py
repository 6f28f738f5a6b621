"""Write and read the audit log.

Entries wait in the session and are written in one statement when its transaction commits: the lock
that orders the chain is then held for one round trip, not for the whole transaction. Too many for
that are written into numbers reserved for them, and joined to the chain by the commit.
"""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import event, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session, SessionTransaction

from shanhai.db.tables.access import AuditLog

WAITING = "audit_entries"
MARKS = "audit_marks"
INSERT = text(
    """INSERT INTO audit_log
         (actor, action, object_table, object_id, before, after, request_id)
       SELECT entry->>'actor', entry->>'action', entry->>'table', entry->>'object',
              nullif(entry->'before', 'null'), nullif(entry->'after', 'null'),
              entry->>'request'
         FROM jsonb_array_elements(CAST(:entries AS jsonb)) WITH ORDINALITY AS given (entry, place)
        ORDER BY place"""
)
RESERVE = text("SELECT audit_reserve(:number)")
MODE = text("SELECT set_config('shanhai.audit_reserved', :mode, true)")


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, and in which request."""

    actor: str
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which entries are asked for; `equal` names columns of the log."""

    equal: Mapping[str, str]
    since: datetime | None = None
    until: datetime | None = None


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
    # As text already: later changes of the images must not change the entry.
    entry = json.dumps(
        {
            "actor": act.actor,
            "action": action,
            "table": table,
            "object": object_id,
            "before": None if before is None else dict(before),
            "after": None if after is None else dict(after),
            "request": act.request_id,
        },
        ensure_ascii=False,
        allow_nan=False,
    )
    if not session.in_transaction():
        # So that a rollback is told to us even when no statement was sent yet.
        session.sync_session.begin()
    session.info.setdefault(WAITING, []).append(entry)


async def write_entries(session: AsyncSession) -> None:
    """Write the entries that wait, before the commit that would: to read them in between."""
    await session.run_sync(_write)


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
