"""What a write demands of the object it finds, and when the state it makes begins."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.features.drafts import Draft, code_property
from shanhai.db.features.entity import Change, Editing, Entity
from shanhai.db.features.images import Image
from shanhai.db.features.keeping import columns_of
from shanhai.db.features.references import referrers
from shanhai.db.features.storing import Contents
from shanhai.errors import Conflict, Fault, InvalidInput, Stale


@dataclass(frozen=True, slots=True)
class Target:
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
class Terms:
    """On what terms a write is made.

    Attributes:
        expected: The state tags one of which the object must have; None for any state.
        as_given: The state is written as it is given, without a step: it was reached elsewhere.
            For data the platform loads itself, and for steps that others agreed on whose roles
            were asked; never for what a request says alone.
    """

    expected: frozenset[str] | None = None
    as_given: bool = False


ANY_TERMS = Terms()


def state_tag(row_id: int, row_version: int) -> str:
    """What tells one state of a row from another; the first part of an item's ETag."""
    return hashlib.sha256(f"{row_id}.{row_version}".encode()).hexdigest()[:16]


def pointer_of_properties(entity: Entity) -> str:
    """Where the properties are in a body."""
    return "/properties" if entity.path is None else ""


def demand_state(before: Image, terms: Terms) -> None:
    """Refuse an object that is in none of the expected states.

    Raises:
        Stale: it is not.
    """
    if terms.expected is None or state_tag(before.row_id, before.row_version) in terms.expected:
        return
    raise Stale(
        f"{before.code!r} has changed since it was read; read it again",
        message_zh=f"{before.code!r} 在读取之后已被更改，请重新读取",
    )


def demand_code(entity: Entity, draft: Draft, code: str, under: str) -> None:
    """Refuse a body that gives the object another code.

    Raises:
        InvalidInput: it does.
    """
    if draft.code in {None, code}:
        return
    en, zh = f"cannot be changed; it is {code!r}", f"不可更改，应为 {code!r}"
    pointer = f"{under}/{code_property(entity).name}"
    raise InvalidInput(
        f"{pointer}: {en}", message_zh=f"{pointer}：{zh}", faults=[Fault(pointer, en, zh)]
    )


def demand_parents(values: Mapping[str, Any], within: Mapping[str, str], under: str) -> None:
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


def begin_state(entity: Entity, before: Image, contents: Contents, under: str) -> None:
    """Say from when on the new state holds: from today, unless it is given.

    What has ended, or has not begun, is corrected where it stands.
    """
    if not entity.historic or "valid_from" not in columns_of(entity):
        return
    today = before.today
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


async def ask_guards(session: AsyncSession, editing: Editing, change: Change) -> None:
    """Refuse what a rule of the entity forbids.

    Raises:
        Conflict: with the faults of all the guards.
    """
    faults: list[Fault] = []
    for guard in editing.guards:
        faults.extend(await guard(session, change))
    if faults:
        raise Conflict(
            "; ".join(fault.detail for fault in faults),
            message_zh="；".join(fault.detail_zh or fault.detail for fault in faults),
            faults=faults,
        )


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
