"""What the running service holds: settings, metrics, connections; and whether it can work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache, partial

from fastapi import Request
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from redis.asyncio import Redis
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession
from starlette.types import Scope

from shanhai import settings
from shanhai.db.authentication import Authenticator
from shanhai.db.engine import (
    FastReader,
    PoolUse,
    Sessions,
    create_probe_engine,
    create_reading_engine,
    create_sessions,
    create_writing_engine,
    open_quick_reader,
    open_quick_writer,
)
from shanhai.db.features.query import CollectionExtent
from shanhai.db.identity import Viewer
from shanhai.db.notifications import ChannelListener
from shanhai.db.observations.appending import Appender
from shanhai.db.observations.feeds import GroupCommit
from shanhai.db.revision import OK, DatabaseState, expected_revision, look_into_database
from shanhai.jobs.group_submission import GroupSubmission
from shanhai.jobs.results import MILESTONES
from shanhai.overload import RateLimiter, SingleFlight
from shanhai.shutdown import end
from shanhai.storage.artifacts import ArtifactStore, open_store


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings, by concern; what is not given is read from the environment."""

    database: settings.DatabaseSettings = field(default_factory=settings.DatabaseSettings)
    redis: settings.RedisSettings = field(default_factory=settings.RedisSettings)
    artifacts: settings.ArtifactSettings = field(default_factory=settings.ArtifactSettings)
    public: settings.PublicSettings = field(default_factory=settings.PublicSettings)
    api: settings.ApiSettings = field(default_factory=settings.ApiSettings)
    log: settings.LogSettings = field(default_factory=settings.LogSettings)
    crypto: settings.CryptoSettings = field(default_factory=settings.CryptoSettings)
    oidc: settings.OidcSettings = field(default_factory=settings.OidcSettings)
    sign_in: settings.SignInSettings = field(default_factory=settings.SignInSettings)
    outgoing: settings.OutgoingSettings = field(default_factory=settings.OutgoingSettings)
    webhooks: settings.WebhookSettings = field(default_factory=settings.WebhookSettings)
    smtp: settings.SmtpSettings = field(default_factory=settings.SmtpSettings)
    keys: settings.KeySettings = field(default_factory=settings.KeySettings)
    rate: settings.RateSettings = field(default_factory=settings.RateSettings)
    tile_tokens: settings.TileTokenSettings = field(default_factory=settings.TileTokenSettings)
    observations: settings.ObservationSettings = field(default_factory=settings.ObservationSettings)
    participation: settings.ParticipationSettings = field(
        default_factory=settings.ParticipationSettings
    )
    cases: settings.CaseSettings = field(default_factory=settings.CaseSettings)
    queue: settings.QueueSettings = field(default_factory=settings.QueueSettings)


UNKNOWN_ROUTE = "unknown"


class ApiMetrics:
    """Requests by route, in a registry of its own so that several apps can live side by side."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.seconds = Histogram(
            "shanhai_http_request_seconds",
            "Duration of requests",
            ["method", "route"],
            registry=self.registry,
        )
        self.requests = Counter(
            "shanhai_http_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._of: dict[tuple[str, str, int], tuple[Histogram, Counter]] = {}
        self.running = Gauge(
            "shanhai_http_requests_running", "Requests being answered", registry=self.registry
        )

        self.observations = Counter(
            "shanhai_observations",
            "Rows of observations received by HTTP, by what became of them",
            ["outcome"],
            registry=self.registry,
        )
        self._pool = Gauge(
            "shanhai_db_pool_size",
            "Connections a pool may hold",
            ["pool"],
            registry=self.registry,
        )
        self._used = Gauge(
            "shanhai_db_pool_in_use",
            "Connections of a pool that are in use",
            ["pool"],
            registry=self.registry,
        )

    def show_pool(self, name: str, use: PoolUse) -> None:
        """Tell how much of a pool of connections is in use."""
        self._pool.labels(name).set(use.size)
        self._used.labels(name).set(use.in_use)

    def observe(self, *, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count an answered request under its route's pattern, never its path."""
        key = method, route or UNKNOWN_ROUTE, status
        if key not in self._of:
            self._of[key] = self.seconds.labels(*key[:2]), self.requests.labels(*key)
        duration, number = self._of[key]
        duration.observe(seconds)
        number.inc()

    def render(self) -> bytes:
        """The metrics in the text format."""
        return generate_latest(self.registry)


class JobMilestones:
    """Tells when a job has published or ended: one connection, opened for the first who waits."""

    def __init__(self, database: settings.DatabaseSettings, *, application: str) -> None:
        self._listener = ChannelListener(database, MILESTONES, self._hear, application=application)
        self._listening: asyncio.Task[None] | None = None
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextmanager
    def of(self, job_id: object) -> Iterator[asyncio.Event]:
        """An event that is set when the job may have published or ended: who waits looks again."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._listener.run())
        name, news = str(job_id), asyncio.Event()
        self._waiting.setdefault(name, set()).add(news)
        try:
            yield news
        finally:
            self._waiting[name].discard(news)
            if not self._waiting[name]:
                del self._waiting[name]

    async def close(self) -> None:
        """Hear no more."""
        if self._listening is not None:
            await end(self._listening)

    def _hear(self, job_id: str | None) -> None:
        told = self._waiting if job_id is None else (job_id,)
        for name in told:
            for news in self._waiting.get(name, ()):
                news.set()


APPLICATION = "shanhai-api"
GROUPS = 2
"""Groups of observations that are stored at a time."""
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
    store: ArtifactStore
    metrics: ApiMetrics
    authenticator: Authenticator
    limiter: RateLimiter
    gathering: GroupCommit
    submitting: GroupSubmission
    milestones: JobMilestones
    draining: asyncio.Event = field(default_factory=asyncio.Event)
    looks: SingleFlight[DatabaseState] = field(default_factory=SingleFlight)
    """What probes ask the database at this moment."""
    extents: dict[tuple[str, Viewer], tuple[float, CollectionExtent]] = field(default_factory=dict)
    """Until when extents of collections hold good."""
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
    engine = create_writing_engine(configuration.database, application=APPLICATION)
    reading = create_reading_engine(configuration.database, application=f"{APPLICATION}-reading")
    probes = create_probe_engine(configuration.database, application=f"{APPLICATION}-probe")
    limiter = RateLimiter(configuration.rate, configuration.redis.address, "api")
    writing_sessions, reading_sessions = create_sessions(engine), create_sessions(reading)
    store = open_store(configuration.artifacts)
    milestones = JobMilestones(configuration.database, application=f"{APPLICATION}-milestones")
    skew = configuration.observations.skew
    try:
        async with (
            limiter.synchronised(),
            open_quick_reader(configuration.database, application=f"{APPLICATION}-quick") as quick,
            open_quick_writer(
                configuration.database, application=f"{APPLICATION}-appending", most=GROUPS
            ) as appending,
            AsyncExitStack() as at_end,
        ):
            gathering = GroupCommit(
                writing_sessions,
                skew=skew,
                files=store,
                transactions=GROUPS,
                appender=Appender(appending, skew),
            )
            submitting = GroupSubmission(writing_sessions)
            at_end.push_async_callback(gathering.close)
            at_end.push_async_callback(submitting.close)
            authenticator = Authenticator(
                reading_sessions,
                writing_sessions.begin,
                quick,
                configuration.oidc,
                configuration.outgoing,
                configuration.sign_in,
            )
            state = ServiceState(
                configuration,
                engine,
                probes,
                writing_sessions,
                reading_sessions,
                quick,
                store,
                ApiMetrics(),
                authenticator,
                limiter,
                gathering,
                submitting,
                milestones,
            )
            async with authenticator.tally.writing_down():
                yield state
    finally:
        await milestones.close()
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


def is_draining(scope: Scope) -> bool:
    """Whether the service that received the request is told to stop."""
    return bool(scope["app"].state.service.draining.is_set())


TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Health:
    """What each check said: `ok`, or what is wrong."""

    service: str
    database: DatabaseState
    redis: str | None

    @property
    def ready(self) -> bool:
        """Whether requests of every kind are welcome; Redis missing only degrades."""
        return self.service == OK and self.database.fault is None

    @property
    def status(self) -> str:
        """`ok`, `read-only` where nothing can be written, or `down` where nothing can be read."""
        if self.database.reading != OK:
            return "down"
        return OK if self.database.writing == OK else "read-only"

    @property
    def checks(self) -> dict[str, str]:
        """The checks by name."""
        checks = {
            "service": self.service,
            "database": self.database.fault or OK,
            "reading": self.database.reading,
            "writing": self.database.writing,
        }
        return checks if self.redis is None else {**checks, "redis": self.redis}


async def check_health(state: ServiceState) -> Health:
    """PostgreSQL must be at the expected revision and writable; Redis is asked where one is
    named."""
    draining = "stopping" if state.draining.is_set() else OK
    # Asked for once by all who ask at the same time: probes do not wait for one another either.
    database = await state.looks.share("database", partial(_look_into_database, state))
    address = state.configuration.redis.address
    return Health(draining, database, None if address is None else await _check_redis(address))


async def _look_into_database(state: ServiceState) -> DatabaseState:
    try:
        async with AsyncSession(state.probes) as session:
            return await look_into_database(session, known_revision())
    except (SQLAlchemyError, OSError) as error:
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        told = f"unreachable ({type(cause).__name__})"
        return DatabaseState(told, told)


@lru_cache
def known_revision() -> str | None:
    """The newest revision of the code, read once."""
    return expected_revision()


async def _check_redis(url: str) -> str:
    client: Redis = Redis.from_url(url, socket_connect_timeout=TIMEOUT_S, socket_timeout=TIMEOUT_S)
    try:
        await client.ping()
    except (RedisError, OSError) as error:
        return f"degraded ({type(error).__name__})"
    finally:
        await client.aclose()
    return OK
