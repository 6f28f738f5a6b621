from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors import cost_distance as surface
from shanhai.science.corridors.candidates import CostField, overlap
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.links import (
    Network,
    cell_size_m,
    link_sources,
    network_memory_needed,
)
from shanhai.science.corridors.pairs import LinkSettings, Pair, PairMode
from shanhai.science.corridors.paths import LeastCostPath
from shanhai.science.corridors.spacing import (
    NEIGHBOURS,
    GeographicCells,
    MetricCells,
    Neighbours,
    square_cells,
)
from shanhai.science.corridors.swaths import SwathRule, corridor_excess
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from tests.unit.science.corridors.grounds import EXAMPLE, X, one_source, rough

UNIT = square_cells(1.0)
CORNERS = one_source((5, 5), (0, 0), (4, 4))


def settings_of(**options: object) -> LinkSettings:
    return LinkSettings(**options)  # type: ignore[arg-type]  # of each kind of setting


def pairs_of(network: Network) -> list[Pair]:
    return [link.pair for link in network.links]


def test_worked_example_of_the_excess() -> None:
    one = cost_distance(EXAMPLE, one_source((5, 5), (0, 0)), UNIT).cost
    other = cost_distance(EXAMPLE, one_source((5, 5), (4, 4)), UNIT).cost
    excess = corridor_excess(one, other, one[4, 4])
    np.testing.assert_allclose(excess[1], [4.0355, 0, 0.4142, 0.4142, 1.8284], atol=5e-5)
    np.testing.assert_allclose(excess[4], [6.1716, 0.1716, 0, 0, 0], atol=5e-5)


def test_worked_example_as_a_network() -> None:
    network = link_sources(EXAMPLE, CORNERS, UNIT)
    (link,) = network.links
    assert link.pair == (1, 2)
    assert link.path.cost == pytest.approx(12.449747468305834, rel=1e-14)
    assert link.path.length_m == pytest.approx(6.82842712474619)
    assert link.path.mean_resistance == pytest.approx(12.449747468305834 / 6.82842712474619)
    assert link.euclid_m == pytest.approx(np.sqrt(32))
    assert link.cost_per_straight_metre == pytest.approx(12.449747468305834 / np.sqrt(32))
    assert link.in_tree
    assert not link.is_bridge
    assert network.disconnected == ()
    # The northern alternative costs 0.4142 more, below 5 % of the least-cost distance.
    assert network.corridors[1, 3] == pytest.approx(0.4142, abs=5e-5)
    assert np.isnan(network.corridors[4, 0])


def test_a_strip_of_three_rows_is_three_wide() -> None:
    ground = np.full((5, 9), 100.0)
    ground[1:4] = 1.0
    sources = np.zeros((5, 9), dtype=int)
    sources[1:4, 0], sources[1:4, 8] = 1, 2
    (link,) = link_sources(ground, sources, square_cells(10.0)).links
    assert link.width.area_m2 == 3 * 7 * 100
    assert link.width.mean_m == pytest.approx(2100 / 80)
    assert link.width.narrowest_m == pytest.approx(30.0)


def test_a_third_source_beside_the_path_belongs_to_the_width() -> None:
    ground = np.full((5, 9), 100.0)
    ground[1:4] = 1.0
    sources = one_source((5, 9), (1, 0), (1, 8), (3, 4))
    sources[1:4, 0], sources[1:4, 8] = 1, 2
    link = link_sources(ground, sources, square_cells(10.0)).links[0]
    assert link.pair == (1, 2)
    assert link.width.area_m2 == 3 * 7 * 100


def test_a_waist_is_the_narrowest_part() -> None:
    ground = np.ones((7, 15))
    ground[:, 7] = X
    ground[3, 7] = 1.0
    sources = np.zeros((7, 15), dtype=int)
    sources[:, 0], sources[:, 14] = 1, 2
    rule = SwathRule("relative", 0.5)
    (link,) = link_sources(ground, sources, UNIT, settings_of(swath=rule)).links
    assert link.width.narrowest_m == pytest.approx(1.0)


def test_a_swath_may_have_a_fixed_width() -> None:
    ground = np.ones((9, 9))
    sources = one_source((9, 9), (4, 0), (4, 8))
    rule = SwathRule("fixed_width_m", 4.0)
    network = link_sources(ground, sources, UNIT, settings_of(swath=rule))
    swath = network.links[0].swath
    assert (swath.row, swath.col) == (2, 0)
    assert swath.inside[:, 4].tolist() == [True] * 5
    assert network.corridors[4].tolist() == [0.0] * 9


def test_a_swath_of_fixed_width_is_measured_along_both_sides_of_oblong_cells() -> None:
    sources = one_source((9, 13), (4, 2), (4, 10))
    rule = SwathRule("fixed_width_m", 8.0)
    network = link_sources(
        np.ones((9, 13)), sources, MetricCells(2.0, 4.0), settings_of(swath=rule)
    )
    swath = network.links[0].swath
    # 4 m are one row up and down, and two columns beyond either end.
    beside = [False] * 2 + [True] * 9 + [False] * 2
    assert (swath.row, swath.col) == (3, 0)
    assert swath.inside.tolist() == [beside, [True] * 13, beside]


def test_a_barrier_within_a_fixed_width_has_no_excess() -> None:
    ground, sources = np.ones((9, 9)), one_source((9, 9), (4, 0), (4, 8))
    ground[3, 4] = np.nan
    rule = SwathRule("fixed_width_m", 2.0)
    network = link_sources(ground, sources, UNIT, settings_of(swath=rule))
    assert network.corridors[4].tolist() == [0.0] * 9
    assert np.isnan(network.corridors[3, 4])


def test_cells_in_degrees_are_as_large_as_in_the_middle_row_of_a_path() -> None:
    """24.5° N in the middle of row 2; from there to the next row at 24° N."""
    cells = GeographicCells(1.0, 1.0, 27.0)
    height, width = cell_size_m(cells, np.array([[0, 0], [1, 0], [4, 0]]))
    assert height == pytest.approx(110_758.2, abs=0.1)
    assert width == pytest.approx(101_354.78, abs=5e-3)


def test_a_swath_may_have_a_cost_cutoff() -> None:
    ground, sources = np.ones((9, 9)), one_source((9, 9), (4, 0), (4, 8))
    narrow, wide = (
        link_sources(ground, sources, UNIT, settings_of(swath=SwathRule("cost_cutoff", value)))
        for value in (0.5, 3.0)
    )
    assert narrow.links[0].swath.inside.sum() == 9
    assert narrow.corridors[4].tolist() == [0.0] * 9
    assert np.nanmax(wide.corridors) <= 3.0
    assert (np.isfinite(wide.corridors) >= np.isfinite(narrow.corridors)).all()


def row_of_three() -> tuple[FloatArray, IntArray]:
    """Three sources in a row: the way between the outer ones leads through the middle one."""
    return np.ones((3, 11)), one_source((3, 11), (1, 0), (1, 5), (1, 10))


def test_modes_of_pairs() -> None:
    ground, sources = row_of_three()
    settings = (
        settings_of(mode="neighbour", nearest=0),
        settings_of(mode="mst"),
        settings_of(mode="all_pairs", drop_crossing=False),
    )
    by_mode = {one.mode: pairs_of(link_sources(ground, sources, UNIT, one)) for one in settings}
    assert by_mode == {
        "neighbour": [(1, 2), (2, 3)],
        "mst": [(1, 2), (2, 3)],
        "all_pairs": [(1, 2), (1, 3), (2, 3)],
    }


def test_links_through_a_third_source_are_dropped() -> None:
    ground, sources = row_of_three()
    network = link_sources(ground, sources, UNIT, settings_of(nearest=2))
    assert pairs_of(network) == [(1, 2), (2, 3)]
    assert network.dropped == {(1, 3): "third_source"}
    kept = link_sources(ground, sources, UNIT, settings_of(drop_crossing=False))
    assert kept.links[1].crosses == (2,)
    assert not kept.links[1].in_tree


@pytest.mark.parametrize("most", [3.0, 5.0])
@pytest.mark.parametrize("limit", ["max_cost", "max_euclid_m"])
def test_long_links_are_dropped_unless_they_join(limit: str, most: float) -> None:
    """They take 3 and 8; one that takes the most is kept."""
    ground, sources = np.ones((3, 12)), one_source((3, 12), (1, 0), (1, 3), (1, 11))
    network = link_sources(
        ground, sources, UNIT, settings_of(nearest=0, join_components=False, **{limit: most})
    )
    assert pairs_of(network) == [(1, 2)]
    assert network.dropped == {(2, 3): limit}
    joined = link_sources(ground, sources, UNIT, settings_of(nearest=0, **{limit: most}))
    assert [link.is_bridge for link in joined.links] == [False, True]
    assert joined.dropped == {}


@pytest.mark.parametrize("mode", ["neighbour", "mst", "all_pairs"])
def test_pairs_without_a_way_are_listed(mode: PairMode) -> None:
    ground = np.ones((3, 7))
    ground[:, 3] = np.nan
    sources = one_source((3, 7), (1, 0), (1, 2), (1, 5))
    network = link_sources(ground, sources, UNIT, settings_of(mode=mode))
    assert pairs_of(network) == [(1, 2)]
    assert network.disconnected == ((1, 3), (2, 3))


def test_zones_that_touch_only_by_a_corner_are_neighbours_with_four_steps() -> None:
    # The zones of 1 and 4 meet in the middle corner; so do those of 2 and 3.
    sources = one_source((2, 2), (0, 0), (0, 1), (1, 0), (1, 1))
    network = link_sources(
        np.ones((2, 2)),
        sources,
        UNIT,
        settings_of(neighbours=4, nearest=0, drop_crossing=False),
    )
    assert len(network.links) == 6
    assert [link.path.cost for link in network.links] == [1, 1, 2, 2, 1, 1]


def random_network(seed: int, mode: PairMode = "neighbour", **options: object) -> Network:
    ground, sources = random_ground(seed)
    return link_sources(ground, sources, UNIT, settings_of(mode=mode, **options))


def random_ground(seed: int) -> tuple[FloatArray, IntArray]:
    rng = np.random.default_rng(seed)
    ground = rough(seed, (24, 24), barriers=0.05, high=20.0)
    sources = np.zeros((24, 24), dtype=np.int64)
    corners = rng.choice(36, 6, replace=False)
    for number, corner in enumerate(corners, 1):
        row, col = 4 * (corner // 6), 4 * (corner % 6)
        sources[row : row + 2, col : col + 2] = number
        ground[row : row + 2, col : col + 2] = 1.0
    return ground, sources


def costs_from(
    ground: FloatArray, source: BoolArray, neighbours: Neighbours, closed: bool
) -> FloatArray:
    """Of a complete search."""
    return cost_distance(
        ground, source, UNIT, neighbours=neighbours, forbid_corner_cutting=closed
    ).cost


def least_costs(
    ground: FloatArray, sources: IntArray, neighbours: Neighbours = 8, closed: bool = False
) -> FloatArray:
    """Of every two sources, from complete searches."""
    costs = np.full((7, 7), np.inf)
    for one in range(1, 7):
        cost = costs_from(ground, sources == one, neighbours, closed)
        for other in range(1, 7):
            costs[one, other] = cost[sources == other].min()
    return costs


@settings(max_examples=40)
@given(
    st.integers(0, 1000),
    st.sampled_from(NEIGHBOURS),
    st.sampled_from(["neighbour", "mst", "all_pairs"]),
    st.booleans(),
)
def test_bounded_searches_lose_nothing(
    seed: int, neighbours: Neighbours, mode: PairMode, closed: bool
) -> None:
    ground, sources = random_ground(seed)
    network = link_sources(
        ground,
        sources,
        UNIT,
        settings_of(
            mode=mode, neighbours=neighbours, drop_crossing=False, forbid_corner_cutting=closed
        ),
    )
    expected = least_costs(ground, sources, neighbours, closed)
    for link in network.links:
        assert link.path.cost == expected[link.pair]
        one, other = (
            costs_from(ground, sources == number, neighbours, closed) for number in link.pair
        )
        excess = corridor_excess(one, other, link.path.cost)
        assert (excess >= 0).all()
        assert (excess[tuple(link.path.cells.T)] == 0).all()
        within = excess <= 0.05 * link.path.cost
        assert not (link.swath.inside & ~within[link.swath.slices]).any()
        assert link.swath.inside.sum() == reached(within, link.path.cells).sum()


def reached(mask: np.ndarray, path: IntArray) -> np.ndarray:
    """Cells of a mask that can be reached from a path, by brute force."""
    found = np.zeros_like(mask)
    found[tuple(path.T)] = True
    while True:
        around = np.pad(found, 1)
        grown = np.zeros_like(mask)
        for row in range(3):
            for col in range(3):
                grown |= around[row : row + mask.shape[0], col : col + mask.shape[1]]
        grown &= mask
        if (grown == found).all():
            return found
        found = grown


@settings(max_examples=40)
@given(st.integers(0, 1000), st.integers(1, 3))
def test_each_source_is_linked_with_its_nearest(seed: int, nearest: int) -> None:
    ground, sources = random_ground(seed)
    network = random_network(seed, nearest=nearest, drop_crossing=False)
    costs = least_costs(ground, sources)
    linked = set(pairs_of(network))
    for one in range(1, 7):
        others = sorted((costs[one, other], other) for other in range(1, 7) if other != one)
        for cost, other in others[:nearest]:
            assert np.isinf(cost) or (min(one, other), max(one, other)) in linked


@settings(max_examples=40)
@given(st.integers(0, 1000))
def test_the_tree_is_the_cheapest_of_all_pairs(seed: int) -> None:
    tree, every = (random_network(seed, mode, drop_crossing=False) for mode in ("mst", "all_pairs"))
    whole = sum(link.path.cost for link in every.links if link.in_tree)
    assert sum(link.path.cost for link in tree.links) == pytest.approx(whole, rel=1e-12)
    assert len(tree.links) == sum(link.in_tree for link in every.links)


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_less_room_gives_the_same(seed: int) -> None:
    roomy, cramped = (random_network(seed, keep_bytes=room) for room in (1 << 30, 0))
    assert pairs_of(roomy) == pairs_of(cramped)
    assert cramped.searches > roomy.searches
    np.testing.assert_array_equal(roomy.corridors, cramped.corridors)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(0, 3))
def test_the_heap_gives_the_same_network(seed: int, nearest: int) -> None:
    by_buckets = random_network(seed, nearest=nearest)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surface, "MOST_BUCKETS", 0)
        by_heap = random_network(seed, nearest=nearest)
    assert pairs_of(by_heap) == pairs_of(by_buckets)
    np.testing.assert_array_equal(by_heap.corridors, by_buckets.corridors)


def test_degrees_give_the_network_of_metres_nearly() -> None:
    ground, sources = random_ground(5)
    degrees = GeographicCells(30 / 101_354.78, 30 / 110_765.50, 24.5)
    metres, geographic = (
        link_sources(ground, sources, cells) for cells in (square_cells(30.0), degrees)
    )
    assert pairs_of(metres) == pairs_of(geographic)
    for one, other in zip(metres.links, geographic.links, strict=True):
        assert other.path.cost == pytest.approx(one.path.cost, rel=1e-3)
        assert other.euclid_m == pytest.approx(one.euclid_m, rel=1e-3)
        assert other.width.area_m2 == pytest.approx(one.width.area_m2, rel=0.05)


def test_a_visitor_sees_the_costs_of_each_link() -> None:
    seen: dict[Pair, float] = {}

    def visit(pair: Pair, path: LeastCostPath, one: CostField, other: CostField) -> None:
        window = overlap(one.window, other.window)
        seen[pair] = float((one.read(window) + other.read(window)).min())
        assert seen[pair] == pytest.approx(path.cost, rel=1e-12)

    network = link_sources(*random_ground(3), UNIT, visit=visit)
    assert list(seen) == pairs_of(network)


def test_memory_is_told_before() -> None:
    needed = network_memory_needed((2000, 2000), 20, settings_of(keep_bytes=1000))
    assert needed == 360_000_000 + 8 * 21**2 + 1000


def test_bad_input_is_refused() -> None:
    ground = np.ones((2, 3))
    barred = ground.copy()
    barred[0, 2] = X
    refusals: dict[str, Callable[[], object]] = {
        "there are 1 sources": lambda: link_sources(ground, np.eye(2, 3, dtype=int), UNIT),
        r"sources \[2\] lie on barriers only": lambda: link_sources(
            barred, np.array([[1, 0, 2], [0, 0, 0]]), UNIT
        ),
        "without gaps": lambda: link_sources(ground, np.array([[1, 0, 3], [0, 0, 0]]), UNIT),
        "nearest is -1": lambda: settings_of(nearest=-1),
        "max_cost is 0": lambda: settings_of(max_cost=0.0),
        r"width of the swath \(relative\) is 0": lambda: SwathRule("relative", 0.0),
    }
    for message, attempt in refusals.items():
        with pytest.raises(InvalidInput, match=message):
            attempt()
