"""Files of control lines and units, and choices that do not go together."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shanhai.errors import InvalidInput
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.kit.region_files import read_areas, read_units
from shanhai.processes.kit.resolution import checksum_of


@pytest.mark.parametrize(
    "parameters", [{"units": "polygons"}, {"unit_regions": "town"}, {"overlays": "farmland"}]
)
def test_what_does_not_go_together_is_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        DelineateZonesInputs.model_validate({"region": "r", "parameters": parameters})


class TestFiles:
    def test_areas_name_their_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "areas.geojson"
        path.write_text(json.dumps(_collection({"kind": "red_line", "code": "a", "name_zh": "甲"})))
        (found,) = read_areas(path)
        assert (found.kind, found.code, found.name_zh, found.name_en) == (
            "red_line",
            "a",
            "甲",
            "a",
        )
        assert found.checksum == checksum_of(found.geometry)

    def test_an_unknown_kind_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "areas.geojson"
        path.write_text(json.dumps(_collection({"kind": "park"})))
        with pytest.raises(InvalidInput, match="park") as caught:
            read_areas(path)
        assert caught.value.faults[0].pointer == "/areas/0/kind"

    def test_units_are_sorted_by_code(self, tmp_path: Path) -> None:
        path = tmp_path / "units.geojson"
        path.write_text(json.dumps(_collection({"code": "b"}, {"code": "a"})))
        assert [one.code for one in read_units(path)] == ["a", "b"]

    @pytest.mark.parametrize(
        "content", ["no json", "[]", '{"type": "Point", "coordinates": [0, 0]}']
    )
    def test_what_is_no_polygon_is_refused(self, tmp_path: Path, content: str) -> None:
        path = tmp_path / "units.geojson"
        path.write_text(content)
        with pytest.raises(InvalidInput):
            read_units(path)


def _collection(*properties: dict[str, Any]) -> dict[str, Any]:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}
    features = [{"type": "Feature", "properties": one, "geometry": square} for one in properties]
    return {"type": "FeatureCollection", "features": features}
