import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.resistance_factors import (
    FACTOR_RANGE,
    Marks,
    finish,
    light_factor,
    mean_lights,
    power,
    vegetation_adjusted_lights,
)


def test_worked_example_of_the_night_lights() -> None:
    cropland = np.ones((1, 4), dtype=np.uint8)
    factor = light_factor(np.array([[0.0, 4.0, 10.0, 40.0]]), cropland, {1: 4.0})
    np.testing.assert_allclose(factor, [[0.2, 1, 2.5, 5]])
    np.testing.assert_allclose(finish(50 * factor), [[10, 50, 125, 250]])


def test_mean_light_by_class_counts_negative_as_dark_and_skips_the_unknown() -> None:
    lights = np.array([[-1.0, 4.0, np.nan], [7.0, np.nan, 9.0]])
    land_cover = np.array([[1, 1, 1], [2, 3, 0]], dtype=np.uint8)
    means = mean_lights(lights, land_cover)
    assert means[1] == 2.0
    assert means[2] == 7.0
    assert means[3] == 0.0


def test_dark_classes_and_unknown_light_change_nothing() -> None:
    land_cover = np.array([[1, 2, 0, 4]], dtype=np.uint8)
    lights = np.array([[np.nan, 3.0, 3.0, 3.0]])
    factor = light_factor(lights, land_cover, {1: 4.0, 2: 1e-7})
    assert factor.tolist() == [[1, 1, 1, 1]]


@given(seed=st.integers(0, 1000))
def test_light_never_leads_out_of_its_range(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lights = rng.normal(1, 5, (6, 7))
    land_cover = rng.integers(0, 5, (6, 7)).astype(np.uint8)
    factor = light_factor(lights, land_cover, mean_lights(lights, land_cover))
    low, high = FACTOR_RANGE
    assert ((factor >= low) & (factor <= high)).all()
    assert finish(factor).min() >= 1


def test_vegetation_takes_light_away() -> None:
    found = vegetation_adjusted_lights(
        np.array([10.0, 10.0, -2.0, np.nan]), np.array([0.8, -0.3, 0, 0])
    )
    np.testing.assert_allclose(found, [2, 10, 0, np.nan])


def test_barriers_close_sources_and_crossings_open_barriers() -> None:
    def at(*columns: int) -> np.ndarray:
        mask = np.zeros((1, 6), dtype=bool)
        mask[0, list(columns)] = True
        return mask

    given = np.array([[0.5, 2000.0, 80.0, 80.0, 80.0, np.nan]])
    marks = Marks(sources=at(2, 3, 5), barriers=at(3, 4), crossings=at(4))
    np.testing.assert_array_equal(finish(given, marks), [[1, 1000, 1, np.nan, 1, np.nan]])
    assert given[0, 0] == 0.5


def test_a_mask_of_another_shape_is_refused() -> None:
    with pytest.raises(InvalidInput, match="barriers has the shape"):
        finish(np.ones((2, 2)), Marks(barriers=np.ones((2, 3), dtype=bool)))


def test_powers_keep_the_order() -> None:
    np.testing.assert_allclose(power(np.array([1.0, 4.0, np.nan]), 0.5), [1, 2, np.nan])
    with pytest.raises(InvalidInput, match="above 0"):
        power(np.ones(2), 0.0)
