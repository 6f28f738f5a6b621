"""Real clients over HTTP: GDAL's driver, OWSLib, and QGIS where it is installed.

Each runs in a process of its own, since the service runs in a thread of this one.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from shanhai.db.collections.catalogue import COLLECTIONS

pytestmark = pytest.mark.long

NAMES = [entity.name for entity in COLLECTIONS]
NUMBERS = dict.fromkeys(NAMES, 1) | {"regions": 3, "zones": 2, "control_areas": 8}
RED = ["line-1", "line-3", "line-5", "line-7"]
COPIER = shutil.which("ogr2ogr")
PYTHON_OF_QGIS = os.environ.get("SHANHAI_TEST_QGIS", "/usr/bin/python3")
"""A Python that can import `qgis`, such as that of another version."""


def run(program: str, *arguments: str, python: str = sys.executable, **surroundings: str) -> Any:
    """What a program of a client prints, which is JSON."""
    done = subprocess.run(
        [python, "-c", program, *arguments],
        capture_output=True,
        text=True,
        timeout=90,
        env={**os.environ, **surroundings},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


GDAL = """
import json, sys
import pyogrio
address, asked = "OAPIF:" + sys.argv[1], json.loads(sys.argv[2])
if "bbox" in asked:
    asked["bbox"] = tuple(asked["bbox"])
layers = [str(name) for name, _ in pyogrio.list_layers(address)]
found = {}
for layer in asked.pop("layers", layers):
    about, _, shapes, fields = pyogrio.raw.read(address, layer=layer, **asked)
    codes = fields[list(about["fields"]).index("code")]
    placed = [shape and shape.hex() for shape in shapes]
    found[layer] = [about["crs"], [str(code) for code in codes], placed]
print(json.dumps([layers, found]))
"""


def read_by_gdal(address: str, **asked: Any) -> Any:
    """Layers, and of each its system, codes and geometries."""
    return run(GDAL, address, json.dumps(asked))


class TestGdal:
    def test_reads_every_collection(self, address: str) -> None:
        layers, found = read_by_gdal(address)
        assert layers == NAMES
        for name, (crs, codes, _) in found.items():
            assert len(codes) == NUMBERS[name]
            assert crs == "EPSG:4490"

    @pytest.mark.parametrize(
        ("asked", "codes"),
        [
            ({"bbox": [118.06, 24.51, 118.08, 24.53]}, ["line-1"]),
            ({"where": "kind = 'red_line'"}, RED),
            ({"where": "kind = 'red_line' AND name_zh LIKE '生态%'"}, RED),
            ({"where": "code ILIKE 'LINE-_' AND kind = 'red_line'"}, RED),
            ({"where": "code IN ('line-1', 'line-2')"}, ["line-1", "line-2"]),
            ({"where": "code = 'line-1' OR code > 'line-6'"}, ["line-1", "line-7"]),
            ({"where": "visibility = 'public' AND kind <> 'island'"}, RED),
            ({"where": "valid_from >= '2024-01-01'"}, ["line-6", "line-7"]),
            ({"where": "approved_area_km2 > 6"}, ["line-6", "line-7"]),
            ({"PAGE_SIZE": 3}, [f"line-{number}" for number in range(8)]),
            ({"max_features": 2}, ["line-0", "line-1"]),
        ],
    )
    def test_reads_with_filters(
        self, address: str, asked: dict[str, Any], codes: list[str]
    ) -> None:
        _, found = read_by_gdal(address, layers=["control_areas"], **asked)
        assert found["control_areas"][1] == codes

    @pytest.mark.parametrize("crs", ["EPSG:4490", "EPSG:4326", "EPSG:3857", "EPSG:4548"])
    def test_reads_in_other_systems(self, address: str, crs: str) -> None:
        """The driver turns the axes as the authority has them; all come out at one place."""
        _, found = read_by_gdal(address, layers=["stations"], CRS=crs)
        told, (code,), (shape,) = found["stations"]
        assert code == "station-a"
        assert told == crs or (crs == "EPSG:4326" and "CRS84" in told)
        assert run(PLACE, crs, shape) == pytest.approx([118.3, 24.5], abs=1e-6)

    @pytest.mark.skipif(COPIER is None, reason="ogr2ogr is not installed")
    def test_ogr2ogr_copies_a_collection(self, address: str, tmp_path: Path) -> None:
        assert COPIER is not None
        target = tmp_path / "copied.geojson"
        subprocess.run(
            [COPIER, "-where", "kind = 'red_line'", target, f"OAPIF:{address}", "control_areas"],
            check=True,
            capture_output=True,
        )
        copied = json.loads(target.read_text())["features"]
        assert [item["properties"]["code"] for item in copied] == RED


PLACE = """
import json, sys
import shapely
from pyproj import Transformer
crs, shape = sys.argv[1], shapely.from_wkb(bytes.fromhex(sys.argv[2]))
source = "EPSG:4326" if crs == "EPSG:3857" else "EPSG:4490"
print(json.dumps(Transformer.from_crs(crs, source, always_xy=True).transform(shape.x, shape.y)))
"""

OWSLIB_READS = """
import json, sys
from owslib.ogcapi.features import Features
service, found = Features(sys.argv[1]), {}
for name in service.feature_collections():
    assert service.collection(name)["id"] == name
    assert service.collection_queryables(name)["properties"]
    assert service.collection_schema(name)["properties"]
    items = service.collection_items(name, limit=100)
    first = items["features"][0]["id"]
    assert service.collection_item(name, first)["id"] == first
    found[name] = items["numberMatched"]
asked = {"filter": "kind = 'red_line'", "limit": 3}
red = [item["id"] for item in service.collection_items("control_areas", **asked)["features"]]
print(json.dumps([found, red]))
"""

OWSLIB_EDITS = """
import json, sys
from owslib.ogcapi.features import Features
service = Features(sys.argv[1], headers={"Authorization": "Bearer " + sys.argv[2]})
ring = [[118.1, 24.6], [118.2, 24.6], [118.2, 24.7], [118.1, 24.6]]
members = {"code": "ows", "name_zh": "甲", "name_en": "A", "kind": "red_line", "region": "city"}
drawn = {
    "type": "Feature",
    "geometry": {"type": "Polygon", "coordinates": [ring]},
    "properties": members,
}
service.collection_item_create("control_areas", drawn)
found = [service.collection_item("control_areas", "ows")["properties"]["name_en"]]
members["name_en"] = "B"
service.collection_item_update("control_areas", "ows", json.dumps(drawn))
found.append(service.collection_item("control_areas", "ows")["properties"]["name_en"])
service.collection_item_delete("control_areas", "ows")
try:
    service.collection_item("control_areas", "ows")
except RuntimeError as error:
    found.append(json.loads(str(error))["status"])
print(json.dumps(found))
"""


class TestOwslib:
    def test_reads_every_collection(self, address: str) -> None:
        assert run(OWSLIB_READS, address) == [NUMBERS, RED[:3]]

    def test_edits_one(self, address: str, plan_key: str) -> None:
        assert run(OWSLIB_EDITS, address, plan_key) == ["A", "B", 404]


QGIS = """
import json, sys
from qgis.core import QgsApplication, QgsFeatureRequest, QgsRectangle, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
def layer(name):
    return QgsVectorLayer(f"url='{sys.argv[1]}' typename='{name}'", name, "OAPIF")
def codes(found, *request):
    return sorted(feature["code"] for feature in found.getFeatures(*request))
numbers = {name: len(codes(layer(name))) for name in sys.argv[2:]}
areas = layer("control_areas")
box = QgsFeatureRequest().setFilterRect(QgsRectangle(118.06, 24.51, 118.08, 24.53))
within = codes(areas, box)
assert areas.setSubsetString("kind = 'red_line'")
print(json.dumps([numbers, within, codes(areas)]))
"""


def has_qgis() -> bool:
    if shutil.which(PYTHON_OF_QGIS) is None:
        return False
    tried = subprocess.run([PYTHON_OF_QGIS, "-c", "import qgis.core"], capture_output=True)
    return tried.returncode == 0


QGIS_ADDS = """
import json, sys
from qgis.core import QgsApplication, QgsAuthMethodConfig, QgsFeature, QgsGeometry, QgsVectorLayer
app = QgsApplication([], False)
app.initQgis()
QgsApplication.authManager().setMasterPassword("x", True)
access = QgsAuthMethodConfig("APIHeader")
access.setName("key")
access.setConfig("Authorization", "Bearer " + sys.argv[2])
assert QgsApplication.authManager().storeAuthenticationConfig(access)
source = f"url='{sys.argv[1]}' typename='control_areas' authcfg={access.id()}"
layer = QgsVectorLayer(source, "areas", "OAPIF")
added = QgsFeature(layer.fields())
for name, value in json.loads(sys.argv[3]).items():
    added[name] = value
added.setGeometry(QgsGeometry.fromWkt("POLYGON ((118.1 24.6, 118.2 24.6, 118.2 24.7, 118.1 24.6))"))
assert layer.startEditing() and layer.addFeature(added)
assert layer.commitChanges(), layer.commitErrors()
print(json.dumps(sum(1 for _ in layer.getFeatures())))
"""


@pytest.mark.skipif(not has_qgis(), reason="QGIS is not installed")
class TestQgis:
    def run(self, program: str, tmp_path: Path, *arguments: str) -> Any:
        surroundings = {"QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)}
        return run(program, *arguments, python=PYTHON_OF_QGIS, **surroundings)

    def test_reads_every_collection(self, address: str, tmp_path: Path) -> None:
        found = self.run(QGIS, tmp_path, address, *NAMES)
        assert found == [NUMBERS, ["line-1"], RED]

    def test_adds_one_once(self, address: str, plan_key: str, tmp_path: Path) -> None:
        """Of 3.34 and later; before, layers of this kind could not be edited."""
        members = {"name_zh": "甲", "name_en": "Q", "kind": "red_line", "region": "city"}
        headers = {"Authorization": f"Bearer {plan_key}"}
        items = f"{address}/collections/control_areas/items"
        try:
            number = self.run(QGIS_ADDS, tmp_path, address, plan_key, json.dumps(members))
            assert number == NUMBERS["control_areas"] + 1
        finally:
            added = httpx.get(items, params={"name_en": "Q"}, headers=headers).json()["features"]
            for one in added:
                httpx.delete(f"{items}/{one['id']}", headers=headers)
        assert len(added) == 1
