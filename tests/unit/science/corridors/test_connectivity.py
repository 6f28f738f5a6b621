import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from shanhai.errors import InvalidInput
from shanhai.science.corridors.connectivity import (
    Gain,
    PatchGraph,
    dispersal_graph,
    importance_by_dispersal,
    link_graph,
    link_importance,
    patch_importance,
)
from shanhai.science.grid import FloatArray

INF = np.inf
AMOUNTS = np.array([10.0, 20.0, 5.0, 15.0])
DISTANCES = np.array(
    [[0, 1000, 3000, INF], [1000, 0, 1500, 4000], [3000, 1500, 0, 2000], [INF, 4000, 2000, 0]]
)


def random_patches(seed: int, count: int) -> tuple[FloatArray, FloatArray]:
    rng = np.random.default_rng(seed)
    distances = rng.uniform(100, 6000, (count, count))
    distances[rng.random((count, count)) < 0.3] = INF
    distances = np.minimum(distances, distances.T)
    np.fill_diagonal(distances, 0)
    return rng.uniform(1, 50, count), distances


def total_by_dijkstra(amounts: FloatArray, lengths: FloatArray, graph: PatchGraph) -> float:
    """Σ aᵢaⱼf over the shortest ways that scipy finds."""
    sparse = np.ma.masked_array(lengths, np.isinf(lengths) | np.eye(len(lengths), dtype=bool))
    ways = dijkstra(np.where(sparse.mask, 0.0, lengths), directed=False)
    connected = np.exp(-graph.rate * ways) if graph.measure else 1 / (1 + ways)
    return float(amounts @ connected @ amounts)


def graph_of(kind: str, amounts: FloatArray, distances: FloatArray) -> PatchGraph:
    if kind == "PC":
        return dispersal_graph(amounts, distances, 2000)
    return link_graph(amounts, distances, 2000)


def test_worked_example_of_pc() -> None:
    graph = dispersal_graph(AMOUNTS, DISTANCES, 2000)
    np.testing.assert_allclose(
        graph.connected[np.triu_indices(4, 1)],
        [0.7071, 0.4204, 0.2102, 0.5946, 0.2973, 0.5],
        atol=5e-5,
    )
    assert graph.total == pytest.approx(1510.2565, abs=5e-5)
    assert graph.index(100) == pytest.approx(0.151026, abs=5e-7)
    assert graph.equivalent_area == pytest.approx(38.8620, abs=5e-5)


def test_worked_example_of_dpc() -> None:
    found = patch_importance(dispersal_graph(AMOUNTS, DISTANCES, 2000))
    np.testing.assert_allclose(found.total, [32.3094, 66.0065, 19.8232, 35.8514], atol=5e-5)
    np.testing.assert_allclose(found.intra, [6.6214, 26.4856, 1.6553, 14.8981], atol=5e-5)
    np.testing.assert_allclose(found.flux, [25.6880, 38.4136, 15.6242, 20.9533], atol=5e-5)
    np.testing.assert_allclose(found.connector, [0, 1.1073, 2.5436, 0], atol=5e-5)


def test_worked_example_of_iic() -> None:
    graph = link_graph(AMOUNTS / 100, DISTANCES, 2000)  # km²
    assert graph.index(1) == pytest.approx(0.43 / 3, rel=1e-9)
    found = patch_importance(graph)
    np.testing.assert_allclose(found.total, [28.4884, 70.3488, 35.4651, 40.1163], atol=5e-5)
    np.testing.assert_allclose(found.flux, [21.5116, 34.8837, 14.5349, 24.4186], atol=5e-5)


def test_improbable_ways_can_be_left_out() -> None:
    graph = dispersal_graph(AMOUNTS, DISTANCES, 2000, least_probability=0.5)
    assert graph.connected[0, 2] == pytest.approx(2 ** -(2500 / 2000))
    assert np.isinf(graph.direct[0, 2])
    assert graph.direct[2, 3] == 2000


@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), kind=st.sampled_from(["PC", "IIC"]))
def test_removing_a_patch_equals_searching_anew(seed: int, count: int, kind: str) -> None:
    amounts, distances = random_patches(seed, count)
    graph = graph_of(kind, amounts, distances)
    whole = total_by_dijkstra(amounts, graph.direct, graph)
    assert graph.total == pytest.approx(whole, rel=1e-12)
    found = patch_importance(graph)
    for patch in range(count):
        rest = np.delete(np.arange(count), patch)
        left = total_by_dijkstra(amounts[rest], graph.direct[np.ix_(rest, rest)], graph)
        assert found.total[patch] == pytest.approx(100 * (whole - left) / whole, abs=1e-9)


@given(seed=st.integers(0, 10_000), count=st.integers(2, 10), kind=st.sampled_from(["PC", "IIC"]))
def test_removing_a_link_equals_searching_anew(seed: int, count: int, kind: str) -> None:
    amounts, distances = random_patches(seed, count)
    graph = graph_of(kind, amounts, distances)
    links = [(one, other) for one in range(count) for other in range(one)]
    found = link_importance(graph, links)
    for (one, other), importance in zip(links, found, strict=True):
        cut = graph.direct.copy()
        cut[one, other] = cut[other, one] = INF
        left = total_by_dijkstra(amounts, cut, graph)
        assert importance == pytest.approx(100 * (graph.total - left) / graph.total, abs=1e-9)


@given(seed=st.integers(0, 10_000), count=st.integers(1, 12), kind=st.sampled_from(["PC", "IIC"]))
def test_laws_of_the_indices(seed: int, count: int, kind: str) -> None:
    amounts, distances = random_patches(seed, count)
    graph = graph_of(kind, amounts, distances)
    eca = graph.equivalent_area
    assert eca >= amounts.max() * (1 - 1e-12)
    assert eca >= np.sqrt((amounts**2).sum()) * (1 - 1e-12)
    assert eca <= amounts.sum() * (1 + 1e-12)
    assert 0 < graph.index(amounts.sum()) <= 1 + 1e-12
    found = patch_importance(graph)
    np.testing.assert_allclose(found.intra + found.flux + found.connector, found.total, atol=1e-9)
    assert (found.connector >= 0).all()
    nearer = distances.copy()
    nearer[0, -1] = nearer[-1, 0] = 50.0
    assert graph_of(kind, amounts, nearer).total >= graph.total * (1 - 1e-12)


def test_several_distances_at_once_equal_one_by_one() -> None:
    together = importance_by_dispersal(AMOUNTS, DISTANCES, (1000, 2000))
    for d50, one in together.items():
        alone = patch_importance(dispersal_graph(AMOUNTS, DISTANCES, d50))
        np.testing.assert_array_equal(one.total, alone.total)
        np.testing.assert_array_equal(one.flux, alone.flux)


def test_a_restored_stepping_stone_connects_more_than_its_area() -> None:
    amounts, distances = np.array([10.0, 10.0]), np.array([[0, 9000.0], [9000.0, 0]])
    before = dispersal_graph(amounts, distances, 1000)
    with_stone = np.array([[0, 9000, 500], [9000, 0, 500], [500, 500, 0.0]])
    after = dispersal_graph(np.array([10.0, 10, 1]), with_stone, 1000)
    # p of the halves is √½, of the whole way ½: 100 + 100 + 1 + 2·(50 + 20·√½).
    assert after.total == pytest.approx(201 + 2 * (50 + 20 * 0.5**0.5))
    connected = after.equivalent_area / before.equivalent_area - 1
    assert Gain(connected, 0.05).improves_connectivity
    assert not Gain(connected, connected).improves_connectivity


def test_one_link_that_is_asked_for_twice_is_refused() -> None:
    graph = link_graph(AMOUNTS, DISTANCES, 2000)
    for links in ([(0, 1), (1, 0)], [(2, 2)], [(0, 4)], [(-1, 0)]):
        with pytest.raises(InvalidInput, match="two different of the 4 patches"):
            link_importance(graph, links)
    assert link_importance(graph, []).size == 0


@pytest.mark.parametrize(
    ("amounts", "distances", "message"),
    [
        (AMOUNTS, DISTANCES[:3], "a square"),
        (-AMOUNTS, DISTANCES, "finite"),
        (AMOUNTS * 0, DISTANCES, "one above it"),
        (AMOUNTS, -DISTANCES, "negative"),
        (AMOUNTS, np.triu(DISTANCES), "differ"),
        (AMOUNTS, DISTANCES * np.nan, "NaN"),
    ],
)
def test_wrong_graphs_are_refused(amounts: FloatArray, distances: FloatArray, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        dispersal_graph(amounts, distances)


@pytest.mark.parametrize(
    ("d50", "least", "pointer"), [(0, 0, "/d50"), (INF, 0, "/d50"), (10, 1, "/least_probability")]
)
def test_wrong_parameters_are_refused(d50: float, least: float, pointer: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        dispersal_graph(AMOUNTS, DISTANCES, d50, least)
    assert refused.value.faults[0].pointer == pointer
    with pytest.raises(InvalidInput, match="threshold"):
        link_graph(AMOUNTS, DISTANCES, 0)
    with pytest.raises(InvalidInput, match="landscape"):
        link_graph(AMOUNTS, DISTANCES, 1).index(0)
