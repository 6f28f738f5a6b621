"""Reading observations: fast and slow ways agree, and blocks may be cut anywhere."""

import csv
import io
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.monitoring.observation import Batch, FeedObservation, Texts
from shanhai.monitoring.observation_formats import (
    LONGEST_LINE,
    CsvReader,
    LineReader,
    ParsedRows,
    columns_of,
    fault_of,
    ndjson_rows,
    observation_of,
    time_of,
)

GOOD = {"station": "s", "property": "p", "time": "2026-03-01T08:00:00+08:00", "value": 1}


def row(**other: Any) -> dict[str, Any]:
    return {**GOOD, **other}


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2026-03-01T08:00:00+08:00", "2026-03-01T00:00:00"),
        ("2026-03-01t00:00:00z", "2026-03-01T00:00:00"),
        ("2026-03-01 00:00Z", "2026-03-01T00:00:00"),
        ("2026-03-01T00:00:00.123456789Z", "2026-03-01T00:00:00.123456"),
        ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5"),
    ],
)
def test_times(text: str, iso: str) -> None:
    assert np.datetime64(time_of(text), "us") == np.datetime64(iso, "us")


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-01", "20260301T000000Z", "2026-03-01T00:00:00", "2026-W09-7T00:00:00Z"),
        *("2026-02-29T00:00:00Z", "2026-03-01T24:00:01Z", "2026-03-01T00:00:60Z"),
        *("٢٠٢٦-03-01T00:00:00Z", "", "2026-03-01T00:00:00+8:00"),
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        time_of(text)


@pytest.mark.parametrize(
    "text",
    [
        *("9999-12-31T23:59:59-08:00", "0001-01-01T00:00:00+08:00"),
        *("9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_what_is_kept_must_be_of_a_year_there_is_in_utc(text: str) -> None:
    """Of the year 10000, or of the one before the year 1, no column can be read again.

    The ends themselves are stored as infinities.
    """
    assert time_of(text) != 0
    with pytest.raises(ValueError, match="RFC 3339"):
        time_of(text, kept=True)
    told = row(result_time=text)
    assert observation_of(told) is None
    fault = fault_of(told)
    assert fault is not None
    assert fault.pointer == "/result_time"


ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**3), 10**3), st.floats(), st.text(max_size=3)
)
ROWS = st.builds(
    lambda changes, dropped: {
        name: value for name, value in {**GOOD, **changes}.items() if name not in dropped
    },
    st.dictionaries(
        st.sampled_from(["station", "property", "time", "value", "unit", "quality", "x"]),
        st.one_of(ANYTHING, st.sampled_from(["2026-03-01T00:00Z", "N", "mg/L"])),
        max_size=2,
    ),
    st.sets(st.sampled_from(list(GOOD)), max_size=1),
)


@given(ROWS)
def test_a_row_becomes_columns_if_and_only_if_it_has_no_fault(given_row: dict[str, Any]) -> None:
    try:
        columns_of([given_row], [0])
    except (KeyError, TypeError, ValueError, OverflowError):
        assert fault_of(given_row) is not None
    else:
        assert fault_of(given_row) is None


@given(st.lists(ROWS, max_size=8))
def test_sound_rows_of_a_block_are_those_read_alone(rows: list[dict[str, Any]]) -> None:
    together = ParsedRows()
    together.take(rows)
    sound = [number for number, one in enumerate(rows) if fault_of(one) is None]
    assert together.batch().index.tolist() == sound
    assert [one.index for one in together.refused.told] == sorted(
        set(range(len(rows))) - set(sound)
    )


LINES = [
    orjson.dumps(row()),
    orjson.dumps(row(unit="mg/L")),
    b"",
    b"  ",
    b"{",
    b"[1]",
    orjson.dumps(row(value="x")),
    orjson.dumps(row(value=2)) + b"\r",
    b'{"station":"s"',
    b'"property":"p","time":"2026-03-01T00:00Z","value":1}',
]


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=12), st.integers(1, 200))
def test_blocks_may_be_cut_anywhere(lines: list[bytes], size: int) -> None:
    body = b"\n".join(lines)
    whole, cut = LineReader(ndjson_rows), LineReader(ndjson_rows)
    whole.feed(body)
    for start in range(0, len(body), size):
        cut.feed(body[start : start + size])
    one, other = whole.end(), cut.end()
    assert one.number == other.number == len([line for line in lines if line.strip()])
    assert one.batch().index.tolist() == other.batch().index.tolist()
    assert one.refused.told == other.refused.told


def test_lines_that_are_json_only_together_are_refused() -> None:
    reading = LineReader(ndjson_rows)
    reading.feed(b'{"station":"s",\n"property":"p"}\n' + orjson.dumps(GOOD))
    found = reading.end()
    assert [one.index for one in found.refused.told] == [0, 1]
    assert found.batch().index.tolist() == [2]


def test_a_line_longer_than_any_row_is_refused_before_it_ends() -> None:
    reading = LineReader(ndjson_rows)
    with pytest.raises(InvalidInput):
        reading.feed(b"x" * (LONGEST_LINE + 1))


@given(st.lists(st.tuples(st.text('ab," é', min_size=1), st.floats(-1e6, 1e6)), max_size=6))
def test_csv_as_the_library_writes_it(rows: list[tuple[str, float]]) -> None:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["value", "station", "time", "property"])
    for station, value in rows:
        writer.writerow([value, station, "2026-03-01T00:00Z", "p"])
    reader = LineReader(CsvReader())
    reader.feed(out.getvalue().encode())
    batch = reader.end().batch()
    assert batch.value.tolist() == [value for _, value in rows]
    assert [batch.station.distinct[number] for number in batch.station.number] == [
        station for station, _ in rows
    ]


def test_texts_joined_are_the_texts() -> None:
    joined = Texts.joined([Texts.of(["a", "b"]), Texts.of([]), Texts.of(["b", "c", "b"])])
    assert [joined.distinct[number] for number in joined.number] == ["a", "b", "b", "c", "b"]


def test_a_batch_of_rows() -> None:
    time = datetime.fromisoformat("2026-03-01T08:00:00+08:00")
    batch = Batch.of([FeedObservation("s", "p", time, 1.5, "mg/L", "M")])
    assert batch.time.tolist() == [datetime(2026, 3, 1)]  # noqa: DTZ001 - columns are UTC
    assert batch.quality.tolist() == [2]
    with pytest.raises(ValueError, match="offset"):
        Batch.of([FeedObservation("s", "p", time.replace(tzinfo=None), 1)])
    with pytest.raises(KeyError):
        Batch.of([FeedObservation("s", "p", time, 1, quality="?")])


ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, "", False, 0, 1, [], "x", "x" * 201, "fault", "M", "\x00"]
)
TIMES = st.sampled_from(["2026-03-01T00:00:00Z", "2026-03-01t08:00+08:00", "2026-03-01", "", None])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "station": ODD,
            "property": ODD,
            "time": TIMES,
            "value": st.one_of(ODD, st.just(10**400), st.integers(), st.floats(allow_nan=False)),
            "unit": ODD,
            "quality": ODD,
            "result_time": TIMES,
            "other": ODD,
        },
    )
)
def test_a_row_alone_is_read_as_one_of_many(other: dict[str, Any]) -> None:
    given = {**GOOD, **other}
    alone = observation_of(given)
    if fault_of(given) is not None:
        assert alone is None
        return
    assert alone is not None
    reading = ParsedRows()
    reading.take([given])
    expected, found = reading.batch(), Batch.of([alone])
    for name in ("station", "property", "unit"):
        assert getattr(found, name).distinct == getattr(expected, name).distinct
    for name in ("time", "value", "quality", "index", "feature"):
        assert getattr(found, name) == getattr(expected, name)
    assert found.result_time.astype(np.int64) == expected.result_time.astype(np.int64)
