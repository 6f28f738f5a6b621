"""What a write requires: the state of the object it finds, the change of state it makes."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai import vocabulary
from shanhai.db.collections.guards import refused
from shanhai.db.features.columns import columns_of, table_of
from shanhai.db.features.entity import Editing, Entity, Lifecycle, PendingWrite
from shanhai.db.features.input_validation import Draft, code_property
from shanhai.db.features.snapshots import Image
from shanhai.db.features.sql_write import RowContents, referrers
from shanhai.db.identity import PUBLISHERS, Identity, demand_role
from shanhai.errors import Conflict, Fault, Forbidden, InvalidInput, demand_state
from shanhai.vocabulary import Label

NOT_AHEAD = Label(
    "不得晚于今天：现行状态届时才能更改，请到当日更改，或在规划的新版次中准备",
    "must not lie after today, as the present state holds until then: make the change on its day,"
    " or prepare it in a new edition of the plan",
)


def demand_initial(lifecycle: Lifecycle, given: object, under: str) -> None:
    """Refuse a new row that does not begin at the beginning.

    Raises:
        InvalidInput: it begins in another state.
    """
    if given not in {None, lifecycle.initial}:
        first = repr(lifecycle.initial)
        rule = Label(f"新建时的状态为 {first}", f"a new one begins as {first}")
        raise refused(f"{under}/{lifecycle.property}", rule)


def demand_change(
    editing: Editing,
    identity: Identity,
    *,
    before: Mapping[str, Any],
    changed: Mapping[str, Any],
    also_geometry: bool,
    region_id: int | None,
    under: str,
) -> None:
    """Refuse a change the state or the roles do not allow.

    Raises:
        Forbidden: the identity has no role for it.
        Conflict: the step does not exist, or the state allows nothing else to be changed.
    """
    lifecycle = editing.lifecycle
    others = set(changed) - ({lifecycle.property} if lifecycle is not None else set())
    if editing.shown_by in others:
        public = changed[editing.shown_by] == vocabulary.Visibility.PUBLIC
        demand_role(identity, PUBLISHERS if public else editing.roles | PUBLISHERS, region_id)
    if others & vocabulary.CLASSIFIED_BY:
        eased = _closedness({**before, **changed}) < _closedness(before)
        demand_role(identity, PUBLISHERS if eased else editing.roles | PUBLISHERS, region_id)
    step = lifecycle and lifecycle.step(before[lifecycle.property], changed.get(lifecycle.property))
    given = step.given if step else frozenset()
    if others - {editing.shown_by} - vocabulary.CLASSIFIED_BY - given or also_geometry:
        demand_role(identity, editing.roles, region_id)
    elif not changed:
        demand_role(identity, editing.roles | _who_led_here(lifecycle, before), region_id)
    if lifecycle is None:
        return
    if others - given or also_geometry:
        demand_unsettled(lifecycle, before, others)
    if lifecycle.property in changed:
        _demand_step(lifecycle, identity, before, changed[lifecycle.property], region_id, under)


def _closedness(members: Mapping[str, Any]) -> int:
    return vocabulary.closedness(members.get("data_class"), members.get("data_grade"))


def shown_within_class(entity: Entity, members: Mapping[str, Any]) -> dict[str, Any]:
    """The `visibility` of members that say a class of data and no visibility: the widest it allows.

    Empty where the default of the table is no wider than that.
    """
    widest = vocabulary.WIDEST[members.get("data_class")]
    if widest is vocabulary.Visibility.PUBLIC or members.get("visibility") is not None:
        return {}
    default: Any = table_of(entity).columns["visibility"].default
    return {} if default.arg == vocabulary.Visibility.REGION else {"visibility": widest}


def _who_led_here(lifecycle: Lifecycle | None, before: Mapping[str, Any]) -> Set[vocabulary.Role]:
    """Who may take a step to the state there is: of two at once the second finds it taken."""
    if lifecycle is None:
        return frozenset()
    state = before.get(lifecycle.property)
    return frozenset().union(*(step.roles for step in lifecycle.steps if step.target == state))


def shown_when(editing: Editing) -> Iterator[tuple[str, Set[str]]]:
    """The members, and values of theirs, by which approvers alone show a row to everybody."""
    if editing.shown_by is not None:
        yield editing.shown_by, {vocabulary.Visibility.PUBLIC}
    if editing.lifecycle is not None:
        steps, first = editing.lifecycle.steps, editing.lifecycle.initial
        others = {first, *(step.target for step in steps if step.roles != PUBLISHERS)}
        yield editing.lifecycle.property, {step.target for step in steps} - others


def demand_unsettled(
    lifecycle: Lifecycle, before: Mapping[str, Any], others: Collection[str] = ()
) -> None:
    """Refuse to change a row whose state allows nothing but another state.

    Raises:
        Conflict: the state does not.
    """
    state = before.get(lifecycle.property)
    if state not in lifecycle.settled:
        return
    listed = ", ".join(sorted(others))
    raise Conflict(
        f"what is {state!r} cannot be changed, but for its {lifecycle.property}"
        + (f"; given: {listed}" if listed else ""),
        message_zh=f"处于 {state!r} 状态，除 {lifecycle.property} 外不得更改"
        + (f"；涉及：{listed}" if listed else ""),
    )


def _demand_step(
    lifecycle: Lifecycle,
    identity: Identity,
    before: Mapping[str, Any],
    target: object,
    region_id: int | None,
    under: str,
) -> None:
    source = str(before.get(lifecycle.property))
    step = lifecycle.step(source, str(target))
    if step is not None:
        demand_role(identity, step.roles, region_id)
        return
    allowed = ", ".join(item.target for item in lifecycle.steps if item.source == source)
    en = f"there is no step from {source!r} to {target!r}; from {source!r} to: {allowed or 'none'}"
    zh = f"不能从 {source!r} 变为 {target!r}；从 {source!r} 可变为：{allowed or '无'}"
    raise Conflict(en, message_zh=zh, faults=[Fault(f"{under}/{lifecycle.property}", en, zh)])


@dataclass(frozen=True, slots=True)
class WriteTarget:
    """The object a write is about.

    Attributes:
        code: Its code.
        within: The codes of what it belongs to, by property name, when its path names them.
        row_id: Its row, also when it is not the current one.
        version: Its version, where versions with the same code stand beside each other; None for
            the current one.
    """

    code: str
    within: Mapping[str, str] = field(default_factory=dict)
    row_id: int | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class WriteTerms:
    """On what terms a write is made.

    Attributes:
        expected: The state tags one of which the object must have; None for any state.
        as_given: The state is written as it is given, without a step: it was reached elsewhere.
            For data the platform loads itself, and for steps that others agreed on whose roles
            were asked; never for what a request says alone.
    """

    expected: frozenset[str] | None = None
    as_given: bool = False


ANY_TERMS = WriteTerms()


def state_tag(row_id: int, row_version: int) -> str:
    """What tells one state of a row from another; the first part of an item's ETag."""
    return hashlib.sha256(f"{row_id}.{row_version}".encode()).hexdigest()[:16]


def pointer_of_properties(entity: Entity) -> str:
    """Where the properties are in a body."""
    return "/properties" if entity.path is None else ""


def demand_sight(entity: Entity, identity: Identity, before: Image) -> None:
    """Refuse to write over what the writer reads masked: what was read would take its place.

    Raises:
        Forbidden: some of the entity is masked, and the identity may not read all of the row.
    """
    exact = identity.viewer.exact
    if entity.masking is None or exact is None or before.region_id in exact:
        return
    raise Forbidden(
        f"{before.code!r} is shown to you in part, perhaps without its exact place, and what is"
        " shown must not take the place of what is kept; one of the roles"
        f" {', '.join(sorted(vocabulary.EXACT_READERS))} is needed for its region",
        message_zh=f"{before.code!r} 对您未完整显示（如精确位置），不得以显示内容覆盖原有内容；"
        f"需要其区域的以下角色之一：{vocabulary.roles_zh(vocabulary.EXACT_READERS)}",
    )


def demand_unchanged(before: Image, terms: WriteTerms) -> None:
    """Refuse an object that is in none of the expected states.

    Raises:
        Stale: it is not.
    """
    state = state_tag(before.row_id, before.row_version)
    demand_state(state, terms.expected, repr(before.code))


def demand_code(entity: Entity, draft: Draft, code: str, under: str) -> None:
    """Refuse a body that gives the object another code.

    Raises:
        InvalidInput: it does.
    """
    if draft.code in {None, code}:
        return
    rule = Label(f"不可更改，应为 {code!r}", f"cannot be changed; it is {code!r}")
    raise refused(f"{under}/{code_property(entity).name}", rule)


def demand_parents(values: Mapping[str, Any], within: Mapping[str, str], under: str) -> None:
    """Refuse a body that says the object belongs elsewhere than its path does."""
    faults = [
        Fault(f"{under}/{name}", f"differs from the path, which says {code!r}", "与路径不一致")
        for name, code in within.items()
        if values.get(name) not in {None, code}
    ]
    if faults:
        raise InvalidInput.placed(faults)


def begin_state(entity: Entity, before: Image, contents: RowContents, under: str) -> None:
    """Say from when on the new state holds: from today, unless it is given.

    What has ended, or has not begun, is corrected where it stands.

    Raises:
        InvalidInput: it would rewrite a former state, or end the present one ahead of its day.
    """
    if not entity.historic or "valid_from" not in columns_of(entity):
        return
    today, start = before.today, before.valid_from
    begun = start is None or start <= today
    given: date | None = contents.columns.get("valid_from")
    if given is not None:
        if start is not None and given < start:
            zh = f"不得早于现行状态的起始日 {start}"
            en = f"must not lie before {start}, when the present state began"
            raise refused(f"{under}/valid_from", Label(zh, en))
        if given > today and begun and (before.valid_to is None or before.valid_to > today):
            raise refused(f"{under}/valid_from", NOT_AHEAD)
        return
    end = contents.columns.get("valid_to", before.valid_to)
    if begun and (end is None or end > today):
        contents.columns["valid_from"] = today
    else:
        contents.columns.pop("valid_from", None)


async def ask_guards(session: AsyncSession, editing: Editing, change: PendingWrite) -> None:
    """Refuse what a rule of the entity forbids.

    Raises:
        InvalidInput: what is given breaks it, whatever the state of things.
        Conflict: with the faults of all the other guards.
    """
    faults: list[Fault] = []
    for guard in editing.guards:
        faults.extend(await guard(session, change))
    if faults:
        raise Conflict.of(faults)


async def demand_unreferenced(session: AsyncSession, entity: Entity, before: Image) -> None:
    """Refuse to delete what others refer to.

    Raises:
        Conflict: it names some of them.
    """
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
