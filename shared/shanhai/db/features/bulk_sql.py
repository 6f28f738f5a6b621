"""The statements of a bulk write, portion by portion, and its entries in the audit log."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.bulk_staging import (
    AFTER,
    BEFORE,
    PORTION_ROWS,
    ROWS,
    WITHIN,
    WRITTEN,
    Span,
    Stage,
    in_portions,
    spans_of,
    touched,
)
from shanhai.db.features.bulk_validation import Rejected
from shanhai.db.features.columns import columns_of
from shanhai.db.features.entity import Editing, Entity
from shanhai.db.features.snapshots import geometry_image
from shanhai.db.features.sql_write import REPAIR, told_refusals
from shanhai.db.queries.audit import Act, reserved_entries
from shanhai.errors import Conflict, InvalidInput
from shanhai.vocabulary import Label

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
        " actor, action, object_table, object_id, before, after, request_id, address)"
        " OVERRIDING SYSTEM VALUE"
        " SELECT CAST(:number AS bigint) + row_number() OVER (ORDER BY i_r.row) - 1,"
        " CAST(:actor AS text),"
        " CASE WHEN i_r.found IS NULL THEN 'create' ELSE 'update' END,"
        f" '{stage.entity.table}', i_r.code, i_b.image, i_a.image, CAST(:request AS text),"
        " CAST(:address AS text)"
        f" FROM {ROWS} i_r JOIN {AFTER} i_a ON i_a.row = i_r.row"
        f" LEFT JOIN {BEFORE} i_b ON i_b.row = i_r.row AND i_b.row >= :first AND i_b.row < :end"
        f" WHERE {WITHIN} AND i_a.row >= :first AND i_a.row < :end ORDER BY i_r.row"
    )
    said = {"actor": act.actor, "request": act.request_id, "address": act.address}
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


Refusal = Conflict | InvalidInput
MOST_SOUGHT = 1_000
"""Rows looked for one by one that a rule of the table refuses; beyond it, the file is refused."""


async def write_rows(
    session: AsyncSession, stage: Stage, editing: Editing, *, partly: bool
) -> list[Rejected]:
    """Write all rows; those that a rule of the table refuses are not written, but named.

    Args:
        partly: Go on after the first portion with such rows.

    Raises:
        Conflict, InvalidInput: too many rows are refused to name them.
    """
    changing, spans = _update(stage), await spans_of(session)
    statements = (changing, _insert(stage, editing))
    savepoint = await session.begin_nested()
    try:
        with told_refusals(stage.entity, ""):
            for statement in statements:
                await in_portions(session, statement, spans, by_index=statement == changing)
    except (Conflict, InvalidInput):
        await savepoint.rollback()
    else:
        await savepoint.commit()
        return []
    return await _write_what_can_be(session, stage, statements, spans, partly=partly)


async def _write_what_can_be(
    session: AsyncSession,
    stage: Stage,
    statements: Sequence[str],
    spans: Sequence[Span],
    *,
    partly: bool,
) -> list[Rejected]:
    refused: list[Rejected] = []
    for statement in statements:
        for span in spans:
            for row, refusal in await _seek(session, stage, statement, span):
                if len(refused) == MOST_SOUGHT:
                    raise refusal
                refused.append(await _rejected(session, row, refusal))
            if refused and not partly:
                return refused
    return refused


async def _seek(
    session: AsyncSession, stage: Stage, statement: str, span: Span
) -> list[tuple[int, Refusal]]:
    """Write a portion but for the rows that are refused, found by halving."""
    found: list[tuple[int, Refusal]] = []
    waiting = [span]
    while waiting:
        first, end = waiting.pop()
        refusal = await _try(session, stage, statement, (first, end))
        if refusal is None:
            continue
        if end - first == 1:
            found.append((first, refusal))
            if len(found) > MOST_SOUGHT:
                raise refusal
            continue
        middle = (first + end) // 2
        waiting += [(middle, end), (first, middle)]
    return found


async def _try(session: AsyncSession, stage: Stage, statement: str, span: Span) -> Refusal | None:
    """Write a portion, or nothing of it; why it was refused."""
    savepoint = await session.begin_nested()
    try:
        with told_refusals(stage.entity, ""):
            await in_portions(session, statement, [span])
    except (Conflict, InvalidInput) as refusal:
        await savepoint.rollback()
        return refusal
    await savepoint.commit()
    return None


async def _rejected(session: AsyncSession, row: int, refusal: Refusal) -> Rejected:
    code = await session.scalar(
        text(f"SELECT code FROM {ROWS} WHERE row = :row"),  # noqa: S608
        {"row": row},
    )
    fault = next(iter(refusal.faults), None)
    member = None if fault is None else fault.pointer.rpartition("/")[2] or None
    detail = Label(refusal.message_zh or refusal.message, refusal.message)
    return Rejected(row, str(code), "constraint", member, detail)


def _update(stage: Stage) -> str:
    entity = stage.entity
    given = [
        f'"{item.column}" = {stage.changed(item)}'
        for item in stage.kept
        if item.column not in {"valid_from" if entity.historic else None, stage.state_column}
    ]
    given += _attribute_changes(stage)
    if stage.shaped:
        # What has not moved keeps its digits, also those that are not shown.
        column = entity.geometry_column
        given.append(f"{column} = CASE WHEN i_r.moved THEN i_r.shape ELSE i_t.{column} END")
    if "valid_from" in columns_of(entity) and entity.historic:
        given.append(f"valid_from = {_beginning(stage)}")
    return (
        f"WITH done AS (UPDATE {entity.table} i_t SET {', '.join([*given, *touched(entity)])}"  # noqa: S608
        f" FROM {ROWS} i_r WHERE i_t.id = i_r.found AND i_r.changed AND {WITHIN}"
        " RETURNING i_r.row, i_t.id)"
        f" INSERT INTO {WRITTEN} (row, id) SELECT row, id FROM done"
    )


def _attribute_changes(stage: Stage) -> list[str]:
    """Assignment of `attrs`; those nobody gives stay."""
    changed = "i_t.attrs"
    if stage.attributes:
        names = ", ".join(f"'{item.attribute}'" for item in stage.attributes)
        changed = f"({changed} - ARRAY[{names}]) || {_attributes(stage)}"
    if stage.keeps_repairs:
        # What a former repair did was told of the former place.
        changed = (
            f"CASE WHEN i_r.moved THEN ({changed}) - '{REPAIR}' || {_repair()} ELSE {changed} END"
        )
    return [] if changed == "i_t.attrs" else [f"attrs = {changed}"]


def _repair() -> str:
    return (
        "CASE WHEN i_r.mended IS NULL THEN '{}'"
        f" ELSE jsonb_build_object('{REPAIR}', i_r.mended) END"
    )


def _attributes(stage: Stage) -> str:
    """SQL of the members of `attrs` that were given."""
    members = ", ".join(f"'{i.attribute}', i_r.\"a_{i.attribute}\"" for i in stage.attributes)
    return (
        "(SELECT coalesce(jsonb_object_agg(key, value), '{}')"  # noqa: S608
        f" FROM jsonb_each(jsonb_build_object({members})) WHERE value <> 'null')"
    )


def _beginning(stage: Stage) -> str:
    """SQL of the day from which the new state holds; see `writing`."""
    columns = {item.column for item in stage.kept}
    end = "coalesce(i_r.c_valid_to, i_t.valid_to)" if "valid_to" in columns else "i_t.valid_to"
    usual = (
        "CASE WHEN (i_t.valid_from IS NULL OR i_t.valid_from <= current_date)"
        f" AND ({end} IS NULL OR {end} > current_date) THEN current_date ELSE i_t.valid_from END"
    )
    if "valid_from" not in columns:
        return usual
    return (
        "CASE WHEN i_r.c_valid_from IS NOT NULL"
        " AND i_r.c_valid_from IS DISTINCT FROM i_t.valid_from"
        f" THEN i_r.c_valid_from ELSE {usual} END"
    )


def _insert(stage: Stage, editing: Editing) -> str:
    entity = stage.entity
    values = {str(item.column): stage.wanted(item) for item in stage.kept}
    values[stage.code_column] = "i_r.code"
    if editing.lifecycle is not None and stage.state_column is not None:
        own = values.get(stage.state_column, "NULL")
        values[stage.state_column] = f"coalesce({own}, '{editing.lifecycle.initial}')"
    if stage.visibility_column is not None:
        values.setdefault(stage.visibility_column, str(stage.default(stage.visibility_column)))
    attributes = [_attributes(stage)] if stage.attributes else []
    attributes += [_repair()] if stage.keeps_repairs else []
    if attributes:
        values["attrs"] = " || ".join(attributes)
    if stage.shaped:
        values[str(entity.geometry_column)] = "i_r.shape"
    names = ", ".join(f'"{name}"' for name in values)
    beside = [str(item.column) for item in stage.beside]
    returned = "".join(f', "{name}"' for name in beside)
    same = "".join(f' AND i_r."c_{name}" IS NOT DISTINCT FROM made."{name}"' for name in beside)
    return (
        f"WITH made AS (INSERT INTO {entity.table} ({names}) SELECT {', '.join(values.values())}"  # noqa: S608
        f" FROM {ROWS} i_r WHERE i_r.found IS NULL AND {WITHIN} ORDER BY i_r.row"
        f' RETURNING id, "{stage.code_column}" AS code{returned})'
        f" INSERT INTO {WRITTEN} (row, id) SELECT i_r.row, made.id FROM made"
        f" JOIN {ROWS} i_r ON i_r.code = made.code{same} WHERE i_r.found IS NULL AND {WITHIN}"
    )
