import numpy as np
import pytest

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors.circuit.solver import CircuitSettings
from shanhai.science.corridors.moving_window import (
    WindowSettings,
    moving_window,
    normalised,
    strengths_of,
)
from shanhai.science.corridors.spacing import GeographicCells
from shanhai.science.grid import FloatArray
from tests.unit.science.corridors.circuit.networks import (
    UNIT,
    dense,
    node_currents,
    node_numbers,
)
from tests.unit.science.corridors.grounds import X, rough

PLANE: FloatArray = np.ones((5, 5))


def test_worked_example() -> None:
    found = moving_window(PLANE, PLANE, UNIT, WindowSettings(radius=2))
    assert found.cumulative[0, 0] == pytest.approx(1.7406, abs=5e-5)
    assert found.cumulative[0, 2] == pytest.approx(2.3748, abs=5e-5)
    assert found.cumulative[2, 2] == pytest.approx(2.6963, abs=5e-5)
    assert found.cumulative[1, 1] == pytest.approx(2.8691, abs=5e-5)
    np.testing.assert_allclose(found.cumulative, found.potential, rtol=1e-12)
    assert found.targets == 25


def plainly(ground: FloatArray, strengths: FloatArray, radius: int, block: int) -> FloatArray:
    """Window by window, with dense matrices of the whole raster."""
    total = np.zeros(ground.shape)
    rows, cols = np.indices(ground.shape)
    half = block // 2
    for row in range(half, ground.shape[0], block):
        for col in range(half, ground.shape[1], block):
            own = (abs(rows - row) <= half) & (abs(cols - col) <= half)
            away = np.hypot(rows - row, cols - col)
            away[~own | np.isinf(ground)] = X
            target = np.unravel_index(np.argmin(away), away.shape)
            inside = np.hypot(rows - target[0], cols - target[1]) <= radius
            sources = np.where(inside & ~own & np.isfinite(ground), strengths, 0.0)
            worth = strengths[own & np.isfinite(ground)].sum()
            if not sources.any() or not worth:
                continue
            part = np.where(inside, ground, X)
            nodes = node_numbers(part, np.zeros(part.shape, dtype=int))
            laplacian = dense(part, nodes, CircuitSettings(joining="average_conductance"))
            right = np.zeros(len(laplacian))
            for cell, node in nodes.items():
                right[node] = sources[cell] * worth / sources.sum()
            grounded = nodes[(int(target[0]), int(target[1]))]
            linked = np.abs(np.linalg.matrix_power(laplacian, len(laplacian))[grounded]) > 0
            free = np.flatnonzero(linked & (np.arange(len(laplacian)) != grounded))
            potential = np.zeros(len(laplacian))
            potential[free] = np.linalg.solve(laplacian[np.ix_(free, free)], right[free])
            current = node_currents(laplacian, potential)
            for cell, node in nodes.items():
                total[cell] += current[node]
    return total


@pytest.mark.parametrize("block", [1, 3])
@pytest.mark.parametrize("seed", range(3))
def test_agrees_with_dense_windows(seed: int, block: int) -> None:
    ground = rough(seed, (8, 9), barriers=0.15)
    ground[4, 4] = X
    strengths = np.random.default_rng(seed).uniform(0, 2, ground.shape)
    found = moving_window(ground, strengths, UNIT, WindowSettings(radius=3, block=block))
    np.testing.assert_allclose(found.cumulative, plainly(ground, strengths, 3, block), atol=1e-9)
    plane = np.ones(ground.shape)
    usable = np.where(np.isfinite(ground), strengths, 0.0)
    if block == 1:
        np.testing.assert_allclose(found.potential, plainly(plane, usable, 3, 1), atol=1e-9)
    assert found.cumulative[4, 4] == 0 < found.potential[4, 4]


def test_edges_of_the_map_are_all_alike() -> None:
    """Blanking in the wrong place near the upper and left edge would break this."""
    ground = rough(7, (9, 9), barriers=0.0)
    settings = WindowSettings(radius=4, block=3)
    found = moving_window(ground, 1 / ground, UNIT, settings).cumulative
    turned = np.rot90(ground, 2)
    again = moving_window(turned, 1 / turned, UNIT, settings).cumulative
    np.testing.assert_allclose(np.rot90(again, 2), found, rtol=1e-9)


def test_a_gap_channels_current() -> None:
    ground = np.ones((9, 9))
    ground[:, 4] = 100.0
    ground[4, 4] = 1.0
    found = moving_window(ground, np.ones((9, 9)), UNIT, WindowSettings(radius=4))
    ratio = normalised(found.cumulative, found.potential)
    assert ratio[4, 4] == np.nanmax(ratio) > 1
    assert ratio[0, 4] < 1


def test_what_is_cut_off_sends_nothing() -> None:
    ground = np.array([[1.0, 1.0, X, 1.0]])
    found = moving_window(ground, np.ones((1, 4)), UNIT, WindowSettings(radius=3))
    # Half of what each of the two is worth comes from beyond the barrier and is lost.
    np.testing.assert_allclose(found.cumulative, [[1.0, 1.0, 0.0, 0.0]])
    assert found.targets == 3


def test_strengths_of_low_resistance() -> None:
    found = strengths_of(np.array([[1.0, 4.0, 10.0, X, np.nan]]), 5.0)
    assert found.tolist() == [[1.0, 0.25, 0.0, 0.0, 0.0]]


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match="radius is 0 cells"):
        WindowSettings(radius=0)
    with pytest.raises(InvalidInput, match="block is 2 cells"):
        WindowSettings(radius=4, block=2)
    with pytest.raises(InvalidInput, match="strengths are negative or infinite in 25 cells"):
        moving_window(PLANE, -PLANE, UNIT, WindowSettings(radius=2))
    with pytest.raises(InvalidInput, match="no passable cell has a strength above 0"):
        moving_window(PLANE, PLANE, UNIT, WindowSettings(radius=2, threshold=3.0))
    with pytest.raises(InvalidInput, match="reproject"):
        moving_window(PLANE, PLANE, GeographicCells(0.1, 0.1, 24.0), WindowSettings(radius=2))
    with pytest.raises(LimitExceeded, match="MiB"):
        moving_window(PLANE, PLANE, UNIT, WindowSettings(radius=2, memory_limit=10))
