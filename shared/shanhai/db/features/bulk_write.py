"""Create and change many objects of an entity in one transaction, by its declaration alone."""

from collections import Counter
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import seen_by
from shanhai.db.features.bulk_sql import audit_rows, keep_images, keep_new_images, write_rows
from shanhai.db.features.bulk_staging import (
    GIVEN,
    ROWS,
    WITHIN,
    Span,
    Stage,
    Staged,
    copy_rows,
    find_references,
    in_portions,
    resolve_rows,
    spans_of,
)
from shanhai.db.features.bulk_validation import Rejected, Rejections, judge, judge_written
from shanhai.db.features.crs import same_shapes
from shanhai.db.features.entity import Editing, Entity, Property
from shanhai.db.features.export import typed
from shanhai.db.features.property_values import FLOATS_BELOW
from shanhai.db.features.selection import viewer_values
from shanhai.db.identity import Identity, Viewer, editing_of
from shanhai.db.queries.audit import Act
from shanhai.errors import Forbidden
from shanhai.vocabulary import Visibility

SHAPES_AT_ONCE = 1_000
NEAR = 1e-14
"""Share of a number that formats which write digits may lose, and the least they can write."""
BLANKS = "".join(rf"\u{ord(sign):04x}" for sign in map(chr, range(0x3001)) if sign.isspace())
LOST_SIGNS = r"[\u0001-\u0008\u000b\u000c\u000e-\u001f]"
"""Control signs that XML cannot hold."""


async def keep_what_was_sent_back(
    session: AsyncSession, stage: Stage, spans: Sequence[Span], viewer: Viewer
) -> dict[str, int]:
    """Give rows that seem to change the values they have, where the file's mean just those.

    What the viewer was shown is meant: of a list, and where none is given, hidden ones are kept.

    Returns:
        How many values, by property, are kept because the file had only their beginning.
    """
    any_changed = text(f"SELECT EXISTS (SELECT FROM {ROWS} WHERE changed)")  # noqa: S608
    if not await session.scalar(any_changed):
        return {}
    if stage.shaped:
        await _find_the_unmoved(session, stage)
    cut = await _cut_properties(session, stage)
    numbers = {item.name: await _number_kept(session, stage, item) for item in cut}
    keeping = _keeping(stage, cut, seen_by(stage.entity, viewer))
    await in_portions(session, keeping, spans, by_index=True, **viewer_values(viewer))
    again = (
        f"UPDATE {ROWS} i_r SET changed = i_r.moved OR {stage.differs}"  # noqa: S608
        f" FROM {stage.entity.table} i_t WHERE i_t.id = i_r.found AND i_r.changed AND {WITHIN}"
    )
    await in_portions(session, again, spans, by_index=True)
    return {name: number for name, number in numbers.items() if number}


async def _find_the_unmoved(session: AsyncSession, stage: Stage) -> None:
    """Look at the geometries that differ by more than the database can tell."""
    column = stage.entity.geometry_column
    query = text(
        f"SELECT i_r.row, ST_AsBinary(i_t.{column}) AS kept, ST_AsBinary(i_r.shape) AS given"  # noqa: S608
        f" FROM {ROWS} i_r JOIN {stage.entity.table} i_t ON i_t.id = i_r.found"
        f" WHERE i_r.moved AND i_r.row > :after AND i_t.{column} IS NOT NULL"
        f" AND i_r.shape IS NOT NULL ORDER BY i_r.row LIMIT {SHAPES_AT_ONCE}"
    )
    settle = text(f"UPDATE {ROWS} SET moved = false WHERE row = ANY(CAST(:rows AS bigint[]))")  # noqa: S608
    after = 0
    while rows := (await session.execute(query, {"after": after})).all():
        after = rows[-1].row
        same = same_shapes([row.kept for row in rows], [row.given for row in rows])
        unmoved = [row.row for row, settled in zip(rows, same, strict=True) if settled]
        await session.execute(settle, {"rows": unmoved})


async def _cut_properties(session: AsyncSession, stage: Stage) -> list[Property]:
    """The properties of which the file may have cut texts."""
    query = f"SELECT DISTINCT jsonb_object_keys(cut::jsonb) FROM {GIVEN} WHERE cut IS NOT NULL"  # noqa: S608
    names = set((await session.scalars(text(query))).all())
    return [item for item in stage.properties if item.name in names]


async def _number_kept(session: AsyncSession, stage: Stage, item: Property) -> int:
    query = text(
        f"SELECT count(*) FROM {ROWS} i_r JOIN {GIVEN} i_g USING (row)"  # noqa: S608
        f" JOIN {stage.entity.source} ON {stage.entity.key} = i_r.found"
        f" WHERE i_r.changed AND {_begins(item)}"
    )
    return int(await session.scalar(query) or 0)


def _begins(item: Property) -> str:
    """SQL that holds when the file has the beginning of a value, and not all of it."""
    beginning = f"(i_g.cut::jsonb ->> '{item.name}')"
    shown = f"CAST({typed(item)} AS text)"
    return f"coalesce(starts_with({shown}, {beginning}) AND {shown} <> {beginning}, false)"


def _keeping(stage: Stage, cut: Collection[Property], seen: Entity) -> str:
    """The statement that gives rows the values they have already."""
    alias, shown = stage.entity.alias, {item.name: item for item in seen.properties}
    found, told, assigned = ["i_r.row"], [], []
    for item in stage.properties:
        if item.column is not None:
            own, kept = f'"c_{item.column}"', f'{alias}."{item.column}"'
        else:
            own, kept = f'"a_{item.attribute}"', f"{alias}.attrs->'{item.attribute}'"
        same = _same(stage, shown[item.name])
        if item in cut:
            same = f"({same} OR {_begins(item)})"
        given, met = f"i_r.{own}", same
        if item.schema["type"] == "array" and item.refers_to is None and item != shown[item.name]:
            # Of a list that is sent otherwise the codes stay that its sender is not shown.
            stay = f"unnest({kept}) stay WHERE stay <> ALL ({shown[item.name].sql} || {given})"
            given, met = f"{given} || ARRAY(SELECT stay FROM {stay})", "true"  # noqa: S608
        told.append(f"({kept} IS DISTINCT FROM i_r.{own} AND {met})")
        found.append(f"CASE WHEN {same} THEN {kept} ELSE {given} END AS {own}")
        assigned.append(f"{own} = i_f.{own}")
    # The row is found by its own key: joins of the entity cannot name what is updated.
    query = (
        f"SELECT {', '.join(found)} FROM {ROWS} i_r JOIN {GIVEN} i_g USING (row)"  # noqa: S608
        f" JOIN {seen.source} ON {stage.entity.key} = i_r.found"
        f" WHERE i_r.changed AND {WITHIN} AND i_g.row >= :first AND i_g.row < :end"
        f" AND ({' OR '.join(told) or 'false'})"
    )
    return f"UPDATE {ROWS} i_u SET {', '.join(assigned)} FROM ({query}) i_f WHERE i_u.row = i_f.row"  # noqa: S608


def _same(stage: Stage, item: Property) -> str:
    """SQL that holds when a value given is the one an export shows of the row."""
    given = f"(CAST({stage.given(item)} AS jsonb) #>> '{{}}')"
    shown = typed(item)
    match item.schema["type"]:
        case "string" if item.schema.get("format") == "decimal":
            # Some formats have no room for decimals, and hold the nearest float.
            as_float = f"CAST({shown} AS double precision) = CAST({given} AS double precision)"
            exact = f"{shown} = CAST({given} AS numeric)"
            return f"({exact} OR {shown} >= {FLOATS_BELOW:.0f} AND {as_float})"
        case "string":
            return f"{_norm(f'CAST({shown} AS text)')} IS NOT DISTINCT FROM {_norm(given)}"
        case "number":
            difference = f"abs({shown} - CAST({given} AS double precision))"
            return f"{difference} <= {NEAR} * (1 + abs({shown}))"
        case "array" | "object":
            return f"CAST({shown} AS jsonb) = CAST({stage.given(item)} AS jsonb)"
        case _:
            return f"CAST({shown} AS text) = {given}"


def _norm(sql: str) -> str:
    """SQL of a text without what formats change: blanks around it, ends of lines, control signs."""
    one_end = rf"regexp_replace({sql}, E'\r\n?', E'\n', 'g')"
    printed = f"regexp_replace({one_end}, E'{LOST_SIGNS}', '', 'g')"
    return f"nullif(btrim({printed}, E'{BLANKS}'), '')"


@dataclass(slots=True)
class BulkResult:
    """What a bulk write did.

    Attributes:
        rejected: How many rows cannot be written.
        kept: How many values stay, by property, because the file has only their beginning.
        rejections: The first of them, and why.
        rules: How often each rule was broken by them.
    """

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: int = 0
    kept: Mapping[str, int] = field(default_factory=dict)
    rejections: list[Rejected] = field(default_factory=list)
    rules: Mapping[str, int] = field(default_factory=dict)

    def add(self, other: "BulkResult") -> None:
        """Count what another write of the same transaction did."""
        for name in ("created", "updated", "unchanged", "rejected"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.kept = dict(Counter(self.kept) + Counter(other.kept))
        self.rejections += other.rejections
        self.rules = dict(Counter(self.rules) + Counter(other.rules))


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
    visibility: Visibility = Visibility.REGION,
    own: Sequence[str] = (),
) -> BulkResult:
    """Write the rows; those of known codes are changed where they differ, the others are created.

    Args:
        properties: What the rows give beside code and geometry; absent values empty a member.
        blocks: The rows, once.
        shaped: The rows have geometry.
        partly: Leave out rows that cannot be written; else one such row leaves all unwritten.
        visibility: Of new rows that do not say it themselves; unless it is `public` those are
            refused that everybody would see at once.
        own: Names that `fields` tells of, if it leaves those of others in known rows; else it is
            all they have.

    Raises:
        Unauthenticated, Forbidden: the identity may not write the entity at all.
        Conflict, InvalidInput: more rows break rules of the table than can be named.
    """
    shaped = shaped and entity.geometry_column is not None
    if entity.masking is not None and identity.viewer.exact == frozenset():
        raise Forbidden(
            f"{entity.name} are shown to you in part, so that a file of them cannot be taken back",
            message_zh=f"{entity.title.zh}对您未完整显示，不能由您导入",
        )
    entity = entity.whole
    declared = {item.name: item for item in entity.properties}
    # The columns of the rows come in the order they were asked for.
    written = [declared[item.name] for item in properties]
    stage = Stage(entity, tuple(written), shaped, visibility, own)
    editing = editing_of(entity, identity, "update")
    await copy_rows(session, stage, blocks)
    await find_references(session, stage, identity.viewer)
    await resolve_rows(session, stage)
    kept = await keep_what_was_sent_back(session, stage, await spans_of(session), identity.viewer)
    found = await judge(session, stage, editing, identity)
    if found.told and not partly:
        return await _refusal(session, found)
    await found.leave_out(session)
    if await _number(session, "found IS NULL"):
        editing_of(entity, identity, "create")
    if not await _write(session, stage, editing, identity, found, partly=partly):
        return await _refusal(session, found)
    await keep_new_images(session, stage)
    await audit_rows(session, stage, act)
    return BulkResult(
        await _number(session, "found IS NULL"),
        await _number(session, "changed"),
        await _number(session, "found IS NOT NULL AND NOT changed"),
        await found.number(session),
        kept,
        found.told,
        found.rules,
    )


async def _refusal(session: AsyncSession, found: Rejections) -> BulkResult:
    rejected = await found.number(session)
    return BulkResult(rejected=rejected, rejections=found.told, rules=found.rules)


async def _number(session: AsyncSession, condition: str) -> int:
    query = text(f"SELECT count(*) FROM {ROWS} WHERE {condition}")  # noqa: S608
    return int(await session.scalar(query) or 0)


async def _write(
    session: AsyncSession,
    stage: Stage,
    editing: Editing,
    identity: Identity,
    found: Rejections,
    *,
    partly: bool,
) -> bool:
    """Write all rows but those that turn out to be refused; without `partly`, those leave nothing.

    Returns:
        Whether anything was written.
    """
    while True:
        savepoint = await session.begin_nested()
        await keep_images(session, stage)
        refused = await write_rows(session, stage, editing, partly=partly)
        # Where new rows lie is known only once they are there.
        foreign = await judge_written(session, stage, editing, identity)
        if not foreign.told and (partly or not refused):
            await savepoint.commit()
            await found.add(session, refused)
            await found.leave_out(session)
            return True
        await foreign.outlive(session, savepoint)
        found.take(foreign)
        if not partly:
            await found.add(session, refused)
            return False
        await found.leave_out(session)
