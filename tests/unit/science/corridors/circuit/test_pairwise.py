import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors.circuit import solver
from shanhai.science.corridors.circuit.graph import make_circuit
from shanhai.science.corridors.circuit.modes import pairwise
from shanhai.science.corridors.circuit.solver import CircuitSettings, Joining, Neighbours
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.spacing import GeographicCells, MetricCells
from shanhai.science.grid import FloatArray
from tests.unit.science.corridors.circuit.networks import (
    UNIT,
    dense,
    node_currents,
    node_numbers,
)
from tests.unit.science.corridors.grounds import X, one_source, rough

FOUR = CircuitSettings(neighbours=4)
PLANE: FloatArray = np.ones((3, 3))
CORNERS = one_source((3, 3), (0, 0), (2, 2))
JOININGS: tuple[Joining, ...] = ("average_resistance", "average_conductance")


def test_worked_example_of_a_plane_with_four_neighbours() -> None:
    potentials = []
    found = pairwise(
        PLANE, CORNERS, UNIT, FOUR, on_pair=lambda pair, current, volts: potentials.append(volts)
    )
    assert found.resistance[0, 1] == pytest.approx(1.5, rel=1e-12)
    expected = [[1, 0.5, 0.25], [0.5, 0.5, 0.5], [0.25, 0.5, 1]]
    np.testing.assert_allclose(found.maps.cumulative, expected, rtol=1e-12)
    # 1 A enters at the second source here, and the worked example's at the first.
    np.testing.assert_allclose(
        potentials[0], [[0, 0.5, 0.75], [0.5, 0.75, 1], [0.75, 1, 1.5]], atol=1e-12
    )
    assert found.report.methods == ("direct",)
    assert found.report.residual < 1e-12


def test_three_sources_in_a_row() -> None:
    sources, volts = one_source((1, 6), (0, 0), (0, 2), (0, 5)), []
    found = pairwise(np.ones((1, 6)), sources, UNIT, on_pair=lambda *given: volts.append(given[2]))
    assert found.resistance[np.triu_indices(3, 1)] == pytest.approx(np.array([2, 5, 3]))
    np.testing.assert_allclose(volts[-1], [[0, 0, 0, 1, 2, 3]], atol=1e-12)


def test_worked_example_of_a_plane_with_eight_neighbours() -> None:
    found = pairwise(PLANE, CORNERS, UNIT)
    assert found.resistance[0, 1] == pytest.approx(0.8873016277919095, rel=1e-12)
    assert found.maps.cumulative[1, 1] == pytest.approx(0.5147, abs=5e-5)
    assert found.maps.cumulative[0, 2] == pytest.approx(0.1005, abs=5e-5)


@pytest.mark.parametrize(
    ("neighbours", "joining", "expected"),
    [
        (4, "average_resistance", 3.405857740585776),
        (4, "average_conductance", 1.8828932261768094),
        (8, "average_resistance", 2.178956436586666),
        (8, "average_conductance", 1.2276994755919428),
    ],
)
def test_worked_example_of_the_joinings(
    neighbours: Neighbours, joining: Joining, expected: float
) -> None:
    ground = np.array([[1.0, 1, 1], [10, 10, 1], [1, 1, 1]])
    sources = one_source((3, 3), (0, 0), (2, 0))
    found = pairwise(ground, sources, UNIT, CircuitSettings(neighbours, joining))
    assert found.resistance[0, 1] == pytest.approx(expected, rel=1e-12)


def test_worked_example_of_a_pinch() -> None:
    ground = np.ones((5, 5))
    ground[:, 2] = X
    ground[2, 2] = 1.0
    found = pairwise(ground, one_source((5, 5), (2, 0), (2, 4)), UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(60 / 19, rel=1e-12)
    current = found.maps.cumulative
    np.testing.assert_allclose(current[2], 1.0, rtol=1e-12)
    np.testing.assert_allclose(current[[1, 3]][:, [0, 1, 3, 4]], 4 / 19, rtol=1e-12)
    np.testing.assert_allclose(current[[0, 4]][:, [0, 1, 3, 4]], 1 / 19, rtol=1e-12)
    assert np.isnan(current[0, 2])


def test_resistors_in_a_row_add_up() -> None:
    ground = np.array([[1.0, 4.0, 10.0, 2.0]])
    found = pairwise(ground, np.array([[1, 0, 0, 2]]), UNIT)
    assert found.resistance[0, 1] == pytest.approx(2.5 + 7 + 6)
    np.testing.assert_allclose(found.maps.maximum, 1.0)


def test_a_ladder_follows_its_recurrence() -> None:
    """Two rails of unit links: each rung in parallel with the rest of the ladder and two links."""
    length = 12
    expected = 1.0
    for _ in range(length - 1):
        expected = 1 / (1 + 1 / (2 + expected))
    sources = one_source((2, length), (0, 0), (1, 0))
    found = pairwise(np.ones((2, length)), sources, UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(expected, rel=1e-12)


def test_a_large_lattice_nears_half_an_ohm_between_neighbours() -> None:
    """On the infinite square lattice it is 1/2 (Cserti 2000)."""
    sources = one_source((101, 101), (50, 50), (50, 51))
    found = pairwise(np.ones((101, 101)), sources, UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(0.5, abs=2e-4)


@pytest.mark.parametrize("joining", JOININGS)
@pytest.mark.parametrize("neighbours", [4, 8])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_the_pseudo_inverse(
    seed: int, neighbours: Neighbours, joining: Joining
) -> None:
    ground = rough(seed, (7, 9), barriers=0.15)
    sources = one_source(ground.shape, (0, 0), (6, 8))
    sources[2:4, 2:5] = 3
    sources[5, 0] = 3
    ground[sources == 3] = 5.0
    ground[2, 3] = X
    options = CircuitSettings(neighbours, joining)
    found = pairwise(ground, sources, UNIT, options)
    total = np.zeros(ground.shape)
    for one, other in ((1, 2), (1, 3), (2, 3)):
        nodes = node_numbers(ground, np.where(np.isin(sources, (one, other)), sources, 0))
        laplacian = dense(ground, nodes, options)
        right = np.zeros(len(laplacian))
        ends = [next(nodes[c] for c in nodes if sources[c] == number) for number in (other, one)]
        right[ends] = 1, -1
        potential = np.linalg.pinv(laplacian) @ right
        resistance = found.resistance[one - 1, other - 1]
        if np.isnan(resistance):
            assert not np.allclose(laplacian @ potential, right)
            continue
        assert resistance == pytest.approx(potential[ends[0]] - potential[ends[1]], rel=1e-9)
        current = node_currents(laplacian, potential)
        for cell, node in nodes.items():
            total[cell] += current[node]
    cells = ~np.isnan(found.maps.cumulative)
    np.testing.assert_allclose(found.maps.cumulative[cells], total[cells], atol=1e-9)


def test_multigrid_and_factor_agree() -> None:
    ground = rough(4, (40, 40))
    sources = one_source((40, 40), (0, 0), (39, 39))
    factor, levels = (
        pairwise(ground, sources, UNIT, CircuitSettings(method=method))
        for method in ("direct", "multigrid")
    )
    assert levels.report.methods == ("multigrid",)
    assert levels.report.residual <= 1e-9
    np.testing.assert_allclose(levels.resistance, factor.resistance, rtol=1e-9)
    np.testing.assert_allclose(levels.maps.cumulative, factor.maps.cumulative, atol=1e-8)


def test_sources_apart_have_no_resistance_and_no_current() -> None:
    ground = np.ones((3, 5))
    ground[:, 2] = X
    sources = one_source((3, 5), (0, 0), (2, 0), (1, 4))
    found = pairwise(ground, sources, UNIT)
    assert np.isnan(found.resistance[0, 2])
    assert np.isfinite(found.resistance[0, 1])
    assert found.maps.cumulative[:, 3:].tolist() == [[0.0] * 2] * 3


def test_sources_in_one_short_circuit_are_one_node() -> None:
    sources = one_source((1, 5), (0, 0), (0, 2), (0, 4))
    short = np.array([[7, 7, 7, 0, 0]])
    found = pairwise(np.ones((1, 5)), sources, UNIT, short_circuits=short)
    np.testing.assert_allclose(found.resistance, [[0, 0, 2], [0, 0, 2], [2, 2, 0]], atol=1e-12)
    np.testing.assert_allclose(found.maps.maximum, 1.0)


def test_a_barrier_in_a_region_carries_half_a_mean_of_conductances() -> None:
    """Circuitscape joins such cells to their region; their own conductance is 0."""
    ground = np.array([[1.0, X, 1.0]])
    sources = np.array([[1, 1, 2]])
    joined = pairwise(ground, sources, UNIT, CircuitSettings(joining="average_conductance"))
    assert joined.resistance[0, 1] == pytest.approx(2.0)
    assert np.isnan(pairwise(ground, sources, UNIT).resistance[0, 1])


def test_only_the_pairs_that_are_asked_for() -> None:
    ground = rough(2, (5, 5), barriers=0.0)
    sources = one_source((5, 5), (0, 0), (2, 2), (4, 4))
    told = []
    found = pairwise(
        ground, sources, UNIT, pairs=[(3, 1)], on_pair=lambda pair, *maps: told.append(pair)
    )
    assert told == [(1, 3)]
    assert np.isnan(found.resistance[0, 1])
    whole = pairwise(ground, sources, UNIT)
    assert found.resistance[0, 2] == pytest.approx(whole.resistance[0, 2], rel=1e-12)


@given(seed=st.integers(0, 10_000), neighbours=st.sampled_from([4, 8]))
@settings(max_examples=25, deadline=None)
def test_laws_of_effective_resistance(seed: int, neighbours: Neighbours) -> None:
    """A metric, at most the least cost, and never lower when a cell resists more (Rayleigh)."""
    ground = rough(seed, (8, 8), barriers=0.0)
    sources = one_source((8, 8), (0, 0), (3, 5), (7, 7))
    options = CircuitSettings(neighbours)
    found = pairwise(ground, sources, UNIT, options)
    one, two, three = found.resistance[0, 1], found.resistance[1, 2], found.resistance[0, 2]
    assert three <= one + two + 1e-9
    cost = cost_distance(ground, sources == 1, UNIT, neighbours=neighbours).cost
    assert one <= cost[3, 5] * (1 + 1e-12)
    harder = ground.copy()
    harder[seed % 8, seed // 8 % 8] *= 3
    raised = pairwise(harder, sources, UNIT, options)
    assert (raised.resistance >= found.resistance * (1 - 1e-12)).all()
    # Whatever line is drawn between the two, all of the 1 A crosses it.
    lines: list[FloatArray] = []
    pairwise(
        ground,
        one_source((8, 8), (0, 0), (7, 7)),
        UNIT,
        options,
        on_pair=lambda pair, current, volts: lines.append(current),
    )
    assert (lines[0].sum(axis=0) >= 1 - 1e-9).all()


def test_worked_example_of_the_bound_by_the_least_cost() -> None:
    ground = np.random.default_rng(0).uniform(1, 50, (40, 40))
    sources = one_source((40, 40), (0, 0), (39, 39))
    for neighbours in (4, 8):
        found = pairwise(ground, sources, UNIT, CircuitSettings(neighbours))
        cost = cost_distance(ground, sources == 1, UNIT, neighbours=neighbours).cost[39, 39]
        assert 0 < found.resistance[0, 1] < cost


def test_what_does_not_fit_is_refused_with_its_size() -> None:
    with pytest.raises(LimitExceeded, match=r"the circuit of 9 nodes needs .* MiB"):
        pairwise(PLANE, CORNERS, UNIT, CircuitSettings(memory_limit=1000))


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match="there are 1 sources"):
        pairwise(PLANE, one_source((3, 3), (0, 0)), UNIT)
    with pytest.raises(InvalidInput, match=r"sources \[2\] lie on barriers"):
        pairwise(np.where(CORNERS == 2, X, PLANE), CORNERS, UNIT)
    with pytest.raises(InvalidInput, match="0 or negative in 9 cells"):
        pairwise(PLANE * 0, CORNERS, UNIT)
    with pytest.raises(InvalidInput, match="reproject the raster first"):
        pairwise(PLANE, CORNERS, GeographicCells(0.01, 0.01, 24.0))
    with pytest.raises(InvalidInput, match="square cells"):
        pairwise(PLANE, CORNERS, MetricCells(30.0, 20.0))
    with pytest.raises(InvalidInput, match=r"pairs holds \(1, 5\)"):
        pairwise(PLANE, CORNERS, UNIT, pairs=[(1, 5)])
    with pytest.raises(InvalidInput, match="shape"):
        pairwise(PLANE, CORNERS[:2], UNIT)
    with pytest.raises(InvalidInput, match="neighbours is 6"):
        CircuitSettings(neighbours=6)  # type: ignore[arg-type]  # which is refused


def test_what_high_potentials_round_by_is_no_fault_of_the_solution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Good conductors on both sides of a cell that raises the potential to 10¹⁰ V, where numbers
    # lie 2·10⁻⁶ V apart: a current of 1 A can be told no better than that.
    chain = np.full((1, 50), 1.3)
    chain[0, 20] = 1e10
    ends = one_source((1, 50), (0, 0), (0, 49))
    found = pairwise(chain, ends, UNIT, FOUR)
    assert found.report.residual > 1e-8
    assert found.resistance[0, 1] == pytest.approx(1e10 + 48 * 1.3, rel=1e-6)
    np.testing.assert_allclose(found.maps.cumulative, 1.0, rtol=1e-4)
    monkeypatch.setattr(solver, "_ROUNDINGS", 0.1)
    with pytest.raises(InvalidInput, match="span too wide a range"):
        pairwise(chain, ends, UNIT, FOUR)


def walled_off(width: int) -> tuple[FloatArray, NDArray[np.int64]]:
    """Two plains beside a wall; the first source is the whole edge of one of them."""
    ground = np.ones((6, width))
    ground[3] = 1e10 * width
    sources = np.zeros(ground.shape, dtype=np.int64)
    sources[0], sources[5, 0] = 1, 2
    return ground, sources


def test_the_node_at_zero_takes_up_no_currents_that_rounding_makes() -> None:
    # The second source lies at 4·10⁹ V, and the 2000 cells around it round alike. Sums of
    # conductances that round would let each of them lose some current, which the first takes up.
    ground, sources = walled_off(1_000)
    found = pairwise(ground, sources, UNIT, CircuitSettings(method="direct"))
    # 1000 cells of the wall, each entered and left by one straight link and two across.
    assert found.resistance[0, 1] == pytest.approx(1e10 / (1 + 2 / 2**0.5), rel=1e-2)
    assert found.maps.cumulative[0, 0] == pytest.approx(1.0, abs=1e-6)


def test_a_residual_is_that_of_the_currents_and_not_of_rounded_conductances() -> None:
    # 1 A flows from the edge of a plane, all of it one node, 10⁶ V above the ground.
    plane, edge = np.full((6, 400), 1.3), np.zeros((6, 400), dtype=np.int64)
    edge[0] = 1
    circuit, _ = make_circuit(plane, CircuitSettings(), (edge,))
    injected = np.zeros(circuit.size)
    injected[0], injected[-1] = 1.0, -1.0
    held = np.arange(1, circuit.size)
    potential = solver.Solver(circuit.laplacian, held, "direct").solve(injected) + 2.0**20
    product = circuit.laplacian @ potential - injected
    assert np.linalg.norm(product) / np.linalg.norm(injected) > 5e-8
    assert solver.require_residual(circuit.laplacian, potential, injected) < 5e-9


def test_what_does_not_converge_is_refused() -> None:
    rng = np.random.default_rng(1)
    ground, sources = walled_off(100)
    ground[ground == 1] = np.exp(rng.normal(size=500))
    multigrid = CircuitSettings(method="multigrid")
    with (
        pytest.warns(UserWarning, match="Indefinite preconditioner"),
        pytest.raises(InvalidInput, match="span too wide a range"),
    ):
        pairwise(ground, sources, UNIT, multigrid)
