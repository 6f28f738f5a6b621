"""Write and read the audit log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import AuditLog


@dataclass(frozen=True, slots=True)
class Act:
    """Who acts, and in which request."""

    actor: str
    request_id: str | None = None


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
    """Add an entry to the transaction that makes the change."""
    session.add(
        AuditLog(
            actor=act.actor,
            action=action,
            object_table=table,
            object_id=object_id,
            before=None if before is None else dict(before),
            after=None if after is None else dict(after),
            request_id=act.request_id,
        )
    )


async def read_entries(
    session: AsyncSession,
    *,
    filters: Mapping[str, str],
    limit: int,
    before: int | None = None,
) -> Sequence[AuditLog]:
    """Entries from the newest on; `filters` names columns of the log."""
    columns = AuditLog.__table__.columns
    query = select(AuditLog).order_by(AuditLog.id.desc()).limit(limit)
    for name, value in filters.items():
        query = query.where(columns[name] == value)
    if before is not None:
        query = query.where(AuditLog.id < before)
    return (await session.scalars(query)).all()
