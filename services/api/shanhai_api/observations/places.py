"""Cursors of observations: a place in their order as a word of an address, good for one query."""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import orjson

from shanhai.db.observations.queries import SeriesPosition

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LIMITS = ((-(10**15), 2 * 10**17), (0, 2**31 - 1), (0, 2**15 - 1))
"""What time, from 1938 to 8307, and numbers of series can be."""


def write_place(place: SeriesPosition, made_for: Mapping[str, str]) -> str:
    """The word of a place."""
    at = (place.at - EPOCH) // timedelta(microseconds=1)
    packed = orjson.dumps([_fingerprint(made_for), at, place.station_id, place.property_id])
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def parse_place(text: str, made_for: Mapping[str, str]) -> SeriesPosition:
    """The place a word means.

    Raises:
        ValueError: it is none, or one of another query.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
        mark, *numbers = orjson.loads(packed)
        at, station, of = numbers
    except (binascii.Error, TypeError, ValueError):
        raise _foreign() from None
    if any(
        type(number) is not int or not least <= number <= most
        for number, (least, most) in zip(numbers, LIMITS, strict=True)
    ):
        raise _foreign()
    if mark != _fingerprint(made_for):
        raise ValueError(
            "belongs to another query; follow the links / 属于另一个查询；请用给出的链接"
        )
    return SeriesPosition(EPOCH + timedelta(microseconds=at), station, of)


def _fingerprint(made_for: Mapping[str, str]) -> str:
    return hashlib.sha256(repr(sorted(made_for.items())).encode()).hexdigest()[:16]


def _foreign() -> ValueError:
    return ValueError(
        "is not a cursor of this API; follow the links / 不是本接口给出的游标；请用给出的链接"
    )
