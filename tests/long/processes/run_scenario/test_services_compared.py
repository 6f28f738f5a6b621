"""Ratio and zones of a scenario from the request to the files, against a published zoning."""

import csv
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.task import Outcome, Task
from shanhai.processes.local_run import run_on_files
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, SCENARIO_RASTERS
from shanhai.processes.run_scenario.files import read_former
from tests.support.computed import band, compute, silent
from tests.support.scenario_edits import assessed_scenario, on_land


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def wood(watershed: Watershed) -> dict[str, Any]:
    """Forest where the towns are."""
    return {
        "kind": "restore",
        "name_zh": "退城还林",
        "name_en": "Forest for houses",
        "cover": "forest",
        "geometry": on_land(watershed, (0.55, 0.2), (0.75, 0.5)),
    }


@pytest.fixture(scope="module")
def done(
    watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome, Task]:
    workspace = tmp_path_factory.mktemp("done") / "work"
    task = assessed_scenario(watershed.task(), [wood(watershed)])
    return workspace, compute(task, workspace), task


def test_the_report_tells_no_parameters_of_a_network(done: tuple[Path, Outcome, Task]) -> None:
    workspace, outcome, _ = done
    page = (workspace / "report.html").read_text(encoding="utf-8")
    assert f"分区改变的面积为 {outcome.values['zones_changed_ha']:,.1f} 公顷" in page
    assert "参数 <" not in page


def test_an_attempt_goes_on_from_the_windows_a_former_one_finished(
    done: tuple[Path, Outcome, Task],
    resume: Callable[[Task, float, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "shanhai.processes.run_scenario.outputs.write_maps_and_report", lambda *_: []
    )
    workspace, _, task = done
    resume(task, 85, workspace)


class TestScenario:
    def test_what_is_compared_is_there_and_nothing_else(
        self, done: tuple[Path, Outcome, Task]
    ) -> None:
        workspace, outcome, _ = done
        names = {file.name for file in outcome.files}
        of_network = {"corridors_table", "corridor_lines", "map_zh", "map_en"}
        left = {one.name for one in RUN_SCENARIO.outputs} - names
        assert left == of_network | {"layers", "report_pdf"}
        rasters = {file.name for file in outcome.files if file.kind == "raster"}
        assert not rasters & set(SCENARIO_RASTERS)
        assert {"ratio_after", "ratio_change", "zones_after", "zones_change"} <= rasters
        assert not (workspace / "scratch").exists()
        assert [one["code"] for one in outcome.warnings] == ["drivers_held"]
        assert "links" not in outcome.values

    def test_unedited_cells_are_the_bytes_of_the_zoning(
        self, done: tuple[Path, Outcome, Task], zoned: Any
    ) -> None:
        workspace = done[0]
        before, after = band(zoned.workspace, "ratio"), band(workspace, "ratio_after")
        change = band(workspace, "ratio_change")
        same = (change == 0) | np.isnan(change)
        assert before[same].tobytes() == after[same].tobytes()
        assert np.array_equal(
            (after[~same] - before[~same]).astype(np.float32), change[~same].astype(np.float32)
        )
        assert 0 < (~same).sum() < same.sum()
        was, will_be = band(zoned.workspace, "zones"), band(workspace, "zones_after")
        told = np.nan_to_num(band(workspace, "zones_change")).astype(int)
        was, will_be = (np.nan_to_num(one).astype(int) for one in (was, will_be))
        assert np.array_equal(told > 0, was != will_be)
        assert np.array_equal(told[told > 0], (10 * was + will_be)[told > 0])
        assert (told > 0).any()

    def test_tables_tell_what_the_layers_hold(
        self, done: tuple[Path, Outcome, Task], zoned: Any
    ) -> None:
        workspace = done[0]
        before, after = band(zoned.workspace, "ratio"), band(workspace, "ratio_after")
        known = np.isfinite(before) & np.isfinite(after)
        whole = rows(workspace, "ratio_table")[0]
        assert (whole["service"], int(whole["cells"])) == ("", known.sum())
        assert float(whole["before"]) == pytest.approx(before[known].mean(dtype=float), abs=1e-6)
        assert float(whole["change"]) == pytest.approx(
            (after[known].astype(float) - before[known]).mean(), abs=1e-6
        )
        assert int(whole["changed_cells"]) == (before[known] != after[known]).sum()
        was, will_be = band(zoned.workspace, "zones"), band(workspace, "zones_after")
        counted = {
            (int(one["from"]), int(one["to"])): int(one["cells"])
            for one in rows(workspace, "zones_table")
        }
        both = (np.nan_to_num(one).astype(int).ravel() for one in (was, will_be))
        expected = Counter(pair for pair in zip(*map(list, both), strict=True) if any(pair))
        assert counted == expected

    def test_services_that_know_no_cover_stay(self, done: tuple[Path, Outcome, Task]) -> None:
        told = done[1].values
        altered = told["services"]["altered"]
        # Without measured evapotranspiration it follows from the cover, and cooling from it.
        assert altered == ["soil_retention", "cooling", "biodiversity", "recreation"]
        for one in told["ratios"]:
            if one["service"] is not None and one["service"] not in altered:
                assert (one["change"], one["changed_cells"]) == (0, 0)
        assert {one["place"] for one in told["ratios"]} > {"watershed"}

    def test_it_is_reproduced_from_its_manifest(
        self,
        done: tuple[Path, Outcome, Task],
        watershed: Watershed,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(
            "shanhai.processes.run_scenario.outputs.write_maps_and_report", lambda *_: []
        )
        compared = reproduce(
            read_manifest(done[0] / "manifest.json"),
            files=next(iter(watershed.rasters.values())).parent,
            workspace=tmp_path / "again",
            progress=silent,
        )
        assert {one.name for one in compared if not one.same} <= {
            "report",
            "report_pdf",
            "report_docx",
        }


@pytest.mark.usefixtures("unpictured")
class TestFiles:
    def test_it_runs_from_the_manifest_of_a_zoning(
        self, done: tuple[Path, Outcome, Task], zoned: Any, watershed: Watershed, tmp_path: Path
    ) -> None:
        former = read_former(zoned.workspace / "manifest.json")
        inputs = {"cell_m": 100, "compare": ["supply_demand_ratio"], "edits": [wood(watershed)]}
        with pytest.raises(InvalidInput) as caught:
            run_on_files(
                "run-scenario",
                region=watershed.region_file,
                rasters={"land_cover": watershed.rasters["land_cover"]},
                inputs=inputs,
                workspace=tmp_path / "few",
                progress=silent,
                assessed=former,
            )
        pointers = {one.pointer for one in caught.value.faults}
        assert "/inputs/datasets/npp" in pointers

    def test_an_assessment_is_needed(self, watershed: Watershed, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput) as caught:
            run_on_files(
                "run-scenario",
                region=watershed.region_file,
                rasters={"land_cover": watershed.rasters["land_cover"]},
                inputs={"cell_m": 100, "compare": ["zones"], "edits": [wood(watershed)]},
                workspace=tmp_path / "none",
                progress=silent,
            )
        assert [one.pointer for one in caught.value.faults] == ["/inputs/assessment"]

    def test_another_file_is_no_manifest(self, tmp_path: Path) -> None:
        path = tmp_path / "manifest.json"
        path.write_text(json.dumps({"process": "delineate-zones"}))
        with pytest.raises(InvalidInput, match="no manifest of an assessment") as caught:
            read_former(path)
        assert caught.value.message_zh.startswith("manifest.json 不是评估的清单")
