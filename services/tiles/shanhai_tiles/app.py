"""The tile service as an ASGI application, with what it tells of its health and metrics."""

import gc
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from pydantic import Field
from starlette.responses import Response

import shanhai
from shanhai.cors import CrossOriginAccess, origin_of
from shanhai.db.authentication import Authenticator
from shanhai.db.engine import (
    FastReader,
    Sessions,
    create_engine,
    create_probe_engine,
    create_sessions,
    open_quick_reader,
    pool_use,
)
from shanhai.db.revision import expected_revision, present_schema
from shanhai.errors import Unavailable
from shanhai.overload import Admission, RateLimiter
from shanhai.settings import (
    ArtifactSettings,
    BasemapSettings,
    CryptoSettings,
    DatabaseSettings,
    OidcSettings,
    OutgoingSettings,
    PublicSettings,
    RateSettings,
    RedisSettings,
    TilesSettings,
    TileTokenSettings,
)
from shanhai.shutdown import noticing_stop
from shanhai.storage.artifacts import open_store
from shanhai.telemetry import configure_tracing
from shanhai_tiles import answers
from shanhai_tiles.access import Gate
from shanhai_tiles.basemaps import Basemaps, open_basemaps
from shanhai_tiles.cache.tile_cache import open_tiles
from shanhai_tiles.dependencies import (
    Services,
    ServicesDep,
    is_draining,
    transaction,
    working_session,
)
from shanhai_tiles.errors import NEVER_STORED, LastResort, install_error_handlers, tell
from shanhai_tiles.layers.directory import LayerDirectory, following_changes
from shanhai_tiles.middleware import CORS, Surround
from shanhai_tiles.openapi import describe_31
from shanhai_tiles.pages import ASSETS
from shanhai_tiles.raster.block_cache import BlockCache, BlockFile
from shanhai_tiles.raster.dataset_pool import DatasetPool
from shanhai_tiles.routes import landing, layers, ogc_tiles, tiles, values, wmts
from shanhai_tiles.routes.tiles import FastPath

APPLICATION = "shanhai-tiles"

POOL = Gauge("shanhai_db_pool_size", "Connections a pool may hold", ["pool"])
USED = Gauge("shanhai_db_pool_in_use", "Connections of a pool that are in use", ["pool"])


health = APIRouter(tags=["operations"], route_class=answers.DocumentRoute)
ROUTERS = (
    *(module.router for module in (tiles, landing, layers, values, ogc_tiles, wmts)),
    landing.viewer,
    tiles.backgrounds,
    health,
)
READERS = 4
"""Threads that read rasters; GDAL lets go of the interpreter while it decompresses."""

ANALYSTS = 2
"""Threads for what takes seconds, statistics and clips, so that tiles need not wait for it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service is told."""

    database: DatabaseSettings
    artifacts: ArtifactSettings
    public: PublicSettings
    redis: RedisSettings | None = None
    oidc: OidcSettings = field(default_factory=OidcSettings)
    rate: RateSettings = field(default_factory=RateSettings)
    crypto: CryptoSettings = field(default_factory=CryptoSettings)
    tiles: TilesSettings = field(default_factory=TilesSettings)
    tokens: TileTokenSettings = field(default_factory=TileTokenSettings)
    basemaps: BasemapSettings = field(default_factory=BasemapSettings)
    outgoing: OutgoingSettings = field(default_factory=OutgoingSettings)


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its connections when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with _open_services(settings) as services:
            app.state.services = services
            with noticing_stop(services.draining, drain_s=settings.tiles.drain_s):
                yield

    app = FastAPI(
        title="Shanhai tiles",
        version=shanhai.__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    # Not included as routers: all that is found out about a route would be found out twice.
    app.state.routes = [
        route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)
    ]
    app.router.routes.extend(app.state.routes)
    app.mount(ASSETS.under, ASSETS)
    app.add_middleware(FastPath)
    app.add_middleware(
        Admission,
        most=settings.tiles.most_requests,
        refuse=tell,
        stops=is_draining,
    )
    app.add_middleware(LastResort)
    console = origin_of(settings.public.api_url)
    app.add_middleware(CrossOriginAccess, public=settings.public, trusted=console, **CORS)
    app.add_middleware(Surround, public=settings.public)
    app.openapi = partial(describe_31, app)  # type: ignore[method-assign]
    return app


def _block_cache(settings: Settings) -> BlockCache:
    folder, room = settings.artifacts.cache, settings.tiles.blocks_disk_mb * 1024**2
    beyond = BlockFile(folder, room) if folder is not None and room else None
    return BlockCache(settings.tiles.blocks_mb * 1024**2, beyond)


@asynccontextmanager
async def _open_services(settings: Settings) -> AsyncIterator[Services]:
    """What requests need; closed again with the context."""
    redis_url = None if settings.redis is None else settings.redis.address
    limiter = RateLimiter(settings.rate, redis_url, "tiles")
    engine = create_engine(settings.database, application=APPLICATION)
    probes = create_probe_engine(settings.database, application=f"{APPLICATION}-probes")
    sessions = create_sessions(engine)
    rasters = DatasetPool(blocks=_block_cache(settings))
    async with AsyncExitStack() as at_end:
        at_end.push_async_callback(engine.dispose)
        at_end.push_async_callback(probes.dispose)
        at_end.enter_context(closing(rasters))
        readers, analysts = (
            at_end.enter_context(ThreadPoolExecutor(threads, thread_name_prefix=name))
            for threads, name in ((READERS, "reader"), (ANALYSTS, "analyst"))
        )
        await at_end.enter_async_context(limiter.synchronised())
        quick = await at_end.enter_async_context(
            open_quick_reader(settings.database, application=f"{APPLICATION}-quick")
        )
        changes = await at_end.enter_async_context(
            following_changes(settings.database, application=f"{APPLICATION}-changes")
        )
        basemaps = await at_end.enter_async_context(_open_basemaps(settings, redis_url))
        gate = _gate(settings, sessions, quick, limiter)
        await at_end.enter_async_context(gate.authenticator.tally.writing_down())
        yield Services(
            public=settings.public,
            engine=engine,
            probes=create_sessions(probes),
            sessions=sessions,
            quick=quick,
            artifacts=open_store(settings.artifacts),
            readers=readers,
            analysts=analysts,
            rasters=rasters,
            tiles=await at_end.enter_async_context(open_tiles(settings.tiles, redis_url)),
            basemaps=basemaps,
            directory=LayerDirectory(changes, quick, partial(working_session, sessions)),
            gate=gate,
        )


def _open_basemaps(
    settings: Settings, redis_url: str | None
) -> AbstractAsyncContextManager[Basemaps]:
    named = settings.public.basemaps
    return open_basemaps(named, settings.basemaps, settings.outgoing, settings.tiles, redis_url)


def _gate(settings: Settings, sessions: Sessions, quick: FastReader, limiter: RateLimiter) -> Gate:
    authenticator = Authenticator(
        partial(working_session, sessions), partial(transaction, sessions), quick, settings.oidc
    )
    return Gate(authenticator, limiter, settings.public.public_read, settings.tokens.secret)


def read_settings() -> Settings:
    """What `SHANHAI_*` says."""
    return Settings(DatabaseSettings(), ArtifactSettings(), PublicSettings(), RedisSettings())


def from_environment() -> FastAPI:
    """The application with its settings read from `SHANHAI_*`."""
    configure_tracing("shanhai-tiles")
    app = create_app(read_settings())
    gc.freeze()
    gc.enable()
    return app


class Alive(answers.DocumentPart):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(Alive):
    """Requests are welcome."""

    store: str = Field(description="Where tiles are kept beyond the memory of a process")


class Unready(answers.DocumentPart):
    """Requests are not welcome."""

    status: Literal["unavailable"] = "unavailable"
    reason: str


UNREADY: answers.Responses = {503: {"model": Unready, "description": "Not ready, and why"}}


@health.get("/health/live")
async def report_live() -> answers.JsonAnswer[Alive]:
    """The process answers."""
    return _never_stored(Alive())


@health.get("/health/ready", response_model=Ready, responses=UNREADY)
async def report_ready(
    services: ServicesDep,
) -> answers.JsonAnswer[Ready] | answers.JsonAnswer[Unready]:
    """The database answers and has the tables this code expects, and the service is to go on; 503
    with the reason otherwise.

    `store` names where tiles are kept beyond the memory of a process.
    """
    reason = await _reason_not_ready(services)
    if reason is not None:
        return _never_stored(Unready(reason=reason), 503)
    return _never_stored(Ready(store=services.tiles.kept_in))


def _never_stored(document: answers.Model, status: int = 200) -> answers.JsonAnswer[answers.Model]:
    body = document.model_dump_json().encode()
    return answers.JsonAnswer(body, status, NEVER_STORED, answers.JSON)


@health.get("/metrics", responses=answers.sends(CONTENT_TYPE_LATEST))
async def read_metrics(services: ServicesDep) -> Response:
    """Measurements for Prometheus."""
    size, in_use = pool_use(services.engine)
    POOL.labels("tiles").set(size)
    USED.labels("tiles").set(in_use)
    return Response(generate_latest(), headers=NEVER_STORED, media_type=CONTENT_TYPE_LATEST)


async def _reason_not_ready(services: ServicesDep) -> str | None:
    if services.draining.is_set():
        return "stopping"
    # Asked once by all who ask at the same time: probes do not wait for one another either.
    return await services.looks.share("database", partial(_reason_of_database, services))


async def _reason_of_database(services: Services) -> str | None:
    try:
        async with working_session(services.probes) as session:
            schema = await present_schema(session)
    except Unavailable as error:
        return error.message
    expected = expected_revision()
    if schema.serves(expected):
        return None
    return f"the database is at revision {schema.revision}, this code expects {expected}"
