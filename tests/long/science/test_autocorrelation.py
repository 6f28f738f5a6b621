"""Moran's I and its p beside PySAL's."""

import esda
import libpysal
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science.autocorrelation import (
    global_moran,
    lattice_neighbours,
    local_moran,
    neighbours_of_pairs,
)


def smooth(seed: int, size: int = 14) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(ndimage.gaussian_filter(noise, 1.0))


def peer_weights(height: int, width: int) -> libpysal.weights.W:
    weights = libpysal.weights.lat2W(height, width, rook=False)
    weights.transform = "r"
    return weights


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_global_index_and_p_agree_with_esda(seed: int) -> None:
    values = smooth(seed)
    ours = global_moran(values.ravel(), lattice_neighbours(~np.isnan(values)), seed)
    np.random.seed(seed)  # esda draws from the global state
    peer = esda.Moran(values.ravel(), peer_weights(*values.shape), permutations=999)
    assert ours.index == pytest.approx(peer.I, rel=1e-12)
    assert ours.expected == pytest.approx(peer.EI)
    assert ours.p == pytest.approx(peer.p_sim, abs=0.03)


@pytest.mark.filterwarnings("ignore:The alternative hypothesis:DeprecationWarning")
def test_local_index_and_p_agree_with_esda_but_for_its_divisor() -> None:
    values = smooth(5)
    ours = local_moran(values.ravel(), lattice_neighbours(~np.isnan(values)), 3)
    weights = peer_weights(*values.shape)
    peer = esda.Moran_Local(values.ravel(), weights, permutations=999, seed=3, n_jobs=1)
    n = values.size
    np.testing.assert_allclose(ours.index, peer.Is * n / (n - 1), rtol=1e-10)
    np.testing.assert_allclose(ours.p, peer.p_sim, atol=0.06)


@given(
    seed=st.integers(0, 999),
    pairs=st.sets(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=30),
)
@settings(max_examples=50, deadline=None)
def test_index_over_any_neighbours_is_that_of_esda(seed: int, pairs: set[tuple[int, int]]) -> None:
    """Polygons touch as they like, and some touch none."""
    touching = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    assume(touching)
    values = np.random.default_rng(seed).normal(size=12)
    ours = global_moran(values, neighbours_of_pairs(np.array(touching), 12), 1, permutations=0)
    near = {n: [sum(pair) - n for pair in touching if n in pair] for n in range(12)}
    weights = libpysal.weights.W(near, silence_warnings=True)
    weights.transform = "r"
    peer = esda.Moran(values, weights, permutations=0)
    assert ours.index == pytest.approx(peer.I, rel=1e-9, abs=1e-12)
    assert np.isnan(ours.p)
