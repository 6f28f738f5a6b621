"""What messages of MQTT mean: their topic may name station and property, their payload the rest."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    FiniteFloat,
    ValidationError,
    field_validator,
)

from shanhai.errors import InvalidInput
from shanhai.monitoring.observation import Observation
from shanhai.vocabulary import QUALITIES

STATION, PROPERTY = "{station}", "{property}"
PLACES = frozenset({STATION, PROPERTY})
_QUALITIES = tuple(quality.code for quality in QUALITIES)
_NUMBER = re.compile(rb"\s*[+-]?[0-9]{1,18}(\.[0-9]{0,18})?([eE][+-]?[0-9]{1,2})?\s*")


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


class Row(BaseModel):
    """A row of a payload."""

    model_config = ConfigDict(extra="forbid")

    station: str
    property: str
    time: AwareDatetime
    value: FiniteFloat
    unit: str | None = None
    quality: str = "valid"

    @field_validator("quality")
    @classmethod
    def check_quality(cls, quality: str) -> str:
        """It is one there is."""
        if quality not in _QUALITIES:
            raise ValueError(f"must be one of {', '.join(_QUALITIES)}")
        return quality


def read_row(row: object) -> Observation:
    """The observation a row tells.

    Raises:
        InvalidInput: a member is missing, unknown or breaks its rule.
    """
    try:
        return Observation(**Row.model_validate(row).model_dump())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise InvalidInput(f"/{'/'.join(map(str, first['loc']))}: {first['msg']}") from None


def read_rows(
    topics: Sequence[Topic], topic: str, payload: bytes, *, now: datetime | None = None
) -> list[Any]:
    """The rows of a message, in the form of the body of POST /observations; not yet checked.

    A number alone is a value at the time it arrives.

    Raises:
        InvalidInput: no topic of the settings fits, or the payload is no JSON.
    """
    named = next((found for one in topics if (found := one.match(topic)) is not None), None)
    if named is None:
        raise InvalidInput(
            f"no configured topic fits {topic[:200]!r}",
            message_zh=f"没有与 {topic[:200]!r} 相符的主题设置",
        )
    if named and _NUMBER.fullmatch(payload):
        at = (now or datetime.now(UTC)).isoformat()
        return [{**named, "time": at, "value": float(payload)}]
    try:
        document = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(
            f"the payload is no JSON: {error}", message_zh=f"消息内容不是 JSON：{error}"
        ) from None
    rows = document if isinstance(document, list) else [document]
    return [{**row, **named} if isinstance(row, dict) else row for row in rows]
