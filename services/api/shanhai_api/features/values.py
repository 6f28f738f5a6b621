"""The values of query parameters, cursors among them: each read or refused by itself."""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, get_args

import orjson

from shanhai.db.features.crs import CRS84, WEB_MERCATOR, Crs, mercator_degrees
from shanhai.db.features.entity import Entity, digits_after_point
from shanhai.db.features.order import (
    SHAPELESS,
    Order,
    OrderPosition,
    PageStart,
    Side,
    SortKey,
    type_of_key,
)
from shanhai.db.features.property_values import AMOUNTS, NO_AMOUNTS, amount_of
from shanhai.db.features.selection import Box, Outline, Period, TimeInterval, Value
from shanhai.db.features.statements import Counting
from shanhai.vocabulary import Lang

MAX_LIMIT = 10_000
MAX_OFFSET = 10_000
MAX_SORT_KEYS = 5
MAX_SEARCH = 200
MAX_TEXT = 1000
MAX_INTEGER = 999_999_999
COUNTINGS: Mapping[str, Counting] = {
    "capped": "capped",
    "exact": "exact",
    "estimate": "estimate",
    "none": "none",
}
NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)
MOMENT = re.compile(r"\d{4}-\d\d-\d\d([Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII)
"""RFC 3339; Python reads more, such as weeks and dates without hyphens."""
Corners = tuple[tuple[float, float], tuple[float, float]]


def parse_limit(text: str) -> int:
    """A page size."""
    return _whole(text, 1, MAX_LIMIT)


def parse_offset(text: str) -> int:
    """A number of items to skip."""
    return _whole(text, 0, MAX_OFFSET)


def _whole(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and low <= int(text) <= high):
        raise ValueError(
            f"must be a whole number from {low} to {high}, not {text[:40]!r}"
            f" / 必须是 {low} 到 {high} 的整数"
        )
    return int(text)


def parse_bbox(text: str, crs: Crs = CRS84) -> Box | Outline:
    """A box of four numbers, or of six with heights, which are ignored, in the system's axes."""
    numbers = [parse_number(part) for part in text.split(",")]
    if len(numbers) not in {4, 6}:
        raise ValueError(
            "must be four or six finite numbers: the lower corner, then the upper"
            " / 必须是四个或六个有限的数：先低角点，后高角点"
        )
    half = len(numbers) // 2
    low, high = (numbers[0], numbers[1]), (numbers[half], numbers[half + 1])
    if crs.geographic:
        return _degrees((low[::-1], high[::-1]) if crs.flipped else (low, high))
    if low[1 - crs.flipped] > high[1 - crs.flipped]:
        raise ValueError(
            "must not have its lower northing above its upper one / 低角点的北坐标不得大于高角点"
        )
    if crs.srid == WEB_MERCATOR:
        return _degrees((mercator_degrees(*low), mercator_degrees(*high)))
    if low[0] > high[0] or low[1] > high[1]:
        raise ValueError(
            "must not have its lower corner above its upper one / 低角点不得大于高角点"
        )
    return Outline.of(crs, low, high)


def _degrees(corners: Corners) -> Box:
    (west, south), (east, north) = corners
    if not (-180 <= west <= 180 and -180 <= east <= 180):
        raise ValueError("longitudes must lie between -180 and 180 / 经度必须在 -180 与 180 之间")
    if not -90 <= south <= north <= 90:
        raise ValueError(
            "latitudes must lie between -90 and 90, the south one first"
            " / 纬度必须在 -90 与 90 之间，南纬在前"
        )
    return Box(west, south, east, north)


def parse_datetime(text: str, zone: tzinfo = UTC) -> TimeInterval:
    """An instant or an interval, `..` or nothing being an open end; dates are days of the zone."""
    start_text, slash, end_text = text.partition("/")
    if not slash:
        return TimeInterval(_instant(text, time.min, zone), _instant(text, time.max, zone))
    interval = TimeInterval(_end(start_text, time.min, zone), _end(end_text, time.max, zone))
    if interval.start and interval.end and interval.start > interval.end:
        raise ValueError("must not end before it begins / 结束不得早于开始")
    return interval


def parse_period(text: str) -> Period:
    """An instant or an interval, as `parse_datetime`, whose days only PostgreSQL can tell."""
    parse_datetime(text)
    ends = [None if one in {"", ".."} else parse_moment(one) for one in text.split("/")]
    return ends[0], ends[-1]


def _end(text: str, of_day: time, zone: tzinfo) -> datetime | None:
    return None if text in {"", ".."} else _instant(text, of_day, zone)


def _instant(text: str, of_day: time, zone: tzinfo = UTC) -> datetime:
    """An RFC 3339 date-time, or the given time of a date in the zone, in UTC."""
    if MOMENT.fullmatch(text) is None:
        raise ValueError(
            "must be an RFC 3339 date, or a date-time with `T` and an offset such as `Z`,"
            f" not {text[:40]!r} / 必须是 RFC 3339 日期，或带 T 与时区偏移的日期时间"
        )
    try:
        if len(text) == 10:
            day = datetime.combine(date.fromisoformat(text), of_day, zone)
            return day.astimezone(UTC)
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"there is no such moment: {text[:40]!r} / 没有这样的时刻") from None


def parse_moment(text: str) -> str:
    """A day as it is, or an instant in UTC: offsets may be larger than PostgreSQL reads."""
    instant = _instant(text, time.min)
    return text if len(text) == 10 else instant.isoformat()


def parse_boolean(text: str) -> bool:
    """`true` or `false`; GDAL writes `1` or `0`."""
    if text not in {"true", "false", "1", "0"}:
        raise ValueError(f"must be true or false, not {text[:40]!r} / 必须是 true 或 false")
    return text in {"true", "1"}


def parse_integer(text: str) -> int:
    """A whole number PostgreSQL's `integer` can hold."""
    if INTEGER.fullmatch(text) is None:
        raise ValueError(
            f"must be a whole number of at most nine digits, not {text[:40]!r}"
            " / 必须是不超过九位的整数"
        )
    return int(text)


def parse_number(text: str) -> float:
    """A finite number."""
    number = float(text) if NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise ValueError(f"must be a finite number, not {text[:40]!r} / 必须是有限的数")
    return number


def amount_reader(digits: int) -> Callable[[str], Decimal]:
    """A reader of amounts, exactly."""

    def parse_amount(text: str) -> Decimal:
        amount = amount_of(text, digits)
        if amount is None:
            raise ValueError(f"{NO_AMOUNTS[digits].en} / {NO_AMOUNTS[digits].zh}")
        return amount

    return parse_amount


def parse_text(text: str) -> str:
    """A text PostgreSQL can hold."""
    if "\x00" in text or len(text) > MAX_TEXT:
        raise ValueError("must be at most 1000 characters without NUL / 至多 1000 个字符且不含 NUL")
    return text


def parse_search(text: str) -> str:
    """A text to look for."""
    found = text.strip()
    if not found or len(found) > MAX_SEARCH or "\x00" in found:
        raise ValueError(
            f"must be 1 to {MAX_SEARCH} characters without NUL"
            f" / 必须是 1 到 {MAX_SEARCH} 个字符且不含 NUL"
        )
    return found


def parse_counting(text: str) -> Counting:
    """How the matching features are counted."""
    if text not in COUNTINGS:
        raise _no_choice(COUNTINGS, text)
    return COUNTINGS[text]


def parse_lang(text: str) -> str:
    """The language of titles and labels."""
    if text not in get_args(Lang):
        raise _no_choice(get_args(Lang), text)
    return text


def sort_reader(entity: Entity) -> Callable[[str], Order]:
    """A reader of `sortby`: properties, each behind `+` or `-`."""

    def parse(text: str) -> Order:
        known = {item.name for item in entity.sortables}
        # A plus sign that nobody encoded arrives as a space.
        keys = [SortKey(part.lstrip("+- "), part.startswith("-")) for part in text.split(",")]
        names = [key.name for key in keys]
        unknown = [name for name in names if name not in known]
        if unknown:
            listed = ", ".join(sorted(known))
            raise ValueError(
                f"{unknown[0][:40]!r} cannot be sorted by; sortable: {listed}"
                f" / 不能按其排序；可排序的属性：{listed}"
            )
        if len(keys) > MAX_SORT_KEYS or len(set(names)) < len(names):
            raise ValueError(
                f"must name at most {MAX_SORT_KEYS} properties, each of them once"
                f" / 至多列出 {MAX_SORT_KEYS} 个属性，每个一次"
            )
        return tuple(keys)

    return parse


def members_reader(entity: Entity) -> Callable[[str], frozenset[str]]:
    """A reader of `properties`: the members of `properties` that are wanted."""

    def parse(text: str) -> frozenset[str]:
        names = frozenset(text.split(",")) if text else frozenset()
        unknown = [name for name in names if entity.declared(name) is None]
        if unknown:
            known = ", ".join(item.name for item in entity.properties)
            raise ValueError(
                f"{unknown[0][:40]!r} is not a property; known: {known} / 不是已知的属性：{known}"
            )
        return names

    return parse


def _no_choice(choices: Iterable[str], text: str) -> ValueError:
    listed = ", ".join(choices)
    return ValueError(f"must be one of {listed}, not {text[:40]!r} / 必须是 {listed} 之一")


def _one_of(choices: Sequence[str]) -> Callable[[str], Value]:
    def parse(text: str) -> Value:
        if text not in choices:
            raise _no_choice(choices, text)
        return text

    return parse


def value_reader(schema: Mapping[str, Any]) -> Callable[[str], Value]:
    """A reader of values of a property."""
    if "enum" in schema:
        return _one_of(schema["enum"])
    match schema["type"], schema.get("format"):
        case "string", "decimal":
            return amount_reader(digits_after_point(schema))
        case "string", "date" | "date-time":
            return parse_moment
        case "integer", _:
            return parse_integer
        case "number", _:
            return parse_number
        case "boolean", _:
            return parse_boolean
        case _:
            return parse_text


def value_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What such a reader takes: values of its kind, also those that no object may have."""
    if "enum" in schema:
        return {"type": "string", "enum": [*schema["enum"]]}
    match schema["type"], schema.get("format"):
        case "string", "decimal":
            pattern = AMOUNTS[digits_after_point(schema)].pattern
            return {"type": "string", "format": "decimal", "pattern": f"^{pattern}$"}
        case "string", "date" | "date-time" as known:
            return {"type": "string", "format": known}
        case "integer", _:
            return {"type": "integer", "minimum": -MAX_INTEGER, "maximum": MAX_INTEGER}
        case "number" | "boolean" as kind, _:
            return {"type": kind}
        case _:
            return {"type": "string", "maxLength": MAX_TEXT, "pattern": r"^[^\x00]*$"}


def names_pattern(names: Iterable[str], before: str = "") -> str:
    """The pattern of names separated by commas, each of which may have something before it."""
    one = f"{before}({'|'.join(sorted(names))})"
    return f"{one}(,{one})*"


OF_NO_PLACE = frozenset({"f", "lang", "limit", "crs", "count", "properties", "cursor", "offset"})
"""Parameters that change how a page is told, not which features follow one another."""
LARGEST_KEY = 2**63 - 1
SIDES: Mapping[str, Side] = {"a": "after", "b": "before"}
WRITTEN: Mapping[str, re.Pattern[str]] = {
    "date": re.compile(r"\d{4}-\d\d-\d\d", re.ASCII),
    "timestamptz": re.compile(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?[+-](0\d|1[0-4])(:\d\d){0,2}", re.ASCII
    ),
    "numeric": re.compile(r"-?\d+(\.\d+)?", re.ASCII),
    "boolean": re.compile("true|false"),
}
"""What PostgreSQL writes of values of its types; it does not read all that Python does."""


def fingerprint(kept: Mapping[str, Any]) -> str:
    """What a cursor belongs to: the query without its place."""
    named = sorted((name, str(kept[name])) for name in kept.keys() - OF_NO_PLACE)
    return hashlib.sha256(repr(named).encode()).hexdigest()[:16]


def write_cursor(side: Side, place: OrderPosition, kept: Mapping[str, Any]) -> str:
    """A cursor after or before a place."""
    packed = orjson.dumps([side[0], fingerprint(kept), place.key, *place.values])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def cursor_reader(
    entity: Entity, order: Order, kept: Mapping[str, str]
) -> Callable[[str], PageStart]:
    """A reader of cursors made for this query."""

    def parse(text: str) -> PageStart:
        side, made_for, key, values = _unpacked(text)
        if made_for != fingerprint(kept) or len(values) != len(order):
            raise ValueError(
                "belongs to another query; follow the links / 属于另一个查询；请用给出的链接"
            )
        for sort_key, value in zip(order, values, strict=True):
            if value is not None:
                _check(type_of_key(entity, sort_key), value)
            elif sort_key == SHAPELESS:
                raise foreign_cursor()
        place = OrderPosition(key, tuple(values))
        return PageStart(after=place) if SIDES[side] == "after" else PageStart(before=place)

    return parse


def _unpacked(text: str) -> tuple[str, str, int, list[str | None]]:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        side, made_for, key, *values = orjson.loads(packed)
    except (binascii.Error, TypeError, ValueError):
        raise foreign_cursor() from None
    if type(key) is not int or abs(key) > LARGEST_KEY:
        raise foreign_cursor()
    if not all(value is None or isinstance(value, str) for value in (side, *values)):
        raise foreign_cursor()
    if side not in SIDES:
        raise foreign_cursor()
    return side, made_for, key, values


def _check(kind: str, value: str) -> None:
    """Whether PostgreSQL wrote the text, or could have; nobody else's text ever reaches it."""
    written = WRITTEN.get(kind)
    try:
        if written is not None and written.fullmatch(value) is None:
            raise foreign_cursor()
        if kind in {"date", "timestamptz"}:
            datetime.fromisoformat(value)
        parse_text(value)
    except ValueError:
        raise foreign_cursor() from None


def foreign_cursor() -> ValueError:
    """What a cursor is refused with that nobody was given."""
    return ValueError(
        "is not a cursor of this API; follow the links / 不是本接口给出的游标；请用给出的链接"
    )
