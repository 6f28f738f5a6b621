"""Whole scenarios, from the request to the files."""

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.kit.task import Outcome, Task
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.processes.run_scenario.contract import RUN_SCENARIO, SCENARIO_RASTERS
from tests.support.computed import band, compute, document, silent
from tests.support.process_runs import require_same_files
from tests.support.scenario_edits import (
    passage,
    planted,
    scenario_task,
    street,
)

WRITING = "shanhai.processes.run_scenario.outputs.write_maps_and_report"
"""What takes longer than all the rest of a scenario."""


def links_of(workspace: Path) -> dict[str, Any]:
    return {one["code"]: one for one in document(workspace)["links"]}


@pytest.fixture(scope="module")
def done(
    linked_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("done") / "work"
    edits = [planted(linked_watershed), street(linked_watershed), passage(linked_watershed)]
    return workspace, compute(scenario_task(linked_watershed, edits), workspace)


def test_an_attempt_goes_on_from_what_a_former_one_finished(
    linked_watershed: Watershed,
    done: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(WRITING, lambda *_: [])
    edits = [planted(linked_watershed), street(linked_watershed), passage(linked_watershed)]
    resume(scenario_task(linked_watershed, edits), 85, done[0])


def test_two_processes_give_the_same_bytes(
    linked_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(WRITING, lambda *_: [])
    edits = [planted(linked_watershed), street(linked_watershed)]
    for processes in (1, 2):
        task = scenario_task(linked_watershed, edits, processes=processes)
        compute(task, tmp_path / str(processes))
    require_same_files(tmp_path / "1", tmp_path / "2")


class TestWhole:
    """One scenario with everything it leaves behind."""

    def test_every_promised_output_is_there(self, done: tuple[Path, Outcome]) -> None:
        workspace, outcome = done
        names = {file.name for file in outcome.files}
        # Ratio and zones are not compared; the PDF follows.
        left = {"layers", "ratio_table", "zones_table", "report_pdf"}
        assert {output.name for output in RUN_SCENARIO.outputs} - names == left
        rasters = {file.name for file in outcome.files if file.kind == "raster"}
        assert rasters == set(SCENARIO_RASTERS)
        assert all((workspace / file.path).is_file() for file in outcome.files)
        assert not (workspace / "scratch").exists()
        assert [one["code"] for one in outcome.warnings] == ["importance_held"]

    def test_the_report_tells_edits_in_words_and_one_language_after_the_other(
        self, done: tuple[Path, Outcome]
    ) -> None:
        page = (done[0] / "report.html").read_text(encoding="utf-8")
        for zh, en in (
            ("修复", "Restore"),
            ("建设道路", "Build a road"),
            ("开辟通道", "Open a passage"),
        ):
            assert f'<td>{zh} <span class="en" lang="en">{en}</span></td>' in page
        gained = done[1].values["connectivity"]
        eca, area = (gained[f"{name}_change_percent"] for name in ("eca", "area"))
        assert f"ECA 变化 {eca:,.2f} %，源地面积变化 {area:,.2f} %。" in page
        assert "最小面积（公顷）" in page
        assert "min_area_ha" not in page

    def test_the_table_tells_measures_links_and_land(self, done: tuple[Path, Outcome]) -> None:
        workspace, outcome = done
        with (workspace / "table.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = {(row["group"], row["item"]): row for row in csv.DictReader(file)}
        eca = rows["network", "eca_ha"]
        assert float(eca["change"]) == pytest.approx(
            float(eca["after"]) - float(eca["before"]), abs=1e-5
        )
        # The gap is a box of 0.11 by 0.14 of 64 cells on fields, houses and a wood's edge.
        gained = float(rows["land_cover", "forest"]["change"])
        lost = [float(rows["land_cover", name]["change"]) for name in ("cropland", "built_up")]
        assert gained == -sum(lost) > 0
        counted = {
            item: int(row["after"]) for (group, item), row in rows.items() if group == "links"
        }
        assert counted == outcome.values["changes"]
        assert sum(counted.values()) == len(document(workspace)["links"])

    def test_a_corridor_bears_its_official_name(
        self,
        done: tuple[Path, Outcome],
        linked_watershed: Watershed,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(WRITING, lambda *_: [])
        lines = document(done[0], "corridor_lines.geojson")["features"]
        drawn = next(one["geometry"] for one in lines if one["id"] == "c004")
        names = [{"name_zh": "东溪廊道", "name_en": "East brook", "geometry": drawn}]
        compute(
            scenario_task(linked_watershed, [street(linked_watershed)], {"names": names}),
            tmp_path / "work",
        )
        named = {code: one["name_en"] for code, one in links_of(tmp_path / "work").items()}
        assert named.pop("c004") == "East brook"
        assert set(named.values()) == {None}

    def test_what_is_gained_and_lost_is_what_the_corridors_tell(
        self, done: tuple[Path, Outcome]
    ) -> None:
        workspace, _ = done
        before, after = band(workspace, "corridors_before"), band(workspace, "corridors_after")
        change = np.nan_to_num(band(workspace, "corridors_change"))
        was, will_be = np.isfinite(before), np.isfinite(after)
        assert np.array_equal(change == 1, will_be & ~was)
        assert np.array_equal(change == 2, was & ~will_be)
        assert np.array_equal(change == 3, was & will_be)
        assert {1, 2, 3} <= set(np.unique(change))

    def test_shapes_are_valid_and_bear_the_codes_of_the_table(
        self, done: tuple[Path, Outcome]
    ) -> None:
        workspace, _ = done
        features = document(workspace, "corridor_lines.geojson")["features"]
        assert {one["id"] for one in features} == set(links_of(workspace))
        for one in features:
            assert shape(one["geometry"]).is_valid
            assert shape(one["properties"]["footprint"]).is_valid
        edits = document(workspace, "edits.geojson")["features"]
        assert [one["properties"]["kind"] for one in edits] == [
            *("restore", "build_road", "remove_barrier")
        ]

    def test_it_is_reproduced_from_its_manifest(
        self, done: tuple[Path, Outcome], linked_watershed: Watershed, tmp_path: Path
    ) -> None:
        compared = reproduce(
            read_manifest(done[0] / "manifest.json"),
            files=next(iter(linked_watershed.rasters.values())).parent,
            workspace=tmp_path / "again",
            progress=silent,
        )
        differing = {one.name for one in compared if not one.same}
        assert differing <= {"report", "report_pdf", "report_docx"}
