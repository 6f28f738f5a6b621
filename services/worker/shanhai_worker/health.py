"""The worker's own small HTTP server: is it alive, can it work, what does it measure."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shanhai.db.migrate import expected_revision
from shanhai.db.queries.jobs import read_queue_state
from shanhai.db.queries.system_status import read_watched
from shanhai.db.readiness import look_into_database
from shanhai.storage.artifacts import LocalArtifacts
from shanhai_worker.context import WorkerContext
from shanhai_worker.db_errors import DATABASE_ERRORS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STOP_S = 2


class QuietServer(uvicorn.Server):
    """A server that leaves the process's signals to the worker."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


def make_server(context: WorkerContext) -> QuietServer:
    """The server on the address of the settings."""
    config = uvicorn.Config(
        create_app(context),
        host=context.settings.host,
        port=context.settings.port,
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=STOP_S,
    )
    return QuietServer(config)


def create_app(context: WorkerContext) -> Starlette:
    """The three routes."""
    revision = expected_revision()

    async def live(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        reason = await _unready_reason(context, revision)
        if reason is None:
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable", "reason": reason}, status_code=503)

    async def metrics(request: Request) -> Response:
        await _look(context)
        return Response(context.meters.render(), media_type=CONTENT_TYPE_LATEST)

    return Starlette(
        routes=[
            Route("/health/live", live),
            Route("/health/ready", ready),
            Route("/metrics", metrics),
        ]
    )


async def _unready_reason(context: WorkerContext, revision: str | None) -> str | None:
    if context.stopping.is_set():
        return "the worker is stopping"
    try:
        async with context.sessions() as session:
            fault = (await look_into_database(session, revision)).fault
    except DATABASE_ERRORS:
        return "PostgreSQL does not answer"
    return None if fault is None else f"the database: {fault}"


async def _look(context: WorkerContext) -> None:
    """Refresh the gauges; while the database is away the last values stand."""
    watch = context.meters.watch
    await asyncio.to_thread(watch.show_disks, _folders(context))
    try:
        async with context.sessions() as session:
            context.meters.show_queue(await read_queue_state(session))
            watch.show(await read_watched(session))
            if isinstance(session.bind, AsyncEngine):
                watch.show_pool(session.bind)
    except DATABASE_ERRORS as error:
        log.warning("database not watched", error=type(error).__name__)


def _folders(context: WorkerContext) -> dict[str, Path]:
    folders = {"scratch": context.settings.scratch or Path(tempfile.gettempdir())}
    if isinstance(context.artifacts, LocalArtifacts):
        folders["artifacts"] = context.artifacts.root
    return folders
