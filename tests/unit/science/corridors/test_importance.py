import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.sources import (
    candidate_cells,
    entropy_weights,
    importance_index,
)

NAN = np.nan


def test_index_is_the_weighted_mean() -> None:
    supplies = {"a": np.array([0.0, 1.0, NAN]), "b": np.array([1.0, 0.5, 1.0])}
    np.testing.assert_allclose(importance_index(supplies), [0.5, 0.75, NAN])
    weighted = importance_index(supplies, {"a": 3, "b": 1})
    np.testing.assert_allclose(weighted, [0.25, 0.875, NAN])


def test_sensitivity_lifts_by_the_maximum() -> None:
    supplies = {"a": np.array([0.2, 0.9, 0.5, NAN])}
    lifted = importance_index(supplies, None, np.array([0.7, 0.1, NAN, 1.0]))
    np.testing.assert_allclose(lifted, [0.7, 0.9, 0.5, NAN])


def test_entropy_weights_by_hand() -> None:
    # Of [1, 0]: entropy 0, so 1 − e = 1; of [¾, ¼]: e = 0.811278 bits of one bit.
    weights = entropy_weights({"a": np.array([0.5, 0.0]), "b": np.array([0.9, 0.3])})
    contrast = 1 - 0.8112781244591328
    assert weights["a"] == pytest.approx(1 / (1 + contrast), rel=1e-12)
    assert weights["b"] == pytest.approx(contrast / (1 + contrast), rel=1e-12)


def test_a_constant_layer_weighs_nothing_and_nodata_is_left_out() -> None:
    weights = entropy_weights(
        {
            "a": np.array([0.2, 0.9, NAN, 0.4]),
            "b": np.array([0.3, 0.3, 0.9, 0.3]),
            "c": np.zeros(4),
        }
    )
    assert weights == {"a": 1.0, "b": 0.0, "c": 0.0}


@pytest.mark.parametrize(
    "supplies",
    [{}, {"a": np.ones(3)}, {"a": np.array([0.1, NAN]), "b": np.array([0.4, 0.5])}],
)
def test_entropy_of_nothing_is_refused(supplies: dict[str, np.ndarray]) -> None:
    with pytest.raises(InvalidInput):
        entropy_weights(supplies)


@pytest.mark.parametrize("weights", [(), (0, 0), (-1, 2), (1,), (1, 1, 1), (NAN, 1), (np.inf, 1)])
def test_weights_that_fit_no_service_are_refused(weights: tuple[float, ...]) -> None:
    with pytest.raises(InvalidInput, match="every service needs one"):
        importance_index(dict.fromkeys("ab", np.ones(2)), dict(zip("abc", weights, strict=False)))


@given(seed=st.integers(0, 1000), services=st.integers(1, 7))
def test_index_stays_between_its_layers(seed: int, services: int) -> None:
    rng = np.random.default_rng(seed)
    supplies = {str(number): rng.random((5, 6)) for number in range(services)}
    weights = entropy_weights(supplies)
    assert sum(weights.values()) == pytest.approx(1)
    index = importance_index(supplies, weights)
    layers = np.stack(list(supplies.values()))
    assert (index >= layers.min(axis=0) - 1e-12).all()
    assert (index <= layers.max(axis=0) + 1e-12).all()


def test_candidates_are_the_best_fifth_and_what_is_habitat_anyway() -> None:
    importance = np.arange(10.0).reshape(2, 5) / 10
    importance[0, 0] = NAN
    best = candidate_cells(importance)
    # Nine valid cells: the 0.8 quantile lies between 0.7 and 0.8.
    assert np.argwhere(best).tolist() == [[1, 3], [1, 4]]
    protected = np.zeros((2, 5), dtype=bool)
    protected[0, 0] = True
    water = np.array([[0, 0, 0, 1, 1], [1, 0, 0, 0, 0]], dtype=bool)
    found = candidate_cells(
        importance, protected=[protected], habitats=[water], min_area_ha=2, cell_m=100
    )
    assert np.argwhere(found).tolist() == [[0, 0], [0, 3], [0, 4], [1, 3], [1, 4]]


def test_no_candidates_of_nothing() -> None:
    with pytest.raises(InvalidInput, match="0 valid cells"):
        candidate_cells(np.full((2, 2), NAN))
    with pytest.raises(InvalidInput, match="quantile 80"):
        candidate_cells(np.ones((2, 2)), quantile=80)
