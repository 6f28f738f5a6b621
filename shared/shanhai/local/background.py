"""Background programs, one per folder, and what the private servers among them share."""

import os
import secrets
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import ClassVar

from shanhai.errors import Unavailable
from shanhai.local import places

PROC = Path("/proc")
DELETED = " (deleted)"


@dataclass(frozen=True, slots=True)
class RunningProcess:
    """One living process.

    Attributes:
        ticks: When it started, in clock ticks since the machine did: with `pid`, its identity.
        directory: Where it works; empty where it does not let us look, as the services do, which
            close their memory even to programs of their own account.
        executable: The name of its program; empty likewise.
    """

    pid: int
    parent: int
    ticks: int
    directory: str = ""
    executable: str = ""

    @property
    def started_at(self) -> float:
        """When it started, in seconds of the epoch."""
        uptime_s = float((PROC / "uptime").read_text().split()[0])
        return time.time() - uptime_s + self.ticks / os.sysconf("SC_CLK_TCK")


def read_process(pid: int) -> RunningProcess | None:
    """Describe process `pid`; None when it is gone, dead but unburied, or hidden from us."""
    entry = PROC / str(pid)
    try:
        state, parent, ticks = _read_stat(entry)
    except (OSError, ValueError):
        return None
    if state in "ZX":
        return None
    try:
        directory = os.readlink(entry / "cwd")
        executable = os.readlink(entry / "exe").removesuffix(DELETED)
    except PermissionError:
        return RunningProcess(pid, parent, ticks)
    except OSError:
        return None
    return RunningProcess(pid, parent, ticks, directory, os.path.basename(executable))


def processes_in(
    directory: Path, executables: Collection[str], *, deleted: bool = False
) -> list[RunningProcess]:
    """Processes working in `directory` that run one of `executables` (name or its beginning).

    With `deleted`, also those whose directory of that name has been removed under them.
    """
    wanted = {str(directory), *([f"{directory}{DELETED}"] if deleted else [])}
    pids = (int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal())
    return [
        process
        for process in map(read_process, pids)
        if process is not None
        and process.directory in wanted
        and process.executable.startswith(tuple(executables))
    ]


def _read_stat(entry: Path) -> tuple[str, int, int]:
    # The command stands in parentheses and may itself hold blanks and parentheses.
    fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


LOG_LIMIT_BYTES = 10 * 1024**2
POLL_S = 0.05

_LAUNCHED: list[subprocess.Popen[bytes]] = []
"""Every program ever launched: Python complains of one that is forgotten while it runs, and these
are meant to outlive us."""

Escalation = Sequence[tuple[signal.Signals, float]]
"""Signals to end a process with, each with the seconds it is given to obey."""


@dataclass(slots=True)
class BackgroundProcess:
    """A background program: where it works, what it runs, where its process id and log are."""

    name: str
    directory: Path
    executables: tuple[str, ...]
    pid_file: Path
    log_file: Path
    account: places.SystemAccount
    dies_with_parent: bool = False
    _child: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def process(self) -> RunningProcess | None:
        """The main process, by its pid file or, when that is lost, by its place, if it lets us."""
        self._bury()
        noted = self._noted_process()
        if noted is not None:
            return noted
        mine = processes_in(self.directory, self.executables)
        pids = {process.pid for process in mine}
        heads = [process for process in mine if process.parent not in pids]
        return min(heads, key=lambda process: process.started_at, default=None)

    def launch(
        self,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        standard_input: bytes = b"",
    ) -> None:
        """Start `command` in the unit's directory, account and own session, logging to its log."""
        self._turn_log()
        other = self.account.uid != os.geteuid()
        with self.log_file.open("ab") as log, TemporaryFile() as source:
            source.write(standard_input)
            source.seek(0)
            self._child = subprocess.Popen(
                [*self._parental_bond(), *command],
                cwd=self.directory,
                env=dict(environment),
                stdin=source,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.account.uid if other else None,
                group=self.account.gid if other else None,
                extra_groups=[] if other else None,
            )
        _LAUNCHED.append(self._child)
        # The number alone may be another process's by the time it is read.
        _, _, ticks = _read_stat(PROC / str(self._child.pid))
        places.write_whole(self.pid_file, f"{self._child.pid} {ticks}\n")

    def wait_until(self, ready: Callable[[], bool], timeout_s: float) -> None:
        """Wait until `ready()` holds; fail with the log's end if the process or the time ends."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            self._bury()
            if self._child is None and self.process() is None:
                raise Unavailable(self._obituary("ended instead of starting"))
            if time.monotonic() > deadline:
                raise Unavailable(self._obituary(f"is not ready after {timeout_s:.0f} s"))
            time.sleep(POLL_S)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the main process, if there is one."""
        process = self.process()
        if process is not None:
            send(process.pid, number)
        elif self._child is not None:
            send(self._child.pid, number)

    def stop(self, escalation: Escalation) -> None:
        """End the main process, each signal only if the one before did not do, and its orphans."""
        for number, grace_s in escalation:
            self.signal(number)
            if self._ends_within(grace_s):
                break
        self.clear_orphans()
        self.pid_file.unlink(missing_ok=True)

    def clear_orphans(self) -> None:
        """Kill what a main process that is gone has left running in the unit's directory.

        Processes that do not let themselves be looked into end with their parents.
        """
        deadline = time.monotonic() + 10
        while orphans := processes_in(self.directory, self.executables, deleted=True):
            for orphan in orphans:
                send(orphan.pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise Unavailable(f"{self.name}: process {orphans[0].pid} cannot be ended")
            time.sleep(POLL_S)
            self._bury()

    def _noted_process(self) -> RunningProcess | None:
        try:
            pid, ticks = map(int, self.pid_file.read_text().split())
        except (FileNotFoundError, ValueError):
            return None
        process = read_process(pid)
        return process if process is not None and process.ticks == ticks else None

    def _ends_within(self, grace_s: float) -> bool:
        deadline = time.monotonic() + grace_s
        while self.process() is not None or self._child is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def _bury(self) -> None:
        if self._child is not None and self._child.poll() is not None:
            self._child = None

    def _parental_bond(self) -> list[str]:
        if not self.dies_with_parent:
            return []
        # A shell makes what it sends to the background deaf to SIGINT, and children inherit that.
        return ["env", "--default-signal=INT", "setpriv", "--pdeathsig", "SIGINT", "--"]

    def _turn_log(self) -> None:
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_LIMIT_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))

    def _obituary(self, what: str) -> str:
        return f"{self.name} {what}; the end of {self.log_file}:\n{places.tail(self.log_file)}"


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may have ended meanwhile."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        message = f"process {pid} was started by another account; stop it from there"
        raise Unavailable(message) from None


ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where servers keep data, process ids and logs, and whether they outlive their starter."""

    base: Path
    run: Path
    log: Path
    ports: places.PortBook
    dies_with_parent: bool = False

    @classmethod
    def of_home(cls, home: places.Home, *, bound: bool = False) -> "Surroundings":
        """The surroundings of a stack's servers, which end with their starter when `bound`."""
        return cls(home.path, home.run, home.log, places.PortBook(home.ports), bound)


class PrivateServer(ABC):
    """A server with a directory, a port and a password of its own, on the loopback address."""

    name: ClassVar[str]
    executables: ClassVar[tuple[str, ...]]
    escalation: ClassVar[Escalation]
    patience_s: ClassVar[float] = 180.0
    settle_s: ClassVar[float] = 5.0

    def __init__(self, surroundings: Surroundings) -> None:
        self._place = places.server_place(surroundings.base, self.name)
        self._ports = surroundings.ports
        self._unit = BackgroundProcess(
            name=self.name,
            directory=self._working_directory(self._place.directory),
            executables=self.executables,
            pid_file=surroundings.run / f"{self.name}.pid",
            log_file=surroundings.log / f"{self.name}.log",
            account=self._place.account,
            dies_with_parent=surroundings.dies_with_parent,
        )

    @property
    def port(self) -> int:
        """The port the server listens on."""
        port = self._ports.remembered(self.name)
        if port is None:
            raise Unavailable(f"{self.name} has not been started")
        return port

    @property
    def password(self) -> str:
        """The password, kept beside the data it guards."""
        return self._read_password()

    def process(self) -> RunningProcess | None:
        """The server's main process, if it runs."""
        return self._unit.process()

    def is_running(self) -> bool:
        """Whether the server runs and answers."""
        return self.process() is not None and self._is_ready()

    def start(self) -> None:
        """Start the server unless it runs; recover from whatever ended it before."""
        if self._settles():
            return
        self.stop()
        self._prepare()
        for attempt in range(1, START_ATTEMPTS + 1):
            port = self._ports.choose(self.name)
            self._launch(port)
            try:
                self._unit.wait_until(self._is_ready, self.patience_s)
            except Unavailable:
                # Only a port taken between choice and use is worth another try.
                if attempt == START_ATTEMPTS or places.is_free(port):
                    raise
            else:
                return

    def stop(self) -> None:
        """Stop the server if it runs, and whatever it left behind."""
        self._unit.stop(self.escalation)

    def _read_password(self, account: str | None = None) -> str:
        """The password of an account of the server, or the one all programs use."""
        return self._password_file(account).read_text().strip()

    def _password_file(self, account: str | None = None) -> Path:
        """The file of a password, made when absent."""
        name = "password" if account is None else f"{account}_password"
        path = self._place.directory / name
        if not path.exists():
            places.write_whole(path, secrets.token_hex(24), mode=0o600)
            os.chown(path, self._place.account.uid, self._place.account.gid)
        return path

    def _settles(self) -> bool:
        """Whether a server that runs already becomes ready, as after an interrupted start."""
        if self.process() is None:
            return False
        try:
            self._unit.wait_until(self._is_ready, self.settle_s)
        except Unavailable:
            return False
        return True

    def _working_directory(self, place: Path) -> Path:
        return place

    @abstractmethod
    def _prepare(self) -> None: ...

    @abstractmethod
    def _launch(self, port: int) -> None: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...
