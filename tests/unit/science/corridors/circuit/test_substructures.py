"""Circuits that are reduced window by window, beside hand-computed ones and those solved whole."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import LimitExceeded
from shanhai.raster.windows import window_runner
from shanhai.science.corridors.circuit import currents, solver, substructures
from shanhai.science.corridors.circuit.modes import (
    ManyToOne,
    Pairwise,
    all_to_one,
    one_to_all,
    pairwise,
)
from shanhai.science.corridors.circuit.solver import CircuitSettings, Joining, Neighbours
from shanhai.science.grid import FloatArray, IntArray
from tests.unit.science.corridors.circuit.networks import UNIT
from tests.unit.science.corridors.grounds import X, one_source, rough

FOUR = CircuitSettings(neighbours=4, method="windows")
EIGHT = CircuitSettings(method="windows")
WHOLE = CircuitSettings(method="direct")


@pytest.fixture(autouse=True)
def windows_of_two_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substructures, "WINDOW_SIDE", 2)


def test_resistors_in_series() -> None:
    row = np.array([[1.0, 3.0, 5.0, 1.0, 2.0]])
    found = pairwise(row, one_source((1, 5), (0, 0), (0, 4)), UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(2 + 4 + 3 + 1.5, rel=1e-14)
    np.testing.assert_allclose(found.maps.cumulative, 1.0, rtol=1e-14)
    assert found.report.methods == ("direct", "windows")
    assert found.report.nodes == 5


def test_resistors_in_parallel() -> None:
    ground = np.array([[1.0, 1, 1, 1, 1], [1, X, X, X, 1], [1, 3, 3, 3, 1]])
    sources = np.zeros((3, 5), dtype=np.int64)
    sources[:, 0], sources[:, 4] = 1, 2
    found = pairwise(ground, sources, UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(1 / (1 / 4 + 1 / 10), rel=1e-14)
    np.testing.assert_allclose(found.maps.cumulative[0], [1, 5 / 7, 5 / 7, 5 / 7, 1], rtol=1e-14)
    np.testing.assert_allclose(found.maps.cumulative[2], [1, 2 / 7, 2 / 7, 2 / 7, 1], rtol=1e-14)


@pytest.mark.parametrize(("given", "expected"), [(FOUR, 1.5), (EIGHT, 0.8873016277919095)])
def test_corner_to_corner(given: CircuitSettings, expected: float) -> None:
    found = pairwise(np.ones((3, 3)), one_source((3, 3), (0, 0), (2, 2)), UNIT, given)
    assert found.resistance[0, 1] == pytest.approx(expected, rel=1e-14)


def test_a_gap_in_a_wall() -> None:
    ground = np.ones((5, 5))
    ground[[0, 1, 3, 4], 2] = X
    found = pairwise(ground, one_source((5, 5), (2, 0), (2, 4)), UNIT, FOUR)
    assert found.resistance[0, 1] == pytest.approx(60 / 19, rel=1e-14)
    current = found.maps.cumulative
    np.testing.assert_allclose(current[2], 1.0, rtol=1e-14)
    np.testing.assert_allclose(current[1, [0, 1, 3, 4]], 4 / 19, rtol=1e-13)
    np.testing.assert_allclose(current[0, [0, 1, 3, 4]], 1 / 19, rtol=1e-13)
    assert np.isnan(current[0, 2])


def test_islands_carry_nothing_and_parts_do_not_mix() -> None:
    ground = np.full((7, 7), 2.0)
    ground[3], ground[:, 4] = X, X
    sources = one_source((7, 7), (0, 0), (2, 3), (6, 0), (5, 6), (4, 2))
    found, whole = (one_to_all(ground, sources, UNIT, one) for one in (EIGHT, WHOLE))
    np.testing.assert_allclose(found.resistance, whole.resistance, rtol=1e-12)
    assert np.isnan(found.resistance[3])
    np.testing.assert_allclose(found.maps.cumulative, whole.maps.cumulative, atol=1e-13)
    np.testing.assert_array_equal(found.maps.cumulative[:3, 5:], 0.0)


Landscape = tuple[FloatArray, IntArray, IntArray | None]
"""Resistance, sources and short circuits."""


@st.composite
def landscapes(draw: st.DrawFn) -> Landscape:
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    barriers, high = draw(st.sampled_from([0.0, 0.1, 0.4])), draw(st.sampled_from([2.0, 1000.0]))
    ground = rough(int(rng.integers(10**6)), shape, barriers, high)
    sources = one_source(shape, (0, 0), (shape[0] - 1, shape[1] - 1))
    for number in range(3, 3 + draw(st.integers(0, 3))):
        row, col = rng.integers(0, shape[0]), rng.integers(0, shape[1])
        polygon = slice(row, row + rng.integers(1, 12)), slice(col, col + rng.integers(1, 12))
        if (sources[polygon] == 0).all():
            sources[polygon], ground[row, col] = number, 1.0
    short = None
    if draw(st.booleans()):
        short = np.zeros(shape, dtype=np.int64)
        short[shape[0] // 2, 1:], short[0, 0], short[-1, 0] = 1, 2, 2
    return ground, sources, short


@pytest.mark.parametrize("mode", [all_to_one, one_to_all, pairwise])
@given(
    land=landscapes(),
    side=st.integers(1, 16),
    neighbours=st.sampled_from([4, 8]),
    joining=st.sampled_from(["average_resistance", "average_conductance"]),
)
@settings(max_examples=40, deadline=None)
def test_windows_agree_with_the_whole(
    mode: Callable[..., ManyToOne | Pairwise],
    land: Landscape,
    side: int,
    neighbours: Neighbours,
    joining: Joining,
) -> None:
    """To a billionth of a resistance, and of the largest current."""
    ground, sources, short = land
    asked = replace(WHOLE, neighbours=neighbours, joining=joining)
    whole = mode(ground, sources, UNIT, asked, short_circuits=short)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(substructures, "WINDOW_SIDE", side)
        patch.setattr(currents, "_MOST_RUNS", 3)
        asked = replace(asked, method="windows")
        found = mode(ground, sources, UNIT, asked, short_circuits=short)
    np.testing.assert_allclose(found.resistance, whole.resistance, rtol=1e-9, atol=1e-9)
    for one, other in (
        (found.maps.cumulative, whole.maps.cumulative),
        (found.maps.maximum, whole.maps.maximum),
    ):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-9 * max(np.nanmax(other), 1))
    assert found.report.residual <= solver.MOST_RESIDUAL


def test_other_processes_find_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(substructures, "WINDOW_SIDE", 16)
    ground = rough(1, (50, 37))
    sources = one_source((50, 37), (0, 0), (49, 36), (20, 20))
    ground[20, 20] = 1.0
    here = all_to_one(ground, sources, UNIT, EIGHT)
    with window_runner(2) as runner:
        there = all_to_one(ground, sources, UNIT, replace(EIGHT, run=runner.run))
    np.testing.assert_array_equal(here.maps.cumulative, there.maps.cumulative)
    np.testing.assert_array_equal(here.maps.maximum, there.maps.maximum)
    assert here.report == there.report


def test_windows_are_taken_where_they_are_sooner_done_or_all_that_fits() -> None:
    auto = CircuitSettings()
    assert solver.in_windows(1_000_000, 1_000_000, 8, auto)
    assert not solver.in_windows(1_000_000, 1_000_000, 7, auto)
    assert not solver.in_windows(999_999, 2_000_000, 50, auto)
    assert not solver.in_windows(4_000_000, 4_000_000, 50, WHOLE)
    short = replace(auto, memory_limit=2 * solver.GIB)
    assert solver.in_windows(4_000_000, 4_000_000, 1, short)
    with pytest.raises(LimitExceeded, match=r"needs \d+ MiB \(windows\)"):
        solver.in_windows(10**8, 10**8, 1, short)
