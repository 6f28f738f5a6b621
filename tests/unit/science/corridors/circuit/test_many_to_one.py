import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.modes import all_to_one, one_to_all, pairwise
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.grid import FloatArray
from tests.unit.science.corridors.circuit.networks import (
    UNIT,
    dense,
    node_currents,
    node_numbers,
)
from tests.unit.science.corridors.grounds import X, one_source, rough

FOUR = CircuitSettings(neighbours=4)
THREE = one_source((3, 3), (0, 0), (0, 2), (2, 1))


def test_worked_example_of_all_to_one() -> None:
    runs: dict[int, FloatArray] = {}
    all_to_one(np.ones((3, 3)), THREE, UNIT, FOUR, on_source=runs.__setitem__)
    assert runs[3][2, 1] == pytest.approx(2, rel=1e-12)
    assert runs[3][2, 0] == pytest.approx(13 / 24, rel=1e-12)


def test_two_sources_send_to_one_another_as_a_pair() -> None:
    ground = rough(1, (6, 6), barriers=0.0)
    sources = one_source((6, 6), (0, 0), (5, 5))
    pair = pairwise(ground, sources, UNIT)
    to_one, to_all = all_to_one(ground, sources, UNIT), one_to_all(ground, sources, UNIT)
    np.testing.assert_allclose(to_one.maps.cumulative, 2 * pair.maps.cumulative, atol=1e-12)
    np.testing.assert_allclose(to_all.resistance, pair.resistance[0, 1], rtol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_runs_agree_with_dense_solutions(seed: int) -> None:
    ground = rough(seed, (7, 7), barriers=0.1)
    sources = one_source((7, 7), (0, 0), (6, 6), (0, 6))
    sources[3:5, 1:3] = 4
    ground[sources > 0] = 2.0
    strengths = {1: 2.0, 4: 0.5}
    nodes = node_numbers(ground, sources)
    laplacian = dense(ground, nodes, CircuitSettings())
    node_of = [next(nodes[c] for c in nodes if sources[c] == n) for n in (1, 2, 3, 4)]
    to_one: dict[int, FloatArray] = {}
    to_all: dict[int, FloatArray] = {}
    all_to_one(ground, sources, UNIT, strengths=strengths, on_source=to_one.__setitem__)
    found = one_to_all(ground, sources, UNIT, strengths=strengths, on_source=to_all.__setitem__)
    for place, number in enumerate((1, 2, 3, 4)):
        right = np.zeros(len(laplacian))
        right[node_of] = [strengths.get(n, 1.0) for n in (1, 2, 3, 4)]
        right[node_of[place]] = 0.0
        _compare(to_one[number], laplacian, right, [node_of[place]], nodes)
        right = np.zeros(len(laplacian))
        right[node_of[place]] = strengths.get(number, 1.0)
        rest = [node for node in node_of if node != node_of[place]]
        potential = _compare(to_all[number], laplacian, right, rest, nodes)
        resistance = potential[node_of[place]] / strengths.get(number, 1.0)
        assert found.resistance[place] == pytest.approx(resistance, rel=1e-9)


def _compare(
    current: FloatArray,
    laplacian: FloatArray,
    right: FloatArray,
    grounds: list[int],
    nodes: dict[tuple[int, int], int],
) -> FloatArray:
    free = np.setdiff1d(np.arange(len(laplacian)), grounds)
    potential = np.zeros(len(laplacian))
    potential[free] = np.linalg.solve(laplacian[np.ix_(free, free)], right[free])
    expected = node_currents(laplacian, potential)
    for cell, node in nodes.items():
        assert current[cell] == pytest.approx(expected[node], abs=1e-9)
    return potential


def test_what_no_pair_names_sends_nothing_and_is_no_ground() -> None:
    ground = np.ones((1, 5))
    sources = one_source((1, 5), (0, 0), (0, 2), (0, 4))
    runs: dict[int, FloatArray] = {}
    all_to_one(ground, sources, UNIT, pairs=[(1, 2)], on_source=runs.__setitem__)
    assert sorted(runs) == [1, 2]
    np.testing.assert_allclose(runs[1], [[1, 1, 1, 0, 0]], atol=1e-12)
    found = one_to_all(ground, sources, UNIT, pairs=[(1, 3)], on_source=runs.__setitem__)
    np.testing.assert_allclose(runs[1], 1.0)
    np.testing.assert_allclose(found.resistance, [4, np.nan, 4])


def test_sources_apart_send_within_their_parts() -> None:
    ground = np.ones((1, 7))
    ground[0, 3] = X
    sources = one_source((1, 7), (0, 0), (0, 2), (0, 4))
    found = all_to_one(ground, sources, UNIT)
    np.testing.assert_allclose(found.maps.cumulative, [[2, 2, 2, np.nan, 0, 0, 0]])
    assert np.isnan(one_to_all(ground, sources, UNIT).resistance[2])


def test_sources_of_one_short_circuit_are_one_ground() -> None:
    ground = np.ones((1, 5))
    sources = one_source((1, 5), (0, 0), (0, 2), (0, 4))
    short = np.array([[0, 0, 1, 1, 1]])
    found = one_to_all(ground, sources, UNIT, short_circuits=short)
    np.testing.assert_allclose(found.resistance, [2, 2, 2])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_what_is_sent_arrives(seed: int) -> None:
    ground = rough(seed, (6, 6), barriers=0.0)
    sources = one_source((6, 6), (0, 0), (5, 5), (0, 5), (2, 3))
    runs: dict[int, FloatArray] = {}
    found = all_to_one(ground, sources, UNIT, on_source=runs.__setitem__)
    for number, current in runs.items():
        assert current[sources == number].item() == pytest.approx(3)
        assert (current[sources > 0] >= 1 - 1e-9).all()
    np.testing.assert_allclose(found.maps.cumulative, sum(runs.values()))
    np.testing.assert_allclose(found.maps.maximum, np.max(list(runs.values()), axis=0))


def test_bad_strengths() -> None:
    with pytest.raises(InvalidInput, match=r"strengths gives source 9 1.0 A"):
        all_to_one(np.ones((3, 3)), THREE, UNIT, strengths={9: 1.0})
    with pytest.raises(InvalidInput, match=r"strengths gives source 1 -1.0 A"):
        one_to_all(np.ones((3, 3)), THREE, UNIT, strengths={1: -1.0})
