import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from shanhai.science.landcover import LandCover
from shanhai.science.rusle import (
    COVER_FACTORS,
    Intensity,
    cover_cai,
    cover_table,
    cover_van_der_knijff,
    erosion_intensity,
    slope_length,
    slope_steepness,
)


def length(slope: float, aspect: float, area: float, cell: float = 30, cap: float = 122) -> float:
    facing = abs(math.sin(math.radians(aspect))) + abs(math.cos(math.radians(aspect)))
    steep, faced, drained = (np.array([value]) for value in (slope, facing, area))
    return float(slope_length(steep, faced, drained, cell, cap)[0])


def test_worked_examples_of_steepness() -> None:
    factor = slope_steepness(np.array([3.0, 7, 20]))
    assert_allclose(factor, [0.595228, 1.547405, 6.533661], rtol=1e-6)


def test_steepness_at_its_joints() -> None:
    just_below = np.nextafter(10, 0)
    assert_allclose(slope_steepness(np.array([just_below, 10])), [2.417, 2.845], atol=1e-3)
    assert slope_steepness(np.array([5.0]))[0] == pytest.approx(
        16.8 * math.sin(math.radians(5)) - 0.5
    )


def test_steepness_of_flat_capped_and_unknown_ground() -> None:
    factor = slope_steepness(np.array([0, 45, 80, np.nan]))
    assert_allclose(factor, [0.03, 21.91 * math.sqrt(0.5) - 0.96, factor[1], np.nan])
    assert slope_steepness(np.array([80.0]), cap_deg=20)[0] == pytest.approx(6.533661, rel=1e-6)


@given(a=st.floats(0, 90), b=st.floats(0, 90))
def test_steepness_rises_with_the_slope(a: float, b: float) -> None:
    low, high = slope_steepness(np.array(sorted((a, b))))
    # Rounding of the sine apart, and of the joint at 5°, where the upper branch starts lower.
    assert low <= high + 0.03


@pytest.mark.parametrize(
    ("aspect", "area", "expected"),
    [(45, 0, 0.979067), (45, 900, 1.790153), (45, 90_000, 2.771264), (0, 900, 2.128862)],
)
def test_worked_examples_of_length(aspect: float, area: float, expected: float) -> None:
    assert length(20, aspect, area) == pytest.approx(expected, rel=1e-6)


def test_length_as_printed() -> None:
    # The unsimplified equation, in m².
    for slope, m in [(0.5, 0.2), (1, 0.2), (2, 0.3), (3, 0.3), (4, 0.4), (5, 0.4), (6, 0.5)]:
        inlet = 1700.0
        printed = (inlet + 900) ** (m + 1) - inlet ** (m + 1)
        printed /= 30 ** (m + 2) * 1.0**m * 22.13**m
        assert length(slope, 0, inlet) == pytest.approx(printed, rel=1e-12)


def test_length_of_flat_ground_is_finite() -> None:
    assert 0 < length(0, 0, 1e9) < 10


def test_cell_longer_than_the_longest_slope_is_one_slope() -> None:
    assert (
        length(20, 0, 0, cell=250)
        == length(20, 0, 1e9, cell=250)
        == pytest.approx(math.sqrt(250 / 22.13))
    )


@given(area=st.floats(0, 1e6), more=st.floats(0, 1e6), slope=st.floats(0, 90))
def test_length_rises_with_the_land_above(area: float, more: float, slope: float) -> None:
    assert 0 < length(slope, 30, area) <= length(slope, 30, area + more) * (1 + 1e-9)


def test_length_of_unknown_cells_is_unknown() -> None:
    known = np.array([20.0, 1.0, 900.0])
    for place in range(3):
        values = known.copy()
        values[place] = np.nan
        slope, facing, area = (np.array([value]) for value in values)
        assert np.isnan(slope_length(slope, facing, area, 30)).all()


def test_worked_examples_of_cover() -> None:
    assert_allclose(
        cover_cai(np.array([0, 0.3, 0.7, 0.9])), [1, 0.143261, 0.016824, 0.001], rtol=3e-5
    )
    assert cover_van_der_knijff(np.array([0.6]))[0] == pytest.approx(0.049787, rel=1e-5)


def test_cover_at_its_ends() -> None:
    assert_array_equal(cover_cai(np.array([1e-6, 0.784, 1, np.nan])), [1, 0.001, 0.001, np.nan])
    assert_array_equal(cover_van_der_knijff(np.array([-1, 0, 1, np.nan])), [1, 1, 0, np.nan])


@given(a=st.floats(0, 1), b=st.floats(0, 1))
def test_more_cover_never_erodes_more(a: float, b: float) -> None:
    bare, covered = sorted((a, b))
    cover = np.array([bare, covered])
    for factor in (cover_cai(cover), cover_van_der_knijff(cover)):
        assert 0 <= factor[1] <= factor[0] <= 1


@pytest.mark.parametrize("cover", list(COVER_FACTORS))
def test_cover_table_has_its_breaks(cover: LandCover) -> None:
    shares = np.array([0, 0.0999, 0.1, 0.3, 0.5, 0.7, 0.9, 1, np.nan])
    codes = np.full(shares.size, cover, dtype=np.uint8)
    row = COVER_FACTORS[cover]
    expected = [row[0], row[0], *row[1:], row[5], np.nan]
    assert_array_equal(cover_table(shares, codes), expected)


def test_cover_table_leaves_other_classes_to_the_formula() -> None:
    shares = np.array([0.3, 0.7])
    codes = np.array([LandCover.CROPLAND, LandCover.BARE], dtype=np.uint8)
    assert_array_equal(cover_table(shares, codes), cover_cai(shares))


def test_classes_of_intensity() -> None:
    erosion = np.array([0, 4.99, 5, 25, 25.01, 50, 80, 80.1, 150, 150.1, np.nan])
    assert erosion_intensity(erosion, 5).tolist() == [1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 0]
    assert erosion_intensity(np.array([8.0]), 10)[0] == Intensity.SLIGHT
