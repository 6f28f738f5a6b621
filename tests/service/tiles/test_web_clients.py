"""Map libraries of the web draw the zones where they are, by the examples of the documentation."""

import functools
import io
import json
import subprocess
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.service.tiles.placing import Color, assert_shown, expected_colors, places
from tests.service.tiles.snippets import example
from tests.support.browser import open_page
from tests.support.serving import join

pytestmark = [pytest.mark.usefixtures("browser"), pytest.mark.long]

LIBRARIES = Path(__file__).parents[3] / ".shanhai" / "clients"
PACKAGES = {
    "ol@10.11.0": ("dist/ol.js", "ol.css"),
    "maplibre-gl@6.17.0": (
        *("dist/maplibre-gl.mjs", "dist/maplibre-gl-worker.mjs"),
        *("dist/maplibre-gl-shared.mjs", "dist/maplibre-gl.css"),
    ),
    "leaflet@1.9.4": ("dist/leaflet.js", "dist/leaflet.css"),
    "cesium@1.135.0": ("Build/Cesium/",),
}
"""Packages of npm and the parts of them that a page loads."""

WHITE = (255, 255, 255)


def fetch(package: str) -> Path:
    """The wanted parts of a package, kept outside the product; skips where npm has no way."""
    kept = LIBRARIES / package
    if kept.is_dir():
        return kept
    npm = which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    LIBRARIES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=LIBRARIES) as folder:
        pack = [npm, "pack", "--silent", "--pack-destination", folder, package]
        try:
            done = subprocess.run(pack, capture_output=True, text=True, timeout=90)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm does not fetch {package} in time")
        if done.returncode != 0:
            pytest.skip(f"npm cannot fetch {package}")
        unpack(Path(folder) / done.stdout.strip(), Path(folder), PACKAGES[package])
        # The folder appears whole or not at all.
        (Path(folder) / "package").rename(kept)
    return kept


def unpack(archive: Path, folder: Path, parts: tuple[str, ...]) -> None:
    """Take the parts, without their source maps, out of a package."""
    wanted = tuple(f"package/{part}" for part in parts)
    with tarfile.open(archive) as packed:
        for member in packed:
            content = packed.extractfile(member) if member.name.startswith(wanted) else None
            if content is None or member.name.endswith(".map"):
                continue
            target = (folder / member.name).resolve()
            assert target.is_relative_to(folder.resolve())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.read())


class Pages(SimpleHTTPRequestHandler):
    """Files of a folder, modules as such, without a log."""

    def guess_type(self, path: Any) -> str:
        return "text/javascript" if str(path).endswith(".mjs") else super().guess_type(path)

    def log_message(self, *_: object) -> None:
        return None


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """A folder of pages, served from an origin of its own with the libraries beside them."""
    folder = tmp_path_factory.mktemp("pages")
    LIBRARIES.mkdir(parents=True, exist_ok=True)
    (folder / "lib").symlink_to(LIBRARIES)
    handler = functools.partial(Pages, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        join(thread)


PAGE = """<!doctype html><meta charset="utf-8">
<style>body {{ margin: 0 }} #map {{ width: 800px; height: 700px; background: white }}</style>
{head}<body><div id="map"></div><script type="module">
{example}
const places = {places};
{probe}
</script>"""


def show(pages: tuple[Path, str], profile: Path, head: str, code: str, probe: str) -> list[Color]:
    """The colours an example's map shows at the places, by the library's account of where.

    `probe` sets `window.placed` to the places' pixels once everything is drawn.
    """
    folder, origin = pages
    page = PAGE.format(head=head, example=code, places=json.dumps(places()), probe=probe)
    (folder / "map.html").write_text(page)
    with open_page(profile) as tab:
        tab.open(f"{origin}/map.html")
        tab.wait_for("window.placed !== undefined")
        placed = tab.evaluate("window.placed")
        image = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    pixels = np.asarray(image)
    return [tuple(pixels[int(y), int(x)].tolist()) for x, y in placed]


OPENLAYERS = """
map.once("rendercomplete", () => {
  window.placed = places.map((place) =>
    map.getPixelFromCoordinate(ol.proj.transform(place, "EPSG:4326", projection)));
});
"""


@pytest.mark.parametrize("name", ["WebMercatorQuad", "w", "CGCS2000Quad", "c"])
def test_openlayers_draws_wmts(
    address: str, pages: tuple[Path, str], tmp_path: Path, name: str
) -> None:
    at = f"lib/{fetch('ol@10.11.0').name}"
    head = f'<link rel="stylesheet" href="{at}/ol.css"><script src="{at}/dist/ol.js"></script>'
    code = example("OpenLayers", "js", address)
    assert '"CGCS2000Quad"' in code
    code = code.replace('"CGCS2000Quad"', f'"{name}"')
    shown = show(pages, tmp_path / "profile", head, code, OPENLAYERS)
    assert_shown(shown, expected_colors(address, WHITE))


MAPLIBRE = """
map.once("idle", () => {
  window.placed = places.map((place) => Object.values(map.project(place)));
});
"""


def test_maplibre_draws_the_style(address: str, pages: tuple[Path, str], tmp_path: Path) -> None:
    at = f"lib/{fetch('maplibre-gl@6.17.0').name}/dist/maplibre-gl"
    head = (
        f'<link rel="stylesheet" href="{at}.css"><script type="importmap">'
        f'{{"imports": {{"maplibre-gl": "./{at}.mjs"}}}}</script>'
    )
    code = example("MapLibre", "js", address)
    shown = show(pages, tmp_path / "profile", head, code, MAPLIBRE)
    assert_shown(shown, expected_colors(address, WHITE))


LEAFLET = """
const tiles = () => [...document.querySelectorAll(".leaflet-tile")];
const whole = (tile) => tile.complete && getComputedStyle(tile).opacity === "1";
const look = () => {
  if (tiles().length === 0 || !tiles().every(whole)) return setTimeout(look, 50);
  window.placed = places.map(([lon, lat]) => {
    const { x, y } = map.latLngToContainerPoint([lat, lon]);
    return [x, y];
  });
};
look();
"""


def test_leaflet_draws_tiles(address: str, pages: tuple[Path, str], tmp_path: Path) -> None:
    at = f"lib/{fetch('leaflet@1.9.4').name}/dist/leaflet"
    head = f'<link rel="stylesheet" href="{at}.css"><script src="{at}.js"></script>'
    code = example("Leaflet", "js", address)
    shown = show(pages, tmp_path / "profile", head, code, LEAFLET)
    assert_shown(shown, expected_colors(address, WHITE))


CESIUM = """
const { scene } = viewer;
// What is drawn over the tiles: air, haze, the sun's side of the globe.
scene.globe.showGroundAtmosphere = false;
scene.globe.baseColor = Cesium.Color.WHITE;
scene.fog.enabled = false;
// A processor draws here, not a graphics card: no smoothing, and nothing around the globe.
scene.msaaSamples = 1;
for (const part of ["skyBox", "skyAtmosphere", "sun", "moon"]) scene[part].show = false;
const shown = () => window.placed = places.map(([lon, lat]) => {
  const { x, y } = Cesium.SceneTransforms.worldToWindowCoordinates(
    scene, Cesium.Cartesian3.fromDegrees(lon, lat));
  return [x, y];
});
let still = 0;
scene.postRender.addEventListener(() => {
  still = scene.globe.tilesLoaded ? still + 1 : 0;
  if (still === 20) shown();
});
"""


def test_cesium_draws_wmts(address: str, pages: tuple[Path, str], tmp_path: Path) -> None:
    at = f"lib/{fetch('cesium@1.135.0').name}/Build/Cesium"
    head = (
        f'<link rel="stylesheet" href="{at}/Widgets/widgets.css">'
        f'<script src="{at}/Cesium.js"></script>'
    )
    code = example("Cesium", "js", address)
    shown = show(pages, tmp_path / "profile", head, code, CESIUM)
    assert_shown(shown, expected_colors(address, WHITE), within=6)
