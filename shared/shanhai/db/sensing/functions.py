"""The functions of `$filter` and `$orderby`: what they take, what they give, and their SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shanhai.db.sensing.model import Kind
from shanhai.db.sensing.operands import KINDS, Composition, Operand
from shanhai.db.sensing.tokens import excerpt


@dataclass(frozen=True, slots=True)
class Function:
    """A function: `{0}`, `{1}` … in its SQL are its arguments, of the kinds of `takes`."""

    takes: tuple[Kind, ...]
    gives: Kind
    sql: str


def _text(sql: str, gives: Kind = "text", *more: Kind) -> Function:
    return Function(("text", *more), gives, sql)


def _part(unit: str) -> Function:
    """A part of a time, as a calendar in UTC has it."""
    sql = f"CAST(extract({unit} FROM {{0}} AT TIME ZONE 'UTC') AS double precision)"
    return Function(("moment",), "number", sql)


def _relation(name: str) -> Function:
    return Function(("geometry", "geometry"), "boolean", f"{name}({{0}}, {{1}})")


def _rounding(name: str) -> Function:
    return Function(("number",), "number", f"{name}({{0}})")


MIDNIGHT = "(date_trunc('day', {0} AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')"
FUNCTIONS: Mapping[str, Function] = {
    # OData 4: which text is looked for in which stands the other way round in `substringof`.
    "substringof": _text("(strpos({1}, {0}) > 0)", "boolean", "text"),
    "contains": _text("(strpos({0}, {1}) > 0)", "boolean", "text"),
    "startswith": _text("starts_with({0}, {1})", "boolean", "text"),
    "endswith": _text("(right({0}, length({1})) = {1})", "boolean", "text"),
    "length": _text("CAST(length({0}) AS double precision)", "number"),
    "indexof": _text("CAST(strpos({0}, {1}) - 1 AS double precision)", "number", "text"),
    "tolower": _text("lower({0})"),
    "toupper": _text("upper({0})"),
    "trim": _text("btrim({0})"),
    "concat": _text("({0} || {1})", "text", "text"),
    "year": _part("year"),
    "month": _part("month"),
    "day": _part("day"),
    "hour": _part("hour"),
    "minute": _part("minute"),
    "second": Function(
        ("moment",), "number", "CAST(floor(extract(second FROM {0})) AS double precision)"
    ),
    "fractionalseconds": Function(
        ("moment",),
        "number",
        "CAST(extract(second FROM {0}) - floor(extract(second FROM {0})) AS double precision)",
    ),
    "date": Function(("moment",), "moment", MIDNIGHT),
    "now": Function((), "moment", "now()"),
    "round": _rounding("round"),
    "floor": _rounding("floor"),
    "ceiling": _rounding("ceil"),
    # In the system's own unit, as OData has it: degrees.
    "geo.distance": Function(("geometry", "geometry"), "number", "ST_Distance({0}, {1})"),
    "geo.length": Function(("geometry",), "number", "ST_Length({0})"),
    "geo.intersects": _relation("ST_Intersects"),
    "st_equals": _relation("ST_Equals"),
    "st_disjoint": _relation("ST_Disjoint"),
    "st_touches": _relation("ST_Touches"),
    "st_within": _relation("ST_Within"),
    "st_overlaps": _relation("ST_Overlaps"),
    "st_crosses": _relation("ST_Crosses"),
    "st_intersects": _relation("ST_Intersects"),
    "st_contains": _relation("ST_Contains"),
}


def called(composition: Composition, name: str, arguments: Sequence[Operand]) -> Operand:
    """The value of a function.

    Raises:
        InvalidInput: there is none of this name, or it takes other arguments.
    """
    function = FUNCTIONS.get(name)
    if function is None:
        known = ", ".join(sorted(FUNCTIONS))
        raise composition.refused(
            f"{excerpt(name)!r} is not a function; there are {known}",
            f"{excerpt(name)!r} 不是可用的函数；可用：{known}",
        )
    if len(arguments) != len(function.takes):
        raise composition.refused(
            f"{name} takes {len(function.takes)} arguments, not {len(arguments)}",
            f"{name} 需要 {len(function.takes)} 个参数，而不是 {len(arguments)} 个",
        )
    given = [
        as_kind(composition, argument, kind, name)
        for argument, kind in zip(arguments, function.takes, strict=True)
    ]
    sql = function.sql
    for number, argument in enumerate(given):
        sql = sql.replace(f"{{{number}}}", argument)
    return Operand(sql, function.gives, f"{name}(…)")


def as_kind(composition: Composition, operand: Operand, kind: Kind, where: str) -> str:
    """SQL of an operand as a value of a kind.

    Raises:
        InvalidInput: it is of another kind.
    """
    if operand.kind == "json":
        return of_json(operand.sql, kind)
    if operand.kind != kind:
        told, wanted = operand.described, KINDS[kind]
        raise composition.refused(
            f"{where} takes {wanted.en}, not {told.en}",
            f"{where} 需要{wanted.zh}，而不是 {told.zh}",
        )
    return operand.sql


def of_json(sql: str, kind: Kind) -> str:
    """SQL of what lies in a JSON document as a value of a kind; null where it is of another."""
    plain = f"({sql} #>> '{{}}')"
    match kind:
        case "number":
            return (
                f"(CASE WHEN jsonb_typeof({sql}) = 'number'"
                f" THEN CAST({plain} AS double precision) END)"
            )
        case "boolean":
            return f"(CASE WHEN jsonb_typeof({sql}) = 'boolean' THEN CAST({plain} AS boolean) END)"
        case "text":
            return f"(CASE WHEN jsonb_typeof({sql}) = 'string' THEN {plain} END)"
        case _:
            return "NULL"
