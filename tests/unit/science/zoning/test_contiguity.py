import libpysal
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.zoning.contiguity import (
    components,
    connect,
    label_contiguity,
    lattice_contiguity,
)
from shanhai.science.zoning.units import UnitTable


def units_of(valid: np.ndarray) -> UnitTable:
    index = np.flatnonzero(valid)
    return UnitTable(np.zeros((len(index), 1)), np.ones(len(index), int), index, valid.shape)


def test_queen_neighbours_of_a_fishnet() -> None:
    found = lattice_contiguity(units_of(np.array([[1, 1, 0], [0, 1, 1]], dtype=bool)))
    assert found.pairs.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert len(found.joined) == 0
    assert found.flags == ()


def test_fishnet_agrees_with_libpysal() -> None:
    found = lattice_contiguity(units_of(np.ones((6, 7), dtype=bool)))
    peer = libpysal.weights.lat2W(6, 7, rook=False)
    expected = sorted((i, j) for i, near in peer.neighbors.items() for j in near if i < j)
    assert [tuple(pair) for pair in found.pairs] == expected


def test_islands_are_tied_to_the_nearest_unit_and_told() -> None:
    valid = np.array([[1, 1, 0, 0, 0, 1], [1, 1, 0, 1, 0, 0]], dtype=bool)
    found = lattice_contiguity(units_of(valid))
    # Units 0, 1, 3 and 4 touch; of the two islets the lower number (2) is tied first, to the other.
    assert found.joined.tolist() == [[2, 5], [4, 5]]
    (flag,) = found.flags
    assert flag.code == "joined_islands"
    assert "2 islands" in flag.text.en


def test_polygons_touch_across_strips_and_corners() -> None:
    labels = np.zeros((600, 4), dtype=np.int32)
    labels[:512, :2], labels[512:, 2:], labels[512:, :2] = 1, 3, 5
    table = UnitTable(np.zeros((3, 1)), np.ones(3, int), np.array([0, 2, 4]), (1, 5))
    points = np.array([[1.0, 256], [3, 556], [1, 556]])
    assert label_contiguity(labels, table, points).pairs.tolist() == [[0, 1], [0, 2], [1, 2]]


def test_polygons_without_part_are_no_neighbours() -> None:
    labels = np.array([[1, 2, 3]])
    table = UnitTable(np.zeros((2, 1)), np.ones(2, int), np.array([0, 2]), (1, 3))
    found = label_contiguity(labels, table, np.array([[0.0, 0], [2, 0]]))
    assert found.pairs.tolist() == found.joined.tolist() == [[0, 1]]


@given(seed=st.integers(0, 200), share=st.floats(0.1, 0.9))
def test_graph_is_always_connected_with_as_few_ties_as_possible(seed: int, share: float) -> None:
    valid = np.random.default_rng(seed).random((9, 11)) < share
    valid[0, 0] = True
    units = units_of(valid)
    found = lattice_contiguity(units)
    count = len(units.index)
    assert np.unique(components(found.pairs, count)).size == 1
    own = found.pairs[~(found.pairs[:, None] == found.joined).all(axis=2).any(axis=1)]
    assert len(found.joined) == np.unique(components(own, count)).size - 1


def test_single_unit_needs_no_tie() -> None:
    found = connect(np.zeros((0, 2), dtype=np.int64), np.zeros((1, 2)))
    assert found.pairs.shape == found.joined.shape == (0, 2)
