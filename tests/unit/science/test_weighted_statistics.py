import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.weighted_statistics import Block, WeightedMoments, summarise

NUMBERS = st.floats(-1e6, 1e6, width=32)
WEIGHTS = st.floats(0.01, 1e4)


def blocks_of(
    values: list[float], weights: list[float], size: int = 3
) -> Callable[[], Iterator[Block]]:
    """Blocks of a few values each."""

    def blocks() -> Iterator[Block]:
        for first in range(0, len(values), size):
            part = slice(first, first + size)
            yield np.array(values[part], np.float32), np.array(weights[part], np.float64)

    return blocks


def test_moments_by_hand() -> None:
    # 1 with weight 1, 3 with weight 3: mean 10/4, variance (2.25 + 3 * 0.25) / 4 = 0.75.
    found = summarise(blocks_of([1, 3], [1, 3], 1), [0.25, 0.26, 1.0])
    assert found.moments.mean == 2.5
    assert found.moments.sd == pytest.approx(math.sqrt(0.75))
    assert (found.moments.low, found.moments.high) == (1, 3)
    assert found.quantiles == (1, 3, 3)


def test_zeros_and_signs_are_ordered() -> None:
    found = summarise(blocks_of([-0.0, 0.0, -2.5, 7.0], [1, 1, 1, 1]), [0, 0.25, 0.5, 0.75, 1])
    assert found.quantiles == (-2.5, -2.5, 0.0, 0.0, 7.0)


def test_nothing_has_no_figures() -> None:
    found = summarise(blocks_of([], []), [0.5])
    assert found.moments.weight == 0
    assert math.isnan(found.moments.sd)
    assert math.isnan(found.quantiles[0])


def naive_quantile(values: np.ndarray, weights: np.ndarray, share: float) -> float:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, share * running[-1] * (1 - 1e-12))])


@given(st.lists(st.tuples(NUMBERS, WEIGHTS), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_figures_equal_those_of_sorted_values(
    pairs: list[tuple[float, float]], share: float
) -> None:
    values, weights = map(list, zip(*pairs, strict=True))
    found = summarise(blocks_of(values, weights), [share])
    stored, area = np.array(values, np.float32), np.array(weights)
    mean = np.average(stored.astype(float), weights=area)
    variance = np.average((stored.astype(float) - mean) ** 2, weights=area)
    assert found.moments.mean == pytest.approx(mean, rel=1e-9, abs=1e-9)
    assert found.moments.sd == pytest.approx(math.sqrt(variance), rel=1e-6, abs=1e-6)
    near = {naive_quantile(stored, area, share + side) for side in (-1e-9, 1e-9)}
    assert found.quantiles[0] in near
    assert found.moments.low <= found.quantiles[0] <= found.moments.high


def test_equal_weights_give_the_quantiles_of_numpy() -> None:
    values = np.random.default_rng(4).normal(0, 3, 1001).astype(np.float32)
    shares = [0.02, 0.25, 0.5, 0.98]
    found = summarise(lambda: iter([(values, np.ones(1001))]), shares)
    expected = np.quantile(values, shares, method="inverted_cdf")
    assert found.quantiles == tuple(map(float, expected))


def test_joining_nothing_changes_nothing() -> None:
    some = WeightedMoments.of(np.array([2.0], np.float32), np.array([5.0]))
    assert some.joined(WeightedMoments()) == some
    assert WeightedMoments().joined(some) == some
