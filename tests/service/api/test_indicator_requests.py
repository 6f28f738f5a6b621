"""Evaluations of indicators as they are asked for: described, refused, accepted with rights."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from tests.support.emptying import forget_rows
from tests.support.indicator_rows import add_indicator, add_plan
from tests.support.job_rows import add_region

PATH = "/processes/evaluate-indicators/execution"


@pytest.fixture
async def plan(session: AsyncSession) -> str:
    await forget_rows(session, ["indicator"])
    made = await add_plan(session, "indicator-plan", await add_region(session, "indicator-city"))
    await add_indicator(session, made, "forest_cover_rate")
    await session.commit()
    return made.code


async def ask(client: httpx.AsyncClient, *, lang: str = "en", **inputs: Any) -> httpx.Response:
    return await client.post(f"{PATH}?lang={lang}", json={"inputs": inputs})


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/evaluate-indicators")).json()
    for name, one in described["inputs"].items():
        Draft202012Validator.check_schema(one["schema"])
        assert one["description"], name


async def test_what_does_not_fit_is_told_where_and_why(
    runner: httpx.AsyncClient, plan: str
) -> None:
    bad = {"plan": plan, "years": [2024, 2199], "indicators": ["beauty"], "record": False}
    answer = await ask(runner, lang="zh", **bad)
    assert answer.status_code == 400, answer.text
    assert {fault["pointer"]: fault["detail"] for fault in answer.json()["errors"]} == {
        "/inputs/indicators/0": f"规划 '{plan}' 没有指标 'beauty'",
        "/inputs/years/1": "2199 年尚未开始",
    }
    for inputs, pointer in (
        ({"plan": plan, "years": []}, "/inputs/years"),
        ({"plan": plan, "years": [2024, 2024]}, "/inputs/years"),
        ({"plan": plan, "years": list(range(2000, 2011))}, "/inputs/years"),
        ({"plan": plan, "years": [2024], "nearshore": "sky"}, "/inputs/nearshore"),
        ({"plan": "none", "years": [2024]}, "/inputs/plan"),
    ):
        answer = await ask(runner, **inputs)
        assert answer.status_code == 400, answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_recording_needs_the_right_to_report(
    runner: httpx.AsyncClient, session: AsyncSession, plan: str
) -> None:
    answer = await ask(runner, plan=plan, years=[2024])
    assert answer.status_code == 403, answer.text
    assert not (await session.scalars(select(Job))).all()
    answer = await ask(runner, plan=plan, years=[2024], record=False)
    assert answer.status_code == 201, answer.text
    job = (await session.scalars(select(Job))).one()
    assert job.task["indicators"]["indicators"][0]["computation"] == "forest_cover"
