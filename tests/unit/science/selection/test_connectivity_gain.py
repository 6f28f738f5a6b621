import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.selection.connectivity_gain import (
    Opening,
    Restoration,
    connectivity_gain,
    corridor_values,
    equivalent_area,
    single_gains,
)

FAR = np.inf
DISTANCES = np.array([[0.0, FAR, 1000], [FAR, 0, 1000], [1000, 1000, 0]])
BETWEEN = Restoration(
    amounts=np.array([10.0, 20.0, 5.0]),
    distances=DISTANCES,
    creates={2: 0},
    openings=(Opening(1, (0, 1), 2000.0),),
    d50=2000.0,
)


def test_a_created_patch_counts_and_joins():
    none, first = np.zeros(2, dtype=bool), np.array([True, False])
    assert equivalent_area(BETWEEN, none) == pytest.approx(np.sqrt(500))
    # p of 1000 m is √½, of 2000 m through the new patch ½.
    root = np.sqrt(0.5)
    expected = np.sqrt(500 + 25 + 2 * (200 * 0.5 + 50 * root + 100 * root))
    assert equivalent_area(BETWEEN, first) == pytest.approx(expected)
    assert equivalent_area(BETWEEN, np.array([False, True])) == pytest.approx(np.sqrt(700))


def test_gains_together_are_not_their_sum():
    gain = connectivity_gain(BETWEEN, np.ones(2, dtype=bool))
    alone = single_gains(BETWEEN, 2)
    assert gain.added_up == pytest.approx(alone.sum())
    # With the patch between them the opening of 2000 m adds nothing.
    assert gain.together == pytest.approx(alone[0])
    assert gain.together < gain.added_up
    assert gain.after - gain.before == gain.together


def test_a_corridor_is_worth_what_all_its_sites_do():
    # Either half of the way alone leads nowhere.
    halves = Restoration(
        amounts=np.array([10.0, 20.0, 0.0]),
        distances=np.array([[0.0, FAR, FAR], [FAR, 0, FAR], [FAR, FAR, 0]]),
        creates={},
        openings=(Opening(0, (0, 2), 1000.0), Opening(1, (1, 2), 1000.0)),
        d50=2000.0,
    )
    assert single_gains(halves, 2).tolist() == [0, 0]
    (value,) = corridor_values(halves, [(0, 1)], 2)
    assert value == pytest.approx(np.sqrt(700) - np.sqrt(500))


def test_nothing_there_is_no_area():
    planned = Restoration(np.array([4.0]), np.zeros((1, 1)), {0: 0})
    assert equivalent_area(planned, np.array([False])) == 0
    assert single_gains(planned, 1).tolist() == [4]


def test_wrong_patches_and_distances_are_refused():
    with pytest.raises(InvalidInput):
        Restoration(np.ones(2), np.zeros((2, 2)), {3: 0})
    with pytest.raises(InvalidInput):
        Restoration(np.ones(2), np.zeros((2, 2)), {}, (Opening(0, (0, 5), 1.0),))
    with pytest.raises(InvalidInput):
        Restoration(np.ones(2), np.zeros((2, 2)), {}, (Opening(0, (0, 1), np.nan),))
