"""What a packet of HJ 212-2017 says was measured (its section 6.3.3)."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from shanhai.errors import Fault, InvalidInput
from shanhai.monitoring.hj212.packet import Packet, read_time
from shanhai.vocabulary import QUALITIES

REAL_TIME = "2011"
ITEM_BY_COMMAND: Mapping[str, str] = {REAL_TIME: "Rtd", "2051": "Avg", "2061": "Avg", "2031": "Avg"}
"""The item of a pollutant that is its value: the reading itself, or the mean over ten minutes or
whatever else was agreed, an hour, a day."""
VALID = "N"
POLLUTANT = re.compile(r"[0-9A-Za-z]{1,12}", re.ASCII)

_QUALITY_BY_LETTER = {quality.letter: quality.code for quality in QUALITIES}
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,2})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class PollutantValue:
    """A value of a pollutant.

    Attributes:
        pollutant: Its code, by HJ 525 or the standard's annex B.
        at: When it was sampled, in UTC, or of which time the statistics are.
        value: In the unit that the standard gives the pollutant.
        quality: What the device says of it, a code of `vocabulary.QUALITIES`.
    """

    pollutant: str
    at: datetime
    value: float
    quality: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What one packet says, and what in it could not be read: a pollutant, and why."""

    values: tuple[PollutantValue, ...]
    faults: tuple[Fault, ...]


def readings(packet: Packet) -> Readings:
    """The values in a whole packet of one of the commands in `ITEM_BY_COMMAND`.

    A pollutant that cannot be read does not harm the others.

    Raises:
        InvalidInput: `DataTime` is missing or names no time.
    """
    item = ITEM_BY_COMMAND[packet.command]
    values: list[PollutantValue] = []
    faults: list[Fault] = []
    for at, pollutant, items in _groups(packet.content):
        try:
            reading = _reading(at, pollutant, items, item)
        except InvalidInput as error:
            faults.append(Fault(pollutant, error.message, error.message_zh))
            continue
        if reading is not None:
            values.append(reading)
    return Readings(tuple(values), tuple(faults))


def _groups(content: str) -> Iterator[tuple[datetime, str, dict[str, str]]]:
    """Time, pollutant and its items, for each pollutant; a `DataTime` holds up to the next."""
    at: datetime | None = None
    for group in filter(None, content.split(";")):
        items: dict[str, str] = {}
        pollutant = ""
        for field in group.split(","):
            name, _, value = field.partition("=")
            if name == "DataTime":
                at = read_time(value, name)
                continue
            code, dash, item = name.partition("-")
            if dash and pollutant in {"", code}:
                pollutant = code
                items[item] = value
        if not pollutant:
            continue
        if at is None:
            raise InvalidInput(
                "DataTime must come before the first pollutant",
                message_zh="DataTime 须位于第一个污染物之前",
                pointer="DataTime",
            )
        yield at, pollutant, items


def _reading(
    at: datetime, pollutant: str, items: Mapping[str, str], item: str
) -> PollutantValue | None:
    """The reading, None for a pollutant of which the packet tells something else."""
    text = items.get(item)
    if text is None:
        return None
    if not POLLUTANT.fullmatch(pollutant):
        raise InvalidInput(
            f"a pollutant must not be named {pollutant[:40]!r}",
            message_zh=f"污染物编码不得为 {pollutant[:40]!r}",
        )
    if not _NUMBER.fullmatch(text):
        raise InvalidInput(
            f"{item} must be a number, not {text[:40]!r}",
            message_zh=f"{item} 须为数值，而非 {text[:40]!r}",
        )
    letter = items.get("Flag", VALID)
    quality = _QUALITY_BY_LETTER.get(letter.upper())
    if quality is None:
        known = "".join(_QUALITY_BY_LETTER)
        raise InvalidInput(
            f"Flag must be one of {known}, not {letter[:40]!r}",
            message_zh=f"Flag 须为 {known} 之一，而非 {letter[:40]!r}",
        )
    sampled = items.get("SampleTime")
    return PollutantValue(
        pollutant, read_time(sampled, "SampleTime") if sampled else at, float(text), quality
    )
