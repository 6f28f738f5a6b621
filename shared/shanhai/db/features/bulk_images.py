"""What the audit log keeps of rows that are written many at once."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.entity import Entity
from shanhai.db.features.images import geometry_image
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.staging import (
    AFTER,
    BEFORE,
    PORTION_ROWS,
    ROWS,
    WITHIN,
    WRITTEN,
    Stage,
    in_portions,
    spans_of,
)
from shanhai.db.queries.audit import Act, reserved_entries

MEMBERS_IN_CALL = 50


async def keep_images(session: AsyncSession, stage: Stage) -> None:
    """Note, beside each row that will change, what it was, and lock it."""
    await _lock(session, stage)
    query = (
        f"INSERT INTO {BEFORE} SELECT i_r.row, {_image_of(stage.entity, 'i_r.found')}"  # noqa: S608
        f" FROM {ROWS} i_r WHERE i_r.changed AND {WITHIN}"
    )
    await in_portions(session, query, await spans_of(session))


async def _lock(session: AsyncSession, stage: Stage) -> None:
    """Lock the rows that will change in the order of their ids, as everyone does."""
    step = text(
        f"SELECT max(found) FROM (SELECT found FROM {ROWS}"  # noqa: S608
        f" WHERE changed AND found > :after ORDER BY found LIMIT {PORTION_ROWS}) i_f"
    )
    lock = text(
        f"SELECT count(*) FROM (SELECT 1 FROM {stage.entity.table} i_t WHERE i_t.id = ANY(ARRAY("  # noqa: S608
        f"SELECT found FROM {ROWS} WHERE changed AND found > :after AND found <= :last))"
        " ORDER BY i_t.id FOR UPDATE) i_l"
    )
    after = 0
    while last := await session.scalar(step, {"after": after}):
        await session.execute(lock, {"after": after, "last": last})
        after = last


async def keep_new_images(session: AsyncSession, stage: Stage) -> None:
    """Note what each row that was written is now."""
    query = (
        f"INSERT INTO {AFTER} SELECT i_r.row, {_image_of(stage.entity, 'i_r.id')}"  # noqa: S608
        f" FROM {WRITTEN} i_r WHERE {WITHIN}"
    )
    await in_portions(session, query, await spans_of(session))


async def audit_rows(session: AsyncSession, stage: Stage, act: Act) -> None:
    """Write an entry for every row that was written, in the order of the file.

    Their numbers are reserved, so nobody waits; the entries join the chain when all is committed.
    """
    number = int(await session.scalar(text(f"SELECT count(*) FROM {AFTER}")) or 0)  # noqa: S608
    if number == 0:
        return
    query = text(
        "INSERT INTO audit_log (id,"  # noqa: S608
        " actor, action, object_table, object_id, before, after, request_id)"
        " OVERRIDING SYSTEM VALUE"
        " SELECT CAST(:number AS bigint) + row_number() OVER (ORDER BY i_r.row) - 1,"
        " CAST(:actor AS text),"
        " CASE WHEN i_r.found IS NULL THEN 'create' ELSE 'update' END,"
        f" '{stage.entity.table}', i_r.code, i_b.image, i_a.image, CAST(:request AS text)"
        f" FROM {ROWS} i_r JOIN {AFTER} i_a ON i_a.row = i_r.row"
        f" LEFT JOIN {BEFORE} i_b ON i_b.row = i_r.row AND i_b.row >= :first AND i_b.row < :end"
        f" WHERE {WITHIN} AND i_a.row >= :first AND i_a.row < :end ORDER BY i_r.row"
    )
    said = {"actor": act.actor, "request": act.request_id}
    async with reserved_entries(session, number) as first_number:
        place = first_number
        for first, end in await spans_of(session):
            values = {**said, "first": first, "end": end, "number": place}
            place += (await session.execute(query, values)).rowcount  # type: ignore[attr-defined]  # of a statement that writes


def _image_of(entity: Entity, row_id: str) -> str:
    """SQL of the image of one row: asked for each, so that no plan reads the whole table."""
    return f"(SELECT {_image(entity)} FROM {entity.source} WHERE {entity.key} = {row_id})"  # noqa: S608


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
