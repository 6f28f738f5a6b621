import numpy as np
import pytest

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors.circuit.advanced import Policy, advanced
from shanhai.science.corridors.circuit.graph import require_cells
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.grid import FloatArray
from tests.unit.science.corridors.circuit.networks import UNIT, dense, node_numbers
from tests.unit.science.corridors.grounds import X, rough

FOUR = CircuitSettings(neighbours=4)


def cells(shape: tuple[int, int], **values: float) -> FloatArray:
    raster = np.zeros(shape)
    for name, value in values.items():
        raster[int(name[1]), int(name[2])] = value
    return raster


def test_worked_example() -> None:
    sources = cells((3, 3), c00=1.0, c02=1.0)
    found = advanced(np.ones((3, 3)), sources, cells((3, 3), c21=np.inf), UNIT, FOUR)
    assert found.potential[0, 0] == pytest.approx(43 / 24, rel=1e-12)
    assert found.potential[1, 1] == pytest.approx(11 / 12, rel=1e-12)
    assert found.current[2, 1] == pytest.approx(2, rel=1e-12)
    assert found.current[2, 0] == pytest.approx(13 / 24, rel=1e-12)
    assert found.lost == 0


def test_a_weak_ground_takes_its_share() -> None:
    """1 A between grounds of 1 and 3 S over links of 1 Ω: a quarter Ω more on the other side."""
    sources = cells((1, 3), c01=1.0)
    grounds = cells((1, 3), c00=1.0, c02=3.0)
    found = advanced(np.ones((1, 3)), sources, grounds, UNIT)
    left, right = 1 / 2.0, 1 / (1 + 1 / 3)
    volts = 1 / (left + right)
    np.testing.assert_allclose(found.potential, [[volts / 2, volts, volts / 4]])
    np.testing.assert_allclose(found.current, [[volts * left, 1.0, volts * right]])


@pytest.mark.parametrize("amperes", [1.0, -1.0])
def test_what_comes_out_of_the_ground_counts_as_what_goes_in(amperes: float) -> None:
    """All of 1 A flows between the source and the ground of 1 S of its own cell."""
    found = advanced(
        np.ones((1, 2)), cells((1, 2), c00=amperes), cells((1, 2), c00=1.0), UNIT, FOUR
    )
    np.testing.assert_allclose(found.potential, [[amperes, amperes]])
    np.testing.assert_allclose(found.current, [[1, 0]], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_a_dense_solution(seed: int) -> None:
    ground = rough(seed, (6, 6), barriers=0.0)
    rng = np.random.default_rng(seed)
    sources = np.where(rng.random((6, 6)) < 0.3, rng.normal(size=(6, 6)), 0.0)
    grounds = np.where(rng.random((6, 6)) < 0.2, rng.uniform(0.01, 2, (6, 6)), np.nan)
    grounds[5, 5] = 1.0
    short = np.zeros((6, 6), dtype=int)
    short[1:3, 1:3] = 1
    found = advanced(ground, sources, grounds, UNIT, short_circuits=short)
    nodes = node_numbers(ground, short)
    matrix = dense(ground, nodes, CircuitSettings())
    right = np.zeros(len(matrix))
    for cell, node in nodes.items():
        right[node] += sources[cell]
        matrix[node, node] += np.nan_to_num(grounds[cell])
    potential = np.linalg.solve(matrix, right)
    for cell, node in nodes.items():
        assert found.potential[cell] == pytest.approx(potential[node], abs=1e-10)


@pytest.mark.parametrize(
    ("policy", "conductance", "expected"),
    [
        # 0.25 A goes straight to ground at the source, 0.75 A over 2 Ω and the ground of 1 S.
        ("keepall", 1 / 9, 2.25),
        ("keepall", np.inf, 3.0),
        ("rmvgnd", 1 / 9, 3.0),
    ],
)
def test_source_on_a_ground(policy: Policy, conductance: float, expected: float) -> None:
    sources, grounds = cells((1, 3), c00=1.0), cells((1, 3), c00=conductance, c02=1.0)
    found = advanced(np.ones((1, 3)), sources, grounds, UNIT, policy=policy)
    assert found.potential[0, 0] == pytest.approx(expected)
    assert found.current[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("policy", ["rmvsrc", "rmvall"])
def test_removed_sources_send_nothing(policy: Policy) -> None:
    sources, grounds = cells((1, 3), c00=1.0, c01=1.0), cells((1, 3), c00=1.0, c02=np.inf)
    found = advanced(np.ones((1, 3)), sources, grounds, UNIT, policy=policy)
    to_left = 0.0 if policy == "rmvall" else 1 / 3
    np.testing.assert_allclose(found.current, [[to_left, 1.0, 1 - to_left]], atol=1e-12)


def test_a_part_without_a_ground_stays_dark() -> None:
    ground = np.array([[1.0, 1.0, X, 1.0, 1.0]])
    sources = np.array([[1.0, 0, 0, 1.5, 0]])
    found = advanced(ground, sources, cells((1, 5), c01=np.inf), UNIT)
    np.testing.assert_allclose(found.current, [[1, 1, np.nan, 0, 0]])
    assert found.lost == 1.5


def test_bad_input() -> None:
    plane, source = np.ones((1, 3)), cells((1, 3), c00=1.0)
    with pytest.raises(InvalidInput, match="nothing would flow"):
        advanced(plane, source, np.zeros((1, 3)), UNIT)
    with pytest.raises(InvalidInput, match="must not be negative"):
        advanced(plane, source, -source, UNIT)
    with pytest.raises(InvalidInput, match="infinite in 1 cells"):
        advanced(plane, source * np.where(source > 0, np.inf, 1), source, UNIT)
    with pytest.raises(InvalidInput, match="policy is 'both'"):
        advanced(plane, source, source, UNIT, policy="both")  # type: ignore[arg-type]  # which is refused
    with pytest.raises(InvalidInput, match="region has the number -1"):
        advanced(plane, source, source, UNIT, short_circuits=np.array([[0, 2, -1]]))


def test_entries_are_counted_in_31_bits() -> None:
    """9 · 238 609 294 = 2³¹ − 2."""
    require_cells(238_609_294, 9)
    with pytest.raises(LimitExceeded, match="at most 238609294 is solved"):
        require_cells(238_609_295, 9)
