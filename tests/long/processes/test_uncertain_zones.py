"""Whole zonings with draws: their layers and record, and the same bytes again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.assess_ecoservices.assessment import assess
from shanhai.processes.delineate_zones.contract import DelineateZonesInputs
from shanhai.processes.delineate_zones.uncertainty import DRAWN, MODAL_ZONE, doubt_zones
from shanhai.processes.delineate_zones.zoning import delineate, square_cut, zoner_of
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff
from shanhai.raster.windows import window_runner

DRAWS = {"uncertainty": {"draws": 30}}


def test_draws_leave_layers_statistics_and_a_record(zone: Any, zoned: Any) -> None:
    run = zone(DRAWS)
    manifest = orjson.loads((run.workspace / "manifest.json").read_bytes())
    told = manifest["uncertainty"]["monte_carlo"]
    assert told["draws"] == 30
    assert {"light_share", "weights"} <= set(told["applied"])
    assert "uhi_max" in told["not_applied"]
    layers = {name: _values(run, name) for name in (*DRAWN, MODAL_ZONE, "zones", "ratio")}
    valid = layers["zones"] > 0
    for name in (*DRAWN, "ratio"):
        np.testing.assert_array_equal(np.isfinite(layers[name]), valid)
    np.testing.assert_array_equal(layers[MODAL_ZONE] > 0, valid)
    stability = layers["stability"][valid]
    # Shares of thirty draws; of five zones the commonest has a fifth of them at least.
    np.testing.assert_allclose(stability * 30, np.round(stability * 30), atol=1e-4)
    assert stability.min() >= 0.2
    assert stability.max() <= 1
    assert 0 < np.nanmax(layers["ratio_sd"]) < 1
    assert np.abs(layers["ratio_mean"] - layers["ratio"])[valid].max() < 0.3
    agreeing = np.count_nonzero((layers[MODAL_ZONE] == layers["zones"])[valid])
    assert told["modal_share"] == pytest.approx(agreeing / valid.sum())
    for one in orjson.loads((run.workspace / "statistics.json").read_bytes())["zones"]:
        own = layers["zones"] == one["class_value"]
        assert one["assignment_stability"] == pytest.approx(layers["stability"][own].mean())
    # The zones themselves are those of a run without draws.
    assert (run.workspace / "zones.tif").read_bytes() == (
        zoned.workspace / "zones.tif"
    ).read_bytes()
    assert [stage for _, stage in run.told].count("draws") == 30
    percents = [percent for percent, _ in run.told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    page = (run.workspace / "report.html").read_text(encoding="utf-8")
    assert "参数不确定性" in page
    # One more than without draws: the maps of what they say of each cell.
    usual = (zoned.workspace / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png") == usual.count("data:image/png") + 1


def test_an_attempt_goes_on_from_the_draws_a_former_one_finished(
    zone: Any, watershed: Watershed, resume: Callable[[Task, float, Path], None]
) -> None:
    asked = {"uncertainty": {"draws": 30, "sensitivity": True}}
    resume(watershed.task(asked), 85, zone(asked).workspace)


def test_draws_are_the_same_bytes_with_two_processes(watershed: Watershed, tmp_path: Path) -> None:
    first, second = (
        _doubted(watershed, tmp_path / str(processes), processes) for processes in (1, 2)
    )
    for name in DRAWN:
        np.testing.assert_array_equal(first.read_all(name), second.read_all(name))
    np.testing.assert_array_equal(
        first.read_classes(MODAL_ZONE, first.whole), second.read_classes(MODAL_ZONE, second.whole)
    )


def _doubted(watershed: Watershed, folder: Path, processes: int, draws: int = 30) -> Any:
    task = watershed.task({"uncertainty": {"draws": draws}})
    inputs = DelineateZonesInputs.model_validate(task.inputs)
    with window_runner(processes) as runner:
        assessment = assess(task, inputs, folder, runner, lambda percent, stage: None)
        zoner = zoner_of(
            assessment, inputs, square_cut(assessment.place.area.grid, inputs.parameters), runner
        )
        delineate(assessment, zoner)
        doubt_zones(assessment, inputs, zoner, folder / "draw", lambda share, stage: None)
    assert not (folder / "draw").exists()
    return assessment.place.store


def test_counts_beyond_a_byte_are_kept(
    watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = _doubted(watershed, tmp_path / "bytes", 1)
    monkeypatch.setattr("shanhai.processes.delineate_zones.uncertainty._DRAWS_OF_A_BYTE", 20)
    many = _doubted(watershed, tmp_path / "floats", 1)
    for name in DRAWN:
        np.testing.assert_array_equal(few.read_all(name), many.read_all(name))


def _values(run: Any, name: str) -> Any:
    values = read_geotiff(run.workspace / f"{name}.tif").values[0]
    return np.nan_to_num(values).astype(int) if name in ("zones", MODAL_ZONE) else values
