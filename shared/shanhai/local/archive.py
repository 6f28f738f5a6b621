"""The archive of the write-ahead log as a process of the stack, where it is asked for."""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from shanhai.local.accounts import current_account
from shanhai.local.places import Home
from shanhai.local.process_table import RunningProcess
from shanhai.local.units import Escalation, Unit

WANTED_BY = "SHANHAI_BACKUP_RECIPIENT"
ESCALATION: Escalation = ((signal.SIGTERM, 30.0), (signal.SIGKILL, 10.0))


class ArchiveProcess:
    """`shanhai db archive` into `backups` of a home; wanted where there is a key to encrypt for."""

    name = "archive"
    port = None

    def __init__(self, home: Home, *, bound: bool = False) -> None:
        self.folder = home.path / "backups"
        self._unit = Unit(
            name=self.name,
            directory=home.work(self.name),
            executables=("python",),
            pid_file=home.run / f"{self.name}.pid",
            log_file=home.log / f"{self.name}.log",
            account=current_account(),
            dies_with_parent=bound,
        )

    @property
    def wanted(self) -> bool:
        """Whether the settings ask for an archive."""
        return bool(os.environ.get(WANTED_BY))

    def process(self) -> RunningProcess | None:
        """Its main process, if it runs."""
        return self._unit.process()

    def is_running(self) -> bool:
        """Whether it runs; it answers nobody."""
        return self.process() is not None

    def start(self, environment: Mapping[str, str]) -> None:
        """Start it anew, with this environment and the present code."""
        self.stop()
        program = Path(sys.executable).with_name("shanhai")
        command = [sys.executable, str(program), "db", "archive", str(self.folder)]
        self._unit.launch(command, environment=os.environ | environment)

    def stop(self) -> None:
        """Stop it and wait for its end."""
        self._unit.stop(ESCALATION)
