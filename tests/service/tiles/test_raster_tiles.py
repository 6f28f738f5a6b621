"""Pixels against the cells they show, in every grid."""

import io

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from pyproj import Transformer

from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.grids import GAUSS_KRUGER, GRIDS, WORLD_GRIDS, TileGrid

# The world the fixtures seed, described once more on purpose: conftest is no importable module.
WEST, NORTH, CELL_M, SHAPE = 600_000.0, 2_720_000.0, 100.0, (120, 160)
MIDDLE = (118.065, 24.526)
COLORS = {zone.value: zone.color for zone in ZONE_CLASSES}


def expected_classes() -> NDArray[np.uint8]:
    cells = np.zeros(SHAPE, dtype=np.uint8)
    cells[10:-10] = 1 + np.arange(SHAPE[1], dtype=np.uint8) // 32
    cells[:, :5] = 0
    return cells


def path_at(grid: TileGrid, zoom: int, lon: float, lat: float) -> str:
    tile = grid.tms.tile(lon, lat, zoom)
    return f"{grid.id}/{zoom}/{tile.x}/{tile.y}"


def cells_under(
    grid: TileGrid, zoom: int, lon: float, lat: float, size: int = 256
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Fractional columns and rows of every pixel's centre, through PROJ alone."""
    tile = grid.tms.tile(lon, lat, zoom)
    west, south, east, north = grid.bounds(zoom, tile.x, tile.y)
    steps = (np.arange(size) + 0.5) / size
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    to_metres = Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    easting, northing = to_metres.transform(*grid.to_lonlat(x, y))
    return (easting - WEST) / CELL_M, (NORTH - northing) / CELL_M


def pixels_of(answer: httpx.Response) -> NDArray[np.uint8]:
    assert answer.status_code == 200, answer.text
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


@pytest.mark.parametrize("grid", [*WORLD_GRIDS, GAUSS_KRUGER[117]], ids=lambda grid: grid.id)
@pytest.mark.parametrize(("zoom", "scale"), [(10, ""), (13, ""), (12, "@2x")])
async def test_every_pixel_has_the_colour_of_its_cell(
    client: httpx.AsyncClient, grid: TileGrid, zoom: int, scale: str
) -> None:
    zoom = grid.level_like(zoom)
    path = path_at(grid, zoom, *MIDDLE)
    pixels = pixels_of(await client.get(f"/layers/zones.xiamen/tiles/{path}{scale}.png"))
    columns, rows = cells_under(grid, zoom, *MIDDLE, size=pixels.shape[0])
    classes = expected_classes()
    coarse = zoom < 11
    seen = 0
    for value, color in COLORS.items():
        drawn = (pixels[..., :3] == tuple(bytes.fromhex(color[1:]))).all(-1) & (pixels[..., 3] > 0)
        inside = _is_class(classes, columns, rows, value, margin=1.5 if coarse else 0.02)
        beside = _is_class(classes, columns, rows, value, margin=-1.5 if coarse else -0.02)
        seen += int(inside.sum())
        assert drawn[inside].all()
        assert not drawn[~beside].any()
    assert seen > 5000 / 4 ** (13 - zoom)


def _is_class(
    classes: NDArray[np.uint8],
    columns: NDArray[np.float64],
    rows: NDArray[np.float64],
    value: int,
    margin: float,
) -> NDArray[np.bool_]:
    """Pixels further than `margin` cells inside the class; negative: or that close to it."""
    where = np.argwhere(classes == value)
    (top, left), (bottom, right) = where.min(0), where.max(0) + 1
    inside: NDArray[np.bool_] = (
        (columns > left + margin)
        & (columns < right - margin)
        & (rows > top + margin)
        & (rows < bottom - margin)
    )
    return inside


async def test_outside_the_data_a_tile_is_transparent(client: httpx.AsyncClient) -> None:
    path = path_at(GRIDS["CGCS2000Quad"], 9, 106.5, 29.5)
    answer = await client.get(f"/layers/zones.xiamen/tiles/{path}.png")
    assert not pixels_of(answer)[..., 3].any()


@pytest.mark.parametrize("path", ["WebMercatorQuad/0/0/0", "CGCS2000Quad/0/1/0"])
async def test_world_tiles_are_drawn(client: httpx.AsyncClient, path: str) -> None:
    pixels = pixels_of(await client.get(f"/layers/ratio.xiamen/tiles/{path}.png"))
    assert pixels.shape == (256, 256, 4)


async def test_values_come_as_numpy(client: httpx.AsyncClient) -> None:
    grid = GRIDS["CGCS2000Quad"]
    path = path_at(grid, 12, *MIDDLE)
    answer = await client.get(f"/layers/ratio.xiamen/tiles/{path}.npy")
    values = np.load(io.BytesIO(answer.content))
    columns, rows = cells_under(grid, 12, *MIDDLE)
    inside = (columns >= 0) & (columns < 160) & (rows >= 0) & (rows < 99.9)
    expected = np.linspace(-1, 1, 160)[columns[inside].astype(int)]
    assert inside.sum() > 10_000
    assert np.mean(np.isclose(values[inside], expected, atol=1e-6)) > 0.999
    assert np.isnan(values[(rows > 100.1) & (rows < 120)]).all()


async def test_formats_carry_their_media_types(client: httpx.AsyncClient) -> None:
    path = path_at(GRIDS["WebMercatorQuad"], 11, *MIDDLE)
    for suffix, media_type in {"png": "png", "webp": "webp", "jpg": "jpeg"}.items():
        answer = await client.get(f"/layers/zones.xiamen/tiles/{path}.{suffix}")
        assert answer.headers["content-type"] == f"image/{media_type}"
        assert pixels_of(answer).shape == (256, 256, 4)


async def test_rescale_changes_colours_and_entity_tag(client: httpx.AsyncClient) -> None:
    path = f"/layers/ratio.xiamen/tiles/{path_at(GRIDS['WebMercatorQuad'], 11, *MIDDLE)}.png"
    usual, rescaled = await client.get(path), await client.get(path, params={"rescale": "0,0.1"})
    assert usual.headers["etag"] != rescaled.headers["etag"]
    assert (pixels_of(usual) != pixels_of(rescaled)).any()


async def test_one_jobs_layer_is_the_newest_of_its_region(client: httpx.AsyncClient) -> None:
    job = "11111111-2222-4333-8444-555555555555"
    path = path_at(GRIDS["WebMercatorQuad"], 11, *MIDDLE)
    first = await client.get(f"/layers/zones.xiamen/tiles/{path}.png")
    second = await client.get(f"/layers/zones.{job}/tiles/{path}.png")
    assert first.content == second.content


async def test_a_point_has_the_value_of_its_pixel(client: httpx.AsyncClient) -> None:
    lon, lat = MIDDLE
    answer = (
        await client.get("/layers/zones.xiamen/point", params={"lon": lon, "lat": lat})
    ).json()
    to_metres = Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    easting, northing = to_metres.transform(lon, lat)
    row, column = int((NORTH - northing) // CELL_M), int((easting - WEST) // CELL_M)
    assert answer["value"] == expected_classes()[row, column]
    zone = ZONE_CLASSES[int(answer["value"]) - 1]
    assert answer["class"]["label_zh"] == zone.label.zh
    assert answer["class"]["code"] == zone.code
    assert answer["stand_in"] is True
    assert answer["stand_in_notes"][0]["dataset"] == "dem.itu"


async def test_a_point_outside_has_no_value(client: httpx.AsyncClient) -> None:
    answer = await client.get("/layers/ratio.xiamen/point", params={"lon": 0, "lat": 0})
    assert answer.json()["value"] is None
    assert answer.json()["class"] is None


async def test_a_damaged_file_is_a_clear_error_of_that_layer_alone(
    client: httpx.AsyncClient,
) -> None:
    path = path_at(GRIDS["WebMercatorQuad"], 11, *MIDDLE)
    answer = await client.get(f"/layers/dataset.npp.truncated/tiles/{path}.png")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["type"] == "urn:problem-type:shanhai:layer-unreadable"
    assert (await client.get(f"/layers/zones.xiamen/tiles/{path}.png")).status_code == 200
    assert (await client.get("/layers")).status_code == 200


KNOWN = [(column, row) for column in (7, 31, 32, 64, 100, 158) for row in (12, 60, 99, 108)]
"""Cells of the test rasters, some beside a border of classes or at the edge of what is known."""


@pytest.mark.parametrize("grid", [*WORLD_GRIDS, GAUSS_KRUGER[117]], ids=lambda grid: grid.id)
@pytest.mark.parametrize("layer", ["zones.xiamen", "ratio.xiamen"])
async def test_pixel_point_and_raster_agree(
    client: httpx.AsyncClient, grid: TileGrid, layer: str
) -> None:
    cells = np.where(expected_classes() == 0, np.nan, expected_classes().astype(float))
    if layer.startswith("ratio"):
        cells = np.tile(np.linspace(-1, 1, SHAPE[1]), (SHAPE[0], 1)).astype(np.float32)
        cells[100:] = np.nan
    zoom = grid.level_like(14)
    to_degrees = Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
    for column, row in KNOWN:
        x, y = WEST + (column + 0.5) * CELL_M, NORTH - (row + 0.5) * CELL_M
        lon, lat = to_degrees.transform(x, y)
        tile = grid.tms.tile(lon, lat, zoom)
        path = f"/layers/{layer}/tiles/{grid.id}/{zoom}/{tile.x}/{tile.y}.npy"
        values = np.load(io.BytesIO((await client.get(path)).content))
        west, _, _, north = grid.bounds(zoom, tile.x, tile.y)
        gx, gy = grid.from_lonlat(np.array([lon]), np.array([lat]))
        cell = grid.cell_at(zoom)
        pixel = values[int((north - gy[0]) / cell), int((gx[0] - west) / cell)]
        told = await client.get(f"/layers/{layer}/point", params={"lon": lon, "lat": lat})
        value = told.json()["value"]
        # The middle of a cell of 100 m is five pixels from its edge.
        assert np.array_equal(pixel, np.float32(cells[row, column]), equal_nan=True)
        assert np.array_equal(np.float32(np.nan if value is None else value), pixel, equal_nan=True)
