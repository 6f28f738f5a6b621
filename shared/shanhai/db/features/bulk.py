"""Create and change many objects of an entity in one transaction, by its declaration alone.

The same rules as `writing` has for one: rights, references, states, guards, history, audit.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.bulk_images import audit_rows, keep_images
from shanhai.db.features.entity import Change, Editing, Entity, Property, Verb
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.refusals import told_refusals
from shanhai.db.features.rights import editing_of
from shanhai.db.features.staging import (
    GIVEN,
    ROWS,
    Stage,
    Staged,
    copy_rows,
    find_references,
    resolve_rows,
    touched,
)
from shanhai.db.identity import Identity
from shanhai.db.queries.audit import Act, write_entries
from shanhai.errors import Conflict, Fault, InvalidInput
from shanhai.vocabulary import Label, Scope

GUARDED_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be written, and why."""

    row: int
    code: str
    rule: str
    member: str | None
    detail: Label


@dataclass(slots=True)
class Tally:
    """What a bulk write did."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)


async def write_many(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    properties: Sequence[Property],
    blocks: AsyncIterator[Sequence[Staged]],
    *,
    shaped: bool,
    partly: bool,
) -> Tally:
    """Write the rows; those of known codes are changed where they differ, the others are created.

    Args:
        properties: What the rows give beside code and geometry; absent values empty a member.
        blocks: The rows, once.
        shaped: The rows have geometry.
        partly: Leave out rows that cannot be written; else one such row leaves all unwritten.

    Raises:
        Unauthenticated, Forbidden: the identity may not write the entity at all.
        Conflict, InvalidInput: a rule of the table that no single row can be named for.
    """
    stage = Stage(entity, tuple(properties), shaped and entity.geometry_column is not None)
    editing = editing_of(entity, identity, "update")
    await copy_rows(session, stage, blocks)
    await find_references(session, stage, identity.viewer)
    await resolve_rows(session, stage)
    tally = Tally(rejected=await _judge(session, stage, editing, identity))
    await _leave_out(session, tally.rejected)
    if tally.rejected and not partly:
        return tally
    if await _number(session, "found IS NULL"):
        editing_of(entity, identity, "create")
    await keep_images(session, stage)
    foreign = await _write(session, stage, editing, identity)
    if foreign:
        tally.rejected += foreign
        await _leave_out(session, foreign)
        if not partly:
            return tally
        await _write(session, stage, editing, identity)
    tally.created = await _number(session, "found IS NULL")
    tally.updated = await _number(session, "changed")
    tally.unchanged = await _number(session, "found IS NOT NULL AND NOT changed")
    await write_entries(session)
    await audit_rows(session, stage, act)
    return tally


async def _number(session: AsyncSession, condition: str) -> int:
    query = text(f"SELECT count(*) FROM {ROWS} WHERE {condition}")  # noqa: S608
    return int(await session.scalar(query) or 0)


async def _leave_out(session: AsyncSession, rejected: Sequence[Rejected]) -> None:
    query = text(f"DELETE FROM {ROWS} WHERE row = ANY(CAST(:rows AS bigint[]))")  # noqa: S608
    await session.execute(query, {"rows": sorted({item.row for item in rejected})})


async def _judge(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity
) -> list[Rejected]:
    """What can be told of rows before anything is written."""
    found = await _dangling(session, stage)
    found += await _incomplete(session, stage)
    found += await _in_wrong_state(session, stage, editing)
    found += await _rewriting(session, stage)
    found += await _foreign(session, stage, editing, identity, "found", "AND i_r.changed")
    bad = {item.row for item in found}
    found += [item for item in await _guarded(session, stage, editing) if item.row not in bad]
    return found


async def _rejected(
    session: AsyncSession, query: str, rule: str, member: str | None, detail: Label
) -> list[Rejected]:
    """A rejection for each (row, code) the query gives."""
    rows = (await session.execute(text(query))).all()
    return [Rejected(row, code, rule, member, detail) for row, code in rows]


async def _dangling(session: AsyncSession, stage: Stage) -> list[Rejected]:
    found: list[Rejected] = []
    for item in stage.references:
        own = f'i_r."c_{item.column}"'
        given = f"CAST({stage.given(item)} AS jsonb)"
        lost = (
            f"{own} IS NULL OR (jsonb_typeof({given}) = 'array'"
            f" AND cardinality(CAST({own}::text AS bigint[])) < jsonb_array_length({given}))"
            if item.schema["type"] == "array"
            else f"{own} IS NULL"
        )
        query = (
            f"SELECT i_r.row, i_r.code, {given} #>> '{{}}' FROM {ROWS} i_r"  # noqa: S608
            f" JOIN {GIVEN} i_g USING (row) WHERE {stage.given(item)} IS NOT NULL AND ({lost})"
        )
        for row, code, value in (await session.execute(text(query))).all():
            detail = Label(
                f"{item.refers_to} 中没有 {value!r}", f"there is no {value!r} in {item.refers_to}"
            )
            found.append(Rejected(row, code, "reference", item.name, detail))
    return found


async def _incomplete(session: AsyncSession, stage: Stage) -> list[Rejected]:
    """New rows without what every object must have."""
    given = {item.name for item in stage.properties}
    found: list[Rejected] = []
    for item in stage.entity.receivables:
        if item.required and item.name not in given:
            query = f"SELECT row, code FROM {ROWS} WHERE found IS NULL"  # noqa: S608
            detail = Label(
                "新建时必填，文件中没有该字段", "is required of a new one; no field gives it"
            )
            found += await _rejected(session, query, "required", item.name, detail)
    return found


async def _in_wrong_state(session: AsyncSession, stage: Stage, editing: Editing) -> list[Rejected]:
    lifecycle = editing.lifecycle
    if lifecycle is None:
        return []
    column = stage.state_column
    if column is None:
        return []
    joined = (
        f"FROM {ROWS} i_r JOIN {stage.entity.table} i_t ON i_t.id = i_r.found WHERE i_r.changed"
    )
    found: list[Rejected] = []
    for state in sorted(lifecycle.settled):
        query = f"SELECT i_r.row, i_r.code {joined} AND i_t.{column} = '{state}'"
        detail = Label(f"处于 {state!r} 状态，不得更改", f"what is {state!r} cannot be changed")
        found += await _rejected(session, query, "state", None, detail)
    if any(item.name == lifecycle.property for item in stage.properties):
        own = f'i_r."c_{column}"'
        changed = f"SELECT i_r.row, i_r.code {joined} AND {own} <> i_t.{column}"
        by_step = Label(
            "状态只能逐步更改，不能经导入更改", "a state is changed by steps, not by an import"
        )
        found += await _rejected(session, changed, "state", lifecycle.property, by_step)
        first = lifecycle.initial
        begun = (
            f"SELECT i_r.row, i_r.code FROM {ROWS} i_r"  # noqa: S608
            f" WHERE i_r.found IS NULL AND {own} <> '{first}'"
        )
        initial = Label(f"新建时的状态为 {first!r}", f"a new one begins as {first!r}")
        found += await _rejected(session, begun, "state", lifecycle.property, initial)
    return found


async def _rewriting(session: AsyncSession, stage: Stage) -> list[Rejected]:
    """Rows that would begin before the present state did."""
    if not stage.entity.historic or all(item.column != "valid_from" for item in stage.kept):
        return []
    query = (
        f"SELECT i_r.row, i_r.code FROM {ROWS} i_r"  # noqa: S608
        f" JOIN {stage.entity.table} i_t ON i_t.id = i_r.found"
        " WHERE i_r.changed AND i_r.c_valid_from < i_t.valid_from"
    )
    detail = Label("不得早于现行状态的起始日", "must not lie before the present state began")
    return await _rejected(session, query, "state", "valid_from", detail)


async def _foreign(
    session: AsyncSession,
    stage: Stage,
    editing: Editing,
    identity: Identity,
    column: str,
    also: str = "",
) -> list[Rejected]:
    """Rows of regions in which the identity has none of the roles."""
    if identity.grants is None or Scope.ADMIN in identity.scopes:
        return []
    grants = [grant for grant in identity.grants if grant.role in editing.roles]
    if any(grant.regions is None for grant in grants):
        return []
    allowed = sorted({region for grant in grants for region in grant.regions or ()})
    entity = stage.entity
    region = entity.region or "NULL::bigint"
    query = text(
        f"SELECT i_r.row, i_r.code FROM {entity.source}"  # noqa: S608
        f" JOIN {ROWS} i_r ON {entity.key} = i_r.{column}"
        f" WHERE ({region} = ANY(CAST(:allowed AS bigint[]))) IS NOT TRUE {also}"
    )
    rows = await session.execute(query, {"allowed": allowed})
    detail = Label("在该区域没有所需角色", "none of the roles needed is held for its region")
    return [Rejected(row, code, "authority", None, detail) for row, code in rows.all()]


async def _guarded(session: AsyncSession, stage: Stage, editing: Editing) -> list[Rejected]:
    """What the entity's own rules refuse, asked row by row."""
    if not editing.guards:
        return []
    found: list[Rejected] = []
    after = 0
    while rows := (await session.execute(_changes_query(stage), {"after": after})).all():
        for row in rows:
            before = None if row.before is None else orjson.loads(row.before)
            given = orjson.loads(row.given)
            verb: Verb = "create" if before is None else "update"
            change = Change(verb, row.found, before, {**(before or {}), **given}, row.moved)
            for fault in await _faults(session, editing, change):
                member = (fault.pointer or "").rpartition("/")[2] or None
                detail = Label(fault.detail_zh or fault.detail, fault.detail)
                found.append(Rejected(row.row, row.code, "guard", member, detail))
        after = rows[-1].row
    return found


async def _faults(session: AsyncSession, editing: Editing, change: Change) -> Sequence[Fault]:
    found: list[Fault] = []
    for guard in editing.guards:
        try:
            found += await guard(session, change)
        except (InvalidInput, Conflict) as refusal:
            found += getattr(refusal, "faults", ()) or [
                Fault("", refusal.message, refusal.message_zh)
            ]
    return found


def _changes_query(stage: Stage) -> Any:
    entity = stage.entity
    members = ", ".join(f"'{item.name}', {item.sql}" for item in entity.receivables)
    given = ", ".join(
        [
            "'code', i_g.code",
            *(f"'{item.name}', CAST({stage.given(item)} AS jsonb)" for item in stage.properties),
        ]
    )
    return text(
        "SELECT i_r.row, i_r.code, i_r.found, i_r.moved,"  # noqa: S608
        f" json_build_object({given})::text AS given,"
        f" (SELECT json_build_object({members})::text FROM {entity.source}"
        f" WHERE {entity.key} = i_r.found) AS before"
        f" FROM {ROWS} i_r JOIN {GIVEN} i_g USING (row)"
        " WHERE i_r.row > :after AND (i_r.changed OR i_r.found IS NULL)"
        f" ORDER BY i_r.row LIMIT {GUARDED_AT_ONCE}"
    )


async def _write(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity
) -> list[Rejected]:
    """Write all rows; if some turn out to lie in foreign regions, undo it and name them."""
    savepoint = await session.begin_nested()
    with told_refusals(stage.entity, ""):
        await session.execute(text(_update(stage)))
        await session.execute(text(_insert(stage, editing)))
    foreign = await _foreign(session, stage, editing, identity, "written")
    if foreign:
        await savepoint.rollback()
    else:
        await savepoint.commit()
    return foreign


def _update(stage: Stage) -> str:
    entity = stage.entity
    given = [
        f'"{item.column}" = {stage.wanted(item)}'
        for item in stage.kept
        if item.column not in {"valid_from", stage.state_column}
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
        f" FROM {ROWS} i_r WHERE i_t.id = i_r.found AND i_r.changed RETURNING i_t.id)"
        f" UPDATE {ROWS} i_r SET written = done.id FROM done WHERE done.id = i_r.found"
    )


def _attribute_changes(stage: Stage) -> list[str]:
    if not stage.attributes:
        return []
    names = ", ".join(f"'{item.attribute}'" for item in stage.attributes)
    return [f"attrs = (i_t.attrs - ARRAY[{names}]) || {_attributes(stage)}"]


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
    if stage.attributes:
        values["attrs"] = _attributes(stage)
    if stage.shaped:
        values[str(entity.geometry_column)] = "i_r.shape"
    names = ", ".join(f'"{name}"' for name in values)
    return (
        f"WITH made AS (INSERT INTO {entity.table} ({names}) SELECT {', '.join(values.values())}"  # noqa: S608
        f" FROM {ROWS} i_r WHERE i_r.found IS NULL ORDER BY i_r.row"
        f' RETURNING id, "{stage.code_column}" AS code)'
        f" UPDATE {ROWS} i_r SET written = made.id FROM made"
        " WHERE made.code = i_r.code AND i_r.found IS NULL"
    )
