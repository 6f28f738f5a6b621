import json
import tarfile
from io import BytesIO
from pathlib import Path

import pytest
from shapely import Polygon, box
from shapely.geometry import MultiPolygon, mapping

from shanhai.data import vector_layers
from shanhai.data.regions import Package
from shanhai.data.vector_layers import clip_polygons, clip_text

OCEAN, LAKE, FAR = box(0, 0, 30, 30), box(40.2, 40.2, 40.4, 40.6), box(70, 70, 71, 71)
HOLED = Polygon(box(40, 0, 44, 4).exterior.coords, [box(41, 1, 42, 2).exterior.coords])
BOXES = {"shore": (29.0, 10.0, 41.0, 12.0), "inland": (40.0, 40.0, 41.0, 41.0)}


def world_text() -> bytes:
    members = [MultiPolygon([FAR, LAKE]), MultiPolygon([HOLED, FAR]), MultiPolygon([OCEAN])]
    texts = [json.dumps(mapping(shape), separators=(",", ":")) for shape in members]
    return ('{"type":"GeometryCollection", "geometries": [\n' + ",\n".join(texts) + "]}").encode()


@pytest.mark.parametrize("block", [1, 60, 1 << 20])
def test_every_member_is_read_however_the_text_is_cut(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(vector_layers, "_BLOCK_BYTES", block)
    clips = clip_text(world_text(), BOXES | {"holed": (39.0, 0.0, 45.0, 5.0)})
    assert clips["shore"].oceanic.equals(box(29, 10, 30, 12))
    assert clips["shore"].other.is_empty
    assert clips["inland"].other.equals(LAKE)
    assert clips["holed"].other.equals(HOLED)


def test_everything_holds_both_kinds() -> None:
    clips = clip_text(world_text(), {"all": (-1.0, -1.0, 80.0, 80.0)})
    assert clips["all"].everything.area == pytest.approx(900 + 0.08 + 15 + 1)


def test_second_clip_comes_from_the_cache(tmp_path: Path) -> None:
    archive = tmp_path / "map.tgz"
    text = world_text()
    with tarfile.open(archive, "w:gz") as tarball:
        info = tarfile.TarInfo("package/map.geo.json")
        info.size = len(text)
        tarball.addfile(info, BytesIO(text))
    package = Package("npm", "map", "1.0.0", "map.tgz", "0" * 64, archive.stat().st_size)
    first = clip_polygons(package, archive, BOXES, tmp_path)
    archive.unlink()
    second = clip_polygons(package, archive, BOXES, tmp_path)
    assert second == first
    assert second["inland"].other.equals(LAKE)
