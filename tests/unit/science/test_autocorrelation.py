import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from scipy.stats import false_discovery_control

from shanhai.errors import InvalidInput
from shanhai.science.autocorrelation import (
    Correlogram,
    correlogram,
    false_discoveries_held,
    global_moran,
    lattice_neighbours,
    local_moran,
    neighbours_of_pairs,
)

CORNER = np.array([[1.0, 1, 0], [1, 1, 0], [0, 0, 0]])


def smooth(seed: int, size: int = 14) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(size, size))
    return np.asarray(ndimage.gaussian_filter(noise, 1.0))


def test_worked_example_of_the_global_index() -> None:
    found = global_moran(CORNER.ravel(), lattice_neighbours(~np.isnan(CORNER)), 1)
    assert found.index == pytest.approx(0.150417, rel=1e-5)
    assert found.expected == pytest.approx(-1 / 8)
    assert found.n == 9


def test_worked_example_of_the_local_index() -> None:
    found = local_moran(CORNER.ravel(), lattice_neighbours(~np.isnan(CORNER)), 1)
    index = found.index.reshape(3, 3)
    assert index[0, 0] == pytest.approx(1.25)
    assert index[1, 1] == pytest.approx(-0.15625)
    assert index[2, 2] == pytest.approx(0.2)


def test_nodata_is_no_neighbour() -> None:
    valid = np.array([[True, False, True], [False, True, False]])
    neighbours = lattice_neighbours(valid)
    assert neighbours.counts.tolist() == [1, 1, 2]
    assert neighbours.items.tolist() == [2, 2, 0, 1]


def test_pairs_give_the_neighbours_of_a_lattice() -> None:
    pairs = np.array([[2, 0], [1, 2]])
    neighbours = neighbours_of_pairs(pairs, 3)
    assert neighbours.starts.tolist() == [0, 1, 2, 4]
    assert neighbours.items.tolist() == [2, 2, 0, 1]


@given(seed=st.integers(0, 999), factor=st.sampled_from([0.25, 8.0, -1.0, -2.0]))
@settings(max_examples=25, deadline=None)
def test_the_unit_of_the_values_does_not_matter(seed: int, factor: float) -> None:
    """Powers of two, which change no digit and so no comparison with a draw."""
    values = smooth(seed, size=8).ravel()
    neighbours = lattice_neighbours(np.ones((8, 8), dtype=bool))
    one, other = (local_moran(v, neighbours, 4) for v in (values, factor * values))
    np.testing.assert_allclose(other.index, one.index, rtol=1e-12)
    np.testing.assert_array_equal(other.p, one.p)
    told = global_moran(factor * values, neighbours, 4, permutations=0)
    mean = global_moran(values, neighbours, 4, permutations=0)
    assert told.index == pytest.approx(mean.index, rel=1e-12)
    assert one.index.mean() == pytest.approx(mean.index, rel=1e-9)
    if factor > 0:
        np.testing.assert_array_equal(other.classes, one.classes)
    else:
        turned = np.array([0, 3, 4, 1, 2, 5])[one.classes]
        np.testing.assert_array_equal(other.classes, turned)


def test_item_without_neighbour_is_not_tested() -> None:
    valid = np.array([[True, True, False, True]])
    found = local_moran(np.array([1.0, 2.0, 3.0]), lattice_neighbours(valid), 1)
    assert np.isnan(found.index).tolist() == [False, False, True]
    assert np.isnan(found.p).tolist() == [False, False, True]
    assert found.classes[2] == 0


def test_item_without_neighbour_does_not_count_in_s0() -> None:
    """Deviations −3, −1 and 4: (3/2)·(3 + 3)/26; the last one has no neighbour."""
    valid = np.array([[True, True, False, True]])
    found = global_moran(np.array([1.0, 3.0, 8.0]), lattice_neighbours(valid), 1, permutations=9)
    assert found.index == pytest.approx(9 / 26)
    assert (found.expected, found.n) == (-0.5, 3)


def test_constant_layer_has_no_index() -> None:
    neighbours = lattice_neighbours(np.ones((4, 4), dtype=bool))
    assert np.isnan(global_moran(np.full(16, 0.1), neighbours, 1).index)
    assert not local_moran(np.full(16, 0.1), neighbours, 1).classes.any()


def test_clusters_are_found_where_they_were_put() -> None:
    values = np.random.default_rng(1).normal(size=(30, 30))
    values[:8, :8] += 4
    values[-8:, -8:] -= 4
    found = local_moran(values.ravel(), lattice_neighbours(~np.isnan(values)), 7)
    classes = found.classes.reshape(30, 30)
    assert (classes[1:7, 1:7] == 1).mean() > 0.9
    assert (classes[-7:-1, -7:-1] == 3).mean() > 0.9
    assert (classes == 5).mean() > 0.5


def test_same_seed_same_bytes() -> None:
    values, neighbours = smooth(2).ravel(), lattice_neighbours(np.ones((14, 14), dtype=bool))
    first, second = (local_moran(values, neighbours, 4) for _ in range(2))
    np.testing.assert_array_equal(first.p, second.p)
    assert global_moran(values, neighbours, 4) == global_moran(values, neighbours, 4)


def test_permutations_that_give_the_same_are_as_far_out_on_both_sides() -> None:
    """Two items, and one that touches all others: no permutation gives anything else."""
    two = neighbours_of_pairs(np.array([[0, 1]]), 2)
    assert global_moran(np.array([1.0, 2.0]), two, 1).p == 1.0
    assert local_moran(np.array([1.0, 2.0]), two, 1).p.tolist() == [1.0, 1.0]
    star = neighbours_of_pairs(np.array([[0, one] for one in range(1, 7)]), 7)
    values = np.array([0.3, -0.2, 0.5, 0.1, -0.4, 0.25, -0.1])
    assert local_moran(values, star, 1).p[0] == 1.0


def test_equal_permutations_count_however_their_sums_are_rounded() -> None:
    """Of the 126 ways to place four ones in nine cells, 16 have the index of a corner or more."""
    found = global_moran(CORNER.ravel(), lattice_neighbours(~np.isnan(CORNER)), 1, 19_999)
    assert found.p == pytest.approx(16 / 126, abs=0.01)


def test_too_many_cells_are_refused() -> None:
    neighbours = neighbours_of_pairs(np.array([[0, 1]]), 200_001)
    with pytest.raises(InvalidInput, match="200001 cells"):
        global_moran(np.zeros(200_001), neighbours, 1)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_false_discovery_rate_agrees_with_scipy(p: list[float]) -> None:
    values = np.array(p)
    expected = false_discovery_control(values, method="bh") <= 0.05
    clear = np.abs(false_discovery_control(values, method="bh") - 0.05) > 1e-9
    held = false_discoveries_held(values)
    np.testing.assert_array_equal(held[clear], expected[clear])


def test_untested_is_never_significant() -> None:
    held = false_discoveries_held(np.array([np.nan, 0.001, 0.9]))
    assert held.tolist() == [False, True, False]
    assert not false_discoveries_held(np.array([np.nan])).any()


def test_correlogram_equals_a_sum_over_all_pairs() -> None:
    values = smooth(9, size=9)
    values[2, 3:5] = np.nan
    found = correlogram(values, 100, 400)
    rows, cols = np.nonzero(~np.isnan(values))
    z = values[rows, cols] - np.nanmean(values)
    distance = np.hypot(np.subtract.outer(rows, rows), np.subtract.outer(cols, cols))
    for step in range(1, 5):
        pairs = (distance > step - 1) & (distance <= step)
        expected = np.outer(z, z)[pairs].mean() / np.square(z).mean()
        assert found.index[step - 1] == pytest.approx(expected, rel=1e-9)
    assert found.distance_m.tolist() == [100, 200, 300, 400]


def test_range_is_where_the_correlogram_falls_below_a_tenth() -> None:
    found = correlogram(ndimage.gaussian_filter(
        np.random.default_rng(3).normal(size=(80, 80)), 3), 250, 6000
    )  # fmt: skip
    reach = found.range_m()
    assert reach is not None
    assert 1500 < reach < 3500
    assert correlogram(np.tile(np.arange(9.0), (9, 1)), 1, 2).range_m() is None


def test_distances_without_pairs_have_no_index() -> None:
    """Deviations −½ and ½, each the only neighbour of the other: −¼/¼."""
    found = correlogram(np.array([[1.0, 2.0, np.nan, np.nan]]), 10, 30)
    np.testing.assert_allclose(found.index, [-1, np.nan, np.nan], rtol=1e-12)


def test_range_is_the_first_distance_below_a_tenth() -> None:
    distance = np.array([100.0, 200.0, 300.0, 400.0])
    assert Correlogram(distance, np.array([0.5, 0.1, 0.05, 0.0])).range_m(0.1) == 300
    assert Correlogram(distance, np.array([0.5, 0.1, 0.1, 0.1])).range_m(0.1) is None
