"""A worker in this process, or workers in processes of their own that can be killed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from shanhai.data.synthetic_watershed import Watershed
from shanhai.db.engine import Sessions
from shanhai.db.tables.dataset import Dataset
from shanhai.settings import (
    ArtifactSettings,
    DaskSettings,
    DatabaseSettings,
    QueueSettings,
    RedisSettings,
    WorkerSettings,
)
from shanhai.storage.artifacts import LocalArtifacts
from shanhai_worker.app import open_context, run
from shanhai_worker.context import TileAccess, WorkerContext
from shanhai_worker.runner import Consumer
from tests.support.accounts import account_url
from tests.support.configured import configured
from tests.support.emptying import forget_rows
from tests.support.feeds import add_station
from tests.support.object_stores import settings_of
from tests.support.stored import store_watershed
from tests.support.workers import Workers, free_port, start_workers


@pytest.fixture(autouse=True)
def begin_without_jobs(without_jobs: None) -> None:
    """No worker has anything to do at first."""


@pytest.fixture
def settings(request: pytest.FixtureRequest) -> WorkerSettings:
    """The usual settings, with what the mark `configured` of a test, class or module says."""
    usual = {"slots": 2, "lease_s": 1, "renew_s": 0.3, "poll_s": 30, "max_crashes": 2}
    return WorkerSettings.model_validate({"port": free_port(), **usual, **configured(request)})


@pytest.fixture
def tiles() -> TileAccess:
    """No tile service runs; tests that need one say where."""
    return TileAccess("http://127.0.0.1:1")


@pytest.fixture
def artifact_settings(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactSettings:
    """A folder; for tests that may do harm to a bucket, one behind what does it."""
    if "harmful" not in request.fixturenames:
        return ArtifactSettings(root=tmp_path / "artifacts")
    url = request.getfixturevalue("harmful").url
    return settings_of(request.getfixturevalue("in_bucket")(url=url))


@pytest.fixture
async def context(
    sessions: Sessions,
    database_url: str,
    redis_url: str,
    settings: WorkerSettings,
    tiles: TileAccess,
    artifact_settings: ArtifactSettings,
) -> AsyncIterator[WorkerContext]:
    async with open_context(
        DatabaseSettings(url=SecretStr(account_url(database_url, "worker"))),
        RedisSettings(url=SecretStr(redis_url)),
        QueueSettings(),
        artifact_settings,
        settings,
        DaskSettings(),
        tiles,
        isolation={"network": "active"},
    ) as context:
        yield context


@pytest.fixture
async def worker(context: WorkerContext, redis_url: str) -> AsyncIterator[WorkerContext]:
    """The context of a worker that runs in this process."""
    stop = asyncio.Event()
    running = asyncio.create_task(run(context, partial(Consumer, redis_url), stop))
    yield context
    stop.set()
    async with asyncio.timeout(60):
        await running


@pytest.fixture
def workers(
    sessions: Sessions, database_url: str, redis_url: str, tmp_path: Path
) -> Iterator[Workers]:
    with start_workers(database_url, redis_url, tmp_path) as workers:
        yield workers


@dataclass(frozen=True)
class Linked:
    """A watershed with woods in the database, as networks and scenarios are computed for.

    Attributes:
        watershed: Its files.
        supplies: Codes of its computed supplies by service.
    """

    watershed: Watershed
    supplies: dict[str, str]


@pytest.fixture
async def linked(
    worker: WorkerContext, sessions: Sessions, linked_watershed: Watershed
) -> AsyncIterator[Linked]:
    """The watershed as a region with its districts and datasets."""
    assert isinstance(worker.artifacts, LocalArtifacts)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])
        await store_watershed(session, worker.artifacts, linked_watershed)
        found = await session.execute(
            select(Dataset.theme, Dataset.code).where(Dataset.theme.startswith("supply."))
        )
        supplies = {theme.removeprefix("supply."): code for theme, code in found}
    yield Linked(linked_watershed, supplies)
    async with sessions.begin() as session:
        await forget_rows(session, ["region", "dataset"])


@pytest.fixture
async def river_station(sessions: Sessions) -> str:
    async with sessions.begin() as session:
        await forget_rows(session, ["observation", "observation_latest", "hj212_device", "station"])
    await add_station(sessions, "river-1")
    return "river-1"
