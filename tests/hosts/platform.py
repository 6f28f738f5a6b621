"""A platform on two hosts: what is the truth on one, and what computes and serves on both."""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeVar
from uuid import UUID

import httpx

from shanhai.client import ApiClient
from shanhai.data.synthetic_watershed import CODE
from shanhai.db.queries.keys import create_key
from shanhai.db.tables.job import Job
from shanhai.local.places import Home
from shanhai.local.servers import OPTIONS, PrivatePostgres, PrivateRedis, Surroundings
from shanhai.vocabulary import Scope
from tests.faults.beside import running_beside
from tests.faults.breakable import wait_until
from tests.faults.ledger import Ledger, Verdict, judge
from tests.faults.load import Sender
from tests.hosts.network import Host, Link
from tests.support.accounts import account_url, migrate_with_accounts
from tests.support.job_rows import open_sessions, read_job
from tests.support.object_stores import BUCKET, BUCKET_KEYS, Bucket, bucket_command
from tests.support.watershed_platform import CELL_M, PLAN

Answer = TypeVar("Answer")
PORTS = {"api": 8000, "tiles": 8001, "worker": 8002}
STORE_PORT, DASK_PORT = 9000, 8786
ANYWHERE = "0.0.0.0"  # noqa: S104 - on a host that only tests reach
SERVING = tuple(PORTS)
PATIENCE_S = 400.0
TASKS = """
import json, sys
from distributed import Client
print(json.dumps([task["worker"] for task in Client(sys.argv[1]).get_task_stream()]))
"""
"""Tells who computed each window since it was first asked."""
WORKERS = """
import json, sys
from distributed import Client
print(json.dumps(list(Client(sys.argv[1]).scheduler_info(n_workers=-1)["workers"])))
"""


class ReachablePostgres(PrivatePostgres):
    """One that listens to the other host, too."""

    options: ClassVar[Mapping[str, str]] = {**OPTIONS, "listen_addresses": "*"}

    def _initialise(self, data: Path) -> None:
        super()._initialise(data)
        with (data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 10.0.0.0/8 scram-sha-256\n")


class ReachableRedis(PrivateRedis):
    """One that listens to the other host, too."""

    listening = "bind 0.0.0.0\nprotected-mode no\n"


@dataclass
class TwoHosts:
    """What runs, by host and part, and what was accepted of it.

    Attributes:
        truth: The host of PostgreSQL, Redis, the object store and the Dask scheduler.
        other: The other one.
    """

    link: Link
    postgres: PrivatePostgres
    redis: PrivateRedis
    ledger: Ledger = field(default_factory=Ledger)
    running: dict[tuple[str, str], subprocess.Popen[bytes]] = field(default_factory=dict)
    key: str = ""

    @property
    def truth(self) -> Host:
        return self.link.hosts[0]

    @property
    def other(self) -> Host:
        return self.link.hosts[1]

    @property
    def database_url(self) -> str:
        """The database as the tests reach it, as the superuser."""
        return self.postgres.url().replace("127.0.0.1", self.truth.outside)

    @property
    def scheduler(self) -> str:
        """The address of the Dask scheduler."""
        return f"tcp://{self.truth.address}:{DASK_PORT}"

    def settings(self, host: Host, cache: str, *, address: str = "") -> dict[str, str]:
        """The settings of the object store for a host."""
        url = f"http://{address or self.truth.address}:{STORE_PORT}"
        return Bucket(url, Path()).settings(host.folder / cache, prefix="files")

    def environment(self, host: Host, part: str) -> dict[str, str]:
        """What a part is started with."""
        dask = {
            "SHANHAI_DASK_SCHEDULER": self.scheduler,
            "SHANHAI_DASK_CLOSED_NETWORK": "true",
            "SHANHAI_DASK_HOST": host.address,
            "SHANHAI_DASK_PORT": str(DASK_PORT),
        }
        own = {"TMPDIR": str(host.folder / "tmp"), "SHANHAI_LOG_FORMAT": "console"}
        if part not in SERVING:
            return {**os.environ, **own, **(BUCKET_KEYS if part == "store" else dask)}
        worker = {"lease_s": 5, "renew_s": 1.5, "poll_s": 1, "slots": 2, "finish_s": 5}
        worker |= {"retry_first_s": 2, "retry_longest_s": 10, "max_retries": 30}
        # Each job computes its windows: a step kept from the former would leave the link idle.
        worker["steps_mb"] = 0
        url = account_url(self.postgres.url(), part)  # type: ignore[arg-type]  # a role
        outside = {name: f"http://{host.outside}:{port}" for name, port in PORTS.items()}
        return {
            **os.environ,
            **own,
            **(dask if part == "worker" else {}),
            **self.settings(host, f"cache-{part}"),
            "SHANHAI_DATABASE_URL": url.replace("127.0.0.1", self.truth.address),
            "SHANHAI_REDIS_URL": self.redis.url().replace("127.0.0.1", self.truth.address),
            "SHANHAI_API_URL": outside["api"],
            "SHANHAI_TILES_URL": outside["tiles"],
            "SHANHAI_PUBLIC_READ": "true",
            "SHANHAI_RATE_IDENTITY": "10000000",
            f"SHANHAI_{part.upper()}_HOST": ANYWHERE,
            f"SHANHAI_{part.upper()}_PORT": str(PORTS[part]),
            "SHANHAI_WORKER_SCRATCH": str(host.folder / "scratch"),
            **{f"SHANHAI_WORKER_{name.upper()}": str(value) for name, value in worker.items()},
        }

    def start(self, host: Host, *parts: str) -> None:
        """Start parts on a host, and wait until those that serve are ready."""
        for part in parts:
            with (host.folder / f"{part}.log").open("ab") as log:
                self.running[host.name, part] = subprocess.Popen(
                    host.command(_command(host, part)),
                    env=self.environment(host, part),
                    cwd=host.folder / "tmp",
                    stdout=log,
                    stderr=log,
                )
        for part in parts:
            if part in SERVING:
                wait_until(lambda part=part: _is_ready(host, part), within_s=PATIENCE_S)  # type: ignore[misc]

    def stop(self, host: Host, *parts: str) -> None:
        """Stop parts on a host at once."""
        for part in parts:
            process = self.running.pop((host.name, part))
            process.kill()
            process.wait(60)

    def kill_all(self, host: Host) -> None:
        """Stop whatever runs on a host at once."""
        host.kill()
        for name, part in list(self.running):
            if name == host.name:
                self.running.pop((name, part)).wait(60)

    def api(self, host: Host) -> ApiClient:
        """A client of the API on a host."""
        return ApiClient(f"http://{host.outside}:{PORTS['api']}", self.key)

    def status(self, host: Host, job: str, lang: str = "en") -> dict[str, Any]:
        """The state of a job as the API of a host tells it."""
        headers = {"Authorization": f"Bearer {self.key}", "Accept-Language": lang}
        url = f"http://{host.outside}:{PORTS['api']}/jobs/{job}"
        answer: dict[str, Any] = httpx.get(url, headers=headers, timeout=30).json()
        return answer

    def job(self, job: str) -> Job:
        """The row of a job."""
        found: Job = self.with_sessions(lambda sessions: read_job(sessions, UUID(job)))
        return found

    def reach(self, job: str, *states: str, attempt: int = 0) -> Job:
        """The job, once it is in one of the states, in this attempt or a later one."""

        def reached() -> bool:
            now = self.job(job)
            assert now.status in states or now.status != "failed", now.error
            return now.status in states and now.attempt >= attempt

        wait_until(reached, within_s=PATIENCE_S)
        return self.job(job)

    def host_of(self, job: Job) -> Host:
        """Where the worker is that ran a job last."""
        return next(one for one in self.link.hosts if f"host-{one.name}." in str(job.worker))

    def dask_workers(self) -> list[str]:
        """Addresses of the workers that the Dask scheduler knows."""
        return self._ask_dask(WORKERS)

    def computed(self) -> list[str]:
        """Addresses of who computed the windows since this was asked first."""
        return self._ask_dask(TASKS)

    def _ask_dask(self, script: str) -> list[str]:
        command = self.truth.command([sys.executable, "-c", script, self.scheduler])
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        found: list[str] = json.loads(done.stdout)
        return found

    def with_sessions(self, work: Callable[[Any], Any]) -> Any:
        """Something done with the database."""

        async def done() -> Any:
            async with open_sessions(self.database_url) as sessions:
                return await work(sessions)

        return asyncio.run(done())

    def verdict(self) -> Verdict:
        """What became of all that was accepted so far."""
        found: Verdict = self.with_sessions(lambda sessions: judge(self.ledger, sessions))
        return found

    @contextmanager
    def under_load(self, name: str) -> Iterator[None]:
        """Small jobs asked for at both hosts all the while; at the end all have ended."""
        stop, senders = threading.Event(), [self._sender(host, name) for host in self.link.hosts]
        with running_beside() as beside:
            sent = [beside.begin(sender.keep_on(stop, pause=0.5)) for sender in senders]
            try:
                yield
            finally:
                stop.set()
                for one in sent:
                    one.result(PATIENCE_S)

    def _sender(self, host: Host, name: str) -> Sender:
        url = f"http://{host.outside}:{PORTS['api']}"
        return Sender(url, self.key, self.ledger, f"{name}.{host.name}", give_up_s=PATIENCE_S)


def _command(host: Host, part: str) -> list[str]:
    if part == "store":
        return bucket_command(host.folder / "store", ANYWHERE, STORE_PORT)
    program = str(Path(sys.executable).with_name("shanhai"))
    if part in SERVING:
        return [sys.executable, program, "serve", part]
    return [sys.executable, program, "cluster", part.removeprefix("dask-")]


def _is_ready(host: Host, part: str) -> bool:
    try:
        url = f"http://{host.outside}:{PORTS[part]}/health/ready"
        return httpx.get(url, timeout=5).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


@contextmanager
def start_two_hosts(link: Link) -> Iterator[TwoHosts]:
    """The platform for as long as the context lasts."""
    truth, other = link.hosts
    home = Home(truth.folder / "home")
    surroundings = Surroundings.of_home(home, bound=True)
    for host in link.hosts:
        (host.folder / "tmp").mkdir()
        (host.folder / "scratch").mkdir()
    (truth.folder / "store" / BUCKET).mkdir(parents=True)
    platform = TwoHosts(link, ReachablePostgres(surroundings), ReachableRedis(surroundings))
    try:
        with truth.entered():
            platform.postgres.start()
            platform.redis.start()
            migrate_with_accounts(platform.postgres)
        platform.start(truth, "store", "dask-scheduler")
        platform.key = platform.with_sessions(_make_key)
        for host in (truth, other):
            platform.start(host, *SERVING, "dask-worker")
        wait_until(lambda: len(platform.dask_workers()) == 2)
        yield platform
    finally:
        for host in link.hosts:
            platform.kill_all(host)
        with truth.entered():
            platform.redis.stop()
            platform.postgres.stop()


async def _make_key(sessions: Any) -> str:
    async with sessions.begin() as session:
        return await create_key(session, name="hosts", scopes=list(Scope))


def ask_for_zones(platform: TwoHosts) -> str:
    """Ask for the main job, which publishes what it makes; its id."""
    asked = {"region": CODE, "plan": PLAN, "cell_m": CELL_M, "publish": True, "seed": 7}
    with platform.api(platform.truth) as api:
        return api.submit("delineate-zones", asked).id


def bytes_of(job: Job) -> dict[str, str]:
    """SHA-256 of the outputs of a job, by name."""
    assert job.result is not None
    return {name: one["sha256"] for name, one in job.result["outputs"].items()}
