"""Create, replace, change and delete objects of any entity, by its declaration alone.

Each function works in the caller's transaction and leaves it to the caller to commit; whatever it
raises, the transaction must be rolled back, and nothing is half-written then.
"""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.drafts import Draft, code_property
from shanhai.db.features.entity import Change, Editing, Entity, Verb
from shanhai.db.features.images import Image, find_and_lock, lock, read_image
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.lifecycles import demand_change, demand_initial, demand_unsettled
from shanhai.db.features.members import (
    as_json,
    changed_members,
    merged_members,
    replaced_members,
)
from shanhai.db.features.query import FeatureRow
from shanhai.db.features.references import ids_of, referrers, resolve
from shanhai.db.features.refusals import told_refusals
from shanhai.db.features.rights import demand_role, editing_of
from shanhai.db.features.statements import Question, feature_query
from shanhai.db.features.storing import (
    Contents,
    add_shape,
    bury,
    contents_of,
    has_moved,
    insert,
    overwrite,
)
from shanhai.db.identity import EVERYTHING, Identity
from shanhai.db.queries.audit import Act, record
from shanhai.errors import Conflict, Fault, InvalidInput, NotFound, Stale

CODE_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
CODE_LENGTH = 10


@dataclass(frozen=True, slots=True)
class Target:
    """The object a write is about.

    Attributes:
        code: Its code.
        within: The codes of what it belongs to, by property name, when its path names them.
        row_id: Its row, where versions with the same code stand beside each other.
    """

    code: str
    within: Mapping[str, str] = field(default_factory=dict)
    row_id: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a write is made.

    Attributes:
        expected: The state tags one of which the object must have; None for any state.
        as_given: The state is written as it is given, without a step: it was reached elsewhere.
            For data the platform loads itself, never for a request.
    """

    expected: frozenset[str] | None = None
    as_given: bool = False


ANY_TERMS = Terms()


@dataclass(frozen=True, slots=True)
class Written:
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


def state_tag(row_id: int, row_version: int) -> str:
    """What tells one state of a row from another; the first part of an item's ETag."""
    return hashlib.sha256(f"{row_id}.{row_version}".encode()).hexdigest()[:16]


def pointer_of_properties(entity: Entity) -> str:
    """Where the properties are in a body."""
    return "/properties" if entity.path is None else ""


async def exists(session: AsyncSession, entity: Entity, target: Target) -> bool:
    """Whether there is such an object, whoever may know of it."""
    found = await find_and_lock(session, entity, target.code, EVERYTHING, within=target.within)
    return found is not None


async def read_written(session: AsyncSession, entity: Entity, row_id: int) -> FeatureRow:
    """The row of a number as features are read, current or not."""
    question = Question((f"{entity.key} = :row_id",))
    query = feature_query(entity, question)
    return FeatureRow._make((await session.execute(query, {"row_id": row_id})).one())


async def create(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    draft: Draft,
    *,
    within: Mapping[str, str] | None = None,
    terms: Terms = ANY_TERMS,
) -> Written:
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
    _demand_parents(values, within or {}, under)
    if editing.lifecycle is not None:
        state = values.setdefault(editing.lifecycle.property, editing.lifecycle.initial)
        if not terms.as_given:
            demand_initial(editing.lifecycle, state, under)
    own = {**(within or {}), code_property(entity).name: code}
    after = {**{name: as_json(value) for name, value in values.items()}, **own}
    await _ask_guards(session, editing, Change("create", None, None, after, draft.has_geometry))
    resolved = await resolve(session, entity, values, identity.viewer, under=under)
    contents = contents_of(entity, {**resolved, **parents})
    contents.columns[_code_column(entity)] = code
    if draft.has_geometry:
        add_shape(entity, contents, draft.shape)
    with told_refusals(entity, under):
        row_id = await insert(session, entity, contents)
    image = await read_image(session, entity, row_id)
    demand_role(identity, editing.roles, _region_of_new(entity, image, resolved))
    _audit(session, entity, act, "create", None, image)
    return _written(image, draft)


async def replace(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: Target,
    draft: Draft,
    *,
    terms: Terms = ANY_TERMS,
) -> Written:
    """Write all of an object anew; what is not given is emptied, the state excepted.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        InvalidInput: a value breaks a rule, or a reference leads nowhere.
        NotFound: there is none the identity may know of.
        Stale: it is not in an expected state.
        Conflict: its state, or a guard, forbids it.
    """
    return await _change(session, entity, identity, act, target, draft, "replace", terms)


async def update(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: Target,
    draft: Draft,
    *,
    terms: Terms = ANY_TERMS,
) -> Written:
    """Write the members given, as a JSON merge patch (RFC 7396); refusals as with `replace`."""
    return await _change(session, entity, identity, act, target, draft, "update", terms)


async def remove(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: Target,
    *,
    terms: Terms = ANY_TERMS,
) -> Written:
    """Delete an object softly: it is still there for days before today.

    Raises:
        Unauthenticated, Forbidden: the identity may not.
        NotFound: there is none the identity may know of.
        Stale: it is not in an expected state.
        Conflict: others refer to it, or its state, or a guard, forbids it.
    """
    editing = editing_of(entity, identity, "delete")
    before = await _found(session, entity, identity, target, to_delete=True)
    _demand_state(before, terms)
    demand_role(identity, editing.roles, before.region_id)
    if editing.lifecycle is not None and not terms.as_given:
        demand_unsettled(editing.lifecycle, before.values)
    await _demand_unreferenced(session, entity, before)
    change = Change("delete", before.row_id, before.values, None, geometry_changed=False)
    await _ask_guards(session, editing, change)
    with told_refusals(entity, ""):
        await bury(session, entity, before.row_id)
    _audit(session, entity, act, "delete", before, None)
    return Written(before.code, before.row_id, before.row_version + 1)


async def _change(
    session: AsyncSession,
    entity: Entity,
    identity: Identity,
    act: Act,
    target: Target,
    draft: Draft,
    verb: Verb,
    terms: Terms,
) -> Written:
    editing, under = editing_of(entity, identity, verb), pointer_of_properties(entity)
    before = await _found(session, entity, identity, target)
    _demand_state(before, terms)
    _demand_code(entity, draft, before.code, under)
    _demand_parents(draft.values, target.within, under)
    compose = replaced_members if verb == "replace" else merged_members
    wanted = compose(entity, editing, before.values, draft.values, kept=target.within)
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
        return Written(before.code, before.row_id, before.row_version, changed=False)
    after = {**before.values, **changed}
    await _ask_guards(session, editing, Change(verb, before.row_id, before.values, after, moved))
    contents = contents_of(
        entity, await resolve(session, entity, changed, identity.viewer, under=under)
    )
    if moved:
        add_shape(entity, contents, draft.shape)
    _begin_state(entity, before, contents, under)
    with told_refusals(entity, under):
        await overwrite(session, entity, before.row_id, contents)
    image = await read_image(session, entity, before.row_id)
    if image.region_id != before.region_id:
        demand_role(identity, editing.roles, image.region_id)
    _audit(session, entity, act, verb, before, image)
    return _written(image, draft)


def _new_code(entity: Entity) -> str:
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    return f"{entity.table.replace('_', '-')}-{letters}"


def _code_column(entity: Entity) -> str:
    return code_property(entity).column or "code"


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
    target: Target,
    *,
    to_delete: bool = False,
) -> Image:
    """The object as it is, locked until the transaction ends."""
    if target.row_id is not None:
        image = await lock(session, entity, target.row_id, to_delete=to_delete)
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


def _demand_state(before: Image, terms: Terms) -> None:
    if terms.expected is None or state_tag(before.row_id, before.row_version) in terms.expected:
        return
    raise Stale(
        f"{before.code!r} has changed since it was read; read it again",
        message_zh=f"{before.code!r} 在读取之后已被更改，请重新读取",
    )


def _demand_code(entity: Entity, draft: Draft, code: str, under: str) -> None:
    if draft.code in {None, code}:
        return
    en, zh = f"cannot be changed; it is {code!r}", f"不可更改，应为 {code!r}"
    pointer = f"{under}/{code_property(entity).name}"
    raise InvalidInput(
        f"{pointer}: {en}", message_zh=f"{pointer}：{zh}", faults=[Fault(pointer, en, zh)]
    )


def _demand_parents(values: Mapping[str, Any], within: Mapping[str, str], under: str) -> None:
    """Refuse a body that says the object belongs elsewhere than its path does."""
    faults = [
        Fault(f"{under}/{name}", f"differs from the path, which says {code!r}", "与路径不一致")
        for name, code in within.items()
        if values.get(name) not in {None, code}
    ]
    if faults:
        raise InvalidInput(
            "the body and the path differ", message_zh="请求体与路径不一致", faults=faults
        )


async def _moved(session: AsyncSession, entity: Entity, before: Image, draft: Draft) -> bool:
    """Whether the geometry is to be written."""
    if not draft.has_geometry:
        return False
    if draft.shape is None or before.geometry is None:
        return draft.shape is not None or before.geometry is not None
    return await has_moved(session, entity, before.row_id, draft.shape)


def _begin_state(entity: Entity, before: Image, contents: Contents, under: str) -> None:
    """Say from when on the new state holds: from today, unless it is given.

    What has ended, or has not begun, is corrected where it stands.
    """
    if not entity.historic or "valid_from" not in columns_of(entity):
        return
    today = datetime.now(UTC).date()
    given: date | None = contents.columns.get("valid_from")
    if given is not None:
        if before.valid_from is not None and given < before.valid_from:
            _refuse_rewriting(before.valid_from, under)
        return
    end = contents.columns.get("valid_to", before.valid_to)
    begun = before.valid_from is None or before.valid_from <= today
    if begun and (end is None or end > today):
        contents.columns["valid_from"] = today
    else:
        contents.columns.pop("valid_from", None)


def _refuse_rewriting(start: date, under: str) -> None:
    en = f"must not lie before {start}, when the present state began"
    zh = f"不得早于现行状态的起始日 {start}"
    pointer = f"{under}/valid_from"
    raise InvalidInput(
        f"{pointer}: {en}", message_zh=f"{pointer}：{zh}", faults=[Fault(pointer, en, zh)]
    )


async def _ask_guards(session: AsyncSession, editing: Editing, change: Change) -> None:
    faults: list[Fault] = []
    for guard in editing.guards:
        faults.extend(await guard(session, change))
    if faults:
        raise Conflict(
            "; ".join(fault.detail for fault in faults),
            message_zh="；".join(fault.detail_zh or fault.detail for fault in faults),
            faults=faults,
        )


async def _demand_unreferenced(session: AsyncSession, entity: Entity, before: Image) -> None:
    named = await referrers(session, entity, before.row_id)
    if not named:
        return
    listed = ", ".join(f"{item.collection}/{item.code}" for item in named)
    faults: Sequence[Fault] = [
        Fault(
            "",
            f"{item.collection}/{item.code} refers to it",
            f"{item.collection}/{item.code} 引用了它",
        )
        for item in named
    ]
    raise Conflict(
        f"{before.code!r} is referred to by {listed}",
        message_zh=f"{before.code!r} 仍被引用：{listed}",
        faults=faults,
    )


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


def _written(image: Image, draft: Draft) -> Written:
    mended = draft.shape.mended if draft.shape is not None else None
    return Written(image.code, image.row_id, image.row_version, mended=mended)
