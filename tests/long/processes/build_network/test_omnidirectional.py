"""Whole networks with current from everywhere to everywhere."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed, build_linked_watershed, network_task
from shanhai.processes.build_network.contract import (
    OMNIDIRECTIONAL_RASTERS,
    RASTERS,
)
from shanhai.processes.kit.task import Outcome, Task
from shanhai.processes.reproduction import read_manifest, reproduce
from shanhai.raster.windows import WindowRunner, window_runner
from shanhai.science.corridors.moving_window import (
    WindowSettings,
    moving_window,
    normalised,
    strengths_of,
)
from shanhai.science.corridors.spacing import MetricCells
from tests.support.computed import band, compute, document, silent
from tests.support.networks import SIDE_M, flow, land
from tests.support.process_runs import TIMED

ASKED = {"omnidirectional": {"radius_m": 700, "block_cells": 3, "cutoff": 60}}


@pytest.fixture(scope="module")
def watershed(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_linked_watershed(tmp_path_factory.mktemp("watershed"), cells=48)


@pytest.fixture(scope="module")
def built(watershed: Watershed, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("built") / "work"
    return workspace, compute(network_task(watershed, ASKED), workspace)


def test_layers_figures_and_report_are_told(built: tuple[Path, Outcome]) -> None:
    workspace, outcome = built
    rasters = {file.name: file for file in outcome.files if file.kind == "raster"}
    assert rasters.keys() == {*RASTERS, *OMNIDIRECTIONAL_RASTERS}
    assert [rasters[name].meta["unit"] for name in OMNIDIRECTIONAL_RASTERS] == ["A", "A", "1"]
    figures = document(workspace, "statistics.json")["omnidirectional"]
    assert (figures["radius_cells"], figures["block_cells"]) == (7, 3)
    ratio = band(workspace, "normalised_current")
    areas = [figures[f"{name}_km2"] for name in ("impeded", "diffuse", "channelled")]
    assert sum(areas) == pytest.approx(np.isfinite(ratio).sum() / 100)
    resistance = band(workspace, "resistance")
    np.testing.assert_array_equal(
        np.isfinite(band(workspace, "omnidirectional_current")), np.isfinite(resistance)
    )
    told = document(workspace, "manifest.json")["network"]["omnidirectional"]
    assert (told["radius_m"], told["strength"], told["windows"]) == (
        *(700, "resistance"),
        figures["windows"],
    )
    assert told["circuit"]["solutions"] <= 2 * told["windows"]
    page = (workspace / "report.html").read_text(encoding="utf-8")
    for words in ("全域电流", "Current from everywhere to everywhere", "Normalised current"):
        assert words in page


def test_a_manifest_gives_the_same_bytes(
    built: tuple[Path, Outcome], watershed: Watershed, tmp_path: Path
) -> None:
    files = next(iter(watershed.rasters.values())).parent
    again = reproduce(
        read_manifest(built[0] / "manifest.json"),
        files=files,
        workspace=tmp_path / "again",
        progress=silent,
        processes=2,
    )
    changed = {one.name for one in again if not one.same}
    assert changed <= {"report", "report_pdf", "report_docx"}


def test_an_attempt_goes_on_from_finished_tiles(
    watershed: Watershed,
    built: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "shanhai.processes.build_network.compute.write_maps_and_report", lambda *_: []
    )
    resume(network_task(watershed, ASKED), 85, built[0])


def test_what_does_not_ask_for_it_stays_the_same(
    watershed: Watershed, built: tuple[Path, Outcome], tmp_path: Path
) -> None:
    plain = tmp_path / "plain"
    outcome = compute(network_task(watershed), plain)
    assert {file.name for file in outcome.files if file.kind == "raster"} == set(RASTERS)
    assert "omnidirectional" not in outcome.manifest["network"]
    statistics = document(built[0], "statistics.json")
    del statistics["omnidirectional"]
    assert document(plain, "statistics.json") == statistics
    for path in plain.iterdir():
        if path.name not in {*TIMED, "statistics.json"}:
            assert path.read_bytes() == (built[0] / path.name).read_bytes(), path.name


def test_importance_may_be_what_is_sent(watershed: Watershed, tmp_path: Path) -> None:
    asked = {"omnidirectional": {"radius_m": 700, "strength": "importance"}}
    outcome = compute(network_task(watershed, asked), tmp_path / "work")
    told = outcome.manifest["network"]["omnidirectional"]
    assert (told["strength"], told["block_cells"]) == ("importance", 1)


@pytest.mark.parametrize(("radius", "block"), [(7, 3), (4, 1), (20, 5)])
def test_tiles_give_what_the_whole_raster_gives(tmp_path: Path, radius: int, block: int) -> None:
    """Against the run that holds all in memory, which in turn agrees with dense matrices."""
    store, windows = land(tmp_path, 45, 60), WindowSettings(radius, block)
    found = flow(store, WindowRunner(), windows)
    resistance = store.read_all("resistance")
    strengths = strengths_of(np.where(np.isnan(resistance), np.inf, resistance), 60.0)
    whole = moving_window(resistance, strengths, MetricCells(SIDE_M, SIDE_M), windows)
    assert found["windows"] == whole.targets
    expected = {
        "omnidirectional_current": whole.cumulative,
        "flow_potential": whole.potential,
        "normalised_current": normalised(whole.cumulative, whole.potential),
    }
    barriers = np.isnan(resistance)
    for layer, values in expected.items():
        values[barriers] = np.nan
        np.testing.assert_allclose(store.read_all(layer), values, rtol=1e-6, atol=1e-9)
    ratio = store.read_all("normalised_current")
    np.testing.assert_allclose(
        found["cells"],
        [np.sum(ratio < 0.9), np.sum((ratio >= 0.9) & (ratio <= 1.1)), np.sum(ratio > 1.1)],
        atol=2,
    )


def test_processes_share_the_tiles_and_give_the_same_bytes(tmp_path: Path) -> None:
    layers = []
    for processes in (1, 2):
        store = land(tmp_path / str(processes), 40, 50)
        with window_runner(processes, None, (tmp_path,)) as runner:
            flow(store, runner, WindowSettings(7, 3))
        layers.append([store.read_all(layer).tobytes() for layer in OMNIDIRECTIONAL_RASTERS])
    assert layers[0] == layers[1]
