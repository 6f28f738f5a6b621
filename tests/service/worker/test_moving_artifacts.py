"""`shanhai artifacts move` while services run: to a bucket and back, killed on its way."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from typing import Literal

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import delete, func, select

from shanhai.db.engine import Sessions
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import JobDataset
from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    DaskSettings,
    DatabaseSettings,
    LogSettings,
    PublicSettings,
    QueueSettings,
    RedisSettings,
    WorkerSettings,
)
from shanhai.storage.artifacts import open_store
from shanhai.vocabulary import JobStatus, Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from shanhai_worker.app import open_context, run
from shanhai_worker.context import TileAccess, WorkerContext
from shanhai_worker.runner import Consumer
from tests.service.worker.test_in_a_bucket import import_raster
from tests.support.accounts import account_url
from tests.support.object_stores import Environment, settings_of
from tests.support.workers import eventually, reach_end

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]
FILES = 60
"""Files there are before, so that a move has a middle in which it can be killed."""


class ApiAndWorker:
    """API and worker over one database, each time with the store that is given."""

    def __init__(
        self,
        sessions: Sessions,
        database_url: str,
        redis_url: str,
        settings: WorkerSettings,
        tiles: TileAccess,
    ) -> None:
        self.sessions = sessions
        self._url, self._redis = database_url, RedisSettings(url=SecretStr(redis_url))
        self._redis_url, self._settings, self._tiles = redis_url, settings, tiles

    def database(self, role: Literal["api", "worker"]) -> DatabaseSettings:
        return DatabaseSettings(url=SecretStr(account_url(self._url, role)))

    @asynccontextmanager
    async def worker(self, artifacts: ArtifactSettings) -> AsyncIterator[WorkerContext]:
        async with open_context(
            self.database("worker"),
            self._redis,
            QueueSettings(),
            artifacts,
            self._settings,
            DaskSettings(),
            self._tiles,
            isolation={"network": "active"},
        ) as context:
            stop = asyncio.Event()
            running = asyncio.create_task(run(context, partial(Consumer, self._redis_url), stop))
            yield context
            stop.set()
            async with asyncio.timeout(60):
                await running

    @asynccontextmanager
    async def api(self, artifacts: ArtifactSettings) -> AsyncIterator[httpx.AsyncClient]:
        app = create_app(
            Configuration(
                self.database("api"),
                self._redis,
                artifacts,
                PublicSettings(api_url="http://api.test", tiles_url="http://tiles.test"),
                ApiSettings(),
                LogSettings(),
            )
        )
        async with self.sessions.begin() as session:
            key = await create_key(session, name="test", scopes=list(Scope))
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(
                transport=httpx.ASGITransport(app=app),
                base_url="http://api.test",
                headers={"Authorization": f"Bearer {key}"},
            ) as client,
        ):
            yield client


@pytest.fixture
async def services(
    sessions: Sessions,
    database_url: str,
    redis_url: str,
    settings: WorkerSettings,
    tiles: TileAccess,
) -> AsyncIterator[ApiAndWorker]:
    await forget_datasets(sessions)
    yield ApiAndWorker(sessions, database_url, redis_url, settings, tiles)
    await forget_datasets(sessions)


async def forget_datasets(sessions: Sessions) -> None:
    async with sessions.begin() as session:
        await session.execute(delete(JobDataset))
        await session.execute(delete(Dataset))


async def publish(services: ApiAndWorker, worker: WorkerContext, folder: Path) -> None:
    """Import a raster, unlike all before, as a job of its own."""
    async with services.sessions() as session:
        number = await session.scalar(select(func.count()).select_from(Dataset))
    job_id, _ = await import_raster(worker, folder, highest=900 + (number or 0))
    job = await reach_end(services.sessions, job_id, within_s=90)
    assert job.status == JobStatus.SUCCESSFUL, job.error


async def assert_all_are_served(
    services: ApiAndWorker, api: httpx.AsyncClient, number: int
) -> None:
    async with services.sessions() as session:
        rows = (await session.scalars(select(Dataset))).all()
    assert len(rows) == number
    for row in rows:
        answer = await api.get(f"/collections/datasets/items/{row.code}/file")
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == row.checksum


@contextmanager
def reading(services: ApiAndWorker, api: httpx.AsyncClient) -> Iterator[list[int]]:
    """Read files one after the other until the end; the answers' codes."""
    codes: list[int] = []

    async def read() -> None:
        while True:
            async with services.sessions() as session:
                names = (await session.scalars(select(Dataset.code))).all()
            for name in names:
                answer = await api.get(f"/collections/datasets/items/{name}/file")
                codes.append(answer.status_code)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(read())
    try:
        yield codes
    finally:
        task.cancel()


class Move:
    """The command as an operator starts it."""

    def __init__(self, source: dict[str, str], target: str, settings: Path, said: Path) -> None:
        self.said = said
        program = str(Path(sys.executable).with_name("shanhai"))
        self._words = [sys.executable, program, "artifacts", "move", target]
        self._words += ["--settings", str(settings)]
        self._environment = {**os.environ, **source}

    def start(self, *more: str) -> "subprocess.Popen[bytes]":
        with self.said.open("wb") as said:
            return subprocess.Popen(
                [*self._words, *more], env=self._environment, stdout=said, stderr=said
            )

    def copied(self) -> int:
        """Files that were told to be copied."""
        return self.said.read_text().count("objects/")


def write_settings(path: Path, environment: dict[str, str]) -> Path:
    lines = (f"{name}={value}" for name, value in environment.items() if "ROOT" not in name)
    path.write_text("\n".join(lines))
    return path


def missing(environment: dict[str, str], database_url: str) -> "subprocess.CompletedProcess[str]":
    program = str(Path(sys.executable).with_name("shanhai"))
    return subprocess.run(
        [sys.executable, program, "artifacts", "missing"],
        env={**os.environ, **environment, "SHANHAI_DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        timeout=120,
    )


async def kill_on_its_way(move: Move) -> int:
    """Kill a move that has copied some files; how many it told of."""
    process = move.start()
    await eventually(lambda: asyncio.to_thread(lambda: move.copied() >= 5), within_s=90)
    process.kill()
    await asyncio.to_thread(process.wait)
    return move.copied()


@pytest.mark.parametrize("back", [False, True], ids=["to a bucket", "to a folder"])
async def test_nothing_is_lost_while_files_move(
    services: ApiAndWorker,
    database_url: str,
    in_bucket: Environment,
    tmp_path: Path,
    back: bool,
) -> None:
    in_folder = {"SHANHAI_ARTIFACTS_ROOT": str(tmp_path / "folder")}
    ends = (in_folder, in_bucket())
    source, target = reversed(ends) if back else ends
    old, new = settings_of(source), settings_of(target)
    for number in range(FILES):
        (tmp_path / "file").write_bytes(b"%d" % number * 50_000)
        open_store(old).put(tmp_path / "file", suffix=".bin")
    told = write_settings(tmp_path / "new.env", target)
    move = Move(source, target["SHANHAI_ARTIFACTS_ROOT"], told, tmp_path / "said")
    async with services.api(old) as api:  # noqa: SIM117 - the worker ends first
        async with services.worker(old) as worker:
            await publish(services, worker, tmp_path)
            with reading(services, api) as codes:
                first = await kill_on_its_way(move)
                await publish(services, worker, tmp_path)
                following = move.start("--follow")
                try:
                    await publish(services, worker, tmp_path)
                    await eventually(
                        lambda: asyncio.to_thread(
                            lambda: "0 files copied" in move.said.read_text()
                        ),
                        within_s=120,
                    )
                    # What was copied before the kill was not copied again, but for the last.
                    assert 0 < first < FILES
                    assert move.copied() <= FILES + 3 - first + 1
                    # The API first: it reads what only the old worker has published so far.
                    async with services.api(new) as other:
                        await publish(services, worker, tmp_path)
                        await eventually(
                            lambda: asyncio.to_thread(
                                lambda: missing(target, database_url).returncode == 0
                            ),
                            within_s=120,
                        )
                        await assert_all_are_served(services, other, 4)
                finally:
                    following.terminate()
                    await asyncio.to_thread(following.wait)
            assert codes
            assert set(codes) == {200}
    async with services.worker(new) as worker, services.api(new) as api:
        await publish(services, worker, tmp_path)
        await assert_all_are_served(services, api, 5)
    assert missing(target, database_url).stdout.endswith("0 of 5 files are missing\n")
    there = {file.uri for file in open_store(old).files()}
    assert there <= {file.uri for file in open_store(new).files()}
