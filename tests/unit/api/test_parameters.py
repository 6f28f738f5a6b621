"""The query of a collection's items."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from shanhai.db.features.catalogue import entity_named
from shanhai.db.features.selection import Box
from shanhai.errors import InvalidInput
from shanhai_api.features.parameters import (
    parse_bbox,
    parse_datetime,
    parse_items_query,
    write_cursor,
)

REGIONS = entity_named("regions")


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,3,4", Box(1, 2, 3, 4)),
        ("1,2,-9,3,4,9", Box(1, 2, 3, 4)),
        ("177,65,-177,70", Box(177, 65, -177, 70)),
        ("-180,-90,180,90", Box(-180, -90, 180, 90)),
    ],
)
def test_boxes(text: str, box: Box) -> None:
    assert parse_bbox(text) == box


def test_box_over_the_antimeridian_has_two_parts() -> None:
    assert parse_bbox("177,65,-177,70").parts() == ((177, 65, 180, 70), (-180, 65, -177, 70))


def test_instants_are_in_utc_and_days_are_whole() -> None:
    instant = parse_datetime("2024-05-06T08:00:00+08:00")
    assert instant.start == instant.end == datetime(2024, 5, 6, tzinfo=UTC)
    day = parse_datetime("2024-05-06")
    assert (day.start, day.end) == (
        datetime(2024, 5, 6, tzinfo=UTC),
        datetime(2024, 5, 6, 23, 59, 59, 999999, tzinfo=UTC),
    )


@pytest.mark.parametrize("text", ["../..", "/", "../", "/.."])
def test_open_intervals(text: str) -> None:
    interval = parse_datetime(text)
    assert interval.start is interval.end is None


@pytest.mark.parametrize(
    "text",
    ["2020-W01-1", "20200101", "2020-01-01 00:00:00Z", "9999-12-31T23:59:59-14:00", "2020-02-30"],
)
def test_moments_that_are_not_rfc_3339_or_do_not_exist(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_datetime(text)


@pytest.mark.parametrize("text", ["1_0,2,3,4", "١,2,3,4", "nan,2,3,4", "1e999,2,3,4", ",2,3,4"])
def test_numbers_are_those_of_json(text: str) -> None:
    with pytest.raises(ValueError, match="finite number"):
        parse_bbox(text)


@given(st.integers(-(2**63), 2**63 - 1), st.sampled_from([b"a", b"b"]))
def test_cursors_come_back(key: int, direction: bytes) -> None:
    kept = {"limit": "5", "level": "city"}
    cursor = write_cursor(direction, key, kept)
    position = parse_items_query(REGIONS, QueryParams({**kept, "cursor": cursor})).position
    assert (position.after if direction == b"a" else position.before) == key


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_items_query(REGIONS, QueryParams([("cursor", text)]))


@given(st.sampled_from(["limit", "bbox", "datetime", "as_of", "offset"]), st.text(max_size=40))
def test_any_text_is_understood_or_refused(name: str, text: str) -> None:
    try:
        parse_items_query(REGIONS, QueryParams([(name, text)]))
        faults: list[str] = [name]
    except InvalidInput as error:
        faults = [fault.pointer for fault in error.faults]
    assert faults == [name]
