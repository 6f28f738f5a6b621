import numpy as np
import pytest
from pyproj import Transformer

from shanhai_tiles.grids import CGCS2000_QUAD, WEB_MERCATOR, Bounds, TileGrid
from shanhai_tiles.sampling import Frame, tile_positions

GAUSS_KRUGER = Frame("EPSG:4548", (100, 0, 560_000, 0, -100, 2_760_000), 700, 650)


def exact(grid: TileGrid, bounds: Bounds, size: int, frame: Frame):
    """Every pixel's centre through PROJ, none interpolated."""
    west, south, east, north = bounds
    steps = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    to_raster = Transformer.from_crs("EPSG:4490", frame.crs, always_xy=True)
    easting, northing = to_raster.transform(*grid.to_lonlat(x, y))
    a, _, c, _, e, f = frame.transform
    return (easting - c) / a, (northing - f) / e


@pytest.mark.parametrize("grid", [WEB_MERCATOR, CGCS2000_QUAD])
@pytest.mark.parametrize("zoom", [6, 9, 12])
def test_interpolated_positions_are_within_a_hundredth_of_a_pixel(grid: TileGrid, zoom: int):
    lon, lat = 118.1, 24.6
    tile = grid.tms.tile(lon, lat, zoom)
    bounds = grid.bounds(zoom, tile.x, tile.y)
    columns, rows = tile_positions(grid, bounds, 256, GAUSS_KRUGER)
    true_columns, true_rows = exact(grid, bounds, 256, GAUSS_KRUGER)
    cells_per_pixel = np.hypot(
        true_columns[128, 129] - true_columns[128, 128], true_rows[128, 129] - true_rows[128, 128]
    )
    assert np.abs(columns - true_columns).max() / cells_per_pixel < 0.01
    assert np.abs(rows - true_rows).max() / cells_per_pixel < 0.01


def test_world_tiles_are_projected_point_by_point():
    bounds = WEB_MERCATOR.bounds(0, 0, 0)
    columns, _ = tile_positions(WEB_MERCATOR, bounds, 64, GAUSS_KRUGER)
    true_columns, _ = exact(WEB_MERCATOR, bounds, 64, GAUSS_KRUGER)
    projected = np.isfinite(true_columns)
    np.testing.assert_allclose(columns[projected], true_columns[projected])
    assert np.isnan(columns[~projected]).all()


def test_a_raster_in_degrees_is_placed_without_projection():
    frame = Frame("EPSG:4490", (0.01, 0, 118, 0, -0.01, 25), 100, 100)
    column, row = frame.locate(np.array([118.255]), np.array([24.755]))
    assert column[0] == pytest.approx(25.5)
    assert row[0] == pytest.approx(24.5)
    assert frame.lonlat_bounds == pytest.approx((118, 24, 119, 25))
