from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import rasterio

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from tests.support.process_runs import compute

ALGORITHMS = ("kmeans", "gmm", "ward_contig", "skater", "thresholds")


def zones_of(run: Any) -> np.ndarray:
    with rasterio.open(run.workspace / "zones.tif") as file:
        return np.asarray(file.read(1))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_zones_every_valid_cell(zone: Any, zoned: Any, algorithm: str) -> None:
    run = zone({"parameters": {"algorithm": algorithm}})
    zones, usual = zones_of(run), zones_of(zoned)
    np.testing.assert_array_equal(zones > 0, usual > 0)
    clustering = run.outcome.manifest["clustering"]
    assert clustering["algorithm"] == algorithm
    assert len(clustering["by_k"]) == 9
    assert ("bic" in clustering) == (algorithm == "gmm")
    assert ("joined_units" in clustering) == (algorithm in ("ward_contig", "skater"))
    if algorithm == "kmeans":
        np.testing.assert_array_equal(zones, usual)


def test_thresholds_are_set_against_the_clusters(zone: Any) -> None:
    run = zone({"parameters": {"algorithm": "thresholds", "majority_rounds": 0, "mmu_ha": 0}})
    clustering = run.outcome.manifest["clustering"]
    table = np.array(clustering["cross_table"])
    valid = run.outcome.manifest["aoi"]["valid_cells"]
    assert table[1:, 1:].sum() == valid
    # A fifth of the cells lies above the 80th percentile, a fifth between it and the 60th.
    assert table[:, 1][1:].sum() == pytest.approx(valid / 5, abs=1)
    assert clustering["thresholds"]["strict"] > clustering["thresholds"]["key"]


def test_features_and_units_may_be_chosen(zone: Any) -> None:
    run = zone({"parameters": {"features": "sd14", "pca": True, "units": "cells"}})
    clustering = run.outcome.manifest["clustering"]
    assert clustering["unit_m"] == run.outcome.manifest["aoi"]["cell_m"]
    assert clustering["features"][0] == "pc1"
    assert set(clustering["components"]["of"]) <= {
        f"{kind}.{service}"
        for kind in ("supply_n", "demand_n")
        for service in run.outcome.manifest["methods"]
    }


def test_place_may_weigh_in(zone: Any) -> None:
    run = zone({"parameters": {"features": "esdr7+coords"}})
    assert run.outcome.manifest["clustering"]["features"][-2:] == ["x", "y"]


def test_profiles_of_the_zones_are_told(zoned: Any) -> None:
    manifest = zoned.outcome.manifest
    profiles = manifest["naming"]["profiles"]
    assert {len(profile) for profile in profiles.values()} == {
        len(manifest["clustering"]["features"])
    }
    assert np.mean(profiles["1"]) > np.mean(profiles["4"])


def test_clean_up_takes_its_settings(zone: Any) -> None:
    run = zone({"parameters": {"majority_rounds": 0, "ring_m": 3000}})
    changed = run.outcome.manifest["postprocess"]["changed_cells"]
    assert changed["majority"] == 0
    # The land of general protection that is in deficit lies 0.7 km and more from zone 4.
    assert changed["ring"] > 0


def test_stability_is_told_when_asked_for(zone: Any, zoned: Any) -> None:
    run = zone({"parameters": {"stability": True}})
    trust = orjson.loads((run.workspace / "manifest.json").read_bytes())["uncertainty"]
    told = trust["stability"]
    assert 0 < told["median"] <= 1
    assert told["grade"] in ("good", "fair", "unstable")
    assert set(told["zone_grades"]) == set(told["jaccard"])
    assert trust["block_m"] >= 5000
    for profile in run.outcome.manifest["naming"]["order"]:
        interval = trust["ratio_intervals"][str(profile["zone"])]
        assert interval["mean"] == pytest.approx(profile["mu"])
        assert interval["low"] is None or interval["low"] <= interval["high"]
    np.testing.assert_array_equal(zones_of(run), zones_of(zoned))
    assert "stability" not in zoned.outcome.manifest["uncertainty"]


def test_cells_as_units_have_their_limit(zone: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shanhai.science.zoning.units.MAX_CELL_UNITS", 100)
    with pytest.raises(InvalidInput, match="more than 100") as caught:
        zone({"parameters": {"units": "cells"}})
    assert caught.value.faults[0].pointer == "/inputs/parameters/units"


def test_services_that_cannot_be_assessed_are_left_out_of_the_zones(zone: Any) -> None:
    run = zone({"min_services": 4}, without=("soil",))
    manifest = run.outcome.manifest
    assert set(manifest["left_out"]) == {
        *("water_conservation", "soil_retention", "stormwater_regulation"),
    }
    left = [name for name in manifest["methods"] if name not in manifest["left_out"]]
    assert manifest["clustering"]["features"] == left
    statistics = orjson.loads((run.workspace / "statistics.json").read_bytes())
    assert set(statistics["ratio_means"]) == {"ratio", *left}
    assert sum(zone["cells"] for zone in statistics["zones"]) == statistics["valid_cells"]


def test_zones_without_light_tell_no_sum_of_it(zone: Any) -> None:
    run = zone({"min_services": 2}, without=("night_lights",))
    for told in orjson.loads((run.workspace / "statistics.json").read_bytes())["zones"]:
        assert "night_lights_sum" not in told
        assert told["population"] >= 0


def test_light_that_no_service_compares_by_is_summed_all_the_same(
    unpictured: None, full_watershed: Watershed, tmp_path: Path
) -> None:
    services = {
        "water_conservation": {"parameters": {"industrial_use": 50_000}},
        "carbon_sink": {"parameters": {"emissions_total": 20_000}},
        "stormwater_regulation": {"parameters": {"storm_mm": 100}},
        "biodiversity": {
            "method": "habitat_quality",
            "options": {"demand_by": "land_development"},
        },
        "recreation": {"method": "una"},
    }
    run = compute(full_watershed.task({"ecoservices": services}), tmp_path / "work")
    statistics = orjson.loads((run.workspace / "statistics.json").read_bytes())
    told = {one["theme"]: one for one in run.outcome.manifest["inputs"]}["night_lights"]
    whole = sum(zone["night_lights_sum"] for zone in statistics["zones"])
    assert whole == pytest.approx(told["mean"] * statistics["valid_cells"], rel=1e-4)
