"""Whole evaluations of an ecosystem, from the request to the files."""

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.evaluate_ecosystem.contract import EVALUATE_ECOSYSTEM
from shanhai.processes.kit.task import DatasetTask, Outcome, Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.evaluation.importance_and_sensitivity import importance_class, share_thresholds
from tests.support.computed import band, compute, document
from tests.support.evaluations import codes, evaluation, offset, task_of
from tests.support.process_runs import require_same_files

ALL = ["importance", "sensitivity", "quality", "degradation", "resilience", "carbon"]
pytestmark = pytest.mark.usefixtures("unpictured")


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
    assert {output.name for output in EVALUATE_ECOSYSTEM.outputs} - names == {
        "layers",
        "report_pdf",
    }
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


def test_the_report_tells_units_beside_what_they_belong_to(
    evaluated: tuple[Path, Outcome],
) -> None:
    page = (evaluated[0] / "report.html").read_text(encoding="utf-8")
    assert '<th class="n">均值 tC/ha/yr<br>' in page
    assert '<th class="n">均值<br>' in page  # of indices, which have no unit
    assert "<th>1</th>" not in page


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


@pytest.fixture
def evaluate(evaluated_watershed: Watershed, tmp_path: Path) -> Callable[..., tuple[Path, Outcome]]:
    def run(themes: list[str], **more: Any) -> tuple[Path, Outcome]:
        return tmp_path / "work", compute(
            task_of(evaluated_watershed, themes, **more), tmp_path / "work"
        )

    return run


def test_a_given_supply_is_ranked_as_it_is(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    grid = evaluated_watershed.grid
    supply = np.random.default_rng(2).lognormal(size=grid.shape).astype(np.float32)
    path = tmp_path / "supply.tif"
    write_geotiff(path, supply, transform=grid.transform, crs=f"EPSG:{EPSG}")
    task = task_of(
        evaluated_watershed,
        ["importance"],
        supplies={"biodiversity": "given"},
        parameters={"services": ["biodiversity"]},
        without=tuple(theme for theme in evaluated_watershed.rasters if theme != "land_cover"),
    )
    given = DatasetTask(
        id=1, code="given", theme="supply.biodiversity", uri="supply.tif", checksum="0" * 64,
        name_zh="供给", name_en="supply",
    )  # fmt: skip
    task.datasets["supply.biodiversity"] = given
    task.files["supply.tif"] = str(path)
    outcome = compute(task, tmp_path / "work")
    assert outcome.manifest["evaluations"]["importance"]["supply"] == {"biodiversity": "given"}
    found = codes(tmp_path / "work", "importance.biodiversity")
    top, left = offset(outcome, evaluated_watershed)
    own = supply[top : top + found.shape[0], left : left + found.shape[1]]
    land = found > 0
    thresholds = share_thresholds(lambda: [{"a": own[land]}])["a"]
    np.testing.assert_array_equal(
        found[land], importance_class(own.astype(float), thresholds)[land]
    )


def test_monitored_degrees_take_the_shortcut(evaluate: Callable[..., tuple[Path, Outcome]]) -> None:
    workspace, outcome = evaluate(["sensitivity"], parameters={"sensitivity": "monitored"})
    assert outcome.manifest["evaluations"]["sensitivity"]["from"] == [
        *("erosion_intensity", "rocky_desertification")
    ]
    both = [
        codes(workspace, f"sensitivity.{one}") for one in ("soil_erosion", "rocky_desertification")
    ]
    np.testing.assert_array_equal(codes(workspace, "sensitivity"), np.min(both, axis=0))


def test_local_grading_cuts_the_factors_into_thirds(
    evaluate: Callable[..., tuple[Path, Outcome]],
) -> None:
    workspace, outcome = evaluate(["sensitivity"], parameters={"grading": "local"})
    record = outcome.manifest["evaluations"]["sensitivity"]
    assert record["erodibility_by"] == "value"
    # By the national boundaries all of this rain grades 5.
    assert 600 < record["breaks"]["erosivity"]["low"] < record["breaks"]["erosivity"]["high"]
    classes = evaluation(workspace, "sensitivity.soil_erosion")["classes"]
    assert np.count_nonzero([entry["cells"] for entry in classes]) >= 2


def test_resilience_without_a_series_says_so(evaluate: Callable[..., tuple[Path, Outcome]]) -> None:
    workspace, outcome = evaluate(["resilience"], without=("ndvi_series",))
    assert [one["code"] for one in outcome.warnings] == ["no_series"]
    assert outcome.manifest["evaluations"]["resilience"]["memory"] is None
    rasters = {file.name for file in outcome.files if file.kind == "raster"}
    assert rasters == {"resilience", "resilience_index"}
    assert np.nanmax(band(workspace, "resilience_index")) <= 100


@pytest.mark.parametrize(
    ("themes", "without", "pointers"),
    [
        (["quality"], ("lai", "gpp"), ["/inputs/datasets/lai", "/inputs/datasets/gpp"]),
        (["degradation"], ("ndvi_series",), ["/inputs/datasets/ndvi_series"]),
        (["importance"], ("evapotranspiration",), ["/inputs/datasets/evapotranspiration"]),
        (["carbon"], ("npp",), ["/inputs/datasets/npp"]),
    ],
)
def test_missing_layers_are_named_with_what_needs_them(
    evaluated_watershed: Watershed,
    tmp_path: Path,
    themes: list[str],
    without: tuple[str, ...],
    pointers: list[str],
) -> None:
    with pytest.raises(InvalidInput) as caught:
        compute(task_of(evaluated_watershed, themes, without=without), tmp_path / "work")
    assert [fault.pointer for fault in caught.value.faults] == pointers
    assert all(fault.detail_zh for fault in caught.value.faults)


def _replace(watershed: Watershed, folder: Path, task: Task, rasters: Mapping[str, Any]) -> Task:
    for theme, bands in rasters.items():
        path = folder / f"other-{theme}.tif"
        write_geotiff(path, bands, transform=watershed.grid.transform, crs=f"EPSG:{EPSG}")
        task.files[f"{theme}.tif"] = str(path)
    return task


def test_an_input_without_any_value_is_refused(
    evaluated_watershed: Watershed, tmp_path: Path
) -> None:
    nothing = np.full(evaluated_watershed.grid.shape, np.nan)
    nothing[0, 0] = 3.0
    task = _replace(
        evaluated_watershed, tmp_path, task_of(evaluated_watershed, ["quality"]), {"lai": nothing}
    )
    with pytest.raises(InvalidInput, match="quality: no cell of the region has a value"):
        compute(task, tmp_path / "work")


def test_gaps_and_wrong_units_are_remarked_upon(
    evaluated_watershed: Watershed, tmp_path: Path
) -> None:
    leaf_area = read_geotiff(evaluated_watershed.rasters["lai"]).values
    leaf_area[:, 20:26] = np.nan
    npp = read_geotiff(evaluated_watershed.rasters["npp"]).values * 0.1
    task = _replace(
        evaluated_watershed,
        tmp_path,
        task_of(evaluated_watershed, ["quality", "carbon"]),
        {"lai": leaf_area, "npp": npp},
    )
    outcome = compute(task, tmp_path / "work")
    assert [one["code"] for one in outcome.warnings] == ["missing_cells", "unexpected_mean"]
    own = evaluation(tmp_path / "work", "quality")
    land = document(tmp_path / "work", "statistics.json")["land_cells"]
    assert f"{100 * own['unknown_cells'] / land:.1f} %" in outcome.warnings[0]["detail"]
    assert "tC/ha/a" in outcome.warnings[1]["detail_zh"]


def test_carbon_needs_the_months(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    year = read_geotiff(evaluated_watershed.rasters["rainfall"]).values.sum(axis=0, keepdims=True)
    task = _replace(
        evaluated_watershed, tmp_path, task_of(evaluated_watershed, ["carbon"]), {"rainfall": year}
    )
    with pytest.raises(InvalidInput, match="rainfall has 1 band") as caught:
        compute(task, tmp_path / "work")
    assert caught.value.faults[0].pointer == "/inputs/datasets/rainfall"


def test_a_short_series_is_refused(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    series = read_geotiff(evaluated_watershed.rasters["ndvi_series"]).values[:7]
    task = _replace(
        evaluated_watershed,
        tmp_path,
        task_of(evaluated_watershed, ["degradation"]),
        {"ndvi_series": series},
    )
    with pytest.raises(InvalidInput, match="7 years; a trend needs at least 8"):
        compute(task, tmp_path / "work")


def test_resilience_leaves_a_short_series_out_as_if_there_was_none(
    evaluated_watershed: Watershed, tmp_path: Path
) -> None:
    series = read_geotiff(evaluated_watershed.rasters["ndvi_series"]).values[:7]
    task = task_of(evaluated_watershed, ["resilience"])
    outcome = compute(
        _replace(evaluated_watershed, tmp_path, task, {"ndvi_series": series}), tmp_path / "short"
    )
    assert [one["code"] for one in outcome.warnings] == ["no_series"]
    assert outcome.manifest["evaluations"]["resilience"]["memory"] is None
    compute(task_of(evaluated_watershed, ["resilience"], without=("ndvi_series",)), tmp_path / "no")
    np.testing.assert_array_equal(
        band(tmp_path / "short", "resilience_index"), band(tmp_path / "no", "resilience_index")
    )


def test_a_constant_series_is_stable(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    series = np.full((8, *evaluated_watershed.grid.shape), 0.4)
    task = _replace(
        evaluated_watershed,
        tmp_path,
        task_of(evaluated_watershed, ["degradation"]),
        {"ndvi_series": series},
    )
    compute(task, tmp_path / "work")
    assert set(np.unique(codes(tmp_path / "work", "degradation"))) == {0, 4}
