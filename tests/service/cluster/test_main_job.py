"""The main job gives the same bytes in one process, in two, and on a Dask cluster."""

from pathlib import Path

import pytest

from shanhai.jobs.contracts import Task
from shanhai.processes.delineate_zones import DelineateZones
from shanhai.storage.artifacts import sha256_of
from shanhai.testing.dask_cluster import DaskParts
from shanhai.testing.watershed import Watershed, build_watershed

pytestmark = pytest.mark.service

OF_THE_RUN = {"manifest.json", "report.html", "report.pdf"}
"""Files that tell when they were made."""


@pytest.fixture(scope="module")
def watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    """Two windows in each direction, and four on the wide grid."""
    return build_watershed(tmp_path_factory.mktemp("watershed"), cells=600)


def results_of(task: Task, workspace: Path) -> dict[str, str]:
    workspace.mkdir()
    DelineateZones().compute(task, workspace, lambda percent, stage: None)
    found = (path for path in workspace.rglob("*") if path.is_file())
    return {
        str(path.relative_to(workspace)): sha256_of(path)
        for path in found
        if path.name not in OF_THE_RUN
    }


@pytest.mark.timeout(600)
def test_wherever_it_is_computed(watershed: Watershed, dask: DaskParts, tmp_path: Path) -> None:
    task = watershed.task()
    alone = results_of(task, tmp_path / "alone")
    two = results_of(task.model_copy(update={"processes": 2}), tmp_path / "two")
    cluster = results_of(task.model_copy(update={"cluster": dask.cluster}), tmp_path / "cluster")
    assert len(alone) > 20
    assert two == alone
    assert cluster == alone
