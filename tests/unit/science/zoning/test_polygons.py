import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.grid import Grid
from shanhai.science.zoning.outlines import Outlines, trace_outlines
from shanhai.science.zoning.polygons import MAX_AREA_CHANGE, clean_coverage

CELL_M = 30.0


def outlines(codes: np.ndarray) -> Outlines:
    height, width = codes.shape
    return trace_outlines(codes, Grid(4548, 617_040, 2_719_950, CELL_M, width, height))


def scene(seed: int, size: int = 40, smoothing: float = 3) -> np.ndarray:
    noise = ndimage.gaussian_filter(
        np.random.default_rng(seed).normal(size=(size, size)), smoothing
    )
    codes = np.digitize(noise / noise.std(), [-0.6, 0.6]) + 1
    codes[:4, : size // 2] = 0
    return np.asarray(codes).astype(np.uint8)


def test_result_is_a_coverage() -> None:
    raster = scene(1)
    raster[20:, 20:] = 4
    coverage = clean_coverage(outlines(raster))
    assert shapely.coverage_is_valid([patch.polygon for patch in coverage.patches])
    assert shapely.coverage_is_valid(list(coverage.zones.values()))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), smoothing=st.sampled_from([0.0, 0.6, 2.0]))
def test_no_gap_no_overlap_and_little_change(seed: int, smoothing: float) -> None:
    raster = scene(seed, size=24, smoothing=smoothing)
    coverage = clean_coverage(outlines(raster))
    zones = list(coverage.zones.values())
    assert all(zone.is_valid and zone.geom_type == "MultiPolygon" for zone in zones)
    valid_area = (raster > 0).sum() * CELL_M**2
    assert sum(zone.area for zone in zones) == pytest.approx(valid_area, rel=1e-9)
    assert shapely.union_all(zones).area == pytest.approx(valid_area, rel=1e-9)
    for code, zone in coverage.zones.items():
        raster_area = (raster == code).sum() * CELL_M**2
        change = abs(zone.area - raster_area) / raster_area
        assert change <= MAX_AREA_CHANGE + 1e-9
        assert change == pytest.approx(coverage.area_change[code], abs=1e-9)


def test_outlines_become_simpler() -> None:
    raw = outlines(scene(1, size=160, smoothing=8))
    coverage = clean_coverage(raw)
    before = shapely.get_num_coordinates(raw.polygons).sum()
    after = shapely.get_num_coordinates([patch.polygon for patch in coverage.patches]).sum()
    assert coverage.tolerance_m == CELL_M
    assert after < 0.9 * before


def test_tolerance_shrinks_until_areas_hold() -> None:
    raster = np.full((30, 30), 1, dtype=np.uint8)
    raster[10:13, 10:13] = 2
    raster[13, 11] = 2
    coverage = clean_coverage(outlines(raster))
    assert coverage.tolerance_m < CELL_M
    assert coverage.area_change[2] <= MAX_AREA_CHANGE


def test_straight_edges_keep_no_vertex_but_the_meeting_points() -> None:
    raster = np.array([[1, 1, 1, 1], [2, 2, 3, 3]], dtype=np.uint8)
    coverage = clean_coverage(outlines(raster))
    assert shapely.get_num_coordinates(list(coverage.zones.values())).tolist() == [6, 5, 5]


def test_outer_border_is_not_simplified() -> None:
    raster = scene(2)
    coverage = clean_coverage(outlines(raster))
    merged = shapely.union_all(outlines(raster).polygons)
    assert shapely.union_all(list(coverage.zones.values())).symmetric_difference(
        merged
    ).area == pytest.approx(0, abs=1e-6)


def test_patches_keep_their_order_and_codes() -> None:
    raw = outlines(scene(3))
    coverage, codes = clean_coverage(raw), raw.codes.tolist()
    assert [patch.code for patch in coverage.patches] == codes
    parts = {code: len(zone.geoms) for code, zone in coverage.zones.items()}
    assert parts == {code: codes.count(code) for code in set(codes)}


def test_islands_stay_apart() -> None:
    raster = np.array([[1, 1, 0, 0, 2], [1, 1, 0, 0, 2]], dtype=np.uint8)
    coverage = clean_coverage(outlines(raster))
    assert {code: zone.area / CELL_M**2 for code, zone in coverage.zones.items()} == {1: 4, 2: 2}


def test_same_input_gives_the_same_bytes() -> None:
    first, second = (clean_coverage(outlines(scene(5))) for _ in range(2))
    assert {c: z.wkb for c, z in first.zones.items()} == {c: z.wkb for c, z in second.zones.items()}


def test_no_polygon_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no zone"):
        clean_coverage(outlines(np.zeros((2, 2), dtype=np.uint8)))
