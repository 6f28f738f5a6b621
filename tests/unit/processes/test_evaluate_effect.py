"""Rasters before and after, inside a perimeter and beside it, with numbers made by hand."""

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from shapely.geometry import box, mapping

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.evaluate_effect.compute import compute
from shanhai.processes.evaluate_effect.contract import (
    EffectLayer,
    EffectSubject,
    EffectTheme,
    EvaluateEffectTask,
)
from shanhai.processes.kit.task import DatasetTask, RegionTask
from shanhai.raster.crs import LON_LAT, reproject_geometry
from shanhai.raster.geotiff import write_geotiff
from shanhai.science.landcover import LandCover

EPSG = 4548
WEST, NORTH, CELL, SIDE = 500_000.0, 2_700_000.0, 10.0, 40
INSIDE = (slice(15, 25), slice(15, 25))
"""The 100 cells of a perimeter of 100 m by 100 m."""


def lonlat(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    return dict(mapping(reproject_geometry(box(west, south, east, north), f"EPSG:{EPSG}", LON_LAT)))


PERIMETER = lonlat(WEST + 150, NORTH - 250, WEST + 250, NORTH - 150)


def filled(around: float, inside: float) -> Any:
    values = np.full((SIDE, SIDE), around)
    values[INSIDE] = inside
    return values


def task_of(
    folder: Path, rasters: dict[tuple[EffectTheme, int], Any], **inputs: Any
) -> EvaluateEffectTask:
    datasets, files, layers = {}, {}, []
    for (theme, year), values in rasters.items():
        key = f"{theme}.{year}"
        path = folder / f"{key}.tif"
        write_geotiff(
            path,
            values,
            transform=(CELL, 0, WEST, 0, -CELL, NORTH),
            crs=f"EPSG:{EPSG}",
            nodata=0 if theme == "land_cover" else -9999.0,
        )
        datasets[key] = DatasetTask(
            id=1, code=key, theme=theme, uri=key, checksum="x", name_zh=key, name_en=key
        )
        files[key] = str(path)
        layers.append(EffectLayer(theme=theme, dataset=key, on=date(year, 7, 1)))
    region = RegionTask(
        code="r",
        name_zh="区",
        name_en="R",
        epsg=EPSG,
        geometry=lonlat(WEST, NORTH - 400, WEST + 400, NORTH),
    )
    return EvaluateEffectTask(
        process="evaluate-effect",
        inputs={"project": "p", "cell_m": CELL, **inputs},
        region=region,
        datasets=datasets,
        files=files,
        effect=EffectSubject(
            code="p",
            name_zh="项目",
            name_en="Project",
            first_year=2021,
            last_year=2023,
            geometry=PERIMETER,
            layers=layers,
        ),
    )


def effect_of(task: EvaluateEffectTask, workspace: Path) -> dict[str, Any]:
    workspace.mkdir()
    outcome = compute(task, workspace, lambda _percent, _stage: None)
    found: dict[str, Any] = outcome.values["effect"]["value"]
    return {**found, "warnings": outcome.warnings}


def test_greening_inside_beyond_that_beside(tmp_path: Path) -> None:
    task = task_of(tmp_path, {("ndvi", 2020): filled(0.2, 0.2), ("ndvi", 2024): filled(0.3, 0.5)})
    found = effect_of(task, tmp_path / "out")
    (ndvi,) = found["themes"]
    first, last = ndvi["series"]
    assert (first["inside"]["cells"], first["inside"]["known_cells"]) == (100, 100)
    assert last["inside"]["mean"] == pytest.approx(0.5)
    assert last["control"]["mean"] == pytest.approx(0.3)
    # (0.5 - 0.2) - (0.3 - 0.2) = 0.2
    assert ndvi["change"]["effect"] == pytest.approx(0.2, abs=1e-6)
    assert found["perimeter_ha"] == pytest.approx(1, abs=1e-4)
    assert found["control_ha"] == pytest.approx(1, abs=1e-3)
    assert found["control_width_m"] == pytest.approx(21.40, abs=0.02)
    assert found["warnings"] == []


def test_the_sealed_share_is_that_of_known_land(tmp_path: Path) -> None:
    before = filled(LandCover.CROPLAND, LandCover.CROPLAND).astype("uint8")
    after = before.copy()
    after[15, 15:20] = LandCover.BUILT_UP
    # Half of the perimeter is not known afterwards: 5 of 50 cells are sealed.
    after[20:25, 15:25] = 0
    task = task_of(tmp_path, {("land_cover", 2020): before, ("land_cover", 2024): after})
    found = effect_of(task, tmp_path / "out")
    (sealed,) = found["themes"]
    assert sealed["quantity"] == "sealed_share"
    last = sealed["series"][1]["inside"]
    assert (last["mean"], last["known_cells"], last["cells"]) == (pytest.approx(0.1), 50, 100)
    assert sealed["change"]["effect"] == pytest.approx(0.1)
    assert [one["code"] for one in found["warnings"]] == ["missing_cells"]
    assert "50 %" in found["warnings"][0]["detail"]


def test_before_and_after_are_drawn_to_one_scale(tmp_path: Path) -> None:
    task = task_of(tmp_path, {("ndvi", 2020): filled(0.2, 0.2), ("ndvi", 2024): filled(0.2, 0.6)})
    (tmp_path / "out").mkdir()
    outcome = compute(task, tmp_path / "out", lambda _percent, _stage: None)
    (file,) = outcome.files
    drawn = np.asarray(Image.open(tmp_path / "out" / file.path).convert("RGB"))
    height, width, _ = drawn.shape
    # The middle of each half is the perimeter; the ring beside it did not change.
    middles = [drawn[height * 2 // 5, width * part // 4] for part in (1, 3)]
    assert not np.array_equal(*middles)
    beside = [drawn[height // 8, width * part // 4] for part in (1, 3)]
    assert np.array_equal(*beside)


def test_the_years_of_a_series_are_its_bands(tmp_path: Path) -> None:
    around = (0.2, 0.2, 0.2, 0.2, 0.2, 0.3, 0.3, 0.3)
    inside = (0.1, 0.1, 0.1, 0.1, 0.2, 0.3, 0.6, 0.7)
    years = [filled(*pair) for pair in zip(around, inside, strict=True)]
    task = task_of(tmp_path, {("ndvi", 2020): np.stack(years)})
    assert task.effect is not None
    (layer,) = task.effect.layers
    # A series has a theme of its own.
    task.datasets["ndvi.2020"].theme = "ndvi_series"
    task.effect.layers = [
        layer.model_copy(update={"band": band, "on": date(2015 + band, 12, 31)})
        for band in range(1, 9)
    ]
    found = effect_of(task, tmp_path / "out")
    (ndvi,) = found["themes"]
    assert [one["inside"]["mean"] for one in ndvi["series"]] == [
        pytest.approx(mean, abs=1e-6) for mean in inside
    ]
    # (0.7 - 0.2) - (0.3 - 0.2) = 0.4, from 2020 to 2023.
    assert ndvi["change"]["effect"] == pytest.approx(0.4, abs=1e-6)
    assert (ndvi["change"]["before"], ndvi["change"]["after"]) == ("2020-12-31", "2023-12-31")


def test_what_nobody_knows_is_not_drawn(tmp_path: Path) -> None:
    nothing = filled(np.nan, np.nan)
    task = task_of(tmp_path, {("ndvi", 2020): nothing, ("ndvi", 2024): nothing})
    (tmp_path / "out").mkdir()
    assert compute(task, tmp_path / "out", lambda _percent, _stage: None).files == []


def test_windows_do_not_change_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(3).uniform(0, 1, (SIDE, SIDE))
    task = task_of(tmp_path, {("ndvi", 2020): values, ("ndvi", 2024): values[::-1]})
    whole = effect_of(task, tmp_path / "whole")
    monkeypatch.setattr("shanhai.processes.evaluate_effect.compute.WINDOW_CELLS", 3)
    parts = effect_of(task, tmp_path / "parts")
    for one, other in zip(whole["themes"][0]["series"], parts["themes"][0]["series"], strict=True):
        assert one["inside"]["known_cells"] == other["inside"]["known_cells"]
        assert one["inside"]["mean"] == pytest.approx(other["inside"]["mean"], abs=2e-6)
    assert whole["themes"][0]["series"][0]["inside"]["mean"] == pytest.approx(
        values[INSIDE].mean(), abs=1e-6
    )


def test_what_cannot_be_compared_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = task_of(tmp_path, {("ndvi", 2020): filled(0.2, 0.2)})
    with pytest.raises(InvalidInput):
        compute(task.model_copy(update={"effect": None}), tmp_path, lambda _p, _s: None)
    monkeypatch.setattr("shanhai.processes.evaluate_effect.compute.MAX_CELLS", 10)
    with pytest.raises(LimitExceeded):
        compute(task, tmp_path, lambda _p, _s: None)
