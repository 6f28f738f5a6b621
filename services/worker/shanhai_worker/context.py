"""What every part of the worker shares; how an outage, which passes, is outlasted."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from sqlalchemy import text

from shanhai.db.authentication import TileToken, seal
from shanhai.db.engine import DATABASE_ERRORS as DATABASE_ERRORS
from shanhai.db.engine import Sessions, ask_alone
from shanhai.db.engine import is_outage as is_outage
from shanhai.db.identity import ANONYMOUS
from shanhai.jobs.fair_queue import NO_QUOTA, Quota
from shanhai.jobs.queue import Dispatcher
from shanhai.processes.kit.task import Task, TilesTask
from shanhai.raster.windows import Cluster
from shanhai.settings import OidcSettings, PublicSettings, TileTokenSettings, WorkerSettings
from shanhai.storage.artifacts import ArtifactStore, KeptFolders
from shanhai_worker.child_process import ForkServer
from shanhai_worker.metrics import WorkerMetrics
from shanhai_worker.shared_process import SharedProcesses
from shanhai_worker.success_commits import SuccessCommits

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TRIES = 6
FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 3.0

Answer = TypeVar("Answer")


async def outlast(operation: Callable[[], Awaitable[Answer]]) -> Answer:
    """Call `operation` until it gets through, pausing longer each time, with jitter.

    Raises:
        Exception: What the operation raised, when it was no outage or the outage lasted too long.
    """
    for trial in range(TRIES - 1):
        try:
            return await operation()
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("database outage", error=type(error).__name__, trial=trial)
        pause = min(FIRST_PAUSE_S * 2**trial, LONGEST_PAUSE_S)
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311  (jitter, not a secret)
    return await operation()


LOOK_S = 1.0
"""Seconds between two questions, and so the longest that something waits to be seen."""
LONGEST_S = 30.0

# Each is true at least when who waits for it would find something, and costs a look into an index.
_ASK = text("""
  SELECT EXISTS (SELECT FROM job WHERE status = 'accepted')
         OR EXISTS (SELECT FROM job
                     WHERE status = 'running' AND lease_until < clock_timestamp()) AS jobs,
         EXISTS (SELECT FROM schedule WHERE next_at <= clock_timestamp()
                    AND enabled AND deleted_at IS NULL) AS schedules,
         EXISTS (SELECT FROM tile_pending) AS shapes,
         EXISTS (SELECT FROM observation_change) OR EXISTS (SELECT FROM alert_due)
         OR EXISTS (SELECT FROM alert_notice WHERE due_at <= clock_timestamp()) AS alerts,
         EXISTS (SELECT FROM delivery
                  WHERE status = 'waiting' AND due_at <= clock_timestamp()) AS deliveries
""")


class Agenda:
    """Lets parts of the worker wait until there is something to do, for the price of one statement.

    Each part looking for itself takes some twenty transactions a second from a worker at rest.
    """

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._due: Any = {}

    async def wait_for(self, work: str, *, most_s: float = LONGEST_S) -> bool:
        """Return at a whole second of the clock, once there is such work or none can be seen.

        Args:
            work: A column of the question.
            most_s: Seconds after which to return anyhow.

        Returns:
            Whether there is such work; False where the time was over first.
        """
        until = time.monotonic() + most_s
        while True:
            # All wait for the same moments, so that they share an answer that is not old.
            await asyncio.sleep(LOOK_S - time.monotonic() % LOOK_S)
            if await self.is_due(work):
                return True
            if time.monotonic() >= until:
                return False

    async def is_due(self, work: str) -> bool:
        """Whether there is such work, as it was half a second ago at most, or none can be seen."""
        async with self._asking:
            if time.monotonic() - self._asked_at >= LOOK_S / 2:
                try:
                    [self._due] = await ask_alone(self._sessions, _ASK)
                except DATABASE_ERRORS:
                    return True  # who waits meets the outage, and tells of it
                self._asked_at = time.monotonic()
        return bool(self._due[work])


RELAY = "tiles.socket"
RELAYED_BYTES = 64 * 1024
MARGIN_S = 600
"""Seconds a token outlives the longest job."""


@dataclass(frozen=True, slots=True)
class TileAccess:
    """Where the tile service is, and what tokens are signed with; without a secret there are none.

    A job cannot ask for a token by itself: its process is given no secret. What the token shows is
    what its owner may see when it is used, and only of the layers the job names.
    """

    url: str
    secret: str = ""
    valid_s: float = 0.0

    @classmethod
    def named_in(
        cls, public: PublicSettings, tokens: TileTokenSettings, worker: WorkerSettings
    ) -> "TileAccess":
        """What the settings say."""
        url = public.tiles_internal_url or public.tiles_url
        return cls(url, tokens.secret.get_secret_value(), worker.job_timeout_s + MARGIN_S)

    def of(self, task: Task, owner: str) -> TilesTask | None:
        """What a task is given; nothing when it asks for no layer."""
        if not task.layers:
            return None
        if not self.secret or owner == ANONYMOUS:
            return TilesTask(url=self.url, socket=RELAY)
        expires_at = int(time.time() + self.valid_s)
        token = TileToken(owner, frozenset(task.layers), expires_at)
        return TilesTask(url=self.url, token=seal(token, self.secret), socket=RELAY)

    @asynccontextmanager
    async def relay(self, workspace: Path) -> AsyncIterator[None]:
        """A socket in the workspace that leads to the tile service and nowhere else.

        A job's process has no network; TLS goes through as it is.
        """
        folder = os.open(workspace, os.O_PATH | os.O_CLOEXEC)
        try:
            # By the handle: an address has room for 107 bytes of a path.
            place = f"/proc/self/fd/{folder}/{RELAY}"
            server = await asyncio.start_unix_server(self._pass_on, place)
            (workspace / RELAY).chmod(0o666)  # the folder is closed to others
            try:
                yield
            finally:
                server.close()
        finally:
            os.close(folder)

    async def _pass_on(self, asks: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        parts = urlsplit(self.url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with closing(answers):
            try:
                there, back = await asyncio.open_connection(parts.hostname, port)
            except OSError:
                return  # the job finds the connection closed, and tries again
            with closing(back):
                async with asyncio.TaskGroup() as ways:
                    ways.create_task(_copy(asks, back))
                    ways.create_task(_copy(there, answers))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Pass on what comes until it ends on either side."""
    with suppress(OSError):
        while block := await source.read(RELAYED_BYTES):
            sink.write(block)
            await sink.drain()
    sink.close()


@dataclass(frozen=True, slots=True)
class WorkerContext:
    """Settings and open facilities.

    `stopping` is set when no more jobs are taken, `leaving` when running ones must be handed back.

    `isolation` tells the state of each part of what isolates jobs, where it was looked at.

    `windows` holds what this machine has finished of jobs, where it has a folder for that.
    """

    name: str
    settings: WorkerSettings
    sessions: Sessions
    artifacts: ArtifactStore
    kept: KeptFolders
    tiles: TileAccess
    dispatcher: Dispatcher
    shared: SharedProcesses
    successes: SuccessCommits
    timezone: str = "Asia/Shanghai"
    windows: KeptFolders | None = None
    quota: Quota = NO_QUOTA
    cluster: Cluster | None = None
    oidc: OidcSettings = field(default_factory=OidcSettings)
    isolation: Mapping[str, str] = field(default_factory=dict)
    computing: ForkServer = field(default_factory=ForkServer)
    meters: WorkerMetrics = field(default_factory=WorkerMetrics)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    agenda: Agenda = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "agenda", Agenda(self.sessions))

    @property
    def outliving(self) -> tuple[KeptFolders, ...]:
        """Where jobs keep what outlives an attempt, for all workers and on this machine."""
        return (self.kept,) if self.windows is None else (self.kept, self.windows)
