"""Seeding as it is asked for: what is refused, where and in which words."""

from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.tables.job import Job
from tests.support.job_rows import add_region

SEED = "/processes/seed-tiles/execution"


@pytest.fixture
async def seeded_places(session: AsyncSession) -> str:
    await add_region(session, "seeded", box=(118.0, 24.4, 118.1, 24.5))
    await add_region(session, "shapeless", box=None)
    await session.commit()
    return "seeded"


async def ask(client: httpx.AsyncClient, lang: str = "en", **inputs: Any) -> httpx.Response:
    return await client.post(SEED, json={"inputs": inputs}, headers={"Accept-Language": lang})


async def test_it_describes_its_inputs(anonymous: httpx.AsyncClient) -> None:
    described = (await anonymous.get("/processes/seed-tiles")).json()
    for name, one in described["inputs"].items():
        Draft202012Validator.check_schema(one["schema"])
        assert one["description"], name
    assert {"summary", "pmtiles", "mbtiles"} == set(described["outputs"])


async def test_a_region_is_taken_as_the_box_around_it(
    runner: httpx.AsyncClient, session: AsyncSession, seeded_places: str
) -> None:
    answer = await ask(runner, layers=["zones"], region=seeded_places, pack="pmtiles")
    assert answer.status_code == 201, answer.text
    job = (await session.scalars(select(Job))).one()
    assert job.task["area"] == pytest.approx([118.0, 24.4, 118.1, 24.5])
    assert job.task["layers"] == ["zones"]
    assert job.task["region"] is None  # so that nobody else sees a pack of the owner's drafts
    assert job.task["tiles"] is None  # no token is ever stored


@pytest.mark.usefixtures("seeded_places")
@pytest.mark.parametrize(
    ("inputs", "pointers"),
    [
        ({"layers": []}, ["/inputs/layers"]),
        ({"layers": ["../etc/passwd"]}, ["/inputs/layers/0"]),
        ({"layers": ["http://elsewhere/tiles"]}, ["/inputs/layers/0"]),
        ({"layers": ["zones"] * 11}, ["/inputs/layers"]),
        ({"layers": ["zones"], "max_zoom": 25}, ["/inputs/max_zoom"]),
        ({"layers": ["zones"], "zooms": [0, 3]}, ["/inputs/zooms"]),
        ({"layers": ["zones"], "bbox": [1, 2, 3]}, ["/inputs/bbox/3"]),
        ({"layers": ["zones"], "region": "nowhere"}, ["/inputs/region"]),
        ({"layers": ["zones"], "region": "shapeless"}, ["/inputs/region"]),
        (
            {"layers": ["zones"], "grid": "c", "pack": "mbtiles", "min_zoom": 2, "max_zoom": 1},
            ["/inputs/max_zoom", "/inputs/grid"],
        ),
    ],
)
async def test_what_makes_no_sense_is_refused_with_pointers_in_chinese(
    runner: httpx.AsyncClient, inputs: dict[str, Any], pointers: list[str]
) -> None:
    answer = await ask(runner, "zh", **inputs)
    assert answer.status_code == 400, answer.text
    told = answer.json()["errors"]
    assert [fault["pointer"] for fault in told] == pointers
    assert all(any("\u4e00" <= one <= "\u9fff" for one in fault["detail"]) for fault in told)
