import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.science.matching import coordination_class, coupling, quadrant, z_score
from shanhai.science.quantiles import RunningMoments

SUPPLY = np.array([10.0, 6, 2, 0])
DEMAND = np.array([1.0, 3, 4, 8])
INDEX = st.floats(0, 1)


def standardised(values: np.ndarray) -> np.ndarray:
    moments = RunningMoments.of(values)
    return z_score(values, moments.mean, moments.sd)


def test_worked_example_of_the_quadrants() -> None:
    scores = [1.432078, 0.390567, -0.650945, -1.171700]  # of a variance of 59/4
    np.testing.assert_allclose(standardised(SUPPLY), scores, rtol=1e-6)
    assert quadrant(standardised(SUPPLY), standardised(DEMAND)).tolist() == [4, 4, 2, 2]


def test_all_four_quadrants_and_nodata() -> None:
    supply = np.array([1.0, -1, -1, 1, np.nan, 0])
    demand = np.array([1.0, 1, -1, -1, 0, np.nan])
    assert quadrant(supply, demand).tolist() == [1, 2, 3, 4, 0, 0]


def test_constant_layer_counts_as_high_everywhere() -> None:
    constant = np.array([0.1, 0.1, np.nan])
    np.testing.assert_array_equal(standardised(constant), [0, 0, np.nan])
    assert z_score(np.array([3e6 + 1e-7]), 3e6, 1e-7).tolist() == [0]  # only rounding
    assert quadrant(standardised(constant), np.zeros(3)).tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("supply", "demand", "degree", "development", "coordination"),
    [
        (0.8, 0.4, 0.942809, 0.6, 0.752121),
        (0.2, 0.2, 1.0, 0.2, 0.447214),
        (0.0, 0.0, 0.0, 0.0, 0.0),
        (1.0, 0.0, 0.0, 0.5, 0.0),
    ],
)
def test_worked_examples_of_the_coupling(
    supply: float, demand: float, degree: float, development: float, coordination: float
) -> None:
    found = coupling(np.array([supply]), np.array([demand]))
    assert found.degree[0] == pytest.approx(degree, rel=1e-6)
    assert found.development[0] == pytest.approx(development, rel=1e-6)
    assert found.coordination[0] == pytest.approx(coordination, rel=2e-6)


@given(hnp.arrays(np.float64, 6, elements=INDEX), hnp.arrays(np.float64, 6, elements=INDEX))
def test_coupling_stays_in_its_bounds_and_is_symmetric(
    supply: np.ndarray, demand: np.ndarray
) -> None:
    found, mirrored = coupling(supply, demand), coupling(demand, supply)
    for layer in (found.degree, found.development, found.coordination):
        assert ((layer >= 0) & (layer <= 1)).all()
    np.testing.assert_array_equal(found.coordination, mirrored.coordination)
    assert (found.coordination <= np.sqrt(found.development) + 1e-12).all()


def test_nodata_stays_nodata() -> None:
    found = coupling(np.array([np.nan, 0.5]), np.array([0.5, np.nan]))
    assert np.isnan(found.coordination).all()
    assert coordination_class(found.coordination).tolist() == [0, 0]


def test_five_equal_classes() -> None:
    ccd = np.array([0.0, 0.19, 0.2, 0.45, 0.6, 0.79, 0.8, 1.0])
    assert coordination_class(ccd).tolist() == [1, 1, 2, 3, 4, 4, 5, 5]


@given(st.integers(0, 100), st.integers(1, 9))
def test_moments_of_parts_are_those_of_the_whole(seed: int, size: int) -> None:
    values = np.random.default_rng(seed).normal(50, 3, 40)
    values[seed % 40] = np.nan
    joined = RunningMoments()
    for start in range(0, 40, size):
        joined = joined.joined(RunningMoments.of(values[start : start + size]))
    assert joined.count == 39
    assert joined.mean == pytest.approx(np.nanmean(values), rel=1e-12)
    assert joined.sd == pytest.approx(np.nanstd(values), rel=1e-12)


def test_moments_of_nothing() -> None:
    nothing = RunningMoments.of(np.array([np.nan]))
    assert nothing.joined(RunningMoments()).count == 0
    assert np.isnan(nothing.sd)
    assert RunningMoments().joined(RunningMoments(2, 1.0, 8.0)).sd == 2.0
