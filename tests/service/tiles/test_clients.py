"""Other people's map clients draw the zones where they are, in each grid.

What a client shows is compared with the cells themselves and with what the service says of a point.
"""

import functools
import io
import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
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

from shanhai.testing.browser import open_page
from shanhai.vocabulary import ZONE_CLASSES
from shanhai_tiles.grids import GRIDS
from shanhai_tiles.wmts.matrix_sets import MATRIX_SETS

# The world the fixtures seed, described once more on purpose: conftest is no importable module.
WEST, NORTH, CELL_M, SHAPE = 600_000.0, 2_720_000.0, 100.0, (120, 160)
SETS = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad", "CGCS2000GK117", "c", "w")
COLORS = {zone.value: tuple(bytes.fromhex(zone.color[1:])) for zone in ZONE_CLASSES}
LIBRARIES = Path(__file__).parents[3] / ".shanhai" / "clients"
PACKAGES = ("ol@10.11.0", "maplibre-gl@6.17.0")
PIXEL_M = 30.0
"""Ground size of a pixel of the maps in the browser, at the equator's scale."""

needs_gdal = pytest.mark.skipif(
    which("gdal_translate") is None, reason="GDAL's programs are not installed"
)


def classes_at(lon: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """The class of the cell at points in degrees; 0 where there is none."""
    to_metres = Transformer.from_crs("EPSG:4490", "EPSG:4548", always_xy=True)
    easting, northing = to_metres.transform(lon, lat)
    column = np.floor((easting - WEST) / CELL_M).astype(int)
    row = np.floor((NORTH - northing) / CELL_M).astype(int)
    inside = (column >= 5) & (column < SHAPE[1]) & (row >= 10) & (row < SHAPE[0] - 10)
    return np.where(inside, 1 + column // 32, 0)


def places() -> list[tuple[float, float]]:
    """Two places 75 m on either side of each border of classes, and one outside."""
    to_degrees = Transformer.from_crs("EPSG:4548", "EPSG:4490", always_xy=True)
    borders = [WEST + CELL_M * 32 * k for k in range(1, 5)]
    points = [(x + side, NORTH - 60 * CELL_M) for x in borders for side in (-75.0, 75.0)]
    found = [to_degrees.transform(x, y) for x, y in (*points, (WEST + 8000, NORTH - 300))]
    return [(float(lon), float(lat)) for lon, lat in found]


def told_class(address: str, lon: float, lat: float) -> int:
    """The class the service itself tells of a point."""
    answer = httpx.get(
        f"{address}/layers/zones.xiamen/point", params={"lon": lon, "lat": lat}, timeout=30
    )
    return int(answer.json()["value"] or 0)


def class_of_pixels(pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The class whose colour each pixel has; 0 for none."""
    found = np.zeros(pixels.shape[:2], dtype=int)
    for value, color in COLORS.items():
        near = (np.abs(pixels[..., :3].astype(int) - color) <= 2).all(-1)
        found[near & (pixels[..., 3] > 0)] = value
    return found


def assert_in_place(drawn: NDArray[np.int64], lon: Any, lat: Any) -> None:
    """Every pixel shows the class at its centre or, beside a border, at one of its neighbours'."""
    expected = np.pad(classes_at(lon, lat), 1, mode="edge")
    height, width = drawn.shape
    around = [expected[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    assert np.any([one == drawn for one in around], axis=0).all()
    assert (expected[1:-1, 1:-1] == drawn).mean() > 0.97
    assert set(np.unique(drawn)) == {0, 1, 2, 3, 4, 5}


def translate(source: str, folder: Path) -> tuple[NDArray[np.int64], Any, Any]:
    """What GDAL reads of a source around the zones, and where its pixels' centres are."""
    out = folder / "drawn.tif"
    window = ("-projwin_srs", "EPSG:4326", "-projwin", "117.98", "24.59", "118.15", "24.465")
    command = ["gdal_translate", "-q", *window, "-outsize", "400", "0", source, str(out)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    with rasterio.open(out) as file:
        pixels = np.moveaxis(file.read(), 0, -1)
        columns, rows = np.meshgrid(np.arange(file.width) + 0.5, np.arange(file.height) + 0.5)
        a, b, c, d, e, f = tuple(file.transform)[:6]
        x, y = a * columns + b * rows + c, d * columns + e * rows + f
        to_degrees = Transformer.from_crs(file.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(x, y)
    return class_of_pixels(pixels), lon, lat


@needs_gdal
@pytest.mark.parametrize("name", SETS)
def test_gdal_reads_wmts(address: str, tmp_path: Path, name: str) -> None:
    capabilities = f"{address}/wmts/1.0.0/WMTSCapabilities.xml"
    source = f"WMTS:{capabilities},layer=zones.xiamen,tilematrixset={name}"
    assert_in_place(*translate(source, tmp_path))


@needs_gdal
@pytest.mark.parametrize("name", ["WebMercatorQuad", "CGCS2000Quad", "CGCS2000GK117"])
def test_gdal_reads_tiles_by_their_address(address: str, tmp_path: Path, name: str) -> None:
    grid = GRIDS[name]
    west, north = grid.origin
    level = grid.level_like(13)
    columns, rows = grid.size
    east = west + columns * grid.cell * 256
    south = north - rows * grid.cell * 256
    tiles = f"{address}/layers/zones.xiamen/tiles/{name}/${{z}}/${{x}}/${{y}}.png"
    source = tmp_path / "zones.xml"
    source.write_text(
        f"""<GDAL_WMS>
          <Service name="TMS"><ServerUrl>{tiles}</ServerUrl></Service>
          <DataWindow>
            <UpperLeftX>{west}</UpperLeftX><UpperLeftY>{north}</UpperLeftY>
            <LowerRightX>{east}</LowerRightX><LowerRightY>{south}</LowerRightY>
            <TileLevel>{level}</TileLevel><TileCountX>{columns}</TileCountX>
            <TileCountY>{rows}</TileCountY><YOrigin>top</YOrigin>
          </DataWindow>
          <Projection>EPSG:{3857 if name == "WebMercatorQuad" else grid.srid}</Projection>
          <BlockSizeX>256</BlockSizeX><BlockSizeY>256</BlockSizeY><BandsCount>4</BandsCount>
          <ZeroBlockHttpCodes>204,404</ZeroBlockHttpCodes>
        </GDAL_WMS>"""
    )
    assert_in_place(*translate(str(source), tmp_path))


@pytest.mark.parametrize("name", SETS)
def test_owslib_reads_wmts(address: str, name: str) -> None:
    service = WebMapTileService(f"{address}/wmts/1.0.0/WMTSCapabilities.xml")
    layer = service.contents["zones.xiamen"]
    assert name in layer.tilematrixsetlinks
    matrix_set = MATRIX_SETS[name]
    for lon, lat in places():
        tile, pixel, zoom = _tile_of(matrix_set.grid, lon, lat)
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
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGBA"))
        drawn = class_of_pixels(pixels)[pixel[1], pixel[0]]
        assert drawn == told_class(address, lon, lat) == classes_at(np.array(lon), np.array(lat))


def _tile_of(grid: Any, lon: float, lat: float) -> tuple[tuple[int, int], tuple[int, int], int]:
    """Column and row of the tile at a point, of the pixel in it, and the level."""
    zoom = grid.level_like(13)
    tile = grid.tms.tile(lon, lat, zoom)
    west, _, _, north = grid.bounds(zoom, tile.x, tile.y)
    x, y = grid.from_lonlat(np.array([lon]), np.array([lat]))
    cell = grid.cell_at(zoom)
    return (tile.x, tile.y), (int((x[0] - west) / cell), int((north - y[0]) / cell)), zoom


@pytest.fixture(scope="session")
def libraries() -> Path:
    """OpenLayers and MapLibre from npm, kept outside the product; skipped where npm has no way."""
    marks = [LIBRARIES / "node_modules" / name / "dist" for name in ("ol", "maplibre-gl")]
    if not all(mark.is_dir() for mark in marks):
        npm = which("npm")
        if npm is None:
            pytest.skip("npm is not installed")
        LIBRARIES.mkdir(parents=True, exist_ok=True)
        quiet = ("--no-save", "--no-audit", "--no-fund", "--silent")
        command = [npm, "install", *quiet, "--prefix", str(LIBRARIES), *PACKAGES]
        done = subprocess.run(command, capture_output=True, text=True, timeout=110)
        if done.returncode != 0:
            pytest.skip("npm cannot fetch OpenLayers and MapLibre")
    return LIBRARIES / "node_modules"


class Pages(SimpleHTTPRequestHandler):
    """Files of a folder, modules as such, without a log."""

    def guess_type(self, path: Any) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture(scope="session")
def pages(libraries: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of pages with both libraries beside them, served from an origin of its own."""
    folder = tmp_path_factory.mktemp("pages")
    (folder / "lib").symlink_to(libraries)

    handler = functools.partial(Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


OPENLAYERS = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="lib/ol/ol.css"><body style="margin:0">
<div id="map" style="width:800px;height:700px"></div>
<script src="lib/ol/dist/ol.js"></script><script type="module">
const asked = ASKED;
const degrees = new ol.proj.Projection({
  code: "EPSG:4490", units: "degrees", axisOrientation: "neu", extent: [-180, -90, 180, 90],
  metersPerUnit: Math.PI * 6378137 / 180,
});
ol.proj.addProjection(degrees);
ol.proj.addCoordinateTransforms("EPSG:4326", degrees, (point) => point, (point) => point);
ol.proj.addCoordinateTransforms(
  "EPSG:3857", degrees, ol.proj.toLonLat, (point) => ol.proj.fromLonLat(point));
const text = await (await fetch(`${asked.address}/wmts/1.0.0/WMTSCapabilities.xml`)).text();
const options = ol.source.WMTS.optionsFromCapabilities(
  new ol.format.WMTSCapabilities().read(text),
  { layer: "zones.xiamen", matrixSet: asked.set });
const source = new ol.source.WMTS({ ...options, interpolate: false, transition: 0 });
const projection = options.projection;
const centre = ol.proj.transform(asked.centre, "EPSG:4326", projection);
const map = new ol.Map({
  target: "map", controls: [], layers: [new ol.layer.Tile({ source })],
  view: new ol.View({ projection, center: centre,
    resolution: asked.pixel / ol.proj.get(projection).getMetersPerUnit() }),
});
map.once("rendercomplete", () => {
  window.placed = asked.places.map((place) =>
    map.getPixelFromCoordinate(ol.proj.transform(place, "EPSG:4326", projection)));
});
</script>"""

MAPLIBRE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="lib/maplibre-gl/dist/maplibre-gl.css"><body style="margin:0">
<div id="map" style="width:800px;height:700px"></div><script type="module">
import { Map as View } from "./lib/maplibre-gl/dist/maplibre-gl.mjs";
const asked = ASKED;
const map = new View({
  container: "map", style: `${asked.address}/layers/${asked.set}/style.json`, center: asked.centre,
  zoom: Math.log2(40075016.68557849 / 512 / asked.pixel), attributionControl: false,
});
map.once("idle", () => {
  window.placed = asked.places.map((place) => Object.values(map.project(place)));
});
</script>"""


def show(
    pages: tuple[Path, str], profile: Path, page: str, asked: dict[str, Any]
) -> list[tuple[int, int, int]]:
    """The colours a page shows at places, by the page's own account of where they are."""
    folder, origin = pages
    (folder / "map.html").write_text(page.replace("ASKED", json.dumps(asked)))
    with open_page(profile) as tab:
        tab.open(f"{origin}/map.html")
        tab.wait_for("window.placed !== undefined")
        placed = tab.evaluate("window.placed")
        image = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    return [image.getpixel((int(x), int(y))) for x, y in placed]


def expected_colors(address: str) -> list[tuple[int, ...]]:
    return [COLORS.get(told_class(address, *place), (255, 255, 255)) for place in places()]


def assert_shown(shown: list[tuple[int, int, int]], expected: list[tuple[int, ...]]) -> None:
    for one, other in zip(shown, expected, strict=True):
        assert np.abs(np.subtract(one, other)).max() <= 2, (shown, expected)
    assert len(set(expected)) == 6


@pytest.mark.usefixtures("browser")
@pytest.mark.parametrize("name", ["WebMercatorQuad", "w", "CGCS2000Quad", "c"])
def test_openlayers_draws_wmts(
    address: str, pages: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    asked = {"address": address, "set": name, "centre": [118.065, 24.526], "pixel": PIXEL_M}
    shown = show(pages, tmp_path / "profile", OPENLAYERS, {**asked, "places": places()})
    assert_shown(shown, expected_colors(address))


@pytest.mark.usefixtures("browser")
def test_maplibre_draws_the_style(address: str, pages: tuple[Path, str], tmp_path: Path) -> None:
    asked = {
        "address": address,
        "set": "zones.xiamen",
        "centre": [118.065, 24.526],
        "pixel": PIXEL_M,
    }
    shown = show(pages, tmp_path / "profile", MAPLIBRE, {**asked, "places": places()})
    assert_shown(shown, expected_colors(address))
