"""Whole runs on files alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.local_run import run_on_files
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from tests.support.dask_cluster import start_dask
from tests.support.evaluation_rasters import build_evaluated_watershed


def test_the_main_job_runs_on_files_alone(watershed: Watershed, zoned: Any, tmp_path: Path) -> None:
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


@pytest.mark.service
def test_a_relative_folder_is_the_callers_also_to_workers_of_dask(
    watershed: Watershed, zoned: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with start_dask(tmp_path / "dask") as parts:
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        run_on_files(
            "delineate-zones",
            region=watershed.region_file,
            rasters=watershed.rasters,
            inputs={"cell_m": 100.0},
            workspace=Path("out"),
            progress=lambda percent, stage: None,
            cluster=parts.cluster,
        )
    made = tmp_path / "here" / "out" / "zones.tif"
    assert made.read_bytes() == (zoned.workspace / "zones.tif").read_bytes()


def test_codes_in_a_raster_of_a_run_are_asked_about_and_told(
    watershed: Watershed, tmp_path: Path
) -> None:
    npp = read_geotiff(watershed.rasters["npp"])
    raw = np.round(npp.values * 10).astype(np.int16)
    raw[0, 20:30, 20:30] = 32762
    raw[0, 5:8, 5:8] = 32766
    path = tmp_path / "mod17.tif"
    write_geotiff(path, raw, transform=npp.transform, crs=npp.crs, nodata=32767)
    given: dict[str, Any] = {
        "region": watershed.region_file,
        "rasters": {**watershed.rasters, "npp": path},
        "inputs": {"cell_m": 100.0},
        "progress": lambda percent, stage: None,
    }
    with pytest.raises(InvalidInput) as caught:
        run_on_files(
            "delineate-zones", workspace=tmp_path / "a", options={"npp": {"scale": 0.1}}, **given
        )
    assert "32762 (urban and built-up land), 100 cells" in caught.value.message
    assert caught.value.faults[0].pointer == "/inputs/datasets/npp/codes"
    options = {"npp": {"scale": 0.1, "codes": {"32762": 150}}}
    outcome = run_on_files("delineate-zones", workspace=tmp_path / "b", options=options, **given)
    told = next(one for one in outcome.warnings if one["code"] == "fill_codes")
    assert "32766 (water): 9 cells are taken as 0" in told["detail"]


def test_an_evaluation_takes_a_supply_that_an_assessment_made(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path
) -> None:
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
