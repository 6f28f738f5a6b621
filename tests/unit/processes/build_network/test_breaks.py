import numpy as np
import shapely

from shanhai.processes.build_network.corridors import crossings, line_crossings
from shanhai.science.corridors.corridor_profile import PathCourse, Road
from shanhai.science.grid import Grid

CELL = 30.0
GRID = Grid(4548, 500_000.0, 2_700_000.0, CELL, 10, 1)
MIDDLE_OF_ROW = 2_700_000.0 - CELL / 2


def col_of(x: float) -> float:
    """Column in whose middle an easting lies."""
    return (x - GRID.west) / CELL - 0.5


def straight(cells: int) -> PathCourse:
    """A path along one row; half a step lies in each end."""
    lengths = np.full(cells, CELL)
    lengths[[0, -1]] = CELL / 2
    return PathCourse(np.stack([np.zeros(cells, int), np.arange(cells)], axis=1), lengths)


def roads(cells: int, *at: int) -> np.ndarray:
    mask = np.zeros((1, cells), dtype=bool)
    mask[0, list(at)] = True
    return mask


def test_a_road_two_cells_wide_is_one_crossing() -> None:
    (one,) = crossings(straight(10), roads(10, 4, 5), GRID)
    assert (col_of(one.x), one.y, one.length_m) == (5.0, MIDDLE_OF_ROW, 60.0)
    assert (one.reason, one.severity) == ("main_road", 3)


def test_two_carriageways_within_sixty_metres_are_one() -> None:
    # Two cells of 30 m lie between them.
    assert len(crossings(straight(10), roads(10, 3, 6), GRID)) == 1


def test_roads_farther_apart_are_two() -> None:
    found = crossings(straight(10), roads(10, 2, 6), GRID)
    assert [col_of(one.x) for one in found] == [2, 6]
    assert [one.length_m for one in found] == [30.0, 30.0]


def test_neighbouring_cells_are_one_run_even_where_nothing_is_merged() -> None:
    assert len(crossings(straight(10), roads(10, 3, 4, 5), GRID, merge_m=0.0)) == 1


def test_no_road_no_crossing() -> None:
    assert crossings(straight(10), roads(10), GRID) == []


def test_lines_break_a_path_where_they_cross_it_and_not_in_the_middle_of_a_cell() -> None:
    path = np.stack([np.zeros(10, int), np.arange(10)], axis=1)
    north, south = GRID.north + 100, GRID.north - 100
    lines = [
        Road(shapely.LineString([(x, north), (x, south)]), road_class, on_structure)
        for x, road_class, on_structure in (
            (500_100.0, "primary", False),
            (500_140.0, "trunk", False),
            (500_220.0, "motorway", True),
            (500_260.0, "tertiary", False),
        )
    ]
    (one,) = line_crossings(path, lines, GRID)
    assert (one.reason, one.x, one.y, one.length_m) == ("road", 500_120.0, MIDDLE_OF_ROW, None)
    assert (one.road_class, one.severity, one.crossings) == ("trunk", 3, 2)
    assert line_crossings(path, [], GRID) == []
