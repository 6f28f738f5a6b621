import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid
from shanhai.science.habitat import Impact, degradation, habitat_quality, threat_intensity
from shanhai.science.landcover import LandCover

FOREST, BUILT_UP = LandCover.FOREST, LandCover.BUILT_UP
HABITAT = {FOREST: 1.0, BUILT_UP: 0.0}


def impacts(*threats: tuple[float, float, float]) -> dict[str, Impact]:
    return {
        str(number): Impact(np.array([intensity]), weight, {FOREST: sensitivity})
        for number, (intensity, weight, sensitivity) in enumerate(threats)
    }


def quality(degraded: list[float], cover: LandCover = FOREST, **given: float) -> np.ndarray:
    return habitat_quality(
        land_cover=np.full(len(degraded), cover, dtype=np.uint8),
        habitat_degradation=np.array(degraded),
        habitat=HABITAT,
        **{"degradation_max": 0.4} | given,
    )


def test_threats_fade_with_distance() -> None:
    source = np.array([[True, False, False, False]])
    exponential = threat_intensity(source, 3000.0, "exponential", 500.0)
    np.testing.assert_allclose(exponential, [[1, 0.607542, 0.369107, 0.224249]], atol=1e-6)
    linear = threat_intensity(source, 2000.0, "linear", 800.0)
    np.testing.assert_allclose(linear, [[1, 0.6, 0.2, 0]])


def test_beyond_its_reach_a_threat_is_not_felt() -> None:
    source = np.array([[True, False, False]])
    assert threat_intensity(source, 3000.0, "exponential", 1500.5)[0, 2] == 0
    assert threat_intensity(source, 3000.0, "exponential", 1500.0)[0, 2] > 0.05
    nowhere = np.zeros((2, 2), dtype=bool)
    assert (threat_intensity(nowhere, 3000.0, "linear", 30.0) == 0).all()


@given(seed=st.integers(0, 99), decay=st.sampled_from(["linear", "exponential"]))
def test_threats_tile_without_seams(seed: int, decay: str) -> None:
    grid = Grid(4548, 0, 0, 30.0, 23, 20)
    source = np.random.default_rng(seed).random(grid.shape) < 0.03
    whole = threat_intensity(source, 130.0, decay, 30.0)
    for window in grid.windows(7):
        outer = window.expanded(5, grid)
        part = threat_intensity(source[outer.slices], 130.0, decay, 30.0)
        np.testing.assert_array_equal(part[window.slices_within(outer)], whole[window.slices])


def test_degradation_and_quality_of_a_forest_under_two_threats() -> None:
    cover = np.array([FOREST], dtype=np.uint8)
    degraded = degradation(cover, impacts((0.607, 1.0, 0.9), (0.5, 0.4, 0.6)))
    np.testing.assert_allclose(degraded, 0.475929, atol=1e-6)
    left = quality(degraded.tolist(), half_saturation=0.2)
    np.testing.assert_allclose(left, 0.102719, atol=1e-6)


def test_protection_keeps_threats_out() -> None:
    cover = np.array([FOREST], dtype=np.uint8)
    half = degradation(cover, impacts((0.5, 1.0, 0.8)), np.array([0.5]))
    np.testing.assert_allclose(half, 0.2)


def test_weights_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidInput, match="one must be above 0"):
        degradation(np.array([FOREST], dtype=np.uint8), impacts((0.5, 0.0, 0.8)))


def test_half_of_the_largest_degradation_halves_the_habitat() -> None:
    np.testing.assert_allclose(quality([0.2, 0.0, np.nan]), [0.5, 1.0, np.nan])


def test_without_any_degradation_the_habitat_is_whole() -> None:
    np.testing.assert_array_equal(quality([0.0, 0.0], degradation_max=0.0), [1, 1])


def test_built_up_land_is_no_habitat_and_nodata_stays() -> None:
    assert (quality([0.0, 0.3, 1.0], BUILT_UP) == 0).all()
    left = habitat_quality(
        land_cover=np.array([0], dtype=np.uint8),
        habitat_degradation=np.array([0.1]),
        habitat=HABITAT,
        degradation_max=0.4,
    )
    assert np.isnan(left).all()


@given(near=st.integers(1, 30), steps=st.integers(0, 30))
def test_quality_falls_towards_a_threat(near: int, steps: int) -> None:
    source = np.zeros((1, 64), dtype=bool)
    source[0, 0] = True
    cover = np.full((1, 64), FOREST, dtype=np.uint8)
    found = {"threat": Impact(threat_intensity(source, 1500.0, "linear", 30.0), 1.0, {FOREST: 0.9})}
    degraded = degradation(cover, found)
    left = quality(degraded[0].tolist(), degradation_max=float(degraded.max()))
    assert 0 <= left[near] <= left[near + steps] <= 1
