"""Other people's programs draw the zones where they are, in each grid.

The examples of the documentation are run as they are printed there.
"""

import io
import json
import os
import shlex
import subprocess
from pathlib import Path
from shutil import which
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from owslib.wmts import WebMapTileService
from PIL import Image
from pyproj import Transformer

from shanhai_tiles.grids import GRIDS
from shanhai_tiles.wmts.requests import MATRIX_SETS
from tests.service.tiles.placing import (
    assert_in_place,
    assert_shown,
    class_of_pixels,
    classes_at,
    expected_colors,
    places,
    told_class,
)
from tests.service.tiles.snippets import example, examples

SETS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "CGCS2000GK117", "c", "w")
PRINTED_SET = "tilematrixset=CGCS2000GK117"
QGIS_PYTHON = os.environ.get("SHANHAI_TEST_QGIS", "/usr/bin/python3")
"""The Python that QGIS is installed for, which is the system's."""

needs_gdal = pytest.mark.skipif(
    which("gdal_translate") is None, reason="GDAL's programs are not installed"
)


def run_gdal(command: str, folder: Path) -> None:
    """Run a printed command in a folder."""
    words = shlex.split(command.replace("\\\n", " "))
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def assert_drawn_in_place(picture: Path) -> None:
    """The classes lie in a georeferenced picture where the cells are."""
    with rasterio.open(picture) as file:
        pixels = np.moveaxis(file.read(), 0, -1)
        columns, rows = np.meshgrid(np.arange(file.width) + 0.5, np.arange(file.height) + 0.5)
        a, b, c, d, e, f = tuple(file.transform)[:6]
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        to_degrees = Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(x, y)
    assert_in_place(class_of_pixels(pixels), lon, lat)


@needs_gdal
@pytest.mark.parametrize("name", SETS)
def test_gdal_reads_wmts(address: str, tmp_path: Path, name: str) -> None:
    through_wmts, _ = examples("GDAL", "sh", address)
    assert PRINTED_SET in through_wmts
    run_gdal(through_wmts.replace(PRINTED_SET, f"tilematrixset={name}"), tmp_path)
    assert_drawn_in_place(tmp_path / "drawn.tif")


@needs_gdal
def test_gdal_reads_tiles_by_their_address(address: str, tmp_path: Path) -> None:
    _, by_address = examples("GDAL", "sh", address)
    (tmp_path / "zones.xml").write_text(example("GDAL", "xml", address))
    run_gdal(by_address, tmp_path)
    assert_drawn_in_place(tmp_path / "drawn.tif")


@needs_gdal
@pytest.mark.parametrize("name", ["CGCS2000Quad", "CGCS2000GK117"])
def test_gdal_reads_other_grids_by_their_address(address: str, tmp_path: Path, name: str) -> None:
    grid = GRIDS[name]
    west, north = grid.origin
    level = grid.level_like(13)
    columns, rows = grid.size
    east = west + columns * grid.cell * 256
    south = north - rows * grid.cell * 256
    tiles = f"{address}/layers/zones.xiamen/tiles/{name}/${{z}}/${{x}}/${{y}}.png"
    (tmp_path / "zones.xml").write_text(
        f"""<GDAL_WMS>
          <Service name="TMS"><ServerUrl>{tiles}</ServerUrl></Service>
          <DataWindow>
            <UpperLeftX>{west}</UpperLeftX><UpperLeftY>{north}</UpperLeftY>
            <LowerRightX>{east}</LowerRightX><LowerRightY>{south}</LowerRightY>
            <TileLevel>{level}</TileLevel><TileCountX>{columns}</TileCountX>
            <TileCountY>{rows}</TileCountY><YOrigin>top</YOrigin>
          </DataWindow>
          <Projection>EPSG:{grid.srid}</Projection>
          <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><BandsCount>4</BandsCount>
          <ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>
        </GDAL_WMS>"""
    )
    run_gdal(examples("GDAL", "sh", address)[1], tmp_path)
    assert_drawn_in_place(tmp_path / "drawn.tif")


@pytest.mark.parametrize("name", SETS)
def test_owslib_reads_wmts(address: str, name: str) -> None:
    service = WebMapTileService(f"{address}/wmts/1.0.0/WMTSCapabilities.xml")
    layer = service.contents["zones.xiamen"]
    assert name in layer.tilematrixsetlinks
    matrix_set = MATRIX_SETS[name]
    for lon, lat in places():
        tile, pixel, zoom = tile_of(matrix_set.grid, lon, lat)
        level = service.tilematrixsets[name].tilematrix[str(zoom + matrix_set.shift)]
        assert tile[0] < level.matrixwidth
        picture = service.gettile(
            layer="zones.xiamen",
            tilematrixset=name,
            tilematrix=level.identifier,
            row=tile[1],
            column=tile[0],
            format="image/png",
        ).read()
        drawn = class_of_pixels(pixels_of(picture))[pixel[1], pixel[0]]
        assert drawn == told_class(address, lon, lat) == classes_at(np.array(lon), np.array(lat))


def test_owslib_as_it_is_printed(address: str) -> None:
    known: dict[str, Any] = {}
    exec(example("OWSLib", "python", address), known)  # noqa: S102 - our own page
    grid = MATRIX_SETS["c"].grid
    west, south, east, north = grid.bounds(12, 6781, 1489)
    step = (east - west) / 256
    lon, lat = np.meshgrid(west + step * (np.arange(256) + 0.5), north - step * np.arange(0.5, 256))
    assert south == pytest.approx(north - 256 * step)
    drawn = class_of_pixels(pixels_of(known["tile"].read()))
    assert_in_place(drawn, lon, lat, frozenset({1, 2}))


def pixels_of(picture: bytes) -> NDArray[np.uint8]:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))


def tile_of(grid: Any, lon: float, lat: float) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Column and row of the tile at a point, of the pixel in it, and the level."""
    zoom = grid.level_like(13)
    tile = grid.tms.tile(lon, lat, zoom)
    west, _, _, north = grid.bounds(zoom, tile.x, tile.y)
    x, y = grid.from_lonlat(np.array([lon]), np.array([lat]))
    cell = grid.cell_at(zoom)
    return (tile.x, tile.y), (int((x[0] - west) / cell), int((north - y[0]) / cell)), zoom


@pytest.mark.parametrize("client", ["QGIS", "ArcGIS"])
def test_the_printed_capabilities_name_the_layer(address: str, client: str) -> None:
    service = WebMapTileService(example(client, "text", address).strip())
    assert {"zones.xiamen", "ratio.xiamen"} <= set(service.contents)
    assert {"CGCS2000Quad", "CGCS2000GK117"} <= set(service.tilematrixsets)


def test_clients_of_the_national_service_by_the_printed_address(address: str) -> None:
    template = example("Clients", "text", address).strip()
    for lon, lat in places():
        tile, pixel, zoom = tile_of(MATRIX_SETS["c"].grid, lon, lat)
        asked = template.format(z=zoom + MATRIX_SETS["c"].shift, y=tile[1], x=tile[0])
        drawn = class_of_pixels(pixels_of(httpx.get(asked, timeout=30).content))
        assert drawn[pixel[1], pixel[0]] == told_class(address, lon, lat)


RENDER = """
import json, sys
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from qgis.core import (QgsApplication, QgsCoordinateReferenceSystem, QgsCoordinateTransform,
                       QgsMapRendererSequentialJob, QgsMapSettings, QgsPointXY, QgsRectangle)
asked = json.load(sys.stdin)
application = QgsApplication([], False)
application.initQgis()
exec(asked["example"])
degrees = QgsCoordinateReferenceSystem("EPSG:4326")
shown = {}
for name, layer in (("wmts", wmts), ("xyz", xyz), ("vector", vector)):
    assert layer.isValid(), layer.error().message()
    to_map = QgsCoordinateTransform(degrees, layer.crs(), QgsProject.instance())
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setOutputSize(QSize(800, 700))
    settings.setBackgroundColor(QColor("white"))
    settings.setExtent(to_map.transformBoundingBox(QgsRectangle(117.98, 24.465, 118.15, 24.59)))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    picture, pixels = job.renderedImage(), settings.mapToPixel()
    places = [pixels.transform(to_map.transform(QgsPointXY(*place))) for place in asked["places"]]
    colors = [QColor(picture.pixel(int(at.x()), int(at.y()))) for at in places]
    shown[name] = [[color.red(), color.green(), color.blue()] for color in colors]
print(json.dumps(shown))
"""


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("CGCS2000GK117", "EPSG:4548"),
        pytest.param("CGCS2000Quad", "EPSG:4490", marks=pytest.mark.long),
        pytest.param("c", "EPSG:4490", marks=pytest.mark.long),
        ("WebMercatorQuad", "EPSG:3857"),
        pytest.param("w", "EPSG:3857", marks=pytest.mark.long),
    ],
)
def test_qgis_as_it_is_printed(address: str, tmp_path: Path, name: str, crs: str) -> None:
    known = subprocess.run([QGIS_PYTHON, "-c", "import qgis.core"], capture_output=True)
    if known.returncode != 0:
        pytest.skip("QGIS is not installed (Debian: python3-qgis)")
    code = example("QGIS", "python", address)
    assert "=CGCS2000GK117&crs=EPSG:4548" in code
    code = code.replace("=CGCS2000GK117&crs=EPSG:4548", f"={name}&crs={crs}")
    asked = {"example": code, "places": places()}
    done = subprocess.run(
        [QGIS_PYTHON, "-c", RENDER],
        input=json.dumps(asked),
        env={"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    expected = expected_colors(address, ground=(255, 255, 255))
    assert_shown(shown["wmts"], expected)
    assert_shown(shown["xyz"], expected)
    assert shown["vector"] == [zone_color(address, *place) for place in places()]


def zone_color(address: str, lon: float, lat: float) -> list[int]:
    """The colour of the feature at a point, as the service tells it."""
    answer = httpx.get(f"{address}/layers/zones/point", params={"lon": lon, "lat": lat}, timeout=30)
    zone, *_ = answer.json()["features"]
    return list(bytes.fromhex(zone["color"][1:]))
