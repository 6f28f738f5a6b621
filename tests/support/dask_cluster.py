"""A real Dask cluster on this machine: a scheduler and workers, each a process of its own."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from shanhai.raster.environment import FIXED_COMPUTING
from shanhai.raster.windows import Cluster, die_with_parent
from shanhai.settings import DaskSettings
from tests.support.serving import kill
from tests.support.workers import free_port


@dataclass
class DaskParts:
    """The processes of one cluster, in a folder of its own; `tls` names the certificates."""

    folder: Path
    tls: Mapping[str, str]
    environment: Mapping[str, str]
    host: str = "127.0.0.1"
    port: int = field(default_factory=free_port)
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def cluster(self) -> Cluster:
        """As a job is told of it."""
        found = Cluster.named_in(DaskSettings(scheduler=self.address, **self.tls))  # type: ignore[arg-type]  # paths
        assert found is not None
        return found

    @property
    def address(self) -> str:
        """Where the scheduler listens."""
        return f"{'tls' if self.tls else 'tcp'}://{self.host}:{self.port}"

    def start_scheduler(self) -> None:
        """Start the scheduler, or start it again at the same port."""
        place = {"SHANHAI_DASK_HOST": self.host.strip("[]"), "SHANHAI_DASK_PORT": str(self.port)}
        self.scheduler = self._start("scheduler", place)

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker."""
        worker = self._start("worker", {"SHANHAI_DASK_SCHEDULER": self.address})
        self.workers.append(worker)
        return worker

    def log(self) -> str:
        """What the parts have told."""
        return (self.folder / "dask.log").read_text("utf-8")

    def end(self) -> None:
        """Stop every part, by force where it must be."""
        parts = [part for part in (*self.workers, self.scheduler) if part is not None]
        for part in parts:
            part.send_signal(signal.SIGTERM)
        for part in parts:
            try:
                part.wait(timeout=10)
            except subprocess.TimeoutExpired:
                kill(part)

    def _start(self, part: str, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        own = self.folder / f"{part}-{len(self.workers)}"
        own.mkdir(parents=True, exist_ok=True)
        tls = {f"SHANHAI_DASK_{name.upper()}": value for name, value in self.tls.items()}
        fixed = {**FIXED_COMPUTING, "TMPDIR": str(own), "SHANHAI_LOG_FORMAT": "console"}
        with (self.folder / "dask.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "shanhai.raster.dask_service", part],
                env={**os.environ, **fixed, **tls, **self.environment, **environment},
                cwd=own,
                preexec_fn=die_with_parent,  # a test that is broken off leaves nothing behind
                stdout=log,
                stderr=log,
            )


@contextmanager
def start_dask(
    folder: Path,
    *,
    workers: int = 2,
    tls: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    host: str = "127.0.0.1",
) -> Iterator[DaskParts]:
    """A scheduler and as many workers, ended with the context."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = DaskParts(folder, tls or {}, environment or {}, host)
    try:
        parts.start_scheduler()
        for _ in range(workers):
            parts.start_worker()
        yield parts
    finally:
        parts.end()
