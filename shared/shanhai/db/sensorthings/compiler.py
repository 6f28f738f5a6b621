"""From the trees of `$filter` and `$orderby` to SQL, and pages in an order."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shanhai.db.sensorthings import expressions
from shanhai.db.sensorthings.model import KINDS, EntityKind, Kind, NavigationProperty
from shanhai.db.sensorthings.operands import CASTS, Composition, SqlOperand, as_kind, called
from shanhai.db.sensorthings.options import SKIPTOKEN, Options, Place
from shanhai.errors import InvalidInput

ID = frozenset({"id", "@iot.id"})
COMPARISONS: Mapping[str, str] = {
    "eq": "=",
    "ne": "<>",
    "gt": ">",
    "ge": ">=",
    "lt": "<",
    "le": "<=",
}
OF_PERIODS = {**COMPARISONS, "gt": ">>", "ge": "&>", "lt": "<<", "le": "&<"}
"""All of a period is after a time, or not before it, and so on; a time is a period of itself."""
ORDERED = frozenset({"text", "number", "moment", "duration"})
ARITHMETIC: Mapping[str, str] = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "div": "({0} / nullif({1}, 0))",
    "mod": "CAST(mod(CAST({0} AS numeric), CAST(nullif({1}, 0) AS numeric)) AS double precision)",
}


@dataclass(slots=True)
class ExpressionScope:
    """The rows an expression speaks of, and those it came to by following links.

    Attributes:
        joined: The rows of each path, by the path: how they are called and of which kind they are.
    """

    composition: Composition
    kind: EntityKind
    alias: str
    joined: dict[tuple[str, ...], tuple[str, EntityKind]] = field(default_factory=dict)
    conditions: list[str] = field(default_factory=list)

    def follow(self, path: tuple[str, ...]) -> tuple[str, EntityKind]:
        """The rows a path of links leads to."""
        if not path:
            return self.alias, self.kind
        if path not in self.joined:
            alias, kind = self.follow(path[:-1])
            link = kind.links[path[-1]]
            target, name = KINDS[link.target], self.composition.alias()
            self.joined[path] = (name, target)
            self.conditions.append(linked(link, alias, name))
        return self.joined[path]

    def sources(self) -> str:
        """SQL of what follows `FROM`: the rows of all paths."""
        return ", ".join(
            f"{self.composition.rows(kind)} {alias}" for alias, kind in self.joined.values()
        )


def linked(link: NavigationProperty, here: str, there: str) -> str:
    """The condition that rows belong together."""
    if link.sql is not None:
        return link.sql.replace("{here}", here).replace("{there}", there)
    return " AND ".join(f"{there}.{name} = {here}.{name}" for name in link.on)


def condition(
    composition: Composition, kind: EntityKind, alias: str, tree: expressions.Expression
) -> str:
    """SQL of a tree that is true or false of a row.

    Where it speaks of entities the row leads to, it holds when it does of any one of them.

    Raises:
        InvalidInput: it names what is not there, or compares what cannot be compared.
    """
    match tree:
        case expressions.FunctionCall("and" | "or" as operator, parts):
            sides = (condition(composition, kind, alias, part) for part in parts)
            return f"({f' {operator.upper()} '.join(sides)})"
        case expressions.FunctionCall("not", (inner,)):
            return f"(NOT {condition(composition, kind, alias, inner)})"
    scope = ExpressionScope(composition, kind, alias)
    sql = as_kind(composition, _operand(scope, tree), "boolean", composition.parameter)
    if not scope.joined:
        return sql
    met = " AND ".join((*scope.conditions, sql))
    # Constants of this code; callers' values are bound.
    return f"EXISTS (SELECT FROM {scope.sources()} WHERE {met})"


def ordering_value(
    composition: Composition, kind: EntityKind, alias: str, tree: expressions.Expression
) -> SqlOperand:
    """What rows are ordered by; one value for each of them.

    Raises:
        InvalidInput: it names what is not there, or what has no order.
    """
    scope = ExpressionScope(composition, kind, alias)
    found = _operand(scope, tree)
    if found.kind == "json":
        found = SqlOperand(f"({found.sql} #>> '{{}}')", "text", found.told)
    if found.kind not in ORDERED | {"boolean"}:
        told = found.described
        raise composition.refused(f"{told.en} has no order", f"{told.zh} 无法排序")
    if not scope.joined:
        return found
    if any(_many(kind, path) for path in scope.joined):
        raise composition.refused(
            f"{found.told} has several values", f"{found.told} 有多个值，无法排序"
        )
    sources, met = scope.sources(), " AND ".join(scope.conditions)
    sql = f"(SELECT {found.sql} FROM {sources} WHERE {met})"  # noqa: S608 - as above
    return SqlOperand(sql, found.kind, found.told)


def _many(kind: EntityKind, path: tuple[str, ...]) -> bool:
    for name in path:
        link = kind.links[name]
        if link.many:
            return True
        kind = KINDS[link.target]
    return False


def _operand(scope: ExpressionScope, tree: expressions.Expression) -> SqlOperand:
    match tree:
        case expressions.Constant():
            return scope.composition.constant(tree)
        case expressions.PropertyPath(parts):
            return _property(scope, parts)
        case expressions.FunctionCall("and" | "or" | "not"):
            sql = condition(scope.composition, scope.kind, scope.alias, tree)
            return SqlOperand(sql, "boolean", "the condition")
        case expressions.FunctionCall(name, (left, right)) if name in COMPARISONS:
            return _comparison(scope, name, left, right)
        case expressions.FunctionCall(name, (left, right)) if name in ARITHMETIC:
            return _calculation(scope, name, _operand(scope, left), _operand(scope, right))
        case expressions.FunctionCall("neg", (inner,)):
            number = as_kind(scope.composition, _operand(scope, inner), "number", "neg")
            return SqlOperand(f"(- {number})", "number", "-…")
        case expressions.FunctionCall(name, arguments):
            return called(scope.composition, name, [_operand(scope, item) for item in arguments])


def _property(scope: ExpressionScope, parts: tuple[str, ...]) -> SqlOperand:
    """A property of the row, or of what it leads to."""
    steps = 0
    kind = scope.kind
    while steps < len(parts) and parts[steps] in kind.links:
        kind = KINDS[kind.links[parts[steps]].target]
        steps += 1
    path, rest = parts[:steps], parts[steps:]
    if not rest:
        raise scope.composition.refused(
            f"{'/'.join(parts)} is an entity, not a property; name its id or another property",
            f"{'/'.join(parts)} 是实体而不是属性；请指明其 id 或其他属性",
        )
    told = expressions.excerpt("/".join(parts))
    if rest[0] in ID and len(rest) == 1:
        alias, kind = scope.follow(path)
        return SqlOperand(f"({scope.composition.sql(kind.id_sql, alias)})", "text", told)
    member = kind.members.get(rest[0])
    if member is None or (len(rest) > 1 and member.kind != "json"):
        raise unknown_property(scope.composition, kind, rest[0] if member is None else told)
    alias, _ = scope.follow(path)
    sql = f"({scope.composition.sql(member.sql, alias)})"
    if len(rest) > 1:
        sql = f"({sql} #> {scope.composition.bind(list(rest[1:]), 'text[]')})"
    return SqlOperand(sql, member.kind, told)


def walked(tree: expressions.Expression) -> Iterator[expressions.Expression]:
    """A tree and all that is in it."""
    yield tree
    if isinstance(tree, expressions.FunctionCall):
        for part in tree.arguments:
            yield from walked(part)


def unknown_property(composition: Composition, kind: EntityKind, name: str) -> InvalidInput:
    """The error of a property that is not there."""
    known = ", ".join(("id", *kind.members, *kind.links))
    return composition.refused(
        f"{expressions.excerpt(name)!r} is not a property of {kind.name}; there are {known}",
        f"{expressions.excerpt(name)!r} 不是 {kind.name} 的属性；可用：{known}",
    )


def _comparison(
    scope: ExpressionScope, name: str, left: expressions.Expression, right: expressions.Expression
) -> SqlOperand:
    named = _known_id(scope, name, left, right) or _known_id(scope, name, right, left)
    if named is not None:
        return named
    first, second = _operand(scope, left), _operand(scope, right)
    if "null" in {first.kind, second.kind}:
        return _nullness(scope, name, first, second)
    kinds: list[Kind] = [item.kind for item in (first, second) if item.kind != "json"]
    kind = kinds[0] if kinds else "text"
    comparable = ORDERED | ({"boolean"} if name in {"eq", "ne"} else set())
    if "interval" in kinds and not {*kinds} - {"interval", "moment"} and len(kinds) == 2:
        periods = (_period(item) for item in (first, second))
        sql = f" {OF_PERIODS[name]} ".join(periods)
        return SqlOperand(f"({sql})", "boolean", "the comparison")
    if kind not in comparable or {first.kind, second.kind} - {kind, "json"}:
        one, other = first.described, second.described
        raise scope.composition.refused(
            f"{one.en} cannot be compared with {other.en} by {name}",
            f"{one.zh} 不能与 {other.zh} 用 {name} 比较",
        )
    sides = [as_kind(scope.composition, item, kind, name) for item in (first, second)]
    return SqlOperand(f"({f' {COMPARISONS[name]} '.join(sides)})", "boolean", "the comparison")


def _period(operand: SqlOperand) -> str:
    """SQL of a period, which a time is by itself; an unknown time is none, and not all of time."""
    if operand.kind == "interval":
        return operand.sql
    return f"nullif(tstzrange({operand.sql}, {operand.sql}, '[]'), '(,)')"


def _nullness(
    scope: ExpressionScope, name: str, first: SqlOperand, second: SqlOperand
) -> SqlOperand:
    asked = second if first.kind == "null" else first
    if name not in {"eq", "ne"} or asked.kind == "null":
        raise scope.composition.refused(
            "null is only compared by eq and ne, with a property", "null 只能用 eq 或 ne 与属性比较"
        )
    word = "IS NULL" if name == "eq" else "IS NOT NULL"
    plain = f"({asked.sql} #>> '{{}}')" if asked.kind == "json" else asked.sql
    return SqlOperand(f"({plain} {word})", "boolean", "the comparison")


def _known_id(
    scope: ExpressionScope, name: str, tree: expressions.Expression, other: expressions.Expression
) -> SqlOperand | None:
    """An id that is told, as a condition on columns: so indexes serve it.

    The id of what the row leads to is read from the row itself where that knows it.
    """
    if (
        name != "eq"
        or not isinstance(tree, expressions.PropertyPath)
        or not isinstance(other, expressions.Constant)
    ):
        return None
    *steps, last = tree.parts
    if last not in ID or not isinstance(other.value, str):
        return None
    kind, known = scope.kind, 0
    targets = [kind]
    for step in steps:
        if step not in kind.links:
            return None
        kind = KINDS[kind.links[step].target]
        targets.append(kind)
    key = kind.parse(other.value)
    if key is None:
        return SqlOperand("false", "boolean", "the comparison")
    while known < len(steps) and not (
        key.keys() <= targets[known].columns and not _many(targets[known], tuple(steps[known:]))
    ):
        known += 1
    alias, _ = scope.follow(tuple(steps[:known]))
    return SqlOperand(f"({scope.composition.same(alias, key)})", "boolean", "the comparison")


def _calculation(
    scope: ExpressionScope, name: str, left: SqlOperand, right: SqlOperand
) -> SqlOperand:
    """Arithmetic of numbers; times and durations are added and subtracted too."""
    composition, kinds = scope.composition, (left.kind, right.kind)
    if name in {"add", "sub"} and kinds == ("moment", "duration"):
        return SqlOperand(
            f"({left.sql} {'+' if name == 'add' else '-'} {right.sql})", "moment", "…"
        )
    if name == "sub" and kinds == ("moment", "moment"):
        return SqlOperand(f"({left.sql} - {right.sql})", "duration", "…")
    first, second = (as_kind(composition, item, "number", name) for item in (left, right))
    sql = ARITHMETIC[name].replace("{0}", first).replace("{1}", second)
    return SqlOperand(sql, "number", f"{left.told} {name} {right.told}"[:60])


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
        raise expressions.refused(SKIPTOKEN, "is of another order", "与排序不符")
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
