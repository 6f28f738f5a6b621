"""Classes of water against worked examples, and what must hold for any values."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.water_quality import (
    WATER_STANDARDS,
    Body,
    classify,
    load_water_standard,
    share_between,
    water_standard,
)

SURFACE = load_water_standard("gb-3838-2002")
SEA = load_water_standard("gb-3097-1997")
amounts = st.floats(0, 1e5, allow_nan=False)


def section(body: Body = "river", **values: float) -> tuple[str | None, list[str]]:
    standard = SEA if body == "sea" else SURFACE
    found = classify({name: np.array([one]) for name, one in values.items()}, standard, body)
    return standard.name_of(int(found.classes[0])), found.deciding_items(0)


def test_the_worst_item_decides() -> None:
    found = section(
        dissolved_oxygen=6.4,
        permanganate_index=3.1,
        ammonia_nitrogen=0.62,
        total_phosphorus=0.09,
    )
    assert found == ("III", ["ammonia_nitrogen"])


def test_too_little_oxygen_is_worse_than_every_class() -> None:
    assert section(dissolved_oxygen=1.8, ammonia_nitrogen=0.1) == (
        "inferior_v",
        ["dissolved_oxygen"],
    )


@pytest.mark.parametrize(
    ("item", "value", "expected"),
    [
        ("ammonia_nitrogen", 0.5, "II"),
        ("ammonia_nitrogen", np.nextafter(0.5, 1), "III"),
        ("dissolved_oxygen", 5.0, "III"),
        ("dissolved_oxygen", np.nextafter(5.0, 0), "IV"),
        ("ph", 6.0, "I"),
        ("ph", 9.0, "I"),
        ("ph", 5.99, "inferior_v"),
        ("ph", 9.01, "inferior_v"),
        ("petroleum", 0.5, "IV"),
        ("cod", 40.0, "V"),
        ("cod", 40.1, "inferior_v"),
    ],
)
def test_a_value_on_the_limit_meets_it(item: str, value: float, expected: str) -> None:
    assert section("river", **{item: value})[0] == expected


def test_nearly_saturated_water_is_of_the_first_class() -> None:
    assert section(dissolved_oxygen=6.8)[0] == "II"
    assert section(dissolved_oxygen=6.8, oxygen_saturation=90.0)[0] == "I"
    assert section(dissolved_oxygen=6.8, oxygen_saturation=89.9)[0] == "II"


def test_lakes_have_their_own_limits() -> None:
    assert section("river", total_phosphorus=0.09)[0] == "II"
    assert section("lake", total_phosphorus=0.09)[0] == "IV"
    # Nitrogen and coliforms are left out of rivers, not out of lakes.
    assert section("river", ph=7.0, total_nitrogen=9.0, faecal_coliforms=1e5) == ("I", ["ph"])
    assert section("lake", ph=7.0, total_nitrogen=9.0)[0] == "inferior_v"


def test_sea_water_has_to_pass_the_limit_of_oxygen() -> None:
    assert section("sea", dissolved_oxygen=6.0)[0] == "2"
    assert section("sea", dissolved_oxygen=6.01)[0] == "1"
    assert section("sea", inorganic_nitrogen=0.30, active_phosphate=0.031) == (
        "4",
        ["active_phosphate"],
    )
    assert section("sea", ph=7.0)[0] == "3"


def test_what_is_not_measured_decides_nothing() -> None:
    found = classify(
        {"cod": np.array([np.nan, 12.0]), "ph": np.array([np.nan, np.nan])}, SURFACE, "river"
    )
    assert found.classes.tolist() == [0, 1]
    assert found.assessed.tolist() == [0, 1]
    assert found.deciding_items(0) == []
    assert SURFACE.name_of(0) is None
    assert classify({}, SURFACE, "river").classes.size == 0


def test_shares_count_what_was_assessed() -> None:
    classes = np.array([1, 2, 3, 4, 6, 0], dtype=np.uint8)
    assert share_between(classes, 1, 3) == 60.0
    assert share_between(classes, 6, 6) == 20.0
    assert np.isnan(share_between(np.zeros(2, dtype=np.uint8), 1, 3))


def test_a_negative_concentration_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match="cod is -1 mg/L") as refused:
        section(cod=-1.0)
    assert refused.value.faults[0].pointer == "/cod"
    with pytest.raises(InvalidInput, match="no standard 'gb-1'"):
        load_water_standard("gb-1")


def test_the_standard_in_force_is_the_newest_that_began() -> None:
    assert water_standard("surface_water", date(2024, 1, 1)) is SURFACE
    assert water_standard("sea_water", date(2024, 1, 1)) is SEA
    with pytest.raises(InvalidInput, match="no standard of sea_water"):
        water_standard("sea_water", date(1998, 6, 30))


@pytest.mark.parametrize("name", WATER_STANDARDS)
def test_every_row_has_a_limit_for_every_class(name: str) -> None:
    standard = load_water_standard(name)
    for item in standard.items:
        assert len(item.low) == len(item.high) == len(standard.classes)
        assert not np.all(np.isnan(item.low) & np.isnan(item.high))


@given(
    place=st.integers(0, len(SURFACE.items) - 1),
    first=amounts,
    more=st.floats(0, 1e5, allow_nan=False),
)
def test_more_of_what_harms_never_improves_the_class(place: int, first: float, more: float) -> None:
    item = SURFACE.items[place]
    values = np.array([first, first + more])
    better, worse = item.classes(values if np.isnan(item.low).all() else values[::-1])
    if item.code != "ph":
        assert better <= worse


@given(values=st.lists(amounts, min_size=2, max_size=2))
def test_another_item_never_improves_the_class(values: list[float]) -> None:
    alone = classify({"cod": np.array(values[:1])}, SURFACE, "river").classes[0]
    both = classify(
        {"cod": np.array(values[:1]), "lead": np.array(values[1:])}, SURFACE, "river"
    ).classes[0]
    assert both >= alone
