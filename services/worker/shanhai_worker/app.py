"""The worker put together: opened, run until told to stop, closed in order; its health told."""

import asyncio
import os
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog
import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from shanhai import isolation as kernel
from shanhai import settings
from shanhai.db.engine import create_engine, create_sessions
from shanhai.db.queries.jobs import read_queue_state
from shanhai.db.queries.system_status import read_watched
from shanhai.db.revision import expected_revision, look_into_database
from shanhai.errors import Unavailable
from shanhai.jobs.fair_queue import Quota
from shanhai.jobs.queue import Listener, Wakeable, demand_address, make_dispatcher
from shanhai.raster.windows import Cluster
from shanhai.shutdown import end, stop_on_signals
from shanhai.storage.artifacts import KeptFolders, open_store
from shanhai_worker import deliveries, periodic
from shanhai_worker import periodic as cleanup
from shanhai_worker.child_process import ForkServer
from shanhai_worker.context import DATABASE_ERRORS, TileAccess, WorkerContext, outlast
from shanhai_worker.deliveries import Sender, make_senders
from shanhai_worker.feeds import hj212 as hj212_gateway
from shanhai_worker.feeds import mqtt
from shanhai_worker.mail.sender import MailSender, trust_of
from shanhai_worker.periodic import AuditKeeper
from shanhai_worker.runner import Consumer, JobRunner, NotificationListener
from shanhai_worker.shared_process import SharedProcesses
from shanhai_worker.success_commits import SuccessCommits

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STOP_S = 2


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the worker, and wakes once a second instead of ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.left = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield

    async def main_loop(self) -> None:
        """Serve until `left` is set."""
        while not (self.left.is_set() or await self.on_tick(0)):
            with suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.left.wait()


def examine_isolation(
    worker: settings.WorkerSettings, dask: settings.DaskSettings
) -> dict[str, str]:
    """The states of what isolates the processes of jobs, by name; this process's memory is closed.

    Raises:
        Unavailable: It is required, and something of it is missing.
    """
    found = kernel.probe(worker.account)
    if worker.isolation == "required":
        kernel.demand(found, port=bool(dask.scheduler))
    states = {one.name: one.told for one in found}
    log.info("isolation of jobs", demanded=worker.isolation, **states)
    return states


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
        told = {"isolation": dict(context.isolation)}
        if reason is None:
            return JSONResponse({"status": "ok", **told})
        return JSONResponse({"status": "unavailable", "reason": reason, **told}, status_code=503)

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
    scratch = context.settings.scratch or Path(tempfile.gettempdir())
    return {"scratch": scratch, "artifacts": context.kept.store}


Feed = Callable[[WorkerContext], Coroutine[Any, Any, None]]
"""Brings observations for ever."""


def make_feeds(
    hj212: settings.Hj212Settings,
    mqtt_settings: settings.MqttSettings,
    observations: settings.ObservationSettings,
) -> list[Feed]:
    """Those with an address."""
    skew = observations.skew
    feeds: list[Feed] = []
    if hj212.host:
        feeds.append(partial(hj212_gateway.run_gateway, settings=hj212, skew=skew))
    if mqtt_settings.url.get_secret_value():
        feeds.append(partial(mqtt.run_fetcher, settings=mqtt_settings, skew=skew))
    return feeds


WINDOWS = "windows"
"""Folder in that of working files, for what is finished of jobs."""
MakeListener = Callable[[Wakeable], Listener]


class Listeners:
    """Several ways to be woken at once."""

    def __init__(self, *listeners: Listener) -> None:
        self._listeners = listeners

    async def run(self) -> None:
        """Listen for ever."""
        async with asyncio.TaskGroup() as parts:
            for listener in self._listeners:
                parts.create_task(listener.run())


NOBODY: Mapping[str, Sender] = MappingProxyType({})
NOT_LOOKED_AT: Mapping[str, str] = MappingProxyType({})
OTHERS_ACCOUNT = """
    SELECT current_user WHERE NOT has_table_privilege(to_regclass('worker_presence'), 'INSERT')
"""
STATEMENT_TIMEOUT_S = 300.0
"""A publication writes more than a request of the API may."""


async def serve(
    worker: settings.WorkerSettings, dask: settings.DaskSettings, isolation: Mapping[str, str]
) -> None:
    """Run the worker until SIGTERM or SIGINT, the rest by the settings of the environment.

    Raises:
        Unavailable: the account of the database is not a worker's.
        InvalidInput: the mail server is to be trusted by a file that cannot be read.
    """
    database, redis = settings.DatabaseSettings(), settings.RedisSettings()
    queue, artifacts = settings.QueueSettings(), settings.ArtifactSettings()
    public, observations = settings.PublicSettings(), settings.ObservationSettings()
    webhooks, outgoing = settings.WebhookSettings(), settings.OutgoingSettings()
    smtp, audit, oidc = settings.SmtpSettings(), settings.AuditSettings(), settings.OidcSettings()
    trust_of(smtp)  # told now, and not with the first mail
    tiles = TileAccess.named_in(public, settings.TileTokenSettings(), worker)
    feeds = make_feeds(settings.Hj212Settings(), settings.MqttSettings(), observations)
    listen = listener_named_in(queue, redis, database)
    stop = stop_on_signals()
    own = (database, redis, queue, artifacts, worker, dask, tiles)
    async with open_context(*own, oidc=oidc, isolation=isolation) as context:
        with suppress(*DATABASE_ERRORS):  # one that is away is waited for
            async with context.sessions() as session:
                if other := await session.scalar(text(OTHERS_ACCOUNT)):
                    raise Unavailable(
                        f"SHANHAI_DATABASE_URL names the account {other}, not shanhai_worker",
                        message_zh=f"SHANHAI_DATABASE_URL 的账户为 {other}，应为 shanhai_worker",
                    )
        senders = {
            **make_senders(context.sessions, public, webhooks, outgoing),
            "email": MailSender(context.sessions, smtp, public).send,
        }
        await run(
            context,
            listen,
            stop,
            feeds=feeds,
            senders=senders,
            audit=audit,
            archive_after_months=observations.archive_after_months,
        )


async def run(
    context: WorkerContext,
    listen: MakeListener,
    stop: asyncio.Event,
    *,
    feeds: Sequence[Feed] = (),
    senders: Mapping[str, Sender] = NOBODY,
    audit: settings.AuditSettings | None = None,
    archive_after_months: int = 0,
) -> None:
    """Run every part until `stop`, then drain; a part that breaks ends the worker."""
    runner = JobRunner(context)
    audit = audit or settings.AuditSettings()
    auditing = AuditKeeper(context, audit)
    server = make_server(context)
    await context.computing.stand_by()
    async with asyncio.TaskGroup() as parts:
        listening = [
            parts.create_task(listen(runner).run()),
            parts.create_task(periodic.tell_presence(context)),
            parts.create_task(cleanup.reap_jobs(context)),
            parts.create_task(periodic.maintain_tiles(context)),
            parts.create_task(periodic.evaluate_alert_rules(context)),
            parts.create_task(periodic.maintain_statistics(context)),
            parts.create_task(periodic.maintain_months(context, archive_after_months)),
            parts.create_task(cleanup.remove_leftovers(context)),
            parts.create_task(periodic.run_schedules(context)),
            parts.create_task(auditing.run()),
            parts.create_task(periodic.export_audit_log(context, audit)),
            parts.create_task(deliveries.run_deliveries(context, senders)),
            *(parts.create_task(feed(context)) for feed in feeds),
        ]
        parts.create_task(runner.run())
        parts.create_task(server.serve())
        log.info("worker started", worker=context.name, slots=context.settings.slots)
        await stop.wait()
        log.info("worker stopping", worker=context.name)
        context.stopping.set()
        await runner.drain()
        await end(*listening)
        server.left.set()
    log.info("worker stopped", worker=context.name)


def listener_named_in(
    queue: settings.QueueSettings,
    redis: settings.RedisSettings,
    database: settings.DatabaseSettings,
) -> MakeListener:
    """What makes a listener to the queue the settings name.

    Raises:
        ValueError: They do not say where Redis is, and it is needed.
    """
    if queue.queue == "postgres":
        return partial(make_notified, database)
    address = demand_address(redis)
    return lambda runner: Listeners(Consumer(address, runner), make_notified(database, runner))


def make_notified(database: settings.DatabaseSettings, runner: Wakeable) -> NotificationListener:
    """What wakes a worker when a job is accepted, whatever carries the wake-ups besides."""
    application = f"shanhai-worker-listener {socket.gethostname()}.{os.getpid()}"
    return NotificationListener(database, runner, application=application)


@asynccontextmanager
async def open_context(
    database: settings.DatabaseSettings,
    redis: settings.RedisSettings,
    queue: settings.QueueSettings,
    artifacts: settings.ArtifactSettings,
    worker: settings.WorkerSettings,
    dask: settings.DaskSettings,
    tiles: TileAccess,
    *,
    oidc: settings.OidcSettings | None = None,
    isolation: Mapping[str, str] = NOT_LOOKED_AT,
) -> AsyncIterator[WorkerContext]:
    """Open what the parts share, and close it."""
    patient = database.model_copy(update={"statement_timeout_s": STATEMENT_TIMEOUT_S})
    name = f"{socket.gethostname()}.{os.getpid()}.{secrets.token_hex(2)}"
    engine = create_engine(patient, application=f"shanhai-worker {name}"[:63])
    sessions = create_sessions(engine)
    dispatcher = make_dispatcher(queue, redis, sessions)
    computing, shared = ForkServer(), SharedProcesses(worker)
    try:
        yield WorkerContext(
            name=name,
            settings=worker,
            sessions=sessions,
            artifacts=open_store(artifacts),
            kept=KeptFolders(artifacts.folder),
            windows=None if worker.scratch is None else KeptFolders(worker.scratch / WINDOWS),
            tiles=tiles,
            dispatcher=dispatcher,
            shared=shared,
            successes=SuccessCommits(sessions, outlast),
            timezone=database.timezone,
            computing=computing,
            quota=Quota(queue.queue_waiting, queue.queue_running),
            # Who keeps files in an object store need not share a folder between machines.
            cluster=Cluster.named_in(dask, apart=artifacts.bucket is not None),
            oidc=oidc or settings.OidcSettings(),
            isolation=isolation,
        )
    finally:
        await shared.close()
        await computing.close()
        await dispatcher.close()
        await engine.dispose()
