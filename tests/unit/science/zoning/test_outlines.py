import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.features import shapes

from shanhai.science.grid import Grid
from shanhai.science.zoning.outlines import Outlines, trace_outlines
from shanhai.science.zoning.polygons import is_coverage


def trace(codes: np.ndarray) -> Outlines:
    height, width = codes.shape
    return trace_outlines(codes.astype(np.uint8), Grid(4548, 500.0, 900.0, 10.0, width, height))


def test_cells_and_their_meeting_points() -> None:
    found = trace(np.array([[1, 1, 1, 1], [2, 2, 3, 0]]))
    assert found.codes.tolist() == [1, 2, 3]
    assert [shapely.get_num_coordinates(one) for one in found.polygons] == [7, 5, 5]
    assert found.polygons[2].bounds == (520, 880, 530, 890)
    assert found.cell_m == 10


def test_patch_around_another_has_a_hole() -> None:
    codes = np.ones((3, 3))
    codes[1, 1] = 4
    found = trace(codes)
    assert found.codes.tolist() == [1, 4]
    assert len(found.polygons[0].interiors) == 1
    assert found.polygons[0].area == 800


def test_cells_that_touch_at_a_corner_are_two_patches() -> None:
    assert len(trace(np.eye(2)).polygons) == 2


def test_patch_that_touches_itself_at_a_corner_is_valid() -> None:
    codes = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]])
    (polygon,) = trace(codes).polygons
    assert polygon.is_valid
    assert len(polygon.interiors) == 1
    assert polygon.area == 700


def test_no_class_has_no_outline() -> None:
    assert len(trace(np.zeros((2, 3))).polygons) == 0


@pytest.mark.parametrize("classes", [2, 3, 6])
@given(seed=st.integers(0, 400))
def test_outlines_are_a_coverage_and_those_of_gdal(classes: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, classes, (9, 12)).astype(np.uint8)
    found = trace(codes)
    assert shapely.is_valid(found.polygons).all()
    assert is_coverage(found.polygons)
    assert shapely.coverage_is_valid(found.polygons)
    transform = Affine(10, 0, 500, 0, -10, 900)
    peers = [
        (int(code), shapely.make_valid(shapely.geometry.shape(outline)).normalize())
        for outline, code in shapes(codes, codes > 0, 4, transform)
    ]
    plain = shapely.simplify(found.polygons, 0)
    ours = [(int(c), p.normalize()) for c, p in zip(found.codes, plain, strict=True)]
    assert len(ours) == len(peers)
    for code in range(1, classes):
        one, other = (
            shapely.union_all([shape for own, shape in side if own == code])
            for side in (ours, peers)
        )
        assert one.symmetric_difference(other).area == 0


@given(seed=st.integers(0, 10**6), side=st.sampled_from([1, 3]), tile=st.integers(1, 9))
def test_tiles_trace_what_the_whole_does(seed: int, side: int, tile: int) -> None:
    random = np.random.default_rng(seed)
    shape = random.integers(1, 24 // side, 2)
    codes = random.integers(0, random.integers(2, 6), shape).astype(np.uint8)
    codes = np.kron(codes, np.ones((side, side), np.uint8))
    whole = trace(codes)
    grid = Grid(4548, 500.0, 900.0, 10.0, codes.shape[1], codes.shape[0])
    found = trace_outlines(lambda window: codes[window.slices], grid, tile=tile)
    assert found.codes.tolist() == whole.codes.tolist()
    assert shapely.to_wkb(found.polygons).tolist() == shapely.to_wkb(whole.polygons).tolist()


def test_a_ring_around_the_corner_of_four_tiles() -> None:
    codes = np.array([[1, 1, 1, 1], [1, 2, 2, 1], [1, 2, 2, 1], [1, 1, 1, 1]], np.uint8)
    found = trace_outlines(codes, Grid(4548, 0.0, 4.0, 1.0, 4, 4), tile=2)
    assert shapely.to_wkt(found.polygons, rounding_precision=0).tolist() == [
        "POLYGON ((0 4, 0 0, 4 0, 4 4, 0 4), (1 1, 1 3, 3 3, 3 1, 1 1))",
        "POLYGON ((1 3, 1 1, 3 1, 3 3, 1 3))",
    ]
