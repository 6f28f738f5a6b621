import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.zoning import postprocess as periphery
from shanhai.science.zoning.postprocess import (
    PostprocessSettings,
    overlay_protection,
    postprocess,
    protection_floor,
)


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
    result = postprocess(codes, ratio.__getitem__, 100)
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
    result = postprocess(codes, ratio.__getitem__, 100)
    assert ((result.codes == 0) == (codes == 0)).all()
    assert result.codes.max() <= 5


def test_one_class_area_stays_as_it_is() -> None:
    codes = np.full((9, 9), 2, dtype=np.uint8)
    result = postprocess(codes, np.zeros((9, 9)).__getitem__, 100)
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
    result = postprocess(codes, np.full((20, 20), -1.0).__getitem__, 100, floor=floor)
    assert result.codes[10, 10] == 1
    assert (result.before_overlay == 4).all()
    assert result.changed_cells["overlay"] == 1


def test_settings_reach_the_steps() -> None:
    codes, ratio = scene()
    off = PostprocessSettings(majority_rounds=0, mmu_ha=0, periphery_m=1e9)
    np.testing.assert_array_equal(postprocess(codes, ratio.__getitem__, 100, off).codes, codes)


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
    result = postprocess(codes, np.zeros((20, 20)).__getitem__, 100, floor=floor)
    assert result.override_source is not None
    assert (result.override_source[:, :10] == floor[:, :10]).all()
    assert not result.override_source[:, 10:].any()
    assert (result.codes[5:7] == 1).all()
    assert postprocess(codes, np.zeros((20, 20)).__getitem__, 100).override_source is None


def test_a_reserve_core_outside_the_red_line_is_protected_too() -> None:
    off, on = np.zeros((1, 1), dtype=bool), np.ones((1, 1), dtype=bool)
    assert protection_floor(off, on).item() == 1


def test_strips_of_the_ratio_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    codes, ratio = scene(3)
    settings_ = PostprocessSettings(ring_m=500, periphery_m=300)
    whole = postprocess(codes, ratio.__getitem__, 100, settings_)
    monkeypatch.setattr(periphery, "_STRIP_ROWS", 7)
    strips = postprocess(codes, ratio.__getitem__, 100, settings_)
    np.testing.assert_array_equal(strips.codes, whole.codes)
    assert strips.changed_cells == whole.changed_cells
    assert whole.changed_cells["ring"] > 0
