import numpy as np
import pytest
from pyproj import Transformer

from shanhai_tiles import grids
from shanhai_tiles.grids import CGCS2000_QUAD, WEB_MERCATOR, Bounds, FloatArray, TileGrid
from shanhai_tiles.raster.resampling import (
    RasterFrame,
    TilePart,
    footprint,
    index_of,
    part_over,
    sample_grid_over,
)

GAUSS_KRUGER = RasterFrame("EPSG:4548", (100, 0, 560_000, 0, -100, 2_760_000), 700, 650)


def exact(
    grid: TileGrid, bounds: Bounds, size: int, frame: RasterFrame
) -> tuple[FloatArray, FloatArray]:
    """Every pixel's centre through PROJ, none interpolated."""
    west, south, east, north = bounds
    steps = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    to_raster = Transformer.from_crs("EPSG:4490", frame.crs, always_xy=True)
    easting, northing = to_raster.transform(*grid.to_lonlat(x, y))
    a, _, c, _, e, f = frame.transform
    return (easting - c) / a, (northing - f) / e


WIDE = RasterFrame("EPSG:4548", (100, 0, -500_000, 0, -100, 5_000_000), 20_000, 40_000)
GK117 = grids.GAUSS_KRUGER[117]


def cells_of_pixels(grid: TileGrid, bounds: Bounds, size: int, frame: RasterFrame) -> np.ndarray:
    """Column and row of the cell that every pixel shows; -1 beside the raster."""
    part = part_over(grid, bounds, size, frame)
    found = np.full((2, size, size), -1)
    if part is None:
        return found
    net = sample_grid_over(grid, bounds, size, part, frame)
    window = net.window(frame.height, frame.width)
    if window is None:
        return found
    rows, columns = np.broadcast_arrays(*index_of(net, window, framed=True))
    inside = (rows > 0) & (rows <= window.height) & (columns > 0) & (columns <= window.width)
    found[:, *part.slices] = np.where(inside, [columns - 1 + window.col, rows - 1 + window.row], -1)
    return found


@pytest.mark.parametrize("grid", [WEB_MERCATOR, CGCS2000_QUAD, GK117], ids=lambda one: one.id)
@pytest.mark.parametrize("frame", [GAUSS_KRUGER, WIDE], ids=["small", "wide"])
@pytest.mark.parametrize("zoom", [3, 6, 9, 12, 15])
def test_every_pixel_shows_the_cell_proj_says(
    grid: TileGrid, frame: RasterFrame, zoom: int
) -> None:
    tile = grid.tms.tile(118.1, 24.6, zoom)
    bounds = grid.bounds(zoom, tile.x, tile.y)
    columns, rows = exact(grid, bounds, 256, frame)
    pixel = _cells_per_pixel(columns, rows)
    inside = (columns >= 0) & (columns < frame.width) & (rows >= 0) & (rows < frame.height)
    shown = cells_of_pixels(grid, bounds, 256, frame)
    edges = [columns, rows, columns - frame.width, rows - frame.height]
    near_edge = np.nanmin(np.abs(edges), axis=0) < 0.02 * pixel
    assert (((shown[0] >= 0) == inside) | near_edge).all()
    drawn = inside & (shown[0] >= 0)
    for found, true in ((shown[0], columns), (shown[1], rows)):
        off = np.maximum(found[drawn] - true[drawn], true[drawn] - found[drawn] - 1)
        assert off.max(initial=0.0) < 0.02 * pixel
    assert inside.any()


def _cells_per_pixel(columns: FloatArray, rows: FloatArray) -> float:
    return float(np.nanmedian(np.hypot(np.diff(columns, axis=1), np.diff(rows, axis=1))))


def test_a_world_tile_asks_only_where_the_raster_is() -> None:
    part = part_over(WEB_MERCATOR, WEB_MERCATOR.bounds(0, 0, 0), 256, GAUSS_KRUGER)
    assert part is not None
    assert part.height * part.width <= 4
    assert part_over(WEB_MERCATOR, WEB_MERCATOR.bounds(1, 0, 0), 256, GAUSS_KRUGER) is None


@pytest.mark.parametrize("grid", [WEB_MERCATOR, CGCS2000_QUAD, GK117], ids=lambda one: one.id)
def test_a_footprint_holds_the_whole_outline(grid: TileGrid) -> None:
    box = footprint(WIDE, grid)
    assert box is not None
    steps = np.linspace(0, 1, 1001)
    columns = np.concatenate([steps, steps, 0 * steps, 0 * steps + 1])
    rows = np.concatenate([0 * steps, 0 * steps + 1, steps, steps])
    to_degrees = Transformer.from_crs(WIDE.crs, "EPSG:4490", always_xy=True)
    points = WIDE.points(columns * WIDE.width, rows * WIDE.height)
    x, y = grid.from_lonlat(*to_degrees.transform(*points))
    assert box[0] <= x.min()
    assert box[1] <= y.min()
    assert x.max() <= box[2]
    assert y.max() <= box[3]


def test_parallel_grids_need_two_lines_of_positions() -> None:
    frame = RasterFrame("EPSG:3857", (10, 0, 13_000_000, 0, -10, 2_900_000), 5000, 5000)
    tile = WEB_MERCATOR.tms.tile(116.9, 25.1, 12)
    bounds = WEB_MERCATOR.bounds(12, tile.x, tile.y)
    net = sample_grid_over(WEB_MERCATOR, bounds, 256, TilePart(0, 0, 256, 256), frame)
    window = net.window(frame.height, frame.width)
    assert window is not None
    rows, columns = index_of(net, window, framed=False)
    assert rows.shape == (256, 1)
    assert columns.shape == (1, 256)


def test_a_raster_in_degrees_is_placed_without_projection() -> None:
    frame = RasterFrame("EPSG:4490", (0.01, 0, 118, 0, -0.01, 25), 100, 100)
    column, row = frame.locate(np.array([118.255]), np.array([24.755]))
    assert column[0] == pytest.approx(25.5)
    assert row[0] == pytest.approx(24.5)
    assert frame.lonlat_bounds == pytest.approx((118, 24, 119, 25))
