import math
from collections.abc import Iterator
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from shanhai.errors import InvalidInput
from shanhai.science.quantiles import exact_layer_quantiles, exact_quantiles

PROBABILITIES = (0.0, 0.005, 0.05, 1 / 3, 0.5, 0.95, 0.995, 1.0)


@given(
    values=hnp.arrays(
        np.float32, st.integers(1, 60), elements=st.floats(-(2.0**99), 2.0**99, width=32)
    ),
    parts=st.integers(1, 5),
)
def test_equals_numpy_for_any_finite_values(values: np.ndarray, parts: int) -> None:
    result = exact_quantiles(lambda: np.array_split(values, parts), PROBABILITIES)
    expected = np.quantile(values.astype(np.float64), PROBABILITIES)
    assert result == expected.tolist()


def test_equals_numpy_on_a_large_layer_whatever_the_blocks() -> None:
    values = np.random.default_rng(1).lognormal(size=(300, 200)).astype(np.float32)
    expected = np.quantile(values.astype(np.float64), PROBABILITIES).tolist()
    for rows in (300, 64, 7):
        blocks = [values[row : row + rows] for row in range(0, 300, rows)]
        assert exact_quantiles(partial(iter, blocks), PROBABILITIES) == expected


def test_nodata_is_skipped() -> None:
    values = np.array([np.nan, 3, np.inf, 1, -np.inf, 2], dtype=np.float32)
    assert exact_quantiles(lambda: [values], (0.0, 0.5, 1.0)) == [1, 2, 3]


def test_layers_are_read_together() -> None:
    blocks = [
        {"a": np.array([1.0, 2.0]), "b": np.array([np.nan])},
        {"a": np.array([3.0, 4.0, 5.0]), "b": np.array([-7.0])},
    ]
    result = exact_layer_quantiles(lambda: blocks, (0.25, 0.5))
    assert result == {"a": [2, 3], "b": [-7, -7]}


def test_layer_without_value_gives_nan() -> None:
    (value,) = exact_quantiles(lambda: [np.array([np.nan])], (0.5,))
    assert math.isnan(value)


def test_no_block_gives_nan() -> None:
    assert all(map(math.isnan, exact_quantiles(list, (0.1, 0.9))))


def test_values_are_read_twice_only() -> None:
    passes = []

    def blocks() -> Iterator[dict[str, np.ndarray]]:
        passes.append(1)
        yield {"a": np.arange(10.0)}

    exact_layer_quantiles(blocks, PROBABILITIES)
    assert len(passes) == 2


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_probability_must_lie_between_0_and_1(probability: float) -> None:
    with pytest.raises(InvalidInput, match="between 0 and 1"):
        exact_quantiles(lambda: [np.ones(3)], (probability,))
