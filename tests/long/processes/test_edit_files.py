import json
from pathlib import Path
from typing import Any

import pytest

from shanhai.data.synthetic_watershed import EASY, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.output_files import read_drawn
from shanhai.processes.local_run import run_on_files
from tests.support.scenario_edits import felled, passage

EDITS = "/inputs/edits"


def write(path: Path, *edits: dict[str, object]) -> Path:
    features = [
        {
            "type": "Feature",
            "geometry": one["geometry"],
            "properties": {key: one.get(key) for key in ("kind", "name_zh", "cover", "road")},
        }
        for one in edits
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def test_edits_are_read_without_empty_properties(
    linked_watershed: Watershed, tmp_path: Path
) -> None:
    given = passage(linked_watershed)
    (found,) = read_drawn(write(tmp_path / "edits.geojson", given), EDITS)
    assert found["kind"] == "remove_barrier"
    assert set(found) == {"kind", "name_zh", "geometry"}
    assert found["geometry"]["type"] == given["geometry"]["type"]


def test_what_is_no_geojson_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edits.geojson"
    path.write_text("{")
    with pytest.raises(InvalidInput) as caught:
        read_drawn(path, EDITS)
    assert caught.value.faults[0].pointer == EDITS


def test_a_scenario_runs_on_files(
    linked_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shanhai.processes.run_scenario.outputs.write_maps_and_report", lambda *_: []
    )
    edits = read_drawn(write(tmp_path / "edits.geojson", passage(linked_watershed)), EDITS)
    inputs = {"cell_m": 100, "parameters": EASY, "edits": edits}
    given: dict[str, Any] = {
        "region": linked_watershed.region_file,
        "rasters": linked_watershed.rasters,
        "workspace": tmp_path / "out",
        "progress": lambda _percent, _stage: None,
    }
    outcome = run_on_files("run-scenario", inputs=inputs, **given)
    assert outcome.values["changes"]["cheaper"] == 1
    assert (tmp_path / "out" / "table.csv").is_file()
    away = felled(linked_watershed) | {"geometry": {"type": "Point", "coordinates": [1.0, 1.0]}}
    with pytest.raises(InvalidInput) as caught:
        run_on_files("run-scenario", inputs=inputs | {"edits": [away]}, **given)
    assert caught.value.faults[0].pointer == "/inputs/edits/0/geometry"
