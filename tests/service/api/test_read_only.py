"""PostgreSQL takes no writes for a while: reading goes on, and writing comes back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from sqlalchemy import text

from shanhai.local.servers import PrivatePostgres
from shanhai_api.kit.state import ServiceState
from tests.support.serving import PATIENCE_S

ECHO = {"inputs": {"message": "written"}}
PATH = "/processes/echo/execution"
RELINK = """UPDATE pg_proc SET probin = :library
WHERE proname IN ('plpgsql_call_handler', 'plpgsql_inline_handler')"""


@pytest.fixture
def read_only(private_postgres: PrivatePostgres) -> Iterator[PrivatePostgres]:
    """The server, which may be told to take no writes, and is told to take them at the end."""
    yield private_postgres
    take_writes(private_postgres, on=True)


def take_writes(server: PrivatePostgres, *, on: bool) -> None:
    setting = "RESET" if on else "SET"
    value = "" if on else " = on"
    server.execute(f"ALTER SYSTEM {setting} default_transaction_read_only{value}")
    server.execute("SELECT pg_reload_conf()")


async def until_ready_is(client: httpx.AsyncClient, status: int) -> httpx.Response:
    deadline = time.monotonic() + PATIENCE_S
    while (answer := await client.get("/health/ready")).status_code != status:
        assert time.monotonic() < deadline, answer.text
        await asyncio.sleep(0.05)
    return answer


async def test_reading_goes_on_and_writing_comes_back(
    runner: httpx.AsyncClient, read_only: PrivatePostgres
) -> None:
    key = {"Idempotency-Key": "read-only", "Prefer": "respond-async"}
    take_writes(read_only, on=False)
    unready = await until_ready_is(runner, 503)
    assert unready.json()["checks"]["database"] == "read-only"
    health = await runner.get("/health")
    assert (health.status_code, health.json()["status"]) == (200, "read-only")
    checks = health.json()["checks"]
    assert (checks["reading"], checks["writing"]) == ("ok", "read-only")
    refused = await runner.post(PATH, json=ECHO, headers=key)
    assert refused.status_code == 503, refused.text
    assert refused.headers["Retry-After"]
    assert (await runner.get("/jobs")).status_code == 200
    take_writes(read_only, on=True)
    await until_ready_is(runner, 200)
    assert (await runner.get("/health")).json()["status"] == "ok"
    again = await runner.post(PATH, json=ECHO, headers=key)
    assert again.status_code == 201, again.text
    assert "Idempotency-Replayed" not in again.headers


@pytest.fixture
async def without_functions(state: ServiceState) -> AsyncIterator[None]:
    """A database whose PL/pgSQL was replaced under the running server, as packages do."""
    async with state.sessions.begin() as session:
        await session.execute(text(RELINK), {"library": "$libdir/replaced"})
    yield
    async with state.sessions.begin() as session:
        await session.execute(text(RELINK), {"library": "$libdir/plpgsql"})


async def test_a_database_whose_functions_do_not_run_is_not_ready(
    runner: httpx.AsyncClient, without_functions: None
) -> None:
    await until_ready_is(runner, 503)
    checks = (await runner.get("/health")).json()["checks"]
    assert checks["reading"] == "ok"
    assert "PL/pgSQL does not run" in checks["writing"]
