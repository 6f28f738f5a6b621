import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.errors import InvalidInput
from shanhai.processes.files import gauss_krueger_epsg, read_region, run_on_files, take_raster
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.testing.evaluation_rasters import build_evaluated_watershed
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


def test_an_evaluation_takes_a_supply_that_an_assessment_made(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
):
    watershed = build_evaluated_watershed(tmp_path_factory.mktemp("evaluated"), cells=64)
    grid = watershed.grid
    supply = np.linspace(1, 90, 64 * 64).reshape(1, 64, 64)
    made = tmp_path / "supply.tif"
    write_geotiff(made, supply, transform=grid.transform, crs="EPSG:4548", nodata=-9999.0)
    outcome = run_on_files(
        "evaluate-ecosystem",
        region=watershed.region_file,
        rasters={"land_cover": watershed.rasters["land_cover"], "supply.biodiversity": made},
        inputs={
            "cell_m": 100.0,
            "themes": ["importance"],
            "parameters": {"services": ["biodiversity"]},
        },
        workspace=tmp_path / "out",
        progress=lambda percent, stage: None,
    )
    assert "importance.biodiversity" in {file.name for file in outcome.files}
    assert outcome.manifest["request"]["supplies"] == {"biodiversity": "supply.biodiversity"}


def test_a_raster_is_read_as_its_options_say(watershed: Watershed, tmp_path: Path):
    region = read_region(watershed.region_file)
    for name, options in (("plain", {}), ("tenth", {"scale": 0.1})):
        target = tmp_path / f"{name}.tif"
        take_raster("npp", watershed.rasters["npp"], target, region, options)
    plain, tenth = (read_geotiff(tmp_path / f"{name}.tif").values for name in ("plain", "tenth"))
    np.testing.assert_allclose(tenth, plain * 0.1, rtol=1e-6)
    with pytest.raises(InvalidInput) as caught:
        take_raster("npp", watershed.rasters["npp"], tmp_path / "x.tif", region, {"scale": "ten"})
    assert caught.value.faults[0].pointer == "/inputs/scale"
