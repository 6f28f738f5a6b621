"""What the audit log keeps of rows that are written many at once."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.images import geometry_image
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.staging import ROWS, Stage
from shanhai.db.queries.audit import Act

MEMBERS_IN_CALL = 50
ENTRIES_AT_ONCE = 25_000


async def keep_images(session: AsyncSession, stage: Stage) -> None:
    """Note, beside each row that will change, what it was, and lock it."""
    entity = stage.entity
    await session.execute(
        text(
            f"SELECT 1 FROM {entity.table} i_t WHERE i_t.id IN"  # noqa: S608
            f" (SELECT found FROM {ROWS} WHERE changed) ORDER BY i_t.id FOR UPDATE"
        )
    )
    await session.execute(
        text(
            f"UPDATE {ROWS} SET before ="  # noqa: S608
            f" (SELECT {_image(entity)} FROM {entity.source} WHERE {entity.key} = {ROWS}.found)"
            f" WHERE changed"
        )
    )


async def audit_rows(session: AsyncSession, stage: Stage, act: Act) -> None:
    """Write an entry for every row that was written, in the order of the file."""
    entity = stage.entity
    query = text(
        "INSERT INTO audit_log"  # noqa: S608
        " (actor, action, object_table, object_id, before, after, request_id)"
        " SELECT CAST(:actor AS text),"
        " CASE WHEN i_r.found IS NULL THEN 'create' ELSE 'update' END,"
        f" '{entity.table}', i_r.code, i_r.before,"
        f" (SELECT {_image(entity)} FROM {entity.source} WHERE {entity.key} = i_r.written),"
        f" CAST(:request AS text) FROM {ROWS} i_r"
        " WHERE i_r.written IS NOT NULL AND i_r.row >= :first AND i_r.row < :end ORDER BY i_r.row"
    )
    last = int(await session.scalar(text(f"SELECT max(row) FROM {ROWS}")) or 0)  # noqa: S608
    # In portions: one statement for a million rows would outlast the time a statement has.
    for first in range(0, last + 1, ENTRIES_AT_ONCE):
        await session.execute(
            query,
            {
                "actor": act.actor,
                "request": act.request_id,
                "first": first,
                "end": first + ENTRIES_AT_ONCE,
            },
        )


def _image(entity: Entity) -> str:
    version = f"{entity.alias}.row_version" if "row_version" in columns_of(entity) else "1"
    calls = [f"jsonb_build_object('id', {entity.key}, 'row_version', {version})"]
    listed = [f"'{item.name}', {item.sql}" for item in entity.receivables]
    calls += [
        f"jsonb_build_object({', '.join(listed[start : start + MEMBERS_IN_CALL])})"
        for start in range(0, len(listed), MEMBERS_IN_CALL)
    ]
    if entity.geometry_column is not None:
        shape = f"jsonb_build_object('geometry', {geometry_image(entity)})"
        column = f"{entity.alias}.{entity.geometry_column}"
        calls.append(f"CASE WHEN {column} IS NULL THEN '{{}}' ELSE {shape} END")
    return " || ".join(calls)
