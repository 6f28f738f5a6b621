"""Reading observations from what feeds send: JSON, NDJSON, CSV; row by row, and never all or none.

Rows become columns in one go while they are sound, which is nearly always; else they are judged one
by one, each broken rule is told with the row's number, and the sound ones go on.
"""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import numpy as np
import orjson

from shanhai.errors import Fault, InvalidInput
from shanhai.monitoring import observation
from shanhai.validation import bounded

MEMBERS = ("station", "property", "time", "value", "unit", "quality", "result_time")
NEEDED = MEMBERS[:4]
OPTIONAL = MEMBERS[4:]
_KNOWN = frozenset(MEMBERS)
ABSENT = dict.fromkeys(OPTIONAL)
LONGEST_TEXT = 200
LONGEST_LINE = 64 * 1024
"""Bytes of a line that is still looked at: an observation has a hundred."""
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Row = Mapping[str, Any]


class Unreadable:
    """A row that could not even be parsed."""

    def __init__(self, detail: str, detail_zh: str) -> None:
        self.fault = Fault("", detail, detail_zh)


def time_of(text: str, *, kept: bool = False) -> int:
    """Microseconds of UTC since 1970 of an RFC 3339 time; seconds may be left out.

    Args:
        kept: Whatever it is, it is read again: it must lie within the years 1 to 9999 of UTC.

    Raises:
        ValueError: it is none, or names no time there is.
    """
    with suppress(ValueError, OverflowError):
        return (_moment(text, kept=kept) - _EPOCH) // _MICROSECOND
    raise ValueError(f"{text!r} is not a time of RFC 3339")


def _moment(text: str, *, kept: bool = False) -> datetime:
    if RFC_3339.fullmatch(text) is None:
        raise ValueError("not of RFC 3339")
    moment = datetime.fromisoformat(text.upper())
    return bounded(moment).astimezone(UTC) if kept else moment


def columns_of(rows: Sequence[Row], index: Sequence[int]) -> observation.Batch:
    """Rows that have the same members as columns.

    Args:
        index: The number of each row in the request.

    Raises:
        KeyError, TypeError, ValueError, OverflowError: some row breaks a rule, or has not the
            members the first one has; `fault_of` tells which.
    """
    if not rows:
        return observation.Batch.joined(())
    names = tuple(rows[0])
    if set(map(len, rows)) != {len(names)} or not set(NEEDED) <= set(names) <= set(MEMBERS):
        raise ValueError("not the members of an observation, or not the same ones")
    # One pass in C over the rows; a row that lacks a member has no item of its name.
    given = dict(zip(names, zip(*map(itemgetter(*names), rows), strict=True), strict=True))
    value = given["value"]
    if not {int, float}.issuperset(map(type, value)):
        raise TypeError("numbers are needed")
    station, of, time = (_texts(given[name], least=1) for name in NEEDED[:3])
    unit = _optional(given.get("unit"), "", len(rows))
    quality = _optional(given.get("quality"), "valid", len(rows))
    moments = np.array([time_of(text) for text in time.distinct], np.int64)
    numbers = np.array([observation.quality_number(text) for text in quality.distinct], np.int16)
    return observation.Batch(
        station,
        of,
        moments[time.number].view("datetime64[us]"),
        np.array(value, np.float64),
        unit,
        numbers[quality.number],
        np.asarray(index, np.int64),
        _result_times(given.get("result_time"), len(rows)),
        np.full(len(rows), observation.NO_FEATURE, np.int32),
    )


def observation_of(row: Row) -> observation.FeedObservation | None:
    """The observation a row tells by itself, without columns of one row each.

    None where some rule may be broken: `ParsedRows` tells which.
    """
    try:
        station, of, time, value = (row[name] for name in NEEDED)
        unit, quality, told = ("" if row.get(name) is None else row[name] for name in OPTIONAL)
        texts = station, of, time, unit, quality, told
        if not row.keys() <= _KNOWN or type(value) not in {int, float}:
            return None
        if {*map(type, texts)} != {str} or not (station and of):
            return None
        if max(map(len, texts)) > LONGEST_TEXT:
            return None
        quality = quality or "valid"
        observation.quality_number(quality)
        known = _moment(told, kept=True) if told else None
        return observation.FeedObservation(
            station, of, _moment(time), float(value), unit, quality, known
        )
    except (KeyError, ValueError, OverflowError):
        return None


def _result_times(column: Sequence[Any] | None, size: int) -> observation.Times:
    texts = _optional(column, "", size)
    moments = [time_of(text, kept=True) if text else observation.UNTOLD for text in texts.distinct]
    return np.array(moments, np.int64)[texts.number].view("datetime64[us]")


def _optional(column: Sequence[Any] | None, missing: str, size: int) -> observation.Texts:
    if column is None:
        return observation.Texts((missing,), np.zeros(size, np.int32))
    if None in column or "" in column:
        column = [missing if text is None or text == "" else text for text in column]
    return _texts(column)


def _texts(column: Sequence[Any], least: int = 0) -> observation.Texts:
    if not {str}.issuperset(map(type, column)):
        raise TypeError("texts are needed")
    texts = observation.Texts.of(column)
    if any(not least <= len(text) <= LONGEST_TEXT for text in texts.distinct):
        raise ValueError("a text is empty or too long")
    return texts


def fault_of(row: Any) -> Fault | None:
    """The first rule a row breaks that can be told from the row alone; None for a sound one."""
    if isinstance(row, Unreadable):
        return row.fault
    if not isinstance(row, dict):
        return Fault("", "must be an object", "须为对象")
    for name in row:
        if name not in MEMBERS:
            shown = name if len(name) <= 80 else f"{name[:80]}…"
            pointer = f"/{shown.replace('~', '~0').replace('/', '~1')}"
            return Fault(pointer, "is no member of an observation", "不是观测的成员")
    for name in NEEDED:
        if name not in row:
            return Fault(f"/{name}", "is missing", "缺失")
    for name in ("station", "property", "time"):
        if not isinstance(row[name], str) or not 0 < len(row[name]) <= LONGEST_TEXT:
            return _text_needed(name)
    for name in OPTIONAL:
        given = row.get(name)
        if given is not None and (not isinstance(given, str) or len(given) > LONGEST_TEXT):
            return _text_needed(name)
    return (
        _fault_of_time("time", row["time"])
        or _fault_of_value(row)
        or _fault_of_quality(row)
        or _fault_of_time("result_time", row.get("result_time") or None)
    )


def _text_needed(name: str) -> Fault:
    return Fault(
        f"/{name}",
        f"must be a text of 1 to {LONGEST_TEXT} characters",
        f"须为 1 至 {LONGEST_TEXT} 个字符的文本",
    )


def _fault_of_time(name: str, text: str | None) -> Fault | None:
    if text is None:
        return None
    try:
        time_of(text, kept=name == "result_time")
    except ValueError:
        return Fault(
            f"/{name}",
            f"{text[:80]!r} is not a time of RFC 3339 with offset, as 2026-03-01T08:00:00+08:00,"
            " inside the years 1 to 9999",
            f"{text[:80]!r} 不是带时区的 RFC 3339 时间，如 2026-03-01T08:00:00+08:00，"
            "且须在公元 1 至 9999 年之内",
        )
    return None


def _fault_of_value(row: Row) -> Fault | None:
    value = row["value"]
    if type(value) not in {int, float}:
        return Fault("/value", "must be a number", "须为数值")
    try:
        float(value)
    except OverflowError:
        return Fault("/value", "is larger than any number that can be kept", "超出数值范围")
    return None


def _fault_of_quality(row: Row) -> Fault | None:
    given = row.get("quality") or "valid"
    try:
        observation.quality_number(given)
    except KeyError:
        return Fault("/quality", f"{given[:80]!r} is no quality", f"没有质量代码 {given[:80]!r}")
    return None


@dataclass(slots=True)
class ParsedRows:
    """The rows read so far, and those refused.

    Attributes:
        number: How many rows there were.
        alone: The only row, where it was read by `observation_of`.
    """

    alone: observation.FeedObservation | None = None
    refused: observation.RefusedRows = field(default_factory=observation.RefusedRows)
    number: int = 0
    _parts: list[observation.Batch] = field(default_factory=list)

    def take(self, rows: Sequence[Any]) -> None:
        """Add rows, each numbered after the one before."""
        index = range(self.number, self.number + len(rows))
        self.number += len(rows)
        try:
            # A row that is no object has no member.
            part = columns_of(rows, index)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError):
            faults = [fault_of(row) for row in rows]
            self.refused.add(
                observation.Rejection(
                    number, fault.pointer, fault.detail, fault.detail_zh or fault.detail
                )
                for number, fault in zip(index, faults, strict=True)
                if fault is not None
            )
            sound = [
                ({**ABSENT, **row}, number)
                for row, number, fault in zip(rows, index, faults, strict=True)
                if fault is None
            ]
            part = columns_of([row for row, _ in sound], [number for _, number in sound])
        if len(part):
            self._parts.append(part)

    def batch(self) -> observation.Batch:
        """All sound rows."""
        parts = self._parts
        return parts[0] if len(parts) == 1 else observation.Batch.joined(parts)


def ndjson_rows(block: bytes) -> list[Any]:
    """What lines of NDJSON say; `Unreadable` for one that is not JSON.

    All lines are parsed at once, as the members of one array, unless some are no objects.
    """
    breaks = block.count(b"\n")
    if (
        breaks == block.count(b"}\n") == block.count(b"\n{")
        and block[:1] == b"{"
        and block[-1:] == b"}"
    ):
        try:
            rows: list[Any] = orjson.loads(b"[%s]" % block.replace(b"\n", b","))
        except orjson.JSONDecodeError:
            pass
        else:
            if len(rows) == breaks + 1:
                return rows
    return [_json_row(line) for line in _lines_of(block)]


def _lines_of(block: bytes) -> list[bytes]:
    return [line for line in map(bytes.strip, block.split(b"\n")) if line]


def _json_row(line: bytes) -> Any:
    try:
        return orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return Unreadable(f"is not valid JSON: {error.msg}", "不是有效的 JSON")


class CsvReader:
    """Turns lines of CSV into rows, by the names its first line has.

    Each line is a row: no member of an observation holds a line break.
    """

    def __init__(self) -> None:
        self._names: list[str] | None = None

    def __call__(self, block: bytes) -> list[Any]:
        """The rows of whole lines; `Unreadable` for one that is broken.

        Raises:
            InvalidInput: the first line does not name the columns.
        """
        lines = _lines_of(block)
        if self._names is None and lines:
            self._names, lines = _names_of(lines[0]), lines[1:]
        return [self._row(fields) for fields in _fields(lines)]

    def _row(self, fields: "list[str] | Unreadable") -> Any:
        names = self._names or []
        if isinstance(fields, Unreadable):
            return fields
        if len(fields) != len(names):
            return Unreadable(
                f"has {len(fields)} columns, not {len(names)}",
                f"有 {len(fields)} 列，应为 {len(names)} 列",
            )
        row: dict[str, Any] = dict(zip(names, fields, strict=True))
        # Anything else is told as a text where a number is needed.
        if NUMBER.fullmatch(row["value"].strip()):
            row["value"] = float(row["value"])
        return row


def _names_of(line: bytes) -> list[str]:
    [fields] = _fields([line.removeprefix(b"\xef\xbb\xbf")])
    names = [] if isinstance(fields, Unreadable) else [name.strip() for name in fields]
    if len(set(names)) == len(names) and set(NEEDED) <= set(names) <= set(MEMBERS):
        return names
    raise InvalidInput(
        f"the first line must name the columns {', '.join(NEEDED)}, and may name"
        f" {', '.join(OPTIONAL)}",
        message_zh=f"首行须给出列名 {'、'.join(NEEDED)}，可另有 {'、'.join(OPTIONAL)}",
        pointer="",
    )


def _fields(lines: Sequence[bytes]) -> list["list[str] | Unreadable"]:
    try:
        # A quote that does not end would swallow the lines after it.
        if not any(b'"' in line for line in lines):
            return list(csv.reader([line.decode() for line in lines], strict=True))
    except (UnicodeDecodeError, csv.Error):
        pass
    return [_fields_of(line) for line in lines]


def _fields_of(line: bytes) -> "list[str] | Unreadable":
    try:
        return next(csv.reader([line.decode()], strict=True))
    except UnicodeDecodeError:
        return Unreadable("is not UTF-8", "不是 UTF-8 编码")
    except csv.Error as error:
        return Unreadable(f"is not a row of CSV: {error}", "不是有效的 CSV 行")


@dataclass(slots=True)
class LineReader:
    """Reads observations from a stream of lines, in blocks of any size.

    Attributes:
        parse: Turns a block of whole lines into rows.
    """

    parse: Callable[[bytes], list[Any]]
    reading: ParsedRows = field(default_factory=ParsedRows)
    _rest: bytes = b""

    def feed(self, block: bytes) -> None:
        """Take the next bytes; whole lines are read at once, and the rest is kept.

        Raises:
            InvalidInput: a line is longer than any row.
        """
        whole, found, rest = block.rpartition(b"\n")
        if found:
            self._take(self._rest + whole)
            self._rest = rest
        else:
            self._rest += rest
        if len(self._rest) > LONGEST_LINE:
            raise InvalidInput(
                f"a line is longer than {LONGEST_LINE} bytes",
                message_zh=f"有一行超过 {LONGEST_LINE} 字节",
                pointer="",
            )

    def end(self) -> ParsedRows:
        """All that was read, the last line included."""
        self._take(self._rest)
        self._rest = b""
        return self.reading

    def _take(self, lines: bytes) -> None:
        rows = self.parse(lines.replace(b"\r\n", b"\n").strip()) if lines else []
        if rows:
            self.reading.take(rows)
