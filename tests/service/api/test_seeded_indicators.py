"""The indicators of the two plans that ship with the product, judged by hand-computed numbers."""

from collections import Counter
from typing import Any

import httpx
import pytest

from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState

pytestmark = [pytest.mark.db, pytest.mark.redis, pytest.mark.service]

BANAN = "/plans/banan-restoration-2021"
XIAMEN = "/plans/xiamen-demonstration"
# By 2023, three of the five years to the near target: value, what the path asks, status.
BANAN_2023: dict[str, tuple[float, float | None, str]] = {
    "red_line_area": (142.4, 142.4, "reached"),
    "forest_stock_volume": (319.2, 319.2, "on_track"),
    "forest_cover_rate": (47.5, 47.6, "behind"),
    "natural_forest_area": (194.04, 194.04, "reached"),
    "soil_water_conservation_rate": (72.34, 72.348, "behind"),
    "protected_area_share": (5.5, None, "no_data"),
    "mine_restored_area": (160, 156.6, "on_track"),
    "water_function_zone_compliance": (93.1, None, "reached"),
}


@pytest.fixture
async def analyst(state: ServiceState, session: Any, client_with: Any) -> httpx.AsyncClient:
    """An analyst before a database with both plans."""
    async with state.sessions.begin() as seeding:
        await seed_cities(seeding, ["xiamen", "banan"], [], act=Act("tester"))
    client: httpx.AsyncClient = await client_with(Scope.READ, Scope.WRITE)
    return client


async def progress(client: httpx.AsyncClient, plan: str) -> dict[str, dict[str, Any]]:
    answer = await client.get(f"{plan}/progress", params={"year": 2023})
    assert answer.status_code == 200, answer.text
    return {row["indicator"]: row for row in answer.json()["indicators"]}


@pytest.mark.parametrize(
    ("plan", "indicator", "value", "status"),
    [
        (XIAMEN, "forest_cover_rate", {"value": 140}, 400),
        (XIAMEN, "forest_cover_rate", {"value": -3}, 400),
        (XIAMEN, "forest_cover_rate", {"value": 1.4, "unit": "1"}, 400),
        (XIAMEN, "forest_cover_rate", {"value": 100}, 201),
        (XIAMEN, "cultivated_land_area", {"value": -9, "unit": "km2"}, 400),
        (XIAMEN, "cultivated_land_area", {"value": 0}, 201),
        (XIAMEN, "forest_pest_disaster_rate", {"value": 1001}, 400),
        (XIAMEN, "sewage_collection_rate", {"value": 104}, 201),
        (XIAMEN, "construction_land_per_gdp_decline_rate", {"value": -3}, 201),
        (BANAN, "forest_cover_rate", {"value": 140}, 400),
        (BANAN, "mine_restored_area", {"value": -1}, 400),
    ],
)
async def test_what_there_cannot_be_is_no_value_and_no_target(
    analyst: httpx.AsyncClient, plan: str, indicator: str, value: dict[str, Any], status: int
) -> None:
    path = f"{plan}/indicators/{indicator}"
    made = await analyst.post(f"{path}/values", json={"year": 2024, **value})
    assert made.status_code == status, made.text
    pointers = [fault["pointer"] for fault in made.json().get("errors", ())]
    assert pointers == ([] if status == 201 else ["/value"])
    target = {"role": "target", "year": 2035, **value}
    there = await analyst.get(f"{path}/targets")
    stated = await analyst.put(
        f"{path}/targets",
        json={"targets": [target], "reason": "修订"},
        headers={"If-Match": there.headers["ETag"]},
    )
    # Of a plan in force fixed figures do not change, whatever they would become.
    assert stated.status_code in ({400} if status == 400 else {200, 409}), stated.text
    told = [fault["pointer"] for fault in stated.json().get("errors", ())]
    assert ("/targets/0/value" in told) == (status == 400)


async def test_banan(analyst: httpx.AsyncClient) -> None:
    for code, (value, _, _) in BANAN_2023.items():
        made = await analyst.post(
            f"{BANAN}/indicators/{code}/values", json={"year": 2023, "value": value}
        )
        assert made.status_code == 201, made.text
    rows = await progress(analyst, BANAN)
    judged = {code: (row["value"], row["path_value"], row["status"]) for code, row in rows.items()}
    assert judged == BANAN_2023
    remarks = {code: [remark["code"] for remark in row["remarks"]] for code, row in rows.items()}
    assert remarks["red_line_area"] == ["base_beyond_target"]
    assert remarks["mine_restored_area"] == ["base_not_counted", "years_missing"]
    assert remarks["water_function_zone_compliance"] == ["base_missing"]
    assert rows["protected_area_share"]["gap"] == 0.01
    assert rows["mine_restored_area"]["targets"][1]["cumulative_from"] == 2021
    evaluation = (await analyst.get(f"{BANAN}/evaluation?year=2023")).json()
    assert [row["indicator"] for row in evaluation["rows"]][:3] == [
        "forest_cover_rate",
        "soil_water_conservation_rate",
        "protected_area_share",
    ]


async def test_banan_revises_three_figures_and_no_others(analyst: httpx.AsyncClient) -> None:
    answers = Counter[int]()
    for code in BANAN_2023:
        path = f"{BANAN}/indicators/{code}/targets"
        figures = (await analyst.get(path)).json()["targets"]
        figures[-1]["value"] += 1
        answer = await analyst.put(path, json={"targets": figures, "reason": "upper plan"})
        answers[answer.status_code] += 1
    assert answers == {200: 3, 409: 5}


async def test_xiamen_prints_no_figures(analyst: httpx.AsyncClient) -> None:
    rows = await progress(analyst, XIAMEN)
    assert len(rows) == 35
    assert Counter(row["property"] for row in rows.values()) == {"binding": 19, "expected": 16}
    assert {row["status"] for row in rows.values()} == {"no_data"}
    made = await analyst.post(
        f"{XIAMEN}/indicators/cultivated_land_area/values",
        json={"year": 2023, "value": 129.8, "unit": "km2"},
    )
    assert made.json()["value"] == 19.47
    assert (await progress(analyst, XIAMEN))["cultivated_land_area"]["value"] == 19.47
