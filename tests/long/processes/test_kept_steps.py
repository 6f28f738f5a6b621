"""What one job worked out of its inputs serves the next, which has the same bytes as alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.delineate_zones.compute import compute
from shanhai.processes.delineate_zones.units import SquareCut
from shanhai.processes.kit.manifest import MANIFEST_FILE
from shanhai.science.grid import FloatArray
from shanhai.science.zoning import clustering

CELLS = 60


@pytest.fixture(scope="module", name="land")
def land_made_in_code(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("given"), cells=CELLS)


def zone(
    land: Watershed, workspace: Path, parameters: Mapping[str, Any], steps: Path | None = None
) -> tuple[dict[str, bytes], set[str]]:
    """The bytes of every file but manifest and reports, and the stages the job went through."""
    task = land.task()
    given = {**task.inputs, "parameters": {**task.inputs.get("parameters", {}), **parameters}}
    told = {"inputs": given, "steps": None if steps is None else str(steps), "steps_mb": 1024}
    workspace.mkdir()
    stages: set[str] = set()
    compute(task.model_copy(update=told), workspace, lambda _percent, stage: stages.add(stage))
    kinds = {".tif", ".geojson", ".json", ".png"}
    found = {path.name: path.read_bytes() for path in workspace.iterdir() if path.suffix in kinds}
    del found[MANIFEST_FILE]  # tells the moment
    return found, stages


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("another job has done this")


def test_another_number_of_clusters_begins_at_the_clusters(
    land: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does it draw or count the services again, judge each number of clusters, cluster for the
    ensemble, average its units, or look for the five clusters whose names its own have."""
    steps = tmp_path / "steps"
    alone, _ = zone(land, tmp_path / "alone", {"k": 6})
    zone(land, tmp_path / "first", {"k": 5}, steps)
    monkeypatch.setattr("shanhai.processes.assess_ecoservices.report._draw_ratio", refuse)
    monkeypatch.setattr("shanhai.processes.delineate_zones.zoning.diagnose", refuse)
    monkeypatch.setattr("shanhai.processes.delineate_zones.compute.service_figures", refuse)
    monkeypatch.setattr("shanhai.processes.delineate_zones.robustness.clusters_of_member", refuse)
    averaged, table = list[SquareCut](), SquareCut.table

    def count(cut: SquareCut, *of: Any) -> Any:
        averaged.append(cut)
        return table(cut, *of)

    monkeypatch.setattr(SquareCut, "table", count)
    sought, find = list[int](), clustering.cluster_units

    def seek(features: FloatArray, k: int, *of: Any, **more: Any) -> Any:
        sought.append(k)
        return find(features, k, *of, **more)

    monkeypatch.setattr(clustering, "cluster_units", seek)
    after, stages = zone(land, tmp_path / "second", {"k": 6}, steps)
    assert len(averaged) == 1  # over its own units
    assert set(sought) == {6}
    assert {"ratio_map_en.png", "ratio.tif", "map_en.png"} <= after.keys()
    assert after == alone
    assert "align" not in stages
    assert "cluster" in stages


@pytest.mark.parametrize("changed", [{"max_mode": "max"}, {"beta": 0.5}])
def test_what_the_services_rest_on_is_worked_out_anew(
    land: Watershed, tmp_path: Path, changed: Mapping[str, Any]
) -> None:
    steps = tmp_path / "steps"
    alone, _ = zone(land, tmp_path / "alone", changed)
    zone(land, tmp_path / "first", {}, steps)
    kept = set(steps.iterdir())
    after, stages = zone(land, tmp_path / "second", changed, steps)
    assert after == alone
    assert "align" in stages
    assert kept < set(steps.iterdir())
