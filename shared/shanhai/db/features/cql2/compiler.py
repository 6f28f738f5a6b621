"""From the tree of a filter to SQL: a closed set of operators over declared properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType

from shanhai.db.features.cql2 import parser, predicates
from shanhai.db.features.cql2.operands import (
    ARITHMETIC,
    FilterContext,
    FilterOperand,
    Kind,
    boolean_operand,
    calculated,
    is_bigint,
    number_operand,
    numeric,
    property_operand,
    read_as_money,
    read_as_time,
    read_as_truth,
    temporal_operand,
    text_operand,
)
from shanhai.db.features.crs import CRS84, Crs
from shanhai.db.features.entity import Entity
from shanhai.errors import InvalidInput

TIMES: frozenset[Kind] = frozenset({"date", "moment"})
COMPARISONS = frozenset({"=", "<>", "<", "<=", ">", ">="})


@dataclass(frozen=True, slots=True)
class Compiled:
    """A condition over an entity's rows.

    Attributes:
        values: The values of its binds, all named `q_…`.
        properties: The names of the properties it reads.
    """

    sql: str
    values: Mapping[str, object]
    properties: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def compile_filter(
    text: str,
    *,
    entity: Entity,
    language: parser.FilterLanguage = "cql2-text",
    crs: Crs = CRS84,
) -> Compiled:
    """A filter as SQL; `crs` is that of its coordinates.

    Raises:
        InvalidInput: it breaks a rule of the language, or means what cannot be filtered on.
    """
    context = FilterContext(entity, crs)
    tree = parser.read_tree(text, language)
    sql = condition(context, tree, 0)
    return Compiled(sql, MappingProxyType(context.values), frozenset(context.properties))


def condition(context: FilterContext, node: parser.Tree, depth: int) -> str:
    """SQL of a node that is true or false."""
    operand = operand_of(context, node, depth)
    if operand.kind != "boolean":
        told = operand.described()
        raise parser.refused(
            f"{told.en} stands where a condition must", f"{told.zh} 处应是条件表达式"
        )
    return context.write(operand, "boolean")


def operand_of(context: FilterContext, node: parser.Tree, depth: int) -> FilterOperand:
    """Any node as an operand; conditions are operands that are true or false."""
    parser.check_depth(depth)
    match node:
        case bool():
            return boolean_operand(context, node)
        case int() | float():
            return number_operand(context, float(node))
        case str():
            return text_operand(context, node)
        case {"property": str(name)}:
            return property_operand(context, name)
        case {"date": text}:
            return temporal_operand(context, text, "date")
        case {"timestamp": text}:
            return temporal_operand(context, text, "moment")
        case {"op": str(name), "args": list(arguments)}:
            return _operation(context, name, arguments, depth)
        case {"bbox": _} | {"type": _, "coordinates": _} | {"type": _, "geometries": _}:
            return predicates.geometry_operand(context, node)
        case None:
            raise parser.refused(
                "null cannot be compared with; ask IS NULL", "不能与 null 比较；请用 IS NULL"
            )
        case {"interval": _}:
            raise parser.refused(
                "an interval stands only in temporal functions", "区间只能用在时间函数中"
            )
        case _:
            raise parser.refused("a list stands only after IN", "列表只能用在 IN 之后")


def _operation(
    context: FilterContext, name: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    operator = name.lower()
    if operator in {"and", "or"}:
        return _junction(context, operator, arguments, depth + 1)
    for family, compiled in FAMILIES:
        if operator in family:
            _check_number(operator, arguments, family[operator])
            return compiled(context, operator, arguments, depth + 1)
    raise _not_allowed(name)


def _not_allowed(name: str) -> InvalidInput:
    known = ", ".join(sorted([*predicates.RELATIONS, *predicates.FUNCTIONS, "casei"]))
    shown = parser.excerpt(name)
    return parser.refused(
        f"{shown!r} is not a function filters can use; there are: {known}",
        f"{shown!r} 不是过滤器可用的函数；可用的有：{known}",
    )


def _check_number(operator: str, arguments: list[parser.Tree], wanted: int) -> None:
    if len(arguments) != wanted:
        raise parser.refused(
            f"{operator} takes {wanted} operands, not {len(arguments)}",
            f"{operator} 需要 {wanted} 个操作数，而不是 {len(arguments)} 个",
        )


def _truth(operator: str, sql: str) -> FilterOperand:
    return FilterOperand("boolean", operator, sql)


def _junction(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    if not arguments:
        raise parser.refused(f"{operator} takes operands", f"{operator} 需要操作数")
    joined = f" {operator.upper()} ".join(
        condition(context, argument, depth) for argument in arguments
    )
    return _truth(operator, f"({joined})")


def _negation(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    return _truth(operator, f"(NOT {condition(context, arguments[0], depth)})")


def _nullness(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    operand = operand_of(context, arguments[0], depth)
    if operand.constant is not None:
        raise parser.refused("only properties can be asked IS NULL", "IS NULL 只能用于属性")
    return _truth(operator, f"({operand.sql} IS NULL)")


def _comparison(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    operands = [operand_of(context, argument, depth) for argument in arguments]
    first, second = _alike(context, operator, *operands)
    return _truth(operator, f"({first} {operator} {second})")


def _range(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    operands = [operand_of(context, argument, depth) for argument in arguments]
    value, low, high = _alike(context, operator, *operands)
    return _truth(operator, f"({value} BETWEEN {low} AND {high})")


def _membership(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    value = operand_of(context, arguments[0], depth)
    if not isinstance(arguments[1], list) or not arguments[1]:
        raise parser.refused("IN takes a list of values", "IN 之后应是非空列表")
    members = [operand_of(context, member, depth) for member in arguments[1]]
    array = _constant_array(context, members)
    if array is not None and value.kind == members[0].kind and not value.computed:
        return _truth(operator, f"({context.write(value, value.kind)} = ANY({array}))")
    first, *others = _alike(context, operator, value, *members)
    return _truth(operator, f"({first} IN ({', '.join(others)}))")


def _constant_array(context: FilterContext, members: list[FilterOperand]) -> str | None:
    """Texts or numbers as one bind: so the statement is the same however many there are."""
    given = [member.constant for member in members]
    if all(isinstance(item, str) for item in given):
        return context.bind(given, "text[]")
    numbers = [item for item in given if isinstance(item, Decimal)]
    if len(numbers) < len(given):
        return None
    if all(map(is_bigint, numbers)):
        return context.bind([int(number) for number in numbers], "bigint[]")
    return context.bind(numbers, "numeric[]")


def _likeness(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    value, pattern = (operand_of(context, argument, depth) for argument in arguments)
    for operand in (value, pattern):
        if operand.kind != "text":
            told = operand.described()
            raise parser.refused(
                f"LIKE compares texts, and {told.en} is none",
                f"LIKE 只能比较文本，而 {told.zh} 不是",
            )
    _check_pattern(arguments[1])
    sides = context.write(value, "text"), context.write(pattern, "text")
    return _truth(operator, f"({sides[0]} LIKE {sides[1]})")


def _check_pattern(node: parser.Tree) -> None:
    """A pattern is a constant, perhaps in `casei`, that does not end amid an escape."""
    while isinstance(node, dict) and node.get("op") == "casei":
        node = node["args"][0]
    if not isinstance(node, str):
        raise parser.refused("the pattern of LIKE must be a text", "LIKE 的模式必须是文本常量")
    if (len(node) - len(node.rstrip("\\"))) % 2:
        raise parser.refused(
            "the pattern of LIKE must not end with an escape", "LIKE 的模式不得以转义符结尾"
        )


def _case_insensitive(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    operand = operand_of(context, arguments[0], depth)
    if operand.kind != "text":
        told = operand.described()
        raise parser.refused(
            f"casei takes a text, not {told.en}", f"casei 需要文本，而不是 {told.zh}"
        )
    return FilterOperand("text", operand.told, f"lower({context.write(operand, 'text')})")


def _calculation(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    left, right = (operand_of(context, argument, depth) for argument in arguments)
    return calculated(context, operator, left, right)


def _temporal_relation(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    left, right = (_span(context, argument, depth) for argument in arguments)
    return _truth(operator, predicates.temporal_relation(context, operator, left, right))


def _span(context: FilterContext, node: parser.Tree, depth: int) -> predicates.TemporalInterval:
    match node:
        case {"interval": [start, end]}:
            ends = [
                None if item == predicates.OPEN else operand_of(context, item, depth + 1)
                for item in (start, end)
            ]
            return predicates.interval_span(*ends)
        case {"interval": _}:
            raise parser.refused("an interval has two ends", "区间有起点和终点两项")
        case _:
            return predicates.instant_span(operand_of(context, node, depth))


def _spatial_relation(
    context: FilterContext, operator: str, arguments: list[parser.Tree], depth: int
) -> FilterOperand:
    left, right = (operand_of(context, argument, depth) for argument in arguments)
    for operand in (left, right):
        if operand.kind != "geometry":
            told = operand.described()
            raise parser.refused(
                f"{operator} takes geometries, not {told.en}",
                f"{operator} 需要几何，而不是 {told.zh}",
            )
    return _truth(operator, predicates.spatial_relation(operator, left, right))


def _alike(context: FilterContext, operator: str, *operands: FilterOperand) -> list[str]:
    """SQL of operands as values of one kind."""
    kinds = {operand.kind for operand in operands}
    if kinds & TIMES:
        operands = tuple(map(read_as_time, operands))
    elif "boolean" in kinds:
        operands = tuple(map(read_as_truth, operands))
    elif any(operand.money for operand in operands):
        operands = tuple(map(read_as_money, operands))
    kinds = {operand.kind for operand in operands}
    kind: Kind = "moment" if kinds == TIMES else operands[0].kind
    if (kinds != {kind} and kinds != TIMES) or kind in {"geometry", "other"}:
        other = next((item for item in operands if item.kind != kind), operands[-1])
        raise _unlike(operator, operands[0], other)
    if kind == "number" and any(operand.computed for operand in operands):
        return [numeric(context, operand) for operand in operands]
    return [context.write(operand, kind) for operand in operands]


def _unlike(operator: str, left: FilterOperand, right: FilterOperand) -> InvalidInput:
    first, second = left.described(), right.described()
    return parser.refused(
        f"{first.en} cannot be compared with {second.en}: {operator} takes values of one type",
        f"{first.zh} 不能与 {second.zh} 比较：{operator} 两侧须是同一类型",
    )


Compile = Callable[[FilterContext, str, list[parser.Tree], int], FilterOperand]
FAMILIES: tuple[tuple[Mapping[str, int], Compile], ...] = (
    (dict.fromkeys(COMPARISONS, 2), _comparison),
    ({"not": 1}, _negation),
    ({"isnull": 1}, _nullness),
    ({"between": 3}, _range),
    ({"in": 2}, _membership),
    ({"like": 2}, _likeness),
    ({"casei": 1}, _case_insensitive),
    (dict.fromkeys(ARITHMETIC, 2), _calculation),
    (dict.fromkeys(predicates.RELATIONS, 2), _temporal_relation),
    (dict.fromkeys(predicates.FUNCTIONS, 2), _spatial_relation),
)
"""The operators there are: how many operands each takes, and what compiles it."""
