"""Selections as they are asked for: what is refused, where and in which words."""

from typing import Any
from uuid import uuid4

import httpx
import pytest
from jsonschema import Draft4Validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from tests.support.job_rows import add_region
from tests.support.projects import add_project, add_source

RUN = "/processes/select-sites/execution"
CITY = "sited"
SITE: dict[str, Any] = {
    "code": "s1",
    "name_zh": "红树林修复",
    "cost": 100,
    "measures": ["mangrove_planting"],
    "gains": {"birds": 3},
    "geometry": {
        "type": "Polygon",
        "coordinates": [[[118.02, 24.42], [118.03, 24.42], [118.03, 24.43], [118.02, 24.42]]],
    },
}
ASKED: dict[str, Any] = {
    "region": CITY,
    "candidates": [],
    "sites": [SITE],
    "budget": 1000,
    "goal": {"weights": {"birds": 1}},
    "phases": [{"start_year": 2026, "end_year": 2030}],
}


@pytest.fixture
async def funded_city(session: AsyncSession) -> str:
    await add_region(session, CITY)
    await add_source(session, "mangroves", "500.00", allowed=["mangrove_planting"])
    await session.commit()
    return CITY


async def refused(client: httpx.AsyncClient, lang: str = "en", **inputs: Any) -> dict[str, str]:
    answer = await client.post(f"{RUN}?lang={lang}", json={"inputs": {**ASKED, **inputs}})
    assert answer.status_code == 400, answer.text
    return {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]}


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/select-sites")).json()
    for name, one in described["inputs"].items():
        Draft4Validator.check_schema(one["schema"])
        assert one["description"], name
    assert {"report", "sites", "pareto", "payments"} <= set(described["outputs"])


@pytest.mark.usefixtures("funded_city")
class TestSelection:
    async def test_sites_and_money_go_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        inputs = {**ASKED, "funds": [{"source": "mangroves"}]}
        answer = await runner.post(RUN, json={"inputs": inputs})
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job))).one()
        (fund,) = job.task["selection"]["funds"]
        assert (fund["amount"], fund["measures"]) == (500, ["mangrove_planting"])

    async def test_a_region_without_network_is_told_what_to_do(
        self, runner: httpx.AsyncClient
    ) -> None:
        missing = {
            "candidates": ["barriers"],
            "sites": [],
            "cost_per_ha": {"barrier": 1},
            "goal": {"weights": {"barriers": 1}},
        }
        told = await refused(runner, lang="zh", **missing)
        assert set(told) == {"/inputs/candidates", "/inputs/goal/weights/barriers"}
        assert "请先运行 build-network" in told["/inputs/candidates"]

    @pytest.mark.parametrize(
        ("inputs", "pointers"),
        [
            ({"budget": None}, {"/inputs/budget"}),
            ({"budget": -1}, {"/inputs/budget"}),
            ({"candidates": ["barriers"]}, {"/inputs/cost_per_ha"}),
            ({"goal": {"kind": "minimum_set"}}, {"/inputs/goal/targets"}),
            ({"goal": {"weights": {"fish": 1}}}, {"/inputs/goal/weights"}),
            ({"candidates": [], "sites": []}, {"/inputs/candidates"}),
            ({"sites": [SITE, SITE]}, {"/inputs/sites"}),
            ({"phases": []}, {"/inputs/phases"}),
            ({"phases": [{"start_year": 2030, "end_year": 2026}]}, {"/inputs/phases/0/end_year"}),
            ({"funds": [{"source": "none"}]}, {"/inputs/funds/0/source"}),
            ({"funds": [{"source": "mangroves", "amount": 501}]}, {"/inputs/funds/0/amount"}),
            ({"network": "00000000-0000-0000-0000-000000000000"}, {"/inputs/network"}),
            ({"locked_out": ["s2"]}, {"/inputs/locked_out/0"}),
            ({"parameters": {"gap": 2}}, {"/inputs/parameters/gap"}),
            ({"plan": "none"}, {"/inputs/plan"}),
            ({"sites": [{**SITE, "gains": {"area": 1}}]}, {"/inputs/sites/0/gains/area"}),
        ],
    )
    async def test_what_breaks_a_rule_is_refused(
        self, runner: httpx.AsyncClient, inputs: dict[str, Any], pointers: set[str]
    ) -> None:
        assert set(await refused(runner, **inputs)) == pointers

    async def test_projects_need_the_right_to_write_them(
        self, runner: httpx.AsyncClient, admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
    ) -> None:
        inputs = {"inputs": {**ASKED, "draft_projects": True}}
        assert (await anonymous.post(RUN, json=inputs)).status_code == 401
        assert (await runner.post(RUN, json=inputs)).status_code == 403
        assert (await admin.post(RUN, json=inputs)).status_code == 201

    async def test_projects_are_found_by_their_job(
        self, admin: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        jobs = [str(uuid4()), str(uuid4())]
        for number, job in enumerate(jobs):
            await add_project(session, code=f"p{number}", region=CITY, attrs={"job": job})
        await session.commit()
        answer = await admin.get("/collections/projects/items", params={"job": jobs[1]})
        assert answer.status_code == 200, answer.text
        assert [one["id"] for one in answer.json()["features"]] == ["p1"]
        assert answer.json()["features"][0]["properties"]["job"] == jobs[1]
