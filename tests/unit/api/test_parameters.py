"""The query of a collection's items."""

import re
from datetime import UTC, datetime

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from shanhai.db.collections.catalogue import ENTITIES, entity_named
from shanhai.db.features.crs import parse_crs
from shanhai.db.features.entity import Entity
from shanhai.db.features.order import OrderPosition, Side, SortKey
from shanhai.db.features.selection import Box, Outline
from shanhai.errors import InvalidInput
from shanhai_api.features.parameters import known_parameters, parse_items_query
from shanhai_api.features.values import parse_bbox, parse_datetime, write_cursor

REGIONS = entity_named("regions")
CHINESE = re.compile("[\u4e00-\u9fff]")


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
    box = parse_bbox("177,65,-177,70")
    assert isinstance(box, Box)
    assert box.parts() == ((177, 65, 180, 70), (-180, 65, -177, 70))


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


@pytest.mark.parametrize(
    ("crs", "text", "box"),
    [
        ("[EPSG:4490]", "24,118,25,119", Box(118, 24, 119, 25)),
        ("[EPSG:4326]", "24,118,-5,25,119,5", Box(118, 24, 119, 25)),
        ("[EPSG:4326]", "65,177,70,-177", Box(177, 65, -177, 70)),
        ("[OGC:CRS84]", "118,24,119,25", Box(118, 24, 119, 25)),
    ],
)
def test_boxes_follow_the_axes_of_their_system(crs: str, text: str, box: Box) -> None:
    assert parse_bbox(text, parse_crs(crs)) == box


def test_a_mercator_box_is_a_box_in_degrees() -> None:
    box = parse_bbox("13135699,2753408,13191359,2814454", parse_crs("[EPSG:3857]"))
    assert isinstance(box, Box)
    assert (box.west, box.south) == pytest.approx((118.0, 24.0), abs=1e-4)
    assert (box.east, box.north) == pytest.approx((118.5, 24.5), abs=1e-4)


def test_a_gauss_kruger_box_has_bent_edges() -> None:
    outline = parse_bbox("2655000,590000,2712000,660000", parse_crs("[EPSG:4548]"))
    assert isinstance(outline, Outline)
    polygon = shapely.from_wkb(outline.wkb)
    assert polygon.is_valid
    assert polygon.contains(shapely.Point(118.1, 24.2))
    assert shapely.get_num_coordinates(polygon) > 50


@pytest.mark.parametrize(
    ("crs", "text"),
    [
        ("[EPSG:4490]", "118,24,119,25"),
        ("[EPSG:3857]", "0,10,1,5"),
        ("[EPSG:4548]", "2712000,590000,2655000,660000"),
        ("[EPSG:4548]", "2655000,660000,2712000,590000"),
        ("[EPSG:4548]", "1,1,1e9,1e9"),
    ],
)
def test_boxes_that_mean_nothing(crs: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"must|coordinates"):
        parse_bbox(text, parse_crs(crs))


TEXTS_OF_A_LEVEL = st.none() | st.text(
    st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=100
)


@given(st.integers(-(2**63) + 1, 2**63 - 1), TEXTS_OF_A_LEVEL, st.sampled_from(["after", "before"]))
def test_cursors_come_back(key: int, value: str | None, side: Side) -> None:
    kept = {"limit": "5", "sortby": "-level"}
    place = OrderPosition(key, (value,))
    cursor = write_cursor(side, place, kept)
    position = parse_items_query(REGIONS, QueryParams({**kept, "cursor": cursor})).position
    assert (position.after if side == "after" else position.before) == place


def test_a_cursor_is_good_for_its_query_only() -> None:
    cursor = write_cursor("after", OrderPosition(1, ("city",)), {"sortby": "level"})
    for other in ({}, {"sortby": "-level"}, {"sortby": "level", "as_of": "2024-01-01"}):
        with pytest.raises(InvalidInput, match="cursor"):
            parse_items_query(REGIONS, QueryParams({**other, "cursor": cursor}))
    for same in ({"limit": "3"}, {"f": "html"}, {"crs": "[EPSG:4490]"}, {"count": "none"}):
        parse_items_query(REGIONS, QueryParams({**same, "sortby": "level", "cursor": cursor}))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("valid_from", value) for value in ("ten", "1'; --", "", "2024-W01-1", "20240101")),
        *(("cost", value) for value in ("sNaN", "1_000", "\uff11", "1e999999", "Infinity")),
    ],
)
def test_values_of_a_forged_cursor_never_reach_the_database(name: str, value: str) -> None:
    """Python reads more dates and numbers than PostgreSQL."""
    cursor = write_cursor("after", OrderPosition(1, (value,)), {"sortby": name})
    query = QueryParams({"sortby": name, "cursor": cursor})
    with pytest.raises(InvalidInput, match="cursor"):
        parse_items_query(entity_named("projects"), query)


def test_orders() -> None:
    query = parse_items_query(REGIONS, QueryParams("sortby=%2Blevel,-code"))
    assert query.ask.order == (SortKey("level"), SortKey("code", descending=True))
    assert parse_items_query(REGIONS, QueryParams("sortby=+level")).ask.order[0].name == "level"


@pytest.mark.parametrize("text", ["", "nothing", "level,level", "level,", "+", "geometry"])
def test_orders_that_do_not_exist(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_items_query(REGIONS, QueryParams({"sortby": text}))
    assert [fault.pointer for fault in caught.value.faults] == ["sortby"]


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_no_queryable_hides_behind_a_parameter(entity: Entity) -> None:
    names = {item.name for item in entity.queryables}
    assert not names & {*known_parameters(entity), "f", "lang"}


@given(st.text(max_size=60))
def test_no_text_is_taken_for_a_cursor(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_items_query(REGIONS, QueryParams([("cursor", text)]))


@given(
    st.sampled_from(
        [
            *("limit", "bbox", "datetime", "as_of", "offset", "crs", "bbox-crs", "sortby"),
            *("properties", "count", "filter-lang", "filter-crs"),
        ]
    ),
    st.text(max_size=40),
)
def test_any_text_is_understood_or_refused(name: str, text: str) -> None:
    try:
        parse_items_query(REGIONS, QueryParams([(name, text)]))
    except InvalidInput as error:
        faults = error.faults
    else:
        return
    assert [fault.pointer for fault in faults] == [name]
    assert CHINESE.search((faults[0].detail_zh or "").replace(text, ""))
    assert " / " not in faults[0].detail.replace(text, "")


@pytest.mark.parametrize("counting", ["capped", "exact", "estimate", "none"])
def test_every_documented_way_to_count_is_known(counting: str) -> None:
    query = parse_items_query(REGIONS, QueryParams({"count": counting}))
    assert query.ask.counting == counting


def test_faults_are_told_in_chinese_too() -> None:
    asked = QueryParams([("limit", "0"), ("wrong", "1"), ("bbox", "1,2"), ("bbox", "1,2")])
    with pytest.raises(InvalidInput) as refused:
        parse_items_query(REGIONS, asked)
    assert refused.value.message_zh.startswith("wrong：不是该集合的参数；可用参数：")
    assert refused.value.message_zh.endswith(
        "；bbox：重复给出；limit：必须是 1 到 10000 的整数（给出的是 '0'）"
    )
    assert refused.value.message.endswith("limit: must be a whole number from 1 to 10000, not '0'")


def test_a_language_nobody_offers_is_refused() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_items_query(REGIONS, QueryParams({"lang": "fr"}))
    assert [fault.pointer for fault in refused.value.faults] == ["lang"]


def test_a_value_outside_a_closed_list_is_refused() -> None:
    query = parse_items_query(REGIONS, QueryParams({"level": "city"}))
    assert query.filters["level"] == "city"
    with pytest.raises(InvalidInput) as refused:
        parse_items_query(REGIONS, QueryParams({"level": "village"}))
    assert [fault.pointer for fault in refused.value.faults] == ["level"]
