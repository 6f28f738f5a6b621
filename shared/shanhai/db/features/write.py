"""Create, replace, change and delete objects of any entity, by its declaration alone.

Each function works in the caller's transaction and leaves it to the caller to commit; whatever it
raises, the transaction must be rolled back, and nothing is half-written then.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace as replaced
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import seen_by
from shanhai.db.features.entity import Editing, Entity, PendingWrite, Verb
from shanhai.db.features.input_validation import (
    Draft,
    as_json,
    changed_members,
    code_property,
    merged_members,
    replaced_members,
)
from shanhai.db.features.preconditions import (
    ANY_TERMS,
    WriteTarget,
    WriteTerms,
    ask_guards,
    begin_state,
    demand_change,
    demand_code,
    demand_initial,
    demand_parents,
    demand_sight,
    demand_unchanged,
    demand_unreferenced,
    demand_unsettled,
    pointer_of_properties,
    shown_when,
    shown_within_class,
    state_tag,
)
from shanhai.db.features.query import FeatureRow, read_feature
from shanhai.db.features.selection import QueryShape, Selection, viewer_values
from shanhai.db.features.snapshots import Image, find_and_lock, lock, read_image
from shanhai.db.features.sql_write import (
    add_shape,
    bury,
    contents_of,
    has_moved,
    ids_of,
    insert,
    overwrite,
    resolve,
    told_refusals,
)
from shanhai.db.features.statements import PLAIN, feature_query
from shanhai.db.fence import writing_everywhere
from shanhai.db.identity import EVERYTHING, PUBLISHERS, Identity, Viewer, demand_role, editing_of
from shanhai.db.queries.audit import Act, record
from shanhai.errors import NotFound
from shanhai.vocabulary import Visibility

__all__ = [
    "ANY_TERMS",
    "WriteResult",
    "WriteTarget",
    "WriteTerms",
    "create",
    "exists",
    "pointer_of_properties",
    "read_written",
    "remove",
    "state_tag",
    "update",
]
CODE_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
CODE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class WriteResult:
    """What a write left behind.

    Attributes:
        changed: Something was written; False when the object was as wanted already.
        mended: What a repair did to the geometry.
    """

    code: str
    row_id: int
    row_version: int
    changed: bool = True
    mended: Mapping[str, Any] | None = None


async def exists(session: AsyncSession, entity: Entity, target: WriteTarget) -> bool:
    """Whether there is such an object, whoever may know of it."""
    found = await find_and_lock(session, entity, target.code, EVERYTHING, within=target.within)
    return found is not None


async def read_written(
    session: AsyncSession, entity: Entity, row_id: int, viewer: Viewer = EVERYTHING
) -> FeatureRow:
    """The row of a number as the viewer reads features, current or not."""
    entity = seen_by(entity, viewer)
    question = QueryShape((f"{entity.key} = :row_id",))
    query = feature_query(entity, question)
    found = await session.execute(query, {"row_id": row_id, **viewer_values(viewer)})
    return FeatureRow.all_of([found.one()], entity, PLAIN)[0]


async def create(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    draft: Draft,
    *,
    within: Mapping[str, str] | None = None,
    terms: WriteTerms = ANY_TERMS,
) -> WriteResult:
    """Make a new object; without a code it is given one.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: a value breaks a rule, or a reference leads nowhere.
        NotFound: what the path says it belongs to is not there.
        Conflict: the code is taken, or a guard refuses.
    """
    editing, under = editing_of(entity, identity, "create"), pointer_of_properties(entity)
    parents = await _parents(session, entity, identity, within or {})
    code = draft.code or _new_code(entity)
    values = {name: value for name, value in draft.values.items() if value is not None}
    demand_parents(values, within or {}, under)
    values |= shown_within_class(entity, values)
    if editing.lifecycle is not None:
        state = values.setdefault(editing.lifecycle.property, editing.lifecycle.initial)
        if not terms.as_given:
            demand_initial(editing.lifecycle, state, under)
    own = {**(within or {}), code_property(entity).name: code}
    after = {**{name: as_json(value) for name, value in values.items()}, **own}
    change = PendingWrite("create", None, None, after, draft.has_geometry, identity.viewer)
    added = await _bring_about(session, editing, act, change)
    values |= added
    # What the writer may not know of is said to be unknown before a guard tells anything of it.
    resolved = await resolve(session, entity, values, identity.viewer, under=under)
    await ask_guards(session, editing, replaced(change, after={**after, **added}))
    contents = contents_of(entity, {**resolved, **parents})
    contents.columns[code_property(entity).column or "code"] = code
    if draft.has_geometry:
        add_shape(entity, contents, draft.shape)
    with told_refusals(entity, under):
        row_id = await insert(session, entity, contents)
    image = await read_image(session, entity, row_id)
    region_id = _region_of_new(entity, image, resolved)
    demand_role(identity, editing.roles, region_id)
    if values.get(editing.shown_by or "") == Visibility.PUBLIC and not terms.as_given:
        demand_role(identity, PUBLISHERS, region_id)
    _audit(session, entity, act, "create", None, image)
    return _written(image, draft)


async def remove(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: WriteTarget,
    *,
    terms: WriteTerms = ANY_TERMS,
) -> WriteResult:
    """Delete an object softly: it is still there for days before today.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is none the identity may know of.
        Stale: it is not in an expected state.
        Conflict: others refer to it, or its state, or a guard, forbids it.
    """
    editing = editing_of(entity, identity, "delete")
    before = await _found(session, entity, identity, target, to_delete=True)
    demand_sight(entity, identity, before)
    demand_unchanged(before, terms)
    demand_role(identity, editing.roles, before.region_id)
    if editing.lifecycle is not None and not terms.as_given:
        demand_unsettled(editing.lifecycle, before.values)
    await demand_unreferenced(session, entity, before)
    change = PendingWrite("delete", before.row_id, before.values, None, geometry_changed=False)
    await ask_guards(session, editing, change)
    with told_refusals(entity, ""):
        await bury(session, entity, before.row_id)
    _audit(session, entity, act, "delete", before, None)
    return WriteResult(before.code, before.row_id, before.row_version + 1)


async def update(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: WriteTarget,
    draft: Draft,
    *,
    whole: bool = False,
    terms: WriteTerms = ANY_TERMS,
) -> WriteResult:
    """Write the members given, as a JSON merge patch (RFC 7396).

    Args:
        whole: Write all of the object anew: what is not given is emptied, the state excepted.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: a value breaks a rule, or a reference leads nowhere.
        NotFound: there is none the identity may know of.
        Stale: it is not in an expected state.
        Conflict: its state, or a guard, forbids it.
    """
    verb: Verb = "replace" if whole else "update"
    editing, under = editing_of(entity, identity, verb), pointer_of_properties(entity)
    before = await _found(session, entity, identity, target)
    demand_sight(entity, identity, before)
    demand_unchanged(before, terms)
    demand_code(entity, draft, before.code, under)
    moved_by = editing.moved_by if verb == "update" else frozenset()
    fixed = {name: code for name, code in target.within.items() if name not in moved_by}
    demand_parents(draft.values, fixed, under)
    compose = replaced_members if verb == "replace" else merged_members
    wanted = compose(entity, editing, before.values, draft.values, kept=target.within)
    wanted |= shown_within_class(entity, wanted)
    wanted |= await _hidden_kept(session, entity, identity.viewer, before, wanted)
    changed = changed_members(before.values, wanted)
    moved = await _moved(session, entity, before, draft)
    if not terms.as_given:
        demand_change(
            editing,
            identity,
            before=before.values,
            changed=changed,
            also_geometry=moved,
            region_id=before.region_id,
            under=under,
        )
    if not changed and not moved:
        return WriteResult(before.code, before.row_id, before.row_version, changed=False)
    after = {**before.values, **changed}
    change = PendingWrite(verb, before.row_id, before.values, after, moved, identity.viewer)
    added = await _bring_about(session, editing, act, change)
    changed = {**changed, **added}
    resolved = await resolve(session, entity, changed, identity.viewer, under=under)
    await ask_guards(session, editing, replaced(change, after={**after, **added}))
    contents = contents_of(entity, resolved)
    if moved:
        add_shape(entity, contents, draft.shape)
    if verb == "update" and draft.values.get("valid_from") is not None:
        # A patch that names the day the state began, and leaves it, corrects the state.
        contents.columns.setdefault("valid_from", before.valid_from)
    begin_state(entity, before, contents, under)
    with told_refusals(entity, under):
        await overwrite(session, entity, before.row_id, contents)
    image = await read_image(session, entity, before.row_id)
    if image.region_id != before.region_id:
        demand_role(identity, editing.roles, image.region_id)
        if not terms.as_given and any(image.values.get(n) in v for n, v in shown_when(editing)):
            demand_role(identity, PUBLISHERS, image.region_id)
    _audit(session, entity, act, verb, before, image)
    return _written(image, draft)


async def _hidden_kept(
    session: AsyncSession, entity: Entity, viewer: Viewer, before: Image, wanted: Mapping[str, Any]
) -> dict[str, Any]:
    """Members of which the writer is not shown every code, with those they could not send back."""
    known, kept = before.values, dict[str, Any]()
    seen = seen_by(entity, viewer).receivables
    told = [item for item in seen if known[item.name] and item not in entity.receivables]
    shown = (await read_written(session, entity, before.row_id, viewer)).plain() if told else {}
    for item in told:
        name, given = item.name, wanted[item.name]
        if shown[name] != known[name] and given in (shown[name], None):
            kept[name] = known[name]
        elif isinstance(given, list) and item.refers_to is None:
            stay = [code for code in known[name] if code not in [*shown[name], *given]]
            kept[name] = [*given, *stay]
    return kept


async def _bring_about(
    session: AsyncSession, editing: Editing, act: Act, change: PendingWrite
) -> dict[str, Any]:
    """Do what a write brings with it; the members the written row has besides."""
    added: dict[str, Any] = {}
    if editing.effects:
        async with writing_everywhere(session):
            for effect in editing.effects:
                added |= await effect(session, act, change)
    return added


def _new_code(entity: Entity) -> str:
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return f"{entity.table.replace('_', '-')}-{letters}"


async def _parents(
    session: AsyncSession, entity: Entity, identity: Identity, within: Mapping[str, str]
) -> dict[str, int]:
    """The row ids of what the path says a new object belongs to, by property name."""
    found = {}
    for name, code in within.items():
        declared = entity.declared(name)
        of = str(declared.refers_to) if declared is not None else name
        ids = await ids_of(session, of, [code], identity.viewer)
        if code not in ids:
            raise NotFound(f"there is no {code!r} in {of}", message_zh=f"{of} 中没有 {code!r}")
        found[name] = ids[code]
    return found


async def _found(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    target: WriteTarget,
    *,
    to_delete: bool = False,
) -> Image:
    """The object as it is, locked until the transaction ends."""
    if target.row_id is not None:
        image = await lock(session, entity, target.row_id, to_delete=to_delete)
    elif target.version is not None:
        selection = Selection(
            identity.viewer, {**target.within, "version": target.version}, code=target.code
        )
        row = await read_feature(session, entity, selection)
        image = None if row is None else await lock(session, entity, row.key, to_delete=to_delete)
    elif "\x00" in target.code or any("\x00" in code for code in target.within.values()):
        image = None
    else:
        image = await find_and_lock(
            session,
            entity,
            target.code,
            identity.viewer,
            within=target.within,
            to_delete=to_delete,
        )
    if image is None:
        raise NotFound(
            f"there is no {target.code!r} in {entity.name}",
            message_zh=f"{entity.name} 中没有 {target.code!r}",
        )
    return image


async def _moved(session: AsyncSession, entity: Entity, before: Image, draft: Draft) -> bool:
    """Whether the geometry is to be written."""
    if not draft.has_geometry:
        return False
    if draft.shape is None or before.geometry is None:
        return draft.shape is not None or before.geometry is not None
    return await has_moved(session, entity, before.row_id, draft.shape)


def _region_of_new(entity: Entity, image: Image, values: Mapping[str, Any]) -> int | None:
    """The region a new row is judged by; a new region is judged by the one it lies in."""
    if entity.table == "region" and image.region_id == image.row_id:
        parents = (values.get(i.name) for i in entity.properties if i.refers_to == entity.name)
        return next((parent for parent in parents if isinstance(parent, int)), None)
    return image.region_id


def _audit(
    session: AsyncSession,
    entity: Entity,
    act: Act,
    action: str,
    before: Image | None,
    after: Image | None,
) -> None:
    of = after or before
    record(
        session,
        act,
        action,
        table=entity.table,
        object_id="" if of is None else of.code,
        before=None if before is None else before.audited(),
        after=None if after is None else after.audited(),
    )


def _written(image: Image, draft: Draft) -> WriteResult:
    mended = draft.shape.mended if draft.shape is not None else None
    return WriteResult(image.code, image.row_id, image.row_version, mended=mended)
