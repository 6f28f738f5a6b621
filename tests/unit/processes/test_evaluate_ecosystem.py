from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.task import DatasetTask, Outcome, Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.science.evaluation.importance_and_sensitivity import importance_class, share_thresholds
from tests.support.evaluations import band, codes, compute, document, evaluation, offset, task_of

pytestmark = pytest.mark.usefixtures("unpictured")


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
