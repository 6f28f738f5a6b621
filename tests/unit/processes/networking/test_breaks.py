import numpy as np

from shanhai.processes.networking.breaks import crossings
from shanhai.science.corridors.along import Course

CELL = 30.0


def straight(cells: int) -> Course:
    """A path along one row; half a step lies in each end."""
    lengths = np.full(cells, CELL)
    lengths[[0, -1]] = CELL / 2
    return Course(np.stack([np.zeros(cells, int), np.arange(cells)], axis=1), lengths)


def roads(cells: int, *at: int) -> np.ndarray:
    mask = np.zeros((1, cells), dtype=bool)
    mask[0, list(at)] = True
    return mask


def test_a_road_two_cells_wide_is_one_crossing():
    (one,) = crossings(straight(10), roads(10, 4, 5))
    assert (one.row, one.col, one.length_m) == (0, 5, 60.0)
    assert (one.reason, one.severity) == ("main_road", 3)


def test_two_carriageways_within_sixty_metres_are_one():
    # Two cells of 30 m lie between them.
    assert len(crossings(straight(10), roads(10, 3, 6))) == 1


def test_roads_farther_apart_are_two():
    found = crossings(straight(10), roads(10, 2, 6))
    assert [one.col for one in found] == [2, 6]
    assert [one.length_m for one in found] == [30.0, 30.0]


def test_neighbouring_cells_are_one_run_even_where_nothing_is_merged():
    assert len(crossings(straight(10), roads(10, 3, 4, 5), merge_m=0.0)) == 1


def test_no_road_no_crossing():
    assert crossings(straight(10), roads(10)) == []
