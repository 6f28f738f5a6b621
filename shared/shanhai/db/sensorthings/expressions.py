"""The words of query options, and the expressions of `$filter` and `$orderby` as trees."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

import shapely

from shanhai.errors import InvalidInput, LimitExceeded

MOST_CHARACTERS = 8_000
MOST_TOKENS = 1_000
EXCERPT = 60
Sort = Literal["string", "typed", "moment", "date", "number", "option", "name", "mark", "end"]
TOKEN = re.compile(
    r"""(?P<typed>(?:geography|geometry|duration)'(?:[^']|'')*')
    |(?P<string>'(?:[^']|'')*')
    |(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:[Zz]|[-+\ ]\d\d:\d\d))
    |(?P<date>\d{4}-\d\d-\d\d(?![\w]))
    |(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?![\w]))
    |(?P<option>\$[A-Za-z]+)
    |(?P<name>@?[^\W\d][\w.]*)
    |(?P<mark>[(),;/=:*-])""",
    re.VERBOSE,
)
"""A `+` that was not escaped in the address arrives as a space, which no offset has otherwise."""
SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, and where it stands."""

    sort: Sort
    text: str
    at: int


def refused(parameter: str, message: str, message_zh: str) -> InvalidInput:
    """The error of a query option that breaks a rule."""
    return InvalidInput(
        f"{parameter}: {message}", message_zh=f"{parameter}：{message_zh}", pointer=parameter
    )


def excerpt(text: str) -> str:
    """The beginning of a text, short enough for a message."""
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


def tokens_of(text: str, parameter: str) -> tuple[Token, ...]:
    """The words of an option's text, and one that says it ends.

    Raises:
        LimitExceeded: there are too many.
        InvalidInput: some of it is no word.
    """
    if len(text) > MOST_CHARACTERS:
        raise too_long(parameter, MOST_CHARACTERS)
    found, at = [], 0
    while at < len(text):
        if space := SPACES.match(text, at):
            at = space.end()
            continue
        match = TOKEN.match(text, at)
        if match is None:
            rest = excerpt(text[at:])
            raise refused(
                parameter,
                f"{rest!r} at character {at} is not understood",
                f"第 {at} 个字符起的 {rest!r} 无法识别",
            )
        found.append(Token(match.lastgroup, match.group(), at))  # type: ignore[arg-type] # named so
        at = match.end()
        if len(found) > MOST_TOKENS:
            raise too_long(parameter, MOST_TOKENS)
    return (*found, Token("end", "", len(text)))


def too_long(parameter: str, most: int) -> LimitExceeded:
    """The error of an option that is larger than allowed."""
    return LimitExceeded(
        f"{parameter} is longer than {most} characters or words",
        message_zh=f"{parameter} 超过 {most} 个字符或词",
        pointer=parameter,
    )


@dataclass(slots=True)
class Cursor:
    """A place among the words of one option."""

    parameter: str
    tokens: tuple[Token, ...]
    at: int = 0

    @classmethod
    def over(cls, text: str, parameter: str) -> "Cursor":
        """The beginning of a text."""
        return cls(parameter, tokens_of(text, parameter))

    @property
    def now(self) -> Token:
        """The word that stands here."""
        return self.tokens[self.at]

    @property
    def following(self) -> Token:
        """The word behind it."""
        return self.tokens[min(self.at + 1, len(self.tokens) - 1)]

    def take(self) -> Token:
        """The word that stands here; the cursor moves on."""
        token = self.now
        self.at = min(self.at + 1, len(self.tokens) - 1)
        return token

    def takes(self, mark: str) -> bool:
        """Whether this mark stands here; if so the cursor moves on."""
        if self.now.sort == "mark" and self.now.text == mark:
            self.take()
            return True
        return False

    def takes_word(self, *words: str) -> str | None:
        """Which of these words stands here; if one does the cursor moves on."""
        if self.now.sort == "name" and self.now.text in words:
            return self.take().text
        return None

    def demand(self, mark: str) -> None:
        """Move on over a mark that must stand here.

        Raises:
            InvalidInput: another word does.
        """
        if not self.takes(mark):
            raise self.unexpected(f"{mark!r}")

    def demand_name(self) -> str:
        """The name that must stand here.

        Raises:
            InvalidInput: another word does.
        """
        if self.now.sort != "name":
            raise self.unexpected("a name", "名称")
        return self.take().text

    def demand_end(self) -> None:
        """Make sure that nothing follows.

        Raises:
            InvalidInput: something does.
        """
        if self.now.sort != "end":
            raise self.unexpected("the end", "结尾")

    def unexpected(self, wanted: str, wanted_zh: str | None = None) -> InvalidInput:
        """The error of a word that stands where another must."""
        token = self.now
        here = f"{excerpt(token.text)!r}" if token.text else "the end"
        here_zh = f"{excerpt(token.text)!r}" if token.text else "结尾"
        return self.refused(
            f"at character {token.at}, {here} stands where {wanted} must",
            f"第 {token.at} 个字符处应为 {wanted_zh or wanted}，而不是 {here_zh}",
        )

    def refused(self, message: str, message_zh: str) -> InvalidInput:
        """The error of an option that breaks a rule."""
        return refused(self.parameter, message, message_zh)


DEEPEST = 40
MOST_VERTICES = 2_000
LEVELS: tuple[tuple[str, ...], ...] = (
    ("or",),
    ("and",),
    ("eq", "ne", "gt", "ge", "lt", "le"),
    ("add", "sub"),
    ("mul", "div", "mod"),
)
"""Operators from the loosest to the tightest; `not` binds looser than comparisons."""
COMPARING = 2
WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None}
DURATION = re.compile(
    r"(-)?P(?:(\d{1,7})D)?(?:T(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?"
)
SRID = re.compile(r"SRID\s*=\s*(\d+)\s*;", re.IGNORECASE)
KNOWN_SRIDS = frozenset({"4326", "4490"})


@dataclass(frozen=True, slots=True)
class GeometryLiteral:
    """A geometry that was written as text: well-known binary, longitude first."""

    wkb: bytes


Value = str | bool | int | float | datetime | timedelta | GeometryLiteral | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that was given."""

    value: Value


@dataclass(frozen=True, slots=True)
class PropertyPath:
    """A property of the entity asked about, or of one it leads to."""

    parts: tuple[str, ...]

    def __str__(self) -> str:
        return "/".join(self.parts)


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """A function, or an operator, of its arguments."""

    name: str
    arguments: tuple["Expression", ...]


Expression = Constant | PropertyPath | FunctionCall


def read_expression(cursor: Cursor) -> Expression:
    """The expression that begins here; the cursor stands behind it then.

    Raises:
        InvalidInput: it breaks a rule of the language.
    """
    return _level(cursor, 0, 0)


def _level(cursor: Cursor, level: int, depth: int) -> Expression:
    _check_depth(cursor, depth)
    if level == COMPARING and cursor.takes_word("not"):
        return FunctionCall("not", (_level(cursor, COMPARING, depth + 1),))
    if level == len(LEVELS):
        return _operand(cursor, depth)
    found = _level(cursor, level + 1, depth)
    while operator := cursor.takes_word(*LEVELS[level]):
        right = _level(cursor, level + 1, depth)
        found = FunctionCall(operator, (found, right))
    return found


def _check_depth(cursor: Cursor, depth: int) -> None:
    if depth > DEEPEST:
        raise cursor.refused(
            f"expressions are nested more than {DEEPEST} deep", f"表达式嵌套超过 {DEEPEST} 层"
        )


def _operand(cursor: Cursor, depth: int) -> Expression:
    token = cursor.now
    if cursor.takes("("):
        found = _level(cursor, 0, depth + 1)
        cursor.demand(")")
        return found
    if cursor.takes("-"):
        return FunctionCall("neg", (_operand(cursor, depth + 1),))
    if token.sort == "name":
        return _named(cursor, depth)
    if token.sort in {"option", "mark", "end"}:
        raise cursor.unexpected("a value, a property or a function", "值、属性或函数")
    cursor.take()
    return Constant(_value(cursor, token))


def _named(cursor: Cursor, depth: int) -> Expression:
    """A word, a function or a path."""
    name = cursor.take().text
    if name in WORDS:
        return Constant(WORDS[name])
    if cursor.takes("("):
        arguments: list[Expression] = []
        while not cursor.takes(")"):
            if arguments:
                cursor.demand(",")
            arguments.append(_level(cursor, 0, depth + 1))
        return FunctionCall(name, tuple(arguments))
    parts = [name]
    while cursor.takes("/"):
        parts.append(cursor.demand_name())
    return PropertyPath(tuple(parts))


def _value(cursor: Cursor, token: Token) -> Value:
    match token.sort:
        case "string":
            return _text(cursor, token.text)
        case "number":
            return _number(cursor, token.text)
        case "moment" | "date":
            return _moment(cursor, token.text)
        case _:
            kind, _, quoted = token.text.partition("'")
            content = quoted[:-1].replace("''", "'")
            return _duration(cursor, content) if kind == "duration" else shape_of(cursor, content)


def _text(cursor: Cursor, quoted: str) -> str:
    text = quoted[1:-1].replace("''", "'")
    if "\x00" in text:
        raise cursor.refused("texts must not contain NUL", "文本不得含有 NUL 字符")
    return text


def _number(cursor: Cursor, text: str) -> int | float:
    number = float(text)
    if number in {float("inf"), float("-inf")}:
        raise cursor.refused(f"{excerpt(text)} is too large", f"{excerpt(text)} 过大")
    return number


def _moment(cursor: Cursor, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text.upper().replace(" ", "+"))
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise cursor.refused(f"{text!r} is not a time", f"{text!r} 不是有效的时间") from None


def _duration(cursor: Cursor, text: str) -> timedelta:
    match = DURATION.fullmatch(text)
    if match is None or not any(match.groups()[1:]):
        raise cursor.refused(
            f"{excerpt(text)!r} is not a duration of days and a time, such as P1DT12H",
            f"{excerpt(text)!r} 不是有效的时长，例如 P1DT12H",
        )
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return -length if match.group(1) else length


def shape_of(cursor: Cursor, text: str) -> GeometryLiteral:
    """A geometry in well-known text, with or without its reference system.

    Raises:
        InvalidInput: it is none, or is not in degrees.
    """
    srid = SRID.match(text)
    if srid is not None and srid.group(1) not in KNOWN_SRIDS:
        raise _no_shape(cursor, text, "SRID is 4326 or 4490", "SRID 应为 4326 或 4490")
    try:
        found = shapely.from_wkt(text[srid.end() if srid else 0 :])
    except shapely.errors.ShapelyError:
        raise _no_shape(cursor, text, "it is not well-known text", "不是有效的 WKT") from None
    if found.is_empty or shapely.get_num_coordinates(found) > MOST_VERTICES:
        raise _no_shape(
            cursor,
            text,
            f"it must have 1 to {MOST_VERTICES} positions",
            f"坐标数须为 1 至 {MOST_VERTICES}",
        )
    west, south, east, north = found.bounds
    if west < -180 or east > 180 or south < -90 or north > 90:
        raise _no_shape(
            cursor, text, "longitude comes first, in degrees", "坐标须先经度后纬度，单位为度"
        )
    return GeometryLiteral(shapely.force_2d(found).wkb)


def _no_shape(cursor: Cursor, text: str, rule: str, rule_zh: str) -> InvalidInput:
    return cursor.refused(
        f"{excerpt(text)!r} is not a geometry: {rule}", f"{excerpt(text)!r} 不是几何：{rule_zh}"
    )
