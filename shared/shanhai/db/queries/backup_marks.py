"""Write and read how far backups reach."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables import BackupMark


async def put_mark(
    session: AsyncSession, part: str, reached: datetime, detail: Mapping[str, Any]
) -> None:
    """Note that a part of the backups holds every change up to a moment."""
    values = {"reached": reached, "noted_at": func.clock_timestamp(), "detail": dict(detail)}
    statement = insert(BackupMark).values(part=part, **values)
    await session.execute(
        statement.on_conflict_do_update(index_elements=[BackupMark.part], set_=values)
    )


async def read_reach_s(session: AsyncSession) -> dict[str, float]:
    """How many seconds ago the last change lies that each part of the backups holds."""
    age = func.extract("epoch", func.clock_timestamp() - BackupMark.reached)
    rows = await session.execute(select(BackupMark.part, age))
    return {part: float(seconds) for part, seconds in rows}
