"""The operands of a filter, and arithmetic that cannot fail: their SQL and their kinds."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from shanhai.db.features.cql2.parser import check_operands, exceeded, excerpt, refused
from shanhai.db.features.crs import Crs
from shanhai.db.features.entity import Entity, Property
from shanhai.db.features.property_values import AMOUNTS, FLOATS_BELOW
from shanhai.errors import InvalidInput
from shanhai.vocabulary import Label

Kind = Literal["text", "number", "boolean", "date", "moment", "geometry", "other"]
Constant = str | bool | Decimal | date | datetime | bytes

KINDS: Mapping[Kind, Label] = {
    "text": Label("文本", "a text"),
    "number": Label("数值", "a number"),
    "boolean": Label("布尔值", "a boolean"),
    "date": Label("日期", "a date"),
    "moment": Label("时刻", "a timestamp"),
    "geometry": Label("几何", "a geometry"),
    "other": Label("列表或对象", "a list or an object"),
}
TYPES: Mapping[Kind, str] = {
    "text": "text",
    "boolean": "boolean",
    "date": "date",
    "moment": "timestamptz",
}
"""What PostgreSQL calls the kinds of constants; numbers and geometries are told apart below."""
MAX_BIGINT = 2**63 - 1
WIDEST_INTEGER = 19
WIDEST_NUMBER = 340
"""Digits a property can have before or after its decimal point."""

DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class FilterOperand:
    """A value in a filter.

    Attributes:
        told: How messages name it.
        sql: Its SQL; empty for a constant, which is bound once it is known as what.
        constant: The value itself when the filter gives it.
        digits: How many digits a number can have, on either side of its decimal point.
        computed: It is the result of arithmetic, a `numeric`.
        money: It is an amount of money, with which texts of digits are compared, too.
        near: SQL of an indexed geometry whose box holds that of this one, which has no index.
        mixed: It is a collection of geometries of several dimensions.
    """

    kind: Kind
    told: str
    sql: str = ""
    constant: Constant | None = None
    digits: int = 0
    computed: bool = False
    money: bool = False
    near: str | None = None
    mixed: bool = False

    def described(self) -> Label:
        """The operand and its kind, for messages."""
        kind = KINDS[self.kind]
        return Label(f"{self.told}（{kind.zh}）", f"{self.told} ({kind.en})")


@dataclass(slots=True)
class FilterContext:
    """What a filter is compiled for, and the values bound so far."""

    entity: Entity
    crs: Crs
    values: dict[str, object] = field(default_factory=dict)
    operands: int = 0
    vertices: int = 0
    properties: set[str] = field(default_factory=set)

    def bind(self, value: object, kind: str) -> str:
        """SQL that reads a value given apart from the SQL."""
        name = f"q_{len(self.values)}"
        self.values[name] = value
        return f"CAST(:{name} AS {kind})"

    def count_operand(self) -> None:
        """Count one more operand of the filter."""
        self.operands += 1
        check_operands(self.operands)

    def write(self, operand: FilterOperand, kind: Kind) -> str:
        """SQL of an operand as a value of a kind it can be read as."""
        if operand.constant is not None:
            return self._write_constant(operand.constant, kind)
        if operand.kind == "date" and kind == "moment":
            return f"(CAST({operand.sql} AS timestamp) AT TIME ZONE 'UTC')"
        return operand.sql

    def _write_constant(self, constant: Constant, kind: Kind) -> str:
        if isinstance(constant, Decimal):
            return self.write_number(constant)
        if kind == "moment" and isinstance(constant, date) and not isinstance(constant, datetime):
            constant = datetime(constant.year, constant.month, constant.day, tzinfo=UTC)
        return self.bind(constant, TYPES[kind])

    def write_number(self, number: Decimal) -> str:
        """SQL of a number: whole ones as such, so that indexes of whole numbers serve them."""
        if is_bigint(number):
            return self.bind(int(number), "bigint")
        return self.bind(number, "numeric")


def is_bigint(number: Decimal) -> bool:
    """Whether PostgreSQL holds a number as `bigint`."""
    return number == number.to_integral_value() and abs(number) <= MAX_BIGINT


def property_operand(context: FilterContext, name: str) -> FilterOperand:
    """A property of the entity, by the name clients know it by."""
    context.count_operand()
    if name == "geometry" and context.entity.geometry is not None:
        return FilterOperand("geometry", name, context.entity.geometry, near=context.entity.near)
    found = context.entity.declared(name)
    if found is None or not found.queryable:
        raise _unknown(context.entity, name)
    context.properties.add(name)
    kind = kind_of(found)
    # Said of what is a date already, the cast costs nothing and hides no index.
    sql = f"CAST({found.sql} AS {TYPES[kind]})" if kind in {"date", "moment"} else f"({found.sql})"
    digits = WIDEST_INTEGER if found.schema["type"] == "integer" else WIDEST_NUMBER
    money = found.schema.get("format") == "decimal"
    return FilterOperand(kind, name, sql, digits=digits, money=money)


def _unknown(entity: Entity, name: str) -> InvalidInput:
    names = [item.name for item in entity.queryables]
    known = ", ".join(names if entity.geometry is None else ["geometry", *names])
    shown = excerpt(name)
    return refused(
        f"{shown!r} is not a queryable property of {entity.name}; queryable: {known}",
        f"{shown!r} 不是 {entity.name} 的可查询属性；可查询的有：{known}",
    )


def kind_of(declared: Property) -> Kind:
    """The kind of a property's values."""
    match declared.schema["type"], declared.schema.get("format"):
        case "string", "date":
            return "date"
        case "string", "date-time":
            return "moment"
        case "string", "decimal":
            return "number"
        case "string", _:
            return "text"
        case "integer" | "number", _:
            return "number"
        case "boolean", _:
            return "boolean"
        case _:
            return "other"


def number_operand(context: FilterContext, number: float) -> FilterOperand:
    """A number the filter gives."""
    context.count_operand()
    if not math.isfinite(number):
        raise refused("numbers must be finite", "数值必须是有限的")
    # The shortest text of the double is the number that was written.
    value = Decimal(repr(number))
    _, digits, exponent = value.as_tuple()
    wide = len(digits) + abs(int(exponent))
    return FilterOperand("number", f"{number:.15g}", constant=value, digits=wide)


def text_operand(context: FilterContext, text: str) -> FilterOperand:
    """A text the filter gives."""
    context.count_operand()
    if "\x00" in text:
        raise refused("texts must not contain NUL", "文本不得含有 NUL")
    return FilterOperand("text", repr(excerpt(text)), constant=text)


def boolean_operand(context: FilterContext, value: bool) -> FilterOperand:
    """A truth value the filter gives."""
    context.count_operand()
    return FilterOperand("boolean", "true" if value else "false", constant=value)


def temporal_operand(context: FilterContext, text: object, kind: Kind) -> FilterOperand:
    """A date or moment the filter gives."""
    context.count_operand()
    value = parse_date(text) if kind == "date" else parse_moment(text)
    return FilterOperand(kind, str(text), constant=value)


def parse_date(text: object) -> date:
    """A day of the calendar."""
    try:
        if isinstance(text, str) and DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    shown = excerpt(str(text))
    raise refused(
        f"{shown!r} is not a date, such as 2026-01-31", f"{shown!r} 不是日期，例如 2026-01-31"
    )


def parse_moment(text: object) -> datetime:
    """A moment, in UTC."""
    try:
        if isinstance(text, str) and MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    shown = excerpt(str(text))
    raise refused(
        f"{shown!r} is not a timestamp, such as 2026-01-31T08:00:00Z",
        f"{shown!r} 不是时刻，例如 2026-01-31T08:00:00Z",
    )


def read_as_time(operand: FilterOperand) -> FilterOperand:
    """A text constant that stands where a date or moment is meant, as that."""
    text = operand.constant
    if not isinstance(text, str):
        return operand
    # GDAL writes a day as a moment that ends before its time.
    day = text.removesuffix("T")
    if DAY.fullmatch(day):
        return FilterOperand("date", operand.told, constant=parse_date(day))
    return FilterOperand("moment", operand.told, constant=parse_moment(text))


def read_as_money(operand: FilterOperand) -> FilterOperand:
    """A constant that stands where an amount is meant: a text of digits as its number."""
    given = operand.constant
    if isinstance(given, str) and AMOUNTS[4].fullmatch(given):
        value = Decimal(given)
        return FilterOperand("number", operand.told, constant=value, digits=len(given))
    if isinstance(given, Decimal) and abs(given) >= FLOATS_BELOW and given % 1:
        raise refused(
            f"{operand.told} may be another amount than was written; write it as a string",
            f"{operand.told} 可能与所写金额不同，请写成字符串",
        )
    return operand


def read_as_truth(operand: FilterOperand) -> FilterOperand:
    """The number 1 or 0 that stands where a boolean is meant, as GDAL writes it, as that."""
    if isinstance(operand.constant, Decimal) and operand.constant in {0, 1}:
        return FilterOperand("boolean", operand.told, constant=bool(operand.constant))
    return operand


ARITHMETIC = frozenset({"+", "-", "*", "/", "%", "div", "^"})
MAX_DIGITS = 20_000
"""Far below what `numeric` holds, and quick to multiply."""

DOUBLE = (
    "(SELECT CASE WHEN abs(w.n) < 1e300 THEN CAST(round(w.n, 300) AS float8) END"
    " FROM (SELECT {number} AS n OFFSET 0) w)"
)
"""A `numeric` as a double; null when it is beyond one."""
POWER = (
    "(SELECT CAST(CASE WHEN v.x = 0 THEN CASE WHEN v.y > 0 THEN 0 WHEN v.y = 0 THEN 1 END"
    " WHEN abs(v.y) > 1e6 OR v.x < 0 AND v.y <> floor(v.y) THEN NULL"
    " WHEN abs(ln(abs(v.x)) * v.y) > 700 THEN NULL ELSE power(v.x, v.y) END AS numeric)"
    # Not merged into the query around it, which would compute constants before it asks for them.
    " FROM (SELECT {base} AS x, {exponent} AS y OFFSET 0) v)"
)


def calculated(
    context: FilterContext, operator: str, left: FilterOperand, right: FilterOperand
) -> FilterOperand:
    """The result of an operation on two numbers."""
    for operand in (left, right):
        if operand.kind != "number":
            what = operand.described()
            raise refused(
                f"{operator} computes with numbers, and {what.en} is none",
                f"{operator} 只能计算数值，而 {what.zh} 不是",
            )
    digits = _digits(operator, left, right)
    if digits > MAX_DIGITS:
        raise exceeded("a calculation could have too many digits", "计算结果的位数可能过多")
    first, second = numeric(context, left), numeric(context, right)
    told = f"{left.told} {operator} {right.told}"
    return FilterOperand(
        "number", told, _written(operator, first, second), digits=digits, computed=True
    )


def numeric(context: FilterContext, operand: FilterOperand) -> str:
    """SQL of a number as `numeric`."""
    if operand.computed:
        return operand.sql
    return f"CAST({context.write(operand, 'number')} AS numeric)"


def _digits(operator: str, left: FilterOperand, right: FilterOperand) -> int:
    """How many digits the result can have on either side of its point."""
    if operator in {"+", "-"}:
        return max(left.digits, right.digits) + 1
    return WIDEST_NUMBER if operator == "^" else left.digits + right.digits


def _written(operator: str, first: str, second: str) -> str:
    if operator == "^":
        base, exponent = (DOUBLE.format(number=number) for number in (first, second))
        return POWER.format(base=base, exponent=exponent)
    if operator == "div":
        return f"div({first}, nullif({second}, 0))"
    divisor = f"nullif({second}, 0)" if operator in {"/", "%"} else second
    return f"({first} {operator} {divisor})"
