"""Cursors: a place in an order as a word of an address, good for one query only."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from shanhai.db.features.entity import Entity
from shanhai.db.features.order import SHAPELESS, Order, OrderPosition, PageStart, Side, type_of_key
from shanhai_api.features.values import parse_text

OF_NO_PLACE = frozenset({"f", "lang", "limit", "crs", "count", "properties", "cursor", "offset"})
"""Parameters that change how a page is told, not which features follow one another."""
LARGEST_KEY = 2**63 - 1
SIDES: Mapping[str, Side] = {"a": "after", "b": "before"}


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
                raise _foreign()
        place = OrderPosition(key, tuple(values))
        return PageStart(after=place) if SIDES[side] == "after" else PageStart(before=place)

    return parse


def _unpacked(text: str) -> tuple[str, str, int, list[str | None]]:
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        side, made_for, key, *values = orjson.loads(packed)
    except (binascii.Error, TypeError, ValueError):
        raise _foreign() from None
    if side not in SIDES or type(key) is not int or abs(key) > LARGEST_KEY:
        raise _foreign()
    if not all(value is None or isinstance(value, str) for value in values):
        raise _foreign()
    return side, made_for, key, values


def _check(kind: str, value: str) -> None:
    """Whether PostgreSQL can read the text; nobody else's text ever reaches it."""
    try:
        match kind:
            case "date":
                date.fromisoformat(value)
            case "timestamptz":
                datetime.fromisoformat(value)
            case "numeric":
                Decimal(value)
            case "boolean" if value not in {"true", "false"}:
                raise ValueError(value)
            case _:
                parse_text(value)
    except (InvalidOperation, ValueError):
        raise _foreign() from None


def _foreign() -> ValueError:
    return ValueError(
        "is not a cursor of this API; follow the links / 不是本接口给出的游标；请用给出的链接"
    )
