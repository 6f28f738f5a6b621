"""What the database refuses, told as the platform's errors."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError

from shanhai.db.features.entity import Entity
from shanhai.errors import Conflict, Fault, InvalidInput, ShanhaiError

Refusal = Callable[[Entity, Any, str], ShanhaiError]


@contextmanager
def told_refusals(entity: Entity, under: str) -> Iterator[None]:
    """Tell broken constraints by the rule; `under` is where the properties are in the body.

    Raises:
        Conflict: another row stands in the way.
        InvalidInput: a value breaks a rule of the table.
    """
    try:
        yield
    except DBAPIError as error:
        cause = getattr(error.orig, "__cause__", None)
        refusal = REFUSALS.get(getattr(cause, "sqlstate", None) or "")
        if refusal is None:
            raise
        raise refusal(entity, cause, under) from error


def _pointer(entity: Entity, column: str | None, under: str) -> str:
    """Where the property of a column is; the whole body when no property is written to it."""
    found = (item.name for item in entity.receivables if item.column == column)
    if column is not None and column == entity.geometry_column:
        return "/geometry"
    return next((f"{under}/{name}" for name in found), under)


def _rule_of(cause: Any) -> str:
    """The name of a constraint, without the table and kind it begins with."""
    name, table = str(cause.constraint_name or ""), str(cause.table_name or "")
    return name.partition(f"{table}_")[2] or name


def _taken(entity: Entity, cause: Any, under: str) -> Conflict:
    en = f"there is one with the same code in {entity.name} already"
    zh = f"{entity.name} 中已有相同代码的对象"
    return Conflict(en, message_zh=zh, faults=[Fault(f"{under}/code", en, zh)])


def _overlap(entity: Entity, cause: Any, under: str) -> Conflict:
    rule = _rule_of(cause)
    en = f"another row of {entity.name} holds at the same time ({rule})"
    zh = f"{entity.name} 中同一时间已有一条有效记录（{rule}）"
    return Conflict(en, message_zh=zh, faults=[Fault(f"{under}/valid_from", en, zh)])


def _broken(entity: Entity, cause: Any, under: str) -> InvalidInput:
    rule = _rule_of(cause)
    columns = [str(item.column) for item in entity.receivables if item.column]
    named = next((name for name in columns if rule == name or rule.startswith(f"{name}_")), None)
    en, zh = f"breaks the rule {rule!r} of {entity.name}", f"不符合 {entity.name} 的规则 {rule!r}"
    return InvalidInput(en, message_zh=zh, faults=[Fault(_pointer(entity, named, under), en, zh)])


def _missing(entity: Entity, cause: Any, under: str) -> InvalidInput:
    pointer = _pointer(entity, cause.column_name, under)
    en, zh = f"{pointer}: is required", f"{pointer}：必填"
    return InvalidInput(en, message_zh=zh, faults=[Fault(pointer, "is required", "必填")])


def _dangling(entity: Entity, cause: Any, under: str) -> Conflict:
    rule = _rule_of(cause)
    en = f"a reference of {entity.name} leads nowhere ({rule})"
    zh = f"{entity.name} 的引用不存在（{rule}）"
    return Conflict(en, message_zh=zh, faults=[Fault(under, en, zh)])


def _too_much(entity: Entity, cause: Any, under: str) -> InvalidInput:
    en = f"a value is out of the range {entity.name} can keep"
    zh = f"数值超出 {entity.name} 可保存的范围"
    return InvalidInput(en, message_zh=zh, faults=[Fault(under, en, zh)])


def _against_rule(entity: Entity, cause: Any, under: str) -> Conflict:
    """What a trigger of ours raised, in its own words."""
    said = str(cause).partition("\n")[0]
    return Conflict(said, message_zh=said, faults=[Fault(under, said, said)])


REFUSALS: Mapping[str, Refusal] = {
    "23505": _taken,
    "23P01": _overlap,
    "23514": _broken,
    "23502": _missing,
    "23503": _dangling,
    "22003": _too_much,
    "22001": _too_much,
    "22008": _too_much,
    "54000": _too_much,
    "P0001": _against_rule,
}
"""By PostgreSQL's code of the error."""
