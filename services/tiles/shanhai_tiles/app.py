"""The tile service as an ASGI application."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

import shanhai
from shanhai.db.authentication import Authenticator
from shanhai.db.engine import create_engine, create_sessions
from shanhai.limits import RateLimiter
from shanhai.settings import (
    ArtifactSettings,
    DatabaseSettings,
    OidcSettings,
    PublicSettings,
    RateSettings,
    RedisSettings,
)
from shanhai.storage.artifacts import LocalArtifacts
from shanhai_tiles.cache import TileCache
from shanhai_tiles.dependencies import Services, transaction, working_session
from shanhai_tiles.errors import install_error_handlers
from shanhai_tiles.middleware import Surround
from shanhai_tiles.openapi import describe_31
from shanhai_tiles.routes import health, landing, layers, ogc_tiles, tiles, viewer, wmts

READERS = 4
"""Threads that read rasters; GDAL lets go of the interpreter while it decompresses."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the service is told."""

    database: DatabaseSettings
    artifacts: ArtifactSettings
    public: PublicSettings
    redis: RedisSettings | None = None
    oidc: OidcSettings = field(default_factory=OidcSettings)
    rate: RateSettings = field(default_factory=RateSettings)


def create_app(settings: Settings) -> FastAPI:
    """The application; it opens its connections when it starts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        engine = create_engine(settings.database, application="shanhai-tiles")
        sessions = create_sessions(engine)
        redis_url = None if settings.redis is None else settings.redis.url.get_secret_value()
        limiter = RateLimiter(settings.rate, redis_url, "tiles")
        readers = ThreadPoolExecutor(READERS, thread_name_prefix="reader")
        async with limiter.synchronised():
            with readers:
                app.state.services = Services(
                    public=settings.public,
                    engine=engine,
                    sessions=sessions,
                    artifacts=LocalArtifacts(settings.artifacts.root),
                    readers=readers,
                    cache=TileCache(),
                    authenticator=Authenticator(
                        partial(working_session, sessions),
                        partial(transaction, sessions),
                        settings.oidc,
                    ),
                    limiter=limiter,
                )
                yield
        await engine.dispose()

    app = FastAPI(
        title="Shanhai tiles",
        version=shanhai.__version__,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    install_error_handlers(app)
    for module in (landing, layers, tiles, ogc_tiles, wmts, viewer, health):
        app.include_router(module.router)
    app.mount("/static", StaticFiles(directory=viewer.STATIC))
    app.add_middleware(Surround, tiles_url=settings.public.tiles_url)
    app.openapi = partial(describe_31, app)  # type: ignore[method-assign]
    return app


def from_environment() -> FastAPI:
    """The application with its settings read from `SHANHAI_*`."""
    return create_app(
        Settings(DatabaseSettings(), ArtifactSettings(), PublicSettings(), RedisSettings())
    )
