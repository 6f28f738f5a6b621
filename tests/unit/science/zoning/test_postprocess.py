import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.zoning.postprocess import (
    PostprocessSettings,
    overlay_protection,
    protection_floor,
)
from tests.support.class_layers import cleaned


def scene(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    ratio = ndimage.gaussian_filter(random.normal(size=(50, 60)), 3)
    ratio /= ratio.std()
    codes = np.array([4, 5, 3, 2, 1], dtype=np.uint8)[np.digitize(ratio, [-0.8, -0.2, 0.3, 0.9])]
    codes[random.random(codes.shape) < 0.05] = 4
    codes[:8, :20] = 0
    return codes, ratio


def test_steps_run_in_the_order_of_the_method_and_are_counted() -> None:
    codes, ratio = scene()
    result = cleaned(codes, ratio, 100)
    assert list(result.changed_cells) == [
        "majority",
        "sieve",
        "periphery",
        "ring",
        "overlay",
        "final_sieve",
    ]
    assert result.changed_cells["majority"] > 0
    assert result.changed_cells["ring"] == result.changed_cells["overlay"] == 0
    assert np.count_nonzero(result.codes != codes) <= sum(result.changed_cells.values())


@settings(max_examples=20)
@given(seed=st.integers(0, 200))
def test_valid_area_is_kept_cell_by_cell(seed: int) -> None:
    codes, ratio = scene(seed)
    result = cleaned(codes, ratio, 100)
    assert ((result.codes == 0) == (codes == 0)).all()
    assert result.codes.max() <= 5


def test_one_class_area_stays_as_it_is() -> None:
    codes = np.full((9, 9), 2, dtype=np.uint8)
    result = cleaned(codes, np.zeros((9, 9)), 100)
    np.testing.assert_array_equal(result.codes, codes)
    assert not any(result.changed_cells.values())


def test_law_raises_protection_and_never_lowers_it() -> None:
    codes = np.array([[0, 1, 2, 3, 4, 5]], dtype=np.uint8)
    key = np.full_like(codes, 2)
    assert overlay_protection(codes, key).tolist() == [[0, 1, 2, 2, 2, 2]]
    assert overlay_protection(codes, key // 2).tolist() == [[0, 1, 1, 1, 1, 1]]
    assert overlay_protection(codes, key * 0).tolist() == codes.tolist()


def test_small_red_line_outlives_the_last_sieve() -> None:
    codes = np.full((20, 20), 4, dtype=np.uint8)
    floor = np.zeros_like(codes)
    floor[10, 10] = 1
    result = cleaned(codes, np.full((20, 20), -1.0), 100, floor=floor)
    assert result.codes[10, 10] == 1
    assert (result.before_overlay == 4).all()
    assert result.told.override_cells == {0: 399, 1: 1, 2: 0}
    assert result.changed_cells["overlay"] == 1


def test_settings_reach_the_steps() -> None:
    codes, ratio = scene()
    off = PostprocessSettings(majority_rounds=0, mmu_ha=0, periphery_m=1e9)
    np.testing.assert_array_equal(cleaned(codes, ratio, 100, off).codes, codes)


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"majority_rounds": 4}, "majority_rounds is 4"),
        ({"mmu_ha": -1.0}, "mmu_ha is -1.0"),
        ({"periphery_m": float("nan")}, "periphery_m is nan"),
    ],
)
def test_settings_are_checked(settings_: dict[str, float], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        PostprocessSettings(**settings_)  # type: ignore[arg-type]  # of each kind of setting


def test_override_source_tells_where_and_why_the_law_spoke() -> None:
    codes = np.full((20, 20), 3, dtype=np.uint8)
    codes[:, 10:] = 1
    red_line, core = np.zeros((2, 20, 20), dtype=bool)
    red_line[5:9, :], core[5:7, :] = True, True
    floor = protection_floor(red_line, core)
    assert np.unique(floor[5:9], axis=1).ravel().tolist() == [1, 1, 2, 2]
    result = cleaned(codes, np.zeros((20, 20)), 100, floor=floor)
    assert result.override_source is not None
    assert (result.override_source[:, :10] == floor[:, :10]).all()
    assert not result.override_source[:, 10:].any()
    assert (result.codes[5:7] == 1).all()
    assert cleaned(codes, np.zeros((20, 20)), 100).override_source is None


def test_a_reserve_core_outside_the_red_line_is_protected_too() -> None:
    off, on = np.zeros((1, 1), dtype=bool), np.ones((1, 1), dtype=bool)
    assert protection_floor(off, on).item() == 1


@settings(max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    tile=st.integers(3, 40),
    rounds=st.integers(0, 3),
    mmu_ha=st.sampled_from([0.0, 5.0, 12.0, 40.0]),
    reach_m=st.sampled_from([0.0, 150.0, 800.0]),
    overlay=st.booleans(),
)
def test_tiles_make_no_difference(
    seed: int, tile: int, rounds: int, mmu_ha: float, reach_m: float, overlay: bool
) -> None:
    codes, ratio = scene(seed)
    random = np.random.default_rng(seed)
    ratio[random.random(ratio.shape) < 0.05] = np.nan
    floor = (random.integers(1, 3, codes.shape) * (random.random(codes.shape) < 0.05)).astype("u1")
    settings_ = PostprocessSettings(rounds, mmu_ha, periphery_m=reach_m, ring_m=reach_m / 2)
    whole, tiled = (
        cleaned(codes, ratio, 100, settings_, floor=floor if overlay else None, tile=side)
        for side in (1024, tile)
    )
    assert tiled.told == whole.told
    np.testing.assert_array_equal(tiled.codes, whole.codes)
    np.testing.assert_array_equal(tiled.before_overlay, whole.before_overlay)
    np.testing.assert_array_equal(tiled.override_source, whole.override_source)


def test_patch_over_four_tiles_is_counted_once() -> None:
    """A square of 9 cells in the middle of four tiles of 4: a unit of 9 keeps it, of 10 does not.

    Parts of it have 4, 2, 2 and 1 cells, so that each alone would go.
    """
    codes = np.full((8, 8), 2, dtype=np.uint8)
    codes[2:5, 2:5] = 1
    for mmu_ha, kept in ((9.0, 9), (10.0, 0)):
        settings_ = PostprocessSettings(majority_rounds=0, mmu_ha=mmu_ha)
        found = cleaned(codes, 0.0, 100, settings_, tile=4)
        assert np.count_nonzero(found.codes == 1) == kept
        assert found.changed_cells["sieve"] == 9 - kept


def test_sum_over_tiles_decides_and_not_any_of_its_parts() -> None:
    """Ratios 0.3 and −0.2 in one tile, −0.2 in the next: the sum of −0.1 is a deficit.

    Tile by tile the first part has a surplus. With 0.2 in the place of 0.1 it is the other way.
    """
    codes = np.array([[4, 1, 1, 5, 5, 5]], dtype=np.uint8)
    settings_ = PostprocessSettings(majority_rounds=0, mmu_ha=1, periphery_m=200)
    ratio = np.array([[0, 0, 0, 0.3, -0.2, -0.2]])
    for tile in (1, 5, 1024):
        assert cleaned(codes, ratio, 100, settings_, tile=tile).codes[0, 3] == 5
        assert cleaned(codes, ratio + 0.1, 100, settings_, tile=tile).codes[0, 3] == 3


def test_steps_leave_nothing_but_the_outcome() -> None:
    codes, ratio = scene()
    assert cleaned(codes, ratio, 100).layers == {"zones_by_unit", "ratio", "zones"}
    floor = np.zeros_like(codes)
    left = {"protection_floor", "zones_before_overlay", "override_source"}
    found = cleaned(codes, ratio, 100, floor=floor)
    assert found.layers == {"zones_by_unit", "ratio", "zones"} | left
