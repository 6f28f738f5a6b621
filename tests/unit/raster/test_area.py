"""Areas of cells against Karney's geodesics, as pyproj has them."""

import numpy as np
import pytest
from pyproj import Geod, Transformer

from shanhai.raster.cells import true_cell_areas_m2
from shanhai.raster.geotiff import Transform
from shanhai.science.grid import Window

ELLIPSOID = Geod(a=6_378_137.0, rf=298.257222101)


def geodesic_area(crs: str, transform: Transform, row: int, col: int, steps: int = 20) -> float:
    """The area of one cell, its edges in small pieces."""
    a, _, west, _, e, north = transform
    along = np.linspace(0, 1, steps, endpoint=False)
    ones = np.ones(steps)
    columns = col + np.concatenate([along, ones, 1 - along, 0 * ones])
    rows = row + np.concatenate([0 * ones, along, ones, 1 - along])
    change = Transformer.from_crs(crs, "EPSG:4490", always_xy=True)
    lon, lat = change.transform(west + columns * a, north + rows * e)
    return abs(ELLIPSOID.polygon_area_perimeter(lon, lat)[0])


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4548", (30.0, 0.0, 500_000.0, 0.0, -30.0, 2_760_000.0)),
        ("EPSG:4548", (1000.0, 0.0, 650_000.0, 0.0, -1000.0, 2_760_000.0)),
        ("EPSG:3857", (38.0, 0.0, 13_100_000.0, 0.0, -38.0, 2_830_000.0)),
        ("EPSG:4490", (0.01, 0.0, 117.9, 0.0, -0.01, 24.9)),
        ("EPSG:4326", (0.5, 0.0, 100.0, 0.0, -0.5, 60.0)),
    ],
)
def test_cells_have_their_true_area(crs: str, transform: Transform) -> None:
    areas = true_cell_areas_m2(crs, transform, Window(0, 0, 60, 70))
    assert areas.shape == (60, 70)
    for row, col in ((0, 0), (31, 47), (59, 69)):
        expected = geodesic_area(crs, transform, row, col)
        assert areas[row, col] == pytest.approx(expected, rel=3e-6)


def test_a_cell_has_the_same_area_in_any_window() -> None:
    transform = (500.0, 0.0, 600_000.0, 0.0, -500.0, 2_760_000.0)
    wide = true_cell_areas_m2("EPSG:4548", transform, Window(0, 0, 300, 400))
    part = true_cell_areas_m2("EPSG:4548", transform, Window(123, 250, 1, 3))
    np.testing.assert_allclose(part, wide[123:124, 250:253], rtol=1e-6)


def test_a_map_of_the_world_shows_every_cell_too_large_by_its_latitude() -> None:
    transform = (38.0, 0.0, 13_100_000.0, 0.0, -38.0, 2_830_000.0)
    area = true_cell_areas_m2("EPSG:3857", transform, Window(0, 0, 1, 1))[0, 0]
    # cos² of 24.61° N is 0.8266; the ellipsoid is 0.5 % flatter there.
    assert area / 38.0**2 == pytest.approx(0.8266, rel=0.008)
