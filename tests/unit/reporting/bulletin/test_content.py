"""What a bulletin tells: by hand, and what must hold of any."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.db.bulletins.templates import default_template
from shanhai.processes.publish_bulletin.contract import (
    AirDaysTask,
    BulletinStation,
    BulletinTask,
    ObservedMean,
    PublishBulletinInputs,
)
from shanhai.processes.publish_bulletin.document.content import build_content, period_name
from shanhai.processes.publish_bulletin.document.examples import (
    empty_task,
    example_region,
    full_task,
)
from shanhai.processes.publish_bulletin.document.language import in_language
from shanhai.processes.publish_bulletin.document.observed import completeness_percent

TEMPLATE = default_template().template
INPUTS = PublishBulletinInputs(region="r", first=date(2026, 1, 1), last=date(2026, 1, 10))


def station(code: str, kind: str = "water_section", **means: float) -> BulletinStation:
    return BulletinStation(
        code=code,
        name_zh=code,
        name_en=code,
        kind=kind,
        interval_s=3600,
        longitude=None,
        latitude=None,
        means=[
            ObservedMean(property=name, mean=mean, months=1, number=120)
            for name, mean in means.items()
        ],
    )


def content(inputs: PublishBulletinInputs = INPUTS, **parts: Any) -> dict[str, Any]:
    held: BulletinTask = empty_task(TEMPLATE).model_copy(update=parts)
    return build_content(inputs, example_region(), held)


def test_completeness_is_the_share_of_what_is_expected() -> None:
    # Ten days of hours are 240 values; one property has half of them, the other all and more.
    half = ObservedMean(property="a", mean=1.0, months=1, number=120)
    more = ObservedMean(property="b", mean=1.0, months=1, number=300)
    own = station("s").model_copy(update={"means": [half, more]})
    assert completeness_percent(own, 10) == 75.0
    assert completeness_percent(station("silent"), 10) == 0.0
    assert completeness_percent(own.model_copy(update={"interval_s": None}), 10) is None
    # An interval longer than the period expects one value.
    assert completeness_percent(own.model_copy(update={"interval_s": 86_400 * 31}), 10) == 100.0


def test_projects_that_were_given_up_cost_nothing() -> None:
    going, given_up, rejected = full_task(TEMPLATE).projects[:3]
    gone = {"state_zh": "–", "state_en": "–", "order": 9}
    told = content(
        projects=[
            going,
            given_up.model_copy(update={"state": "cancelled", **gone}),
            rejected.model_copy(update={"state": "rejected", **gone}),
        ]
    )["projects"]
    assert (told["count"], len(told["rows"])) == (3, 3)
    assert (told["costed"], told["cost"]) == (1, going.cost)
    assert told["progress_percent"] == going.progress_percent
    # What was paid to them was paid.
    assert told["paid"] == going.paid + given_up.paid + rejected.paid


def test_water_is_classed_by_its_worst_item() -> None:
    told = content(
        stations=[
            station("clean", dissolved_oxygen=8.0, ammonia_nitrogen=0.1),
            station("fair", dissolved_oxygen=8.0, ammonia_nitrogen=0.9),
            station("foul", dissolved_oxygen=1.0, ammonia_nitrogen=0.1),
            station("silent"),
            station("shore", "sea", inorganic_nitrogen=0.25),
        ]
    )
    water = told["water"]
    assert [(row["code"], row["class"], row["deciding"]) for row in water["rows"]] == [
        ("clean", "I", []),
        ("fair", "III", ["ammonia_nitrogen"]),
        ("foul", "inferior_v", ["dissolved_oxygen"]),
        ("silent", None, []),
    ]
    assert (water["assessed"], water["good"], water["worst"]) == (3, 2, 1)
    assert water["good_percent"] == pytest.approx(200 / 3)
    assert told["sea"]["rows"][0]["class"] == "2"
    assert told["observations"]["silent"] == 1


def test_items_may_be_left_out_and_lakes_have_limits_of_their_own() -> None:
    stations = [station("s", total_phosphorus=0.04, ammonia_nitrogen=3.0)]
    left_out = INPUTS.model_copy(update={"left_out": ["ammonia_nitrogen"]})
    assert content(left_out, stations=stations)["water"]["rows"][0]["class"] == "II"
    lake = left_out.model_copy(update={"lakes": ["s"]})
    assert content(lake, stations=stations)["water"]["rows"][0]["class"] == "III"


def test_days_of_air_are_counted_by_class() -> None:
    clean = {"so2_24h": 8.0, "no2_24h": 20.0, "pm10_24h": 40.0, "co_24h": 0.6, "o3_8h": 90.0}
    days: dict[str, list[float | None]] = {name: [value] * 10 for name, value in clean.items()}
    # Of 30 the index is 43; of 90 it is 100 + 50 · 15/40, raised to 119. Without the sensor a day
    # is not known.
    days["pm25_24h"] = [*[30.0] * 8, 90.0, None]
    air = content(air=AirDaysTask(stations=1, hours=0, days=days))["air"]
    counts = {row["code"]: row["count"] for row in air["classes"] if row["count"]}
    assert counts == {"1": 8, "3": 1}
    assert (air["known"], air["good"], air["days"]) == (9, 8, 10)
    assert air["good_percent"] == pytest.approx(800 / 9)
    assert [(row["code"], row["count"]) for row in air["primary"]] == [("pm25_24h", 1)]
    assert air["daily"][8] == {"day": "2026-01-09", "aqi": 119, "class": 3}


@pytest.mark.parametrize(
    ("first", "last", "zh", "en"),
    [
        ((2025, 1, 1), (2025, 12, 31), "2025年", "2025"),
        ((2025, 7, 1), (2025, 12, 31), "2025年下半年", "H2 2025"),
        ((2025, 10, 1), (2025, 12, 31), "2025年第四季度", "Q4 2025"),
        ((2024, 2, 1), (2024, 2, 29), "2024年2月", "February 2024"),
        ((2025, 2, 2), (2025, 2, 28), "2025年2月2日至2025年2月28日", "2025-02-02 to 2025-02-28"),
        ((2025, 2, 1), (2025, 4, 30), "2025年2月1日至2025年4月30日", "2025-02-01 to 2025-04-30"),
        ((2024, 12, 1), (2025, 2, 28), "2024年12月1日至2025年2月28日", "2024-12-01 to 2025-02-28"),
    ],
)
def test_periods_are_named(first: Any, last: Any, zh: str, en: str) -> None:
    name = period_name(date(*first), date(*last))
    assert (name.zh, name.en) == (zh, en)


def test_one_language_is_left_of_two() -> None:
    both = {"name_zh": "甲", "name_en": "a", "rows": [{"unit_zh": "吨", "unit_en": "t", "n": 1}]}
    assert in_language(both, "zh") == {"name": "甲", "rows": [{"unit": "吨", "n": 1}]}
    assert in_language(both, "en") == {"name": "a", "rows": [{"unit": "t", "n": 1}]}


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0, 5), max_size=12))
def test_shares_of_classes_are_of_one_whole(values: list[float]) -> None:
    stations = [station(str(n), ammonia_nitrogen=value) for n, value in enumerate(values)]
    water = content(stations=stations)["water"]
    assert sum(row["count"] for row in water["classes"]) == water["assessed"] == len(values)
    if values:
        assert sum(row["percent"] for row in water["classes"]) == pytest.approx(100)
        assert water["good_percent"] == pytest.approx(
            100 * sum(value <= 1.0 for value in values) / len(values)
        )
    else:
        assert water["good_percent"] is None
