import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from shanhai.data.synthetic_watershed import Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.assess_ecoservices.assessed import SERVICES
from shanhai.processes.catalogue import compute_of
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES
from shanhai.processes.kit.task import Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from tests.support.process_runs import require_same_files

Zone = Callable[..., Any]
GOLDEN = Path(__file__).parents[2] / "golden" / "watershed.json"


def document(run: Any, name: str) -> Any:
    return json.loads((run.workspace / name).read_bytes())


def codes_of(run: Any) -> Any:
    return np.nan_to_num(read_geotiff(run.workspace / "zones.tif").values[0]).astype(int)


def refusal(task: Task, workspace: Path) -> InvalidInput:
    workspace.mkdir()
    with pytest.raises(InvalidInput) as caught:
        compute_of("delineate-zones")(task, workspace, lambda percent, stage: None)
    return caught.value


def test_every_promised_output_is_there(zoned: Any) -> None:
    names = {file.name for file in zoned.outcome.files}
    by_file = {"report", "report_pdf", "report_docx", "map_zh", "map_en", "patches", "statistics"}
    by_file |= {"ratio_map_zh", "ratio_map_en"}
    assert by_file <= {output.name for output in DELINEATE_ZONES.outputs}
    assert by_file <= names
    rasters = {file.name for file in zoned.outcome.files if file.kind == "raster"}
    assert rasters == {"zones", "ratio", "zone_consensus", "zone_agreement"} | {
        f"{kind}.{service}" for kind in ("ratio", "supply", "demand") for service in SERVICES
    }
    assert all((zoned.workspace / file.path).is_file() for file in zoned.outcome.files)
    assert not (zoned.workspace / "scratch").exists()


def test_progress_rises_to_a_hundred_through_named_stages(zoned: Any) -> None:
    percents = [percent for percent, _ in zoned.told]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    stages = list(dict.fromkeys(stage for _, stage in zoned.told))
    assert stages[1:-1] == [
        *("align", "derive", "supply_demand", "ratio"),
        *("cluster", "zones", "polygons", "statistics", "robustness", "rasters", "maps", "done"),
    ]
    assert stages[-1] == "pdf"


def test_zone_cells_sum_up_to_the_valid_cells_exactly(zoned: Any) -> None:
    codes = codes_of(zoned)
    statistics = document(zoned, "statistics.json")
    ratio = read_geotiff(zoned.workspace / "ratio.tif").values[0]
    assert statistics["valid_cells"] == zoned.outcome.manifest["aoi"]["valid_cells"]
    assert sum(zone["cells"] for zone in statistics["zones"]) == statistics["valid_cells"]
    np.testing.assert_array_equal(codes > 0, np.isfinite(ratio))
    for zone in statistics["zones"]:
        assert np.count_nonzero(codes == zone["class_value"]) == zone["cells"]
    assert sum(zone["share_percent"] for zone in statistics["zones"]) == pytest.approx(100)


def test_districts_share_the_zones_out(zoned: Any) -> None:
    statistics = document(zoned, "statistics.json")
    assert [d["code"].split(".")[1] for d in statistics["districts"]] == ["upper", "left", "right"]
    for zone in statistics["zones"]:
        parts = [
            z["cells"]
            for d in statistics["districts"]
            for z in d["zones"]
            if z["code"] == zone["code"]
        ]
        assert sum(parts) == zone["cells"]


def test_ratios_stay_in_range_and_zones_in_the_order_of_their_names(zoned: Any) -> None:
    for service in SERVICES:
        values = read_geotiff(zoned.workspace / f"ratio.{service}.tif").values
        assert np.nanmin(values) >= -2
        assert np.nanmax(values) <= 2
    means = {
        zone["class_value"]: zone["ratio"]["mean"]
        for zone in document(zoned, "statistics.json")["zones"]
    }
    assert means[1] > means[2] > means[3] > means[5] > means[4]
    assert means[4] < 0 < means[1]


def test_ratios_follow_from_the_formulas_taken_over_the_whole_region(
    zoned: Any, watershed: Watershed
) -> None:
    """The windowed pipeline against a few lines of NumPy on the whole arrays."""
    pad = round((zoned.outcome.manifest["aoi"]["transform"][2] - watershed.grid.west) / 100)
    ratio = read_geotiff(zoned.workspace / "ratio.tif").values[0]
    height, width = ratio.shape
    valid = np.isfinite(ratio)

    def layer(theme: str, margin: int = 0) -> Any:
        bands = read_geotiff(watershed.rasters[theme]).values
        first, rows, columns = pad - margin, height + 2 * margin, width + 2 * margin
        return bands[:, first : first + rows, first : first + columns]

    def n(values: Any) -> Any:
        low, high = np.percentile(values[valid].astype(np.float32), [0.5, 99.5])
        return np.clip((values - low) / (high - low), 0, 1)

    def rank(values: Any) -> Any:
        at, single = np.array([0.005, *np.arange(1, 20) / 20, 0.995]), values.astype(np.float32)
        knots = np.quantile(single[valid], at)
        # Of equal knots the one takes the first and the other the last: the middle is theirs.
        up, down = (
            np.interp(single, knots, at, 0, 1),
            np.interp(-single, -knots[::-1], at[::-1], 1, 0),
        )
        return (up + down) / 2

    def esdr(supply: Any, demand: Any) -> Any:
        tops = [np.percentile(x[valid].astype(np.float32), 99.5) for x in (supply, demand)]
        capped = np.minimum(supply, tops[0]) - np.minimum(demand, tops[1])
        return capped / (sum(tops) / 2)

    # One cell more on each side: slopes at the rim are taken from cells beyond it.
    dem, lights = layer("dem", 1)[0], n(np.log1p(np.maximum(layer("night_lights")[0], 0)))
    npp, rain = n(layer("npp")[0]), n(layer("rainfall").sum(axis=0))
    people = n(np.log1p(layer("population")[0]))
    east, south = dem[:, 2:] - dem[:, :-2], dem[2:] - dem[:-2]
    p = (east[:-2] + 2 * east[1:-1] + east[2:]) / 800
    q = (south[:, :-2] + 2 * south[:, 1:-1] + south[:, 2:]) / 800
    slope = n(np.degrees(np.arctan(np.hypot(p, q))))
    water = npp * rain * (1 - slope) * _infiltration(layer("soil"))
    soil = [
        read_geotiff(zoned.workspace / f"{side}.soil_retention.tif").values[0]
        for side in ("supply", "demand")
    ]
    expected = {
        # Indices are compared by their ranks, tonnes of soil as they are.
        "carbon_sink": rank(npp) - rank(0.6 * lights + 0.4 * people),
        "water_conservation": rank(water) - rank(lights),
        "soil_retention": esdr(*soil),
    }
    for service, values in expected.items():
        found = read_geotiff(zoned.workspace / f"ratio.{service}.tif").values[0]
        assert np.abs(found - values)[valid].max() < 5e-6, service


def _infiltration(soil: Any) -> Any:
    """Score of the few textures of this watershed: clay loam, loam, sandy loam, sandy clay loam."""
    sand, silt, clay, _ = soil
    score = np.full(sand.shape, 11.0)
    score[(clay >= 7) & (silt >= 28) & (sand <= 52)] = 9.0
    score[(clay >= 20) & (silt < 28)] = 10.0
    score[(clay >= 27) & (sand <= 45)] = 5.0
    score[(clay >= 27) & (sand > 45)] = 10.0
    return score / 13


def test_marine_cells_and_those_outside_the_region_are_nodata(
    zoned: Any, watershed: Watershed
) -> None:
    aoi = zoned.outcome.manifest["aoi"]
    cover = read_geotiff(watershed.rasters["land_cover"]).values[0]
    codes = codes_of(zoned)
    south = codes[-6:]
    assert aoi["sea_cells"] > 0
    assert aoi["valid_cells"] <= aoi["region_cells"] - aoi["sea_cells"]
    assert np.isnan(cover[-6:]).all()
    assert not south.any()
    assert codes[0, 0] == 0


def test_polygons_are_a_valid_coverage_of_the_right_place(zoned: Any, watershed: Watershed) -> None:
    patches = document(zoned, "patches.geojson")["features"]
    polygons = [shape(one["geometry"]) for one in patches]
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    region = shape(watershed.region.geometry)
    assert region.buffer(0.002).covers(shapely.union_all(polygons))
    zones = document(zoned, "zones.geojson")["features"]
    assert {one["properties"]["class_value"] for one in zones} == {1, 2, 3, 4, 5}
    assert all(shape(one["geometry"]).is_valid for one in zones)
    assert len({one["id"] for one in patches}) == len(patches)


def test_the_watershed_keeps_its_numbers(zoned: Any) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    statistics = document(zoned, "statistics.json")
    for zone, kept in zip(statistics["zones"], golden["zones"], strict=True):
        assert zone["code"] == kept["code"]
        assert zone["cells"] == kept["cells"]
        assert zone["ratio"]["mean"] == pytest.approx(kept["ratio_mean"], rel=1e-5)
    # Differences of ranks are 0 on average, so that a last digit is much of them.
    assert statistics["ratio_means"] == pytest.approx(golden["ratio_means"], rel=1e-5, abs=2e-6)


def test_the_manifest_holds_what_a_second_run_needs(zoned: Any) -> None:
    manifest = document(zoned, "manifest.json")
    themes = {one["theme"] for one in manifest["inputs"]}
    assert themes == {
        *("dem", "land_cover", "ndvi", "night_lights", "npp"),
        *("population", "rainfall", "soil", "temperature"),
    }
    assert all(len(one["sha256"]) == 64 for one in [*manifest["inputs"], *manifest["outputs"]])
    assert {one["k"] for one in manifest["clustering"]["by_k"]} == set(range(2, 11))
    assert manifest["aoi"]["edge_effect"] is True
    layers = {one["layer"] for one in manifest["frozen_limits"]}
    assert {"npp", "ndvi", "supply.cooling", "demand.biodiversity"} <= layers
    # What can be measured is: soil by its loss, of which nothing was asked for.
    assert manifest["methods"]["soil_retention"] == "rusle"
    records = {(one["layer"], one["name"]): one for one in manifest["parameters"]["layers"]}
    assert records["r_factor.soil_retention", "erosivity_from"]["value"] == "monthly"
    assert records["evaporation", "crop_coefficient"]["value"]["built_up"] == 0.25
    assert records["demand.carbon_sink", "light_share"]["status"] == "E"
    assert {"numpy", "gdal", "proj", "geos"} <= set(manifest["library_versions"])


def test_the_manifest_tells_what_each_input_holds_on_land(zoned: Any, watershed: Watershed) -> None:
    manifest = document(zoned, "manifest.json")
    told = {one["theme"]: one for one in manifest["inputs"]}
    codes = codes_of(zoned)
    west, north = manifest["aoi"]["transform"][2], manifest["aoi"]["transform"][5]
    col = round((west - watershed.grid.west) / 100)
    row = round((watershed.grid.north - north) / 100)
    height, width = codes.shape

    def land(theme: str) -> Any:
        bands = read_geotiff(watershed.rasters[theme]).values
        return bands[:, row : row + height, col : col + width][:, codes > 0]

    assert all(one["nodata_cells"] == one["out_of_range_cells"] == 0 for one in told.values())
    assert told["npp"]["mean"] == pytest.approx(land("npp").mean(), rel=1e-6)
    assert told["dem"]["max"] == pytest.approx(land("dem").max(), rel=1e-6)
    assert told["rainfall"]["mean"] == pytest.approx(land("rainfall").sum(axis=0).mean(), rel=1e-6)
    assert told["temperature"]["min"] > 10
    assert told["soil"]["min"] == pytest.approx(land("soil").min(axis=1).tolist(), rel=1e-6)
    assert told["land_cover"]["mean"] is None
    assert re.fullmatch(r"[0-9a-f]{40}", manifest["git_commit"] or "0" * 40)


def test_gaps_and_impossible_values_are_counted_and_flagged(
    watershed: Watershed, tmp_path: Path
) -> None:
    grid = watershed.grid
    ndvi = read_geotiff(watershed.rasters["ndvi"]).values[0]
    ndvi[20:30, 10:40] = np.nan
    ndvi[30:32, 20:30] = 1.5
    gappy = tmp_path / "ndvi.tif"
    write_geotiff(gappy, ndvi, transform=grid.transform, crs="EPSG:4548")
    task = watershed.task()
    task.files["ndvi.tif"] = str(gappy)
    task.datasets["ndvi"] = task.datasets["ndvi"].model_copy(
        update={"observed_from": date(2020, 1, 1), "observed_to": date(2020, 12, 31)}
    )
    (tmp_path / "work").mkdir()
    outcome = compute_of("delineate-zones")(task, tmp_path / "work", lambda p, s: None)
    told = next(one for one in outcome.manifest["inputs"] if one["theme"] == "ndvi")
    assert (told["nodata_cells"], told["out_of_range_cells"]) == (320, 20)
    assert told["max"] <= 1
    assert (told["year"], told["observed_from"]) == (2020, "2020-01-01")
    aoi = outcome.manifest["aoi"]
    assert aoi["valid_cells"] == aoi["region_cells"] - aoi["sea_cells"] - 320
    (flag,) = [one for one in outcome.values["flags"] if one["code"] == "low_coverage"]
    assert "vegetation index is unknown in 11.7 %" in flag["detail"]
    assert "植被指数缺测 11.7 %" in flag["detail_zh"]
    assert [one["code"] for one in outcome.warnings].count("missing_cells") == 1


def test_land_outside_the_land_cover_is_missing_and_no_sea(
    watershed: Watershed, tmp_path: Path
) -> None:
    grid = watershed.grid
    cover = np.nan_to_num(read_geotiff(watershed.rasters["land_cover"]).values[0])
    part = tmp_path / "cover.tif"
    west = grid.west + 15 * grid.cell_m
    transform = (grid.cell_m, 0.0, west, 0.0, -grid.cell_m, grid.north)
    write_geotiff(
        part, cover[:, 15:].astype(np.uint8), transform=transform, crs="EPSG:4548", nodata=0
    )
    task = watershed.task()
    task.files["land_cover.tif"] = str(part)
    (tmp_path / "work").mkdir()
    outcome = compute_of("delineate-zones")(task, tmp_path / "work", lambda p, s: None)
    aoi = outcome.manifest["aoi"]
    assert aoi["missing_cells"]["land_cover"] > 300
    assert aoi["missing_cells"]["evaporation"] == 0
    assert (
        aoi["region_cells"]
        == aoi["valid_cells"] + aoi["sea_cells"] + (aoi["missing_cells"]["land_cover"])
    )
    assert "low_coverage" in {one["code"] for one in outcome.values["flags"]}


def test_people_light_and_land_cover_are_shared_out_among_the_zones(
    zoned: Any, watershed: Watershed
) -> None:
    statistics = document(zoned, "statistics.json")
    zones, districts = statistics["zones"], statistics["districts"]
    told = {one["theme"]: one for one in zoned.outcome.manifest["inputs"]}
    cells = statistics["valid_cells"]
    for member, theme in (("population", "population"), ("night_lights_sum", "night_lights")):
        whole = sum(zone[member] for zone in zones)
        assert whole == pytest.approx(told[theme]["mean"] * cells, rel=1e-4)
        parts = sum(zone[member] for district in districts for zone in district["zones"])
        assert parts == pytest.approx(whole, rel=1e-6)
    for zone in [*zones, *(zone for district in districts for zone in district["zones"])]:
        assert sum(zone["land_cover_percent"].values()) == pytest.approx(100, abs=1e-4)
    by_value = {zone["class_value"]: zone["land_cover_percent"] for zone in zones}
    assert by_value[1]["2"] > 90
    assert [value for value, cover in by_value.items() if "8" in cover] == [4]


def test_optional_inputs_may_be_absent_and_that_is_said(zone: Zone) -> None:
    run = zone(without=("land_cover", "population"))
    said = " ".join(text for one in run.outcome.warnings for text in one.values())
    assert "no land cover" in said
    assert "no population" in said
    assert run.outcome.manifest["aoi"]["sea_cells"] == 0
    zone_members = document(run, "statistics.json")["zones"][0].keys()
    assert not {"population", "land_cover_percent"} & zone_members
    assert "主要土地覆盖" not in (run.workspace / "report.html").read_text(encoding="utf-8")
    assert sum(z["cells"] for z in run.outcome.values["zones"]) > 0


def test_missing_themes_are_all_named(watershed: Watershed, tmp_path: Path) -> None:
    error = refusal(watershed.task(without=("npp", "soil")), tmp_path / "work")
    assert "npp, soil" in error.message
    assert error.faults[0].pointer == "/inputs/datasets/npp"


def test_a_geographic_grid_is_refused(watershed: Watershed, tmp_path: Path) -> None:
    error = refusal(watershed.task({"crs": "EPSG:4490"}), tmp_path / "work")
    assert error.faults[0].pointer == "/inputs/crs"


def test_fewer_units_than_clusters_are_refused(watershed: Watershed, tmp_path: Path) -> None:
    task = watershed.task({"parameters": {"unit_m": 2000.0, "k": 10}})
    error = refusal(task, tmp_path / "work")
    assert "fewer than k" in error.message
    assert error.faults[0].pointer == "/inputs/parameters/k"


def test_a_region_without_valid_cells_is_an_error_not_an_empty_map(
    watershed: Watershed, tmp_path: Path
) -> None:
    empty = tmp_path / "npp.tif"
    grid = watershed.grid
    write_geotiff(empty, np.full(grid.shape, np.nan), transform=grid.transform, crs="EPSG:4548")
    task = watershed.task()
    task.files["npp.tif"] = str(empty)
    error = refusal(task, tmp_path / "work")
    assert error.faults[0].pointer == "/inputs/datasets/npp"
    assert "only 0.0 % of the" in error.message
    assert "net primary productivity is unknown in 100.0 %" in error.message
    assert "净初级生产力缺测 100.0 %" in error.message_zh


def test_gaps_of_night_lights_are_zero_only_when_asked(
    watershed: Watershed, tmp_path: Path
) -> None:
    grid = watershed.grid
    lights = read_geotiff(watershed.rasters["night_lights"]).values[0]
    lights[20:30, 20:30] = np.nan
    gappy = tmp_path / "lights.tif"
    write_geotiff(gappy, lights, transform=grid.transform, crs="EPSG:4548")
    valid = []
    for number, fill in enumerate((False, True)):
        task = watershed.task({"fill_zero": fill})
        task.files["night_lights.tif"] = str(gappy)
        workspace = tmp_path / f"work{number}"
        workspace.mkdir()
        outcome = compute_of("delineate-zones")(task, workspace, lambda p, s: None)
        valid.append(outcome.manifest["aoi"]["valid_cells"])
    assert valid[1] == valid[0] + 100


def test_constant_layers_normalise_to_zero_and_the_run_completes(
    watershed: Watershed, tmp_path: Path
) -> None:
    grid = watershed.grid
    flat = tmp_path / "soil.tif"
    soil = np.stack([np.full(grid.shape, value) for value in (40.0, 35.0, 25.0, 1.2)])
    write_geotiff(flat, soil, transform=grid.transform, crs="EPSG:4548")
    task = watershed.task({"profile": "index"})
    task.files["soil.tif"] = str(flat)
    (tmp_path / "work").mkdir()
    outcome = compute_of("delineate-zones")(task, tmp_path / "work", lambda p, s: None)
    limits = {one["layer"]: one for one in outcome.manifest["frozen_limits"]}
    assert limits["erodibility"]["lo"] == limits["erodibility"]["hi"]
    assert (
        sum(z["cells"] for z in outcome.values["zones"]) == outcome.manifest["aoi"]["valid_cells"]
    )


def test_two_processes_give_the_same_bytes(zoned: Any, zone: Zone) -> None:
    other = zone(processes=2)
    require_same_files(zoned.workspace, other.workspace)
    names = ("aoi", "inputs", "frozen_limits", "ratio", "clustering", "naming", "postprocess")
    assert {name: zoned.outcome.manifest[name] for name in names} == {
        name: other.outcome.manifest[name] for name in names
    }


def test_small_windows_give_the_bytes_of_one_window(
    zoned: Any, zone: Zone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("kit.region", "delineate_zones.units"):
        monkeypatch.setattr(f"shanhai.processes.{module}.WINDOW_CELLS", 20)
    require_same_files(zoned.workspace, zone().workspace)
