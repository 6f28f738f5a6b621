from collections.abc import Mapping
from itertools import combinations, pairwise, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.network_metrics import betweenness, current_flow, network_indices
from shanhai.science.corridors.pairs import Pair


def links_of(*pairs: Pair, cost: float = 2.0) -> dict[Pair, float]:
    return dict.fromkeys(pairs, cost)


SIX = links_of((1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (1, 6), (1, 4), (2, 5))
CHAIN = links_of((1, 2), (2, 3), (3, 4))


def test_worked_examples() -> None:
    found = network_indices(range(1, 7), SIX, dict.fromkeys(SIX, 2.0))
    assert (found.alpha, found.beta, found.gamma) == (3 / 7, 4 / 3, 2 / 3)
    assert found.cost_ratio == 0.5
    tree = network_indices([1, 2, 3, 4], CHAIN, dict.fromkeys(CHAIN, 1.0))
    assert (tree.alpha, tree.beta, tree.gamma) == (0, 0.75, 0.5)
    assert (tree.components, tree.mean_cost, tree.median_cost) == (1, 2.0, 2.0)
    skewed = {(1, 2): 1.0, (1, 3): 2.0, (2, 3): 6.0}
    ring = network_indices([1, 2, 3], skewed, skewed)
    assert (ring.alpha, ring.beta, ring.gamma) == (1, 1, 1)
    assert ring.cost_ratio == pytest.approx(2 / 3)
    assert (ring.mean_cost, ring.median_cost) == (3, 2)


def test_a_network_of_two_has_no_indices() -> None:
    found = network_indices([1, 2], {}, {})
    assert (found.alpha, found.beta, found.gamma, found.cost_ratio) == (None,) * 4
    assert (found.components, found.mean_cost, found.median_cost) == (2, None, None)


def test_of_two_sources_none_is_between() -> None:
    for found in (betweenness([1, 2], links_of((1, 2))), current_flow([1, 2], links_of((1, 2)))):
        assert found.nodes == {1: 0, 2: 0}
        assert found.links == {(1, 2): pytest.approx(1)}


def test_the_middle_of_a_chain_is_between() -> None:
    found = betweenness([1, 2, 3, 4], CHAIN)
    assert found.nodes == {1: 0, 2: pytest.approx(2 / 3), 3: pytest.approx(2 / 3), 4: 0}
    assert found.links == {(1, 2): 0.5, (2, 3): pytest.approx(2 / 3), (3, 4): 0.5}


def test_in_a_tree_current_flows_as_the_cheapest_ways_lead() -> None:
    ways, current = betweenness([1, 2, 3, 4], CHAIN), current_flow([1, 2, 3, 4], CHAIN)
    assert current.nodes == pytest.approx(ways.nodes)
    assert current.links == pytest.approx(ways.links)


def test_two_ways_of_one_cost_share() -> None:
    square = links_of((1, 2), (2, 4), (1, 3), (3, 4), cost=0.1)
    found = betweenness([1, 2, 3, 4], square)
    assert found.nodes == pytest.approx(dict.fromkeys([1, 2, 3, 4], 1 / 6))
    assert found.links == pytest.approx(dict.fromkeys(square, 1 / 3))


def test_current_prefers_the_cheaper_side_of_a_triangle() -> None:
    # Between 1 and 2: 2/3 A straight and 1/3 A round; alike for each pair.
    found = current_flow([1, 2, 3], links_of((1, 2), (2, 3), (1, 3)))
    assert found.nodes == pytest.approx(dict.fromkeys([1, 2, 3], 1 / 3))
    assert found.links == pytest.approx(dict.fromkeys([(1, 2), (2, 3), (1, 3)], 4 / 9))


def test_parts_send_nothing_to_one_another() -> None:
    for measure in (betweenness, current_flow):
        found = measure([1, 2, 3, 4, 5], links_of((1, 2), (3, 4)))
        assert found.links == pytest.approx({(1, 2): 0.1, (3, 4): 0.1})
        assert set(found.nodes.values()) == {0.0}


def random_links(seed: int) -> dict[Pair, float]:
    rng = np.random.default_rng(seed)
    every = list(combinations(range(1, 7), 2))
    chosen = rng.random(len(every)) < 0.5
    costs = rng.integers(1, 5, len(every)) / 10
    return {
        pair: float(cost) for pair, cost, taken in zip(every, costs, chosen, strict=True) if taken
    }


def all_ways(links: Mapping[Pair, float], one: int, other: int) -> dict[tuple[int, ...], float]:
    """Every way between two sources and its cost, in tenths."""
    between = [number for number in range(1, 7) if number not in (one, other)]
    found: dict[tuple[int, ...], float] = {}
    for count in range(len(between) + 1):
        for middle in permutations(between, count):
            way = (one, *middle, other)
            steps = [(min(step), max(step)) for step in pairwise(way)]
            if all(step in links for step in steps):
                found[way] = sum(round(10 * links[step]) for step in steps)
    return found


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_betweenness_equals_the_count_of_all_ways(seed: int) -> None:
    links = random_links(seed)
    nodes = dict.fromkeys(range(1, 7), 0.0)
    along = dict.fromkeys(links, 0.0)
    for one, other in combinations(range(1, 7), 2):
        ways = all_ways(links, one, other)
        cheapest = [way for way, cost in ways.items() if cost == min(ways.values())]
        for way in cheapest:
            for node in way[1:-1]:
                nodes[node] += 1 / len(cheapest) / 10
            for step in pairwise(way):
                along[min(step), max(step)] += 1 / len(cheapest) / 15
    found = betweenness(range(1, 7), links)
    assert found.nodes == pytest.approx(nodes)
    assert found.links == pytest.approx(along)


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_current_flow_equals_the_dense_solution(seed: int) -> None:
    links = random_links(seed)
    laplacian = np.zeros((7, 7))
    for (one, other), cost in links.items():
        laplacian[one, other] = laplacian[other, one] = -1 / cost
    np.fill_diagonal(laplacian, -laplacian.sum(axis=0))
    inverse = np.linalg.pinv(laplacian)
    nodes, along = dict.fromkeys(range(1, 7), 0.0), dict.fromkeys(links, 0.0)
    for one, other in combinations(range(1, 7), 2):
        if not all_ways(links, one, other):
            continue
        volts = inverse[:, one] - inverse[:, other]
        for pair, cost in links.items():
            current = abs(volts[pair[0]] - volts[pair[1]]) / cost
            along[pair] += current / 15
            for node in pair:
                if node not in (one, other):
                    nodes[node] += current / 2 / 10
    found = current_flow(range(1, 7), links)
    assert found.nodes == pytest.approx(nodes, abs=1e-12)
    assert found.links == pytest.approx(along, abs=1e-12)


def test_a_link_without_cost_is_refused() -> None:
    for measure in (betweenness, current_flow):
        with pytest.raises(InvalidInput, match=r"cost of the link \(1, 2\) is 0"):
            measure([1, 2], {(1, 2): 0.0})
