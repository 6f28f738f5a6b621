import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.science.selection.priority import (
    Opening,
    Restoration,
    connectivity_gain,
    equivalent_area,
    single_gains,
)

FAR = np.inf
BETWEEN = Restoration(
    amounts=np.array([10.0, 20.0]),
    distances=np.array([[0.0, FAR], [FAR, 0]]),
    openings=(Opening(0, (0, 1), 2000.0), Opening(1, (0, 1), 4000.0)),
    d50=2000.0,
)


def test_an_opened_way_joins() -> None:
    assert equivalent_area(BETWEEN, np.zeros(2, dtype=bool)) == pytest.approx(np.sqrt(500))
    # p of 2000 m is ½, of 4000 m ¼.
    assert equivalent_area(BETWEEN, np.array([True, False])) == pytest.approx(np.sqrt(700))
    assert equivalent_area(BETWEEN, np.array([False, True])) == pytest.approx(np.sqrt(600))


def test_gains_together_are_not_their_sum() -> None:
    gain = connectivity_gain(BETWEEN, np.ones(2, dtype=bool))
    alone = single_gains(BETWEEN, 2)
    assert alone == pytest.approx([np.sqrt(700) - np.sqrt(500), np.sqrt(600) - np.sqrt(500)])
    assert gain.added_up == pytest.approx(alone.sum())
    # The longer of two ways between the same patches adds nothing.
    assert gain.together == pytest.approx(alone[0])
    assert gain.after - gain.before == gain.together


def test_two_halves_of_a_way_gain_nothing_alone() -> None:
    halves = Restoration(
        amounts=np.array([10.0, 20.0, 0.0]),
        distances=np.array([[0.0, FAR, FAR], [FAR, 0, FAR], [FAR, FAR, 0]]),
        openings=(Opening(0, (0, 2), 1000.0), Opening(1, (1, 2), 1000.0)),
        d50=2000.0,
    )
    assert single_gains(halves, 2).tolist() == [0, 0]
    gain = connectivity_gain(halves, np.ones(2, dtype=bool))
    assert gain.together == pytest.approx(np.sqrt(700) - np.sqrt(500))


def test_a_longer_way_changes_nothing() -> None:
    short = Restoration(
        np.array([4.0, 4.0]), np.array([[0, 10.0], [10, 0]]), (Opening(0, (0, 1), 50.0),)
    )
    assert single_gains(short, 1).tolist() == [0]


def test_patches_that_are_made_to_touch_are_one() -> None:
    """√(3² + 4²) before, 3 + 4 afterwards."""
    apart = np.array([[0, np.inf], [np.inf, 0]])
    restoration = Restoration(np.array([3.0, 4.0]), apart, (Opening(0, (0, 1), 0.0),))
    found = connectivity_gain(restoration, np.array([True]))
    assert found.before == pytest.approx(5)
    assert found.after == pytest.approx(7)


def test_nothing_there_is_no_area() -> None:
    empty = Restoration(np.zeros(1), np.zeros((1, 1)))
    assert equivalent_area(empty, np.zeros(0, dtype=bool)) == 0


def test_wrong_patches_and_distances_are_refused() -> None:
    with pytest.raises(InvalidInput):
        Restoration(np.ones(2), np.zeros((2, 2)), (Opening(0, (0, 5), 1.0),))
    with pytest.raises(InvalidInput):
        Restoration(np.ones(2), np.zeros((2, 2)), (Opening(0, (0, 1), np.nan),))
