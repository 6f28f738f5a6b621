"""A private PostgreSQL 15 with PostGIS, from Debian's packages."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from shanhai.errors import Unavailable
from shanhai.local.accounts import run_as
from shanhai.local.server import ENVIRONMENT, PrivateServer

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
SUPERUSER = "shanhai"
DATABASE = "shanhai"


def cache_mb() -> int:
    """MB that the server keeps pages in: an eighth of the machine's memory, at most 1 GB."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return max(128, min(memory // 8 // 1_000_000, 1_000))


# Modest memory, and none of the guarantees of durability given up.
OPTIONS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "120",
    "shared_buffers": f"{cache_mb()}MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}


class PrivatePostgres(PrivateServer):
    """A PostgreSQL cluster of our own: data checksums, password login, loopback only."""

    name = "postgres"
    executables = ("postgres",)
    options: ClassVar[Mapping[str, str]] = OPTIONS
    # Fast shutdown, then immediate shutdown (recovery at the next start), then the last resort.
    escalation = ((signal.SIGINT, 30.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))

    @property
    def data(self) -> Path:
        """The cluster's data directory."""
        return self._unit.directory

    def url(self, database: str = DATABASE) -> str:
        """The URL of one database of the cluster."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, *, database: str = "postgres") -> None:
        """Run statements as superuser, each in a transaction of its own."""
        command = [str(PROGRAMS / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
        command += ["--host=127.0.0.1", f"--port={self.port}", f"--username={SUPERUSER}"]
        answer = subprocess.run(
            [*command, f"--dbname={database}"],
            env=ENVIRONMENT | {"PGPASSWORD": self.password},
            input=sql,
            capture_output=True,
            text=True,
            check=False,
        )
        if answer.returncode != 0:
            raise Unavailable(f"PostgreSQL refused a statement: {answer.stderr.strip()}")

    def _working_directory(self, place: Path) -> Path:
        return place / "data"

    def _prepare(self) -> None:
        data = self._unit.directory
        # Nobody works in the directory, so a lock file there is a dead server's; its process id
        # may by now be another program's, which would make PostgreSQL refuse to start.
        (data / "postmaster.pid").unlink(missing_ok=True)
        if not (data / "PG_VERSION").exists():
            self._initialise(data)

    def _initialise(self, data: Path) -> None:
        partial = data.with_name("data.partial")
        shutil.rmtree(partial, ignore_errors=True)
        self._run("initdb", *_initdb_options(partial, self._password_file()))
        # The server reads one statement a line when it runs alone, without a port.
        alone = ("--single", "-D", str(partial), "postgres")
        self._run("postgres", *alone, standard_input=f"CREATE DATABASE {DATABASE}\n")
        partial.rename(data)

    def _run(self, program: str, *arguments: str, standard_input: str = "") -> None:
        run_as(
            self._place.account,
            [str(PROGRAMS / program), *arguments],
            directory=self._place.directory,
            standard_input=standard_input,
        )

    def _launch(self, port: int) -> None:
        options = [f"--{name}={value}" for name, value in self.options.items()]
        command = [str(PROGRAMS / "postgres"), "-D", str(self._unit.directory), f"--port={port}"]
        self._unit.launch([*command, *options], environment=ENVIRONMENT)

    def _is_ready(self) -> bool:
        process = self.process()
        try:
            lock = (self._unit.directory / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        if process is None or len(lock) < 8 or int(lock[0]) != process.pid:
            return False
        self._ports.remember(self.name, int(lock[3]))
        return lock[7].strip() == "ready"


def _initdb_options(directory: Path, password_file: Path) -> list[str]:
    return [
        f"--pgdata={directory}",
        f"--username={SUPERUSER}",
        f"--pwfile={os.fspath(password_file)}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--data-checksums",
    ]
