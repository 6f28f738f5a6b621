import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from rasterio import Affine
from rasterio.features import shapes

from shanhai.science.grid import Grid
from shanhai.science.zoning.polygons import Outlines, is_coverage, trace_outlines


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
