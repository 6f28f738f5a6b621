"""The audit log as documents: entries as JSON, and as a table for other programs."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import AuditFilter, read_entries
from shanhai.db.tables import AuditLog
from shanhai.jobs.results import rfc3339
from shanhai.vector.cells import neutralised
from shanhai_api.state import State

BLOCK = 1_000
COLUMNS = ("id", "at", "actor", "action", "table", "object", "before", "after", "request", "digest")


def describe_entry(row: AuditLog) -> dict[str, Any]:
    """An entry as it is shown; by its digest it can be found in a verified log."""
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "actor": row.actor,
        "action": row.action,
        "table": row.object_table,
        "object": row.object_id,
        "before": row.before,
        "after": row.after,
        "request": row.request_id,
        "digest": row.digest.hex(),
    }


async def as_csv(state: State, wanted: AuditFilter, before: int | None) -> AsyncIterator[bytes]:
    """Every entry that is wanted, from the newest on, block by block."""
    yield _lines([COLUMNS])
    while True:
        async with state.reading() as session:
            rows = await _block(session, wanted, before)
        if not rows:
            return
        yield _lines([[_cell(row[name]) for name in COLUMNS] for row in rows])
        before = rows[-1]["id"]


async def _block(
    session: AsyncSession, wanted: AuditFilter, before: int | None
) -> list[Mapping[str, Any]]:
    rows = await read_entries(session, wanted, limit=BLOCK, before=before)
    return [describe_entry(row) for row in rows]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return orjson.dumps(value).decode()
    return str(value) if isinstance(value, int) else neutralised(str(value))


def _lines(rows: Any) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
