import csv
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shanhai.data.synthetic_watershed import EPSG, Watershed
from shanhai.errors import InvalidInput
from shanhai.processes.account_gep.contract import ACCOUNT_GEP
from shanhai.processes.kit.task import DatasetTask, Outcome, Task
from shanhai.raster.geotiff import read_geotiff, write_geotiff
from shanhai.reporting.blocks import Table, blocks_of
from shanhai.science.landcover import LandCover
from tests.support.computed import compute
from tests.support.evaluation_rasters import evaluation_task

LOCAL = {"storms_a_year": 2, "cooling_days": 90, "evaporation_mm": 300}
UPPER = "watershed.upper"


@pytest.fixture(scope="module")
def accounted(
    evaluated_watershed: Watershed, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    workspace = tmp_path_factory.mktemp("accounted") / "work"
    task = evaluation_task(evaluated_watershed, "account-gep", {"coefficients": LOCAL})
    return workspace, compute(task, workspace)


@pytest.fixture(scope="module", autouse=True)
def _all_others_unpictured(accounted: tuple[Path, Outcome], unpictured: None) -> None:
    pass


@pytest.fixture
def account(evaluated_watershed: Watershed, tmp_path: Path) -> Callable[..., dict[str, Any]]:
    def run(*, without: tuple[str, ...] = (), processes: int = 1, **inputs: Any) -> dict[str, Any]:
        task = evaluation_task(
            evaluated_watershed, "account-gep", inputs, without=without, processes=processes
        )
        compute(task, tmp_path / "work")
        return told(tmp_path / "work")

    return run


def told(workspace: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((workspace / "account.json").read_bytes())
    return found


def item(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in document["items"] if one["id"] == name)
    return found


def test_an_attempt_goes_on_from_the_windows_a_former_one_finished(
    evaluated_watershed: Watershed,
    accounted: tuple[Path, Outcome],
    resume: Callable[[Task, float, Path], None],
) -> None:
    task = evaluation_task(evaluated_watershed, "account-gep", {"coefficients": LOCAL})
    resume(task, 80, accounted[0])


def test_every_promised_output_is_there(accounted: tuple[Path, Outcome]) -> None:
    workspace, outcome = accounted
    names = {file.name for file in outcome.files}
    assert {output.name for output in ACCOUNT_GEP.outputs} - names == {"report_pdf"}
    assert all((workspace / file.path).is_file() for file in outcome.files)
    assert not (workspace / "scratch").exists()
    page = (workspace / "report.html").read_text("utf-8")
    assert "水源涵养" in page
    assert "Share that rests on defaults" in page


def test_the_report_fits_its_page_and_names_coefficients(accounted: tuple[Path, Outcome]) -> None:
    page = (accounted[0] / "report.html").read_text("utf-8")
    tables = [one for one in blocks_of(page, defaultdict(Path)) if isinstance(one, Table)]
    # A page of A4 holds a name and six columns of figures.
    assert max(len(one.columns) for one in tables) == 7
    document = told(accounted[0])
    values = next(one for one in tables if one.columns[0].text.startswith("价值 万元"))
    assert [row[1:] for row in values.rows] == [
        [f"{where['items'][place]['value'] / 1e4:,.2f}" for where in document["districts"]]
        for place in range(len(document["items"]))
    ]
    assert "<code>silt_share</code></td><td" in page  # in the list of coefficients
    assert "清淤工程费用、泥沙淤积系数、土壤容重" in page
    assert "m3" not in page
    assert '据文献 <span class="en" lang="en">from the literature</span>' in page


def test_the_sum_of_the_items_is_the_product(accounted: tuple[Path, Outcome]) -> None:
    document = told(accounted[0])
    assert document["gep"] == pytest.approx(sum(one["value"] for one in document["items"]))
    assert document["gep"] == pytest.approx(sum(one["value"] for one in document["groups"]))
    assert document["gep"] == pytest.approx(sum(one["gep"] for one in document["districts"]))
    for one in document["items"]:
        assert one["value"] == pytest.approx(one["quantity"] * one["price"], rel=1e-5)
    people = document["population"]
    assert document["gep_per_person"] == pytest.approx(document["gep"] / people, rel=1e-6)
    per_km2 = document["gep"] / (document["land_area_ha"] / 100)
    assert document["gep_per_km2"] == pytest.approx(per_km2, rel=1e-6)
    assert document["default_share_percent"] == pytest.approx(100, abs=1e-3)


@pytest.mark.parametrize("without", [(), ("evapotranspiration",)])
def test_what_stands_in_for_evapotranspiration_is_told(
    evaluated_watershed: Watershed, tmp_path: Path, without: tuple[str, ...]
) -> None:
    rasters = evaluated_watershed.rasters
    both = replace(
        evaluated_watershed, rasters={**rasters, "reference_et": rasters["evapotranspiration"]}
    )
    inputs = {"items": ["water_conservation"]}
    task = evaluation_task(both, "account-gep", inputs, without=without)
    said = {one["code"]: one for one in compute(task, tmp_path / "work").warnings}
    assert ("evapotranspiration_stand_in" in said) == bool(without)
    if without:
        assert "作物系数" in said["evapotranspiration_stand_in"]["detail_zh"]
        assert "stands in for it" in (tmp_path / "work" / "report.html").read_text("utf-8")


def test_carbon_and_oxygen_keep_their_ratio(accounted: tuple[Path, Outcome]) -> None:
    document = told(accounted[0])
    carbon, oxygen = (item(document, name)["quantity"] for name in ("carbon_fixation", "oxygen"))
    assert oxygen / carbon == pytest.approx(32 / 44)


def test_cooling_follows_from_the_areas(
    accounted: tuple[Path, Outcome], evaluated_watershed: Watershed
) -> None:
    workspace, outcome = accounted
    document = told(workspace)
    aoi = outcome.manifest["aoi"]
    top = round((evaluated_watershed.grid.north - aoi["transform"][5]) / 100)
    left = round((aoi["transform"][2] - evaluated_watershed.grid.west) / 100)
    cover = read_geotiff(evaluated_watershed.rasters["land_cover"]).values[0]
    own = cover[top : top + aoi["height"], left : left + aoi["width"]]
    # All of the region's river lies inside it; one cell is one hectare.
    water = np.count_nonzero(own == LandCover.WATER)
    expected = water * 10_000 * 0.3 * 1000 * 2450 / (3600 * 3)
    assert item(document, "climate_water")["quantity"] == pytest.approx(expected, rel=0.05)


def with_supply(watershed: Watershed, folder: Path, unit: str) -> Task:
    """A task whose supply of water is 1 everywhere."""
    grid = watershed.grid
    path = folder / "supply.tif"
    write_geotiff(path, np.ones(grid.shape), transform=grid.transform, crs=f"EPSG:{EPSG}")
    inputs = {"supplies": {"water_conservation": "given"}, "items": ["water_conservation"]}
    task = evaluation_task(watershed, "account-gep", inputs, without=("rainfall",))
    task.files["supply.tif"] = str(path)
    task.datasets["supply.water_conservation"] = DatasetTask(
        id=1, code="given", theme="supply.water_conservation", uri="supply.tif", unit=unit,
        checksum="0" * 64, name_zh="供给", name_en="supply",
    )  # fmt: skip
    return task


def test_a_given_supply_is_summed_as_it_is(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    compute(with_supply(evaluated_watershed, tmp_path, "m3/ha/yr"), tmp_path / "work")
    document = told(tmp_path / "work")
    assert item(document, "water_conservation")["quantity"] == document["land_area_ha"]
    for where in document["districts"]:
        assert where["items"][0]["quantity"] == where["land_area_ha"]


def test_an_index_has_no_price(evaluated_watershed: Watershed, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="given is in 1; a supply that is valued") as caught:
        compute(with_supply(evaluated_watershed, tmp_path, "1"), tmp_path / "work")
    assert caught.value.faults[0].pointer == "/inputs/supplies/water_conservation"


def test_another_price_year_changes_money_and_no_quantity(
    accounted: tuple[Path, Outcome], account: Callable[..., dict[str, Any]]
) -> None:
    document, base = account(coefficients=LOCAL, price_year=2024), told(accounted[0])
    assert [one["quantity"] for one in document["items"]] == [
        one["quantity"] for one in base["items"]
    ]
    factor = document["gep"] / base["gep"]
    # Consumer prices from 2020 to 2024: 1.0, 2.0, 0.2 and 0.2 %.
    assert factor == pytest.approx(1.010 * 1.020 * 1.002 * 1.002, rel=1e-6)


def test_what_is_discharged_limits_purification(account: Callable[..., dict[str, Any]]) -> None:
    document = account(items=["air_dust", "air_so2"], discharges_t={"dust": 12.5})
    dust, sulphur = item(document, "air_dust"), item(document, "air_so2")
    assert (dust["quantity"], dust["capped"]) == (pytest.approx(12.5), True)
    assert not sulphur["capped"]
    parts = [where["items"][1]["quantity"] for where in document["districts"]]
    assert sum(parts) == pytest.approx(12.5)


def test_entered_figures_take_the_place_of_computed_ones(
    account: Callable[..., dict[str, Any]],
) -> None:
    document = account(
        items=["provisioning", "oxygen", "recreation", "flood_reservoirs", "flood_lakes"],
        coefficients={"oxygen_price": 800, "reservoir_cost": 10},
        quantities={"oxygen": {UPPER: 100}},
        goods=[
            {"name": "tea", "unit_price": 40_000, "quantity": 3, "district": UPPER},
            {"name": "rice", "unit_price": 2_500, "quantity": 10},
        ],
        sites=[{"name": "park", "visits": 1000, "travel_cost": 55, "district": UPPER}],
        stores=[
            {"name": "high dam", "capacity_m3": 1000},
            {"name": "low dam", "capacity_m3": 1000, "flood_pool_m3": 400},
            {"name": "marsh", "kind": "lake", "flood_pool_m3": 50},
        ],
    )
    values = {one["id"]: one["value"] for one in document["items"]}
    assert values == {
        "provisioning": 3 * 40_000 + 10 * 2_500,
        "flood_lakes": 500,
        "flood_reservoirs": pytest.approx(10 * (350 + 400)),
        "oxygen": 80_000,
        "recreation": 55_000,
    }
    nowhere = next(one for one in document["districts"] if one["code"] is None)
    assert nowhere["gep"] == pytest.approx(25_000 + 500 + 7500)
    # Only the share of the flood pool was not entered.
    assert document["default_share_percent"] == pytest.approx(
        100 * 7500 / document["gep"], abs=1e-3
    )


def test_what_cannot_be_counted_is_told_with_its_reason(
    account: Callable[..., dict[str, Any]],
) -> None:
    document = account(without=("npp", "hydrologic_group"), coefficients={"storms_a_year": 1})
    reasons = {one["id"]: one["reason_en"] for one in document["left_out"]}
    assert reasons["carbon_fixation"] == "datasets are missing: npp"
    assert reasons["flood_vegetation"] == "datasets are missing: hydrologic_group"
    assert reasons["water_cod"] == "coefficients must be entered: cod_wetland"
    assert reasons["recreation"] == "nothing was entered"
    assert {one["id"] for one in document["items"]}.isdisjoint(reasons)


def test_the_table_holds_every_place_and_item(accounted: tuple[Path, Outcome]) -> None:
    document = told(accounted[0])
    with (accounted[0] / "table.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(document["items"]) * (1 + len(document["districts"]))
    region = [row for row in rows if row["district"] == "watershed"]
    assert sum(float(row["value_cny"]) for row in region) == pytest.approx(document["gep"])


def test_two_processes_give_the_same_bytes(
    accounted: tuple[Path, Outcome], account: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    account(coefficients=LOCAL, processes=2)
    for name in ("account.json", "table.csv"):
        assert (tmp_path / "work" / name).read_bytes() == (accounted[0] / name).read_bytes()


@pytest.mark.parametrize(
    ("inputs", "pointer"),
    [
        ({"coefficients": {"eers": 3}}, "/inputs/coefficients/eers"),
        ({"coefficients": {"eer": 300}}, "/inputs/coefficients/eer"),
        ({"items": ["gold"]}, "/inputs/items/0"),
        ({"catalogue": "norm-2022", "items": ["oxygen"]}, "/inputs/items/0"),
        ({"items": ["water_cod"]}, "/inputs/items/0"),
        ({"quantities": {"gold": 1}}, "/inputs/quantities/gold"),
        ({"quantities": {"recreation": 1}}, "/inputs/quantities/recreation"),
        ({"quantities": {"oxygen": {"mars": 1}}}, "/inputs/quantities/oxygen/mars"),
        ({"price_year": 2099}, "/inputs/price_year"),
        (
            {"sites": [{"name": "a", "visits": 1, "travel_cost": 1, "district": "mars"}]},
            "/inputs/sites/0/district",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(
    evaluated_watershed: Watershed, tmp_path: Path, inputs: dict[str, Any], pointer: str
) -> None:
    task = evaluation_task(evaluated_watershed, "account-gep", inputs)
    with pytest.raises(InvalidInput) as caught:
        compute(task, tmp_path / "work")
    assert [fault.pointer for fault in caught.value.faults] == [pointer]
    assert caught.value.faults[0].detail_zh


def test_the_unread_standard_counts_what_was_entered_for_it(
    account: Callable[..., dict[str, Any]],
) -> None:
    document = account(
        catalogue="gbt-46869-2025", coefficients={"carbon_price": 90, "oxygen_price": 1000}
    )
    assert {one["id"] for one in document["items"]} == {"carbon_fixation", "oxygen"}
    assert document["default_share_percent"] == 0
