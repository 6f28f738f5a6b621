from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.corridors.cost_distance import make_surface, spread, starts_of
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.paths import length_m, line_between, merge_paths, trace
from shanhai.science.corridors.spacing import NEIGHBOURS, GeographicCells, Neighbours, square_cells
from shanhai.science.grid import IntArray
from tests.unit.science.corridors.grounds import EXAMPLE, X, one_source, rough

UNIT = square_cells(1.0)
GRID = (10.0, 0.0, 1000.0, 0.0, -10.0, 2000.0)


def labels_of(shape: tuple[int, int], *cells: tuple[int, int]) -> Labels:
    return one_source(shape, *cells).astype(np.int32)


def path_to_last(neighbours: Neighbours = 8, **options: bool) -> list[list[int]]:
    surface = make_surface(EXAMPLE, UNIT, neighbours, **options)
    cost, _ = spread(surface, starts_of(labels_of((5, 5), (0, 0)), surface))
    path: list[list[int]] = trace(surface, cost, surface.positions(np.array([[4, 4]]))).tolist()
    return path


def test_worked_example() -> None:
    expected = [[0, 0], [1, 1], [2, 1], [3, 1], [4, 2], [4, 3], [4, 4]]
    assert path_to_last() == expected
    assert length_m(np.array(expected), UNIT) == pytest.approx(4 + 2 * np.sqrt(2))


def test_worked_example_with_four_neighbours_keeps_to_column_and_row() -> None:
    path = path_to_last(4)
    assert path[2:] == [[1, 1], [2, 1], [3, 1], [4, 1], [4, 2], [4, 3], [4, 4]]


def test_worked_example_with_sixteen_neighbours_makes_a_knights_move() -> None:
    path = path_to_last(16)
    assert path[:3] == [[0, 0], [0, 1], [1, 3]]
    assert length_m(np.array(path[1:3]), square_cells(2.0)) == pytest.approx(2 * np.sqrt(5))


def test_no_way_is_no_cell() -> None:
    surface = make_surface(np.array([[1.0, X, 1.0]]), UNIT)
    cost, _ = spread(surface, surface.positions(np.array([[0, 0]])))
    assert trace(surface, cost, surface.positions(np.array([[0, 2]]))).shape == (0, 2)


def test_of_equal_targets_the_first_is_reached() -> None:
    surface = make_surface(np.ones((3, 3)), UNIT)
    cost, _ = spread(surface, surface.positions(np.array([[1, 1]])))
    targets = surface.positions(np.array([[0, 1], [1, 0], [2, 1]]))
    assert trace(surface, cost, targets).tolist() == [[1, 1], [0, 1]]


def test_length_of_degrees_follows_the_row() -> None:
    cells = GeographicCells(0.01, 0.01, 30.0)
    path = np.array([[0, 0], [0, 1], [1, 1]])
    expected = cells.lengths_m(np.array([0]), 0, 1)[0] + cells.lengths_m(np.array([0]), 1, 0)[0]
    assert length_m(path, cells) == pytest.approx(expected, rel=1e-15)


def test_the_line_is_cut_at_the_borders_of_the_sources() -> None:
    labels = labels_of((1, 6), (0, 0), (0, 5))
    line = line_between(np.array([[0, col] for col in range(6)]), labels, GRID)
    assert line.tolist() == [[1010.0, 1995.0], [1050.0, 1995.0]]


def test_a_diagonal_leaves_by_the_corner_and_a_knights_move_by_a_quarter() -> None:
    labels = labels_of((3, 4), (0, 0), (2, 3))
    line = line_between(np.array([[0, 0], [1, 1], [2, 3]]), labels, (1.0, 0, 0, 0, 1.0, 0))
    assert line.tolist() == [[1.0, 1.0], [1.5, 1.5], [3.0, 2.25]]
    labels[2, 2] = 2
    line = line_between(np.array([[0, 0], [1, 1], [2, 3]]), labels, (1.0, 0, 0, 0, 1.0, 0))
    assert line[-1].tolist() == [2.5, 2.0]


def test_sources_that_touch_have_a_line_without_length() -> None:
    line = line_between(np.array([[0, 0], [0, 1]]), labels_of((1, 2), (0, 0), (0, 1)), GRID)
    assert line.tolist() == [[1010.0, 1995.0], [1010.0, 1995.0]]


def cells_of(*path: tuple[int, int]) -> IntArray:
    return np.array(path, dtype=np.int64)


def test_shared_stretches_are_drawn_once() -> None:
    merged = merge_paths(
        [
            cells_of((0, 0), (1, 1), (1, 2), (1, 3), (0, 4)),
            cells_of((2, 0), (1, 1), (1, 2), (1, 3), (2, 4)),
        ]
    )
    found = [(segment.cells.tolist(), segment.paths) for segment in merged.segments]
    assert found == [
        ([[0, 0], [1, 1]], (0,)),
        ([[1, 1], [1, 2], [1, 3]], (0, 1)),
        ([[1, 3], [0, 4]], (0,)),
        ([[2, 0], [1, 1]], (1,)),
        ([[1, 3], [2, 4]], (1,)),
    ]
    assert merged.junctions.tolist() == [[1, 1], [1, 3]]


def test_a_path_alone_is_one_segment_and_nothing_is_nothing() -> None:
    merged = merge_paths([cells_of((0, 0), (0, 1), (0, 2))])
    assert [segment.cells.tolist() for segment in merged.segments] == [[[0, 0], [0, 1], [0, 2]]]
    assert merged.junctions.shape == (0, 2)
    assert merge_paths([]).segments == ()


@given(st.integers(0, 300), st.sampled_from(NEIGHBOURS))
def test_every_step_is_in_one_segment(seed: int, neighbours: Neighbours) -> None:
    surface = make_surface(rough(seed, (12, 12)), UNIT, neighbours)
    paths = []
    for start in ((0, 0), (0, 11), (11, 0)):
        cost, _ = spread(surface, surface.positions(np.array([start])))
        path = trace(surface, cost, surface.positions(np.array([[11, 11]])))
        paths += [path] if len(path) > 1 else []
    given_steps = {frozenset(step) for path in paths for step in steps_of(path)}
    drawn = [step for part in merge_paths(paths).segments for step in steps_of(part.cells)]
    assert len(drawn) == len(given_steps)
    assert {frozenset(step) for step in drawn} == given_steps


def steps_of(cells: IntArray) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    listed = [tuple(cell) for cell in cells.tolist()]
    return list(pairwise(listed))
