"""The services of the checkout, and the log archive, as background processes."""

import hashlib
import http.client
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from shanhai.local.background import BackgroundProcess, Escalation, RunningProcess
from shanhai.local.places import CHECKOUT, Home, PortBook, current_account, write_whole

CODE_FOLDERS = ("services", "shared", "migrations")
CODE_SUFFIXES = frozenset({".py", ".html", ".toml", ".json", ".js", ".css", ".sql"})
ESCALATION: Escalation = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0))
PATIENCE_S = 180.0
"""Seconds a loaded machine may take; of a process that ended nobody waits that long."""
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """A service: its name, the module that runs it, the port it likes best."""

    name: str
    module: str
    preferred_port: int

    @property
    def variable(self) -> str:
        """The beginning of the names of its own settings."""
        return f"SHANHAI_{self.name.upper()}_"


API = ServiceSpec("api", "shanhai_api", 8000)
TILES = ServiceSpec("tiles", "shanhai_tiles", 8001)
WORKER = ServiceSpec("worker", "shanhai_worker", 8002)
SERVICES = (API, TILES, WORKER)


class PythonProcess:
    """A program of the checkout, under whose account it is started, in a folder of its home."""

    def __init__(self, name: str, home: Home, *, bound: bool) -> None:
        self.name = name
        self._unit = BackgroundProcess(
            name=name,
            directory=home.work(name),
            executables=("python",),
            pid_file=home.run / f"{name}.pid",
            log_file=home.log / f"{name}.log",
            account=current_account(),
            dies_with_parent=bound,
        )

    def process(self) -> RunningProcess | None:
        """Its main process, if it runs."""
        return self._unit.process()

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._unit.stop(ESCALATION)


class ServiceProcess(PythonProcess):
    """One service of one stack; `bound` to its starter it takes any port and ends with it."""

    def __init__(self, spec: ServiceSpec, home: Home, *, bound: bool = False) -> None:
        super().__init__(spec.name, home, bound=bound)
        self.spec = spec
        self._preferred_port = None if bound else spec.preferred_port
        self._ports = PortBook(home.ports)
        self._digest_file = self._unit.directory / "environment.sha256"

    @property
    def port(self) -> int | None:
        """The port it was given, if it ever was."""
        return self._ports.remembered(self.name)

    def is_running(self) -> bool:
        """Whether it runs and says that it is ready."""
        # Asked last: of a process that ends because its port is taken, another one answers there.
        return self.port is not None and is_ready(self.port) and self.process() is not None

    def reserve_port(self) -> int:
        """Its port: the one it listens on, or a free one."""
        if self.process() is not None and self.port is not None:
            self._ports.hold(self.port)
            return self.port
        return self._ports.choose(self.name, self._preferred_port)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it unless it is ready, with this environment and the present code."""
        if self._is_current(environment):
            return
        self.stop()
        write_whole(self._digest_file, _digest(environment))
        self._unit.launch(
            [sys.executable, "-m", self.spec.module], environment=os.environ | environment
        )

    def wait_until_ready(self) -> None:
        """Wait until it is ready; fail with the end of its log when it is not in time."""
        self._unit.wait_until(self.is_running, PATIENCE_S)

    def ask_to_stop(self) -> None:
        """Send the first request to stop, without waiting."""
        self._unit.signal(signal.SIGTERM)

    def _is_current(self, environment: Mapping[str, str]) -> bool:
        process = self.process()
        if process is None or process.started_at < newest_change(CHECKOUT):
            return False
        known = self._digest_file.exists() and self._digest_file.read_text()
        # Not ready may mean hung, or killed a moment ago: starting again is right for both.
        return known == _digest(environment) and self.is_running()


def is_ready(port: int) -> bool:
    """Whether the service at `port` answers its readiness probe with 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def newest_change(checkout: Path) -> float:
    """When the youngest file of code under `checkout` was changed, in seconds of the epoch."""
    found = (path for folder in CODE_FOLDERS for path in (checkout / folder).rglob("*"))
    code = (path for path in found if path.suffix in CODE_SUFFIXES and path.is_file())
    return max((path.stat().st_mtime for path in code), default=0.0)


def _digest(environment: Mapping[str, str]) -> str:
    # Also of what it takes from the shell, whose other variables are nothing to it.
    told = os.environ | environment
    settings = [(name, told[name]) for name in sorted(told) if name.startswith("SHANHAI_")]
    return hashlib.sha256(json.dumps(settings).encode()).hexdigest()


class ArchiveProcess(PythonProcess):
    """`shanhai db archive` into `backups` of a home; wanted where there is a key to encrypt for."""

    port = None

    def __init__(self, home: Home, *, bound: bool = False) -> None:
        super().__init__("archive", home, bound=bound)
        self.folder = home.path / "backups"

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for an archive."""
        return bool(os.environ.get("SHANHAI_BACKUP_RECIPIENT"))

    def is_running(self) -> bool:
        """Whether it runs; it answers nobody."""
        return self.process() is not None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it anew, with this environment and the present code."""
        self.stop()
        program = Path(sys.executable).with_name("shanhai")
        command = [sys.executable, str(program), "db", "archive", str(self.folder)]
        self._unit.launch(command, environment=os.environ | environment)
