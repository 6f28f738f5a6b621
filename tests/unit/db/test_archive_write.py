"""What a month's file is joined from, and which series late rows fetch back."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.db.observations.archive_restore import series_by_month
from shanhai.db.observations.archive_write import Composing, check_file
from shanhai.db.observations.ingest_sql import HEADER, TRAILER, decode_observed, encode_observed
from shanhai.db.observations.retention import is_closable, is_over, parse_month
from shanhai.db.observations.validation import ResolvedRows, microseconds
from shanhai.errors import InvalidInput
from shanhai.monitoring.observation import UNTOLD, ObservedRows
from shanhai.vector.observation_file import Names, RowFilter, StationPlace, read_rows

NAMES = Names(
    {number: StationPlace(f"s{number}", 118, 24) for number in range(6)},
    {number: (f"p{number}", "1") for number in range(3)},
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
KEYS = st.tuples(st.integers(0, 5), st.integers(0, 2))


def observed(given: list[tuple[int, int, int]]) -> ObservedRows:
    """Rows of station, property and time."""
    station, property_, time = np.array(given, np.int64).reshape(-1, 3).T
    one = np.ones(len(time), np.int16)
    return ObservedRows(
        station.astype(np.int32),
        property_.astype(np.int16),
        time,
        time / 7,
        time + 1,
        one.astype(np.int32),
        one,
        one,
        np.where(time % 2, time + 2, UNTOLD),
        (time % 3).astype(np.int32),
    )


@settings(max_examples=40, deadline=None)
@given(
    series=st.dictionaries(KEYS, st.tuples(st.booleans(), st.integers(1, 9)), min_size=1),
    since=st.dictionaries(st.integers(0, 2), st.integers(0, 10)),
    cut=st.integers(1, 7),
)
def test_a_file_has_the_rows_of_both_in_order(
    tmp_path_factory: pytest.TempPathFactory,
    series: dict[tuple[int, int], tuple[bool, int]],
    since: dict[int, int],
    cut: int,
) -> None:
    """Each series is live or of the file before; rows before their property's line are left out."""
    path = tmp_path_factory.mktemp("file") / "a.parquet"
    live, former = (
        sorted(
            (*key, time)
            for key, (is_live, number) in series.items()
            if is_live == which
            for time in range(number)
        )
        for which in (True, False)
    )
    parts = [observed(former[at : at + cut]) for at in range(0, len(former), cut)]
    composing = Composing(path, NAMES, parts, since)
    for at in range(0, len(live), cut):
        composing.add(observed(live[at : at + cut]))
    composed = composing.finish()
    expected = sorted(row for row in live + former if row[2] >= since.get(row[1], 0))
    found = ObservedRows.joined(list(read_rows(path, RowFilter())))
    assert found.packed() == observed(expected).packed()
    assert check_file(path, composed)
    told = {
        (key >> 16, key & 0xFFFF): (number, first, last)
        for key, number, first, last in zip(
            composed.keys.tolist(),
            composed.numbers.tolist(),
            composed.firsts.tolist(),
            composed.lasts.tolist(),
            strict=True,
        )
    }
    times: dict[tuple[int, int], list[int]] = {}
    for station, property_, time in expected:
        times.setdefault((station, property_), []).append(time)
    assert told == {key: (len(own), own[0], own[-1]) for key, own in times.items()}


def test_rows_come_back_from_copy_as_they_went_in() -> None:
    rows = observed([(1, 2, microseconds(datetime(1950, 1, 1, tzinfo=UTC))), (5, 0, 2**53 + 1)])
    data = encode_observed(rows)
    assert decode_observed(data[len(HEADER) : -len(TRAILER)]).packed() == rows.packed()


def late(*given: tuple[int, int, datetime]) -> ResolvedRows:
    station, property_, times = zip(*given, strict=True)
    number = len(given)
    return ResolvedRows(
        np.array(station, np.int32),
        np.array(property_, np.int16),
        np.array([microseconds(time) for time in times], np.int64),
        np.zeros(number),
        np.zeros(number, np.int16),
        np.ones(number, np.int32),
        np.full(number, UNTOLD, np.int64),
        np.zeros(number, np.int32),
    )


def test_late_rows_need_the_months_their_statistics_are_made_of() -> None:
    # 20:00 of 31 March in UTC is April in Shanghai, of which March has the first eight hours.
    rows = late(
        (1, 2, datetime(2020, 3, 31, 20, tzinfo=UTC)), (3, 2, datetime(2020, 3, 15, tzinfo=UTC))
    )
    first, second = (1 << 16) | 2, (3 << 16) | 2
    found = series_by_month(rows, [], SHANGHAI)
    assert {month: keys.tolist() for month, keys in found.items()} == {
        date(2020, 2, 1): [second],
        date(2020, 3, 1): [first, second],
        date(2020, 4, 1): [first],
    }
    # What checks compare is needed of the month of the row alone.
    found = series_by_month(rows, [(2, 7)], SHANGHAI)
    assert found[date(2020, 3, 1)].tolist() == [first, first + 5, second, second + 5]
    assert found[date(2020, 4, 1)].tolist() == [first]
    assert list(series_by_month(rows, [], ZoneInfo("UTC"))) == [date(2020, 3, 1)]


def test_a_month_is_over_after_its_last_day() -> None:
    now = datetime(2026, 4, 1, tzinfo=UTC)
    assert is_over(date(2025, 12, 1), now, 3)
    assert not is_over(date(2025, 12, 1), now - timedelta(seconds=1), 3)
    assert not is_over(date(2026, 1, 1), now, 3)
    assert is_closable(date(2026, 1, 1), datetime(2026, 4, 12, tzinfo=UTC))
    assert not is_closable(date(2026, 1, 1), datetime(2026, 4, 11, 23, tzinfo=UTC))
    assert parse_month("2024-03") == date(2024, 3, 1)
    with pytest.raises(InvalidInput, match="must be written like"):
        parse_month("2024-3x")
