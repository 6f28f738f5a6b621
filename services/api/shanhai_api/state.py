"""What the running service holds: opened with it, closed with it, handed to every request."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession

from shanhai.db.authentication import Authenticator
from shanhai.db.engine import (
    Sessions,
    create_engine,
    create_probe_engine,
    create_reading_engine,
    create_sessions,
)
from shanhai.db.fast_reads import FastReader, open_quick_reader
from shanhai.db.observations.group_commit import GroupCommit
from shanhai.db.readiness import DatabaseState
from shanhai.jobs.queue import Dispatcher, make_dispatcher
from shanhai.rate_limits import RateLimiter
from shanhai.single_flight import SingleFlight
from shanhai.storage.artifacts import LocalArtifacts
from shanhai_api.configuration import Configuration
from shanhai_api.metrics import ApiMetrics

APPLICATION = "shanhai-api"
Action = Callable[[], Awaitable[object]]


@dataclass(slots=True)
class UnitOfWork:
    """A unit of work: one transaction, and what is to be done once it is committed."""

    session: AsyncSession
    after_commit: list[Action] = field(default_factory=list)


@dataclass(slots=True)
class ServiceState:
    """The opened facilities."""

    configuration: Configuration
    engine: AsyncEngine
    probes: AsyncEngine
    sessions: Sessions
    reading: Sessions
    quick: FastReader
    dispatcher: Dispatcher
    store: LocalArtifacts
    metrics: ApiMetrics
    authenticator: Authenticator
    limiter: RateLimiter
    gathering: GroupCommit
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    looks: SingleFlight[DatabaseState] = field(default_factory=SingleFlight)
    """What probes ask the database at this moment."""
    exports: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    """Files being written at once: each holds a connection and a thread."""

    @asynccontextmanager
    async def unit(self) -> AsyncIterator[UnitOfWork]:
        """Work that is committed as a whole, or not at all."""
        async with self.sessions() as session:
            unit = UnitOfWork(session)
            async with session.begin():
                yield unit
        for action in unit.after_commit:
            await action()


@asynccontextmanager
async def open_state(configuration: Configuration) -> AsyncIterator[ServiceState]:
    """Open what requests need and close it again."""
    engine = create_engine(configuration.database, application=APPLICATION)
    reading = create_reading_engine(configuration.database, application=f"{APPLICATION}-reading")
    probes = create_probe_engine(configuration.database, application=f"{APPLICATION}-probe")
    limiter = RateLimiter(configuration.rate, configuration.redis.address, "api")
    writing_sessions, reading_sessions = create_sessions(engine), create_sessions(reading)
    dispatcher = make_dispatcher(configuration.queue, configuration.redis, writing_sessions)
    store = LocalArtifacts(configuration.artifacts.root)
    gathering = GroupCommit(writing_sessions, skew=configuration.observations.skew, files=store)
    try:
        async with (
            limiter.synchronised(),
            open_quick_reader(configuration.database, application=f"{APPLICATION}-quick") as quick,
        ):
            yield ServiceState(
                configuration,
                engine,
                probes,
                writing_sessions,
                reading_sessions,
                quick,
                dispatcher,
                store,
                ApiMetrics(),
                Authenticator(
                    reading_sessions,
                    writing_sessions.begin,
                    quick,
                    configuration.oidc,
                    configuration.outgoing,
                ),
                limiter,
                gathering,
            )
    finally:
        await gathering.close()
        await dispatcher.close()
        await probes.dispose()
        await reading.dispose()
        await engine.dispose()


async def get_state(request: Request) -> ServiceState:
    """The state, as a dependency: a plain function would be run in a thread."""
    return state_of(request)


def state_of(request: Request) -> ServiceState:
    """The state of the service that received the request."""
    state: ServiceState = request.app.state.service
    return state
