"""Scenarios as they are asked for: what is refused, where and in which words."""

import re
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator
from shapely import box
from shapely.geometry import mapping
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region
from shanhai.processes.catalogue import CONTRACTS, read_task
from shanhai.processes.kit.lookups import describe_dataset
from shanhai.processes.kit.task import RegionTask, Task
from shanhai.processes.run_scenario.contract import RunScenarioTask
from tests.support.job_rows import add_dataset, add_region
from tests.support.projects import add_project

RUN = "/processes/run-scenario/execution"
CITY = "rehearsed"
PLACE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [[[118.02, 24.42], [118.04, 24.42], [118.04, 24.44], [118.02, 24.42]]],
}
CHINESE = re.compile("[\u4e00-\u9fff]")
PLANTED = {"kind": "restore", "name_zh": "修复", "cover": "forest", "geometry": PLACE}


@pytest.fixture
async def rehearsed_city(session: AsyncSession) -> str:
    region = await add_region(session, CITY)
    await add_dataset(session, region, "land_cover", f"{CITY}.cover")
    shape = f"SRID=4490;{box(118.05, 24.45, 118.06, 24.46).wkt}"
    await add_project(session, code="open.1", region=CITY, geom=shape, state="approved")
    await add_project(session, code="draft.1", region=CITY, geom=shape)
    await add_project(session, code="bare.1", region=CITY, state="approved")
    await session.commit()
    return CITY


def body(*edits: dict[str, Any], **inputs: Any) -> dict[str, Any]:
    sources = {"sources": {"candidates": "natural_cover"}}
    return {"inputs": {"region": CITY, "parameters": sources, "edits": [*edits], **inputs}}


async def refused(
    client: httpx.AsyncClient, *edits: dict[str, Any], **inputs: Any
) -> list[dict[str, str]]:
    answer = await client.post(f"{RUN}?lang=zh", json=body(*edits, **inputs))
    assert answer.status_code == 400, answer.text
    found: list[dict[str, str]] = answer.json()["errors"]
    assert all(CHINESE.search(one["detail"]) for one in found)
    return found


def without_shape(**place: str) -> dict[str, Any]:
    return {key: value for key, value in PLANTED.items() if key != "geometry"} | place


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/run-scenario")).json()
    for name, one in described["inputs"].items():
        Draft4Validator.check_schema(one["schema"])
        assert one["description"], name
    members = described["inputs"]["edits"]["schema"]["items"]["properties"]
    assert {"kind", "geometry", "cover", "road"} <= set(members)


@pytest.mark.usefixtures("rehearsed_city")
class TestScenario:
    async def test_a_geometry_and_a_project_go_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        answer = await runner.post(RUN, json=body(PLANTED, without_shape(project="open.1")))
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job))).one()
        (area,) = job.task["areas"]
        assert (area["kind"], area["code"]) == ("project", "open.1")
        assert area["geometry"]["type"] in {"Polygon", "MultiPolygon"}

    async def test_all_that_is_wrong_with_edits_is_told(self, runner: httpx.AsyncClient) -> None:
        away = PLANTED | {
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[117.0, 24.42], [117.1, 24.42], [117.1, 24.44], [117.0, 24.42]]],
            }
        }
        point = PLANTED | {"geometry": {"type": "Point", "coordinates": [118.05, 24.45]}}
        bow = PLANTED | {
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [
                        [118.01, 24.41],
                        [118.02, 24.42],
                        [118.02, 24.41],
                        [118.01, 24.42],
                        [118.01, 24.41],
                    ]
                ],
            }
        }
        road = {"kind": "build_road", "name_zh": "路", "road": "main", "geometry": PLACE}
        found = await refused(
            runner, PLANTED, away, point, bow, road, without_shape(project="none.1")
        )
        assert [one["pointer"] for one in found] == [
            "/inputs/edits/1/geometry",
            "/inputs/edits/2/geometry",
            "/inputs/edits/3/geometry",
            "/inputs/edits/4/kind",
            "/inputs/edits/5/project",
        ]

    async def test_what_is_published_rests_on_what_everyone_may_see(
        self, publisher: httpx.AsyncClient
    ) -> None:
        for code in ("draft.1", "bare.1"):
            found = await refused(publisher, without_shape(project=code), publish=True)
            assert [one["pointer"] for one in found] == ["/inputs/edits/0/project"]

    async def test_readers_may_not_run_one(self, anonymous: httpx.AsyncClient) -> None:
        assert (await anonymous.post(RUN, json=body(PLANTED))).status_code == 401


ZONED = ["supply_demand_ratio", "zones"]


async def add_zoning(
    session: AsyncSession,
    kind: str = "delineate-zones",
    *,
    status: str = "successful",
    gone: bool = False,
    **inputs: Any,
) -> str:
    """A job as one that assessed the city leaves it; returns its id."""
    cover = (await session.scalars(select(Dataset).where(Dataset.code == f"{CITY}.cover"))).one()
    described = describe_dataset(cover)
    datasets = {"land_cover": described.model_copy(update={"id": 0}) if gone else described}
    region = RegionTask(
        code=CITY,
        name_zh="城",
        name_en="City",
        epsg=4548,
        geometry=mapping(box(118, 24.4, 118.1, 24.5)),
    )
    asked = CONTRACTS[kind].inputs.model_validate({"region": CITY, "cell_m": 100, **inputs})
    task = Task(
        process=kind,
        inputs=asked.model_dump(mode="json"),
        seed=42,
        region=region,
        datasets=datasets,
    )
    job = Job(
        kind=kind,
        inputs={},
        task=task.model_dump(mode="json"),
        status=status,
        requested_by="another",
    )
    session.add(job)
    await session.commit()
    return str(job.id)


@pytest.mark.usefixtures("rehearsed_city")
class TestAssessed:
    async def test_the_assessment_goes_with_the_task(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        former = await add_zoning(session, seed=7)
        answer = await runner.post(RUN, json=body(PLANTED, compare=ZONED, assessment=former))
        assert answer.status_code == 201, answer.text
        job = (await session.scalars(select(Job).where(Job.kind == "run-scenario"))).one()
        task = read_task(job.task)
        assert isinstance(task, RunScenarioTask)
        assert task.assessed is not None
        assert (task.assessed.job_id, task.assessed.process) == (former, "delineate-zones")
        assert task.assessed.inputs["seed"] == 7
        assert task.assessed.themes == ["land_cover"]
        assert task.region is not None
        assert task.region.name_en == "City"

    async def test_what_keeps_it_from_being_compared_is_told(
        self, publisher: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        cases: list[tuple[str | None, dict[str, Any], str]] = [
            (None, {}, "/inputs/assessment"),
            ("00000000-0000-4000-8000-000000000000", {}, "/inputs/assessment"),
            (await add_zoning(session, status="running"), {}, "/inputs/assessment"),
            (await add_zoning(session, "assess-ecoservices"), {}, "/inputs/assessment"),
            (await add_zoning(session, gone=True), {}, "/inputs/assessment"),
            (await add_zoning(session), {"cell_m": 50}, "/inputs/cell_m"),
            (await add_zoning(session, publish=False), {"publish": True}, "/inputs/publish"),
        ]
        for former, inputs, pointer in cases:
            named = {} if former is None else {"assessment": former}
            found = await refused(publisher, PLANTED, compare=ZONED, **named, **inputs)
            assert [one["pointer"] for one in found] == [pointer], (former, inputs)

    async def test_another_dataset_than_the_assessment_read_is_refused(
        self, runner: httpx.AsyncClient, session: AsyncSession
    ) -> None:
        former = await add_zoning(session)
        region = (await session.scalars(select(Region).where(Region.code == CITY))).one()
        await add_dataset(session, region, "land_cover", f"{CITY}.newer")
        await session.commit()
        named = {"compare": ZONED, "assessment": former}
        assert (await runner.post(RUN, json=body(PLANTED, **named))).status_code == 201
        chosen = {"land_cover": f"{CITY}.newer"}
        found = await refused(runner, PLANTED, datasets=chosen, **named)
        assert [one["pointer"] for one in found] == ["/inputs/datasets/land_cover"]
