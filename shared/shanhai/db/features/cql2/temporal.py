"""Relations in time, as comparisons of the ends of two closed intervals.

An instant is an interval whose ends are the same. An end that is `..`, or a property without a
value, lies at infinity. Where a date meets a moment it lasts its whole day, in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Literal

from shanhai.db.features.cql2.faults import refused
from shanhai.db.features.cql2.operands import Context, Operand, read_as_time

Side = Literal["start", "end"]
TemporalKind = Literal["date", "moment"]
FAR: Mapping[Side, str] = {"start": "-infinity", "end": "infinity"}
OPEN = ".."
LAST_OF_DAY = "interval '1 day' - interval '1 microsecond'"


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time; an end that is None is open."""

    start: Operand | None
    end: Operand | None
    instant: bool


RELATIONS: Mapping[str, str] = {
    "t_after": "{a} > {d}",
    "t_before": "{b} < {c}",
    "t_contains": "{a} < {c} AND {b} > {d}",
    "t_disjoint": "{b} < {c} OR {a} > {d}",
    "t_during": "{a} > {c} AND {b} < {d}",
    "t_equals": "{a} = {c} AND {b} = {d}",
    "t_finishedby": "{a} < {c} AND {b} = {d}",
    "t_finishes": "{a} > {c} AND {b} = {d}",
    "t_intersects": "{a} <= {d} AND {b} >= {c}",
    "t_meets": "{b} = {c}",
    "t_metby": "{a} = {d}",
    "t_overlappedby": "{a} > {c} AND {a} < {d} AND {b} > {d}",
    "t_overlaps": "{a} < {c} AND {b} > {c} AND {b} < {d}",
    "t_startedby": "{a} = {c} AND {b} > {d}",
    "t_starts": "{a} = {c} AND {b} < {d}",
}
"""The relations between an interval from `a` to `b` and one from `c` to `d`."""


def instant_span(operand: Operand) -> Span:
    """A date or moment as a stretch of time."""
    end = _temporal(operand)
    return Span(end, end, instant=True)


def interval_span(start: Operand | None, end: Operand | None) -> Span:
    """An interval between two ends, None being an open one."""
    first, last = (None if item is None else _temporal(item) for item in (start, end))
    _check_order(first, last)
    return Span(first, last, instant=False)


def _temporal(operand: Operand) -> Operand:
    found = read_as_time(operand)
    if found.kind not in {"date", "moment"}:
        told = operand.described()
        raise refused(
            f"{told.en} stands where a date, timestamp or interval must",
            f"{told.zh} 处应是日期、时刻或区间",
        )
    return found


def _check_order(start: Operand | None, end: Operand | None) -> None:
    first, last = (item and item.constant for item in (start, end))
    if (
        isinstance(first, date)
        and isinstance(last, date)
        and _moment(first, "start") > _moment(last, "end")
    ):
        raise refused("an interval must not end before it begins", "区间的终点不得早于起点")


def relation(context: Context, operator: str, left: Span, right: Span) -> str:
    """SQL of a relation between two stretches of time."""
    kinds = [end.kind for span in (left, right) for end in (span.start, span.end) if end]
    kind: TemporalKind = "moment" if "moment" in kinds else "date"
    ends: Mapping[str, tuple[Span, Side]] = {
        "a": (left, "start"),
        "b": (left, "end"),
        "c": (right, "start"),
        "d": (right, "end"),
    }
    wanted = RELATIONS[operator]
    # Only what the relation reads is written, so that no bind is left without use.
    written = {
        name: _end(context, span, side, kind)
        for name, (span, side) in ends.items()
        if f"{{{name}}}" in wanted
    }
    return f"({wanted.format(**written)})"


def _end(context: Context, span: Span, side: Side, kind: TemporalKind) -> str:
    operand = span.start if side == "start" else span.end
    typed = "date" if kind == "date" else "timestamptz"
    far = f"CAST('{FAR[side]}' AS {typed})"
    if operand is None:
        return far
    if isinstance(operand.constant, date):
        constant = operand.constant if kind == "date" else _moment(operand.constant, side)
        return context.bind(constant, typed)
    sql = operand.sql
    if operand.kind == "date" and kind == "moment":
        offset = f" + {LAST_OF_DAY}" if side == "end" else ""
        sql = f"((CAST({sql} AS timestamp){offset}) AT TIME ZONE 'UTC')"
    return sql if span.instant else f"coalesce({sql}, {far})"


def _moment(value: date, side: Side) -> datetime:
    """A moment as it is; of a day its first or last moment."""
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time.min if side == "start" else time.max, UTC)
