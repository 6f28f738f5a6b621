"""A station's page: its newest values, and a chart of one property over a day, month or year."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from shanhai.db.engine import Executor
from shanhai.db.features.selection import Selection
from shanhai.db.observations import queries
from shanhai.db.observations.rollups import Every, Rollup
from shanhai.errors import InvalidInput, NotFound
from shanhai.monitoring.checks import flag_codes
from shanhai.monitoring.observation import VALID
from shanhai.storage.artifacts import ArtifactStore
from shanhai.validation import rfc3339
from shanhai.vocabulary import QUALITIES, Lang
from shanhai_api.kit.dependencies import PageQuery
from shanhai_api.kit.pages import reading
from shanhai_api.kit.requests import Caller
from shanhai_api.observations.asking import LATEST
from shanhai_api.observations.documents import (
    Row,
    describe_bucket,
    describe_latest,
    describe_value,
)
from shanhai_api.words.pages import WORDS

WIDTH, HEIGHT = 1000.0, 300.0
TICKS_UP = 5
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a time, or the mean of a stretch of time with its least and greatest value."""

    at: datetime
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid and what is written beside it."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class ChartMark:
    """A marked value: where it lies, and what a reader is told of it."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn; polygons and lines as SVG writes their points."""

    lines: list[str]
    bands: list[str]
    dots: list[ChartMark]
    spots: list[ChartMark]
    up: list[Tick]
    along: list[Tick]


@dataclass(frozen=True, slots=True)
class Frame:
    """From where to where the box reaches, in time and value."""

    start: datetime
    end: datetime
    low: float
    high: float

    def x(self, at: datetime) -> float:
        """How far from the left a time lies."""
        return round(WIDTH * ((at - self.start) / (self.end - self.start)), 2)

    def y(self, value: float) -> float:
        """How far from the top a value lies."""
        return round(HEIGHT * (self.high - value) / (self.high - self.low), 2)

    def points(self, at: Sequence[tuple[datetime, float]]) -> str:
        """Points as SVG has them."""
        return " ".join(f"{self.x(moment)},{self.y(value)}" for moment, value in at)


def draw(
    points: Sequence[Point],
    marked: Sequence[tuple[datetime, float, str]],
    span: tuple[datetime, datetime],
    along: Sequence[tuple[datetime, str]],
    longest: timedelta,
) -> Chart:
    """The chart of points in the order of time.

    Args:
        marked: Times, values and titles of values a reader should be wary of.
        span: From when to before when the box reaches.
        along: Where lines of the grid stand for times, and their labels.
        longest: Between points further apart no line is drawn: there is a gap.
    """
    values = [number for point in points for number in (point.low, point.high)]
    ticks = ticks_for(*_limits([*values, *(value for _, value, _ in marked)]))
    frame = Frame(*span, ticks[0], ticks[-1])
    parts = list(unbroken(points, longest))
    wide = [part for part in parts if len(part) > 1]
    alone = [part[0] for part in parts if len(part) == 1]
    return Chart(
        lines=[frame.points([(p.at, p.value) for p in part]) for part in wide],
        bands=[
            frame.points([(p.at, p.high) for p in part] + [(p.at, p.low) for p in reversed(part)])
            for part in wide
            if any(p.low < p.high for p in part)
        ],
        dots=[ChartMark(frame.x(p.at), frame.y(p.value), "") for p in alone],
        spots=[ChartMark(frame.x(at), frame.y(value), title) for at, value, title in marked],
        up=[Tick(frame.y(tick), f"{tick:.6g}") for tick in ticks],
        along=[Tick(frame.x(at), label) for at, label in along],
    )


def unbroken(points: Sequence[Point], longest: timedelta) -> Iterator[list[Point]]:
    """The stretches of points within which none is further than `longest` from the one before."""
    part = list(points[:1])
    for before, point in pairwise(points):
        if point.at - before.at > longest:
            yield part
            part = []
        part.append(point)
    if part:
        yield part


def ticks_for(low: float, high: float) -> list[float]:
    """Round numbers from at most `low` to at least `high`, which is greater; a handful of them."""
    wish = (high - low) / (TICKS_UP - 1)
    power = 10.0 ** math.floor(math.log10(wish))
    step = next((one * power for one in STEPS if one * power >= wish * (1 - 1e-9)), wish)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [number * step for number in range(first, last + 1)]


def _limits(values: Sequence[float]) -> tuple[float, float]:
    """The least and greatest value; a box of some height where they are one."""
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high - low > 1e-9 * max(abs(low), abs(high)):
        return low, high
    room = abs(low) * 0.1 or 1.0
    return low - room, high + room


Range = Literal["day", "month", "year"]
EVERY: dict[Range, Every] = {"day": "hour", "month": "hour", "year": "day"}
LENGTH: dict[Every, timedelta] = {"hour": timedelta(hours=1), "day": timedelta(days=1)}
MOST_VALUES = 3_000
"""A day with more values is drawn by its hours."""
MOST_MARKED = 300
MOST_PROPERTIES = 1_000


class StationQuery(PageQuery):
    """Which property of a station, and when."""

    property: str | None = Field(
        None, max_length=64, description="Code of the property; default: the first the station has"
    )
    range: Range = Field("month", description="How much time")
    date: str | None = Field(
        None,
        max_length=10,
        description="A day within it; default: that of the newest value",
        examples=["2026-03-01"],
    )


@dataclass(frozen=True, slots=True)
class PeriodOfZone:
    """A day, a month or a year of a zone."""

    range: Range
    first: date
    zone: ZoneInfo

    @classmethod
    def around(cls, day: date, length: Range, zone: ZoneInfo) -> "PeriodOfZone":
        """The one a day lies in."""
        firsts = {"day": day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
        return cls(length, firsts[length], zone)

    @property
    def last(self) -> date:
        """The day after it."""
        match self.range:
            case "day":
                return self.first + timedelta(days=1)
            case "month":
                return (self.first + timedelta(days=31)).replace(day=1)
            case "year":
                return self.first.replace(year=self.first.year + 1)

    @property
    def before(self) -> date:
        """A day of the span before."""
        return self.first - timedelta(days=1)

    @property
    def name(self) -> str:
        """How it is called."""
        return self.first.isoformat()[: {"day": 10, "month": 7, "year": 4}[self.range]]

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """When it begins, and when it is over."""
        return self._begin(self.first), self._begin(self.last)

    def ticks(self) -> list[tuple[datetime, str]]:
        """Times worth a line of the grid."""
        if self.range == "day":
            return [(self._begin(self.first, hour), f"{hour:02d}:00") for hour in range(0, 24, 3)]
        if self.range == "month":
            days = (self.first + timedelta(days=number) for number in range(0, 30, 5))
            return [(self._begin(day), f"{day:%m-%d}") for day in days if day < self.last]
        months = (self.first.replace(month=month) for month in range(1, 13))
        return [(self._begin(day), f"{day:%Y-%m}") for day in months]

    def _begin(self, day: date, hour: int = 0) -> datetime:
        return datetime.combine(day, time(hour), self.zone).astimezone(UTC)


@dataclass(frozen=True, slots=True)
class StationReading:
    """What a page of a station shows.

    Attributes:
        known: The station with all properties, for its newest values.
        drawn: The series that is drawn.
    """

    station: queries.SeenStation
    known: queries.SeriesQuery
    newest: Sequence[queries.Value]
    chosen: queries.PropertySummary | None
    span: PeriodOfZone
    drawn: queries.SeriesQuery
    rows: Sequence[queries.Value | Rollup]
    marked: Sequence[queries.Value]


async def read_station(
    asked: Executor,
    files: ArtifactStore,
    caller: Caller,
    code: str,
    query: StationQuery,
    zone: ZoneInfo,
) -> StationReading:
    """What is shown of a station.

    Args:
        files: Where the observations of closed months are.

    Raises:
        NotFound: there is none, or none the caller may know of.
        InvalidInput: the property or the day is not known.
    """
    selection = Selection(caller.viewer)
    stations = {} if "\x00" in code else await queries.find_stations(asked, selection, [code])
    if not stations:
        raise NotFound(f"there is no station {code[:80]!r}", message_zh=f"没有站点 {code[:80]!r}")
    [station] = stations.values()
    known = queries.SeriesQuery(
        stations, await queries.find_properties(asked), queries.EARLIEST, LATEST
    )
    newest = await queries.read_latest(asked, known, most=MOST_PROPERTIES)
    chosen = await _chosen(asked, query, known, newest)
    span = PeriodOfZone.around(_day(query, newest, chosen, zone), query.range, zone)
    drawn = _drawn(known, chosen, span)
    wary = replace(drawn, marked=True)
    blocks = queries.read_values(asked, wary, files, most=MOST_MARKED)
    marked = [row async for block in blocks for row in block]
    rows = await _rows(asked, files, drawn, query.range)
    return StationReading(station, known, newest, chosen, span, drawn, rows, marked)


def _drawn(
    known: queries.SeriesQuery, chosen: queries.PropertySummary | None, span: PeriodOfZone
) -> queries.SeriesQuery:
    start, end = span.moments
    properties = {} if chosen is None else {chosen.id: chosen}
    return replace(known, properties=properties, start=start, end=end)


async def _chosen(
    asked: Executor,
    query: StationQuery,
    known: queries.SeriesQuery,
    newest: Sequence[queries.Value],
) -> queries.PropertySummary | None:
    if query.property:
        return next(iter((await queries.find_properties(asked, [query.property])).values()))
    return known.properties[newest[0].property_id] if newest else None


def _day(
    query: StationQuery,
    newest: Sequence[queries.Value],
    chosen: queries.PropertySummary | None,
    zone: ZoneInfo,
) -> date:
    if not query.date:
        own = [one.at for one in newest if chosen is not None and one.property_id == chosen.id]
        return (own[0] if own else datetime.now(UTC)).astimezone(zone).date()
    try:
        day = date.fromisoformat(query.date)
    except ValueError:
        day = date.min
    if not queries.EARLIEST.year <= day.year < LATEST.year:
        raise InvalidInput(
            f"date must be a day such as 2026-03-01, not {query.date!r}",
            message_zh=f"date 须为日期，例如 2026-03-01，而不是 {query.date!r}",
            pointer="date",
        )
    return day


async def _rows(
    asked: Executor, files: ArtifactStore, series: queries.SeriesQuery, length: Range
) -> list[queries.Value | Rollup]:
    if length == "day":
        values: list[queries.Value | Rollup] = []
        async for block in queries.read_values(asked, series, files, most=MOST_VALUES + 1):
            values += block
        if len(values) <= MOST_VALUES:
            return values
    blocks = queries.read_statistics(asked, series, EVERY[length])
    return [row async for buckets in blocks for row in buckets]


def chart_of(found: StationReading, lang: Lang) -> Chart:
    """The chart of what was read."""
    interval = timedelta(seconds=found.station.interval_s or 0) * queries.GAP_INTERVALS
    step = LENGTH[EVERY[found.span.range]]
    longest = interval or step * queries.GAP_INTERVALS
    points: list[Point] = []
    for row in found.rows:
        if isinstance(row, Rollup):
            # A mean is drawn in the middle of its stretch.
            points.append(Point(row.starts_at + step / 2, row.mean, row.low, row.high))
            longest = max(interval, step * 1.5)
        else:
            points.append(Point(row.at, row.value, row.value, row.value))
    marked = [(one.at, one.value, _title(one, found.span.zone, lang)) for one in found.marked]
    return draw(points, marked, found.span.moments, found.span.ticks(), longest)


def _title(value: queries.Value, zone: ZoneInfo, lang: Lang) -> str:
    keys = [f"flag_{code}" for code in flag_codes(value.flags)]
    if value.quality != VALID:
        keys.append(f"quality_{QUALITIES[value.quality].code}")
    words = ", ".join(WORDS[key].in_(lang) for key in keys)
    return f"{value.at.astimezone(zone):%Y-%m-%d %H:%M} · {reading(value.value)} · {words}"


def station_document(found: StationReading, lang: Lang) -> dict[str, Any]:
    """What was read, as JSON has it."""
    now = datetime.now(UTC)
    start, end = found.span.moments
    return {
        "station": found.station.code,
        "name": found.station.name_zh if lang == "zh" else found.station.name_en,
        "interval_s": found.station.interval_s,
        "properties": [_newest(found, value, now, lang) for value in found.newest],
        "property": None if found.chosen is None else found.chosen.code,
        "range": found.span.range,
        "start": rfc3339(start),
        "end": rfc3339(end),
        "observations": [_row(found, row) for row in found.rows],
        "marked": [describe_value(found.drawn, found.station, value) for value in found.marked],
    }


def _newest(found: StationReading, value: queries.Value, now: datetime, lang: Lang) -> Row:
    of = found.known.properties[value.property_id]
    row = describe_latest(found.known, found.station, value, now)
    local = value.at.astimezone(found.span.zone)
    return {
        **row,
        "name": of.name_zh if lang == "zh" else of.name_en,
        "local_time": f"{local:%Y-%m-%d %H:%M}",
    }


def _row(found: StationReading, row: queries.Value | Rollup) -> Row:
    if isinstance(row, Rollup):
        return describe_bucket(found.drawn, found.station, row)
    return describe_value(found.drawn, found.station, row)
