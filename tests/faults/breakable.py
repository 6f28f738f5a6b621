"""A platform of real processes, each of which can be killed, stopped and starved."""

import itertools
import os
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any, TypeVar
from uuid import UUID

from shanhai.db.engine import Sessions
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.job import Job
from shanhai.local.places import Home, is_free
from shanhai.local.servers import PrivatePostgres, PrivateRedis, Surroundings
from shanhai.local.services import API, HOST, ServiceProcess, is_ready
from shanhai.vocabulary import Scope
from tests.faults.beside import Beside, running_beside
from tests.faults.ledger import FINAL, Ledger, Verdict, judge
from tests.faults.load import Sender
from tests.support.accounts import account_url, migrate_with_accounts
from tests.support.job_rows import open_sessions, read_job
from tests.support.workers import Workers, free_port

LEASE_S = 5.0
AGAIN_S = LEASE_S + 10.0
"""Within which a lost job must be run again."""
PATIENCE_S = 240.0
SETTINGS = {"lease_s": LEASE_S, "renew_s": 1.5, "poll_s": 1, "slots": 2, "finish_s": 5}
Killable = PrivatePostgres | PrivateRedis | ServiceProcess
Answer = TypeVar("Answer")
_names = itertools.count()


@dataclass
class Breakable:
    """PostgreSQL with all its guarantees, Redis, the API and workers of one home."""

    home: Home
    beside: Beside
    postgres: PrivatePostgres
    redis: PrivateRedis
    api: ServiceProcess
    workers: Workers
    key: str
    ledger: Ledger
    standing: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """The API's address."""
        return f"http://{HOST}:{self.api.reserve_port()}"

    def environment(self) -> dict[str, str]:
        """What the API is started with."""
        return {
            "SHANHAI_DATABASE_URL": account_url(self.postgres.url(), "api"),
            "SHANHAI_REDIS_URL": self.redis.url(),
            "SHANHAI_ARTIFACTS_ROOT": str(self.workers.folder / "artifacts"),
            "SHANHAI_RATE_IDENTITY": "10000000",
            "SHANHAI_API_HOST": HOST,
            "SHANHAI_API_PORT": str(self.api.reserve_port()),
            "SHANHAI_API_URL": self.url,
        }

    def sender(self) -> Sender:
        """A client with keys of its own."""
        return Sender(self.url, self.key, self.ledger, f"load.{next(_names)}")

    def add_worker(self, **more: Any) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it is ready to work."""
        [worker] = self.add_workers(1, **more)
        return worker

    def add_workers(self, number: int, **more: Any) -> list[subprocess.Popen[bytes]]:
        """Start several workers at once, and wait until all are ready to work."""
        ports = [free_port() for _ in range(number)]
        started = [self.workers.start(port=port, **{**SETTINGS, **more}) for port in ports]
        wait_until(lambda: all(is_ready(port) for port in ports))
        return started

    def stand_by(self, number: int) -> None:
        """See to it that so many workers are there for whatever comes."""
        self.standing = [worker for worker in self.standing if worker.poll() is None]
        if len(self.standing) < number:
            self.standing += self.add_workers(number - len(self.standing))

    def worker_of(self, job_id: str, *, attempt: int = 1) -> subprocess.Popen[bytes]:
        """The worker that runs a job in this attempt or a later one."""
        name = self.reach(job_id, "running", attempt=attempt).worker
        return next(one for one in self.workers.processes if f".{one.pid}." in str(name))

    def kill(self, part: Killable) -> None:
        """End a part at once."""
        process = part.process()
        assert process is not None, f"{part.name} does not run"
        port = part.port
        os.kill(process.pid, signal.SIGKILL)
        # Its port is closed a moment after its memory is gone, and it is to have the same again.
        wait_until(lambda: part.process() != process and (port is None or is_free(port)))

    def start_api(self) -> None:
        """Have the API answer again."""
        self.api.start(self.environment())
        self.api.wait_until_ready()

    def job(self, job_id: str) -> Job:
        """A job's row."""
        reading = self.with_sessions(lambda sessions: read_job(sessions, UUID(job_id)))
        return self.beside.ask(reading)

    def reach(
        self, job_id: str, *states: str, attempt: int = 0, within_s: float = PATIENCE_S
    ) -> Job:
        """The job, once it is in one of the states, in this attempt or a later one."""
        found: list[Job] = []

        def reached() -> bool:
            found[:] = [self.job(job_id)]
            return found[0].status in states and found[0].attempt >= attempt

        wait_until(reached, within_s=within_s)
        return found[0]

    def rerun(self, job_id: str, *, attempt: int) -> None:
        """Wait until a lost job is run again, and note how long it took."""
        started = time.monotonic()
        self.reach(job_id, "running", *FINAL, attempt=attempt, within_s=AGAIN_S)
        self.ledger.reruns_s.append(time.monotonic() - started)

    @contextmanager
    def under_load(self, senders: int = 3) -> Iterator["Load"]:
        """Senders of messages, and one of files, all the while; at the end all has ended."""
        load = Load(self, senders)
        try:
            yield load
        finally:
            load.finish()

    def verdict(self) -> Verdict:
        """What became of all that was accepted so far."""
        judging = self.with_sessions(lambda sessions: judge(self.ledger, sessions))
        return self.beside.ask(judging)

    async def with_sessions(self, work: Callable[[Sessions], Awaitable[Answer]]) -> Answer:
        """Something done with the database."""
        async with open_sessions(self.postgres.url()) as sessions:
            return await work(sessions)


class Load:
    """What is sent while something breaks."""

    def __init__(self, platform: Breakable, senders: int) -> None:
        self.stop = Event()
        self.senders = [platform.sender() for _ in range(senders + 1)]
        self._futures = [
            platform.beside.begin(sender.keep_on(self.stop, pause=0.3, imports=place == senders))
            for place, sender in enumerate(self.senders)
        ]
        self._ledger = platform.ledger

    def go_on(self, accepted: int = 3) -> None:
        """Wait until so many more jobs have been accepted."""
        mark = len(self._ledger.accepted) + accepted
        wait_until(lambda: len(self._ledger.accepted) >= mark or self.broken())

    def broken(self) -> bool:
        """Whether a sender has given up."""
        return any(future.done() for future in self._futures)

    def finish(self) -> None:
        """Send no more, and wait for the end of what was sent.

        Raises:
            Exception: What a sender gave up with.
        """
        self.stop.set()
        for future in self._futures:
            future.result(PATIENCE_S)


def wait_until(holds: Callable[[], bool], *, within_s: float = PATIENCE_S) -> None:
    """Wait until it holds.

    Raises:
        TimeoutError: It never did.
    """
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still not so after {within_s:g} s")
        time.sleep(0.2)


@contextmanager
def start_breakable(directory: Path, ledger: Ledger) -> Iterator[Breakable]:
    """The platform for as long as the context lasts."""
    home = Home(directory)
    surroundings = Surroundings.of_home(home, bound=True)
    postgres, redis = PrivatePostgres(surroundings), PrivateRedis(surroundings)
    api = ServiceProcess(API, home, bound=True)
    try:
        postgres.start()
        redis.start()
        migrate_with_accounts(postgres)
        with running_beside() as beside:
            workers = Workers(postgres.url(), redis.url(), home.work("worker"))
            key = beside.ask(_make_key(postgres.url()))
            platform = Breakable(home, beside, postgres, redis, api, workers, key, ledger)
            platform.start_api()
            try:
                yield platform
            finally:
                workers.end()
    finally:
        api.stop()
        redis.stop()
        postgres.stop()


async def _make_key(url: str) -> str:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        return await create_key(session, name="faults", scopes=list(Scope))
