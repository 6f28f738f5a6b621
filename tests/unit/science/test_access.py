import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.science.access import (
    nature_demanded,
    nature_per_person,
    nature_supplied,
    nature_within_reach,
    people_within_reach,
)
from shanhai.science.grid import Grid

CELL_M = 30.0


def reached(nature: np.ndarray, people: np.ndarray, reach_m: float) -> np.ndarray:
    around = people_within_reach(population=people, reach_m=reach_m, cell_m=CELL_M)
    each = nature_per_person(nature_m2=nature, people_within_reach=around)
    return nature_within_reach(nature_per_person=each, reach_m=reach_m, cell_m=CELL_M)


def test_one_park_between_two_neighbours() -> None:
    nature, people = np.array([[900.0, 0, 0]]), np.array([[0.0, 10, 20]])
    within = reached(nature, people, 60.0)
    np.testing.assert_allclose(within, [[128.320914, 90, 0]], atol=1e-6)
    supplied = nature_supplied(nature_within_reach=within, population=people, cell_m=CELL_M)
    np.testing.assert_allclose(supplied, [[0, 10_000, 0]], atol=1e-6)
    due = nature_demanded(population=people, nature_standard=15.0, cell_m=CELL_M)
    np.testing.assert_allclose(due, [[0, 150 / 0.09, 300 / 0.09]])


def test_a_park_hardly_anybody_reaches_is_not_multiplied() -> None:
    nature, people = np.array([[900.0]]), np.array([[0.25]])
    np.testing.assert_allclose(reached(nature, people, 60.0), [[900.0]])


def test_unknown_cells_count_as_empty_and_stay_unknown() -> None:
    nature, people = np.array([[900.0, np.nan, 0]]), np.array([[np.nan, 10, 10]])
    within = reached(nature, people, 60.0)
    np.testing.assert_allclose(within, [[900 / 7.013668, np.nan, 0]], rtol=1e-6, atol=1e-9)
    supplied = nature_supplied(nature_within_reach=within, population=people, cell_m=CELL_M)
    np.testing.assert_allclose(supplied, [[np.nan, np.nan, 0]], atol=1e-6)


@given(seed=st.integers(0, 99), reach_m=st.sampled_from([30.0, 100.0, 250.0]))
def test_no_more_green_space_is_had_than_there_is(seed: int, reach_m: float) -> None:
    generator = np.random.default_rng(seed)
    nature = 900.0 * (generator.random((14, 17)) < 0.3)
    people = generator.random((14, 17)) * generator.choice([0.01, 1.0, 200.0], (14, 17))
    within = reached(nature, people, reach_m)
    assert (within >= 0).all()
    assert (within * people).sum() <= nature.sum() * (1 + 1e-9)


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_reach_tiles_without_seams(seed: int) -> None:
    generator = np.random.default_rng(seed)
    grid = Grid(4548, 0, 0, CELL_M, 23, 20)
    nature, people = 900.0 * (generator.random(grid.shape) < 0.3), generator.random(grid.shape)
    whole = reached(nature, people, 100.0)
    for window in grid.windows(9):
        outer = window.expanded(8, grid)
        part = reached(nature[outer.slices], people[outer.slices], 100.0)
        np.testing.assert_array_equal(part[window.slices_within(outer)], whole[window.slices])


def test_what_is_supplied_to_nobody_is_nothing() -> None:
    supplied = nature_supplied(
        nature_within_reach=np.array([50.0]), population=np.array([0.0]), cell_m=CELL_M
    )
    assert supplied[0] == pytest.approx(0)
