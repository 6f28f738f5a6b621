import struct
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling

from shanhai.errors import InvalidInput
from shanhai.raster.geotiff import write_geotiff
from shanhai_tiles.errors import LayerUnreadable
from shanhai_tiles.grids import CGCS2000_QUAD, Bounds
from shanhai_tiles.raster.dataset_pool import DatasetPool
from shanhai_tiles.raster.reader import RasterTile, read_point, read_tile

CELL = 180 / 256 / 2**8
"""Degrees of a pixel at zoom 8, so that pixels and cells of the test rasters coincide."""


def tile_at(lon: float, lat: float, zoom: int) -> Bounds:
    tile = CGCS2000_QUAD.tms.tile(lon, lat, zoom)
    return CGCS2000_QUAD.bounds(zoom, tile.x, tile.y)


def draw(rasters: DatasetPool, path: Path, bounds: Bounds, size: int = 256) -> np.ndarray:
    """Values of a tile, NaN where there is none."""
    tile = RasterTile(CGCS2000_QUAD, bounds, size)
    return read_tile(rasters, path, tile).filled(np.nan, "float64")


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


def test_every_pixel_shows_its_own_cell(rasters: DatasetPool, aligned: Path) -> None:
    values = draw(rasters, aligned, tile_at(118.1, 24.6, 8))
    row, column = np.mgrid[:256, :256]
    np.testing.assert_array_equal(values, 1000 * row + column)


def test_double_size_repeats_cells(rasters: DatasetPool, aligned: Path) -> None:
    values = draw(rasters, aligned, tile_at(118.1, 24.6, 8), 512)
    row, column = np.mgrid[:512, :512] // 2
    np.testing.assert_array_equal(values, 1000 * row + column)


def test_coarser_tiles_read_the_overview_and_leave_the_rest_empty(
    rasters: DatasetPool, aligned: Path
) -> None:
    west, south, east, north = tile_at(118.1, 24.6, 8)
    wide = (west, north - 8 * (north - south), west + 8 * (east - west), north)
    values = draw(rasters, aligned, wide)
    assert np.isnan(values[64:]).all()
    assert np.isnan(values[:, 64:]).all()
    expected = np.mgrid[:64, :64] * 8
    inside = values[:64, :64]
    assert np.abs(inside % 1000 - expected[1]).max() < 8
    assert np.abs(inside // 1000 - expected[0]).max() < 8


def test_a_tile_across_the_edge_shows_the_cells_on_this_side(
    rasters: DatasetPool, aligned: Path
) -> None:
    west, south, east, north = tile_at(118.1, 24.6, 8)
    half = (east - west) / 2
    values = draw(rasters, aligned, (west - half, south + half, east - half, north + half))
    row, column = np.mgrid[:128, :128]
    np.testing.assert_array_equal(values[128:, 128:], 1000 * row + column)
    assert np.isnan(values[:128]).all()
    assert np.isnan(values[:, :128]).all()


def test_a_tile_beside_the_raster_is_empty(rasters: DatasetPool, aligned: Path) -> None:
    assert np.isnan(draw(rasters, aligned, tile_at(100.0, 30.0, 8))).all()


def test_points(rasters: DatasetPool, aligned: Path) -> None:
    west, _, _, north = tile_at(118.1, 24.6, 8)
    assert read_point(rasters, aligned, 1, west + 7.5 * CELL, north - 3.5 * CELL) == 3007
    assert read_point(rasters, aligned, 1, west - CELL, north - CELL) is None


def test_a_band_that_does_not_exist_is_refused(rasters: DatasetPool, aligned: Path) -> None:
    with pytest.raises(InvalidInput, match="band is 2; this layer has bands 1 to 1"):
        read_point(rasters, aligned, 2, 118.0, 24.0)
    assert len(rasters) == 1


@pytest.mark.parametrize("nodata", ["none", "999"])
def test_without_a_nodata_value_that_cells_can_have_all_are_known(
    rasters: DatasetPool, tmp_path: Path, nodata: str
) -> None:
    path, transform = tmp_path / "a.tif", (CELL, 0.0, 118.0, 0.0, -CELL, 25.0)
    cells = np.arange(16, dtype=np.uint8).reshape(4, 4)
    write_geotiff(
        path, cells, transform=transform, crs="EPSG:4490", nodata=None if nodata == "none" else 255
    )
    # No library writes such a value: the three digits of the tag are replaced in the file.
    tag = struct.pack("<HHI", 42113, 2, 4)
    path.write_bytes(path.read_bytes().replace(tag + b"255", tag + b"999"))
    with rasters.open(path) as raster:
        assert raster.nodata(1) is None
    bounds = (118.0 - CELL, 25 - 4 * CELL, 118.0 + 4 * CELL, 25 + CELL)
    values = draw(rasters, path, bounds, 5)
    assert np.isnan(values[0]).all()
    assert np.isnan(values[:, 0]).all()
    assert values[1:, 1:].ravel().tolist() == list(range(16))


@pytest.mark.parametrize("content", [b"", b"II*\x00", b"<VRTDataset/>", b"not a raster at all"])
def test_what_is_no_geotiff_is_unreadable(
    rasters: DatasetPool, tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "layer.tif"
    path.write_bytes(content)
    with pytest.raises(LayerUnreadable):
        read_point(rasters, path, 1, 118.0, 24.0)
