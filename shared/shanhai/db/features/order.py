"""The order of pages, and places in it: what a cursor stands for.

Pages follow the sort keys and then the number of the row, so that every row has one place. Rows
without a value come last, whichever way the key runs.
"""

from dataclasses import dataclass
from typing import Any, Literal

from shanhai.db.features.entity import Entity, Property

Side = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """A property pages are ordered by."""

    name: str
    descending: bool = False


Order = tuple[SortKey, ...]
LONGEST = 300
"""Characters by which texts of any length are ordered: a cursor has them, in an address."""
SHAPELESS = SortKey("@shapeless")
"""Whether a row has no shape: not a property, and what pages are ordered by unless asked otherwise.
Clients that look at a first page to learn what shapes there are (QGIS) must see some."""


def usual_order(entity: Entity) -> Order:
    """The order of pages nobody asked an order of: rows with a shape of their own come first."""
    own = f"{entity.alias}.{entity.geometry_column}"
    return (SHAPELESS,) if entity.geometry == own else ()


@dataclass(frozen=True, slots=True)
class OrderPosition:
    """A row's place in an order: the values of the sort keys as texts, and the row's number."""

    key: int
    values: tuple[str | None, ...] = ()


@dataclass(frozen=True, slots=True)
class PageStart:
    """Where a page begins: after or before a place, or some rows in."""

    after: OrderPosition | None = None
    before: OrderPosition | None = None
    offset: int = 0

    @property
    def side(self) -> Side | None:
        """On which side of a place the page lies; None for a page counted from the beginning."""
        if self.before is not None:
            return "before"
        return None if self.after is None else "after"

    @property
    def edge(self) -> OrderPosition | None:
        """The place the page lies beside."""
        return self.before if self.before is not None else self.after

    @property
    def gaps(self) -> tuple[bool, ...]:
        """Which of the edge's values are missing: the condition beside it depends on that."""
        edge = self.edge
        return () if edge is None else tuple(value is None for value in edge.values)

    def bound_values(self) -> dict[str, object]:
        """The values of the binds in the condition of `beside`."""
        edge = self.edge
        if edge is None:
            return {}
        given = {f"edge_{n}": value for n, value in enumerate(edge.values) if value is not None}
        return {"edge": edge.key, **given}


def sorted_columns(entity: Entity, order: Order) -> dict[str, str]:
    """SQL of the sort keys' values, by the names `order_by` orders by."""
    return {f"s{number}": _value(entity, key) for number, key in enumerate(order)}


def place_column(entity: Entity, order: Order) -> str:
    """SQL of a row's sort values as a JSON list of texts."""
    texts = ", ".join(f"CAST({_value(entity, key)} AS text)" for key in order)
    return f"json_build_array({texts})::text"


def order_by(order: Order, side: Side | None) -> str:
    """SQL of the order of a page's rows; a page that ends at a place is read from its end."""
    back = side == "before"
    keys = (
        f"s{number} {_direction(key.descending != back)} NULLS {'FIRST' if back else 'LAST'}"
        for number, key in enumerate(order)
    )
    return ", ".join([*keys, f"key {_direction(back)}"])


def beside(entity: Entity, order: Order, side: Side, gaps: tuple[bool, ...]) -> str:
    """SQL of rows after or before an edge, whose values are the binds `edge_{n}` and `edge`."""
    if order == (SHAPELESS,):
        # Never missing, so that both are compared at once, as the index has them.
        both = f"({_value(entity, SHAPELESS)}, {entity.key})"
        edges = f"({_edge(entity, SHAPELESS, 0)}, CAST(:edge AS bigint))"
        return f"{both} {'<' if side == 'before' else '>'} {edges}"
    options: list[str] = []
    same: list[str] = []
    for number, (key, missing) in enumerate(zip(order, gaps, strict=True)):
        value, edge = _value(entity, key), _edge(entity, key, number)
        beyond = _beyond(value, edge, key, side, missing=missing)
        options.append(" AND ".join([*same, beyond]))
        same.append(f"{value} IS NULL" if missing else f"{value} = {edge}")
    last = f"{entity.key} {'<' if side == 'before' else '>'} :edge"
    options.append(" AND ".join([*same, last]))
    return f"({' OR '.join(options)})"


def _beyond(value: str, edge: str, key: SortKey, side: Side, *, missing: bool) -> str:
    """A value on the far side of the edge's own; none lies after a missing one."""
    if missing:
        return f"{value} IS NOT NULL" if side == "before" else "false"
    rises = key.descending == (side == "before")
    compared = f"{value} {'>' if rises else '<'} {edge}"
    return compared if side == "before" else f"({compared} OR {value} IS NULL)"


def _direction(descending: bool) -> str:
    return "DESC" if descending else "ASC"


def _value(entity: Entity, key: SortKey) -> str:
    if key == SHAPELESS:
        return f"({entity.geometry} IS NULL)"
    declared = _declared(entity, key)
    value = f"CAST({declared.sql} AS {sql_type(declared.schema)})"
    return f"left({value}, {LONGEST})" if _may_be_long(declared) else value


def _may_be_long(declared: Property) -> bool:
    """Whether it is a text without a bound, and no code."""
    bounds = {"maxLength", "enum", "format", "pattern"} & declared.schema.keys()
    code = declared.role is not None or declared.refers_to is not None
    return sql_type(declared.schema) == "text" and not bounds and not code


def _edge(entity: Entity, key: SortKey, number: int) -> str:
    kind = type_of_key(entity, key)
    return f"CAST(CAST(:edge_{number} AS text) AS {kind})"


def type_of_key(entity: Entity, key: SortKey) -> str:
    """PostgreSQL's type of a sort key's values."""
    return "boolean" if key == SHAPELESS else sql_type(_declared(entity, key).schema)


def _declared(entity: Entity, key: SortKey) -> Property:
    declared = entity.declared(key.name)
    if declared is None or not declared.sortable:
        raise LookupError(f"{entity.name} cannot be sorted by {key.name}")
    return declared


def sql_type(schema: Any) -> str:
    """PostgreSQL's type for values of a JSON schema that are compared."""
    match schema["type"], schema.get("format"):
        case "string", "date":
            return "date"
        case "string", "date-time":
            return "timestamptz"
        case "boolean", _:
            return "boolean"
        case ("integer" | "number", _) | ("string", "decimal"):
            return "numeric"
        case _:
            return "text"
