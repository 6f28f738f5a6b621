"""Drafts on the map: drawn for those who may see them, unknown to all others."""

from typing import Any

import httpx
import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.identity import RoleGiven
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.zone import Region
from shanhai.vocabulary import ZONE_CLASSES, Role, Scope
from tests.support.feature_rows import add_job, add_scheme, add_zone
from tests.support.job_rows import add_region, open_sessions

DRAFT = "draft.supply_demand"
POINT: dict[str, str | float] = {"lon": 118.0, "lat": 24.5, "scheme": DRAFT}
TILE = "/layers/zones/tiles/WebMercatorQuad/10/847/440.mvt"
SEERS = ("key", "planner@xiamen", "auditor@None")
OTHERS = ("anonymous", "viewer@None", "planner@elsewhere")


@pytest.fixture
async def credentials(world: Any) -> dict[str, dict[str, str]]:
    """A draft scheme in Xiamen, and the headers of each caller."""
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        xiamen = await session.scalar(select(Region).where(Region.code == "xiamen"))
        assert xiamen is not None
        if await session.scalar(select(Region).where(Region.code == "elsewhere")) is None:
            await add_region(session, "elsewhere")
            scheme = await add_scheme(
                session, xiamen, code=DRAFT, status="draft", valid=(None, None)
            )
            await add_zone(session, scheme, ZONE_CLASSES[0].code, (117.9, 24.4, 118.1, 24.7))
        return {name: await key_of(session, name) for name in (*SEERS, *OTHERS)}


async def key_of(session: AsyncSession, name: str) -> dict[str, str]:
    if name == "anonymous":
        return {}
    role, _, region = name.partition("@")
    roles = None
    if role != "key":
        roles = [RoleGiven(Role(role), None if region == "None" else region)]
    key = await create_key(session, name=name, scopes=[Scope.READ], roles=roles)
    return {"Authorization": f"Bearer {key}"}


@pytest.mark.parametrize("name", [*SEERS, *OTHERS])
async def test_draft_is_drawn_for_those_who_may_see_it(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], name: str
) -> None:
    headers = credentials[name]
    point = await client.get("/layers/zones/point", params=POINT, headers=headers)
    assert bool(point.json()["features"]) == (name in SEERS)
    tile = await client.get(TILE, params={"scheme": DRAFT}, headers=headers)
    assert (DRAFT.encode() in tile.content) == (name in SEERS)
    if name != "anonymous":
        assert "private" in tile.headers["Cache-Control"]


async def test_tile_drawn_for_one_is_not_given_to_another(
    client: httpx.AsyncClient, credentials: dict[str, dict[str, str]]
) -> None:
    asked = {"scheme": DRAFT}
    first = await client.get(TILE, headers=credentials["planner@xiamen"], params=asked)
    assert DRAFT.encode() in first.content
    tag = {"If-None-Match": first.headers["ETag"]}
    for name in OTHERS:
        answer = await client.get(TILE, headers={**credentials[name], **tag}, params=asked)
        assert answer.status_code != 304
        assert DRAFT.encode() not in answer.content


@pytest.mark.parametrize("name", [*SEERS, *OTHERS])
async def test_unpublished_raster_is_drawn_for_those_who_may_know_of_its_job(
    client: httpx.AsyncClient, world: Any, credentials: dict[str, dict[str, str]], name: str
) -> None:
    async with open_sessions(world.database_url) as sessions, sessions.begin() as session:
        job = await add_job(session, status="successful", task={"region": {"code": "xiamen"}})
        drawn = (await session.scalars(select(Dataset).where(Dataset.theme == "ratio"))).first()
        assert drawn is not None
        kept = {c.name: getattr(drawn, c.name) for c in Dataset.__table__.columns if c.name != "id"}
        code = f"draft.{job.id}"
        place = func.ST_Multi(func.ST_MakeEnvelope(117.9, 24.4, 118.1, 24.7, 4490))
        own = {"code": code, "job_id": job.id, "visibility": "region", "footprint": place}
        session.add(Dataset(**{**kept, **own}))
    footprint = await client.get(
        "/layers/datasets/tiles/WebMercatorQuad/7/105/54.mvt", headers=credentials[name]
    )
    assert (code.encode() in footprint.content) == (name in SEERS)
    for layer in (f"ratio.{job.id}", f"dataset.{code}"):
        answer = await client.get(f"/layers/{layer}", headers=credentials[name])
        assert answer.status_code == (200 if name in SEERS else 404)
        if name in SEERS:
            assert "private" in answer.headers["Cache-Control"]
