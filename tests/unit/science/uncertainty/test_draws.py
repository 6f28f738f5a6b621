import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.landcover import LandCover
from shanhai.science.uncertainty.draws import (
    UNCERTAIN,
    draw_parameters,
    lognormal_factors,
    shifted_curve_number,
)

WEIGHTS = {"cooling": 0.5, "carbon_sink": 0.3, "recreation": 0.2, "biodiversity": 0.0}


def test_twelve_parameters_and_every_row() -> None:
    draw = next(draw_parameters(1, WEIGHTS))
    assert len(UNCERTAIN) == 12
    assert set(draw.factors) | set(draw.row_factors) == {one.name for one in UNCERTAIN}
    assert all(set(rows) == set(LandCover) for rows in draw.row_factors.values())
    assert len(set(draw.row_factors["shade"].values())) == len(LandCover)


def test_one_draw_does_not_depend_on_how_many_follow() -> None:
    few, many = (list(draw_parameters(5, WEIGHTS, count)) for count in (30, 60))
    assert few == many[:30]
    assert few[0] != few[1]
    assert few != list(draw_parameters(6, WEIGHTS, 30))


def test_draws_are_the_children_of_one_seed() -> None:
    child = np.random.SeedSequence(9).spawn(30)[7]
    random = np.random.default_rng(child)
    expected = lognormal_factors(random, 0.30, len(LandCover))
    draw = list(draw_parameters(9, WEIGHTS, 30))[7]
    assert list(draw.row_factors["runoff_coefficient"].values()) == expected.tolist()


@pytest.mark.parametrize("variation", [0.1, 0.3])
def test_factors_have_median_one_and_the_variation_asked_for(variation: float) -> None:
    factors = lognormal_factors(np.random.default_rng(0), variation, 200_000)
    assert (factors > 0).all()
    assert np.median(factors) == pytest.approx(1, abs=0.005)
    assert factors.std() / factors.mean() == pytest.approx(variation, rel=0.02)


def test_weights_scatter_about_their_own_and_sum_to_one() -> None:
    drawn = [draw.weights or {} for draw in draw_parameters(3, WEIGHTS, 400)]
    assert all(math.isclose(sum(weights.values()), 1) for weights in drawn)
    assert all(weights["biodiversity"] == 0 for weights in drawn)
    cooling = np.array([weights["cooling"] for weights in drawn])
    assert cooling.mean() == pytest.approx(0.5, abs=0.02)
    assert cooling.std() == pytest.approx(math.sqrt(0.5 * 0.5 / 51), rel=0.15)


def test_shares_and_shifts_have_their_ranges() -> None:
    draws = list(draw_parameters(3, WEIGHTS, 400))
    shares = [draw.light_share or 0.0 for draw in draws]
    assert 0.4 <= min(shares) < 0.42
    assert 0.78 < max(shares) <= 0.8
    shifts = np.array([list(draw.curve_number_shift.values()) for draw in draws])
    assert shifts.std() == pytest.approx(3, rel=0.05)


@given(st.floats(30, 99), st.floats(-20, 20))
def test_curve_numbers_stay_in_their_range(number: float, shift: float) -> None:
    assert 30 <= shifted_curve_number(number, shift) <= 99
    assert shifted_curve_number(number, 0) == number
    assert shifted_curve_number(60, 5) == 65


def test_too_few_draws() -> None:
    with pytest.raises(InvalidInput, match=r"mc\.n is 29") as caught:
        list(draw_parameters(1, WEIGHTS, 29))
    assert caught.value.faults[0].pointer == "/mc/n"
