"""Pages in an order: what they are ordered by, and what comes behind a place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shanhai.db.sensing.compiler import ordering_value
from shanhai.db.sensing.model import EntityKind
from shanhai.db.sensing.operands import CASTS, Composition
from shanhai.db.sensing.options import SKIPTOKEN, Options, Place
from shanhai.db.sensing.tokens import refused


@dataclass(frozen=True, slots=True)
class OrderKey:
    """What rows are ordered by: SQL of one value, and its type."""

    sql: str
    type_name: str
    descending: bool = False
    nullable: bool = True

    @property
    def written(self) -> str:
        """The key in `ORDER BY`; missing values are the largest, as PostgreSQL has it."""
        return f"{self.sql} {'DESC' if self.descending else 'ASC'}"


def order_of(
    composition: Composition, kind: EntityKind, alias: str, options: Options
) -> tuple[OrderKey, ...]:
    """The order asked for, and the kind's own behind it, which tells all rows apart."""
    composition.parameter = "$orderby"
    asked = []
    for ordering in options.orderby:
        value = ordering_value(composition, kind, alias, ordering.by)
        asked.append(OrderKey(value.sql, CASTS[value.kind], ordering.descending))
    own = (OrderKey(f"{alias}.{name}", type_name, nullable=False) for name, type_name in kind.order)
    return (*asked, *own)


def behind(composition: Composition, keys: Sequence[OrderKey], place: Place) -> str:
    """The condition of rows that come behind a place.

    Raises:
        InvalidInput: the place is not one of this order.
    """
    if len(place) != len(keys):
        raise refused(SKIPTOKEN, "is of another order", "与排序不符")
    first, given = keys[0], place[0]
    condition = _behind(composition, keys, place)
    if given is None or (first.nullable and not first.descending):
        return condition
    # Says nothing new, but indexes know only this of it.
    bound = f"{first.sql} {'<=' if first.descending else '>='} {_value(composition, first, given)}"
    return f"{bound} AND {condition}"


def _behind(composition: Composition, keys: Sequence[OrderKey], place: Sequence[Any]) -> str:
    if not keys:
        return "false"
    key, given, rest = keys[0], place[0], _behind(composition, keys[1:], place[1:])
    if given is None:
        further = f"{key.sql} IS NOT NULL" if key.descending else "false"
        return f"({further} OR ({key.sql} IS NULL AND {rest}))"
    value = _value(composition, key, given)
    further = f"{key.sql} {'<' if key.descending else '>'} {value}"
    if key.nullable and not key.descending:
        further = f"{further} OR {key.sql} IS NULL"
    return f"({further} OR ({key.sql} = {value} AND {rest}))"


def _value(composition: Composition, key: OrderKey, given: Any) -> str:
    """A value of a place; as text, since the place went through the hands of a client."""
    return f"CAST({composition.bind(str(given), 'text')} AS {key.type_name})"
