"""What of many rows cannot be written, told row by row before anything is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession, AsyncSessionTransaction

from shanhai.db.collections.catalogue import entity_named
from shanhai.db.features.bulk_staging import (
    BEFORE,
    GIVEN,
    REFUSED,
    ROWS,
    WITHIN,
    WRITTEN,
    Stage,
    spans_of,
)
from shanhai.db.features.entity import (
    MOST_NEAR_NAMES,
    Editing,
    Entity,
    PendingWrite,
    Verb,
)
from shanhai.db.features.preconditions import NOT_AHEAD, shown_when
from shanhai.db.features.property_values import told_value
from shanhai.db.features.selection import EXACT_REGIONS
from shanhai.db.identity import PUBLISHERS, Identity
from shanhai.errors import Conflict, Fault, InvalidInput
from shanhai.vocabulary import (
    CLASSIFIED_BY,
    DATA_CLASSES,
    DATA_GRADES,
    Label,
    Scope,
    Visibility,
    closedness,
    codes,
)

GUARDED_AT_ONCE = 1_000
ADD = f"INSERT INTO {REFUSED} SELECT unnest(CAST(:rows AS bigint[])) ON CONFLICT DO NOTHING"
METRES_OF_DEGREE = 50_000
"""Less than a degree of longitude has up to 60 degrees north, so that a box of degrees is wide."""
MOST_TOLD = 1_000
"""Rejections kept in words; a million of them would need more memory than a worker has."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot be written, and why."""

    row: int
    code: str
    rule: str
    member: str | None
    detail: Label


@dataclass(slots=True)
class Rejections:
    """The rows that cannot be written: all in a table, the first also in words.

    Attributes:
        rules: How often each rule was broken.
    """

    told: list[Rejected] = field(default_factory=list)
    rules: Counter[str] = field(default_factory=Counter)

    async def add(self, session: AsyncSession, found: Sequence[Rejected]) -> None:
        """Note rows by themselves."""
        self.rules.update(item.rule for item in found)
        self.told += found[: MOST_TOLD - len(self.told)]
        await session.execute(text(ADD), {"rows": [item.row for item in found]})

    async def add_all(
        self,
        session: AsyncSession,
        query: str,
        rule: str,
        member: str | None,
        detail: Label,
        **values: Any,
    ) -> None:
        """Note every row a query gives as (row, code); `{}` in the words is a third column."""
        insert = f"INSERT INTO {REFUSED} SELECT f.row FROM ({query}) f ON CONFLICT DO NOTHING"  # noqa: S608
        await session.execute(text(insert), values)
        some = text(
            f"SELECT f.*, count(*) OVER () FROM ({query}) f ORDER BY f.row LIMIT :most"  # noqa: S608
        )
        left = MOST_TOLD - len(self.told)
        rows = (await session.execute(some, {"most": max(left, 1), **values})).all()
        if rows:
            self.rules[rule] += rows[0][-1]
        for row, code, *more, _ in rows[:left]:
            quoted = [_quoted(one) for one in more]
            words = Label(*(part.format(*quoted) for part in (detail.zh, detail.en)))
            self.told.append(Rejected(row, code, rule, member, words if more else detail))

    def take(self, others: "Rejections") -> None:
        """Take the words of others, whose rows are in the table already."""
        self.rules += others.rules
        self.told += others.told[: MOST_TOLD - len(self.told)]

    async def outlive(self, session: AsyncSession, savepoint: AsyncSessionTransaction) -> None:
        """Roll back to a savepoint, but keep the rows in the table."""
        listed = text(f"SELECT array_agg(row) FROM {REFUSED}")  # noqa: S608
        rows = await session.scalar(listed)
        await savepoint.rollback()
        await session.execute(text(ADD), {"rows": rows or []})

    async def number(self, session: AsyncSession) -> int:
        """How many rows there are."""
        return int(await session.scalar(text(f"SELECT count(*) FROM {REFUSED}")) or 0)  # noqa: S608

    async def leave_out(self, session: AsyncSession) -> None:
        """Take them out of what is to be written."""
        query = f"DELETE FROM {ROWS} i_r USING {REFUSED} i_x WHERE i_x.row = i_r.row"  # noqa: S608
        await session.execute(text(query))


def _quoted(told: Any) -> str:
    """A value in quotes, of several each."""
    return ", ".join(map(repr, told)) if isinstance(told, list) else repr(told)


async def judge(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity
) -> Rejections:
    """What can be told of rows before anything is written."""
    found = Rejections()
    await _dangling(session, stage, found)
    await _cut_off(session, stage, found)
    await _incomplete(session, stage, found)
    await _in_wrong_state(session, stage, editing, found)
    await _bringing_others(session, stage, editing, found)
    await _rewriting(session, stage, found)
    present = f"JOIN {ROWS} i_r ON i_r.changed AND {stage.entity.key} = i_r.found"
    await judge_regions(session, stage, editing, identity, present, found)
    await _shown(session, stage, editing, identity, found)
    await _declassified(session, stage, editing, identity, found)
    await _doubled(session, stage, editing, identity, found)
    await _guarded(session, stage, editing, identity, found)
    return found


async def _shown(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity, found: Rejections
) -> None:
    """Rows to be shown to everybody, of regions in which the identity may not publish."""
    shown = next((item for item in stage.kept if item.name == editing.shown_by), None)
    if shown is None:
        return
    entity = stage.entity
    joined = (
        f"JOIN {ROWS} i_r ON i_r.changed AND {entity.key} = i_r.found"
        f" AND i_r.\"c_{shown.column}\" = 'public' AND {entity.alias}.{shown.column} <> 'public'"
    )
    publishing = replace(editing, roles=PUBLISHERS)
    await judge_regions(session, stage, publishing, identity, joined, found)


async def _declassified(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity, found: Rejections
) -> None:
    """Rows to be of a less closed class, of regions in which the identity may not publish."""
    kept, alias = {item.column for item in stage.kept} & CLASSIFIED_BY, stage.entity.alias
    if not kept:
        return
    is_of = {name: f"{alias}.{name}" for name in CLASSIFIED_BY}
    to_be = {name: f'i_r."c_{name}"' if name in kept else is_of[name] for name in CLASSIFIED_BY}
    joined = (
        f"JOIN {ROWS} i_r ON i_r.changed AND {stage.entity.key} = i_r.found"
        f" AND {_closedness(**to_be)} < {_closedness(**is_of)}"
    )
    publishing = replace(editing, roles=PUBLISHERS)
    await judge_regions(session, stage, publishing, identity, joined, found)


def _closedness(data_class: str, data_grade: str) -> str:
    """SQL of how closed data of a class and a grade are (`shanhai.vocabulary.closedness`)."""
    grades = " ".join(f"WHEN '{code}' THEN {closedness(None, code)}" for code in codes(DATA_GRADES))
    classes = " ".join(
        f"WHEN '{code}' THEN {closedness(code, None)}" for code in codes(DATA_CLASSES)
    )
    return f"(CASE {data_grade} {grades} ELSE CASE {data_class} {classes} ELSE 0 END END)"


async def _dangling(session: AsyncSession, stage: Stage, found: Rejections) -> None:
    for item in stage.references:
        own = f'i_r."c_{item.column}"'
        given = f"CAST({stage.given(item)} AS jsonb)"
        lost = (
            f"{own} IS NULL OR (jsonb_typeof({given}) = 'array'"
            f" AND cardinality(CAST({own}::text AS bigint[])) < jsonb_array_length({given}))"
            if item.schema["type"] == "array"
            else f"{own} IS NULL"
        )
        near = _nearest(entity_named(str(item.refers_to)), f"({given} #>> '{{}}')")
        query = (
            f"SELECT i_r.row, i_r.code, {given} #>> '{{}}' AS given{near} FROM {ROWS} i_r"  # noqa: S608
            f" JOIN {GIVEN} i_g USING (row) WHERE {stage.given(item)} IS NOT NULL AND ({lost})"
        )
        detail = Label(f"{item.refers_to} 中没有 {{}}", f"there is no {{}} in {item.refers_to}")
        if near:
            detail = Label(f"{detail.zh}；相近的有 {{}}", f"{detail.en}; the nearest are {{}}")
        await found.add_all(session, query, "reference", item.name, detail)


def _nearest(entity: Entity, name: str) -> str:
    """SQL of a column with the names most like one that is not known, where rows have others."""
    if not entity.aliases:
        return ""
    known = entity.aliases[0]
    return (
        f", (SELECT array_agg(near.name) FROM (SELECT {known} AS name"  # noqa: S608
        f" FROM {entity.source} WHERE {entity.live}"
        f" ORDER BY similarity({known}, {name}) DESC, {known}"
        f" LIMIT {MOST_NEAR_NAMES}) near) AS near"
    )


async def _doubled(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity, found: Rejections
) -> None:
    """New rows that tell the same as one there is, or as one of the file before them.

    By its place a row is found again by those alone who may know it: else it could be guessed.
    """
    exact = identity.viewer.exact
    for same in editing.sameness:
        if not set(same.columns) <= {str(item.column) for item in stage.kept}:
            continue
        if same.within_m is not None and not stage.shaped:
            continue
        others = (
            (stage.entity.table, "i_o.{}", f"i_o.{stage.entity.geometry_column}", "deleted_at"),
            (ROWS, 'i_o."c_{}"', "i_o.shape", "found"),
        )
        for table, column, shape, none in others:
            met = [f'{column.format(name)} = i_r."c_{name}"' for name in same.columns]
            if same.within_m is not None:
                near = f"ST_Expand(i_r.shape, {same.within_m / METRES_OF_DEGREE})"
                met.append(f"{shape} && {near}")
                apart = f"{shape}::geography, i_r.shape::geography"
                met.append(f"ST_DWithin({apart}, {same.within_m})")
            if same.within_m is not None and table != ROWS and exact is not None:
                region = str(stage.entity.region).rpartition(".")[2]
                met.append(f"i_o.{region} = ANY({EXACT_REGIONS})")
            met += [f"i_o.{none} IS NULL", *(["i_o.row < i_r.row"] if table == ROWS else [])]
            query = (
                f"SELECT i_r.row, i_r.code, min(i_o.code) AS other FROM {ROWS} i_r"  # noqa: S608
                f" JOIN {table} i_o ON {' AND '.join(met)} WHERE i_r.found IS NULL"
                " GROUP BY i_r.row, i_r.code"
            )
            detail = Label("与 {} 为同一记录", "tells the same as {}")
            regions = {"exact_regions": sorted(exact or ())}
            await found.add_all(session, query, "duplicate", None, detail, **regions)


async def _cut_off(session: AsyncSession, stage: Stage, found: Rejections) -> None:
    """Nested values of which the file has a beginning that is not that of the value there is."""
    for item in stage.properties:
        if item.schema["type"] not in {"array", "object"}:
            continue
        own = f'i_r."c_{item.column}"' if item.column else f'i_r."a_{item.attribute}"'
        query = (
            f"SELECT i_r.row, i_r.code FROM {ROWS} i_r JOIN {GIVEN} i_g USING (row)"  # noqa: S608
            f" WHERE i_g.cut::jsonb ? '{item.name}' AND {own} IS NULL"
        )
        detail = Label(
            "被文件格式截断，无法读取；请改用其他格式",
            "was cut by the file's format and cannot be read; send it in another format",
        )
        await found.add_all(session, query, "cut", item.name, detail)


async def _incomplete(session: AsyncSession, stage: Stage, found: Rejections) -> None:
    """New rows without what every object must have."""
    given = {item.name for item in stage.properties}
    for item in stage.entity.receivables:
        if item.required and item.name not in given:
            query = f"SELECT row, code FROM {ROWS} WHERE found IS NULL"  # noqa: S608
            detail = Label(
                "新建时必填，文件中没有该字段", "is required of a new one; no field gives it"
            )
            await found.add_all(session, query, "required", item.name, detail)


async def _in_wrong_state(
    session: AsyncSession, stage: Stage, editing: Editing, found: Rejections
) -> None:
    lifecycle, column = editing.lifecycle, stage.state_column
    if lifecycle is None or column is None:
        return
    joined = (
        f"FROM {ROWS} i_r JOIN {stage.entity.table} i_t ON i_t.id = i_r.found WHERE i_r.changed"
    )
    for state in sorted(lifecycle.settled):
        query = f"SELECT i_r.row, i_r.code {joined} AND i_t.{column} = '{state}'"
        detail = Label(f"处于 {state!r} 状态，不得更改", f"what is {state!r} cannot be changed")
        await found.add_all(session, query, "state", None, detail)
    if any(item.name == lifecycle.property for item in stage.properties):
        own = f'i_r."c_{column}"'
        changed = f"SELECT i_r.row, i_r.code {joined} AND {own} <> i_t.{column}"
        by_step = Label(
            "状态的更改会带动其他内容，须逐个以 PATCH 更改，不能经导入更改",
            "a state is changed by steps, with all they bring about: PATCH it by itself,"
            " an import does not change it",
        )
        await found.add_all(session, changed, "state", lifecycle.property, by_step)
        first = lifecycle.initial
        begun = (
            f"SELECT i_r.row, i_r.code FROM {ROWS} i_r"  # noqa: S608
            f" WHERE i_r.found IS NULL AND {own} <> '{first}'"
        )
        initial = Label(f"新建时的状态为 {first!r}", f"a new one begins as {first!r}")
        await found.add_all(session, begun, "state", lifecycle.property, initial)


async def _bringing_others(
    session: AsyncSession, stage: Stage, editing: Editing, found: Rejections
) -> None:
    """Rows in which a member would change that brings something else with it."""
    for item in (each for each in stage.kept if each.name in editing.apart):
        query = (
            f"SELECT i_r.row, i_r.code FROM {ROWS} i_r"  # noqa: S608
            f" JOIN {stage.entity.table} i_t ON i_t.id = i_r.found"
            f" WHERE i_r.changed AND i_t.{item.column} IS NOT NULL"
            f' AND i_r."c_{item.column}" IS DISTINCT FROM i_t.{item.column}'
        )
        detail = Label(
            "更改该字段会带动其他内容，须逐个以 PATCH 更改，不能经导入更改",
            "changing it brings other things with it: PATCH it by itself, an import does not"
            " change it",
        )
        await found.add_all(session, query, "state", item.name, detail)


async def _rewriting(session: AsyncSession, stage: Stage, found: Rejections) -> None:
    """Rows that would begin before the present state did, or end it ahead of their day."""
    if not stage.entity.historic or all(item.column != "valid_from" for item in stage.kept):
        return
    query = (
        f"SELECT i_r.row, i_r.code FROM {ROWS} i_r"  # noqa: S608
        f" JOIN {stage.entity.table} i_t ON i_t.id = i_r.found WHERE i_r.changed AND i_r."
    )
    before = f"{query}c_valid_from < i_t.valid_from"
    detail = Label("不得早于现行状态的起始日", "must not lie before the present state began")
    await found.add_all(session, before, "state", "valid_from", detail)
    ahead = (
        f"{query}c_valid_from > current_date AND coalesce(i_t.valid_from <= current_date, true)"
        " AND coalesce(i_t.valid_to > current_date, true)"
    )
    await found.add_all(session, ahead, "state", "valid_from", NOT_AHEAD)


async def judge_written(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity
) -> Rejections:
    """Rows that came to lie in regions in which the identity has none of the roles.

    And new or moved ones that are shown to everybody there, and new ones where that was not wished.
    """
    found = Rejections()
    written = (
        f"JOIN {WRITTEN} i_w ON {stage.entity.key} = i_w.id JOIN {ROWS} i_r ON i_r.row = i_w.row"
    )
    await judge_regions(session, stage, editing, identity, written, found)
    sql = {item.name: item.sql for item in stage.entity.receivables}
    was = f"(SELECT i_b.image->>'region' FROM {BEFORE} i_b WHERE i_b.row = i_w.row)"  # noqa: S608
    for name, values in shown_when(editing):
        publishing = replace(editing, roles=PUBLISHERS)
        shown = f"{written} AND {sql[name]} = ANY('{{{','.join(sorted(values))}}}')"
        met = (
            f"{shown} AND (i_r.found IS NULL OR {was} IS DISTINCT FROM {sql.get('region', 'NULL')})"
        )
        await judge_regions(session, stage, publishing, identity, met, found)
    says_so = any(item.column == stage.visibility_column for item in stage.kept)
    if stage.visibility is not Visibility.PUBLIC and not says_so:
        await _shown_at_once(session, stage, written, found)
    return found


async def _shown_at_once(
    session: AsyncSession, stage: Stage, written: str, found: Rejections
) -> None:
    entity = stage.entity
    query = (
        f"SELECT i_r.row, i_r.code FROM {entity.source} {written}"  # noqa: S608
        f" WHERE i_r.found IS NULL AND ({entity.published}) AND ({entity.public})"
    )
    detail = Label(
        f"“{entity.title.zh}”中新建的对象立即对公众开放，"
        "须将可见范围（`visibility`）设为公开（`public`）",
        f"new objects of {entity.title.en!r} are for everybody at once; say by `visibility`"
        " `public` that they shall be",
    )
    await found.add_all(session, query, "visibility", None, detail)


async def judge_regions(
    session: AsyncSession,
    stage: Stage,
    editing: Editing,
    identity: Identity,
    joined: str,
    found: Rejections,
) -> None:
    """Reject rows of regions in which the identity has none of the roles."""
    if identity.grants is None or Scope.ADMIN in identity.scopes:
        return
    grants = [grant for grant in identity.grants if grant.role in editing.roles]
    if any(grant.regions is None for grant in grants):
        return
    allowed = sorted({region for grant in grants for region in grant.regions or ()})
    region = stage.entity.region or "NULL::bigint"
    query = (
        f"SELECT i_r.row, i_r.code FROM {stage.entity.source} {joined}"  # noqa: S608
        f" WHERE ({region} = ANY(CAST(:allowed AS bigint[]))) IS NOT TRUE"
    )
    detail = Label("在该区域没有所需角色", "none of the roles needed is held for its region")
    await found.add_all(session, query, "authority", None, detail, allowed=allowed)


async def _guarded(
    session: AsyncSession, stage: Stage, editing: Editing, identity: Identity, found: Rejections
) -> None:
    """What the entity's own rules refuse, asked row by row."""
    if not editing.guards:
        return
    query, lasting = _changes_query(stage), {i.name for i in stage.kept if stage.stays(i)}
    for first, end in await spans_of(session, rows=GUARDED_AT_ONCE):
        rows = (await session.execute(query, {"first": first, "end": end})).all()
        refused: list[Rejected] = []
        for row in rows:
            before = None if row.before is None else orjson.loads(row.before)
            given = orjson.loads(row.given)
            for name in [name for name in lasting if given[name] is None]:
                del given[name]  # what is there stays
            verb: Verb = "create" if before is None else "update"
            after = {**(before or {}), **given}
            change = PendingWrite(verb, row.found, before, after, row.moved, identity.viewer)
            faults = await _faults(session, editing, change)
            refused += [_refused(row, given, fault) for fault in faults]
        if refused:
            await found.add(session, refused)


def _refused(row: Any, given: Mapping[str, Any], fault: Fault) -> Rejected:
    """A fault of a guard: the property, where inside it, and the value unless that is told."""
    member, *inside = fault.pointer.removeprefix("/properties").split("/")[1:] or [""]
    where = "/".join(inside)
    words = Label(fault.detail_zh or fault.detail, fault.detail)
    words = Label(f"{where}：{words.zh}", f"{where}: {words.en}") if where else words
    value = _value_at(given, [member, *inside])
    told = value is None or repr(value) in fault.detail
    return Rejected(
        row.row, row.code, "guard", member or None, words if told else told_value(value, words)
    )


def _value_at(given: Mapping[str, Any], parts: Sequence[str]) -> Any:
    value: Any = given
    for part in parts:
        if isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = value.get(part) if isinstance(value, dict) else None
    return value


async def _faults(session: AsyncSession, editing: Editing, change: PendingWrite) -> Sequence[Fault]:
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
        # Both sides are bounded: else a join would read one from its beginning every time.
        f" WHERE {WITHIN} AND i_g.row >= :first AND i_g.row < :end"
        " AND (i_r.changed OR i_r.found IS NULL) AND NOT EXISTS (SELECT FROM"
        f" {REFUSED} i_x WHERE i_x.row = i_r.row AND i_x.row >= :first AND i_x.row < :end)"
        " ORDER BY i_r.row"
    )
