"""The audit log as documents: entries as JSON, and as a table for other programs."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import orjson
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.audit import AuditFilter, read_entries
from shanhai.db.tables.access import AuditLog
from shanhai.vector.formats import neutralised
from shanhai_api.kit.answers import Answered, Document, Link, Moment
from shanhai_api.negotiation import HTML, JSON, Format
from shanhai_api.state import ServiceState

BLOCK = 1_000
CSV = Format("csv", "text/csv")
COLUMNS = ("id", "at", "actor", "action", "table", "object", "before", "after", "request", "digest")


class AuditEntry(Answered):
    """An entry as it is shown; by its digest it can be found in a verified log."""

    id: int
    at: Moment
    actor: str | None
    action: str
    table: str | None = Field(validation_alias="object_table")
    object: str | None = Field(validation_alias="object_id")
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    request: str | None = Field(validation_alias="request_id")
    digest: str

    @classmethod
    def of(cls, row: AuditLog) -> Self:
        """The entry of a row."""
        return cls.from_row(row, digest=row.digest.hex())


class AuditEntries(Document):
    """A page of the audit log, the newest first; as CSV all of it."""

    formats = (JSON, HTML, CSV)
    stored = False

    entries: list[AuditEntry]
    links: list[Link]


async def as_csv(
    state: ServiceState, wanted: AuditFilter, before: int | None
) -> AsyncIterator[bytes]:
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
    return [AuditEntry.of(row).as_json() for row in rows]


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
