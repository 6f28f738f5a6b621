"""The effect of a project by hand: the ring, differences of differences, signs."""

import math
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from shanhai.science.effect import (
    Sighting,
    change_of,
    control_ring,
    is_silent,
    sealing_signs,
    vegetation_signs,
)


def seen(year: int, inside: float | None, control: float | None = 0.3) -> Sighting:
    return Sighting(date(year, 7, 1), inside, control)


def test_the_ring_has_the_area_of_the_perimeter() -> None:
    # Around a square of 100 m a ring of width d has 400 d + pi d²; 10,000 m² at 21.40 m.
    width = (math.sqrt(400**2 + 4 * math.pi * 10_000) - 400) / (2 * math.pi)
    ring = control_ring(box(0, 0, 100, 100), [])
    assert ring.width_m == pytest.approx(width, rel=1e-3)
    assert ring.geometry.area == pytest.approx(10_000, rel=2e-4)
    assert ring.geometry.intersection(box(0, 0, 100, 100)).area == 0


def test_other_projects_are_no_part_of_the_ring() -> None:
    other = box(100, -1000, 5000, 1000)
    ring = control_ring(box(0, 0, 100, 100), [other])
    assert ring.geometry.area == pytest.approx(10_000, rel=2e-4)
    assert ring.geometry.intersection(other).area == pytest.approx(0, abs=1e-6)


def test_a_ring_without_room_is_as_large_as_it_can_be() -> None:
    # All around lies another project, but for a strip 10 m wide at the west.
    around = box(-5000, -5000, 5000, 5000).difference(box(-10, 0, 100, 100))
    ring = control_ring(box(0, 0, 100, 100), [around])
    assert ring.geometry.area == pytest.approx(1000)
    assert ring.width_m == 1000


def test_the_effect_is_the_difference_of_the_differences() -> None:
    series = [seen(2018, 0.9, 0.9), seen(2020, 0.20, 0.25), seen(2022, 0.4), seen(2024, 0.55, 0.35)]
    change = change_of(series[::-1], 2021, 2023)
    assert change is not None
    # Inside 0.55 - 0.20 = 0.35, beside 0.35 - 0.25 = 0.10.
    assert change.inside == pytest.approx(0.35)
    assert change.control == pytest.approx(0.10)
    assert change.effect == pytest.approx(0.25)
    assert (change.before, change.after) == (date(2020, 7, 1), date(2024, 7, 1))
    assert not change.interim
    interim = change_of(series, 2021, 2024)
    assert interim is not None
    assert interim.interim


def test_without_both_times_there_is_no_effect() -> None:
    assert change_of([seen(2022, 0.4)], 2021, 2023) is None
    assert change_of([seen(2020, 0.4)], 2021, 2023) is None
    unknown = change_of([seen(2020, None), seen(2021, 0.4)], 2021, 2023)
    assert unknown is not None
    assert (unknown.inside, unknown.control, unknown.effect) == (None, 0.0, None)


@pytest.mark.parametrize(
    ("series", "signs"),
    [
        # 0.16 of 0.30 is lost; the first year counts as after.
        ([(2020, 0.2), (2021, 0.5), (2024, 0.34)], ("ndvi_fell_back",)),
        ([(2020, 0.2), (2022, 0.5), (2024, 0.36)], ()),  # 0.14 of 0.30 lost
        ([(2020, 0.2), (2025, 0.215)], ("ndvi_flat",)),
        ([(2020, 0.2), (2024, 0.215)], ()),  # too early to tell
        ([(2020, 0.2), (2022, None), (2025, 0.23)], ()),
        ([(2020, None), (2025, 0.1)], ()),
        ([(2025, 0.1)], ()),
    ],
)
def test_vegetation_that_did_not_stay(
    series: list[tuple[int, float | None]], signs: tuple[str, ...]
) -> None:
    found = [seen(year, value) for year, value in series]
    assert vegetation_signs(found, 2021, 2023) == signs


def test_a_dry_year_is_no_sign() -> None:
    series = [seen(2020, 0.2, 0.2), seen(2022, 0.5, 0.3), seen(2024, 0.3, 0.1)]
    assert vegetation_signs(series, 2021, 2023) == ()


@pytest.mark.parametrize(
    ("after", "control", "signs"),
    [
        (0.13, 0.1, ("sealed_grew",)),
        (0.105, 0.09, ()),  # beyond the control area, whose share fell
        (0.13, 0.125, ()),
        (None, 0.1, ()),
    ],
)
def test_sealing_is_told_where_it_leads_the_control_area(
    after: float | None, control: float, signs: tuple[str, ...]
) -> None:
    series = [seen(2020, 0.1, 0.1), seen(2024, after, control)]
    assert sealing_signs(series, 2021) == signs
    assert sealing_signs(series[1:], 2021) == ()


def test_a_year_without_observation() -> None:
    today = date(2026, 1, 2)
    assert is_silent([date(2025, 1, 1)], date(2021, 1, 1), today)
    assert not is_silent([date(2025, 1, 2)], date(2021, 1, 1), today)
    assert not is_silent([], date(2025, 6, 1), today)


VALUES = st.floats(-1, 1, allow_nan=False)


@given(VALUES, VALUES, VALUES, VALUES, VALUES)
def test_what_befalls_both_alike_is_no_effect(
    inside: float, control: float, later: float, beside: float, common: float
) -> None:
    plain = change_of([seen(2020, inside, control), seen(2024, later, beside)], 2021, 2023)
    weather = change_of(
        [seen(2020, inside, control), seen(2024, later + common, beside + common)], 2021, 2023
    )
    assert plain is not None
    assert weather is not None
    assert weather.effect == pytest.approx(plain.effect, abs=1e-9)
