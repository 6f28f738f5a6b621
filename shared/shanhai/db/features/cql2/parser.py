"""From the text of a filter to its tree, which is CQL2 JSON; how a filter is refused.

The parser is only given what has passed a linear scan: it ends the process on deep nesting, and an
error inside nested parentheses doubles its time with each of them. So text is parsed one pair of
parentheses at a time, the inner ones standing in the outer ones by a name of their own.
"""

import bisect
import itertools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

import cql2
import orjson

from shanhai.errors import InvalidInput, LimitExceeded

PARAMETER = "filter"
EXCERPT = 60


def refused(message: str, message_zh: str) -> InvalidInput:
    """The error of a filter that breaks a rule."""
    return InvalidInput(message, message_zh=message_zh, pointer=PARAMETER)


def exceeded(message: str, message_zh: str) -> LimitExceeded:
    """The error of a filter that is larger than allowed."""
    return LimitExceeded(message, message_zh=message_zh, pointer=PARAMETER)


def excerpt(text: str) -> str:
    """The beginning of a text, short enough for a message."""
    return text if len(text) <= EXCERPT else f"{text[:EXCERPT]}…"


FilterLanguage = Literal["cql2-text", "cql2-json"]
Tree = Any
"""A node of CQL2 JSON."""

MAX_TEXT_BYTES = 8 * 1024
MAX_JSON_BYTES = 64 * 1024
MAX_DEPTH = 32
MAX_OPERANDS = 500

TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>'(?:[^'\\]|''|\\(?s:.))*\\?')
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<word>(?P<solid>(?i:(multi)?(point|linestring|polygon)|geometrycollection)
        (?=\s*[zZ]\s*\())|[^\W\d][\w.:]*)(?(solid)\s*[zZ])  # heights are left out
    | (?P<mark><>|!=|<=|>=|[-+*/%^=<>(),])
    | (?P<other>\S))""",
    re.VERBOSE,
)
ESCAPED = re.compile(r"\\.", re.DOTALL)
"""Of these only `\\'` is of texts; `\\%`, `\\_` and `\\\\` are left to LIKE."""
JSON_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
OPERATORS = frozenset({"and", "or", "not", "between", "like", "is", "null", "true", "false"})
PREFIXES = frozenset({"not", "-", "+"})
GEOMETRIES = frozenset(
    {
        "point",
        "linestring",
        "polygon",
        "multipoint",
        "multilinestring",
        "multipolygon",
        "geometrycollection",
    }
)
VERBATIM = GEOMETRIES | {"bbox", "date", "timestamp"}
"""What stands before parentheses that hold no expressions."""
DIMENSIONS = frozenset({"m", "zm"})
STAND_IN = "\ue000"
"""Begins names of inner parentheses and patterns of `ILIKE`; a private character, refused."""
PLACE = re.compile(r"(\d+):(\d+)")


@dataclass(frozen=True, slots=True)
class FilterToken:
    """A word of the filter's text.

    Attributes:
        start: Where it stands, counted from 0.
        apart: Something other than a word stands before it. A sign is one with its number: the
            parser knows `NOT -1`, but not `NOT - 1`.
    """

    kind: str
    text: str
    start: int
    apart: bool

    @property
    def written(self) -> str:
        """As the parser reads it: no `.5`, no `\\'`, no `1e-5` in WKT, no name like `_x`."""
        gap, text = " " if self.apart else "", self.text
        if self.kind == "number" and not text.isdecimal() and math.isfinite(float(text)):
            return f"{gap}{Decimal(repr(float(text))):f}"
        if self.kind == "text":
            text = ESCAPED.sub(lambda pair: pair[0].replace("\\'", "''"), text[1:-1])
            return f"{gap}'{text}'"
        return f'{gap}"{text}"' if text.startswith("_") else f"{gap}{text}"

    @property
    def low(self) -> str:
        """In lower case, for comparing with keywords."""
        return self.text.lower()


def read_tree(text: str, language: FilterLanguage) -> Tree:
    """The tree of a filter.

    Raises:
        InvalidInput: it is too long or too deep, or cannot be read.
    """
    _check_size(text, MAX_TEXT_BYTES if language == "cql2-text" else MAX_JSON_BYTES)
    return _read_text(text) if language == "cql2-text" else _read_json(text)


def _check_size(text: str, most: int) -> None:
    if len(text.encode(errors="replace")) > most:
        raise exceeded(f"must not exceed {most} bytes", f"不得超过 {most} 字节")
    # A surrogate is half a character; NUL is what PostgreSQL cannot hold.
    if re.search(f"[\\x00\\ud800-\\udfff{STAND_IN}]", text):
        raise refused("contains a character that is not allowed", "含有不允许的字符")
    if not text.strip():
        raise refused("must not be empty", "不得为空")


def _read_text(text: str) -> Tree:
    tokens = list(_tokens(text))
    _check_nesting(tokens)
    _check_dimensions(tokens)
    _spell_case_out(tokens)
    reader = _Reader(text, tokens)
    tree = reader.expression().tree(text)
    if reader.at < len(tokens):
        raise _misplaced(tokens[reader.at])
    return tree


def _tokens(text: str) -> Iterator[FilterToken]:
    # Blanks at the end would be tried from each of them on.
    for found in TOKEN.finditer(text.rstrip()):
        kind = found.lastgroup
        if kind is None:
            return
        start = found.start(kind)
        token = FilterToken(kind, found[kind], start, apart=start > found.start())
        if kind == "other":
            raise _misplaced(token)
        yield token


def _spell_case_out(tokens: list[FilterToken]) -> None:
    """Make `ILIKE`, which GDAL sends though CQL2 has none, a LIKE whose pattern is marked."""
    for at, (word, pattern) in enumerate(itertools.pairwise(tokens)):
        if word.low == "ilike" and pattern.kind == "text":
            marked = f"'{STAND_IN}{pattern.text[1:]}"
            tokens[at : at + 2] = [replace(word, text="LIKE"), replace(pattern, text=marked)]


def _misplaced(token: FilterToken) -> InvalidInput:
    place = token.start + 1
    return refused(
        f"cannot be read from character {place} on, at {excerpt(token.text)!r}",
        f"从第 {place} 个字符 {excerpt(token.text)!r} 起无法解析",
    )


def _check_nesting(tokens: list[FilterToken]) -> None:
    """Refuses more parentheses and signs within each other, or more operands, than allowed."""
    pending, depth, operands = [0], 0, 0
    inside_geometry: int | None = None
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.text == "(":
            if inside_geometry is None and before and before.low in GEOMETRIES | {"bbox"}:
                inside_geometry = len(pending)
            pending.append(0)
            depth += 1
        elif token.text == ")":
            depth -= 1 + pending.pop()
            if not pending:
                raise _misplaced(token)
            if inside_geometry == len(pending):
                inside_geometry = None
        elif token.low in PREFIXES:
            pending[-1] += 1
            depth += 1
        elif token.kind != "mark":
            depth -= pending[-1]
            pending[-1] = 0
            operands += inside_geometry is None
        check_depth(depth)
        # Keywords are counted with the operands they join, hence two for one.
        check_operands(operands // 2)
    if len(pending) > 1:
        raise refused("a parenthesis is not closed", "有括号未闭合")


def _check_dimensions(tokens: list[FilterToken]) -> None:
    """Refuses measures, which the parser would drop without a word."""
    for before, token in itertools.pairwise(tokens):
        apart = before.low in GEOMETRIES and token.low in DIMENSIONS
        if apart or (token.text == "(" and before.low.rstrip("zm") in GEOMETRIES - {before.low}):
            raise no_measures()


def no_measures() -> InvalidInput:
    """The error of a geometry with measures, or with too few coordinates."""
    return refused(
        "positions must have two or three coordinates, without M", "坐标须为二维或三维，不能带 M"
    )


def check_depth(depth: int) -> None:
    """Refuses what is nested deeper than allowed."""
    if depth > MAX_DEPTH:
        raise exceeded(f"must not nest deeper than {MAX_DEPTH}", f"嵌套不得超过 {MAX_DEPTH} 层")


def check_operands(operands: int) -> None:
    """Refuses more operands than allowed."""
    if operands > MAX_OPERANDS:
        raise exceeded(
            f"must not have more than {MAX_OPERANDS} operands", f"操作数不得超过 {MAX_OPERANDS} 个"
        )


@dataclass(slots=True)
class _Piece:
    """Text without inner parentheses, and where its words stood in the filter."""

    words: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    inner: list[Tree] = field(default_factory=list)
    nested: bool = False

    def add(self, word: str, start: int) -> None:
        self.words.append(word)
        self.starts.append(start)

    def stand_in(self, tree: Tree, start: int) -> None:
        self.add(f' "{STAND_IN}{len(self.inner)}"', start)
        self.inner.append(tree)

    def tree(self, whole: str) -> Tree:
        """What the piece says, with the inner trees in their places."""
        text = "".join(self.words)
        try:
            return _filled(cql2.parse_text(text).to_json(), self.inner, 0)
        except InvalidInput:
            raise
        except Exception as error:
            raise self._unread(text, whole, str(error)) from None

    def _unread(self, text: str, whole: str, told: str) -> InvalidInput:
        """The parser tells a line and column of the piece; a client wants the filter's."""
        place = PLACE.search(told)
        line, column = (int(place[1]), int(place[2])) if place else (1, 1)
        lines = text.splitlines(keepends=True)
        at = sum(map(len, lines[: line - 1])) + column - 1
        word_no = bisect.bisect_right(list(itertools.accumulate(map(len, self.words))), at)
        start = self.starts[word_no] if word_no < len(self.starts) else len(whole)
        rest = excerpt(whole[start:]) or "the end"
        return refused(
            f"cannot be read from character {start + 1} on, at {rest!r}",
            f"从第 {start + 1} 个字符起无法解析：{excerpt(whole[start:])!r}",
        )


@dataclass(slots=True)
class _Reader:
    """Divides the words of a filter into pieces."""

    whole: str
    tokens: list[FilterToken]
    at: int = 0

    def expression(self) -> _Piece:
        """The piece up to a comma or parenthesis that is not its own."""
        piece, before = _Piece(), None
        while (token := self._next()) is not None and token.text not in {",", ")"}:
            self.at += 1
            if token.text == "(":
                self._parenthesis(piece, before, token.start)
            else:
                piece.add(token.written, token.start)
            before = token
        return piece

    def _next(self) -> FilterToken | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def _parenthesis(self, piece: _Piece, before: FilterToken | None, start: int) -> None:
        """What follows an opening parenthesis, up to the one that closes it."""
        word = before.low if before is not None and before.kind in {"word", "quoted"} else None
        if word in VERBATIM:
            self._copy(piece, start)
        elif word is None or word in OPERATORS:
            piece.nested = True
            members = list(self._members())
            if len(members) != 1:
                raise refused(
                    f"a list at character {start + 1} stands where none can; lists follow IN",
                    f"第 {start + 1} 个字符处不能是列表；列表只能用在 IN 之后",
                )
            piece.stand_in(members[0].tree(self.whole), start)
        else:
            self._call(piece, start)

    def _call(self, piece: _Piece, start: int) -> None:
        """The members of a list or function; those with parentheses are read apart."""
        piece.nested = True
        piece.add("(", start)
        for number, member in enumerate(self._members()):
            if number:
                piece.add(",", member.starts[0] if member.starts else start)
            if member.nested:
                piece.stand_in(member.tree(self.whole), member.starts[0])
            else:
                piece.words += member.words
                piece.starts += member.starts
        piece.add(")", start)

    def _members(self) -> Iterator[_Piece]:
        closed = False
        while not closed:
            yield self.expression()
            # Parentheses are known to be balanced, so one of the two always follows.
            closed = self.tokens[self.at].text == ")"
            self.at += 1

    def _copy(self, piece: _Piece, start: int) -> None:
        piece.nested = True
        piece.add("(", start)
        depth, numbers = 1, 0
        while depth:
            token = self.tokens[self.at]
            numbers = 0 if token.text in {"(", ")", ","} else numbers + (token.kind == "number")
            if numbers > 3:
                raise no_measures()
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            piece.add(token.written, token.start)
            self.at += 1


def _filled(node: Tree, inner: list[Tree], depth: int) -> Tree:
    """A tree in which names that stand for inner trees give way to these."""
    check_depth(depth)
    if isinstance(node, list):
        return [_filled(member, inner, depth) for member in node]
    if not isinstance(node, dict) or "coordinates" in node or "geometries" in node:
        return node
    name = node.get("property")
    if isinstance(name, str) and name.startswith(STAND_IN):
        return inner[int(name.removeprefix(STAND_IN))]
    match node:
        case {"op": "like", "args": [value, str(pattern)]} if pattern.startswith(STAND_IN):
            sides = value, pattern.removeprefix(STAND_IN)
            node = {"op": "like", "args": [{"op": "casei", "args": [side]} for side in sides]}
    return {key: _filled(value, inner, depth + 1) for key, value in node.items()}


def _read_json(text: str) -> Tree:
    depth = 0
    for found in JSON_BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        check_depth(depth)
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise refused(
            f"is not JSON: {error.msg} at character {error.pos + 1}",
            f"不是合法的 JSON：第 {error.pos + 1} 个字符处有误",
        ) from None
    try:
        return cql2.parse_json(text).to_json()
    except Exception:
        raise refused("is not CQL2 JSON", "不符合 CQL2 JSON 的结构") from None
