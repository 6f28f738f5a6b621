"""What messages of MQTT mean: their topic may name station and property, their payload the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from shanhai.errors import InvalidInput
from shanhai.monitoring.observation_formats import NUMBER, ParsedRows, ndjson_rows

STATION, PROPERTY = "{station}", "{property}"
PLACES = frozenset({STATION, PROPERTY})
LONGEST_NUMBER = 64
"""Bytes of a payload that is nothing but a number."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of the settings, by its levels."""

    levels: tuple[str, ...]

    @classmethod
    def of(cls, text: str) -> "Topic":
        """The topic as settings write it."""
        return cls(tuple(text.split("/")))

    @property
    def filter(self) -> str:
        """What is asked of the broker."""
        return "/".join("+" if level in PLACES else level for level in self.levels)

    def match(self, topic: str) -> dict[str, str] | None:
        """Station and property that `topic` names, as far as this one asks; None where it is not
        one of these."""
        given = topic.split("/")
        levels = self.levels
        if levels[-1] == "#":
            levels, given = levels[:-1], given[: len(levels) - 1]
        if len(given) != len(levels):
            return None
        named: dict[str, str] = {}
        for level, text in zip(levels, given, strict=True):
            if level in PLACES:
                named[level.strip("{}")] = text
            elif level not in {"+", text}:
                return None
        return named


def read_message(
    topics: Sequence[Topic], topic: str, payload: bytes, *, now: datetime | None = None
) -> ParsedRows:
    """The observations of a message, and the rows refused.

    Where the topic names station and property, the payload's rows need not, and a number alone is
    a value at the time it arrives. Else it is JSON or NDJSON as the body of POST /observations.

    Raises:
        InvalidInput: no topic of the settings fits.
    """
    named = next((found for one in topics if (found := one.match(topic)) is not None), None)
    if named is None:
        raise InvalidInput(
            f"no configured topic fits {topic[:200]!r}",
            message_zh=f"没有与 {topic[:200]!r} 相符的主题设置",
        )
    reading = ParsedRows()
    number = payload.decode("ascii", "replace").strip() if len(payload) <= LONGEST_NUMBER else ""
    if named and NUMBER.fullmatch(number):
        at = (now or datetime.now(UTC)).isoformat()
        reading.take([{**named, "time": at, "value": float(number)}])
        return reading
    reading.take([{**row, **named} if isinstance(row, dict) else row for row in _rows_of(payload)])
    return reading


def _rows_of(payload: bytes) -> list[Any]:
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return ndjson_rows(payload.replace(b"\r\n", b"\n").strip())
    return document if isinstance(document, list) else [document]
