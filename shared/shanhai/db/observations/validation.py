"""Which rows of a batch can be stored, and why the others cannot."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from shanhai.db.identity import Identity
from shanhai.db.observations.code_lookup import KnownCodes, KnownProperty
from shanhai.monitoring.observation import (
    LARGEST,
    MOST_TOLD,
    NO_FEATURE,
    Batch,
    RefusedKind,
    Rejection,
    Texts,
)
from shanhai.monitoring.units import Conversion, conversion, units_like

EARLIEST = datetime(1950, 1, 1, tzinfo=UTC)
"""No observation is older: each month has a table, and a wrong clock must not make hundreds."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
Why = tuple[str, str, str]
"""The member, and the rule it breaks in English and Chinese."""
NOWHERE: Why = ("/feature", "is required: the Thing has no Location", "必填：该 Thing 没有位置")


@dataclass(frozen=True, slots=True)
class ResolvedRows:
    """Rows of known stations and properties, in the units of the properties.

    Attributes:
        time: Microseconds of UTC since 1970.
        source: The number of who sent it.
        result: When the value was known, as `time`; `UNTOLD` where nobody tells.
        feature: The number of the sampling feature.
    """

    station: NDArray[np.int32]
    property: NDArray[np.int16]
    time: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.int16]
    source: NDArray[np.int32]
    result: NDArray[np.int64]
    feature: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.value)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp]) -> "ResolvedRows":
        """Some of the rows, by mask or number."""
        return ResolvedRows(*(getattr(self, member.name)[which] for member in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence["ResolvedRows"]) -> "ResolvedRows":
        """The parts one after another."""
        return cls(
            *(
                np.concatenate([getattr(part, member.name) for part in parts])
                for member in fields(cls)
            )
        )


@dataclass(frozen=True, slots=True)
class Clock:
    """When rows arrived, and how far ahead of that their times may be."""

    received: datetime
    skew: timedelta

    @property
    def latest(self) -> datetime:
        """The latest time that is believed."""
        return self.received + self.skew


def microseconds(moment: datetime) -> int:
    """Microseconds of UTC since 1970."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The time so many microseconds after the start of 1970."""
    return _EPOCH + microseconds * _MICROSECOND


@dataclass(frozen=True, slots=True)
class JudgedRows:
    """The rows that can be stored, and the others with the first rule each of them breaks.

    Attributes:
        sound: Which rows of the batch `rows` are.
        number: How many are refused.
        told: The first of these in their order; `told_rows` has their places in the batch.
        kinds: All of them, counted by their station and the member that broke the rule.
    """

    rows: ResolvedRows
    sound: NDArray[np.bool_]
    number: int
    told: list[Rejection]
    told_rows: list[int]
    kinds: list[RefusedKind]


def judge(
    batch: Batch,
    known: KnownCodes,
    identity: Identity,
    source: int,
    clock: Clock,
    *,
    placed: bool = False,
    most: int = MOST_TOLD,
) -> JudgedRows:
    """Judge the rows of a batch.

    Args:
        source: The number of who sends.
        placed: A row must be of a station with a place, or of a sampling feature.
        most: How many refused rows are told one by one.
    """
    stations = [
        one if one is not None and one.open_to(identity) else None
        for one in (known.stations.get(code) for code in batch.station.distinct)
    ]
    properties = [known.properties.get(code) for code in batch.property.distinct]
    station = _gather(batch.station, [-1 if one is None else one.id for one in stations])
    property_ = _gather(batch.property, [-1 if one is None else one.id for one in properties])
    earliest = microseconds(EARLIEST)
    starts = _gather(
        batch.station,
        [earliest if one is None or one.starts is None else one.starts for one in stations],
    )
    lines = _gather(
        batch.property,
        [earliest if one is None or one.since is None else one.since for one in properties],
    )
    time = batch.time.astype("datetime64[us]").astype(np.int64)
    values, converted = _convert(batch, properties)
    nowhere = _gather(
        batch.station, [placed and one is not None and one.placeless for one in stations]
    )
    bad = np.zeros(len(batch), np.bool_)
    rules: tuple[tuple[NDArray[np.bool_], Callable[[int], Why]], ...] = (
        (station < 0, lambda row: _unknown("station", "站点", _text(batch.station, row))),
        ((nowhere > 0) & (batch.feature <= NO_FEATURE), lambda _: NOWHERE),
        (property_ < 0, lambda row: _unknown("property", "观测项目", _text(batch.property, row))),
        (time > microseconds(clock.latest), lambda row: _ahead(batch, row, clock)),
        (
            (time < np.maximum(starts, earliest)) | np.isnat(batch.time),
            lambda row: _early(batch, row, int(max(starts[row], earliest))),
        ),
        (time < lines, lambda row: _outlived(batch, row, int(lines[row]))),
        (~np.isfinite(batch.value), lambda row: _not_finite(batch, row)),
        (~converted, lambda row: _wrong_unit(batch, row, properties)),
        *(
            ((station == at) & (property_ == was), lambda row, now=now: _moved(batch, row, now))
            for (at, was), now in known.moved.items()
        ),
        (~(np.abs(values) <= LARGEST), lambda row: _too_large(batch, row)),
    )
    found: list[tuple[NDArray[np.intp], Callable[[int], Why]]] = []
    for broken, why in rules:
        fresh = np.flatnonzero(broken & ~bad)
        if len(fresh):
            found.append((fresh, why))
            bad |= broken
    rows = ResolvedRows(
        station.astype(np.int32),
        property_.astype(np.int16),
        time,
        values,
        batch.quality,
        np.full(len(batch), source, np.int32),
        batch.result_time.astype("datetime64[us]").astype(np.int64),
        batch.feature,
    )
    if not found:
        return JudgedRows(rows, ~bad, 0, [], [], [])
    told_rows, told = zip(*_told(batch, found, most), strict=True)
    kinds = list(_kinds(station, found))
    return JudgedRows(rows.take(~bad), ~bad, int(bad.sum()), [*told], [*told_rows], kinds)


def _kinds(
    station: NDArray[np.int64], found: list[tuple[NDArray[np.intp], Callable[[int], Why]]]
) -> Iterator[RefusedKind]:
    """How many rows of each station broke each rule, and how the last of them did."""
    for rows, why in found:
        # Of the rows backwards, so that the first of each station is the last.
        numbers, at, counts = np.unique(station[rows][::-1], return_index=True, return_counts=True)
        for number, place, count in zip(
            numbers.tolist(), at.tolist(), counts.tolist(), strict=True
        ):
            pointer, detail, detail_zh = why(int(rows[::-1][place]))
            yield RefusedKind(None if number < 0 else number, pointer, detail, detail_zh, count)


def _told(
    batch: Batch, found: list[tuple[NDArray[np.intp], Callable[[int], Why]]], most: int
) -> Iterator[tuple[int, Rejection]]:
    """The first refused rows in their order, each with its place and its rule."""
    firsts = [(int(row), why) for rows, why in found for row in rows[:most]]
    for row, why in sorted(firsts, key=lambda pair: pair[0])[:most]:
        pointer, detail, detail_zh = why(row)
        yield row, Rejection(int(batch.index[row]), pointer, detail, detail_zh)


def _gather(column: Texts, by_text: list[int]) -> NDArray[np.int64]:
    return np.array(by_text, np.int64)[column.number] if by_text else np.empty(0, np.int64)


def _convert(
    batch: Batch, properties: list[KnownProperty | None]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The values in the units of their properties, and which rows have a unit of these."""
    values = batch.value
    fits = np.ones(len(batch), np.bool_)
    if batch.unit.distinct == ("",):
        return values, fits
    width = max(1, len(batch.unit.distinct))
    pairs = batch.property.number.astype(np.int64) * width + batch.unit.number
    for pair in np.unique(pairs):
        observed, unit = properties[pair // width], batch.unit.distinct[pair % width]
        if observed is None or unit in {"", observed.unit}:
            continue
        rows = pairs == pair
        how = conversion(unit, observed.unit)
        if how is None:
            fits[rows] = False
        elif how != Conversion(1.0, 1.0, 0.0):
            values = values.copy() if values is batch.value else values
            with np.errstate(over="ignore"):
                values[rows] = how(values[rows])
    return values, fits


def _text(column: Texts, row: int) -> str:
    return column.distinct[int(column.number[row])]


def _time(batch: Batch, row: int) -> str:
    return f"{np.datetime_as_string(batch.time[row], unit='auto')}Z"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")


def _unknown(member: str, name_zh: str, code: str) -> Why:
    return f"/{member}", f"no {member} {_shown(code)} is known", f"没有{name_zh} {_shown(code)}"


def _ahead(batch: Batch, row: int, clock: Clock) -> Why:
    allowed = f"{clock.skew.total_seconds():g}"
    return (
        "/time",
        f"{_time(batch, row)} is more than {allowed} s ahead of the clock",
        f"{_time(batch, row)} 超前于服务器时钟 {allowed} 秒以上",
    )


def _early(batch: Batch, row: int, starts: int) -> Why:
    begins = moment(starts).isoformat()
    if starts == microseconds(EARLIEST):
        return (
            "/time",
            f"{_time(batch, row)} is before {begins}, the earliest time that is kept",
            f"{_time(batch, row)} 早于可保存的最早时间 {begins}",
        )
    return (
        "/time",
        f"{_time(batch, row)} is before the station began, {begins}",
        f"{_time(batch, row)} 早于站点启用时间 {begins}",
    )


def _outlived(batch: Batch, row: int, line: int) -> Why:
    since = moment(line).isoformat()
    code = _text(batch.property, row)
    return (
        "/time",
        f"{_time(batch, row)} is before {since}: older values of {code} are not kept",
        f"{_time(batch, row)} 早于 {since}，{code} 更早的观测值已按保留期限清除",
    )


def _not_finite(batch: Batch, row: int) -> Why:
    given = batch.value[row]
    return "/value", f"{given} is not a finite number", f"{given} 不是有限的数值"


def _too_large(batch: Batch, row: int) -> Why:
    given = batch.value[row]
    beyond = f"{given} is beyond ±{LARGEST}, in the unit of the property, where no value is kept"
    return "/value", beyond, f"{given} 按观测项目的单位计超出可保存的范围 ±{LARGEST}"


def _moved(batch: Batch, row: int, now: str) -> Why:
    code = _text(batch.property, row)
    return (
        "/property",
        f"{code} is measured here in a unit that does not convert: send it as {now!r}",
        f"此站点的 {code} 以不可换算的单位观测，请以 {now!r} 发送",
    )


def _wrong_unit(batch: Batch, row: int, properties: list[KnownProperty | None]) -> Why:
    observed = properties[batch.property.number[row]]
    code, unit = ("", "1") if observed is None else (observed.code, observed.unit)
    given, usable = _shown(_text(batch.unit, row)), ", ".join(units_like(unit))
    return (
        "/unit",
        f"{given} is no unit of {code}; use one of {usable}",
        f"{given} 不是 {code} 的单位；可用：{usable}",
    )
