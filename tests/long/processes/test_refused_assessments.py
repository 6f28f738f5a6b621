"""The assessment by every method, through the process: bytes, numbers, refusals and flags."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import compute_of
from shanhai.raster.geotiff import read_geotiff, write_geotiff

pytestmark = pytest.mark.usefixtures("unpictured")
EVERYTHING = ["supply", "demand", "ratio", "normalised", "quadrant", "coupling", "extra"]
TOTALS = {
    "water_conservation": {"parameters": {"industrial_use": 50_000}},
    "carbon_sink": {"parameters": {"emissions_total": 20_000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 100}},
}
BIOPHYSICAL = {"profile": "biophysical", "ecoservices": TOTALS, "results": EVERYTHING}


def run(
    watershed: Watershed, workspace: Path, inputs: Mapping[str, Any] = BIOPHYSICAL, **more: Any
) -> Any:
    workspace.mkdir()
    task = watershed.task(inputs, process="assess-ecoservices", **more)
    return compute_of("assess-ecoservices")(task, workspace, lambda percent, stage: None)


def layer(workspace: Path, name: str) -> Any:
    return read_geotiff(workspace / f"{name}.tif").values[0]


def refusal(watershed: Watershed, workspace: Path, inputs: Mapping[str, Any]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        run(watershed, workspace, inputs)
    assert caught.value.message_zh != caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("member", "given"),
    [
        ("frozen_limits", {"layer": "gdp", "lo": 0, "hi": 1}),
        ("figures", {"of": "gdp", "kind": "sum", "value": 1}),
    ],
)
def test_numbers_a_run_does_not_take_are_refused(
    full_watershed: Watershed, tmp_path: Path, member: str, given: Mapping[str, Any]
) -> None:
    error = refusal(full_watershed, tmp_path / "run", {**BIOPHYSICAL, member: [given]})
    assert error.faults[0].pointer == f"/inputs/{member}/0"


WRONG: dict[str, tuple[Mapping[str, Any], str, str]] = {
    "method": ({"cooling": {"method": "magic"}}, "/cooling/method", "it has ucm, lst, index"),
    "parameter": (
        {"cooling": {"parameters": {"uhi": 3}}},
        "/cooling/parameters/uhi",
        "no parameter 'uhi'",
    ),
    "value out of range": (
        {"cooling": {"parameters": {"uhi_max": 300}}},
        "/cooling/parameters/uhi_max",
        "must lie between",
    ),
    "option": (
        {"soil_retention": {"options": {"flow_routing": "d16"}}},
        "/soil_retention/options/flow_routing",
        "one of d8",
    ),
    "table": (
        {"cooling": {"tables": {"colour": {"1": 1}}}},
        "/cooling/tables/colour",
        "no table 'colour'",
    ),
    "row out of range": (
        {"cooling": {"tables": {"albedo": {"2": 7}}}},
        "/cooling/tables/albedo/2",
        "must lie between",
    ),
    "total that is not given": (
        {"carbon_sink": {}},
        "/carbon_sink/parameters/emissions_total",
        "no default",
    ),
}


@pytest.mark.parametrize(("choice", "pointer", "words"), WRONG.values(), ids=WRONG.keys())
def test_what_a_method_does_not_have_is_refused_with_its_place(
    full_watershed: Watershed,
    tmp_path: Path,
    choice: Mapping[str, Any],
    pointer: str,
    words: str,
) -> None:
    inputs = {**BIOPHYSICAL, "ecoservices": {**TOTALS, **choice}}
    error = refusal(full_watershed, tmp_path / "run", inputs)
    (fault,) = [one for one in error.faults if one.pointer == f"/inputs/ecoservices{pointer}"]
    assert words in fault.detail
    assert not (tmp_path / "run" / "scratch").exists()


def test_what_a_formula_refuses_stands_in_the_inputs(
    full_watershed: Watershed, tmp_path: Path
) -> None:
    dark = dict(full_watershed.rasters)
    for theme in ("night_lights", "population"):
        raster = read_geotiff(dark[theme])
        dark[theme] = tmp_path / f"{theme}.tif"
        crs = str(raster.crs)
        write_geotiff(dark[theme], raster.values * 0, transform=raster.transform, crs=crs)
    services = {**TOTALS, "water_conservation": {"parameters": {"industrial_use": 0}}}
    inputs = {**BIOPHYSICAL, "ecoservices": services}
    error = refusal(replace(full_watershed, rasters=dark), tmp_path / "run", inputs)
    assert [one.pointer for one in error.faults] == [
        "/inputs/ecoservices/carbon_sink/parameters/emissions_total"
    ]


def test_missing_layers_name_service_method_and_dataset(
    full_watershed: Watershed, tmp_path: Path
) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(
            full_watershed,
            tmp_path / "run",
            without=("evapotranspiration", "hydrologic_group"),
        )
    faults = {one.pointer: one for one in caught.value.faults}
    assert faults.keys() == {
        "/inputs/datasets/evapotranspiration",
        "/inputs/datasets/hydrologic_group",
    }
    detail = faults["/inputs/datasets/evapotranspiration"]
    assert "water_conservation (balance)" in detail.detail
    assert "水源涵养（balance）" in (detail.detail_zh or "")


def test_the_next_method_takes_over_only_when_allowed_and_that_is_recorded(
    full_watershed: Watershed, tmp_path: Path
) -> None:
    outcome = run(
        full_watershed,
        tmp_path / "run",
        {**BIOPHYSICAL, "allow_fallback": True},
        without=("evapotranspiration",),
    )
    assert outcome.manifest["methods"]["water_conservation"] == "fu"
    assert outcome.manifest["fallbacks"] == {
        "water_conservation": {"wanted": "balance", "missing": ["evapotranspiration"]}
    }
    assert "method_fallback" in {one["code"] for one in outcome.warnings}


def test_services_may_be_missing_when_fewer_are_enough(
    full_watershed: Watershed, tmp_path: Path
) -> None:
    outcome = run(
        full_watershed,
        tmp_path / "run",
        {**BIOPHYSICAL, "min_services": 5},
        without=("hydrologic_group", "evapotranspiration"),
    )
    assert set(outcome.manifest["left_out"]) == {"water_conservation", "stormwater_regulation"}
    count = layer(tmp_path / "run", "available_services")
    assert set(np.unique(count[np.isfinite(count)])) == {5}
    assert "service_left_out" in {one["code"] for one in outcome.warnings}


def test_a_wrong_unit_is_warned_of(full_watershed: Watershed, tmp_path: Path) -> None:
    """NPP in kgC/m² makes a carbon sink a thousand times too small."""
    grid = full_watershed.grid
    path = tmp_path / "npp.tif"
    npp = read_geotiff(full_watershed.rasters["npp"]).values[0] / 1000
    write_geotiff(path, npp, transform=grid.transform, crs="EPSG:4548")
    task = full_watershed.task(BIOPHYSICAL, process="assess-ecoservices")
    task.files["npp.tif"] = str(path)
    (tmp_path / "run").mkdir()
    outcome = compute_of("assess-ecoservices")(task, tmp_path / "run", lambda p, s: None)
    said = " ".join(one["detail"] for one in outcome.warnings if one["code"] == "unexpected_mean")
    assert "supply.carbon_sink" in said


def test_a_law_of_a_method_that_is_broken_stops_the_run_or_warns(
    full_watershed: Watershed, tmp_path: Path
) -> None:
    shade = {"tables": {"shade": {"2": 0.0, "8": 1.0}, "albedo": {"2": 0.0, "8": 1.0}}}
    inputs = {**BIOPHYSICAL, "ecoservices": TOTALS | {"cooling": shade}}
    error = refusal(full_watershed, tmp_path / "cooling", inputs)
    assert error.faults[0].pointer == "/inputs/ecoservices/cooling/method"
    assert "heat mitigation falls" in error.message
    sealed = {f"curve_number_{group}": {"2": 98} for group in "abcd"}
    storm = {"parameters": {"storm_mm": 100}, "tables": sealed}
    outcome = run(
        full_watershed,
        tmp_path / "storm",
        {**BIOPHYSICAL, "ecoservices": TOTALS | {"stormwater_regulation": storm}},
    )
    assert "stormwater_order" in {one["code"] for one in outcome.warnings}
