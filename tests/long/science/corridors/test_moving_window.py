import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.moving_window import (
    WindowSettings,
    cells_around,
    moving_window,
)
from shanhai.science.grid import Grid, Window
from tests.unit.science.corridors.circuit.networks import (
    UNIT,
)
from tests.unit.science.corridors.grounds import rough


@given(
    seed=st.integers(0, 99),
    block=st.sampled_from([1, 3]),
    side=st.integers(1, 3),
    barriers=st.sampled_from([0.0, 0.2]),
)
@settings(max_examples=25, deadline=None)
def test_parts_add_up_to_the_whole(seed: int, block: int, side: int, barriers: float) -> None:
    """Each is solved on no more of the land than it reaches."""
    ground = rough(seed, (11, 13), barriers=barriers)
    strengths = np.random.default_rng(seed).uniform(0, 2, ground.shape)
    windows = WindowSettings(radius=3, block=block)
    whole = moving_window(ground, strengths, UNIT, windows)
    cumulative, potential = np.zeros((2, *ground.shape))
    grid = Grid(4547, 0.0, 0.0, 1.0, 13, 11)
    for part in grid.windows(block * side):
        around = cells_around(part, windows.reach, ground.shape)
        own = Window(part.row - around.row, part.col - around.col, part.height, part.width)
        try:
            found = moving_window(
                ground[around.slices], strengths[around.slices], UNIT, windows, own
            )
        except InvalidInput:
            continue  # nothing but barriers
        cumulative[around.slices] += found.cumulative
        potential[around.slices] += found.potential
    np.testing.assert_allclose(cumulative, whole.cumulative, rtol=1e-9)
    np.testing.assert_allclose(potential, whole.potential, rtol=1e-9)


@given(seed=st.integers(0, 99), factor=st.floats(0.1, 50))
@settings(max_examples=25, deadline=None)
def test_only_contrasts_of_the_resistance_count(seed: int, factor: float) -> None:
    ground = rough(seed, (7, 8), barriers=0.1)
    strengths = np.random.default_rng(seed).uniform(0.1, 2, ground.shape)
    windows = WindowSettings(radius=3)
    one = moving_window(ground, strengths, UNIT, windows)
    other = moving_window(factor * ground, strengths, UNIT, windows)
    np.testing.assert_allclose(other.cumulative, one.cumulative, rtol=1e-6, atol=1e-9)
    even = moving_window(np.full((7, 8), factor), strengths, UNIT, windows)
    np.testing.assert_allclose(even.cumulative, even.potential, rtol=1e-9)
