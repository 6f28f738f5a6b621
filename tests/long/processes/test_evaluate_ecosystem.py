"""Whole evaluations of an ecosystem, from the request to the files."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.evaluate_ecosystem.contract import EVALUATE_ECOSYSTEM
from shanhai.processes.kit.task import Outcome, Task
from shanhai.raster.geotiff import read_geotiff
from tests.support.evaluations import band, codes, compute, document, evaluation, offset, task_of
from tests.support.process_runs import require_same_files

ALL = ["importance", "sensitivity", "quality", "degradation", "resilience", "carbon"]


@pytest.fixture(scope="module")
def evaluated(
    evaluated_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("evaluated") / "work"
    return workspace, compute(task_of(evaluated_watershed, ALL), workspace)


@pytest.fixture(scope="module", autouse=True)
def _all_others_unpictured(evaluated: tuple[Path, Outcome], unpictured: None) -> None:
    pass


def test_an_attempt_goes_on_from_the_windows_a_former_one_finished(
    evaluated_watershed: Watershed,
    evaluated: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
) -> None:
    resume(task_of(evaluated_watershed, ALL), 75, evaluated[0])


def test_every_promised_output_is_there(evaluated: tuple[Path, Outcome]) -> None:
    workspace, outcome = evaluated
    names = {file.name for file in outcome.files}
    assert {"statistics", "table", "report"} <= names
    assert {output.name for output in EVALUATE_ECOSYSTEM.outputs} - names == {"layers"}
    rasters = {file.name for file in outcome.files if file.kind == "raster"}
    assert rasters == {
        *("importance", "sensitivity", "quality", "degradation", "resilience"),
        *(f"importance.{one}" for one in ("water_conservation", "soil_retention", "biodiversity")),
        *("sensitivity.soil_erosion", "sensitivity.rocky_desertification"),
        *("quality_index", "degradation_slope", "resilience_index", "carbon"),
    }
    assert all((workspace / file.path).is_file() for file in outcome.files)
    assert not (workspace / "scratch").exists()
    assert [path for path in workspace.iterdir() if path.suffix == ".png"] == []


def test_areas_of_the_classes_are_those_of_the_raster(evaluated: tuple[Path, Outcome]) -> None:
    workspace, _ = evaluated
    statistics = document(workspace, "statistics.json")
    for one in statistics["evaluations"]:
        found = codes(workspace, one["layer"])
        for entry in one["classes"]:
            assert entry["cells"] == np.count_nonzero(found == entry["value"])
            assert entry["area_ha"] == entry["cells"]
        assert sum(entry["percent"] for entry in one["classes"]) == pytest.approx(100)
        assert one["cells"] + one["unknown_cells"] == statistics["land_cells"]
        for number, entry in enumerate(one["classes"]):
            parts = [where["classes"][number]["cells"] for where in one["districts"]]
            assert sum(parts) == entry["cells"]


def test_the_table_tells_the_same_as_the_document(evaluated: tuple[Path, Outcome]) -> None:
    workspace, _ = evaluated
    with (workspace / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    told = {(row["layer"], row["district"], row["class"]): int(row["cells"]) for row in rows}
    own = evaluation(workspace, "quality")
    for entry in own["classes"]:
        assert told["quality", "watershed", str(entry["value"])] == entry["cells"]
    for where in own["districts"]:
        for entry in where["classes"]:
            assert told["quality", where["code"], str(entry["value"])] == entry["cells"]


def test_importance_is_cut_at_the_shares_of_the_supply(evaluated: tuple[Path, Outcome]) -> None:
    workspace, outcome = evaluated
    record = outcome.manifest["evaluations"]["importance"]
    assert record["supply"]["soil_retention"] == "rusle"
    each = [codes(workspace, f"importance.{one}") for one in record["thresholds"]]
    np.testing.assert_array_equal(codes(workspace, "importance"), np.min(each, axis=0))
    for one in record["thresholds"]:
        shares = [
            entry["percent"] for entry in evaluation(workspace, f"importance.{one}")["classes"]
        ]
        # Half of the supply comes from less than half of the cells.
        assert 0 < shares[0] <= 50


def test_the_trend_is_found_where_it_was_put(
    evaluated: tuple[Path, Outcome], evaluated_watershed: Watershed
) -> None:
    workspace, outcome = evaluated
    classes = codes(workspace, "degradation")
    _, left = offset(outcome, evaluated_watershed)
    east = (np.arange(classes.shape[1]) + left) / (evaluated_watershed.grid.width - 1)
    west_third, east_third = classes[:, east < 0.33], classes[:, east > 0.67]
    assert set(np.unique(west_third)) <= {0, 1, 2}
    # The index ends at 1, so that few cells of the east may not rise further.
    assert np.count_nonzero(east_third >= 6) > 0.95 * np.count_nonzero(east_third)
    slope = band(workspace, "degradation_slope")
    assert np.nanmedian(slope[:, east < 0.33]) == pytest.approx(-0.02, abs=0.002)
    highlight = next(one for one in outcome.values["highlights"] if one["layer"] == "degradation")
    assert highlight["area_ha"] == np.count_nonzero((classes > 0) & (classes <= 2))


def test_rocky_desertification_concerns_carbonate_rock_only(
    evaluated: tuple[Path, Outcome],
) -> None:
    workspace, _ = evaluated
    rock = codes(workspace, "sensitivity.rocky_desertification")
    erosion, overall = codes(workspace, "sensitivity.soil_erosion"), codes(workspace, "sensitivity")
    land = overall > 0
    assert 0 < np.count_nonzero(rock) < np.count_nonzero(land)
    worst = np.where(rock > 0, np.minimum(rock, erosion), erosion)
    np.testing.assert_array_equal(overall[land], worst[land])


def test_quality_measures_each_kind_against_its_own(evaluated: tuple[Path, Outcome]) -> None:
    workspace, outcome = evaluated
    record = outcome.manifest["evaluations"]["quality"]
    assert record["regions"] == "eco_region"
    few = [one for one in record["references"] if one["cells"] < 30]
    assert few
    assert all(one["taken_from_region"] == 0 for one in few)
    index = band(workspace, "quality_index")
    assert 0 <= np.nanmin(index) <= np.nanmax(index) <= 100
    np.testing.assert_array_equal(np.isfinite(index), codes(workspace, "quality") > 0)


def test_carbon_is_told_in_tonnes(evaluated: tuple[Path, Outcome]) -> None:
    workspace, outcome = evaluated
    carbon = band(workspace, "carbon")
    told = outcome.values["carbon"]
    assert told["mean_tc_per_ha"] == pytest.approx(np.nanmean(carbon), rel=1e-5)
    # One cell is one hectare.
    assert told["total_tc"] == pytest.approx(np.nansum(carbon), rel=1e-5)
    assert told["unit"] == "tC/yr"


def test_the_sea_is_in_no_class(
    evaluated: tuple[Path, Outcome], evaluated_watershed: Watershed
) -> None:
    workspace, outcome = evaluated
    found = codes(workspace, "quality")
    top, left = offset(outcome, evaluated_watershed)
    cover = np.nan_to_num(read_geotiff(evaluated_watershed.rasters["land_cover"]).values[0])
    own = cover[top : top + found.shape[0], left : left + found.shape[1]]
    assert (own == 0).any()
    assert not found[own == 0].any()


def test_two_processes_give_the_same_bytes(
    evaluated: tuple[Path, Outcome], evaluated_watershed: Watershed, tmp_path: Path
) -> None:
    workspace = tmp_path / "work"
    outcome = compute(task_of(evaluated_watershed, ALL, processes=2), workspace)
    require_same_files(evaluated[0], workspace)
    assert outcome.manifest["evaluations"] == evaluated[1].manifest["evaluations"]


def test_small_windows_give_the_same_bytes(
    evaluated: tuple[Path, Outcome],
    evaluated_watershed: Watershed,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 17)
    workspace = tmp_path / "work"
    outcome = compute(task_of(evaluated_watershed, ALL), workspace)
    for path in workspace.glob("*.tif"):
        assert path.read_bytes() == (evaluated[0] / path.name).read_bytes(), path.name
    assert outcome.manifest["evaluations"] == evaluated[1].manifest["evaluations"]
