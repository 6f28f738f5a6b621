"""Evaluations and accounts as they are asked for: what is refused, where and in which words."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from tests.support.job_rows import add_dataset, add_region

EVALUATE = "/processes/evaluate-ecosystem/execution"
ACCOUNT = "/processes/account-gep/execution"
CITY = "evaluated"
DISTRICT = "evaluated.north"


@pytest.fixture
async def evaluated_city(session: AsyncSession) -> str:
    region = await add_region(session, CITY)
    await add_region(
        session, DISTRICT, level="district", parent=region, box=(118.0, 24.45, 118.1, 24.5)
    )
    for theme in ("land_cover", "npp", "temperature", "rainfall", "population"):
        await add_dataset(session, region, theme, f"{CITY}.{theme}")
    await add_dataset(session, region, "supply.biodiversity", "sup.1", origin="imported")
    await session.commit()
    return CITY


async def refused(client: httpx.AsyncClient, path: str, **inputs: Any) -> list[str]:
    answer = await client.post(path, json={"inputs": {"region": CITY, **inputs}})
    assert answer.status_code == 400, answer.text
    return sorted(fault["pointer"] for fault in answer.json()["errors"])


async def accepted(
    client: httpx.AsyncClient, session: AsyncSession, path: str, **inputs: Any
) -> Job:
    answer = await client.post(path, json={"inputs": {"region": CITY, **inputs}})
    assert answer.status_code == 201, answer.text
    return (await session.scalars(select(Job))).one()


async def test_both_describe_their_inputs(anonymous: httpx.AsyncClient) -> None:
    for process in ("evaluate-ecosystem", "account-gep"):
        described = (await anonymous.get(f"/processes/{process}")).json()
        for name, one in described["inputs"].items():
            Draft202012Validator.check_schema(one["schema"])
            assert one["description"], name
        assert {"report", "table"} <= set(described["outputs"])


@pytest.mark.usefixtures("evaluated_city")
class TestEvaluation:
    async def test_every_missing_layer_is_told_at_once(self, runner: httpx.AsyncClient) -> None:
        found = await refused(runner, EVALUATE, themes=["quality", "degradation"])
        assert found == [
            f"/inputs/datasets/{theme}" for theme in ("gpp", "lai", "ndvi", "ndvi_series")
        ]

    async def test_the_reason_is_told_in_both_languages(self, runner: httpx.AsyncClient) -> None:
        inputs = {"region": CITY, "themes": ["quality"]}
        answer = await runner.post(f"{EVALUATE}?lang=zh", json={"inputs": inputs})
        details = [fault["detail"] for fault in answer.json()["errors"]]
        assert "quality 缺少必需的数据集：叶面积指数" in details

    async def test_something_must_be_evaluated(self, runner: httpx.AsyncClient) -> None:
        assert await refused(runner, EVALUATE, themes=[]) == ["/inputs/themes"]
        assert await refused(runner, EVALUATE, themes=["beauty"]) == ["/inputs/themes/0"]

    async def test_a_given_supply_needs_no_layers(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        job = await accepted(
            runner,
            session,
            EVALUATE,
            themes=["importance"],
            supplies={"biodiversity": "sup.1"},
            parameters={"services": ["biodiversity"]},
        )
        assert set(job.task["datasets"]) == {"land_cover", "supply.biodiversity"}

    async def test_a_supply_of_another_kind_is_refused(self, runner: httpx.AsyncClient) -> None:
        found = await refused(
            runner,
            EVALUATE,
            themes=["importance"],
            supplies={"biodiversity": f"{CITY}.npp"},
            parameters={"services": ["biodiversity"]},
        )
        assert found == ["/inputs/supplies/biodiversity"]

    async def test_parameters_stay_in_their_ranges(self, runner: httpx.AsyncClient) -> None:
        for parameters, pointer in (
            ({"most_gaps": 2}, "most_gaps"),
            ({"resilience": {"99": 0.5}}, "resilience/99"),
            ({"series": "rain"}, "series"),
        ):
            found = await refused(runner, EVALUATE, themes=["carbon"], parameters=parameters)
            assert any(one.startswith(f"/inputs/parameters/{pointer}") for one in found), found

    async def test_only_what_is_read_becomes_an_input(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        job = await accepted(runner, session, EVALUATE, themes=["carbon"])
        assert set(job.task["datasets"]) == {"land_cover", "npp", "rainfall", "temperature"}


@pytest.mark.usefixtures("evaluated_city")
class TestAccount:
    async def test_unknown_names_are_refused_where_they_stand(
        self, runner: httpx.AsyncClient
    ) -> None:
        found = await refused(
            runner,
            ACCOUNT,
            items=["oxygen", "gold"],
            quantities={"silver": 1, "oxygen": {"mars": 2}},
        )
        assert found == [
            *("/inputs/items/1", "/inputs/quantities/oxygen/mars", "/inputs/quantities/silver")
        ]

    async def test_coefficients_stay_in_their_ranges(self, runner: httpx.AsyncClient) -> None:
        found = await refused(runner, ACCOUNT, coefficients={"eer": 99})
        assert found == ["/inputs/coefficients/eer"]

    async def test_an_item_that_cannot_be_counted_is_refused_when_it_is_asked_for(
        self, runner: httpx.AsyncClient
    ) -> None:
        assert await refused(runner, ACCOUNT, items=["soil_silt"]) == ["/inputs/items/0"]

    async def test_an_account_is_accepted_with_what_it_reads(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        job = await accepted(
            runner,
            session,
            ACCOUNT,
            items=["oxygen"],
            quantities={"oxygen": {DISTRICT: 5}},
        )
        assert {"npp", "population"} <= set(job.task["datasets"])
        assert [one["code"] for one in job.task["region"]["districts"]] == [DISTRICT]
