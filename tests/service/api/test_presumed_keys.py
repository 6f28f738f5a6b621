"""Values that are stored by a key which was looked at before: it ends at once all the same."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from shanhai.errors import RateLimited
from shanhai.vocabulary import Scope
from shanhai_api.kit.state import ServiceState
from tests.service.api.conftest import MakeClient
from tests.support.observation_rows import add_station, forget_observations

START = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=2)
ENDINGS = {
    "revoked": "UPDATE api_key SET revoked_at = now()",
    "expired": "UPDATE api_key SET expires_at = now()",
    "gone": "DELETE FROM api_key",
}
PATHS = ("/observations", "/sta/v1.1/Observations")


def at(hour: int, path: str = PATHS[0]) -> dict[str, Any]:
    time = (START + timedelta(hours=hour)).isoformat()
    if path == PATHS[0]:
        return {"station": "s1", "property": "pm25", "time": time, "value": hour}
    return {"Datastream": {"@iot.id": "s1:pm25"}, "phenomenonTime": time, "result": hour}


@pytest.fixture
async def looks(state: ServiceState, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that were looked at, on a database with one station."""
    async with state.sessions.begin() as session:
        await forget_observations(session)
        await add_station(session, "s1")
    asked, find = list[str](), state.authenticator.shown.find

    async def noted(prefix: str) -> Any:
        asked.append(prefix)
        return await find(prefix)

    monkeypatch.setattr(state.authenticator.shown, "find", noted)
    return asked


async def known(client_with: MakeClient, path: str = PATHS[0]) -> httpx.AsyncClient:
    """A client that has sent enough for its key and series to be remembered."""
    client = await client_with(Scope.OBSERVE)
    for hour in range(4):
        answer = await client.post(path, json=at(hour, path))
        assert answer.status_code in {201, 202}, answer.text
    return client


async def count(state: ServiceState) -> int:
    async with state.sessions() as session:
        return int(await session.scalar(text("SELECT count(*) FROM observation")) or 0)


async def execute(state: ServiceState, statement: str) -> None:
    async with state.sessions.begin() as session:
        await session.execute(text(statement))


@pytest.mark.parametrize("path", PATHS)
async def test_what_continues_a_series_is_stored_without_a_look(
    path: str, looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with, path)
    before = len(looks)
    for hour in range(4, 9):
        assert (await client.post(path, json=at(hour, path))).status_code in {201, 202}
    assert (len(looks), await count(state)) == (before, 9)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_key_ends_at_once(
    ending: str, path: str, looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with, path)
    other = await known(client_with, path)
    prefix = client.headers["Authorization"].split("_")[1]
    stored = await count(state)
    await execute(state, f"{ENDINGS[ending]} WHERE prefix = '{prefix}'")
    answers = await asyncio.gather(
        client.post(path, json=at(20, path)), other.post(path, json=at(21, path))
    )
    assert [answer.status_code // 100 for answer in answers] == [4, 2]
    assert answers[0].status_code == 401
    assert await count(state) == stored + 1


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"{", b"[]", b'{"station": 1}', b""])
async def test_whose_key_has_ended_is_told_nothing_else(
    path: str, body: bytes, looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with, path)
    headers = {"Content-Type": "application/json"}
    asked = await client.post(path, content=body, headers=headers)
    assert asked.status_code in {202, 400}
    await execute(state, ENDINGS["revoked"])
    assert (await client.post(path, content=body, headers=headers)).status_code == 401


async def test_what_does_more_than_continue_is_looked_at(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with)
    before = len(looks)
    late = await client.post(PATHS[0], json={**at(1), "value": 7})
    assert late.json()["revised"] == 1
    many = await client.post(PATHS[0], json=[at(5 + number) for number in range(250)])
    assert many.json()["accepted"] + many.json()["rejected_count"] == 250
    kept = await client.post(PATHS[0], json=at(4), headers={"Idempotency-Key": "k"})
    assert (kept.status_code, len(looks)) == (202, before + 3)


async def test_a_row_that_was_written_since_is_looked_at(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    """As by another process that notes its use."""
    client = await known(client_with)
    before = len(looks)
    await execute(state, "UPDATE api_key SET last_used_at = now()")
    for hour in (4, 5):
        assert (await client.post(PATHS[0], json=at(hour))).json()["accepted"] == 1
    assert len(looks) == before + 1


@pytest.mark.parametrize("scheme", ["Basic", "Token", ""])
async def test_a_remembered_key_is_a_bearer_credential(
    scheme: str, looks: list[str], client_with: MakeClient
) -> None:
    client = await known(client_with)
    key = client.headers["Authorization"].partition(" ")[2]
    other = {"Authorization": f"{scheme} {key}"}
    assert (await client.post(PATHS[0], json=at(4), headers=other)).status_code == 401


async def test_another_secret_of_a_remembered_key(
    looks: list[str], client_with: MakeClient
) -> None:
    client = await known(client_with)
    wrong = client.headers["Authorization"][:-4] + "AAAA"
    answer = await client.post(PATHS[0], json=at(4), headers={"Authorization": wrong})
    assert answer.status_code == 401


async def test_a_remembered_key_without_the_scope(
    looks: list[str], client_with: MakeClient
) -> None:
    client = await client_with(Scope.READ)
    for _ in range(3):
        assert (await client.get("/collections")).status_code == 200
    assert (await client.post(PATHS[0], json=at(4))).status_code == 403


async def test_one_ended_key_costs_the_others_no_look(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    async with state.sessions.begin() as session:
        for code in ("s2", "s3"):
            await add_station(session, code)
    clients = []
    for code in ("s1", "s2", "s3"):
        clients.append(await client_with(Scope.OBSERVE))
        for hour in range(4):
            await clients[-1].post(PATHS[0], json={**at(hour), "station": code})
    prefix = clients[0].headers["Authorization"].split("_")[1]
    await execute(state, f"{ENDINGS['revoked']} WHERE prefix = '{prefix}'")
    looks.clear()
    answers = await asyncio.gather(
        *(
            client.post(PATHS[0], json={**at(5), "station": f"s{number}"})
            for number, client in enumerate(clients, 1)
        )
    )
    assert [answer.status_code for answer in answers] == [401, 202, 202]
    assert looks == [prefix]


async def test_values_of_a_station_are_stored_in_their_order(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    """The first waits for a look, since its key was written since; the second needs none."""
    first, second = await known(client_with), await known(client_with)
    prefix = first.headers["Authorization"].split("_")[1]
    await execute(state, f"UPDATE api_key SET last_used_at = now() WHERE prefix = '{prefix}'")
    await asyncio.gather(
        first.post(PATHS[0], json={**at(6), "value": 111}),
        second.post(PATHS[0], json={**at(6), "value": 222}),
    )
    async with state.sessions() as session:
        newest = "SELECT value FROM observation_latest"
        assert await session.scalar(text(newest)) == 222


async def test_refusals_are_counted_once_and_tell_nothing_of_the_key(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with)
    assert "RateLimit" in (await client.post(PATHS[0], json=at(4))).headers
    await execute(state, ENDINGS["revoked"])
    looks.clear()
    answer = await client.post(PATHS[0], json=at(5))
    assert (answer.status_code, len(looks)) == (401, 1)
    assert "RateLimit" not in answer.headers


async def test_large_bodies_are_read_of_nobody_who_was_not_looked_at(
    looks: list[str], client_with: MakeClient, state: ServiceState
) -> None:
    client = await known(client_with)
    await execute(state, ENDINGS["revoked"])
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * 1024

    headers = {"Content-Type": "application/x-ndjson", "Content-Length": str(100 * 1024)}
    answer = await client.post(PATHS[0], content=body(), headers=headers)
    assert answer.status_code == 401
    assert read <= 1


async def test_an_ended_key_that_asks_too_much_is_told_that_it_has_ended(
    looks: list[str],
    client_with: MakeClient,
    state: ServiceState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = await known(client_with)

    def spend(limiter: object, *given: object, anonymous: bool) -> None:
        if not anonymous:
            raise RateLimited("too much", message_zh="过多", retry_after_s=1)

    monkeypatch.setattr(type(state.limiter), "spend", spend)
    assert (await client.post(PATHS[0], json=at(4))).status_code == 429
    await execute(state, ENDINGS["revoked"])
    assert (await client.post(PATHS[0], json=at(4))).status_code == 401
