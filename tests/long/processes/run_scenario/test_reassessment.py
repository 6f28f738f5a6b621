"""Services and zones after edits: near the edits anew, elsewhere what they were."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.assess_ecoservices.source_layers import read_layer
from shanhai.processes.build_network.context import COVER, Scene
from shanhai.processes.catalogue import CONTRACTS
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.kit.region import build_place, open_sources
from shanhai.processes.kit.task import Task
from shanhai.processes.run_scenario.contract import RunScenarioInputs
from shanhai.processes.run_scenario.edits import Edited, lay_edits
from shanhai.processes.run_scenario.reassessment import Reassessed, reassess
from shanhai.raster.windows import WindowRunner, window_runner
from shanhai.science.landcover import LandCover
from tests.support.scenario_edits import assessed_scenario, on_land

CELL_M = 500.0
BIOPHYSICAL: dict[str, Any] = {
    "profile": "biophysical",
    "ecoservices": {
        "water_conservation": {"parameters": {"industrial_use": 1e6}},
        "carbon_sink": {"parameters": {"emissions_total": 50_000}},
        "stormwater_regulation": {
            "parameters": {"storm_mm": 100},
            "options": {"demand_by": "built_up_nearby"},
        },
        "biodiversity": {"method": "habitat_quality"},
        "recreation": {"options": {"access_by": "least_cost"}},
    },
}
PROFILES: dict[str, dict[str, Any]] = {"index": {}, "biophysical": BIOPHYSICAL}


@dataclass(frozen=True)
class Ground:
    """An assessment, and what edits need beside it."""

    watershed: Watershed
    task: Task
    assessment: Assessment
    runner: WindowRunner
    folder: Path


@pytest.fixture(scope="module")
def small_windows() -> Iterator[None]:
    """Windows of which an edit reaches only some."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 16)
        yield


@pytest.fixture(scope="module", params=PROFILES)
def ground(
    request: pytest.FixtureRequest, small_windows: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp(request.param)
    watershed = build_watershed(folder / "files", cells=64, cell_m=CELL_M, biophysical=True)
    task = watershed.task(PROFILES[request.param])
    inputs = CONTRACTS[task.process].inputs.model_validate(task.inputs)
    assert isinstance(inputs, DelineateZonesInputs)
    with window_runner(1, None, ()) as runner:
        found = assess(task, inputs, folder / "base", runner, lambda *_: None)
        yield Ground(watershed, task, found, runner, folder)


def laid(ground: Ground, folder: Path, *edits: dict[str, Any]) -> Edited:
    task = assessed_scenario(ground.task, edits)
    inputs = RunScenarioInputs.model_validate(task.inputs)
    sources = open_sources(task, {COVER, "roads", "main_roads"})
    place = build_place(task, inputs, folder / "before", sources, ground.runner)
    return lay_edits(Scene(place, inputs, task), inputs, [], folder / "after")


def town(watershed: Watershed) -> dict[str, Any]:
    return {
        "kind": "set_cover",
        "name_zh": "新区",
        "cover": "built_up",
        "geometry": on_land(watershed, (0.3, 0.2), (0.36, 0.27)),
    }


def wood(watershed: Watershed) -> dict[str, Any]:
    return {
        "kind": "restore",
        "name_zh": "造林",
        "cover": "forest",
        "geometry": on_land(watershed, (0.6, 0.3), (0.66, 0.35)),
    }


def road(watershed: Watershed) -> dict[str, Any]:
    return {
        "kind": "build_road",
        "name_zh": "公路",
        "road": "main",
        "geometry": on_land(watershed, (0.2, 0.6), (0.3, 0.62), (0.4, 0.6)),
    }


def again(ground: Ground, folder: Path, edited: Edited, *, complete: bool = False) -> Reassessed:
    return reassess(ground.assessment, edited, folder, ground.runner, complete=complete)


def layer(found: Reassessed, key: str) -> np.ndarray:
    return np.asarray(read_layer(found.store, key, found.store.whole))


@pytest.mark.parametrize("makers", [(town,), (wood, road)])
def test_partial_equals_complete(ground: Ground, tmp_path: Path, makers: Any) -> None:
    edited = laid(ground, tmp_path, *(make(ground.watershed) for make in makers))
    part = again(ground, tmp_path / "part", edited)
    whole = again(ground, tmp_path / "whole", edited, complete=True)
    assert whole.windows[0] == whole.windows[1]
    # Ways to the nearest road change all over the land.
    assert 0 < part.windows[0] < part.windows[1] or part.whole
    assert part.altered == whole.altered != ()
    base = ground.assessment
    for key in base.assembled.results:
        assert np.array_equal(layer(part, key), layer(whole, key), equal_nan=True), key
    before = base.place.store.read_all("ratio")
    changed = ~np.isclose(before, layer(part, "ratio"), rtol=0, atol=0, equal_nan=True)
    assert 0 < changed.sum() < np.isfinite(before).sum()


def test_numbers_of_the_area_stay(ground: Ground, tmp_path: Path) -> None:
    """Cells whose cover changes are computed as such cells elsewhere, not by other limits."""
    edited = laid(ground, tmp_path, town(ground.watershed))
    figures = dict(ground.assessment.figures)
    found = again(ground, tmp_path / "part", edited)
    assert ground.assessment.figures == figures
    assert found.assessment is ground.assessment
    # Nothing rests on cover beyond the reach that is told.
    touched = np.argwhere(edited.touched)
    rows, cols = np.indices(edited.touched.shape)
    # Travel time, which recreation may follow, knows no distance.
    for service in set(found.altered) - ({"recreation"} if found.whole else set()):
        far = found.reach_cells[f"ratio.{service}"]
        low, high = touched.min(axis=0) - far, touched.max(axis=0) + far
        beyond = (rows < low[0]) | (rows > high[0]) | (cols < low[1]) | (cols > high[1])
        was = ground.assessment.place.store.read_all(f"ratio.{service}")
        is_now = layer(found, f"ratio.{service}")
        assert np.array_equal(was[beyond], is_now[beyond], equal_nan=True)


def test_an_edit_to_what_is_there_changes_no_byte(ground: Ground, tmp_path: Path) -> None:
    place = ground.assessment.layers.stores
    cover = place.wide.read_all(COVER)[place.pad : -place.pad, place.pad : -place.pad]
    valid = place.own.read_classes("valid", place.own.whole) == 1
    row, col = np.argwhere(valid & (cover == LandCover.FOREST))[40]
    grid = place.own.grid
    west, north = grid.west + (col + 0.5) * CELL_M, grid.north - (row + 0.5) * CELL_M
    bounds, side = ground.watershed.grid.bounds, 64 * CELL_M
    east, south = (west - bounds[0]) / side, (bounds[3] - north) / side
    same = {
        "kind": "set_cover",
        "name_zh": "不变",
        "cover": "forest",
        "geometry": on_land(
            ground.watershed, (south - 0.004, east - 0.004), (south + 0.004, east + 0.004)
        ),
    }
    found = again(ground, tmp_path / "part", laid(ground, tmp_path, same))
    for key in ground.assessment.assembled.results:
        was = read_layer(ground.assessment.place.store, key, place.own.whole)
        # Shares of a class are those of a raster of the same cells: 0 and 1.
        assert np.array_equal(was, layer(found, key), equal_nan=True), key


def test_a_cover_without_parameters_is_refused(ground: Ground, tmp_path: Path) -> None:
    edit = town(ground.watershed) | {"cover": "snow_ice"}
    edited = laid(ground, tmp_path, wood(ground.watershed), edit)
    with pytest.raises(InvalidInput) as caught:
        again(ground, tmp_path / "part", edited)
    (fault,) = caught.value.faults
    assert fault.pointer == "/inputs/edits/1/cover"
    assert "snow_ice" in fault.detail
    assert "snow_ice" in (fault.detail_zh or "")
