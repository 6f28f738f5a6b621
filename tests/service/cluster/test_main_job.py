"""The long jobs give the same bytes in one process, in two, and on a Dask cluster.

The workers of the cluster see the job's files, or none of them.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from shanhai.data.synthetic_watershed import (
    Watershed,
    build_linked_watershed,
    build_watershed,
    network_task,
)
from shanhai.processes.catalogue import compute_of
from shanhai.processes.kit.task import Task
from shanhai.storage.artifacts import sha256_of
from tests.support.dask_cluster import DaskParts

pytestmark = [pytest.mark.service, pytest.mark.long]

OF_THE_RUN = {"job_id": "00000000-0000-0000-0000-000000000001", "created_utc": "2026-01-01T00:00Z"}
"""What a report and a manifest tell of a run; one for all, so that every file can be compared."""

WINDOWED = ("kit.region", "delineate_zones.units")
SIDE = 32
TOTALS = {
    "water_conservation": {"parameters": {"industrial_use": 50_000}},
    "carbon_sink": {"parameters": {"emissions_total": 20_000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 100}},
}
BIOPHYSICAL = {"profile": "biophysical", "ecoservices": TOTALS}


@pytest.fixture(autouse=True)
def alike(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pages are no part of what is shared out, and take as long as all the rest.
    monkeypatch.setattr("shanhai.reporting.pages.write_pdf", lambda path, _: path.touch())
    monkeypatch.setattr("shanhai.processes.kit.outputs.word_of", lambda *_: b"")
    # Somebody may commit between two runs, and a manifest tells of it.
    monkeypatch.setattr("shanhai.processes.kit.manifest.own_commit", lambda: None)


@pytest.fixture(scope="module")
def wide_watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    """Two windows in each direction, and four on the wide grid."""
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=600)


@pytest.fixture(scope="module")
def basin(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("basin"), cells=96, biophysical=True)


def results_of(task: Task, workspace: Path) -> dict[str, str]:
    workspace.mkdir()
    compute_of(task.process)(task, workspace, lambda percent, stage: None)
    found = (path for path in workspace.rglob("*") if path.is_file())
    return {str(path.relative_to(workspace)): sha256_of(path) for path in found}


def alone_and_on_the_cluster(
    task: Task, dask: DaskParts, folder: Path, raster: str = "ratio.tif"
) -> dict[str, str]:
    task = task.model_copy(update=OF_THE_RUN)
    alone = results_of(task, folder / "alone")
    cluster = results_of(task.model_copy(update={"cluster": dask.cluster}), folder / "cluster")
    assert {"manifest.json", "report.html", raster} <= alone.keys()
    assert cluster == alone
    assert results_unseen(task, dask, folder) == alone
    return alone


def results_unseen(task: Task, dask: DaskParts, folder: Path) -> dict[str, str]:
    """Results by paths that lead to the files from this process and nowhere else."""
    here, former = Path("/proc/self/cwd"), Path.cwd()
    root = folder.parent
    files = {uri: str(here / Path(path).relative_to(root)) for uri, path in task.files.items()}
    cluster = replace(dask.cluster, apart=True)
    os.chdir(root)
    try:
        return results_of(
            task.model_copy(update={"cluster": cluster, "files": files}),
            here / folder.name / "unseen",
        )
    finally:
        os.chdir(former)


@pytest.mark.timeout(600)
def test_a_zoning_in_windows_as_they_are(
    wide_watershed: Watershed, dask: DaskParts, tmp_path: Path
) -> None:
    alone = alone_and_on_the_cluster(wide_watershed.task(), dask, tmp_path)
    two = wide_watershed.task().model_copy(update={**OF_THE_RUN, "processes": 2})
    assert results_of(two, tmp_path / "two") == alone


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("process", "inputs"),
    [
        pytest.param("assess-ecoservices", BIOPHYSICAL, id="assessment"),
        pytest.param(
            "delineate-zones", {"uncertainty": {"draws": 30}}, id="draws of the parameters"
        ),
        pytest.param(
            "delineate-zones",
            BIOPHYSICAL | {"uncertainty": {"sensitivity": True}},
            id="each parameter alone",
        ),
    ],
)
def test_in_many_small_windows(
    basin: Watershed,
    dask: DaskParts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    process: str,
    inputs: Mapping[str, Any],
) -> None:
    for module in WINDOWED:
        monkeypatch.setattr(f"shanhai.processes.{module}.WINDOW_CELLS", SIDE)
    alone_and_on_the_cluster(basin.task(inputs, process=process), dask, tmp_path)


@pytest.mark.timeout(300)
def test_a_network_in_small_windows(
    dask: DaskParts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Importance and resistance go out in windows; what reads whole rasters follows from them."""
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", SIDE)
    monkeypatch.setattr(
        "shanhai.processes.build_network.compute.draw_network_map",
        lambda path, drawing, frame, lang: path.write_bytes(b"") == 0,
    )
    woods = build_linked_watershed(tmp_path / "woods", cells=64)
    alone = alone_and_on_the_cluster(network_task(woods), dask, tmp_path, "resistance.tif")
    assert {
        "corridors.tif",
        "current.tif",
        "barriers.tif",
        "corridor_nodes.geojson",
    } <= alone.keys()
