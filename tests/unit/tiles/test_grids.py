import numpy as np
import pytest
from pyproj import Transformer

from shanhai.errors import NotFound
from shanhai_tiles.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR, grid_named


def test_cgcs2000_quad_is_the_national_grid_one_level_down():
    document = CGCS2000_QUAD.document()
    assert document["crs"] == "http://www.opengis.net/def/crs/EPSG/0/4490"
    top = document["tileMatrices"][0]
    assert (top["matrixWidth"], top["matrixHeight"]) == (2, 1)
    assert top["pointOfOrigin"] == [90, -180]
    assert top["cellSize"] == 0.703125
    assert top["scaleDenominator"] == pytest.approx(279541132.0143589, rel=1e-12)
    level_18_of_the_national_service = document["tileMatrices"][17]
    assert level_18_of_the_national_service["matrixWidth"] == 262144


def test_bounds_are_x_before_y_whatever_the_axes_of_the_crs():
    assert CGCS2000_QUAD.bounds(0, 1, 0) == (0, -90, 180, 90)
    assert CGCS2000_QUAD.bounds(1, 3, 0) == (90, 0, 180, 90)


@pytest.mark.parametrize(
    ("zoom", "column", "row"), [(-1, 0, 0), (0, 2, 0), (0, 0, 1), (0, -1, 0), (99, 0, 0)]
)
def test_tiles_outside_the_matrix_are_not_found(zoom: int, column: int, row: int):
    with pytest.raises(NotFound, match="outside CGCS2000Quad"):
        CGCS2000_QUAD.bounds(zoom, column, row)


def test_mercator_degrees():
    lon, lat = WEB_MERCATOR.to_lonlat(np.array([13140000.0]), np.array([2810000.0]))
    expected = Transformer.from_crs(3857, 4326, always_xy=True).transform(13140000.0, 2810000.0)
    assert (lon[0], lat[0]) == pytest.approx(expected, abs=1e-9)
    assert WEB_MERCATOR.lonlat_bounds(WEB_MERCATOR.bounds(0, 0, 0)) == pytest.approx(
        (-180, -85.0511, 180, 85.0511), abs=1e-4
    )


def test_an_unknown_grid_names_those_there_are():
    with pytest.raises(NotFound, match=", ".join(GRIDS)):
        grid_named("EPSG3857")
