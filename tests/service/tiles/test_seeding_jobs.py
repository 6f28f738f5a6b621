"""Seeding jobs in workers of their own: killed and gone on with, cancelled, for their owner."""

import asyncio
import gzip
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pmtiles.reader import MmapSource, Reader, all_tiles
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as RequestScope

from shanhai.db.engine import Sessions
from shanhai.db.identity import Identity, RegionTree, RoleGiven
from shanhai.db.queries.audit import Act
from shanhai.db.queries.jobs import JobFilter, list_jobs
from shanhai.db.queries.keys import create_key, find_alive, identity_of, prefix_of, revoke_key
from shanhai.db.tables.job import Job
from shanhai.db.tables.zone import Region, ZoneScheme
from shanhai.jobs.states import cancel
from shanhai.jobs.submission import USUAL, resubmit
from shanhai.processes.seed_tiles.contract import SEED_TILES, SeedTilesInputs
from shanhai.processes.seed_tiles.plan import BLOCK
from shanhai.settings import TileTokenSettings
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.vocabulary import ZONE_CLASSES, JobStatus, Role, Scope
from shanhai_tiles.app import create_app
from tests.service.tiles.running import running
from tests.support.feature_rows import add_scheme, add_zone
from tests.support.job_rows import open_sessions, read_job, submit
from tests.support.serving import kill
from tests.support.workers import Workers, eventually, reach_end, start_workers

pytestmark = pytest.mark.long

SECRET = "s" * 40
SMALL: dict[str, Any] = {"bbox": [117.9, 24.4, 118.3, 24.7], "max_zoom": 8}
AREA: dict[str, Any] = {"bbox": [118.0, 24.4, 118.2, 24.6], "min_zoom": 14, "max_zoom": 16}


@dataclass
class Watched:
    """A tile service that notes what it is asked for, takes its time with tiles, or breaks."""

    app: ASGIApp
    pause_s: float = 0.0
    broken: bool = False
    asked: Counter[str] = field(default_factory=Counter)

    async def __call__(self, scope: RequestScope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.broken:
            await Response(status_code=501)(scope, receive, send)
            return
        if scope["type"] == "http" and "/tiles/" in scope["path"]:
            self.asked[scope["path"]] += 1
            await asyncio.sleep(self.pause_s)
        await self.app(scope, receive, send)


@pytest.fixture
def watched(world: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """A service that workers of this test find by their settings."""
    tokens = TileTokenSettings(secret=SecretStr(SECRET))
    settings = replace(world.settings(public_read=True), tokens=tokens)
    watched = Watched(create_app(settings))
    with running(lambda _: watched) as (base, _):
        monkeypatch.setenv("SHANHAI_TILES_INTERNAL_URL", base)
        monkeypatch.setenv("SHANHAI_TILE_TOKENS_SECRET", SECRET)
        yield watched


@pytest.fixture
async def world_sessions(world: Any) -> AsyncIterator[Sessions]:
    async with open_sessions(world.database_url) as sessions:
        yield sessions


@pytest.fixture
def workers(world: Any, redis_url: str, tmp_path: Path) -> Iterator[Workers]:
    with start_workers(world.database_url, redis_url, tmp_path) as workers:
        yield workers


async def order(sessions: Sessions, owner: str = "tester", **inputs: Any) -> UUID:
    async with sessions.begin() as session:
        job = await submit(
            session,
            contract=SEED_TILES,
            inputs=SeedTilesInputs.model_validate(inputs),
            requested_by=owner,
        )
    return job.id


def square_of(zoom: int, column: int, row: int) -> tuple[int, int, int]:
    """The square of the net of blocks that a tile lies in."""
    return zoom, column // BLOCK, row // BLOCK


def finished_blocks(folder: Path, job_id: UUID) -> list[Path]:
    return sorted((folder / "artifacts" / "kept" / str(job_id)).rglob("*.part"))


def packed(folder: Path, job: Job) -> dict[tuple[int, int, int], bytes]:
    assert job.result is not None, job.error
    store = LocalArtifacts(folder / "artifacts")
    with store.local_path(job.result["outputs"]["pmtiles"]["uri"]).open("rb") as file:
        source = MmapSource(file)
        assert "sht_" not in str(Reader(source).metadata()), "nobody else is given the token"
        return dict(all_tiles(source))


async def test_a_killed_workers_job_goes_on_where_it_stopped(
    watched: Watched, workers: Workers, world_sessions: Sessions, tmp_path: Path
) -> None:
    watched.pause_s = 0.005
    job_id = await order(world_sessions, layers=["zones.xiamen"], pack="pmtiles", **AREA)
    victim = workers.start()

    async def some_are_finished() -> bool:
        return len(finished_blocks(tmp_path, job_id)) >= 2

    await eventually(some_are_finished)
    kill(victim)
    kept = finished_blocks(tmp_path, job_id)
    assert (await read_job(world_sessions, job_id)).status == JobStatus.RUNNING
    watched.pause_s = 0.0
    workers.start()
    job = await reach_end(world_sessions, job_id)
    assert (job.status, job.attempt) == (JobStatus.SUCCESSFUL, 2), job.error
    tiles = packed(tmp_path, job)
    assert len(tiles) == len(watched.asked)
    repeated = sum(count - 1 for count in watched.asked.values())
    assert repeated <= 256 + 4  # at most the block in hand was lost, with what was on its way
    finished = {square_of(*map(int, path.stem.split("-"))) for path in kept}
    for path, count in watched.asked.items():
        zoom, column, row = path.removesuffix(".png").split("/")[-3:]
        if square_of(int(zoom), int(column), int(row)) in finished:
            assert count == 1, path

    async def nothing_is_kept() -> bool:
        return finished_blocks(tmp_path, job_id) == []

    await eventually(nothing_is_kept)


async def test_a_cancelled_job_stops_asking_and_keeps_nothing(
    watched: Watched, workers: Workers, world_sessions: Sessions, tmp_path: Path
) -> None:
    watched.pause_s = 0.02
    job_id = await order(world_sessions, layers=["zones.xiamen"], pack="mbtiles", **AREA)
    workers.start()

    async def drawing() -> bool:
        return len(watched.asked) > 20

    await eventually(drawing)
    async with world_sessions.begin() as session:
        await cancel(session, job_id, act=Act("tester"))
    job = await reach_end(world_sessions, job_id)
    assert (job.status, job.result) == (JobStatus.DISMISSED, None)
    asked = sum(watched.asked.values())
    await asyncio.sleep(0.3)
    assert sum(watched.asked.values()) <= asked + 4

    async def cleared() -> bool:
        return not (tmp_path / "artifacts" / "kept" / str(job_id)).exists()

    await eventually(cleared)


async def test_what_an_ended_job_left_is_swept(
    watched: Watched, workers: Workers, world_sessions: Sessions, tmp_path: Path
) -> None:
    job_id = await order(world_sessions, layers=["zones"])
    async with world_sessions.begin() as session:
        await cancel(session, job_id, act=Act("tester"))
    left = tmp_path / "artifacts" / "kept" / str(job_id)
    left.mkdir(parents=True)
    (left / "08-0-0.part").write_bytes(b"left by a worker that was killed")
    workers.start()

    async def swept() -> bool:
        return not left.exists()

    await eventually(swept)


class TestDrafts:
    """A draft scheme, seen by a key that may and a key that may not."""

    DRAFT = "seeding.draft"

    @pytest.fixture
    async def owners(self, world_sessions: Sessions) -> dict[str, str]:
        """Names of the owner who may see the draft, and of one who may not."""
        async with world_sessions.begin() as session:
            xiamen = await session.scalar(select(Region).where(Region.code == "xiamen"))
            assert xiamen is not None
            known = select(ZoneScheme.id).where(ZoneScheme.code == self.DRAFT)
            if await session.scalar(known) is None:
                scheme = await add_scheme(
                    session, xiamen, code=self.DRAFT, status="draft", valid=(None, None)
                )
                await add_zone(session, scheme, ZONE_CLASSES[0].code, (117.9, 24.4, 118.1, 24.7))
            return {
                name: await owner_of_key(session, [RoleGiven(role, region)])
                for name, role, region in (
                    ("planner", Role.PLANNER, "xiamen"),
                    ("viewer", Role.VIEWER, None),
                )
            }

    async def test_a_draft_is_packed_for_its_owner_only(
        self,
        watched: Watched,
        workers: Workers,
        world_sessions: Sessions,
        tmp_path: Path,
        owners: dict[str, str],
    ) -> None:
        asked = {"layers": ["zones"], "pack": "pmtiles", "scheme": self.DRAFT, **SMALL}
        jobs = {
            "planner": await order(world_sessions, owners["planner"], own_view=True, **asked),
            "viewer": await order(world_sessions, owners["viewer"], own_view=True, **asked),
            "public": await order(world_sessions, owners["planner"], **asked),
        }
        workers.start()
        ended = {name: await reach_end(world_sessions, job_id) for name, job_id in jobs.items()}
        tiles = packed(tmp_path, ended["planner"])
        assert tiles
        assert all(self.DRAFT.encode() in gzip.decompress(one) for one in tiles.values())
        for name in ("viewer", "public"):
            assert ended[name].status == JobStatus.FAILED
            error = ended[name].error
            assert error is not None
            assert error["class"] == "invalid"
            assert "没有内容" in error["detail_zh"]
            assert error["faults"][0]["pointer"] == "/inputs/layers"
        log = (tmp_path / "worker.log").read_text()
        assert "sht_" not in log

    async def test_a_dataset_that_is_not_public_is_packed_for_who_may_read(
        self,
        watched: Watched,
        workers: Workers,
        world_sessions: Sessions,
        tmp_path: Path,
        owners: dict[str, str],
    ) -> None:
        asked = {"layers": ["dataset.ndvi.secret"], "pack": "pmtiles", "max_zoom": 9}
        mine = await order(world_sessions, owners["viewer"], **asked)
        nobodys = await order(world_sessions, "key:nothere1", **asked)
        workers.start()
        assert packed(tmp_path, await reach_end(world_sessions, mine))
        job = await reach_end(world_sessions, nobodys)
        assert job.error is not None
        assert job.error["faults"][0]["pointer"] == "/inputs/layers/0"

    async def test_a_revoked_key_ends_the_job(
        self, watched: Watched, workers: Workers, world_sessions: Sessions, owners: dict[str, str]
    ) -> None:
        watched.pause_s = 0.02
        asked = {"layers": ["dataset.ndvi.secret"], "pack": "pmtiles", **AREA}
        job_id = await order(world_sessions, owners["viewer"], **asked)
        workers.start()

        async def drawing() -> bool:
            return len(watched.asked) > 20

        await eventually(drawing)
        async with world_sessions.begin() as session:
            await revoke_key(session, owners["viewer"].removeprefix("key:"), act=Act("tester"))
        job = await reach_end(world_sessions, job_id)
        assert job.status == JobStatus.FAILED
        assert job.error is not None
        assert job.error["class"] == "invalid"
        assert "已失效" in job.error["detail_zh"]


async def owner_of_key(session: AsyncSession, roles: list[RoleGiven]) -> str:
    key = await create_key(session, name="seeding", scopes=[Scope.READ], roles=roles)
    alive = await find_alive(session, str(prefix_of(key)))
    assert alive is not None
    return (await identity_of(session, alive, RegionTree())).owner


async def test_a_broken_service_is_asked_again_and_given_up_until_somebody_asks_once_more(
    watched: Watched, workers: Workers, world_sessions: Sessions
) -> None:
    watched.broken = True
    job_id = await order(world_sessions, layers=["zones.xiamen"], **SMALL)
    workers.start(max_retries=2, retry_first_s=0.2)
    job = await reach_end(world_sessions, job_id)
    assert (job.status, job.attempt, job.retries, job.crash_count) == (JobStatus.FAILED, 3, 2, 0)
    assert job.error is not None
    assert job.error["class"] == "transient"
    assert "(tried 3 times)" in job.error["detail"]
    watched.broken = False
    owner = Identity("tester", frozenset({Scope.JOBS}))
    async with world_sessions.begin() as session:
        (dead,) = await list_jobs(session, JobFilter(dead=True), limit=10)
        assert dead.id == job_id
        again = await resubmit(session, dead, identity=owner, terms=USUAL, act=Act("tester"))
    assert (await reach_end(world_sessions, again.id)).status == JobStatus.SUCCESSFUL
