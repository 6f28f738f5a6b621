import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science.corridors.patches import core_patches, patch_distances
from shanhai.science.zoning.patches import label_patches


def drawn(*rows: str) -> np.ndarray:
    return np.array([[symbol == "#" for symbol in row] for row in rows])


PLAN = drawn(
    "#....##.",
    ".....##.",
    "........",
    "..###...",
    "..###..#",
)


def test_patches_are_numbered_by_area() -> None:
    patches = core_patches(PLAN, 100, 0)
    assert patches.area_ha.tolist() == [6, 4, 1, 1]
    assert patches.labels[0].tolist() == [3, 0, 0, 0, 0, 2, 2, 0]
    assert patches.labels[4].tolist() == [0, 0, 1, 1, 1, 0, 0, 4]


def test_small_cores_are_dropped_before_near_ones_merge() -> None:
    assert core_patches(PLAN, 100, 2).area_ha.tolist() == [6, 4]
    # Their corners touch the same column line one row of cells apart: 100 m.
    assert core_patches(PLAN, 100, 2, merge_gap_m=100).area_ha.tolist() == [6, 4]
    merged = core_patches(PLAN, 100, 2, merge_gap_m=101)
    assert merged.area_ha.tolist() == [10]
    assert set(np.unique(merged.labels)) == {0, 1}


def test_ten_hectares_are_large_enough_for_ten() -> None:
    core = np.zeros((20, 20), dtype=bool)
    core[:10, :10] = True
    assert core_patches(core, 31.622776601683793, 10).count == 1
    assert core_patches(core, 31.62, 10).count == 0


def test_means_skip_what_is_unknown_and_patches_can_be_chosen() -> None:
    patches = core_patches(PLAN, 100, 0)
    values = np.where(patches.labels == 1, 2.0, np.nan)
    values[3, 2] = 8.0
    values[0, 0] = 5.0
    np.testing.assert_allclose(patches.mean(values), [3, np.nan, 5, np.nan])
    np.testing.assert_allclose(patches.share(PLAN & (np.arange(8) < 4)), [4 / 6, 0, 1, 0])
    kept = patches.kept(np.array([False, True, True, False]))
    assert kept.area_ha.tolist() == [4, 1]
    assert kept.labels[0].tolist() == [2, 0, 0, 0, 0, 1, 1, 0]
    assert not kept.labels[3:].any()


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(InvalidInput, match="merge_gap_m"):
        core_patches(PLAN, 100, 0, -1)


def test_distances_run_from_edge_to_edge() -> None:
    labels, count = label_patches(PLAN.view(np.uint8), 8)
    distances = patch_distances(labels, count, 30)
    # First patch (0,0); second rows 0–1, columns 5–6: four cells between them.
    assert distances[0, 1] == 120
    assert distances[0, 2] == pytest.approx(30 * 5**0.5)
    assert distances[1, 2] == 30
    assert np.isinf(patch_distances(labels, count, 30, limit_m=119)[0, 1])
    assert patch_distances(labels, count, 30, limit_m=120)[0, 1] == 120


def test_patches_that_share_a_corner_touch() -> None:
    labels = np.array([[1, 0], [0, 2]], dtype=np.int32)
    assert patch_distances(labels, 2, 30).tolist() == [[0, 0], [0, 0]]


def test_a_number_without_cells_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="1 of 2 patches"):
        patch_distances(np.ones((2, 2), dtype=np.int32), 2, 30)


@given(
    seed=st.integers(0, 10_000),
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    share=st.sampled_from([0.01, 0.03, 0.3]),
)
def test_distances_equal_those_of_polygons(seed: int, shape: tuple[int, int], share: float) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    labels, count = label_patches(mask.view(np.uint8), 8)
    polygons = [
        shapely.union_all([shapely.box(col, row, col + 1, row + 1) for row, col in cells])
        for cells in (np.argwhere(labels == number + 1) for number in range(min(count, 40)))
    ]
    found = patch_distances(labels, count, 1)[: len(polygons), : len(polygons)]
    expected = [[shapely.distance(one, other) for other in polygons] for one in polygons]
    np.testing.assert_allclose(found, np.array(expected).reshape(found.shape), atol=1e-9)
