"""Tile tokens over HTTP: who gets one, for what, and for how long."""

import dataclasses
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.db.authentication import unseal
from shanhai.db.tables.access import IdempotencyKey
from shanhai.settings import TileTokenSettings
from shanhai.vocabulary import Scope
from shanhai_api.app import create_app
from shanhai_api.kit.state import Configuration

SECRET = "a secret of the tests that nobody can guess"
MakeClient = Callable[..., Awaitable[httpx.AsyncClient]]
LAYERS = {"layers": ["zones", "ratio.xiamen"]}


pytestmark = pytest.mark.configured(
    tile_tokens=TileTokenSettings(secret=SecretStr(SECRET), longest_s=1000)
)


@pytest.fixture
async def without_secret(
    configuration: Configuration, reader: httpx.AsyncClient
) -> AsyncIterator[httpx.AsyncClient]:
    """The reader at a service that was told none."""
    app = create_app(dataclasses.replace(configuration, tile_tokens=TileTokenSettings()))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app, client=("127.0.0.1", 1))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api.test", headers=reader.headers
        ) as client:
            yield client


async def test_reader_gets_a_token_in_their_own_name(reader: httpx.AsyncClient) -> None:
    answer = await reader.post("/tile-tokens", json={**LAYERS, "seconds": 60})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    assert made["layers"] == ["ratio.xiamen", "zones"]
    token = unseal(made["token"], SECRET)
    assert token.layers == {"zones", "ratio.xiamen"}
    assert token.owner.startswith("key:")
    assert token.owner.removeprefix("key:") in reader.headers["Authorization"]
    assert 50 < token.expires_at - time.time() <= 60


async def test_replay_does_not_show_the_token_again(
    reader: httpx.AsyncClient, session: AsyncSession
) -> None:
    headers = {"Idempotency-Key": "k"}
    token = (await reader.post("/tile-tokens", json=LAYERS, headers=headers)).json()["token"]
    again = await reader.post("/tile-tokens", json=LAYERS, headers=headers)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "token" not in again.json()
    kept = (await session.scalars(select(IdempotencyKey))).one()
    assert token not in str(
        {c.name: getattr(kept, c.name) for c in IdempotencyKey.__table__.columns}
    )


async def test_nobody_has_no_token(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.post("/tile-tokens", json=LAYERS)
    assert answer.status_code == 401
    assert "identity" in answer.json()["detail"]


async def test_token_needs_the_scope_read(client_with: MakeClient) -> None:
    client = await client_with(Scope.OBSERVE)
    assert (await client.post("/tile-tokens", json=LAYERS)).status_code == 403


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/layers"),
        ({"layers": []}, "/layers"),
        ({"layers": ["../secret"]}, "/layers/0"),
        ({"layers": ["zones"] * 21}, "/layers"),
        ({**LAYERS, "seconds": 1001}, "/seconds"),
        ({**LAYERS, "seconds": 0}, "/seconds"),
        ({**LAYERS, "owner": "key:abcdefgh"}, "/owner"),
    ],
)
async def test_what_cannot_be_asked_is_refused(
    reader: httpx.AsyncClient, body: dict[str, object], pointer: str
) -> None:
    answer = await reader.post("/tile-tokens", json=body)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_service_without_a_secret_offers_none(without_secret: httpx.AsyncClient) -> None:
    answer = await without_secret.post("/tile-tokens", json=LAYERS)
    assert answer.status_code == 404
    assert "no secret" in answer.json()["detail"]
