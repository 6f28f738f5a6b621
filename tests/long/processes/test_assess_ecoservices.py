"""The assessment by every method, through the process: files, numbers, and the same bytes again."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.catalogue import compute_of
from shanhai.raster.geotiff import read_geotiff
from shanhai.vocabulary import ECOSERVICES, codes
from tests.support.process_runs import TIMED

pytestmark = pytest.mark.usefixtures("unpictured")
SERVICES = codes(ECOSERVICES)
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


@pytest.fixture(scope="module")
def assessed(
    unpictured: None, full_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> Any:
    workspace = tmp_path_factory.mktemp("assessed") / "work"
    return run(full_watershed, workspace), workspace


def layer(workspace: Path, name: str) -> Any:
    return read_geotiff(workspace / f"{name}.tif").values[0]


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
    assessed: Any, full_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, expected = assessed
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 20)
    run(full_watershed, tmp_path / "other", processes=2)
    names = {path.name for path in (tmp_path / "other").iterdir()}
    assert names == {path.name for path in expected.iterdir()}
    for name in sorted(names - TIMED):
        assert (tmp_path / "other" / name).read_bytes() == (expected / name).read_bytes(), name


def test_an_attempt_goes_on_from_the_windows_a_former_one_finished(
    full_watershed: Watershed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.region.WINDOW_CELLS", 40)
    compute, task = (
        compute_of("assess-ecoservices"),
        full_watershed.task({}, process="assess-ecoservices"),
    )
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
    assessed: Any, full_watershed: Watershed, tmp_path: Path
) -> None:
    manifest = assessed[0].manifest
    (npp,) = [one for one in manifest["frozen_limits"] if one["layer"] == "npp"]
    frozen = [npp | {"hi": 2 * npp["hi"], "frozen_from": "baseline"}]
    outcome = run(full_watershed, tmp_path / "run", {**BIOPHYSICAL, "frozen_limits": frozen})
    (told,) = [one for one in outcome.manifest["frozen_limits"] if one["layer"] == "npp"]
    assert (told["hi"], told["frozen_from"]) == (frozen[0]["hi"], "baseline")
    same = run(
        full_watershed,
        tmp_path / "same",
        {**BIOPHYSICAL, "frozen_limits": manifest["frozen_limits"]},
    )
    for name in ("ratio", "supply.biodiversity"):
        one, other = (tmp_path / where / f"{name}.tif" for where in ("same", "run"))
        expected = assessed[1] / f"{name}.tif"
        assert one.read_bytes() == expected.read_bytes()
        assert other.read_bytes() != expected.read_bytes()
    assert same.manifest["figures"] == manifest["figures"]


def test_every_number_of_the_area_can_be_frozen(
    assessed: Any, full_watershed: Watershed, tmp_path: Path
) -> None:
    """A scenario is compared by the baseline's sums, maxima and means as well."""
    figures = assessed[0].manifest["figures"]
    lights = next(one for one in figures if (one["of"], one["kind"]) == ("night_lights", "sum"))
    outcome = run(
        full_watershed,
        tmp_path / "run",
        {**BIOPHYSICAL, "figures": [lights | {"value": 2 * lights["value"]}]},
    )
    told = outcome.manifest["figures"]
    assert next(one for one in told if one["of"] == "night_lights")["value"] == 2 * lights["value"]
    demand = layer(tmp_path / "run", "demand.carbon_sink")
    assert np.nansum(demand, dtype=np.float64) < 20_000
    run(full_watershed, tmp_path / "same", {**BIOPHYSICAL, "figures": figures})
    for path in assessed[1].glob("*.tif"):
        assert (tmp_path / "same" / path.name).read_bytes() == path.read_bytes(), path.name
