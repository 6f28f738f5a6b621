"""The members of an object before and after a write, as JSON has them."""

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shanhai.db.features.drafts import code_property
from shanhai.db.features.entity import Editing, Entity
from shanhai.db.features.values import told_amount


def replaced_members(
    entity: Entity,
    editing: Editing,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    kept: Collection[str],
) -> dict[str, Any]:
    """The members after a replacement: what is not given is emptied.

    The code, the state, what the path says, and the day the state began are no part of that.
    """
    state = editing.lifecycle.property if editing.lifecycle is not None else None
    stay = {code_property(entity).name, state, "valid_from", *kept}
    emptied = {item.name: None for item in entity.receivables if item.name not in stay}
    return {**before, **emptied, **_without_nothing(given, stay)}


def merged_members(
    entity: Entity,
    editing: Editing,
    before: Mapping[str, Any],
    given: Mapping[str, Any],
    *,
    kept: Collection[str],
) -> dict[str, Any]:
    """The members after a merge patch: null empties one, objects are merged (RFC 7396)."""
    state = editing.lifecycle.property if editing.lifecycle is not None else None
    patch = _without_nothing(given, {state, "valid_from", *kept})
    return {**before, **{name: merged(before.get(name), value) for name, value in patch.items()}}


def merged(before: Any, patch: Any) -> Any:
    """A value changed by a merge patch."""
    if not isinstance(patch, dict):
        return patch
    found = dict(before) if isinstance(before, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = merged(found.get(name), value)
    return found


def changed_members(before: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Those members that are to differ."""
    return {
        name: value
        for name, value in ((name, as_json(value)) for name, value in wanted.items())
        if value != before.get(name)
    }


def as_json(value: Any) -> Any:
    """A value as the database's JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, Decimal):
        return told_amount(value)
    return value


def _without_nothing(given: Mapping[str, Any], names: Collection[str | None]) -> dict[str, Any]:
    """The members given, without nulls for those that cannot be emptied."""
    return {name: v for name, v in given.items() if v is not None or name not in names}
