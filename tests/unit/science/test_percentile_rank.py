import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import percentileofscore, rankdata

from shanhai.science.matching import RANK_PROBABILITIES, percentile_rank

STEPS = len(RANK_PROBABILITIES)
RISING = [float(step) for step in range(STEPS)]
"""Quantiles 0, 1, …, 20: 0 is at 0.005, 1 at 0.05, 2 at 0.10, …, 20 at 0.995."""

QUANTILES = hnp.arrays(
    np.float32, STEPS, elements=st.floats(-1e6, 1e6, width=32).map(lambda one: round(one, 1))
).map(lambda drawn: np.sort(drawn).tolist())
VALUES = hnp.arrays(np.float64, 30, elements=st.floats(-2e6, 2e6))


def ranks(values: list[float], quantiles: list[float]) -> list[float]:
    return [float(one) for one in percentile_rank(np.array(values), quantiles)]


def test_between_quantiles_ranks_are_linear() -> None:
    # 2.25 lies a quarter of the way from 0.10 to 0.15, 0.5 half of that from 0.005 to 0.05.
    assert ranks([1, 2.25, 10, 0.5, 19.5], RISING) == pytest.approx(
        [0.05, 0.1125, 0.5, 0.0275, 0.9725]
    )


def test_beyond_the_ends_ranks_are_0_and_1() -> None:
    assert ranks([-0.001, 0, 20, 20.001], RISING) == pytest.approx([0, 0.005, 0.995, 1])


def test_a_value_that_fills_several_quantiles_has_the_middle_of_them() -> None:
    low = [0.0] * 5 + RISING[5:]
    # Zeros fill 0.005 to 0.20; from there on it is linear to 5 at 0.25.
    assert ranks([0, 2.5, 5, -1], low) == pytest.approx([0.1025, 0.225, 0.25, 0])
    middle = [*RISING[:8], *[9.0] * 4, *RISING[12:]]
    # 9 fills 0.40 to 0.55.
    assert ranks([8, 9, 10.5, 12], middle) == pytest.approx([0.375, 0.475, 0.575, 0.60])
    high = RISING[:18] + [18.0] * 3
    assert ranks([17, 17.5, 18, 19], high) == pytest.approx([0.85, 0.875, 0.9475, 1])


def test_nothing_known_has_no_rank_and_a_constant_layer_lies_in_the_middle() -> None:
    assert ranks([0.25, 0.25], [0.25] * STEPS) == pytest.approx([0.5, 0.5])
    found = percentile_rank(np.array([[np.nan, 3.0]]), RISING)
    np.testing.assert_allclose(found, [[np.nan, 0.15]])


def test_values_are_compared_as_their_quantiles_were_taken() -> None:
    # 0.1 is a little less than its float32, which would else put it below the zeros of a layer.
    quantiles = [float(np.float32(0.1))] * 5 + RISING[5:]
    assert ranks([0.1], quantiles) == pytest.approx([0.1025])


@given(VALUES, QUANTILES)
def test_ranks_rise_with_the_values_between_0_and_1(
    values: np.ndarray, quantiles: list[float]
) -> None:
    found = percentile_rank(np.sort(values), quantiles)
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found) >= -1e-15).all()


@given(st.integers(0, 1000))
def test_agrees_with_ranks_of_a_whole_sample(seed: int) -> None:
    """Both lie between the same two quantiles: a twentieth apart at most, whatever the sample."""
    sample = np.random.default_rng(seed).lognormal(size=1_000).astype(np.float32).astype(float)
    quantiles = np.quantile(sample, RANK_PROBABILITIES).tolist()
    found = percentile_rank(sample, quantiles)
    np.testing.assert_allclose(found, (rankdata(sample) - 0.5) / 1_000, atol=0.05 + 1e-3)
    scores = percentileofscore(sample, sample[:50], kind="mean") / 100
    np.testing.assert_allclose(found[:50], scores, atol=0.05 + 1e-3)


def test_agrees_with_ranks_of_an_even_sample() -> None:
    sample = np.random.default_rng(1).permutation(2_000).astype(float)
    quantiles = np.quantile(sample, RANK_PROBABILITIES).tolist()
    known = (sample >= quantiles[0]) & (sample <= quantiles[-1])
    expected = (rankdata(sample) - 0.5) / 2_000
    np.testing.assert_allclose(
        percentile_rank(sample, quantiles)[known], expected[known], atol=5e-4
    )
