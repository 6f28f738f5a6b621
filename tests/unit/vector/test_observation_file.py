"""Files of closed months: written and read back, by series, by time, and by statistics alone."""

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import Unavailable
from shanhai.monitoring.observation import UNTOLD, ObservedRows
from shanhai.vector import observation_file
from shanhai.vector.observation_file import (
    Names,
    ObservationWriter,
    RowFilter,
    StationPlace,
    demand_sound,
    first_rows,
    read_rows,
)

NAMES = Names(
    {number: StationPlace(f"s{number}", 118 + number, 24.5) for number in range(5)}
    | {9: StationPlace("nowhere", None, None)},
    {number: (f"p{number}", "mg/L") for number in range(4)},
)
T0 = 1_583_020_800_000_000
"""2020-03-01 in microseconds."""


def rows(*given: tuple[int, int, int, float]) -> ObservedRows:
    """Rows of station, property, second and value, each received a second later."""
    station, property_, second, value = (np.array(column) for column in zip(*given, strict=True))
    time = T0 + second.astype(np.int64) * 1_000_000
    none = np.zeros(len(time), np.int16)
    return ObservedRows(
        station.astype(np.int32),
        property_.astype(np.int16),
        time,
        value.astype(np.float64),
        time + 1_000_000,
        np.ones(len(time), np.int32),
        none,
        (value > 100).astype(np.int16),
        np.where(second % 2, time + 2_000_000, UNTOLD),
        (second % 3).astype(np.int32),
    )


def written(path: Path, content: ObservedRows, *, cut: int = 3) -> Path:
    writer = ObservationWriter(path, NAMES)
    for start in range(0, len(content), cut):
        writer.write(content.take(slice(start, start + cut)))
    writer.close()
    return path


def told(found: ObservedRows) -> list[tuple[int, int, int, float]]:
    seconds = (found.time - T0) // 1_000_000
    return list(
        zip(
            found.station.tolist(),
            found.property.tolist(),
            seconds.tolist(),
            found.value.tolist(),
            strict=True,
        )
    )


def test_a_file_is_geoparquet_that_others_understand(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", rows((1, 2, 5, 7.25), (9, 0, 1, 120.0)))
    table = pq.read_table(path)
    assert table.column("station").to_pylist() == ["s1", "nowhere"]
    assert table.column("property").to_pylist() == ["p2", "p0"]
    assert table.column("unit").to_pylist() == ["mg/L", "mg/L"]
    assert table.column("time").to_pylist()[0].isoformat() == "2020-03-01T00:00:05+00:00"
    assert table.column("flags").to_pylist() == [0, 1]
    first, second = table.column("geometry").to_pylist()
    assert shapely.from_wkb(first) == shapely.Point(119, 24.5)
    assert second is None
    metadata = pq.read_metadata(path).metadata
    geo = json.loads(metadata[b"geo"])
    assert geo["columns"]["geometry"]["geometry_types"] == ["Point"]
    assert json.loads(metadata[b"shanhai:quality"])[0] == "valid"


ROW = st.tuples(
    st.integers(0, 4), st.integers(0, 3), st.integers(0, 20), st.sampled_from([1.5, 200.0])
)


@settings(max_examples=40, deadline=None)
@given(
    given_rows=st.lists(ROW, min_size=1, unique_by=lambda row: row[:3]),
    keys=st.one_of(st.none(), st.sets(st.tuples(st.integers(0, 4), st.integers(0, 3)))),
    span=st.tuples(st.integers(0, 20), st.integers(0, 21)),
    after=st.one_of(st.none(), ROW),
    most=st.integers(1, 30),
    last=st.booleans(),
    marked=st.booleans(),
)
def test_what_is_read_is_what_a_list_would_give(
    tmp_path_factory: pytest.TempPathFactory,
    given_rows: list[tuple[int, int, int, float]],
    keys: set[tuple[int, int]] | None,
    span: tuple[int, int],
    after: tuple[int, int, int, float] | None,
    most: int,
    last: bool,
    marked: bool,
) -> None:
    content = sorted(given_rows)
    path = tmp_path_factory.mktemp("file") / "a.parquet"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(observation_file, "GROUP_ROWS", 4)
        written(path, rows(*content))
    start, end = (T0 + second * 1_000_000 for second in span)
    numbers = None if keys is None else np.array(sorted((s << 16) | p for s, p in keys), np.int64)
    wanted = RowFilter(numbers, start, end, marked)
    expected = [
        row
        for row in content
        if (keys is None or row[:2] in keys)
        and span[0] <= row[2] < span[1]
        and (not marked or row[3] > 100)
    ]
    assert told(ObservedRows.joined(list(read_rows(path, wanted)))) == expected
    place = None if after is None else (T0 + after[2] * 1_000_000, after[0], after[1])
    behind = sorted((row for row in expected if after is None or _at(row) > _at(after)), key=_at)
    found = first_rows(path, wanted, most, after=place, last=last)
    assert told(found) == (behind[-most:] if last else behind[:most])


def _at(row: tuple[int, int, int, float]) -> tuple[int, int, int]:
    return row[2], row[0], row[1]


def test_a_station_of_many_needs_its_own_groups_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation_file, "GROUP_ROWS", 10)
    content = rows(*((s, p, t, 1.0) for s in range(5) for p in range(4) for t in range(10)))
    path = written(tmp_path / "a.parquet", content, cut=7)
    groups = list(read_rows(path, RowFilter(np.array([(3 << 16) | 1], np.int64))))
    assert [told(group)[0][:2] for group in groups] == [(3, 1)]
    metadata = pq.read_metadata(path)
    assert metadata.num_row_groups == 20
    wanted = RowFilter(np.array([(3 << 16) | 1], np.int64))
    edges = [observation_file._edges(metadata.row_group(number)) for number in range(20)]
    assert [number for number, edge in enumerate(edges) if wanted.may_have(*edge)] == [13]


def test_damage_is_found(tmp_path: Path) -> None:
    path = written(tmp_path / "a.parquet", rows(*((1, 1, t, t / 7) for t in range(500))))
    demand_sound(path)
    group = pq.read_metadata(path).row_group(0)
    column = group.column(observation_file.SCHEMA.names.index("value"))
    data = bytearray(path.read_bytes())
    damaged = {
        "values": column.data_page_offset + column.total_compressed_size // 2,
        "end": -2,
    }
    for name, at in damaged.items():
        other = tmp_path / name
        broken = bytearray(data)
        broken[at] ^= 0xFF
        other.write_bytes(broken)
        with pytest.raises(Unavailable, match=f"{name} of archived observations is damaged"):
            demand_sound(other)


def test_files_from_before_result_times_tell_none(tmp_path: Path) -> None:
    path = written(tmp_path / "new.parquet", rows((1, 1, 1, 5.0), (1, 1, 2, 6.0)))
    old = tmp_path / "old.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["result_time", "feature_id"]), old)
    (found,) = read_rows(old, RowFilter())
    assert told(found) == [(1, 1, 1, 5.0), (1, 1, 2, 6.0)]
    assert (found.result == UNTOLD).all()
    assert not found.feature.any()
