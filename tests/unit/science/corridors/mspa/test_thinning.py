import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.science.corridors.mspa.pattern import steps_from
from shanhai.science.corridors.mspa.thinning import MAY_GO, _removed, anchored_skeleton, tables
from shanhai.science.zoning.patches import Connectivity
from tests.unit.science.corridors.mspa.lands import blobs


def count(mask: np.ndarray, connectivity: int) -> int:
    return int(ndimage.label(mask, np.ones((3, 3)) if connectivity == 8 else None)[1])


@given(
    seed=st.integers(0, 10_000),
    smooth=st.sampled_from([0.0, 0.6, 1.2]),
    connectivity=st.sampled_from([4, 8]),
)
def test_thinning_keeps_pieces_holes_and_cores(
    seed: int, smooth: float, connectivity: Connectivity
) -> None:
    land = np.pad(blobs(seed, (30, 26), smooth), 1)
    core = land & (np.random.default_rng(seed).random(land.shape) < 0.05)
    steps = steps_from(core, land, connectivity == 8)
    reached = steps >= 0
    depth = np.where(steps > 0, 1, 0).astype(np.uint16)
    skeleton = anchored_skeleton(core, depth, steps, connectivity)
    assert not (skeleton & ~reached).any()
    thin = skeleton | core
    assert count(thin, connectivity) == count(reached, connectivity)
    assert count(~thin, 12 - connectivity) == count(~reached, 12 - connectivity)


def test_a_dead_end_goes_and_a_way_round_stays() -> None:
    land = np.zeros((9, 12), dtype=bool)
    land[4, 1:11] = True
    land[1:5, 6] = land[1, 6:11] = land[1:5, 10] = True
    land[4:8, 3:5] = True
    core = np.zeros_like(land)
    core[4, 1] = True
    steps = steps_from(core, land, True)
    skeleton = anchored_skeleton(core, (steps > 0).astype(np.uint16), steps, 8)
    assert not skeleton[6:].any()
    assert skeleton[4, 2:6].all()
    assert count(skeleton | core, 8) == 1
    assert count(~(skeleton | core), 4) == 2


@pytest.mark.parametrize("connectivity", [4, 8])
def test_of_256_neighbourhoods_116_are_simple(connectivity: Connectivity) -> None:
    simple, independent = tables(connectivity)
    assert simple.sum() == 116
    stays = [sum(3**place for place in range(8) if land >> place & 1) for land in range(256)]
    np.testing.assert_array_equal(independent[stays], simple)
    assert not independent[-1]


def test_a_neighbourhood_has_its_number_without_the_compiler_too() -> None:
    """Eight neighbours that may all go: 3⁸ − 1, which the 8 bits of their states do not hold."""
    state, around = np.full(9, MAY_GO, dtype=np.uint8), np.array([-3, -2, 1, 4, 3, 2, -1, -4])
    independent = np.arange(3**8) == 3**8 - 1
    interpreted = getattr(_removed, "py_func", _removed)
    for run in (_removed, interpreted):
        assert run(np.array([4]), state.copy(), around, independent) == 1
