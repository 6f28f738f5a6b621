"""The query of `/collections/{c}/items`: everything checked, every fault named."""

import base64
import binascii
import hashlib
import math
import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from starlette.datastructures import QueryParams

from shanhai.db.features.entity import Entity
from shanhai.db.features.query import Position
from shanhai.db.features.selection import Box, Interval, Value
from shanhai.errors import Fault, InvalidInput

DEFAULT_LIMIT = 10
MAX_LIMIT = 10_000
MAX_OFFSET = 10_000
RESERVED = ("f", "lang", "limit", "offset", "cursor", "bbox", "datetime", "as_of")
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII)
"""RFC 3339; Python reads more, such as weeks and dates without hyphens."""
Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class ItemsQuery:
    """What a request asks of a collection; `kept` are the parameters its page links repeat."""

    limit: int
    position: Position
    box: Box | None
    during: Interval | None
    as_of: date | None
    filters: Mapping[str, Value]
    kept: Mapping[str, str]


def parse_items_query(entity: Entity, query: QueryParams) -> ItemsQuery:
    """The parameters of a request for items.

    Raises:
        InvalidInput: with one fault for each parameter that is unknown, repeated or malformed.
    """
    faults = _strangers(entity, query)
    reader = Reader(query, faults)
    filters = {
        item.name: value
        for item in entity.queryables
        if (value := reader.read(item.name, READERS[item.schema["type"]])) is not None
    }
    parsed = ItemsQuery(
        limit=reader.read("limit", parse_limit) or DEFAULT_LIMIT,
        position=_position(reader, query),
        box=reader.read("bbox", parse_bbox),
        during=reader.read("datetime", parse_datetime),
        as_of=reader.read("as_of", parse_day),
        filters=filters,
        kept={name: query[name] for name in query if name not in {"cursor", "offset", "lang"}},
    )
    if faults:
        raise InvalidInput(
            "; ".join(f"{fault.pointer}: {fault.detail}" for fault in faults),
            message_zh="参数无效：" + "；".join(f.pointer for f in faults),
            faults=faults,
        )
    return parsed


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads parameters one by one and collects what is wrong with them."""

    query: QueryParams
    faults: list[Fault]

    def read(self, name: str, parse: Callable[[str], Read]) -> Read | None:
        """The parameter's value; None when absent or wrong."""
        text = self.query.get(name)
        if text is None:
            return None
        try:
            return parse(text)
        except ValueError as error:
            self.faults.append(Fault(name, str(error)))
            return None


def _strangers(entity: Entity, query: QueryParams) -> list[Fault]:
    known = {*RESERVED, *(item.name for item in entity.queryables)}
    unknown = f"is not a parameter of this collection; known: {', '.join(sorted(known))}"
    return [
        *(Fault(name, unknown) for name in query if name not in known),
        *(Fault(name, "is given twice") for name in query if len(query.getlist(name)) > 1),
    ]


def _position(reader: Reader, query: QueryParams) -> Position:
    if "cursor" in query:
        return reader.read("cursor", parse_cursor_of(query)) or Position()
    return Position(offset=reader.read("offset", parse_offset) or 0)


def parse_limit(text: str) -> int:
    """A page size."""
    return _whole(text, 1, MAX_LIMIT)


def parse_offset(text: str) -> int:
    """A number of items to skip."""
    return _whole(text, 0, MAX_OFFSET)


def _whole(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
        raise ValueError(f"must be a whole number from {low} to {high}, not {text[:40]!r}")
    return int(text)


def parse_bbox(text: str) -> Box:
    """A box of four numbers, or of six with heights, which are ignored."""
    numbers = [parse_number(part) for part in text.split(",")]
    if len(numbers) not in {4, 6}:
        raise ValueError("must be four or six finite numbers: west,south,east,north")
    west, south, *_ = numbers
    east, north = numbers[len(numbers) // 2 :][:2]
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("longitudes must lie between -180 and 180")
    if not -90 <= south <= north <= 90:
        raise ValueError("latitudes must lie between -90 and 90, the south one first")
    return Box(west, south, east, north)


def parse_datetime(text: str) -> Interval:
    """An instant or an interval, `..` or nothing being an open end."""
    start_text, slash, end_text = text.partition("/")
    if not slash:
        return Interval(_instant(text, time.min), _instant(text, time.max))
    interval = Interval(_end(start_text, time.min), _end(end_text, time.max))
    if interval.start and interval.end and interval.start > interval.end:
        raise ValueError("must not end before it begins")
    return interval


def _end(text: str, of_day: time) -> datetime | None:
    return None if text in {"", ".."} else _instant(text, of_day)


def _instant(text: str, of_day: time) -> datetime:
    """An RFC 3339 date-time, or the given time of a date, in UTC."""
    if MOMENT.fullmatch(text) is None:
        raise ValueError(
            "must be an RFC 3339 date, or a date-time with `T` and an offset such as `Z`,"
            f" not {text[:40]!r}"
        )
    try:
        if len(text) == 10:
            return datetime.combine(date.fromisoformat(text), of_day, UTC)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"there is no such moment: {text[:40]!r}") from None


def parse_day(text: str) -> date:
    """A day, or the day of an instant."""
    return _instant(text, time.min).date()


def parse_boolean(text: str) -> bool:
    """`true` or `false`."""
    if text not in {"true", "false"}:
        raise ValueError(f"must be true or false, not {text[:40]!r}")
    return text == "true"


def parse_integer(text: str) -> int:
    """A whole number PostgreSQL's `integer` can hold."""
    return _whole(text, 0, 999_999_999)


def parse_number(text: str) -> float:
    """A finite number."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, not {text[:40]!r}")
    return number


def parse_text(text: str) -> str:
    """A text PostgreSQL can hold."""
    if "\x00" in text or len(text) > 1000:
        raise ValueError("must be at most 1000 characters without NUL")
    return text


READERS: Mapping[str, Callable[[str], Value]] = {
    "string": parse_text,
    "integer": parse_integer,
    "number": parse_number,
    "boolean": parse_boolean,
}

CURSOR = struct.Struct(">c8sq")


def fingerprint(kept: Mapping[str, Any]) -> bytes:
    """What a cursor belongs to: the query without its place."""
    named = sorted((name, str(value)) for name, value in kept.items() if name not in {"f", "lang"})
    return hashlib.sha256(repr(named).encode()).digest()[:8]


def write_cursor(direction: bytes, key: int, kept: Mapping[str, Any]) -> str:
    """A cursor after (`a`) or before (`b`) a key, good for the same query only."""
    packed = CURSOR.pack(direction, fingerprint(kept), key)
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def parse_cursor_of(query: QueryParams) -> Callable[[str], Position]:
    """A reader of cursors made for this query."""
    kept = {name: query[name] for name in query if name not in {"cursor", "offset"}}

    def parse(text: str) -> Position:
        try:
            packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
            direction, made_for, key = CURSOR.unpack(packed)
        except (binascii.Error, struct.error, ValueError):
            raise ValueError("is not a cursor of this API; follow the links") from None
        if made_for != fingerprint(kept) or direction not in {b"a", b"b"}:
            raise ValueError("belongs to another query; follow the links")
        return Position(after=key) if direction == b"a" else Position(before=key)

    return parse
