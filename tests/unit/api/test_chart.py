"""Where a series is drawn: gaps, ticks, marked values."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from shanhai_api.observations.station_page import PeriodOfZone, Point, draw, ticks_for, unbroken

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SHANGHAI = ZoneInfo("Asia/Shanghai")


def point(hour: float, value: float, spread: float = 0) -> Point:
    return Point(START + hour * HOUR, value, value - spread, value + spread)


def test_a_line_lies_where_it_should_and_breaks_at_a_gap() -> None:
    points = [point(0, 0), point(1, 10), point(12, 5), point(13, 5), point(20, 2)]
    marked = [(START + 6 * HOUR, 20.0, "odd")]
    span = (START, START + 24 * HOUR)
    chart = draw(points, marked, span, [(START + 12 * HOUR, "12:00")], 3 * HOUR)
    assert [tick.label for tick in chart.up] == ["0", "5", "10", "15", "20"]
    # A thousand wide for 24 h, three hundred high for 20.
    assert chart.lines == ["0.0,300.0 41.67,150.0", "500.0,225.0 541.67,225.0"]
    assert [(dot.x, dot.y) for dot in chart.dots] == [(833.33, 270.0)]
    assert [(spot.x, spot.y, spot.title) for spot in chart.spots] == [(250.0, 0.0, "odd")]
    assert [(tick.at, tick.label) for tick in chart.along] == [(500.0, "12:00")]
    assert chart.bands == []


def test_a_band_goes_there_and_back() -> None:
    points = [point(0, 1, 1), point(1, 2, 1)]
    chart = draw(points, [], (START, START + 2 * HOUR), [], 2 * HOUR)
    # From 0 to 3: half a unit is a sixth of the height.
    assert chart.bands == ["0.0,100.0 500.0,0.0 500.0,200.0 0.0,300.0"]


def test_nothing_and_one_value_have_a_box_too() -> None:
    assert draw([], [], (START, START + HOUR), [], HOUR).lines == []
    for value in (0.0, 7.0, -3.0, 1e12):
        [dot] = draw([point(0, value)], [], (START, START + HOUR), [], HOUR).dots
        assert dot.y == 150


@given(
    st.floats(-1e9, 1e9),
    st.floats(1e-6, 1e9),
)
def test_ticks_are_few_and_hold_everything(low: float, height: float) -> None:
    high = low + height
    if high - low < 1e-9 * max(abs(low), abs(high)):
        return
    ticks = ticks_for(low, high)
    slack = (ticks[1] - ticks[0]) * 1e-6
    assert ticks[0] <= low + slack
    assert ticks[-1] >= high - slack
    assert 2 <= len(ticks) <= 7


@given(st.lists(st.integers(0, 200), unique=True))
def test_parts_are_the_whole_and_gaps_lie_between(hours: list[int]) -> None:
    points = [point(hour, 0) for hour in sorted(hours)]
    parts = list(unbroken(points, 5 * HOUR))
    assert [one for part in parts for one in part] == points
    for before, after in pairwise(parts):
        assert after[0].at - before[-1].at > 5 * HOUR


def test_spans_are_those_of_the_zone() -> None:
    month = PeriodOfZone.around(date(2026, 2, 11), "month", SHANGHAI)
    assert month.moments == (
        datetime(2026, 1, 31, 16, tzinfo=UTC),
        datetime(2026, 2, 28, 16, tzinfo=UTC),
    )
    assert (month.name, month.before, month.last) == (
        "2026-02",
        date(2026, 1, 31),
        date(2026, 3, 1),
    )
    year = PeriodOfZone.around(date(2024, 2, 29), "year", SHANGHAI)
    assert (year.name, year.last, len(year.ticks())) == ("2024", date(2025, 1, 1), 12)
    day = PeriodOfZone.around(date(2026, 12, 31), "day", SHANGHAI)
    assert (day.name, day.last, day.ticks()[1]) == (
        "2026-12-31",
        date(2027, 1, 1),
        (datetime(2026, 12, 30, 19, tzinfo=UTC), "03:00"),
    )
