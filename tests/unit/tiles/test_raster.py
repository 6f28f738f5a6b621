from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from shanhai.errors import InvalidInput
from shanhai.raster.geotiff import write_geotiff
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.grids import CGCS2000_QUAD
from shanhai_tiles.raster import read_point, read_tile

CELL = 180 / 256 / 2**8
"""Degrees of a pixel at zoom 8, so that pixels and cells of the test rasters coincide."""


def tile_at(lon: float, lat: float, zoom: int):
    tile = CGCS2000_QUAD.tms.tile(lon, lat, zoom)
    return CGCS2000_QUAD.bounds(zoom, tile.x, tile.y)


@pytest.fixture
def aligned(tmp_path: Path) -> Path:
    """512 x 512 cells whose value is 1000 * row + column, on the pixels of zoom 8."""
    west, _, _, north = tile_at(118.1, 24.6, 8)
    row, column = np.mgrid[:512, :512].astype(float)
    path = tmp_path / "aligned.tif"
    transform = (CELL, 0.0, west, 0.0, -CELL, north)
    write_geotiff(path, 1000 * row + column, transform=transform, crs="EPSG:4490")
    with rasterio.open(path, "r+") as file:
        file.build_overviews([2, 4, 8], Resampling.nearest)
    return path


def test_every_pixel_shows_its_own_cell(aligned: Path):
    cells = read_tile(aligned, 1, CGCS2000_QUAD, tile_at(118.1, 24.6, 8), 256)
    row, column = np.mgrid[:256, :256]
    assert cells.valid.all()
    np.testing.assert_array_equal(cells.values, 1000 * row + column)


def test_double_size_repeats_cells(aligned: Path):
    cells = read_tile(aligned, 1, CGCS2000_QUAD, tile_at(118.1, 24.6, 8), 512)
    np.testing.assert_array_equal(cells.values[::2, ::2], cells.values[1::2, 1::2])


def test_coarser_tiles_read_the_overview_and_leave_the_rest_empty(aligned: Path):
    west, south, east, north = tile_at(118.1, 24.6, 8)
    wide = (west, north - 8 * (north - south), west + 8 * (east - west), north)
    cells = read_tile(aligned, 1, CGCS2000_QUAD, wide, 256)
    assert cells.valid[:64, :64].all()
    assert not cells.valid[64:].any()
    assert not cells.valid[:, 64:].any()
    inside = cells.values[:64, :64]
    expected = np.mgrid[:64, :64] * 8
    assert np.abs(inside % 1000 - expected[1]).max() < 8
    assert np.abs(inside // 1000 - expected[0]).max() < 8


def test_a_tile_beside_the_raster_is_empty(aligned: Path):
    assert read_tile(aligned, 1, CGCS2000_QUAD, tile_at(100.0, 30.0, 8), 256).empty


def test_points(aligned: Path):
    west, _, _, north = tile_at(118.1, 24.6, 8)
    assert read_point(aligned, 1, west + 7.5 * CELL, north - 3.5 * CELL) == 3007
    assert read_point(aligned, 1, west - CELL, north - CELL) is None


def test_a_band_that_does_not_exist_is_refused(aligned: Path):
    with pytest.raises(InvalidInput, match="band is 2; this layer has bands 1 to 1"):
        read_point(aligned, 2, 118.0, 24.0)


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"<VRTDataset/>", b"not a raster at all"])
def test_what_is_no_geotiff_is_unreadable(tmp_path: Path, content: bytes):
    path = tmp_path / "layer.tif"
    path.write_bytes(content)
    with pytest.raises(LayerUnreadable):
        read_point(path, 1, 118.0, 24.0)
