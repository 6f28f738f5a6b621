"""What a station tells: its newest values, and one property over a day, a month or a year."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from shanhai.db.engine import Executor
from shanhai.db.features.selection import Selection
from shanhai.db.observations.queries import (
    EARLIEST,
    GAP_INTERVALS,
    PropertySummary,
    SeenStation,
    SeriesQuery,
    Value,
    find_properties,
    find_stations,
    read_latest,
    read_statistics,
    read_values,
)
from shanhai.db.observations.rollups import Every, Rollup
from shanhai.errors import InvalidInput, NotFound
from shanhai.monitoring.checks import flag_codes
from shanhai.monitoring.observation import VALID
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import QUALITIES, Lang
from shanhai_api.kit.dependencies import PageQuery
from shanhai_api.kit.identity import Caller
from shanhai_api.kit.pages import reading
from shanhai_api.observations.asking import LATEST
from shanhai_api.observations.chart import Chart, Point, draw
from shanhai_api.observations.documents import (
    Row,
    describe_bucket,
    describe_latest,
    describe_value,
)
from shanhai_api.words.pages import WORDS

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

    station: SeenStation
    known: SeriesQuery
    newest: Sequence[Value]
    chosen: PropertySummary | None
    span: PeriodOfZone
    drawn: SeriesQuery
    rows: Sequence[Value | Rollup]
    marked: Sequence[Value]


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
    stations = {} if "\x00" in code else await find_stations(asked, selection, [code])
    if not stations:
        raise NotFound(f"there is no station {code[:80]!r}", message_zh=f"没有站点 {code[:80]!r}")
    [station] = stations.values()
    known = SeriesQuery(stations, await find_properties(asked), EARLIEST, LATEST)
    newest = await read_latest(asked, known, most=MOST_PROPERTIES)
    chosen = await _chosen(asked, query, known, newest)
    span = PeriodOfZone.around(_day(query, newest, chosen, zone), query.range, zone)
    drawn = _drawn(known, chosen, span)
    wary = replace(drawn, marked=True)
    blocks = read_values(asked, wary, files, most=MOST_MARKED)
    marked = [row async for block in blocks for row in block]
    rows = await _rows(asked, files, drawn, query.range)
    return StationReading(station, known, newest, chosen, span, drawn, rows, marked)


def _drawn(known: SeriesQuery, chosen: PropertySummary | None, span: PeriodOfZone) -> SeriesQuery:
    start, end = span.moments
    properties = {} if chosen is None else {chosen.id: chosen}
    return replace(known, properties=properties, start=start, end=end)


async def _chosen(
    asked: Executor, query: StationQuery, known: SeriesQuery, newest: Sequence[Value]
) -> PropertySummary | None:
    if query.property:
        return next(iter((await find_properties(asked, [query.property])).values()))
    return known.properties[newest[0].property_id] if newest else None


def _day(
    query: StationQuery, newest: Sequence[Value], chosen: PropertySummary | None, zone: ZoneInfo
) -> date:
    if not query.date:
        own = [one.at for one in newest if chosen is not None and one.property_id == chosen.id]
        return (own[0] if own else datetime.now(UTC)).astimezone(zone).date()
    try:
        day = date.fromisoformat(query.date)
    except ValueError:
        day = date.min
    if not EARLIEST.year <= day.year < LATEST.year:
        raise InvalidInput(
            f"date must be a day such as 2026-03-01, not {query.date!r}",
            message_zh=f"date 须为日期，例如 2026-03-01，而不是 {query.date!r}",
            pointer="date",
        )
    return day


async def _rows(
    asked: Executor, files: ArtifactStore, series: SeriesQuery, length: Range
) -> list[Value | Rollup]:
    if length == "day":
        values: list[Value | Rollup] = []
        async for block in read_values(asked, series, files, most=MOST_VALUES + 1):
            values += block
        if len(values) <= MOST_VALUES:
            return values
    blocks = read_statistics(asked, series, EVERY[length])
    return [row async for buckets in blocks for row in buckets]


def chart_of(found: StationReading, lang: Lang) -> Chart:
    """The chart of what was read."""
    interval = timedelta(seconds=found.station.interval_s or 0) * GAP_INTERVALS
    step = LENGTH[EVERY[found.span.range]]
    longest = interval or step * GAP_INTERVALS
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


def _title(value: Value, zone: ZoneInfo, lang: Lang) -> str:
    keys = [f"flag_{code}" for code in flag_codes(value.flags)]
    if value.quality != VALID:
        keys.append(f"quality_{QUALITIES[value.quality].code}")
    words = ", ".join(WORDS[key].in_(lang) for key in keys)
    return f"{value.at.astimezone(zone):%Y-%m-%d %H:%M} · {reading(value.value)} · {words}"


def station_document(found: StationReading, lang: Lang) -> dict[str, Any]:
    """What was read, as JSON has it."""
    now = datetime.now(UTC)
    start, end = (at.astimezone(found.span.zone) for at in found.span.moments)
    return {
        "station": found.station.code,
        "name": found.station.name_zh if lang == "zh" else found.station.name_en,
        "interval_s": found.station.interval_s,
        "properties": [_newest(found, value, now, lang) for value in found.newest],
        "property": None if found.chosen is None else found.chosen.code,
        "range": found.span.range,
        "start": start.isoformat(),
        "end": end.isoformat(),
        "observations": [_row(found, row) for row in found.rows],
        "marked": [describe_value(found.drawn, value) for value in found.marked],
    }


def _newest(found: StationReading, value: Value, now: datetime, lang: Lang) -> Row:
    of = found.known.properties[value.property_id]
    row = describe_latest(found.known, value, now)
    local = value.at.astimezone(found.span.zone)
    return {
        **row,
        "name": of.name_zh if lang == "zh" else of.name_en,
        "local_time": f"{local:%Y-%m-%d %H:%M}",
    }


def _row(found: StationReading, row: Value | Rollup) -> Row:
    if isinstance(row, Rollup):
        return describe_bucket(found.drawn, row, found.span.zone)
    return describe_value(found.drawn, row)
