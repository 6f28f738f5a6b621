"""What everybody may download, and the list of what is public by default."""

import csv
import io
from typing import Any

import httpx
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.collections.catalogue import entity_named
from shanhai_api.landing import disclosure_of
from tests.service.api.conftest import BASE
from tests.support.job_rows import add_dataset
from tests.support.joint_plans import PLANS, People, plan, post
from tests.support.plan_features import feature, names, square

LINES = "/collections/control_areas/items"


async def listed(client: httpx.AsyncClient) -> dict[str, dict[str, Any]]:
    answer = await client.get("/open-data")
    assert answer.status_code == 200, answer.text
    return {one["identifier"]: one for one in answer.json()["dataset"]}


async def test_only_what_is_public_is_counted(people: People, session: AsyncSession) -> None:
    anonymous, planner, approver = (
        people[name] for name in ("anonymous", "planner@a", "approver@a")
    )
    await post(planner, PLANS, plan("p-1", region="a"))
    for code, seen in (("open", "public"), ("secret", "signed_in")):
        told = {"kind": "red_line", "level": "city", "region": "a"}
        await post(planner, LINES, feature(square(118.0, 24.4, 0.01), **names(code, "线"), **told))
        item = f"{LINES}/{code}"
        done = await approver.patch(item, json={"properties": {"status": "published"}})
        assert done.status_code == 200, done.text
        shown = text(f"UPDATE control_area SET visibility = '{seen}' WHERE code = '{code}'")
        await session.execute(shown)
    await session.commit()
    for who in (anonymous, planner):
        found = await listed(who)
        assert "plans" not in found, "a draft"
        assert found["control_areas"]["records"] == 1, "the secret line is not counted"
        assert found["regions"]["records"] == 3

    path = f"{PLANS}/p-1"
    for client, status in ((planner, "submitted"), (approver, "approved")):
        assert (await client.patch(path, json={"properties": {"status": status}})).is_success
    assert (await listed(anonymous))["plans"]["records"] == 1


async def test_files_hold_the_rows_that_are_counted(people: People, session: AsyncSession) -> None:
    found = (await listed(people["anonymous"]))["regions"]
    links = {one["format"]: one["downloadURL"] for one in found["distribution"]}
    assert {"csv", "gpkg"} <= links.keys()
    got = await people["anonymous"].get(links["csv"].removeprefix(BASE))
    assert got.status_code == 200
    assert len(list(csv.reader(io.StringIO(got.text)))) == 1 + found["records"]
    assert found["modified"]


async def test_licences_are_those_the_public_rows_name(
    city: Any, session: AsyncSession, anonymous: httpx.AsyncClient
) -> None:
    for code, licence, seen in (("a", "CC BY 4.0", "public"), ("b", "internal", "region")):
        row = await add_dataset(session, city, "dem", code, visibility=seen)
        row.licence = licence
    await session.commit()
    found = (await listed(anonymous))["datasets"]
    assert (found["records"], found["licences"]) == (1, ["CC BY 4.0"])


async def test_pages_in_both_languages(people: People) -> None:
    for lang, words in (("zh", "待确认"), ("en", "to be confirmed")):
        page = await people["anonymous"].get("/disclosure", params={"f": "html", "lang": lang})
        assert words in page.text
        page = await people["anonymous"].get("/open-data", params={"f": "html", "lang": lang})
        assert "gpkg" in page.text


async def test_the_list_tells_what_is_applied(anonymous: httpx.AsyncClient) -> None:
    told = (await anonymous.get("/disclosure")).json()["rules"]
    rules = {one["what"]: one["public"] for one in told}
    assert rules["plans"] == "published"
    assert rules["projects"] == rules["documents"] == rules["datasets"] == "flagged"
    assert rules["parties"] == "in_part"
    assert rules["fund_sources"] == rules["contacts"] == rules["cases"] == "none"
    assert (rules["settlements"], rules["balance_entries"]) == ("published", "published")
    assert rules["mine_funds"] == rules["mine_reports"] == "none"
    assert rules["islands"] == disclosure_of(entity_named("islands")) == "all"
