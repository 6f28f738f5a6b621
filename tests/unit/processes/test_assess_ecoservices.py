"""The assessment by every method, through the process: bytes, numbers, refusals and flags."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.errors import InvalidInput
from shanhai.processes.catalogue import compute_of
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.vocabulary import ECOSERVICES, codes

pytestmark = pytest.mark.usefixtures("unpictured")
SERVICES = codes(ECOSERVICES)
EVERYTHING = ["supply", "demand", "ratio", "normalised", "quadrant", "coupling", "extra"]
TOTALS = {
    "water_conservation": {"parameters": {"industrial_use": 50_000}},
    "carbon_sink": {"parameters": {"emissions_total": 20_000}},
    "stormwater_regulation": {"parameters": {"storm_mm": 100}},
}
BIOPHYSICAL = {"profile": "biophysical", "ecoservices": TOTALS, "results": EVERYTHING}
TIMED = {"manifest.json", "report.html", "report.pdf", "report.docx"}


@pytest.fixture(scope="module")
def basin(tmp_path_factory: pytest.TempPathFactory) -> Watershed:
    return build_watershed(tmp_path_factory.mktemp("basin"), cells=64, biophysical=True)


def run(
    watershed: Watershed, workspace: Path, inputs: Mapping[str, Any] = BIOPHYSICAL, **more: Any
) -> Any:
    workspace.mkdir()
    task = watershed.task(inputs, process="assess-ecoservices", **more)
    return compute_of("assess-ecoservices")(task, workspace, lambda percent, stage: None)


@pytest.fixture(scope="module")
def assessed(unpictured: None, basin: Watershed, tmp_path_factory: pytest.TempPathFactory) -> Any:
    workspace = tmp_path_factory.mktemp("assessed") / "work"
    return run(basin, workspace), workspace


def layer(workspace: Path, name: str) -> Any:
    return read_geotiff(workspace / f"{name}.tif").values[0]


def refusal(watershed: Watershed, workspace: Path, inputs: Mapping[str, Any]) -> InvalidInput:
    with pytest.raises(InvalidInput) as caught:
        run(watershed, workspace, inputs)
    assert caught.value.message_zh != caught.value.message
    return caught.value


def test_every_result_that_was_asked_for_is_a_raster(assessed: Any) -> None:
    outcome, workspace = assessed
    rasters = {file.name: file for file in outcome.files if file.kind == "raster"}
    for service in SERVICES:
        for kind in ("supply", "demand", "ratio", "supply_n", "demand_n", "quadrant", "coupling"):
            assert f"{kind}.{service}" in rasters
    assert {"ratio", "net_ecosystem_production.carbon_sink"} <= rasters.keys()
    assert rasters["supply.cooling"].meta["unit"] == "Cel"
    assert rasters["supply.soil_retention"].meta["unit"] == "t/ha/yr"
    assert rasters["quadrant.cooling"].meta["unit"] is None
    assert rasters["actual_erosion.soil_retention"].title_zh.startswith("土壤保持：")
    assert not (workspace / "scratch").exists()


def test_the_methods_of_the_profile_are_taken(assessed: Any) -> None:
    assert assessed[0].manifest["methods"] == {
        "water_conservation": "balance",
        "soil_retention": "rusle",
        "cooling": "ucm",
        "carbon_sink": "nep",
        "stormwater_regulation": "scs_cn",
        "biodiversity": "npp_index",
        "recreation": "index",
    }


def test_small_windows_in_two_processes_give_the_same_bytes(
    assessed: Any, basin: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = assessed
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 20)
    run(basin, tmp_path / "other", processes=2)
    names = {path.name for path in (tmp_path / "other").iterdir()}
    assert names == {path.name for path in expected.iterdir()}
    for name in sorted(names - TIMED):
        assert (tmp_path / "other" / name).read_bytes() == (expected / name).read_bytes(), name


def test_an_attempt_goes_on_from_the_windows_a_former_one_finished(
    basin: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 40)
    compute, task = compute_of("assess-ecoservices"), basin.task({}, process="assess-ecoservices")
    kept, stages = tmp_path / "kept", list[str]()

    def attempt(name: str, windows: Path | None, progress: Any) -> None:
        (tmp_path / name).mkdir()
        own = None if windows is None else str(windows)
        keeping = task.model_copy(update={"windows": own, "keep_from_s": 0.0})
        compute(keeping, tmp_path / name, progress)

    def end_early(percent: float, stage: str) -> None:
        if percent > 40:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        attempt("first", kept, end_early)
    finished = {path: path.stat().st_mtime_ns for path in kept.rglob("*.window")}
    assert finished
    attempt("second", kept, lambda percent, stage: stages.append(stage))
    assert stages[0] == f"resumed:{len(finished)}"
    assert len(list(kept.rglob("*.window"))) > len(finished)
    assert all(path.stat().st_mtime_ns == written for path, written in finished.items())
    attempt("whole", None, lambda percent, stage: None)
    for name in sorted({path.name for path in (tmp_path / "whole").iterdir()} - TIMED):
        both = [(tmp_path / attempt / name).read_bytes() for attempt in ("second", "whole")]
        assert both[0] == both[1], name


def test_carbon_demand_sums_up_to_the_emissions(assessed: Any) -> None:
    demand = layer(assessed[1], "demand.carbon_sink")
    assert np.nansum(demand, dtype=np.float64) == pytest.approx(20_000, rel=1e-6)


def test_statistics_hold_region_and_districts_and_agree_with_the_rasters(assessed: Any) -> None:
    outcome, workspace = assessed
    document = json.loads((workspace / "statistics.json").read_bytes())
    region, *districts = document["places"]
    assert [one["code"].partition(".")[2] for one in districts] == ["upper", "left", "right"]
    assert region["cells"] == document["valid_cells"] == sum(one["cells"] for one in districts)
    cooling = next(one for one in region["services"] if one["service"] == "cooling")
    supply = layer(workspace, "supply.cooling")
    assert cooling["supply"]["mean"] == pytest.approx(float(np.nanmean(supply)), abs=1e-5)
    assert cooling["supply"]["p90"] == pytest.approx(float(np.nanquantile(supply, 0.9)), abs=1e-5)
    ratio = layer(workspace, "ratio")
    share = 100 * np.count_nonzero(ratio < 0) / np.isfinite(ratio).sum()
    assert region["ratio"]["deficit_share_percent"] == pytest.approx(share, abs=1e-5)
    water = next(one for one in region["services"] if one["service"] == "water_conservation")
    kept = layer(workspace, "supply.water_conservation")
    assert water["supply"]["total"] == pytest.approx(float(np.nansum(kept)), rel=1e-6)
    assert outcome.values["region"]["code"] == region["code"]


def test_the_table_holds_every_place_service_and_layer(assessed: Any) -> None:
    text = (assessed[1] / "table.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == 4 * (1 + 3 * len(SERVICES))
    assert {row["unit"] for row in rows if row["service"] == "cooling"} == {"Cel", "1"}


def test_the_manifest_tells_every_number_with_its_status(assessed: Any) -> None:
    manifest = json.loads((assessed[1] / "manifest.json").read_bytes())
    told = {(one["layer"], one["name"]): one for one in manifest["parameters"]["layers"]}
    assert told["demand.carbon_sink", "emissions_total"]["value"] == 20_000
    assert told["demand.carbon_sink", "emissions_total"]["status"] == "user"
    assert told["supply.water_conservation", "runoff_coefficient"]["value"]["forest"] == 0.0267
    assert manifest["ratio"]["maxima"]["cooling"]["unit"] == "Cel"
    assert {one["kind"] for one in manifest["figures"]} >= {"quantile", "sum", "mean", "max"}
    assert manifest["request"]["ecoservices"]["carbon_sink"]["parameters"]
    assert manifest["flags"] == []


def test_limits_of_an_earlier_run_can_be_frozen(
    assessed: Any, basin: Watershed, tmp_path: Path
) -> None:
    manifest = assessed[0].manifest
    (npp,) = [one for one in manifest["normalization"] if one["layer"] == "npp"]
    frozen = [npp | {"hi": 2 * npp["hi"], "frozen_from": "baseline"}]
    outcome = run(basin, tmp_path / "run", {**BIOPHYSICAL, "normalization": frozen})
    (told,) = [one for one in outcome.manifest["normalization"] if one["layer"] == "npp"]
    assert (told["hi"], told["frozen_from"]) == (frozen[0]["hi"], "baseline")
    same = run(
        basin, tmp_path / "same", {**BIOPHYSICAL, "normalization": manifest["normalization"]}
    )
    for name in ("ratio", "supply.biodiversity"):
        one, other = (tmp_path / where / f"{name}.tif" for where in ("same", "run"))
        expected = assessed[1] / f"{name}.tif"
        assert one.read_bytes() == expected.read_bytes()
        assert other.read_bytes() != expected.read_bytes()
    assert same.manifest["figures"] == manifest["figures"]


def test_every_number_of_the_area_can_be_frozen(
    assessed: Any, basin: Watershed, tmp_path: Path
) -> None:
    """A scenario is compared by the baseline's sums, maxima and means as well."""
    figures = assessed[0].manifest["figures"]
    lights = next(one for one in figures if (one["of"], one["kind"]) == ("night_lights", "sum"))
    outcome = run(
        basin,
        tmp_path / "run",
        {**BIOPHYSICAL, "figures": [lights | {"value": 2 * lights["value"]}]},
    )
    told = outcome.manifest["figures"]
    assert next(one for one in told if one["of"] == "night_lights")["value"] == 2 * lights["value"]
    demand = layer(tmp_path / "run", "demand.carbon_sink")
    assert np.nansum(demand, dtype=np.float64) < 20_000
    run(basin, tmp_path / "same", {**BIOPHYSICAL, "figures": figures})
    for path in assessed[1].glob("*.tif"):
        assert (tmp_path / "same" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize(
    ("member", "given"),
    [
        ("normalization", {"layer": "gdp", "lo": 0, "hi": 1}),
        ("figures", {"of": "gdp", "kind": "sum", "value": 1}),
    ],
)
def test_numbers_a_run_does_not_take_are_refused(
    basin: Watershed, tmp_path: Path, member: str, given: Mapping[str, Any]
) -> None:
    error = refusal(basin, tmp_path / "run", {**BIOPHYSICAL, member: [given]})
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
    basin: Watershed, tmp_path: Path, choice: Mapping[str, Any], pointer: str, words: str
) -> None:
    inputs = {**BIOPHYSICAL, "ecoservices": {**TOTALS, **choice}}
    error = refusal(basin, tmp_path / "run", inputs)
    (fault,) = [one for one in error.faults if one.pointer == f"/inputs/ecoservices{pointer}"]
    assert words in fault.detail
    assert not (tmp_path / "run" / "scratch").exists()


def test_missing_layers_name_service_method_and_dataset(basin: Watershed, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(basin, tmp_path / "run", without=("evapotranspiration", "hydrologic_group"))
    faults = {one.pointer: one for one in caught.value.faults}
    assert faults.keys() == {
        "/inputs/datasets/evapotranspiration",
        "/inputs/datasets/hydrologic_group",
    }
    detail = faults["/inputs/datasets/evapotranspiration"]
    assert "water_conservation (balance)" in detail.detail
    assert "水源涵养（balance）" in (detail.detail_zh or "")


def test_the_next_method_takes_over_only_when_allowed_and_that_is_recorded(
    basin: Watershed, tmp_path: Path
) -> None:
    outcome = run(
        basin,
        tmp_path / "run",
        {**BIOPHYSICAL, "allow_fallback": True},
        without=("evapotranspiration",),
    )
    assert outcome.manifest["methods"]["water_conservation"] == "fu"
    assert outcome.manifest["fallbacks"] == {
        "water_conservation": {"wanted": "balance", "missing": ["evapotranspiration"]}
    }
    assert "method_fallback" in {one["code"] for one in outcome.warnings}


def test_services_may_be_missing_when_fewer_are_enough(basin: Watershed, tmp_path: Path) -> None:
    outcome = run(
        basin,
        tmp_path / "run",
        {**BIOPHYSICAL, "min_services": 5},
        without=("hydrologic_group", "evapotranspiration"),
    )
    assert set(outcome.manifest["left_out"]) == {"water_conservation", "stormwater_regulation"}
    count = layer(tmp_path / "run", "available_services")
    assert set(np.unique(count[np.isfinite(count)])) == {5}
    assert "service_left_out" in {one["code"] for one in outcome.warnings}


def test_a_wrong_unit_is_warned_of(basin: Watershed, tmp_path: Path) -> None:
    """NPP in kgC/m² makes a carbon sink a thousand times too small."""
    grid = basin.grid
    path = tmp_path / "npp.tif"
    npp = read_geotiff(basin.rasters["npp"]).values[0] / 1000
    write_geotiff(path, npp, transform=grid.transform, crs="EPSG:4548")
    task = basin.task(BIOPHYSICAL, process="assess-ecoservices")
    task.files["npp.tif"] = str(path)
    (tmp_path / "run").mkdir()
    outcome = compute_of("assess-ecoservices")(task, tmp_path / "run", lambda p, s: None)
    said = " ".join(one["detail"] for one in outcome.warnings if one["code"] == "unexpected_mean")
    assert "supply.carbon_sink" in said


def test_a_law_of_a_method_that_is_broken_stops_the_run_or_warns(
    basin: Watershed, tmp_path: Path
) -> None:
    shade = {"tables": {"shade": {"2": 0.0, "8": 1.0}, "albedo": {"2": 0.0, "8": 1.0}}}
    inputs = {**BIOPHYSICAL, "ecoservices": TOTALS | {"cooling": shade}}
    error = refusal(basin, tmp_path / "cooling", inputs)
    assert error.faults[0].pointer == "/inputs/ecoservices/cooling/method"
    assert "heat mitigation falls" in error.message
    sealed = {f"curve_number_{group}": {"2": 98} for group in "abcd"}
    storm = {"parameters": {"storm_mm": 100}, "tables": sealed}
    outcome = run(
        basin,
        tmp_path / "storm",
        {**BIOPHYSICAL, "ecoservices": TOTALS | {"stormwater_regulation": storm}},
    )
    assert "stormwater_order" in {one["code"] for one in outcome.warnings}
