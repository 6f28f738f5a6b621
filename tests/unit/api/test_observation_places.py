"""Places in the order of observations, and the stretches it is walked through in."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.db.observations.partitions import TimeRange, Walk, stretch_of
from shanhai.db.observations.queries import SeriesPosition
from shanhai_api.observations.asking import EPOCH, parse_place, write_place

QUERY = {"station": "a"}
MONTHS = [stretch_of(month) for month in (date(2001, 12, 1), date(2002, 1, 1), date(2026, 3, 1))]


@given(
    st.integers(-6 * 10**14, 19 * 10**16),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**15 - 1),
)
def test_a_place_comes_back(at: int, station: int, of: int) -> None:
    place = SeriesPosition(EPOCH + timedelta(microseconds=at), station, of)
    assert parse_place(write_place(place, QUERY), QUERY) == place
    with pytest.raises(ValueError, match="another query"):
        parse_place(write_place(place, QUERY), {})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "é",
        "W10",
        # ["", -10^18, 1, 1], ["", 1.5, 1, 1], ["", 0, true, 1]
        "WyIiLC0xMDAwMDAwMDAwMDAwMDAwMDAwLDEsMV0",
        "WyIiLDEuNSwxLDFd",
        "WyIiLDAsdHJ1ZSwxXQ",
    ],
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        parse_place(text, QUERY)


@given(
    st.integers(-400, 400),
    st.integers(0, 12_000),
    st.integers(1, 10_000),
    st.lists(st.integers(0, 20_000), max_size=60),
)
def test_a_walk_goes_through_all_months_once(
    first: int, days: int, wanted: int, found: list[int]
) -> None:
    start = MONTHS[0].start + timedelta(days=first)
    within = TimeRange(start, start + timedelta(days=days))
    walk = Walk(MONTHS, within, wanted=wanted, step=timedelta(hours=1))
    walked = timedelta()
    at = within.start
    # A minute at least each time: three months have fewer.
    for number in range(3 * 31 * 1440 + 1):
        stretch = walk.next()
        if stretch is None:
            break
        assert at <= stretch.start < stretch.end <= within.end
        assert any(one.start <= stretch.start and stretch.end <= one.end for one in MONTHS)
        walked += stretch.end - stretch.start
        at = stretch.end
        walk.learn(found[number] if number < len(found) else 0)
    wanted_length = sum(
        (max(min(one.end, within.end) - max(one.start, start), timedelta()) for one in MONTHS),
        timedelta(),
    )
    assert walked == wanted_length
