"""Changes of state: which there are, who makes them, and what a state does not allow."""

from collections.abc import Collection, Mapping
from typing import Any

from shanhai.db.features.entity import Editing, Lifecycle
from shanhai.db.features.rights import PUBLISHERS, demand_role
from shanhai.db.identity import Identity
from shanhai.errors import Conflict, Fault, InvalidInput


def demand_initial(lifecycle: Lifecycle, given: object, under: str) -> None:
    """Refuse a new row that does not begin at the beginning.

    Raises:
        InvalidInput: it begins in another state.
    """
    if given not in {None, lifecycle.initial}:
        en = f"a new one begins as {lifecycle.initial!r}"
        zh = f"新建时的状态为 {lifecycle.initial!r}"
        pointer = f"{under}/{lifecycle.property}"
        raise InvalidInput(en, message_zh=zh, faults=[Fault(pointer, en, zh)])


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
        demand_shown(editing, identity, changed[editing.shown_by], region_id)
    if others - {editing.shown_by} or also_geometry or not changed:
        demand_role(identity, editing.roles, region_id)
    if lifecycle is None:
        return
    if others or also_geometry:
        demand_unsettled(lifecycle, before, others)
    if lifecycle.property in changed:
        _demand_step(lifecycle, identity, before, changed[lifecycle.property], region_id, under)


def demand_shown(
    editing: Editing, identity: Identity, shown: object, region_id: int | None
) -> None:
    """Refuse whoever may not show a row of the region to everybody, or hide it again.

    Raises:
        Forbidden: they may not.
    """
    demand_role(identity, PUBLISHERS if shown else editing.roles | PUBLISHERS, region_id)


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
