"""The least a service of single observations can do: Starlette, one INSERT, its commit."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime
from os import environ
from pathlib import Path

import asyncpg
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.peer_process import serving_process
from tests.support.workers import free_port

DATABASE = "INSERT_PEER_DATABASE_URL"
TABLE = """CREATE TABLE IF NOT EXISTS single_observation (
    datastream text, phenomenon_time timestamptz, result float8,
    PRIMARY KEY (datastream, phenomenon_time))"""
INSERT = """INSERT INTO single_observation VALUES ($1, $2, $3)
    ON CONFLICT (datastream, phenomenon_time) DO UPDATE SET result = excluded.result"""


@contextmanager
def serving_inserts(database_url: str, folder: Path) -> Iterator[str]:
    """The service as a process of its own, which ends with the context; its address."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "uvicorn", "benchmarks.insert_peer:app"),
        *(f"--port={port}", "--no-access-log"),
    ]
    with serving_process(command, {DATABASE: database_url}, folder / "insert_peer.log", port):
        yield f"http://127.0.0.1:{port}"


@asynccontextmanager
async def _connected(app: Starlette) -> AsyncIterator[None]:
    async with asyncpg.create_pool(environ[DATABASE], min_size=1, max_size=10) as pool:
        await pool.execute(TABLE)
        app.state.pool = pool
        yield


async def _create(request: Request) -> Response:
    body = orjson.loads(await request.body())
    moment = datetime.fromisoformat(body["phenomenonTime"])
    await request.app.state.pool.execute(
        INSERT, body["Datastream"]["@iot.id"], moment, float(body["result"])
    )
    return Response(status_code=201)


app = Starlette(routes=[Route("/Observations", _create, methods=["POST"])], lifespan=_connected)
