import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.rusle import (
    Texture,
    epic_erodibility,
    erodibility,
    soil_infiltration,
    texture_class,
)


def one(value: float) -> np.ndarray:
    return np.array([value])


@pytest.mark.parametrize(
    ("sand", "silt", "clay", "texture"),
    [
        (92, 5, 3, Texture.SAND),
        (88, 6, 6, Texture.LOAMY_SAND),
        (75, 20, 5, Texture.SANDY_LOAM),
        (53, 28, 19, Texture.SANDY_LOAM),
        (51, 45, 4, Texture.SANDY_LOAM),
        (52, 41, 7, Texture.LOAM),
        (52, 28, 20, Texture.LOAM),
        (40, 50, 10, Texture.SILT_LOAM),
        (8, 80, 12, Texture.SILT_LOAM),
        (9, 80, 11, Texture.SILT),
        (53, 27, 20, Texture.SANDY_CLAY_LOAM),
        (45, 28, 27, Texture.CLAY_LOAM),
        (20, 53, 27, Texture.SILTY_CLAY_LOAM),
        (46, 19, 35, Texture.SANDY_CLAY),
        (20, 40, 40, Texture.SILTY_CLAY),
        (45, 15, 40, Texture.CLAY),
        (10, 30, 60, Texture.CLAY),
        (10, 29, 61, Texture.HEAVY_CLAY),
    ],
)
def test_borders_of_the_texture_triangle(sand: int, silt: int, clay: int, texture: Texture) -> None:
    assert texture_class(one(sand), one(silt), one(clay))[0] == texture


@given(sand=st.floats(0, 100), share=st.floats(0, 1))
def test_every_composition_has_a_class(sand: float, share: float) -> None:
    clay = (100 - sand) * share
    assert 1 <= texture_class(one(sand), one(100 - sand - clay), one(clay))[0] <= 13


def test_sum_within_five_percent_is_rescaled() -> None:
    exact = epic_erodibility(one(40.0), one(40.0), one(20.0), one(1.2))
    assert epic_erodibility(one(38.4), one(38.4), one(19.2), one(1.2)) == pytest.approx(exact)


@pytest.mark.parametrize("fractions", [(40, 30, 20), (50, 50, 10), (np.nan, 50, 50), (110, -5, -5)])
def test_implausible_composition_is_nodata(fractions: tuple[float, float, float]) -> None:
    sand, silt, clay = (one(value) for value in fractions)
    assert texture_class(sand, silt, clay)[0] == 0
    assert np.isnan(erodibility(sand, silt, clay, one(1.0)))[0]


def test_infiltration_runs_from_heavy_clay_to_sand() -> None:
    score = soil_infiltration(np.array([1, 13, 0], dtype=np.uint8))
    np.testing.assert_allclose(score, [1 / 13, 1, np.nan])


def test_worked_example_of_erodibility() -> None:
    fractions = one(45.0), one(30.0), one(25.0)
    assert epic_erodibility(*fractions, one(1.2))[0] == pytest.approx(0.243495, rel=3e-6)
    assert erodibility(*fractions, one(1.2))[0] == pytest.approx(0.0147178, rel=3e-6)


def test_pure_sand_does_not_erode_by_water() -> None:
    assert erodibility(one(100.0), one(0.0), one(0.0), one(0.5))[0] == 0


def test_missing_carbon_is_nodata() -> None:
    assert np.isnan(erodibility(one(45.0), one(30.0), one(25.0), one(np.nan)))[0]
