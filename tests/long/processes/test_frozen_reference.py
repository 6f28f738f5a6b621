"""Numbers and zones of one run taken over by another, so that counties, years and maps compare."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from shapely import box
from shapely.geometry import mapping

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.kit.reference import read_reference, reference_of
from shanhai.processes.kit.task import ReferenceTask, Task
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import read_geotiff
from tests.support.process_runs import Run, compute

pytestmark = pytest.mark.usefixtures("unpictured")

# Nothing of the clean-up looks across the border of a county.
RAW = {"majority_rounds": 0, "mmu_ha": 0, "periphery_m": 100_000}
BOTH, WEST, EAST = (4, 58), (4, 31), (31, 58)


def county(watershed: Watershed, columns: tuple[int, int], **inputs: Any) -> Task:
    """Part of the watershed; its border lies between units of three cells."""
    grid = watershed.grid
    west, east = (grid.west + grid.cell_m * column for column in columns)
    outline = box(west, grid.north - 58 * grid.cell_m, east, grid.north - 4 * grid.cell_m)
    moved = dict(mapping(reproject_geometry(outline, "EPSG:4548", LON_LAT)))
    task = watershed.task({"parameters": RAW, **inputs})
    assert task.region is not None
    task.region = task.region.model_copy(update={"geometry": moved, "districts": []})
    return task


def frozen(task: Task, reference: ReferenceTask, **more: Any) -> Task:
    inputs = {**task.inputs, "normalisation": {"from": "manifest", **more}}
    return task.model_copy(update={"inputs": inputs, "reference": reference})


def raster(run: Run, name: str) -> Any:
    return read_geotiff(run.workspace / f"{name}.tif").values[0]


@pytest.fixture(scope="module")
def sampled(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The first pass, over both counties."""
    return compute(county(watershed, BOTH), tmp_path_factory.mktemp("sampled") / "work")


@pytest.fixture(scope="module")
def model(sampled: Run) -> ReferenceTask:
    return read_reference(sampled.workspace / "manifest.json")


def test_counties_zoned_one_by_one_are_the_zones_of_a_run_over_both(
    watershed: Watershed, sampled: Run, model: ReferenceTask, tmp_path: Path
) -> None:
    zones, ratio = raster(sampled, "zones"), raster(sampled, "ratio")
    for columns, part in ((WEST, np.s_[:, :27]), (EAST, np.s_[:, 27:])):
        task = frozen(county(watershed, columns), model, zones=True)
        run = compute(task, tmp_path / str(columns[0]))
        # Sums over a neighbourhood start at the edge of the grid and round in another order.
        np.testing.assert_allclose(raster(run, "ratio"), ratio[part], atol=1e-6)
        np.testing.assert_array_equal(raster(run, "zones"), zones[part])
        manifest = run.outcome.manifest
        assert manifest["frozen_from"] == "manifest.json"
        assert {one["frozen_from"] for one in manifest["frozen_limits"]} == {"manifest"}
        assert manifest["zone_model"] == sampled.outcome.manifest["zone_model"]
        assert manifest["ratio"]["maxima"] == sampled.outcome.manifest["ratio"]["maxima"]


def test_a_county_alone_has_other_limits_and_other_zones(
    watershed: Watershed, sampled: Run, model: ReferenceTask, tmp_path: Path
) -> None:
    alone = compute(county(watershed, WEST), tmp_path / "alone")
    limited = compute(frozen(county(watershed, WEST), model), tmp_path / "limited")
    ratio = raster(sampled, "ratio")[:, :27]
    assert np.nanmax(np.abs(raster(alone, "ratio") - ratio)) > 0.01
    np.testing.assert_allclose(raster(limited, "ratio"), ratio, atol=1e-6)
    # Without `zones` the county is clustered by itself.
    assert limited.outcome.manifest["zone_model"] != model.zone_model


def test_a_run_with_frozen_numbers_is_repeated_from_its_manifest_alone(
    watershed: Watershed, model: ReferenceTask, tmp_path: Path
) -> None:
    run = compute(frozen(county(watershed, WEST), model, zones=True), tmp_path / "work")
    manifest = read_manifest(run.workspace / "manifest.json")
    files = next(iter(watershed.rasters.values())).parent
    again = reproduce(manifest, files=files, workspace=tmp_path / "again", progress=lambda *_: None)
    assert all(one.same for one in again if one.name in {"zones", "ratio", "patches"})


def changed(model: ReferenceTask, **members: Any) -> ReferenceTask:
    return model.model_copy(update=members)


REFUSED: dict[str, tuple[dict[str, Any], Callable[[ReferenceTask], ReferenceTask], str, str]] = {
    "another profile": (
        {},
        lambda m: changed(m, profile="biophysical"),
        "/inputs/profile",
        "is mixed, and the reference was computed with biophysical",
    ),
    "another method": (
        {},
        lambda m: changed(m, methods={**m.methods, "cooling": "lst"}),
        "/inputs/ecoservices/cooling/method",
        "cooling is calculated by index, and in the reference by lst",
    ),
    "a layer made of something else": (
        {},
        lambda m: changed(m, derived={**m.derived, "exposure": "given"}),
        "/inputs/datasets",
        "in the reference from 'given'",
    ),
    "a missing number": (
        {},
        lambda m: changed(m, figures=[one for one in m.figures if one.of != "npp"]),
        "/inputs/normalisation/from",
        "lacks numbers this run takes: quantile 0.005 of Net primary productivity",
    ),
    "another number of clusters": (
        {"parameters": {**RAW, "k": 4}},
        lambda m: m,
        "/inputs/parameters/k",
        "is 4, and the reference was computed with 5",
    ),
    "zones of an assessment": (
        {},
        lambda m: changed(m, zone_model=None, process="assess-ecoservices"),
        "/inputs/normalisation/zones",
        "has none",
    ),
    "a model that is not whole": (
        {},
        lambda m: changed(m, zone_model={"settings": {}}),
        "/inputs/normalisation/zones",
        "cannot be read",
    ),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_reference_that_does_not_fit_is_refused_by_name(
    watershed: Watershed, model: ReferenceTask, tmp_path: Path, case: Any
) -> None:
    inputs, change, pointer, words = case
    task = frozen(county(watershed, WEST, **inputs), change(model), zones=True)
    with pytest.raises(InvalidInput) as caught:
        compute(task, tmp_path / "work")
    assert caught.value.faults[0].pointer == pointer
    assert words in caught.value.message
    assert caught.value.message_zh != caught.value.message


def test_a_reference_that_was_not_given_is_asked_for(watershed: Watershed, tmp_path: Path) -> None:
    task = county(watershed, WEST, normalisation={"from": "manifest"})
    with pytest.raises(InvalidInput, match="no manifest was given"):
        compute(task, tmp_path / "work")


@pytest.mark.parametrize("text", ["[]", "{", json.dumps({"process": "echo"})])
def test_what_is_no_manifest_of_an_assessment_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "manifest.json"
    path.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read_reference(path)
    assert caught.value.faults[0].pointer == "/inputs/normalisation/from"


def test_a_manifest_of_another_process_is_refused() -> None:
    with pytest.raises(InvalidInput, match="is of build-network"):
        reference_of({"process": "build-network"}, "job 1")
