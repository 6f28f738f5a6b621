import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.corridors.mspa.pattern import (
    BYTES_PER_CELL,
    Mspa,
    MspaParameters,
    memory_needed,
    spatial_pattern,
)
from shanhai.science.grid import BoolArray
from tests.unit.science.corridors.mspa.lands import blobs
from tests.unit.science.corridors.mspa.rules import classes

SYMBOLS = {".": 0, "C": 1, "I": 2, "E": 3, "P": 4, "B": 5, "L": 6, "R": 7}

parameters = st.builds(
    MspaParameters,
    connectivity=st.sampled_from([4, 8]),
    edge_width=st.sampled_from([1, 2, 3]),
    transition=st.booleans(),
)


def drawn(*rows: str) -> np.ndarray:
    return np.array([[SYMBOLS[symbol] for symbol in row] for row in rows], dtype=np.uint8)


def worked_example() -> BoolArray:
    land = np.zeros((16, 26), dtype=bool)
    land[3:9, 3:9] = land[3:9, 15:21] = True
    land[6, 9:15] = True
    land[11:13, 3:5] = True
    land[9:13, 17] = True
    return land


def test_worked_example() -> None:
    codes = spatial_pattern(worked_example())
    counts = np.bincount(codes.ravel(), minlength=8)[1:].tolist()
    assert counts == [32, 4, 38, 0, 8, 0, 4]
    assert (codes[6, 8:16] == Mspa.BRIDGE).all()
    assert (codes[9:13, 17] == Mspa.BRANCH).all()
    assert (codes[11:13, 3:5] == Mspa.ISLET).all()
    assert (codes[4:8, 4:8] == Mspa.CORE).all()


def test_without_transition_the_shell_stays_whole() -> None:
    codes = spatial_pattern(worked_example(), None, MspaParameters(transition=False))
    assert np.bincount(codes.ravel(), minlength=8)[1:].tolist() == [32, 4, 40, 0, 6, 0, 4]


def test_perforation_lines_a_hole_and_a_handle_is_a_loop() -> None:
    expected = drawn(
        ".................",
        ".EEEEEEEEE.......",
        ".ECCCCCCCE.......",
        ".ECCCCCCCLLLLLL..",
        ".ECCPPPCCE....L..",
        ".ECCP.PCCE....L..",
        ".ECCPPPCCE....L..",
        ".ECCCCCCCLLLLLL..",
        ".ECCCCCCCE.......",
        ".EEEEEEEEE.......",
        ".................",
    )
    np.testing.assert_array_equal(spatial_pattern(expected > 0), expected)


def test_an_edge_two_cells_wide_leaves_out_the_corner_at_a_squared_distance_of_eight() -> None:
    land = np.ones((7, 7), dtype=bool)
    land[0, 0] = False
    core = spatial_pattern(land, None, MspaParameters(edge_width=2)) == Mspa.CORE
    assert not core[2, 2]
    assert core[0, 3]
    assert core[3, 0]
    assert core[3, 1]


def test_missing_cells_make_no_edge() -> None:
    land = np.ones((5, 5), dtype=bool)
    missing = np.zeros((5, 5), dtype=bool)
    missing[2, 2] = True
    codes = spatial_pattern(land, missing)
    assert codes[2, 2] == Mspa.MISSING
    assert (codes[~missing] == Mspa.CORE).all()


def test_nothing_and_everything() -> None:
    assert (spatial_pattern(np.zeros((3, 4), dtype=bool)) == Mspa.BACKGROUND).all()
    assert (spatial_pattern(np.ones((3, 4), dtype=bool)) == Mspa.CORE).all()


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 16), st.integers(1, 16)),
    smooth=st.sampled_from([0.0, 0.7, 1.2]),
    parameters=parameters,
)
def test_pattern_follows_the_rules_as_they_are_written(
    seed: int, shape: tuple[int, int], smooth: float, parameters: MspaParameters
) -> None:
    land = blobs(seed, shape, smooth)
    missing = np.random.default_rng(seed).random(shape) < 0.03
    np.testing.assert_array_equal(
        spatial_pattern(land, missing, parameters), classes(land, missing, parameters)
    )


@given(
    seed=st.integers(0, 10_000),
    smooth=st.sampled_from([0.7, 1.5, 2.5]),
    parameters=parameters,
    quarters=st.integers(0, 3),
    mirrored=st.booleans(),
)
def test_a_turned_or_mirrored_raster_gives_the_turned_or_mirrored_pattern(
    seed: int, smooth: float, parameters: MspaParameters, quarters: int, mirrored: bool
) -> None:
    land = blobs(seed, (40, 33), smooth)
    codes = spatial_pattern(land, None, parameters)

    def moved(raster: np.ndarray) -> np.ndarray:
        return np.rot90(raster[::-1] if mirrored else raster, quarters)

    np.testing.assert_array_equal(spatial_pattern(moved(land), None, parameters), moved(codes))


@given(seed=st.integers(0, 10_000), smooth=st.sampled_from([0.7, 1.5, 2.5]), parameters=parameters)
def test_classes_partition_the_foreground_and_a_core_keeps_its_distance(
    seed: int, smooth: float, parameters: MspaParameters
) -> None:
    land = blobs(seed, (40, 33), smooth)
    codes = spatial_pattern(land, None, parameters)
    np.testing.assert_array_equal(codes > 0, land)
    assert codes.max() <= Mspa.BRANCH
    depth = ndimage.distance_transform_edt(np.pad(land, 60, constant_values=True))[60:-60, 60:-60]
    np.testing.assert_array_equal(codes == Mspa.CORE, land & (depth >= parameters.edge_width + 1))


def test_masks_of_different_shape_are_refused() -> None:
    with pytest.raises(InvalidInput, match=r"\(2, 2\) and foreground \(2, 3\)"):
        spatial_pattern(np.ones((2, 3), dtype=bool), np.zeros((2, 2), dtype=bool))


@pytest.mark.parametrize(("connectivity", "edge_width"), [(6, 1), (8, 0), (8, 51)])
def test_parameters_out_of_range_are_refused(connectivity: int, edge_width: int) -> None:
    with pytest.raises(InvalidInput, match="must"):
        MspaParameters(connectivity, edge_width)  # type: ignore[arg-type]  # which is refused


def test_memory_is_stated_before_the_run() -> None:
    assert memory_needed((2000, 3000)) == BYTES_PER_CELL * 6_000_000
