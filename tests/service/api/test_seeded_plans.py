"""The two plans that ship with the product, read as anyone reads them."""

import re
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.db.compliance.rules import MEASURES, activities
from shanhai.db.queries.audit import Act
from shanhai.db.seeds.load import seed_cities
from shanhai_api.kit.state import ServiceState

BANAN = "banan-restoration-2021"
XIAMEN = "xiamen-demonstration"


@pytest.fixture
async def public(state: ServiceState, anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """Anyone, before a database with both plans, made once for all tests of this module."""
    async with state.sessions.begin() as session:
        if not await session.scalar(text("SELECT count(*) FROM region")):
            await seed_cities(session, ["xiamen", "banan"], [], act=Act("tester"))
    return anonymous


async def read(client: httpx.AsyncClient, path: str, **parameters: Any) -> dict[str, Any]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


async def listed(client: httpx.AsyncClient, path: str, **filters: str) -> dict[str, Any]:
    # httpx takes the query of an address away where parameters are given.
    asked = dict(httpx.URL(path).params)
    return await read(client, path.partition("?")[0], limit=200, **asked, **filters)


@pytest.mark.parametrize(
    ("collection", "filters", "count"),
    [
        ("regions", {"parent": "banan"}, 23),
        ("regions", {"level": "basin"}, 4),
        ("plans", {"region": "xiamen"}, 4),
        ("corridors", {"region": "xiamen"}, 10),
        ("pattern_components", {"pattern": "xiamen.regional"}, 4),
        ("zone_schemes", {"region": "banan"}, 1),
        ("zones", {"region": "banan"}, 5),
        ("control_areas", {}, 5),
        ("problems", {"region": "banan"}, 8),
        ("problems", {"region": "xiamen"}, 0),
        ("named_features", {"region": "xiamen"}, 17),
        ("named_features", {"q": "筼筜"}, 2),
        ("named_features", {"q": "Yundang"}, 2),
        ("projects", {"plan": BANAN}, 21),
    ],
)
async def test_collections(
    public: httpx.AsyncClient, collection: str, filters: dict[str, str], count: int
) -> None:
    document = await listed(public, f"/collections/{collection}/items", **filters)
    assert document["numberMatched"] == count
    assert all(feature["geometry"] is None for feature in document["features"])


@pytest.mark.parametrize(
    ("path", "name", "count"),
    [
        (f"/plans/{XIAMEN}/indicators", "plan_indicators", 35),
        (f"/plans/{BANAN}/indicators", "plan_indicators", 8),
        (f"/plans/{XIAMEN}/programmes", "programmes", 8),
        (f"/plans/{BANAN}/programmes", "programmes", 7),
        ("/control-rules", "control_rules", 85),
        ("/patterns", "patterns", 9),
        ("/parties", "parties", 35),
        ("/plans/xiamen-practice-2024/indicators", "plan_indicators", 2),
        ("/plans/xiamen-spatial-2021/indicators", "plan_indicators", 4),
        (f"/plans/{BANAN}/provisions?kind=task", "provisions", 5),
        ("/plans/xiamen-vanguard-2025/provisions?kind=article", "provisions", 12),
        ("/plans/xiamen-vanguard-2025/provisions?end_year=2027", "provisions", 3),
        ("/plans/xiamen-vanguard-2025/provisions?regions=xiamen.jimei", "provisions", 1),
        (f"/plans/{BANAN}/provisions?q=水网", "provisions", 1),
        ("/plans/xiamen-demonstration/provisions?q=筼筜", "provisions", 1),
        (f"/plans/{BANAN}/figures?kind=evaluation", "figures", 6),
        (f"/plans/{BANAN}/figures?kind=benefit&aspect=social", "figures", 1),
        (f"/plans/{BANAN}/figures?filter=value>1000 AND unit='km2'", "figures", 3),
    ],
)
async def test_records(public: httpx.AsyncClient, path: str, name: str, count: int) -> None:
    document = await listed(public, path)
    assert document["numberMatched"] == count
    assert len(document[name]) == count


async def test_project_with_towns_measures_and_problem(public: httpx.AsyncClient) -> None:
    project = (await read(public, "/collections/projects/items/banan.PRJ02"))["properties"]
    assert project["programme"] == "banan.PRG2"
    assert project["regions"] == ["banan.longzhouwan", "banan.nanquan", "banan.yipin"]
    assert project["measures"] == ["mine_restoration", "vegetation_recovery", "forest_tending"]
    assert project["problems"] == ["banan.P1"]
    assert (project["start_year"], project["end_year"]) == (2021, 2027)


async def test_zone_with_its_stated_area_and_towns(public: httpx.AsyncClient) -> None:
    path = "/collections/zones/items/banan.zone.southeast"
    zone = (await read(public, path))["properties"]
    assert (zone["stated_area_km2"], zone["area_km2"]) == (1157.24, None)
    assert len(zone["towns"]) == 8


async def test_plan_holds_since_its_first_year(public: httpx.AsyncClient) -> None:
    items = "/collections/projects/items"
    before = await listed(public, items, plan=BANAN, as_of="2020-12-31")
    since = await listed(public, items, plan=BANAN, as_of="2021-01-01")
    assert (before["numberMatched"], since["numberMatched"]) == (0, 21)


@pytest.mark.parametrize(
    ("collection", "last"), [("plans", "period_end"), ("projects", "end_year")]
)
async def test_a_period_ends_with_its_last_year(
    public: httpx.AsyncClient, collection: str, last: str
) -> None:
    async def last_years(during: str) -> set[int]:
        asked = {"datetime": during, "limit": "500"}
        found = (await public.get(f"/collections/{collection}/items", params=asked)).json()
        years = {one["properties"][last] for one in found["features"]}
        return {year for year in years if year is not None}

    year = sorted(await last_years("../.."))[0]
    assert year in await last_years(f"{year}-12-31T23:00:00+08:00/..")
    assert min(await last_years(f"{year + 1}-01-01/..")) > year


async def test_classes_of_both_zonings(public: httpx.AsyncClient) -> None:
    kinds = {f"plan_zones.{BANAN}", "supply_demand"}
    classes = (await listed(public, "/zone-classes"))["zone_classes"]
    assert {item["scheme_kind"] for item in classes} == kinds
    assert len(classes) == 10
    strict = next(item for item in classes if item["class_code"] == "strict_protection")
    decided = {rule["activity"]: rule["decision"] for rule in strict["activity_rules"]}
    prefix = {"scope": "zone_class", "subject": strict["code"]}
    rules = (await listed(public, "/control-rules", **prefix))["control_rules"]
    assert decided == {rule["activity"]: rule["decision"] for rule in rules} != {}


async def test_types_of_project_duties_and_what_else_a_plan_says(
    public: httpx.AsyncClient,
) -> None:
    groups = (await listed(public, f"/plans/{XIAMEN}/programmes"))["programmes"]
    types = [item for group in groups for item in group["project_types"]]
    assert len(types) == 26
    assert {item["certainty"] for item in types} == {"A", "B"}
    party = await read(public, "/parties/xiamen.ecology-environment")
    assert party["articles"] == ["1", *map(str, range(3, 13))]
    plan = (await read(public, f"/collections/plans/items/{BANAN}"))["properties"]
    assert plan["details"].keys() == {"source", "mandate", "near_target_year", "target_year"}
    assert (plan["near_target_year"], plan["target_year"]) == (2025, 2035)
    assert (plan["upper_plan"], plan["spatial_plan"]) == (
        "chongqing-restoration-2021",
        "banan-spatial-2021",
    )
    problem = (await read(public, "/collections/problems/items/banan.P4a"))["properties"]
    assert problem["details"]["shares"][1]["printed_percent"] == 13.04


async def test_articles_know_who_answers_for_them(public: httpx.AsyncClient) -> None:
    path = "/plans/xiamen-vanguard-2025/provisions/article-2"
    article = await read(public, path)
    assert article["name_zh"] == "健全节约集约绿色低碳循环经济体系"
    assert article["departments"] == [
        "xiamen.development-reform",
        "xiamen.district-governments",
        "xiamen.industry",
        "xiamen.science",
    ]
    assert article["text_official"] is None
    ours = await listed(
        public, "/plans/xiamen-vanguard-2025/provisions", departments="xiamen.science"
    )
    assert [item["code"] for item in ours["provisions"]] == ["article-2"]


async def test_printed_targets_of_the_opinion_are_read(public: httpx.AsyncClient) -> None:
    plan = "/plans/xiamen-practice-2024"
    targets = await read(public, f"{plan}/indicators/red_line_area/targets")
    (target,) = targets["targets"]
    assert (target["value"], target["role"], target["comparator"]) == (288, "target", "ge")
    farmland = (await read(public, f"{plan}/indicators/cultivated_land_area/targets"))["targets"]
    assert [item["value"] for item in farmland] == [19.47], "129.8 km2 in ten thousand mu"
    evaluation = await read(public, f"{plan}/evaluation", year=2025)
    assert [(row["indicator"], len(row["targets"])) for row in evaluation["rows"]] == [
        ("red_line_area", 1),
        ("cultivated_land_area", 1),
    ]
    assert {row["status"] for row in evaluation["rows"]} == {"no_data"}
    assert "no_target" not in str(evaluation["rows"])
    progress = await read(public, f"{plan}/progress", year=2025)
    assert len(progress["indicators"]) == 2
    findings = (await read(public, f"{plan}/findings"))["findings"]
    assert "reference.red_line_area" in [item["code"] for item in findings]


@pytest.mark.parametrize(
    "path",
    [
        "/collections/projects/items/banan.PRJ02",
        "/collections/projects/items",
        "/collections/zones/items/banan.zone.riverside",
        "/collections/problems/items/banan.P1",
        "/collections/plans/items/banan-restoration-2021",
        "/collections/pattern_components/items",
        "/zone-classes/supply_demand.strict_protection",
        f"/plans/{BANAN}/provisions/task-fields",
        f"/plans/{BANAN}/figures",
        f"/plans/{BANAN}/programmes/banan.PRG1",
        f"/plans/{BANAN}/totals",
        f"/plans/{BANAN}/coverage",
    ],
)
async def test_chinese_pages_call_things_by_their_names(
    public: httpx.AsyncClient, path: str
) -> None:
    page = await public.get(path, params={"f": "html", "lang": "zh"})
    assert page.status_code == 200, page.text
    main = page.text.partition("<main")[2].partition("</main>")[0]
    main = re.sub(r"<form.*?</form>|<details class=.filters.*?</details>", "", main, flags=re.S)
    # Codes stand beside names in places of their own.
    told = re.sub(r'<(\w+) class="code">.*?</\1>|<dt>详情.*?</dd>', "", main, flags=re.S)
    told = re.sub(r"<[^>]*>", " ", told)
    coded = {*MEASURES, *activities().known, "mountain_screen", "legacy_mine", "special_plan"}
    known = {code for code in coded if "_" in code}
    assert not [code for code in known if re.search(rf"(?<![\w.-]){code}(?![\w.-])", told)]
    assert not re.findall(r"(?<![\w-])banan\.[\w.-]+", told)


async def test_a_bureau_keeps_the_official_text(
    public: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    patch = {"Content-Type": "application/merge-patch+json"}
    for path in (
        "/plans/xiamen-vanguard-2025/provisions/article-1",
        "/zone-classes/supply_demand.strict_protection",
        "/control-rules/supply_demand.strict_protection.arbitrary-change-of-use",
    ):
        kept = await admin.patch(path, json={"text_official": "原文"}, headers=patch)
        assert kept.is_success, kept.text
        assert (await read(public, path))["text_official"] == "原文"
        versions = await read(public, f"{path}/versions")
        assert len(versions["versions"]) >= 2
    wrong = await admin.patch(
        "/plans/xiamen-vanguard-2025/provisions/article-1", json={"kind": "clause"}, headers=patch
    )
    assert wrong.status_code == 400
    assert "/kind" in wrong.text
