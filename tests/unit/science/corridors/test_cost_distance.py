from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.graph import MCP_Geometric

from shanhai.errors import InvalidInput
from shanhai.science.corridors import cost_distance as surfaces
from shanhai.science.corridors.cost_distance import (
    CostDistance,
    cost_distance,
    make_surface,
    memory_needed,
)
from shanhai.science.corridors.spacing import (
    DIRECTIONS,
    NEIGHBOURS,
    GeographicCells,
    MetricCells,
    Neighbours,
    make_steps,
    square_cells,
)
from shanhai.science.grid import FloatArray, IntArray
from tests.unit.science.corridors.grounds import EXAMPLE, X, one_source, rough

UNIT = square_cells(1.0)
CORNER = one_source((5, 5), (0, 0))

EXPECTED: dict[Neighbours, list[list[float]]] = {
    4: [
        [0, 1, 4, 9, 13],
        [3, 2.5, 6, 9, 10],
        [8, 5, X, 10, 13],
        [12, 8, X, 11.5, 15],
        [13, 10, 11, 12, 13],
    ],
    8: [
        [0, 1, 4, 9, 12.2426],
        [3, 2.1213, 5.2426, 8.2426, 9.2426],
        [7.0711, 4.6213, X, 9.2426, 12.2426],
        [10.2782, 7.6213, X, 10.7426, 13.4853],
        [12.6213, 9.6213, 10.4497, 11.4497, 12.4497],
    ],
    16: [
        [0, 1, 4, 9, 11.7082],
        [3, 2.1213, 5.0312, 7.7082, 8.7082],
        [7.0711, 4.6213, X, 8.7082, 11.7082],
        [10.2782, 7.6213, X, 10.2082, 12.9508],
        [12.6213, 9.6213, 10.4497, 11.4497, 12.3295],
    ],
}


def example(neighbours: Neighbours = 8, **options: bool) -> CostDistance:
    return cost_distance(EXAMPLE, CORNER, UNIT, neighbours=neighbours, **options)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_worked_example(neighbours: Neighbours) -> None:
    np.testing.assert_allclose(example(neighbours).cost, EXPECTED[neighbours], atol=5e-5)


@pytest.mark.parametrize(
    ("neighbours", "cost"), [(4, 13.0), (8, 12.449747468305834), (16, 12.329524276059011)]
)
def test_worked_example_to_the_last_digits(neighbours: Neighbours, cost: float) -> None:
    assert example(neighbours).cost[4, 4] == pytest.approx(cost, rel=1e-14)


def test_corners_may_be_closed() -> None:
    found = example(forbid_corner_cutting=True)
    assert found.cost[4, 4] == pytest.approx(12.621320343559642, rel=1e-14)


def test_directions_lead_back_and_the_lowest_index_wins_ties() -> None:
    found = cost_distance(np.ones((3, 3)), one_source((3, 3), (1, 1)), UNIT)
    steps = [DIRECTIONS[code - 1] if code else (0, 0) for code in found.directions.ravel()]
    assert steps == [(1, 1), (1, 0), (1, -1), (0, 1), (0, 0), (0, -1), (-1, 1), (-1, 0), (-1, -1)]
    # (0, 2) costs 2 by way of (0, 1) as by way of (1, 2).
    square = cost_distance(np.ones((2, 3)), one_source((2, 3), (0, 0)), UNIT, neighbours=4)
    assert DIRECTIONS[square.directions[1, 1] - 1] == (-1, 0)


def test_ties_that_rounding_breaks_are_ties() -> None:
    """1.7 both ways round the barrier; summed along the way of the lower index 1.7 + 2⁻⁵²."""
    ground = np.array([[1.0, 0.1, 0.4], [0.1, X, 0.2], [0.2, 0.4, 1.0]])
    found = cost_distance(ground, one_source((3, 3), (0, 0)), UNIT, neighbours=4)
    assert found.cost[2, 2] == 1.7
    assert DIRECTIONS[found.directions[2, 2] - 1] == (-1, 0)


def test_what_no_way_leads_to_is_told() -> None:
    ground = np.array([[1.0, X, 1.0]])
    found = cost_distance(ground, np.array([[1, 0, 0]]), UNIT)
    assert found.cost.tolist() == [[0, X, X]]
    assert found.directions.tolist() == [[0, 255, 255]]
    assert found.allocation.tolist() == [[1, 0, 0]]


def test_ties_of_allocation_follow_the_way_back() -> None:
    found = cost_distance(np.ones((1, 5)), np.array([[1, 0, 0, 0, 2]]), UNIT)
    assert found.allocation.tolist() == [[1, 1, 1, 2, 2]]


@pytest.mark.parametrize("most_buckets", [0, surfaces.MOST_BUCKETS])
def test_beyond_the_most_cost_nothing_is_reached(
    most_buckets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surfaces, "MOST_BUCKETS", most_buckets)
    found = cost_distance(np.ones((1, 6)), np.array([[1, 0, 0, 0, 0, 0]]), UNIT, max_cost=3.0)
    assert found.cost.tolist() == [[0, 1, 2, 3, X, X]]


def test_a_mask_and_oblong_cells() -> None:
    source = np.array([[True, False], [False, False]])
    found = cost_distance(np.full((2, 2), 2.0), source, MetricCells(3.0, 4.0))
    assert found.cost.tolist() == [[0, 6], [8, 10]]


def test_a_degree_at_xiamen() -> None:
    cells = GeographicCells(1.0, 1.0, 25.0)
    row = np.array([0])
    assert cells.lengths_m(row, 0, 1)[0] == pytest.approx(101_354.78, abs=5e-3)
    south = GeographicCells(1.0, 1.0, 25.5)
    assert south.lengths_m(row, 1, 0)[0] == pytest.approx(110_765.50, abs=5e-2)


@pytest.mark.parametrize("neighbours", NEIGHBOURS)
def test_geographic_costs_grow_towards_the_equator(neighbours: Neighbours) -> None:
    cells = GeographicCells(0.01, 0.01, 30.0)
    source = one_source((9, 9), (4, 4))
    cost = cost_distance(np.ones((9, 9)), source, cells, neighbours=neighbours).cost
    np.testing.assert_allclose(cost, cost[:, ::-1], rtol=1e-14)
    assert cost[8, 0] > cost[0, 0]
    straight = cells.lengths_m(np.array([4]), 0, 1)[0] * 4
    assert cost[4, 8] == pytest.approx(straight, rel=1e-14)


def explicit(ground: FloatArray, start: tuple[int, int], neighbours: int) -> FloatArray:
    """Bellman and Ford over the definition of a step."""
    cost = np.full(ground.shape, X)
    cost[start] = 0.0
    moves = sorted(DIRECTIONS, key=lambda move: np.hypot(*move))[:neighbours]
    changed = True
    while changed:
        changed = False
        for cell in np.ndindex(*ground.shape):
            for move in moves:
                there = (cell[0] + move[0], cell[1] + move[1])
                if not (0 <= there[0] < ground.shape[0] and 0 <= there[1] < ground.shape[1]):
                    continue
                touched = [ground[cell], ground[there]]
                if max(abs(move[0]), abs(move[1])) == 2:
                    half = (int(move[0] / 2), int(move[1] / 2))
                    touched += [
                        ground[cell[0] + half[0], cell[1] + half[1]],
                        ground[there[0] - half[0], there[1] - half[1]],
                    ]
                through = cost[cell] + np.hypot(*move) * np.mean(touched)
                if through < cost[there] * (1 - 1e-13):
                    cost[there], changed = through, True
    return cost


@given(st.integers(0, 500), st.sampled_from(NEIGHBOURS))
def test_equals_the_definition(seed: int, neighbours: Neighbours) -> None:
    ground = rough(seed, (7, 6), barriers=0.25)
    found = cost_distance(ground, one_source((7, 6), (0, 0)), UNIT, neighbours=neighbours)
    np.testing.assert_allclose(found.cost, explicit(ground, (0, 0), neighbours), rtol=1e-12)


@given(st.integers(0, 500), st.sampled_from([4, 8]), st.sampled_from([1.0, 30.0, 7.3]))
def test_equals_scikit_image_bit_by_bit(seed: int, neighbours: Neighbours, cell_m: float) -> None:
    ground = rough(seed, (40, 31))
    sources = one_source((40, 31), (0, 0), (39, 30))
    found = cost_distance(ground, sources, square_cells(cell_m), neighbours=neighbours)
    peer = MCP_Geometric(ground, fully_connected=neighbours == 8, sampling=(cell_m, cell_m))
    expected, _ = peer.find_costs([(0, 0), (39, 30)])
    np.testing.assert_array_equal(found.cost, expected)


@given(st.integers(0, 500), st.sampled_from(NEIGHBOURS), st.booleans())
def test_the_heap_gives_the_same_bits(seed: int, neighbours: Neighbours, closed: bool) -> None:
    ground, sources = rough(seed, (20, 23)), one_source((20, 23), (0, 0))
    with pytest.MonkeyPatch.context() as patch:
        search = partial(
            cost_distance,
            ground,
            sources,
            UNIT,
            neighbours=neighbours,
            forbid_corner_cutting=closed,
        )
        found = search()
        patch.setattr(surfaces, "MOST_BUCKETS", 0)
        by_heap = search()
    np.testing.assert_array_equal(found.cost, by_heap.cost)
    np.testing.assert_array_equal(found.directions, by_heap.directions)
    np.testing.assert_array_equal(found.allocation, by_heap.allocation)


def from_corner(ground: FloatArray, neighbours: Neighbours = 8) -> FloatArray:
    return cost_distance(ground, one_source(ground.shape, (0, 0)), UNIT, neighbours=neighbours).cost


def test_more_cells_may_wait_than_there_was_room_for() -> None:
    sources = np.zeros((420, 420), dtype=bool)
    sources[1::3, 1::3] = True
    cost = cost_distance(np.ones(sources.shape), sources, UNIT).cost
    corner, edge = np.sqrt(2), 1.0
    block = [[corner, edge, corner], [edge, 0, edge], [corner, edge, corner]]
    np.testing.assert_array_equal(cost, np.tile(block, (140, 140)))


@given(st.integers(0, 500), st.sampled_from(NEIGHBOURS))
def test_scale_symmetry_and_turning(seed: int, neighbours: Neighbours) -> None:
    ground = rough(seed, (12, 9))
    cost = from_corner(ground, neighbours)
    np.testing.assert_array_equal(from_corner(4 * ground, neighbours), 4 * cost)
    np.testing.assert_allclose(from_corner(ground.T.copy(), neighbours), cost.T, rtol=1e-13)
    turned = from_corner(ground[::-1, ::-1].copy(), neighbours)
    np.testing.assert_allclose(turned[-1, -1], cost[-1, -1], rtol=1e-13)


@given(st.integers(0, 500), st.sampled_from(NEIGHBOURS))
def test_the_way_back_and_forth_costs_the_same(seed: int, neighbours: Neighbours) -> None:
    ground = rough(seed, (12, 9))
    there = from_corner(ground, neighbours)[-1, -1]
    last = one_source((12, 9), (11, 8))
    back = cost_distance(ground, last, UNIT, neighbours=neighbours).cost[0, 0]
    assert back == pytest.approx(there, rel=1e-13) or (np.isinf(back) and np.isinf(there))


@given(st.integers(0, 500))
def test_more_neighbours_and_less_resistance_cost_no_more(seed: int) -> None:
    ground = rough(seed, (12, 9))
    four, eight, sixteen = (from_corner(ground, neighbours) for neighbours in NEIGHBOURS)
    assert (eight <= four).all()
    assert (sixteen <= eight).all()
    harder = ground.copy()
    harder[3:6, 2:5] *= 3
    assert (from_corner(harder) >= eight).all()


@given(st.integers(0, 500), st.sampled_from(NEIGHBOURS), st.booleans())
def test_the_way_back_costs_what_is_told(seed: int, neighbours: Neighbours, closed: bool) -> None:
    ground, sources = rough(seed, (12, 9)), one_source((12, 9), (0, 0), (11, 8))
    found = cost_distance(
        ground, sources, UNIT, neighbours=neighbours, forbid_corner_cutting=closed
    )
    for cell in np.argwhere(np.isfinite(found.cost)):
        total, at = walked_back(ground, found, cell)
        assert total == pytest.approx(found.cost[tuple(cell)], rel=1e-12)
        assert sources[at] == found.allocation[tuple(cell)]


def walked_back(
    ground: FloatArray, found: CostDistance, cell: IntArray
) -> tuple[float, tuple[int, ...]]:
    total, at = 0.0, tuple(cell.tolist())
    while code := found.directions[at]:
        move = DIRECTIONS[code - 1]
        before = (at[0] + move[0], at[1] + move[1])
        touched = [ground[at], ground[before]]
        if max(abs(move[0]), abs(move[1])) == 2:
            half = (int(move[0] / 2), int(move[1] / 2))
            touched += [
                ground[at[0] + half[0], at[1] + half[1]],
                ground[before[0] - half[0], before[1] - half[1]],
            ]
        total += float(np.hypot(*move) * np.mean(touched))
        at = before
    return total, at


@pytest.mark.parametrize(
    ("neighbours", "bearing", "excess"),
    [(4, (50, 50), 0.414214), (8, (100, 41), 0.082392), (16, (100, 24), 0.027522)],
)
def test_the_worst_bearing(neighbours: Neighbours, bearing: tuple[int, int], excess: float) -> None:
    cost = from_corner(np.ones((101, 101)), neighbours)
    assert cost[bearing] / np.hypot(*bearing) - 1 == pytest.approx(excess, abs=1e-4)


def test_bad_input_is_refused() -> None:
    ground = np.ones((2, 3))
    refusals: dict[str, Callable[[], object]] = {
        "shape": lambda: cost_distance(ground, np.ones((3, 2), dtype=int), UNIT),
        "has the number -1": lambda: cost_distance(ground, np.full((2, 3), -1), UNIT),
        # Of 32 bits these would be none at all, and source 1.
        "has the number 4294967296": lambda: cost_distance(ground, np.full((2, 3), 2**32), UNIT),
        "has the number 4294967297": lambda: cost_distance(
            ground, np.full((2, 3), 2**32 + 1), UNIT
        ),
        "none of the 0 source cells": lambda: cost_distance(
            ground, np.zeros((2, 3), dtype=int), UNIT
        ),
        "none of the 1 source cells": lambda: cost_distance(
            np.array([[X, 1.0]]), np.array([[1, 0]]), UNIT
        ),
        "max_cost is 0": lambda: cost_distance(ground, np.ones((2, 3), int), UNIT, max_cost=0),
        "neighbours is 6": lambda: make_steps((2, 3), UNIT, 6),  # type: ignore[arg-type]  # which is refused
        "runs from 1 to 1e\\+10": lambda: make_surface(np.array([[1, 1e10]]), UNIT),
        "width_m is 0": lambda: MetricCells(0.0, 1.0),
        "north_deg is 91": lambda: GeographicCells(1.0, 1.0, 91.0),
    }
    for message, attempt in refusals.items():
        with pytest.raises(InvalidInput, match=message):
            attempt()


def test_memory_is_told_before() -> None:
    assert memory_needed((2000, 2000)) == 128_000_000
