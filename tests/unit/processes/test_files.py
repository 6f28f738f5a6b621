import json
from pathlib import Path
from typing import Any

import pytest

from shanhai.errors import InvalidInput
from shanhai.processes.files import gauss_krueger_epsg, read_region, run_on_files
from shanhai.testing.watershed import Watershed


def test_the_main_job_runs_on_files_alone(watershed: Watershed, zoned: Any, tmp_path: Path):
    outcome = run_on_files(
        "delineate-zones",
        region=watershed.region_file,
        rasters=watershed.rasters,
        inputs={"cell_m": 100.0},
        workspace=tmp_path / "out",
        progress=lambda percent, stage: None,
    )
    assert outcome.manifest["job_id"] is None
    # Imported and cleaned on the way, and still the bytes of a run on the files themselves.
    assert (tmp_path / "out" / "zones.tif").read_bytes() == (
        zoned.workspace / "zones.tif"
    ).read_bytes()


def test_a_region_may_be_a_bare_geometry(watershed: Watershed, tmp_path: Path):
    path = tmp_path / "bay.geojson"
    path.write_text(json.dumps(watershed.region.geometry), encoding="utf-8")
    region = read_region(path)
    assert region.code == "bay"
    assert region.epsg == 4548
    assert region.districts == []


@pytest.mark.parametrize("content", ["no json", '{"type":"Point","coordinates":[118,24]}'])
def test_what_is_no_region_is_refused(tmp_path: Path, content: str):
    path = tmp_path / "region.geojson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InvalidInput) as caught:
        read_region(path)
    assert caught.value.faults[0].pointer == "/region"


@pytest.mark.parametrize(("longitude", "epsg"), [(75.2, 4534), (106.6, 4545), (118.1, 4548)])
def test_the_zone_follows_from_the_longitude(longitude: float, epsg: int):
    ring = [[longitude, 30], [longitude + 0.1, 30], [longitude, 30.1], [longitude, 30]]
    assert gauss_krueger_epsg({"type": "Polygon", "coordinates": [ring]}) == epsg
