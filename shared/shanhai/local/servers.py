"""The private servers: PostgreSQL with PostGIS, Redis and Mosquitto."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from shanhai.errors import Unavailable
from shanhai.local.background import ENVIRONMENT, PrivateServer, Surroundings
from shanhai.local.places import run_as, write_whole

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
        """The URL of one database of the cluster, as the superuser."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def account_url(self, account: str, password: str) -> str:
        """The URL of our database as somebody who may do less."""
        return f"postgresql://{account}:{password}@127.0.0.1:{self.port}/{DATABASE}"

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


REDIS_USER = "shanhai"
ADMINISTRATOR = "administrator"
"""Who may do everything; only whoever started the server knows the password."""
ACCESS = (
    "resetchannels ~shanhai:* ~arq:* ~api:rate:* ~tiles:rate:* ~{shanhai:tiles}:*"
    " -@all +auth +hello +ping +select +info +dbsize +acl|whoami"
    " +get +set +setex +psetex +incrby +del +unlink +exists +expire +pexpire +hmget +hset"
    " +zadd +zcard +zscore +zrange +zrangebyscore +zremrangebyscore +zincrby +zrem +zpopmin"
    " +watch +unwatch +multi +exec +discard +eval +evalsha +script|load +time"
)
"""What the services may do in Redis, as an ACL rule: of arq, limits of rates and drawn tiles.

The compose file and the documentation give the same."""


class PrivateRedis(PrivateServer):
    """A Redis of our own: loopback only, no files, never evicting what it was given.

    The services' user may do what they do and no more; without a name and password nobody may
    do anything.
    """

    name = "redis"
    # Debian's redis-server is a link to redis-check-rdb; the kernel reports the latter.
    executables = ("redis-server", "redis-check-rdb")
    escalation = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    patience_s = 20.0
    settle_s = 1.0
    listening: ClassVar[str] = "bind 127.0.0.1\n"

    def url(self, database: int = 0) -> str:
        """The URL of one numbered database, for the services."""
        return f"redis://{REDIS_USER}:{self.password}@127.0.0.1:{self.port}/{database}"

    def administrator_url(self, database: int = 0) -> str:
        """The URL of one numbered database, for whoever may do everything."""
        password = self._read_password(ADMINISTRATOR)
        return f"redis://{ADMINISTRATOR}:{password}@127.0.0.1:{self.port}/{database}"

    def _prepare(self) -> None:
        """Nothing: an empty directory is all it takes."""

    def flush(self) -> None:
        """Forget everything."""
        if self._say("FLUSHALL") != b"+OK":
            raise Unavailable("Redis refused to forget")

    def _launch(self, port: int) -> None:
        # The configuration goes through standard input: a password on the command line is public.
        configuration = (
            f"{self.listening}"
            f"port {port}\n"
            "user default off\n"
            f"user {REDIS_USER} on >{self.password} {ACCESS}\n"
            f"user {ADMINISTRATOR} on >{self._read_password(ADMINISTRATOR)} ~* &* +@all\n"
            'save ""\n'
            "appendonly no\n"
            "maxmemory 256mb\n"
            "maxmemory-policy noeviction\n"
        )
        self._unit.launch(
            ["redis-server", "-"], environment=ENVIRONMENT, standard_input=configuration.encode()
        )

    def _is_ready(self) -> bool:
        try:
            return self._say("PING") == b"+PONG"
        except OSError:
            return False

    def _say(self, command: str) -> bytes:
        """Log in as administrator, give one command and return the line it is answered with."""
        port = self._ports.remembered(self.name)
        if port is None:
            return b""
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            login = f"AUTH {ADMINISTRATOR} {self._read_password(ADMINISTRATOR)}"
            connection.sendall(f"{login}\r\n{command}\r\n".encode())
            with connection.makefile("rb") as answers:
                answers.readline()  # a refused login shows in the second answer too
                return answers.readline().rstrip()


BROKER_USER = "feed"
# What waits is kept, on disk and without a limit, while nobody fetches. To write it down at every
# message is the slowest part of the way; docs/guide/feeds.md says what a faster broker gives up.
CONFIGURATION = """
listener {port} 127.0.0.1
allow_anonymous false
password_file {folder}/passwords
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
max_inflight_messages 200
"""


def find_program(name: str) -> str:
    """A program of Mosquitto, which Debian keeps where only root looks."""
    return shutil.which(name, path=f"{os.defpath}:/usr/sbin") or f"/usr/sbin/{name}"


class PrivateBroker(PrivateServer):
    """A Mosquitto of our own: one user with a password, loopback only."""

    name = "mosquitto"
    executables = ("mosquitto",)
    escalation = ((signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
    patience_s = 20.0
    settle_s = 1.0
    configuration = CONFIGURATION

    def url(self) -> str:
        """Where its one user publishes and fetches."""
        return f"mqtt://{BROKER_USER}:{self.password}@127.0.0.1:{self.port}"

    def _prepare(self) -> None:
        passwords = self._write("passwords", f"{BROKER_USER}:{self.password}\n")
        # It turns what it finds there into hashes; on a command line anybody could read it.
        command = [find_program("mosquitto_passwd"), "-U", str(passwords)]
        run_as(self._place.account, command, directory=self._place.directory)

    def _launch(self, port: int) -> None:
        text = self.configuration.format(port=port, folder=self._place.directory)
        configuration = self._write("mosquitto.conf", text)
        command = [find_program("mosquitto"), "-c", str(configuration)]
        self._unit.launch(command, environment=ENVIRONMENT)

    def _is_ready(self) -> bool:
        port = self._ports.remembered(self.name)
        try:
            socket.create_connection(("127.0.0.1", port or 0), timeout=2).close()
        except OSError:
            return False
        return True

    def _write(self, name: str, text: str) -> Path:
        path = self._place.directory / name
        write_whole(path, text, mode=0o600)
        os.chown(path, self._place.account.uid, self._place.account.gid)
        return path


__all__ = ["PrivateBroker", "PrivatePostgres", "PrivateRedis", "Surroundings"]
