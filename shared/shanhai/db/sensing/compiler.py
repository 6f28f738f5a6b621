"""From the trees of `$filter` and `$orderby` to SQL, over the declared entities alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from shanhai.db.sensing.expressions import Call, Constant, Expression, Path
from shanhai.db.sensing.functions import as_kind, called
from shanhai.db.sensing.model import KINDS, EntityKind, Kind, Link
from shanhai.db.sensing.operands import Composition, Operand
from shanhai.db.sensing.tokens import excerpt
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
ORDERED = frozenset({"text", "number", "moment", "duration"})
ARITHMETIC: Mapping[str, str] = {
    "add": "({0} + {1})",
    "sub": "({0} - {1})",
    "mul": "({0} * {1})",
    "div": "({0} / nullif({1}, 0))",
    "mod": "CAST(mod(CAST({0} AS numeric), CAST(nullif({1}, 0) AS numeric)) AS double precision)",
}


@dataclass(slots=True)
class Scope:
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


def linked(link: Link, here: str, there: str) -> str:
    """The condition that rows belong together."""
    if link.sql is not None:
        return link.sql.replace("{here}", here).replace("{there}", there)
    return " AND ".join(f"{there}.{name} = {here}.{name}" for name in link.on)


def condition(composition: Composition, kind: EntityKind, alias: str, tree: Expression) -> str:
    """SQL of a tree that is true or false of a row.

    Where it speaks of entities the row leads to, it holds when it does of any one of them.

    Raises:
        InvalidInput: it names what is not there, or compares what cannot be compared.
    """
    match tree:
        case Call("and" | "or" as operator, parts):
            sides = (condition(composition, kind, alias, part) for part in parts)
            return f"({f' {operator.upper()} '.join(sides)})"
        case Call("not", (inner,)):
            return f"(NOT {condition(composition, kind, alias, inner)})"
    scope = Scope(composition, kind, alias)
    sql = as_kind(composition, _operand(scope, tree), "boolean", composition.parameter)
    if not scope.joined:
        return sql
    met = " AND ".join((*scope.conditions, sql))
    # Constants of this code; callers' values are bound.
    return f"EXISTS (SELECT FROM {scope.sources()} WHERE {met})"


def ordering_value(
    composition: Composition, kind: EntityKind, alias: str, tree: Expression
) -> Operand:
    """What rows are ordered by; one value for each of them.

    Raises:
        InvalidInput: it names what is not there, or what has no order.
    """
    scope = Scope(composition, kind, alias)
    found = _operand(scope, tree)
    if found.kind == "json":
        found = Operand(f"({found.sql} #>> '{{}}')", "text", found.told)
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
    return Operand(sql, found.kind, found.told)


def _many(kind: EntityKind, path: tuple[str, ...]) -> bool:
    for name in path:
        link = kind.links[name]
        if link.many:
            return True
        kind = KINDS[link.target]
    return False


def _operand(scope: Scope, tree: Expression) -> Operand:
    match tree:
        case Constant():
            return scope.composition.constant(tree)
        case Path(parts):
            return _property(scope, parts)
        case Call("and" | "or" | "not"):
            sql = condition(scope.composition, scope.kind, scope.alias, tree)
            return Operand(sql, "boolean", "the condition")
        case Call(name, (left, right)) if name in COMPARISONS:
            return _comparison(scope, name, left, right)
        case Call(name, (left, right)) if name in ARITHMETIC:
            return _calculation(scope, name, _operand(scope, left), _operand(scope, right))
        case Call("neg", (inner,)):
            number = as_kind(scope.composition, _operand(scope, inner), "number", "neg")
            return Operand(f"(- {number})", "number", "-…")
        case Call(name, arguments):
            return called(scope.composition, name, [_operand(scope, item) for item in arguments])


def _property(scope: Scope, parts: tuple[str, ...]) -> Operand:
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
    told = excerpt("/".join(parts))
    if rest[0] in ID and len(rest) == 1:
        alias, kind = scope.follow(path)
        return Operand(f"({scope.composition.sql(kind.id_sql, alias)})", "text", told)
    member = kind.members.get(rest[0])
    if member is None or (len(rest) > 1 and member.kind != "json"):
        raise unknown_property(scope.composition, kind, rest[0] if member is None else told)
    alias, _ = scope.follow(path)
    sql = f"({scope.composition.sql(member.sql, alias)})"
    if len(rest) > 1:
        sql = f"({sql} #> {scope.composition.bind(list(rest[1:]), 'text[]')})"
    return Operand(sql, member.kind, told)


def walked(tree: Expression) -> Iterator[Expression]:
    """A tree and all that is in it."""
    yield tree
    if isinstance(tree, Call):
        for part in tree.arguments:
            yield from walked(part)


def unknown_property(composition: Composition, kind: EntityKind, name: str) -> InvalidInput:
    """The error of a property that is not there."""
    known = ", ".join(("id", *kind.members, *kind.links))
    return composition.refused(
        f"{excerpt(name)!r} is not a property of {kind.name}; there are {known}",
        f"{excerpt(name)!r} 不是 {kind.name} 的属性；可用：{known}",
    )


def _comparison(scope: Scope, name: str, left: Expression, right: Expression) -> Operand:
    named = _known_id(scope, name, left, right) or _known_id(scope, name, right, left)
    if named is not None:
        return named
    first, second = _operand(scope, left), _operand(scope, right)
    if "null" in {first.kind, second.kind}:
        return _nullness(scope, name, first, second)
    kinds: list[Kind] = [item.kind for item in (first, second) if item.kind != "json"]
    kind = kinds[0] if kinds else "text"
    comparable = ORDERED | ({"boolean"} if name in {"eq", "ne"} else set())
    if kind not in comparable or {first.kind, second.kind} - {kind, "json"}:
        one, other = first.described, second.described
        raise scope.composition.refused(
            f"{one.en} cannot be compared with {other.en} by {name}",
            f"{one.zh} 不能与 {other.zh} 用 {name} 比较",
        )
    sides = [as_kind(scope.composition, item, kind, name) for item in (first, second)]
    return Operand(f"({f' {COMPARISONS[name]} '.join(sides)})", "boolean", "the comparison")


def _nullness(scope: Scope, name: str, first: Operand, second: Operand) -> Operand:
    asked = second if first.kind == "null" else first
    if name not in {"eq", "ne"} or asked.kind == "null":
        raise scope.composition.refused(
            "null is only compared by eq and ne, with a property", "null 只能用 eq 或 ne 与属性比较"
        )
    word = "IS NULL" if name == "eq" else "IS NOT NULL"
    plain = f"({asked.sql} #>> '{{}}')" if asked.kind == "json" else asked.sql
    return Operand(f"({plain} {word})", "boolean", "the comparison")


def _known_id(scope: Scope, name: str, tree: Expression, other: Expression) -> Operand | None:
    """An id that is told, as a condition on columns: so indexes serve it.

    The id of what the row leads to is read from the row itself where that knows it.
    """
    if name != "eq" or not isinstance(tree, Path) or not isinstance(other, Constant):
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
        return Operand("false", "boolean", "the comparison")
    while known < len(steps) and not (
        key.keys() <= targets[known].columns and not _many(targets[known], tuple(steps[known:]))
    ):
        known += 1
    alias, _ = scope.follow(tuple(steps[:known]))
    return Operand(f"({scope.composition.same(alias, key)})", "boolean", "the comparison")


def _calculation(scope: Scope, name: str, left: Operand, right: Operand) -> Operand:
    """Arithmetic of numbers; times and durations are added and subtracted too."""
    composition, kinds = scope.composition, (left.kind, right.kind)
    if name in {"add", "sub"} and kinds == ("moment", "duration"):
        return Operand(f"({left.sql} {'+' if name == 'add' else '-'} {right.sql})", "moment", "…")
    if name == "sub" and kinds == ("moment", "moment"):
        return Operand(f"({left.sql} - {right.sql})", "duration", "…")
    first, second = (as_kind(composition, item, "number", name) for item in (left, right))
    sql = ARITHMETIC[name].replace("{0}", first).replace("{1}", second)
    return Operand(sql, "number", f"{left.told} {name} {right.told}"[:60])
