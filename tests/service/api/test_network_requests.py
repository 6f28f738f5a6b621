"""Networks as they are asked for: what is refused, where and in which words."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator
from shapely import box
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.engine import read_today
from shanhai.db.tables.control import ControlArea
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Corridor, Region
from tests.support.job_rows import add_dataset, add_region

BUILD = "/processes/build-network/execution"
CITY = "networked"
WHERE = "/inputs/parameters"


@pytest.fixture
async def networked_city(session: AsyncSession) -> str:
    region = await add_region(session, CITY)
    for theme in ("land_cover", "dem"):
        await add_dataset(session, region, theme, f"{CITY}.{theme}")
    await add_dataset(session, region, "supply.biodiversity", "sup.1", origin="imported")
    shape = box(118.02, 24.42, 118.04, 24.44)
    given = {"region_id": region.id, "name_zh": "线", "name_en": "Line", "status": "published"}
    today = await read_today(session)
    for kind in ("red_line", "protected_area", "urban_boundary"):
        session.add(
            ControlArea(
                visibility="public",
                code=f"{CITY}.{kind}",
                kind=kind,
                geom=f"SRID=4490;{shape.wkt}",
                valid_from=today,
                **given,
            )
        )
    session.add(
        Corridor(
            code="named.1",
            type="mountain_sea",
            geom="SRID=4490;MULTILINESTRING((118 24.4, 118.1 24.5))",
            **given,
        )
    )
    await session.commit()
    return CITY


async def refused(client: httpx.AsyncClient, **inputs: Any) -> list[str]:
    answer = await client.post(BUILD, json={"inputs": {"region": CITY, **inputs}})
    assert answer.status_code == 400, answer.text
    return sorted(fault["pointer"] for fault in answer.json()["errors"])


async def accepted(client: httpx.AsyncClient, session: AsyncSession, **inputs: Any) -> Job:
    answer = await client.post(BUILD, json={"inputs": {"region": CITY, **inputs}})
    assert answer.status_code == 201, answer.text
    return (await session.scalars(select(Job))).one()


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/build-network")).json()
    for name, one in described["inputs"].items():
        Draft4Validator.check_schema(one["schema"])
        assert one["description"], name
    assert {"report", "corridor_lines", "corridor_nodes", "table"} <= set(described["outputs"])


@pytest.mark.usefixtures("networked_city")
class TestNetwork:
    async def test_a_region_without_assessment_is_told_what_to_do(
        self, runner: httpx.AsyncClient
    ) -> None:
        assert await refused(runner) == ["/inputs/supplies"]
        answer = await runner.post(f"{BUILD}?lang=zh", json={"inputs": {"region": CITY}})
        assert "请先运行 assess-ecoservices" in answer.json()["errors"][0]["detail"]

    async def test_an_assessment_that_left_nothing_is_refused(
        self, runner: httpx.AsyncClient
    ) -> None:
        nobody = "00000000-0000-0000-0000-000000000000"
        assert await refused(runner, assessment=nobody) == ["/inputs/assessment"]

    async def test_supplies_must_be_of_their_service(self, runner: httpx.AsyncClient) -> None:
        assert await refused(runner, supplies={"cooling": "sup.1"}) == ["/inputs/supplies/cooling"]
        assert await refused(runner, supplies={"cooling": "none"}) == ["/inputs/supplies/cooling"]

    async def test_the_newest_supplies_that_everybody_may_see_are_taken(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        region = await session.scalar(select(Region).where(Region.code == CITY))
        assert region is not None
        jobs = [Job(kind="assess-ecoservices", inputs={}, task={}, requested_by="x") for _ in "abc"]
        session.add_all(jobs)
        await session.flush()
        made: dict[str, Any] = {"origin": "computed"}
        for job, services, seen in zip(
            jobs,
            (("cooling", "recreation"), ("cooling",), ("cooling",)),
            ("public", "public", "region"),
            strict=True,
        ):  # fmt: skip
            for service in services:
                theme = f"supply.{service}"
                code = f"{theme}.{job.id}"
                await add_dataset(
                    session, region, theme, code, job_id=job.id, visibility=seen, **made
                )
        await session.commit()
        answer = await runner.post(BUILD, json={"inputs": {"region": CITY}})
        assert answer.status_code == 201, answer.text
        row = await session.scalar(select(Job).where(Job.kind == "build-network"))
        assert row is not None
        supplies = {k: v["code"] for k, v in row.task["datasets"].items() if k.startswith("supply")}
        assert supplies == {"supply.cooling": f"supply.cooling.{jobs[1].id}"}
        named = {"region": CITY, "assessment": str(jobs[0].id)}
        answer = await runner.post(BUILD, json={"inputs": named})
        assert answer.status_code == 201, answer.text
        found = await session.get(Job, answer.json()["jobID"])
        assert found is not None
        assert {"supply.cooling", "supply.recreation"} < set(found.task["datasets"])

    async def test_given_supplies_lines_and_names_go_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        job = await accepted(runner, session, supplies={"biodiversity": "sup.1"})
        assert sorted(job.task["datasets"]) == ["dem", "land_cover", "supply.biodiversity"]
        kinds = [area["kind"] for area in job.task["areas"]]
        assert kinds == ["corridor", "protected_area", "red_line"]

    async def test_lines_that_shall_hold_no_source_are_taken_too(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        choice = {"candidates": "natural_cover", "excluded_lines": ["urban_boundary"]}
        job = await accepted(runner, session, parameters={"sources": choice})
        kinds = {area["kind"] for area in job.task["areas"]}
        assert kinds == {"corridor", "protected_area", "red_line", "urban_boundary"}
        assert "supply.biodiversity" not in job.task["datasets"]

    async def test_a_table_is_judged_before_the_job_is_taken(
        self, runner: httpx.AsyncClient
    ) -> None:
        table = {
            "version": "mine",
            "land_cover": {"weight": 1, "values": {"forest": -1}},
            "slope": {"weight": 0, "edges": [], "values": [1]},
            "roads": {"weight": 0, "main": {"edges": [], "values": [1]}},
            "water": {"weight": 0, "edges": [], "values": [1]},
        }
        found = await refused(
            runner,
            supplies={"biodiversity": "sup.1"},
            parameters={"resistance": {"table": table}},
        )
        assert found[0].startswith(f"{WHERE}/resistance/table/")

    @pytest.mark.parametrize(
        ("parameters", "pointer"),
        [
            ({"sources": {"quantile": 2}}, f"{WHERE}/sources/quantile"),
            ({"sources": {"min_area_ha": 0.5}}, f"{WHERE}/sources/min_area_ha"),
            ({"links": {"swath": "fixed_width_m"}}, f"{WHERE}/links/swath_value"),
            ({"circuit": {"barrier_radii_m": []}}, f"{WHERE}/circuit/barrier_radii_m"),
            ({"circuit": {"barrier_radii_m": [240, 10]}}, f"{WHERE}/circuit/barrier_radii_m/1"),
            ({"links": {"neighbours": 6}}, f"{WHERE}/links/neighbours"),
        ],
    )
    async def test_parameters_have_ranges(
        self, runner: httpx.AsyncClient, parameters: dict[str, Any], pointer: str
    ) -> None:
        found = await refused(runner, supplies={"biodiversity": "sup.1"}, parameters=parameters)
        assert found == [pointer]

    async def test_a_window_below_a_cell_is_refused(self, runner: httpx.AsyncClient) -> None:
        given = {"supplies": {"biodiversity": "sup.1"}, "omnidirectional": {"radius_m": 10}}
        assert await refused(runner, **given) == ["/inputs/omnidirectional/radius_m"]

    async def test_degrees_and_huge_grids_are_refused(self, runner: httpx.AsyncClient) -> None:
        given = {"supplies": {"biodiversity": "sup.1"}}
        assert await refused(runner, crs="EPSG:4490", **given) == ["/inputs/crs"]

    async def test_readers_may_not_build(self, anonymous: httpx.AsyncClient) -> None:
        answer = await anonymous.post(BUILD, json={"inputs": {"region": CITY}})
        assert answer.status_code == 401
