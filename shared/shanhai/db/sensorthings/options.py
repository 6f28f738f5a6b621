"""Query options: what is to be shown of which entities, in which order, and with what else."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import orjson

from shanhai.db.sensorthings import expressions
from shanhai.errors import InvalidInput

USUAL_TOP = 100
USUAL_TOP_OF_RELATIONS = 20
MOST_TOP = 1_000
MOST_SKIP = 10_000
DEEPEST_EXPAND = 5
MOST_EXPANSIONS = 16
MOST_ORDERINGS = 8
TOKEN_LIMIT = 4_000
SKIPTOKEN = "$skiptoken"
ResultFormat = Literal["dataArray"]
Place = tuple[Any, ...]
"""The values of a row in the order of its page."""


@dataclass(frozen=True, slots=True)
class Ordering:
    """One key of an order."""

    by: expressions.Expression
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set of entities, or of one.

    Attributes:
        select: Properties to show; None is all.
        expand: What the entities lead to and is to be shown with them, by its name.
        after: Where a page begins: behind the row with these values.
        given: The options as they were written, for the link to the next page.
    """

    filter: expressions.Expression | None = None
    select: tuple[expressions.PropertyPath, ...] | None = None
    expand: Mapping[str, "Options"] = field(default_factory=dict)
    orderby: tuple[Ordering, ...] = ()
    top: int = USUAL_TOP
    skip: int = 0
    count: bool = False
    result_format: ResultFormat | None = None
    after: Place | None = None
    given: Mapping[str, str] = field(default_factory=dict)


def read_options(query: Sequence[tuple[str, str]]) -> Options:
    """The options of a request's query.

    Raises:
        InvalidInput: one is unknown, given twice, or breaks a rule of its language.
        LimitExceeded: one is longer than allowed.
    """
    given: dict[str, str] = {}
    for name, text in query:
        if name in given:
            raise expressions.refused(name, "is given twice", "重复出现")
        given[name] = text
    options = Options(given=given)
    for name, text in given.items():
        if name == SKIPTOKEN:
            options = replace(options, after=place_of(text))
            continue
        if name not in READERS:
            raise _unknown(name)
        cursor = expressions.Cursor.over(text, name)
        options = READERS[name](cursor, options, 0)
        cursor.demand_end()
    if sum(1 for _ in _expansions(options)) > MOST_EXPANSIONS:
        raise expressions.refused(
            "$expand", f"names more than {MOST_EXPANSIONS} relations", f"超过 {MOST_EXPANSIONS} 项"
        )
    return options


def _expansions(options: Options) -> "Sequence[Options]":
    found = list(options.expand.values())
    return [*found, *(item for inner in found for item in _expansions(inner))]


def _unknown(name: str) -> InvalidInput:
    known = ", ".join(sorted(READERS))
    return expressions.refused(
        expressions.excerpt(name),
        f"is not an option; there are {known}",
        f"不是可用的选项；可用：{known}",
    )


def token_of(place: Sequence[Any]) -> str:
    """A place as `$skiptoken` has it."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def place_of(token: str) -> Place:
    """The place a `$skiptoken` of ours tells.

    Raises:
        InvalidInput: it is none of ours.
    """
    try:
        padded = token[:TOKEN_LIMIT] + "=" * (-len(token) % 4)
        values = orjson.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list) or any(isinstance(item, list | dict) for item in values):
        raise expressions.refused(
            SKIPTOKEN, "was not given by this service; follow @iot.nextLink", "不是本服务给出的值"
        )
    return tuple(values)


def _filter(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    return replace(options, filter=expressions.read_expression(cursor))


def _select(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    found: list[expressions.PropertyPath] = []
    while True:
        if cursor.takes("*"):
            return replace(options, select=None)
        parts = [cursor.demand_name()]
        while cursor.takes("/"):
            parts.append(cursor.demand_name())
        found.append(expressions.PropertyPath(tuple(parts)))
        if not cursor.takes(","):
            return replace(options, select=tuple(found))


def _orderby(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    found: list[Ordering] = []
    while True:
        by = expressions.read_expression(cursor)
        word = cursor.takes_word("asc", "desc", "ASC", "DESC")
        found.append(Ordering(by, (word or "").lower() == "desc"))
        if not cursor.takes(","):
            break
    if len(found) > MOST_ORDERINGS:
        raise cursor.refused(
            f"names more than {MOST_ORDERINGS} keys", f"排序键超过 {MOST_ORDERINGS} 个"
        )
    return replace(options, orderby=tuple(found))


def _expand(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    found = dict(options.expand)
    while True:
        _expand_one(cursor, found, depth + 1)
        if not cursor.takes(","):
            return replace(options, expand=found)


def _expand_one(cursor: expressions.Cursor, into: dict[str, Options], depth: int) -> None:
    """A relation with its options, or the one it leads to; what was named before is kept."""
    if depth > DEEPEST_EXPAND:
        raise cursor.refused(
            f"relations are nested more than {DEEPEST_EXPAND} deep", f"嵌套超过 {DEEPEST_EXPAND} 层"
        )
    name = cursor.demand_name()
    options = into.get(name, Options(top=USUAL_TOP_OF_RELATIONS))
    if cursor.takes("/"):
        inner = dict(options.expand)
        _expand_one(cursor, inner, depth + 1)
        options = replace(options, expand=inner)
    elif cursor.takes("("):
        options = _nested(cursor, options, depth)
    into[name] = options


def _nested(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    """The options in the brackets behind a relation."""
    given: dict[str, str] = {}
    while not cursor.takes(")"):
        if given:
            cursor.demand(";")
        option = cursor.take()
        if option.text not in NESTED:
            known = ", ".join(sorted(NESTED))
            raise cursor.refused(
                f"{option.text!r} is not an option of a relation; there are {known}",
                f"{option.text!r} 不是可用的选项；可用：{known}",
            )
        cursor.demand("=")
        first = cursor.now.at
        options = READERS[option.text](cursor, options, depth)
        given[option.text] = _written(cursor, first)
    return replace(options, given=given)


def _written(cursor: expressions.Cursor, first: int) -> str:
    """What was read since a character, with one space between words."""
    read = [token for token in cursor.tokens[: cursor.at] if token.at >= first]
    return " ".join(token.text for token in read)


def _whole(most: int, *, capped: bool) -> Callable[[expressions.Cursor], int]:
    def number(cursor: expressions.Cursor) -> int:
        token = cursor.take()
        given = expressions.excerpt(token.text)
        if token.sort != "number" or not token.text.isascii() or not token.text.isdecimal():
            raise cursor.refused(
                f"must be a whole number, 0 or more, not {given!r}",
                f"须为非负整数，不能是 {given!r}",
            )
        value = int(token.text) if len(token.text) < 10 else 10**9
        if value > most and not capped:
            raise cursor.refused(
                f"must be {most} at most, not {given}; follow @iot.nextLink instead",
                f"不得超过 {most}，现为 {given}；请沿 @iot.nextLink 翻页",
            )
        return min(value, most)

    return number


_TOP = _whole(MOST_TOP, capped=True)
_SKIP = _whole(MOST_SKIP, capped=False)


def _top(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    return replace(options, top=_TOP(cursor))


def _skip(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    return replace(options, skip=_SKIP(cursor))


def _count(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    word = cursor.takes_word("true", "false")
    if word is None:
        given = expressions.excerpt(cursor.now.text)
        raise cursor.refused(
            f"must be true or false, not {given!r}", f"须为 true 或 false，不能是 {given!r}"
        )
    return replace(options, count=word == "true")


def _result_format(cursor: expressions.Cursor, options: Options, depth: int) -> Options:
    if cursor.takes_word("dataArray") is None:
        given = expressions.excerpt(cursor.now.text)
        raise cursor.refused(
            f"can only be dataArray, not {given!r}", f"只能为 dataArray，不能是 {given!r}"
        )
    return replace(options, result_format="dataArray")


Reader = Callable[[expressions.Cursor, Options, int], Options]
READERS: Mapping[str, Reader] = {
    "$filter": _filter,
    "$select": _select,
    "$expand": _expand,
    "$orderby": _orderby,
    "$top": _top,
    "$skip": _skip,
    "$count": _count,
    "$resultFormat": _result_format,
}
NESTED = frozenset({"$filter", "$select", "$expand", "$orderby", "$top", "$skip", "$count"})
