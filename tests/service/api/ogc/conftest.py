"""The API over a small plan that anybody may read: in process, and on a port for real clients."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from shanhai.db.queries.keys import create_key
from shanhai.joined_writes import JoiningProtocol
from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    DatabaseSettings,
    LogSettings,
    ParticipationSettings,
    PublicSettings,
    RedisSettings,
)
from shanhai.vocabulary import Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration
from tests.service.api.ogc.reading import BASE, Json, get
from tests.support.accounts import account_url
from tests.support.job_rows import open_sessions
from tests.support.plan_features import write_plan
from tests.support.serving import serving


def configured(database_url: str, redis_url: str, directory: Path) -> Configuration:
    return Configuration(
        DatabaseSettings(url=SecretStr(account_url(database_url, "api")), pool_size=5),
        RedisSettings(url=SecretStr(redis_url)),
        ArtifactSettings(root=directory / "artifacts", upload_limit_bytes=1_000_000),
        PublicSettings(api_url=BASE, tiles_url="http://tiles.test", public_read=True),
        ApiSettings(),
        LogSettings(),
        participation=ParticipationSettings(secret=SecretStr("s" * 32)),
    )


async def planned(configuration: Configuration) -> str:
    """Write the plan, and return a key that may do everything."""
    app = create_app(configuration)
    url = configuration.database.url.get_secret_value()
    async with app.router.lifespan_context(app), open_sessions(url) as sessions:
        async with sessions.begin() as session:
            key = await create_key(session, name="test", scopes=list(Scope))
        async with in_process(app, key) as writer, sessions() as session:
            await write_plan(writer, session)
    return key


def in_process(app: FastAPI, key: str | None = None) -> httpx.AsyncClient:
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
    return httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)


@pytest.fixture(scope="module")
def plan_configuration(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Configuration:
    return configured(database_url, redis_url, tmp_path_factory.mktemp("api"))


@pytest.fixture(scope="module")
def plan_key(plan_configuration: Configuration) -> str:
    """A key that may do everything with a plan that is there."""
    return asyncio.run(planned(plan_configuration))


@pytest.fixture(scope="module")
async def app(plan_configuration: Configuration, plan_key: str) -> AsyncIterator[FastAPI]:
    """The application over the plan."""
    app = create_app(plan_configuration)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture(scope="module")
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Anybody."""
    async with in_process(app) as client:
        yield client


@pytest.fixture(scope="module")
async def editor(app: FastAPI, plan_key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who may do everything."""
    async with in_process(app, plan_key) as client:
        yield client


@pytest.fixture(scope="module")
async def definition(client: httpx.AsyncClient) -> Json:
    """The API as its OpenAPI document defines it."""
    return await get(client, "/api")


@contextmanager
def api_at_a_port(configuration: Configuration) -> Iterator[str]:
    """The API on a free port of this machine."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        base = f"http://127.0.0.1:{listener.getsockname()[1]}"
        public = configuration.public.model_copy(update={"api_url": base})
        app = create_app(replace(configuration, public=public))
        server = uvicorn.Server(uvicorn.Config(app, http=JoiningProtocol, log_config=None))
        with serving(server, listener):
            yield base


@pytest.fixture(scope="module")
def address(plan_configuration: Configuration, plan_key: str) -> Iterator[str]:
    """The API over the plan, on a port."""
    with api_at_a_port(plan_configuration) as base:
        yield base
