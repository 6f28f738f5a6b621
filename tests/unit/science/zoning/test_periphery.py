from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shanhai.science.distance import distance_m
from shanhai.science.zoning.patches import within
from shanhai.science.zoning.postprocess import PostprocessSettings, _reach
from tests.support.class_layers import cleaned


def classes(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, dtype=np.uint8)


def rule(
    rows: list[list[int]],
    ratio: float | np.ndarray,
    periphery_m: float = 200,
    ring_m: float = 0,
    mmu_ha: float = 1,
) -> Any:
    settings = PostprocessSettings(0, mmu_ha, periphery_m, ring_m)
    return cleaned(classes(rows), ratio, 100, settings)


def test_patch_within_reach_is_peripheral() -> None:
    result = rule([[4, 1, 5, 5, 5]], -0.2)
    assert result.codes.tolist() == [[4, 1, 5, 5, 5]]
    assert (result.share, result.detached_patches, result.flags) == (1.0, 0, ())


def test_patch_out_of_reach_with_surplus_becomes_general_protection() -> None:
    result = rule([[4, 1, 1, 5, 5]], 0.0)
    assert result.codes.tolist() == [[4, 1, 1, 3, 3]]
    assert result.detached_patches == 0


def test_patch_out_of_reach_with_deficit_stays_and_is_flagged() -> None:
    result = rule([[4, 5, 1, 1, 5, 5]], -0.2)
    assert result.codes.tolist() == [[4, 5, 1, 1, 5, 5]]
    assert result.detached_patches == 1
    assert result.share == pytest.approx(1 / 3)
    assert [flag.code for flag in result.flags] == ["detached"]


def test_mean_of_the_patch_decides() -> None:
    ratio = np.array([[0.0, 0.0, 0.0, 0.3, -0.2]])
    assert rule([[4, 1, 1, 5, 5]], ratio).codes[0, 3:].tolist() == [3, 3]


def test_missing_ratio_is_left_out_of_the_mean() -> None:
    ratio = np.array([[0.0, 0.0, 0.0, np.nan, -0.2]])
    assert rule([[4, 1, 1, 5, 5]], ratio).detached_patches == 1


def test_corners_join_a_patch() -> None:
    result = rule([[4, 5, 1, 1], [1, 1, 5, 1], [1, 1, 1, 5]], 0.5, periphery_m=100)
    assert (result.codes == 5).sum() == 3


def test_small_patch_inside_priority_restoration_joins_it() -> None:
    inside = [[4, 4, 4], [4, 5, 4], [4, 4, 4]]
    assert (rule(inside, -0.5).codes == 4).all()
    assert rule([[0, 4, 4], [4, 5, 4], [4, 4, 4]], -0.5).codes[1, 1] == 4


def test_patch_with_another_neighbour_does_not_join() -> None:
    assert rule([[4, 4, 4], [4, 5, 4], [4, 4, 1]], -0.5).codes[1, 1] == 5


def test_patch_of_four_mapping_units_does_not_join() -> None:
    rows = np.full((6, 6), 4)
    rows[2:4, 2:4] = 5
    assert (rule(rows.tolist(), -0.5).codes == 5).sum() == 4


def test_priority_restoration_may_be_absent() -> None:
    result = rule([[1, 5, 2, 2]], -0.1)
    assert result.codes.tolist() == [[1, 5, 2, 2]]
    assert result.share == 0
    assert result.detached_patches == 1


def test_general_restoration_may_be_absent() -> None:
    result = rule([[1, 4]], -0.1)
    assert result.codes.tolist() == [[1, 4]]
    assert result.share == 1


def test_ring_is_off_by_default_and_takes_deficits_near_priority_restoration() -> None:
    ratio = np.array([[-1.0, -0.1, 0.1, -0.1]])
    assert rule([[4, 3, 3, 3]], ratio).codes.tolist() == [[4, 3, 3, 3]]
    assert rule([[4, 3, 3, 3]], ratio, ring_m=200).codes.tolist() == [[4, 5, 3, 3]]


@given(seed=st.integers(0, 300), reach_m=st.integers(0, 900))
def test_reach_agrees_with_the_distance_transform(seed: int, reach_m: int) -> None:
    codes = np.random.default_rng(seed).choice([0, 1, 4], (17, 23), p=[0.3, 0.68, 0.02])
    codes = codes.astype(np.uint8)
    expected = np.isfinite(distance_m(codes == 4, 30, reach_m))
    halo, square = _reach(reach_m, 30, (17, 23))
    np.testing.assert_array_equal(within(codes, 4, square), expected)
    assert halo**2 <= square < (halo + 1) ** 2
