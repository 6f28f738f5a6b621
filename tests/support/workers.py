"""Workers in processes of their own, to be stopped and killed, and waiting for what they do."""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from shanhai.db.engine import Sessions
from shanhai.db.tables.job import Job
from shanhai.vocabulary import JobStatus
from tests.support.accounts import account_url
from tests.support.job_rows import read_job
from tests.support.serving import kill

NO_REDIS = "redis://127.0.0.1:1/0"
"""An address where nobody listens."""

SHORT_TIMES = {"lease_s": 1, "renew_s": 0.3, "poll_s": 0.2}
"""Settings under which a lost worker is noticed in a second or two."""


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def eventually(condition: Callable[[], Awaitable[bool]], *, within_s: float = 30) -> float:
    """Wait until the condition holds; the seconds it took.

    Raises:
        TimeoutError: It never did.
    """
    started = time.monotonic()
    while not await condition():
        if time.monotonic() - started > within_s:
            raise TimeoutError(f"still not so after {within_s} s")
        await asyncio.sleep(0.05)
    return time.monotonic() - started


async def reach(
    sessions: Sessions, job_id: UUID, *statuses: JobStatus, within_s: float = 30
) -> Job:
    """The job, once it is in one of the states."""

    async def reached() -> bool:
        return (await read_job(sessions, job_id)).status in statuses

    await eventually(reached, within_s=within_s)
    return await read_job(sessions, job_id)


async def reach_end(sessions: Sessions, job_id: UUID, *, within_s: float = 30) -> Job:
    """The job, once nothing can follow."""
    final = [status for status in JobStatus if status.final]
    return await reach(sessions, job_id, *final, within_s=within_s)


def children_of(worker_pid: int) -> list[int]:
    """The computing processes that a worker's fork server has split off and that still run."""
    servers = servers_of(worker_pid)
    return [child for server in servers for child in _below(server) if is_running(child)]


def servers_of(worker_pid: int) -> list[int]:
    """A worker's fork server, once it has one."""
    return [child for child in _below(worker_pid) if _serves(child)]


def is_running(pid: int) -> bool:
    """Whether a process exists and has not ended."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def _below(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _serves(pid: int) -> bool:
    try:
        return b"shanhai_worker.fork_server" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


@dataclass
class Workers:
    """The worker processes of one test."""

    database_url: str
    redis_url: str
    folder: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(
        self, *, variables: Mapping[str, str] | None = None, **settings: object
    ) -> subprocess.Popen[bytes]:
        """Start a worker with one slot, short times and the given settings and variables."""
        own = {"port": free_port(), "scratch": self.folder, "slots": 1} | SHORT_TIMES | settings
        environment = os.environ | {
            "SHANHAI_DATABASE_URL": account_url(self.database_url, "worker"),
            "SHANHAI_REDIS_URL": self.redis_url,
            "SHANHAI_ARTIFACTS_ROOT": str(self.folder / "artifacts"),
            **{f"SHANHAI_WORKER_{name.upper()}": str(value) for name, value in own.items()},
            **(variables or {}),
        }
        with (self.folder / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "shanhai_worker"], env=environment, stderr=log
            )
        self.processes.append(process)
        return process

    def end(self) -> None:
        """Kill those that still run."""
        for process in self.processes:
            kill(process)


@contextmanager
def start_workers(database_url: str, redis_url: str, folder: Path) -> Iterator[Workers]:
    """A place to start workers from; those left at the end are killed."""
    workers = Workers(database_url, redis_url, folder)
    try:
        yield workers
    finally:
        workers.end()
