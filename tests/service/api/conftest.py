"""The API in process, against the run's own PostgreSQL and Redis."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.queries.keys import create_key
from shanhai.settings import (
    ApiSettings,
    ArtifactSettings,
    DatabaseSettings,
    LogSettings,
    PublicSettings,
    RedisSettings,
)
from shanhai.vocabulary import Scope
from shanhai_api.app import create_app
from shanhai_api.configuration import Configuration
from shanhai_api.state import State

BASE = "http://api.test"


class Api:
    """A running API and clients of it."""

    def __init__(self, app: FastAPI) -> None:
        self.app = app
        self.state: State = app.state.service
        self.open_clients: list[httpx.AsyncClient] = []

    async def key(self, *scopes: Scope) -> str:
        async with self.state.sessions.begin() as session:
            return await create_key(session, name="test", scopes=scopes)

    def client(self, key: str | None = None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(app=self.app, client=("127.0.0.1", 1))
        client = httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers)
        self.open_clients.append(client)
        return client

    async def client_with(self, *scopes: Scope) -> httpx.AsyncClient:
        return self.client(await self.key(*scopes))

    async def close(self) -> None:
        for client in self.open_clients:
            await client.aclose()


@pytest.fixture
def configuration(database_url: str, redis_url: str, tmp_path: Path) -> Configuration:
    return Configuration(
        DatabaseSettings(url=SecretStr(database_url), pool_size=5),
        RedisSettings(url=SecretStr(redis_url)),
        ArtifactSettings(root=tmp_path / "artifacts", upload_limit_bytes=1_000_000),
        PublicSettings(api_url=BASE, tiles_url="http://tiles.test", public_read=True),
        ApiSettings(),
        LogSettings(),
    )


@pytest.fixture
async def api(configuration: Configuration) -> AsyncIterator[Api]:
    app = create_app(configuration)
    async with app.router.lifespan_context(app):
        running = Api(app)
        yield running
        await running.close()


@pytest.fixture
async def session(api: Api) -> AsyncIterator[AsyncSession]:
    """A session whose changes are committed at once, for preparing rows."""
    async with api.state.sessions() as session:
        yield session


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return await api.client_with(Scope.ADMIN)


@pytest.fixture
def anonymous(api: Api) -> httpx.AsyncClient:
    return api.client()


def pointers(response: httpx.Response) -> list[str]:
    """The pointers of a problem document."""
    document: dict[str, Any] = response.json()
    return [fault["pointer"] for fault in document["errors"]]
