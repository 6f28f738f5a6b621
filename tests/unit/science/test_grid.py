from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid, Window, analysis_grid

GRID = Grid(epsg=4548, west=600_000, north=2_710_000, cell_m=30, width=7, height=5)


def test_transform_and_bounds_describe_the_same_rectangle() -> None:
    assert GRID.transform == (30.0, 0.0, 600_000.0, 0.0, -30.0, 2_710_000.0)
    assert GRID.bounds == (600_000.0, 2_709_850.0, 600_210.0, 2_710_000.0)
    assert GRID.shape == (5, 7)


def test_cell_area() -> None:
    assert GRID.cell_area_m2 == 900
    assert GRID.cell_area_ha == pytest.approx(0.09)


def test_window_bounds() -> None:
    assert GRID.window_bounds(Window(1, 2, 2, 3)) == (600_060, 2_709_910, 600_150, 2_709_970)


def test_windows_run_row_by_row() -> None:
    windows = list(GRID.windows(4))
    assert windows == [
        Window(0, 0, 4, 4),
        Window(0, 4, 4, 3),
        Window(4, 0, 1, 4),
        Window(4, 4, 1, 3),
    ]


@given(size=st.integers(1, 9))
def test_windows_cover_every_cell_once(size: int) -> None:
    cells = [
        (row, col)
        for window in GRID.windows(size)
        for row in range(window.row, window.row + window.height)
        for col in range(window.col, window.col + window.width)
    ]
    assert len(cells) == len(set(cells)) == 35


def test_even_windows_are_about_as_high_as_one_another() -> None:
    assert list(GRID.windows(4, unit=1)) == [
        Window(0, 0, 3, 4),
        Window(0, 4, 3, 3),
        Window(3, 0, 2, 4),
        Window(3, 4, 2, 3),
    ]


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 5).flatmap(
        lambda unit: st.tuples(st.just(unit), st.integers(1, 4).map(lambda units: unit * units))
    ),
)
def test_even_windows_are_whole_units_no_more_and_no_larger_than_others(
    height: int, width: int, sides: tuple[int, int]
) -> None:
    unit, size = sides
    grid = replace(GRID, height=height, width=width)
    usual, even = list(grid.windows(size)), list(grid.windows(size, unit))
    assert len(even) <= len(usual)
    assert sum(window.height * window.width for window in even) == height * width
    assert all(max(window.height, window.width) <= size for window in even)
    assert all(window.row % unit == window.col % size == 0 for window in even)


def test_expanded_window_is_cut_at_the_edge_and_knows_its_core() -> None:
    inner = Window(0, 4, 4, 3)
    outer = inner.expanded(2, GRID)
    assert outer == Window(0, 2, 5, 5)
    assert inner.slices_within(outer) == (slice(0, 4), slice(2, 5))


def test_analysis_grid_snaps_outwards() -> None:
    grid = analysis_grid((101.0, 205.0, 399.0, 480.0), 4548, 100)
    assert grid.bounds == (100, 200, 400, 500)


def test_analysis_grid_keeps_bounds_on_the_lattice() -> None:
    grid = analysis_grid((100.1, 200.3, 100.7, 200.9), 4548, 0.1)
    assert grid.shape == (6, 6)


def test_negative_coordinates_snap_outwards_too() -> None:
    assert analysis_grid((-149.0, -249.0, -51.0, -151.0), 4548, 100).bounds == (
        -200,
        -300,
        0,
        -100,
    )


@pytest.mark.parametrize("cell_m", [0.0, -30.0, float("nan"), float("inf")])
def test_cell_must_be_positive(cell_m: float) -> None:
    with pytest.raises(InvalidInput, match="cell_m"):
        analysis_grid((0, 0, 1, 1), 4548, cell_m)


@pytest.mark.parametrize("bounds", [(1, 0, 1, 1), (0, 2, 1, 1), (0, 0, float("nan"), 1)])
def test_bounds_must_enclose_an_area(bounds: tuple[float, float, float, float]) -> None:
    with pytest.raises(InvalidInput, match="enclose no area"):
        analysis_grid(bounds, 4548, 30)


def test_grid_needs_cells() -> None:
    with pytest.raises(InvalidInput, match="0 columns"):
        Grid(4548, 0, 0, 30, 0, 3)


def test_window_size_must_be_positive() -> None:
    with pytest.raises(InvalidInput, match="window size"):
        list(GRID.windows(0))
