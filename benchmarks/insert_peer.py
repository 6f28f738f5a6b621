"""The least a service of single observations can do: Starlette, one INSERT, its commit.

It inserts into a table that is partitioned and indexed as that of observations is
(`observations.prepare`), and checks nothing.
"""

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
INSERT = """
  INSERT INTO floor_observation
    (observed_at, value, received_at, station_id, source_id, property_id, quality, flags)
  VALUES ($1, $2, now(), $3, 1, 1, 0, 0)
  ON CONFLICT (station_id, property_id, observed_at) DO UPDATE SET value = excluded.value
"""


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
        app.state.pool = pool
        yield


async def _create(request: Request) -> Response:
    body = orjson.loads(await request.body())
    moment = datetime.fromisoformat(body["phenomenonTime"])
    station = int(body["Datastream"]["@iot.id"].partition(":")[0].removeprefix("bench"))
    await request.app.state.pool.execute(INSERT, moment, float(body["result"]), station)
    return Response(status_code=201)


app = Starlette(routes=[Route("/Observations", _create, methods=["POST"])], lifespan=_connected)
