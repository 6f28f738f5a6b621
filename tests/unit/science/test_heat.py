import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shanhai.errors import InvalidInput
from shanhai.science import focal
from shanhai.science.ecoservices.cooling import ALBEDO, SHADE
from shanhai.science.focal import WindowFrame
from shanhai.science.grid import Grid
from shanhai.science.heat import (
    air_heat,
    cooling_capacity,
    green_area_ha,
    heat_mitigation,
    mitigated_heat,
    park_cooling,
    shade_by_cover,
    surface_cooling,
    surface_heat,
)
from shanhai.science.landcover import LandCover

FOREST, BUILT_UP = LandCover.FOREST, LandCover.BUILT_UP
RING = np.array([[True, True, True], [True, False, True], [True, True, True]])


def capacity(cover: list[int], potential_et: list[float], **given: float) -> np.ndarray:
    weights = {"shade_weight": 0.6, "albedo_weight": 0.2, "evaporation_weight": 0.2}
    numbers: dict[str, Any] = weights | {"reference_et_max": 1250.0} | given
    return cooling_capacity(
        land_cover=np.array(cover, dtype=np.uint8),
        potential_et=np.array(potential_et, dtype=float),
        shade=SHADE.values,
        albedo=ALBEDO.values,
        **numbers,
    )


def mitigation(cc: np.ndarray, green: np.ndarray, park_area_ha: float) -> np.ndarray:
    measures: dict[str, Any] = {"cooling_distance_m": 30.0, "cell_m": 30.0}
    return heat_mitigation(
        cooling_capacity=cc,
        park_cooling=park_cooling(cooling_capacity=cc, green_cover=green, **measures),
        green_area_ha=green_area_ha(green_cover=green, **measures),
        park_area_ha=park_area_ha,
    )


def test_capacity_and_cooling_of_a_forest() -> None:
    cc = capacity([FOREST], [1000.0])
    np.testing.assert_allclose(cc, 0.70)
    np.testing.assert_allclose(mitigated_heat(heat_mitigation=cc, uhi_max=3.5), 2.45)


def test_weights_are_rescaled_to_one() -> None:
    doubled = capacity([FOREST], [1000.0], shade_weight=1.2, albedo_weight=0.4)
    np.testing.assert_allclose(doubled, (1.2 * 0.85 + 0.4 * 0.15 + 0.2 * 0.8) / 1.8)


def test_no_weight_at_all_is_refused() -> None:
    with pytest.raises(InvalidInput, match="all 0"):
        capacity([FOREST], [1000.0], shade_weight=0, albedo_weight=0, evaporation_weight=0)


def test_no_evaporation_anywhere_adds_nothing() -> None:
    cc = capacity([FOREST], [0.0], reference_et_max=0.0)
    np.testing.assert_allclose(cc, 0.6 * 0.85 + 0.2 * 0.15)


@given(
    cover=st.sampled_from(list(SHADE.values)),
    potential_et=st.floats(0, 3000),
    weights=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1)),
)
def test_capacity_lies_between_0_and_1(
    cover: LandCover, potential_et: float, weights: tuple[float, float, float]
) -> None:
    names = ("shade_weight", "albedo_weight", "evaporation_weight")
    cc = capacity([cover], [potential_et], **dict(zip(names, weights, strict=True)))
    assert 0 <= cc[0] <= 1


def test_capacity_is_unknown_where_an_input_is() -> None:
    assert np.isnan(capacity([0, FOREST], [1000.0, math.nan])).all()


def test_a_ring_of_parks_cools_the_built_up_cell_within() -> None:
    cc = np.where(RING, 0.8, 0.1)
    # Four cells of 0.09 ha are near, which is just enough.
    hm = mitigation(cc, RING.astype(float), park_area_ha=0.36)
    assert hm[1, 1] == pytest.approx(0.567711, abs=1e-6)
    np.testing.assert_allclose(hm[RING], 0.8)


def test_too_little_green_cools_nothing_around() -> None:
    cc = np.where(RING, 0.8, 0.1)
    np.testing.assert_array_equal(mitigation(cc, RING.astype(float), park_area_ha=2.0), cc)


def test_green_area_counts_the_cells_of_the_disk() -> None:
    green = np.array([[1.0, 0, 1], [0, 1, 1], [1, np.nan, 1]])
    area = green_area_ha(green_cover=green, cooling_distance_m=30.0, cell_m=100.0)
    np.testing.assert_allclose(area, green)
    area = green_area_ha(green_cover=green, cooling_distance_m=100.0, cell_m=100.0)
    np.testing.assert_allclose(area, [[1.0, 3.0, 2.0], [3.0, 2.0, 4.0], [1.0, np.nan, 2.0]])


@settings(max_examples=10)
@given(seed=st.integers(0, 99))
def test_mitigation_is_bounded_and_tiles_without_seams(seed: int) -> None:
    generator = np.random.default_rng(seed)
    grid = Grid(4548, 0, 0, 30.0, 37, 29)
    cc = generator.random(grid.shape)
    cc[generator.random(grid.shape) < 0.1] = np.nan
    green = (generator.random(grid.shape) < 0.4).astype(float)
    measures: dict[str, Any] = {"cooling_distance_m": 45.0, "cell_m": 30.0}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(focal, "BLOCK", 16)
        whole = park_cooling(cooling_capacity=cc, green_cover=green, **measures)
        for window in grid.windows(16):
            frame = WindowFrame(window.expanded(8, grid), window)
            held = frame.outer.slices
            part = park_cooling(
                cooling_capacity=cc[held], green_cover=green[held], frame=frame, **measures
            )
            np.testing.assert_array_equal(part[frame.slices], whole[window.slices])
    hm = mitigation(cc, green, park_area_ha=0.2)
    assert (np.isnan(hm) == np.isnan(cc)).all()
    assert np.nanmin(hm) >= 0
    assert np.nanmax(hm) <= 1
    assert (np.nan_to_num(hm) >= np.nan_to_num(cc)).all()


def test_shade_follows_the_vegetation_within_its_class() -> None:
    cover = np.array([FOREST, FOREST, BUILT_UP, LandCover.WATER, 0], dtype=np.uint8)
    shade = shade_by_cover(
        land_cover=cover,
        vegetation_cover=np.array([0.5, 1.0, np.nan, 0.2, 0.5]),
        shade=SHADE.values,
        mean_cover_2=0.75,
        mean_cover_8=0.1,
    )
    np.testing.assert_allclose(shade, [0.85 * 2 / 3, 1.0, np.nan, 0.0, np.nan])


def test_air_above_comfort_counts_where_people_are() -> None:
    heat = air_heat(
        summer_temperature=np.array([25.0, 31.0, np.nan]),
        exposure=np.array([0.9, 0.6, 0.5]),
        comfort_temperature=26.0,
    )
    np.testing.assert_allclose(heat, [0, 3.0, np.nan])


def test_surface_is_compared_with_built_up_and_forest() -> None:
    lst = np.array([30.0, 38.0, 42.0])
    np.testing.assert_allclose(surface_cooling(lst=lst, built_up_lst=40.0), [10, 2, 0])
    heat = surface_heat(lst=lst, exposure=np.array([1.0, 0.5, 1.0]), forest_lst=31.0)
    np.testing.assert_allclose(heat, [0, 3.5, 11])


def test_without_built_up_or_forest_there_is_nothing_to_compare_with() -> None:
    lst = np.array([30.0])
    with pytest.raises(InvalidInput, match="any built-up cell"):
        surface_cooling(lst=lst, built_up_lst=math.nan)
    with pytest.raises(InvalidInput, match="any forest cell"):
        surface_heat(lst=lst, exposure=lst, forest_lst=math.nan)
