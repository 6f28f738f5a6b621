"""Packets of HJ 212-2017: fields of a data segment (6.3.2), answers, what was measured."""

import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone

from shanhai.errors import Fault, InvalidInput
from shanhai.vocabulary import QUALITIES

BEIJING = timezone(timedelta(hours=8))
"""The zone of every time in a telegram; it has no summer time."""
ANSWER_WANTED = 0b01
NUMBERED = 0b10
VERSION_2017 = 0b000001 << 2
SYSTEM_INTERACTION = "91"
NOTICE_ANSWER = "9013"
DATA_ANSWER = "9014"
UPLOADS = frozenset({"2011", "2021", "2031", "2041", "2051", "2061", "2071", "2081"})
"""Commands by which devices push data, each answered by a data answer."""
NOTICES = frozenset({"1013", "2072"})
"""Commands by which devices tell of an event, each answered by a notice answer."""
MOST_PARTS = 9999
LONGEST_COUNT = 4
"""Digits of a number of packets."""

DEVICE = re.compile(r"[0-9A-Za-z_-]{1,24}", re.ASCII)
PASSWORD = re.compile(r"[\x21-\x3a\x3c-\x7e]{1,32}", re.ASCII)

_LIMIT = "&&"
_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_MOMENT = re.compile(r"[0-9]{14}", re.ASCII)
_RULES: dict[str, re.Pattern[str]] = {
    "QN": re.compile(r"[0-9]{17}", re.ASCII),
    "ST": re.compile(r"[0-9A-Za-z]{2}", re.ASCII),
    "CN": re.compile(r"[0-9]{4}", re.ASCII),
    "PW": PASSWORD,
    "MN": DEVICE,
    "Flag": re.compile(r"[0-9]{1,3}", re.ASCII),
}


@dataclass(frozen=True, slots=True)
class Packet:
    """One data segment.

    Attributes:
        number: QN, when the request was made, to the millisecond; names it among its device's.
        system: ST, what is monitored.
        command: CN, what the packet is.
        password: PW.
        device: MN, which device sends it.
        flag: Flag: version, whether parts are numbered, whether an answer is wanted.
        content: CP, without the `&&` around it.
        parts: PNUM, how many packets it was split into.
        part: PNO, which of them this is, from 1.
    """

    number: str
    system: str
    command: str
    password: str
    device: str
    flag: int
    content: str
    parts: int = 1
    part: int = 1

    @property
    def wants_answer(self) -> bool:
        """Whether the sender waits for an answer."""
        return bool(self.flag & ANSWER_WANTED)

    def segment(self) -> bytes:
        """The data segment it is sent as."""
        numbered = f"PNUM={self.parts};PNO={self.part};" if self.flag & NUMBERED else ""
        return (
            f"QN={self.number};ST={self.system};CN={self.command};PW={self.password};"
            f"MN={self.device};Flag={self.flag};{numbered}CP={_LIMIT}{self.content}{_LIMIT}"
        ).encode()


def read_packet(segment: bytes) -> Packet:
    """The packet in a data segment.

    Raises:
        InvalidInput: a field is missing or breaks its rule; the password is never repeated.
    """
    head, begins, rest = segment.decode("utf-8", errors="replace").partition(f"CP={_LIMIT}")
    if not begins or not rest.endswith(_LIMIT):
        raise InvalidInput(
            "CP must read CP=&&…&& at the end of the segment",
            message_zh="CP 须位于数据段末尾，形如 CP=&&…&&",
            pointer="CP",
        )
    fields = dict(item.partition("=")[::2] for item in head.split(";"))
    number, system, command, password, device, flag = (
        _checked(fields, name) for name in ("QN", "ST", "CN", "PW", "MN", "Flag")
    )
    packet = Packet(number, system, command, password, device, int(flag), rest[: -len(_LIMIT)])
    read_time(number[:14], "QN")
    if packet.flag > 0xFF:
        raise _broken("Flag", flag)
    if packet.flag & NUMBERED:
        parts = _number(fields, "PNUM", MOST_PARTS)
        packet = replace(packet, parts=parts, part=_number(fields, "PNO", parts))
    return packet


def read_time(text: str, field: str) -> datetime:
    """The moment `YYYYMMDDhhmmss` names in Beijing time, in UTC.

    Raises:
        InvalidInput: it names none.
    """
    try:
        if not _MOMENT.fullmatch(text):
            raise ValueError(text)
        # Each telegram has several, and strptime takes thrice as long.
        day = int(text[:4]), int(text[4:6]), int(text[6:8])
        clock = int(text[8:10]), int(text[10:12]), int(text[12:])
        return datetime(*day, *clock, tzinfo=BEIJING).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _broken(field, text) from None


def answer_to(packet: Packet) -> Packet | None:
    """What confirms that a packet has been dealt with; None where none is wanted or none is known.

    It repeats number, password and device, as the standard's examples do, and asks for nothing.
    """
    if not packet.wants_answer:
        return None
    if packet.command in UPLOADS:
        command = DATA_ANSWER
    elif packet.command in NOTICES:
        command = NOTICE_ANSWER
    else:
        return None
    return Packet(
        packet.number,
        SYSTEM_INTERACTION,
        command,
        packet.password,
        packet.device,
        VERSION_2017,
        "",
    )


def _checked(fields: dict[str, str], name: str) -> str:
    value = fields.get(name, "")
    if not _RULES[name].fullmatch(value):
        raise _broken(name, value)
    return value


def _number(fields: dict[str, str], name: str, most: int) -> int:
    text = fields.get(name, "")
    if not _DIGITS.fullmatch(text) or len(text) > LONGEST_COUNT or not 1 <= int(text) <= most:
        raise _broken(name, text)
    return int(text)


def _broken(field: str, value: str) -> InvalidInput:
    shown = "…" if field == "PW" else repr(value[:40])
    return InvalidInput(
        f"{field} must not be {shown}", message_zh=f"{field} 不得为 {shown}", pointer=field
    )


MOST_WAITING = 16
"""Split packets one connection may have begun."""
LONGEST_CONTENT = 2**18
"""Characters in the content of one split packet, and in all parts that wait."""
PATIENCE_S = 60.0
"""Seconds after the last part for which the others are waited for."""

_Key = tuple[str, str, str, str]


@dataclass(slots=True)
class _Begun:
    parts: int
    touched_s: float
    contents: dict[int, str] = field(default_factory=dict)

    @property
    def length(self) -> int:
        return sum(map(len, self.contents.values()))


class Joiner:
    """Joins the parts of split packets by device, system, command and number, in any order.

    Attributes:
        abandoned: Split packets given up: parts were missing for too long, contradicted each
            other, or were too many.
    """

    def __init__(self) -> None:
        self.abandoned = 0
        self._begun: OrderedDict[_Key, _Begun] = OrderedDict()

    def add(self, packet: Packet, *, now_s: float) -> Packet | None:
        """The whole packet, once `packet` completes it; one that was not split is whole.

        Args:
            packet: The next packet of the connection.
            now_s: The time on any steady clock, in seconds.
        """
        self._give_up_before(now_s - PATIENCE_S)
        if packet.parts == 1:
            return replace(packet, flag=packet.flag & ~NUMBERED)
        key = (packet.device, packet.system, packet.command, packet.number)
        begun = self._begun.pop(key, None)
        if begun is not None and begun.parts != packet.parts:
            self.abandoned += 1
            begun = None
        begun = begun or _Begun(packet.parts, now_s)
        begun.contents[packet.part] = packet.content
        begun.touched_s = now_s
        if begun.length > LONGEST_CONTENT:
            self.abandoned += 1
            return None
        if len(begun.contents) == begun.parts:
            return replace(
                packet, content=_joined(begun), flag=packet.flag & ~NUMBERED, parts=1, part=1
            )
        self._begun[key] = begun
        while len(self._begun) > MOST_WAITING or self._length > LONGEST_CONTENT:
            self._begun.popitem(last=False)
            self.abandoned += 1
        return None

    @property
    def _length(self) -> int:
        return sum(begun.length for begun in self._begun.values())

    def _give_up_before(self, limit_s: float) -> None:
        # In the order of their last parts, because each part puts its packet last.
        while self._begun and next(iter(self._begun.values())).touched_s < limit_s:
            self._begun.popitem(last=False)
            self.abandoned += 1


def _joined(begun: _Begun) -> str:
    """The contents in order: packets are split between fields, whether or not a `;` is left."""
    parts = (begun.contents[number].strip(";") for number in sorted(begun.contents))
    return ";".join(part for part in parts if part)


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
        found: dict[str, dict[str, str]] = {}
        for member in group.split(","):
            name, _, value = member.partition("=")
            if name == "DataTime":
                at = read_time(value, name)
                continue
            code, dash, item = name.partition("-")
            if dash and code:
                found.setdefault(code, {})[item] = value
        if not found:
            continue
        if at is None:
            raise InvalidInput(
                "DataTime must come before the first pollutant",
                message_zh="DataTime 须位于第一个污染物之前",
                pointer="DataTime",
            )
        for pollutant, items in found.items():
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
