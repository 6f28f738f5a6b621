"""Values of properties: what their JSON schema demands, and what they are in Python."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shanhai.db.features.entity import digits_after_point
from shanhai.errors import Fault
from shanhai.validation import NO_END, is_end
from shanhai.vocabulary import Label

LONGEST_TEXT = 20_000
MOST_SHOWN = 60
"""Characters of a value that a report repeats."""
MOST_ELEMENTS = 10_000
LARGEST_INTEGER = 2**31 - 1
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
KINDS: Mapping[str, tuple[tuple[type, ...], Label]] = {
    "string": ((str,), Label("必须是字符串", "must be a string")),
    "integer": ((int,), Label("必须是整数", "must be a whole number")),
    "number": ((int, float), Label("必须是数字", "must be a number")),
    "boolean": ((bool,), Label("必须是 true 或 false", "must be true or false")),
    "array": ((list,), Label("必须是数组", "must be an array")),
    "object": ((dict,), Label("必须是对象", "must be an object")),
}
NUL = Label("文本不得包含 NUL 字符", "must not contain NUL")
NO_DAY = Label("必须是 YYYY-MM-DD 形式的日期", "must be a date as YYYY-MM-DD")
NO_MOMENT = Label(
    "必须是带时区的 RFC 3339 时间", "must be an RFC 3339 date-time with an offset such as Z"
)
UUID_TEXT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
FORMATS = {
    "date": (DAY, NO_DAY),
    "date-time": (MOMENT, NO_MOMENT),
    "uuid": (UUID_TEXT, Label("必须是 UUID", "must be a UUID")),
}
NO_PATTERN = Label("必须符合格式 {}", "must match {}")
AMOUNTS = {digits: re.compile(rf"0*\d{{1,14}}(\.\d{{1,{digits}}})?", re.ASCII) for digits in (2, 4)}
"""How an amount is written, by its digits after the point."""
FLOATS_BELOW = 1e13
"""Below it floats keep two digits after the point."""
NO_AMOUNTS = {
    digits: Label(
        f"必须是不为负、小于 10^14、小数点后至多{zh}位的十进制数，写成字符串或数字；"
        f"10^{15 - digits} 及以上的非整数须写成字符串",
        f"must be a decimal number from 0 to below 10^14 with at most {en} digits after the point,"
        f" as a string or a number; 10^{15 - digits} and more, where not whole, as a string",
    )
    for digits, zh, en in ((2, "两", "two"), (4, "四", "four"))
}
NOT_FINITE = Label("必须是有限的数", "must be a finite number")


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that a value breaks, and where inside the value, as the end of a JSON pointer."""

    where: str
    rule: Label

    def under(self, pointer: str, value: object) -> Fault:
        """The fault in a body that holds the value at `pointer`, told where it is wrong itself."""
        told = self.rule if self.where or self.rule is NUL else told_value(value, self.rule)
        return Fault(pointer + self.where, told.en, told.zh)


def broken_rules(schema: Mapping[str, Any], value: object) -> Iterator[Broken]:
    """What is wrong with a value that is not null."""
    if schema.get("format") == "decimal":
        digits = digits_after_point(schema)
        if amount_of(value, digits) is None:
            yield Broken("", NO_AMOUNTS[digits])
        return
    kinds, told = KINDS[schema["type"]]
    if type(value) not in kinds:
        yield Broken("", told)
        return
    if isinstance(value, str):
        yield from _of_text(schema, value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _of_number(schema, value)
    elif isinstance(value, list):
        yield from _of_elements(schema, value)
    elif isinstance(value, dict):
        yield from _of_members(schema, value)
    choice = schema.get("enum")
    if choice is not None and value not in choice:
        listed = ", ".join(map(str, choice))
        yield Broken("", Label(f"必须是以下之一：{listed}", f"must be one of {listed}"))


def told_value(value: Any, rule: Label) -> Label:
    """A rule with the value that breaks it, or its beginning."""
    shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    if len(shown) > MOST_SHOWN:
        shown = f"{shown[:MOST_SHOWN]}…"
    return Label(f"“{shown}”：{rule.zh}", f"{shown!r}: {rule.en}")


def python_value(schema: Mapping[str, Any], value: Any) -> Any:
    """A value without faults as PostgreSQL's driver wants it: dates, moments and UUIDs as such."""
    if schema.get("format") == "decimal":
        return amount_of(value, digits_after_point(schema))
    if not isinstance(value, str):
        return value
    match schema.get("format"):
        case "date":
            return date.fromisoformat(value)
        case "date-time":
            return datetime.fromisoformat(value.upper())
        case "uuid":
            return UUID(value)
    return value


def amount_of(value: object, digits: int = 2) -> Decimal | None:
    """An amount, with all its digits; None where it is none, or may not be what was meant.

    Args:
        digits: After the point: 2 of money, 4 of lengths and areas.
    """
    if isinstance(value, float) and abs(value) < FLOATS_BELOW / 10 ** (digits - 2):
        text = format(Decimal(repr(value)).normalize(), "f")
    elif isinstance(value, float) and value.is_integer():
        text = str(int(value))
    elif isinstance(value, int | Decimal | str) and not isinstance(value, bool):
        text = str(value)
    else:
        return None
    if not AMOUNTS[digits].fullmatch(text):
        return None
    return Decimal(text).quantize(Decimal(1).scaleb(-digits))


def told_amount(amount: Decimal) -> str:
    """An amount as it is told: with all its digits, which are two at least."""
    return f"{amount:f}" if int(amount.as_tuple().exponent) < -2 else f"{amount:.2f}"


def _of_text(schema: Mapping[str, Any], value: str) -> Iterator[Broken]:
    if "\x00" in value:
        yield Broken("", NUL)
    longest, shortest = schema.get("maxLength", LONGEST_TEXT), schema.get("minLength", 0)
    if len(value) > longest:
        yield Broken("", Label(f"至多 {longest} 个字符", f"must have at most {longest} characters"))
    if len(value) < shortest:
        yield Broken(
            "", Label(f"至少 {shortest} 个字符", f"must have at least {shortest} characters")
        )
    pattern = schema.get("pattern")
    if pattern is not None and re.search(pattern, value) is None:
        yield Broken("", Label(NO_PATTERN.zh.format(pattern), NO_PATTERN.en.format(pattern)))
    if (form := schema.get("format")) in FORMATS:
        written, told = FORMATS[form]
        try:
            found = python_value(schema, value) if written.fullmatch(value) else None
        except ValueError:
            found = None
        if found is None or (isinstance(found, date) and is_end(found)):
            yield Broken("", told if found is None else NO_END)


def _of_number(schema: Mapping[str, Any], value: float) -> Iterator[Broken]:
    if not math.isfinite(value):
        yield Broken("", NOT_FINITE)
        return
    whole = schema["type"] == "integer"
    least = schema.get("minimum", -LARGEST_INTEGER if whole else None)
    most = schema.get("maximum", LARGEST_INTEGER if whole else None)
    above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
    if least is not None and value < least:
        yield Broken("", Label(f"必须大于或等于 {least}", f"must be at least {least}"))
    if most is not None and value > most:
        yield Broken("", Label(f"必须小于或等于 {most}", f"must be at most {most}"))
    if above is not None and value <= above:
        yield Broken("", Label(f"必须大于 {above}", f"must be greater than {above}"))
    if below is not None and value >= below:
        yield Broken("", Label(f"必须小于 {below}", f"must be less than {below}"))


def _of_elements(schema: Mapping[str, Any], value: list[Any]) -> Iterator[Broken]:
    most, least = schema.get("maxItems", MOST_ELEMENTS), schema.get("minItems", 0)
    if len(value) > most:
        yield Broken("", Label(f"至多 {most} 项", f"must have at most {most} elements"))
        return
    if len(value) < least:
        yield Broken("", Label(f"至少 {least} 项", f"must have at least {least} elements"))
    if schema.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        yield Broken("", Label("各项不得重复", "must not repeat an element"))
    for number, item in enumerate(value):
        for broken in broken_rules(schema.get("items", {}), item) if schema.get("items") else ():
            yield Broken(f"/{number}{broken.where}", broken.rule)


def _of_members(schema: Mapping[str, Any], value: dict[str, Any]) -> Iterator[Broken]:
    if _holds_nul(value):
        yield Broken("", NUL)
    known: Mapping[str, Any] = schema.get("properties", {})
    for name in schema.get("required", ()):
        if value.get(name) is None:
            yield Broken(f"/{name}", Label("必填", "is required"))
    for name, member in value.items():
        if name in known and member is not None:
            for broken in broken_rules(known[name], member):
                yield Broken(f"/{name}{broken.where}", broken.rule)
        elif name not in known and schema.get("additionalProperties") is False:
            yield Broken(f"/{name}", Label("不是已知的成员", "is not a known member"))


def _holds_nul(value: Any) -> bool:
    """Whether a text with NUL is anywhere inside; PostgreSQL keeps none in JSON."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any("\x00" in name or _holds_nul(item) for name, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))
