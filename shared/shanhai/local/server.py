"""What the private servers have in common."""

import os
import secrets
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from shanhai.errors import Unavailable
from shanhai.local.background import BackgroundProcess, Escalation, RunningProcess
from shanhai.local.files import write_whole
from shanhai.local.places import Home, server_place
from shanhai.local.ports import PortBook, is_free

ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"}
START_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where servers keep data, process ids and logs, and whether they outlive their starter."""

    base: Path
    run: Path
    log: Path
    ports: PortBook
    dies_with_parent: bool = False

    @classmethod
    def of_home(cls, home: Home, *, bound: bool = False) -> "Surroundings":
        """The surroundings of a stack's servers, which end with their starter when `bound`."""
        return cls(home.path, home.run, home.log, PortBook(home.ports), bound)


class PrivateServer(ABC):
    """A server with a directory, a port and a password of its own, on the loopback address."""

    name: ClassVar[str]
    executables: ClassVar[tuple[str, ...]]
    escalation: ClassVar[Escalation]
    patience_s: ClassVar[float] = 60.0
    settle_s: ClassVar[float] = 5.0

    def __init__(self, surroundings: Surroundings) -> None:
        self._place = server_place(surroundings.base, self.name)
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
                if attempt == START_ATTEMPTS or is_free(port):
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
            write_whole(path, secrets.token_hex(24), mode=0o600)
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
