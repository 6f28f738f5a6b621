import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.ecoservices.stormwater_regulation import CURVE_NUMBER
from shanhai.science.landcover import LandCover
from shanhai.science.runoff import (
    curve_number,
    retention_mm,
    steep_curve_number,
    storm_runoff,
    wet_curve_number,
)

TABLES: dict[str, Any] = {table.name: table.values for table in CURVE_NUMBER.tables}
BUILT_UP, FOREST, WATER = LandCover.BUILT_UP, LandCover.FOREST, LandCover.WATER


def number(cover: list[int], group: list[float], **given: Any) -> np.ndarray:
    return curve_number(
        land_cover=np.array(cover, dtype=np.uint8),
        hydrologic_group=np.array(group),
        **{"sealed_share": 0.7, **TABLES, **given},
    )


def runoff(numbers: list[float], storm_mm: float, **given: Any) -> np.ndarray:
    cover = np.full(len(numbers), FOREST, dtype=np.uint8)
    values: dict[str, Any] = {"curve_number": np.array(numbers), "land_cover": cover}
    return storm_runoff(**{**values, "storm_mm": storm_mm, **given})


def test_built_up_land_is_a_mixture() -> None:
    np.testing.assert_allclose(number([BUILT_UP] * 4, [1, 2, 3, 4]), [80.3, 86.9, 90.8, 92.6])


def test_a_mapped_sealed_share_goes_before_the_default() -> None:
    mapped = np.array([0.0, 1.0, np.nan])
    found = number([BUILT_UP] * 3, [3, 3, 3], impervious=mapped)
    np.testing.assert_allclose(found, [74, 98, 90.8])
    np.testing.assert_allclose(number([FOREST], [2], impervious=np.array([1.0])), 55)


def test_number_is_unknown_without_cover_or_group() -> None:
    found = number([0, FOREST, FOREST, FOREST], [1, math.nan, 0, 5])
    assert np.isnan(found).all()


def test_a_class_without_row_is_refused() -> None:
    with pytest.raises(InvalidInput, match="10 \\(1 cells\\)"):
        number([LandCover.SNOW_ICE], [1])


def test_wet_soil_sheds_more() -> None:
    np.testing.assert_allclose(wet_curve_number(np.array([75.0])), 87.341772, atol=1e-6)
    np.testing.assert_allclose(
        number([FOREST], [2], antecedent="wet"), wet_curve_number(np.array([55.0]))
    )


def test_steep_land_sheds_more() -> None:
    slope = np.array([5.0, 45.0, np.nan])
    found = steep_curve_number(np.full(3, 60.0), slope)
    np.testing.assert_allclose(found, [60, 60 * (322.79 + 15.63) / 324.52, np.nan])
    np.testing.assert_array_equal(steep_curve_number(np.full(2, 99.0), slope[1:]), [100, np.nan])
    np.testing.assert_allclose(
        number([FOREST], [2], slope_correction="steep", slope=slope[1:2]), 55 * 338.42 / 324.52
    )


def test_runoff_of_a_storm() -> None:
    np.testing.assert_allclose(retention_mm(np.array([55.0])), 207.818182, atol=1e-6)
    np.testing.assert_allclose(runoff([55, 98], 100.0), [12.825353, 94.037597], atol=1e-6)
    np.testing.assert_array_equal(runoff([55], 20.0), 0)


def test_extremes_of_the_curve_number() -> None:
    np.testing.assert_array_equal(retention_mm(np.array([0.0, np.nan])), [100_000, np.nan])
    np.testing.assert_array_equal(runoff([0, 100, np.nan], 100.0), [0, 100, np.nan])
    np.testing.assert_array_equal(runoff([100, 50], 0.0), [0, 0])


def test_lakes_with_room_hold_the_storm() -> None:
    cover = np.array([WATER, LandCover.WETLAND, FOREST, WATER], dtype=np.uint8)
    numbers = np.array([99.0, 99, 55, np.nan])
    passed = runoff([], 100.0, curve_number=numbers, land_cover=cover)
    held = runoff([], 100.0, curve_number=numbers, land_cover=cover, lake_storage="storage")
    assert (passed[:2] > 90).all()
    np.testing.assert_allclose(held, [0, 0, 12.825353, np.nan], atol=1e-6)


@given(
    lower=st.floats(0, 100),
    higher=st.floats(0, 100),
    storm_mm=st.floats(0, 1000),
)
def test_runoff_is_bounded_and_grows_with_the_number(
    lower: float, higher: float, storm_mm: float
) -> None:
    few, many = runoff(sorted((lower, higher)), storm_mm)
    assert 0 <= few <= many * (1 + 1e-12)
    assert many <= storm_mm * (1 + 1e-12)
