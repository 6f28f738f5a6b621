"""Layers of a job are drawn from publication on, while its PDF is still set, and not before."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import select

from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import Job
from shanhai.processes.kit.report_pdf import STAGE
from tests.support.feature_rows import add_job
from tests.support.job_rows import open_sessions
from tests.support.workers import eventually

TILE = "tiles/WebMercatorQuad/10/847/440.png"
RESULT: dict[str, Any] = {"outputs": {}, "values": {}, "manifest": {}, "warnings": []}


async def seed_job_with_raster(world: Any, visibility: str) -> UUID:
    """A job that still computes, with a raster in the database as publication leaves it."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        job = await add_job(session, status="running", task={"region": {"code": "xiamen"}})
        drawn = (await session.scalars(select(Dataset).where(Dataset.theme == "ratio"))).first()
        assert drawn is not None
        kept = {c.name: getattr(drawn, c.name) for c in Dataset.__table__.columns if c.name != "id"}
        own = {"code": f"ratio.{job.id}", "job_id": job.id, "visibility": visibility}
        own["created_at"] = job.created_at
        session.add(Dataset(**{**kept, **own}))
    return job.id


async def change(world: Any, job_id: UUID, **columns: object) -> None:
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        job = await session.get_one(Job, job_id)
        for name, value in columns.items():
            setattr(job, name, value)


@pytest.mark.parametrize("status", ["running", "accepted"], ids=["pdf", "waits_for_another_worker"])
async def test_layer_of_a_job_is_drawn_once_its_result_is_kept(
    client: httpx.AsyncClient, world: Any, status: str
) -> None:
    job = await seed_job_with_raster(world, "public")
    assert (await client.get(f"/layers/ratio.{job}/{TILE}")).status_code == 404
    await change(world, job, result=RESULT, stage=STAGE, status=status)
    answer = await client.get(f"/layers/ratio.{job}/{TILE}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "image/png"


async def test_newest_layer_of_a_region_is_told_anew_once_a_result_is_kept(
    client: httpx.AsyncClient, world: Any
) -> None:
    job = await seed_job_with_raster(world, "public")
    before = (await client.get("/layers/ratio.xiamen")).json()
    assert str(job) not in str(before)
    await change(world, job, result=RESULT, stage=STAGE)

    async def told() -> bool:
        return str(job) in str((await client.get("/layers/ratio.xiamen")).json())

    await eventually(told)
