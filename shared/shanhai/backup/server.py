"""The PostgreSQL server of a backup: its programs, and its log, archived as it is written.

`pg_receivewal` keeps the log coming, from wherever the server is; the server keeps what it has not
received (a replication slot). A finished segment is encrypted into the folder of backups and then
removed from the spool.
"""

import asyncio
import ctypes
import gzip
import io
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import structlog
from pydantic import SecretStr
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.backup.encryption import Recipient, seal
from shanhai.backup.place import alone, set_modified
from shanhai.backup.repository import BEGUN, HISTORY, SEGMENT, AnyFolder, copy_objects
from shanhai.db.engine import DATABASE_ERRORS, create_engine, create_sessions, refusal
from shanhai.db.queries.system_status import put_mark
from shanhai.db.revision import present_schema
from shanhai.errors import Unavailable
from shanhai.settings import DatabaseSettings
from shanhai.storage.artifacts import ArtifactStore
from shanhai.vocabulary import Label

DEBIAN = Path("/usr/lib/postgresql")
PASSED_ON = (
    *("PATH", "HOME", "LANG", "LC_ALL", "TZ"),
    *("PGSSLMODE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY"),
)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A PostgreSQL server as its programs are told of it: the password not on the command line."""

    address: str
    environment: dict[str, str]

    @classmethod
    def at(cls, url: str) -> "PostgresServer":
        """The server of a URL, whatever driver that names."""
        parsed = make_url(url).set(drivername="postgresql")
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
        if parsed.password:
            environment["PGPASSWORD"] = parsed.password
        # The URL's class has no way to take a password away but to make it anew.
        bare = parsed._replace(password=None)
        return cls(bare.render_as_string(hide_password=False), environment)


def find_program(name: str) -> str:
    """The path of one of PostgreSQL's programs, the newest version's where there are several.

    Raises:
        Unavailable: it is not installed.
    """
    versions = sorted(
        (path for path in DEBIAN.glob(f"*/bin/{name}") if path.parts[-3].isdecimal()),
        key=lambda path: int(path.parts[-3]),
    )
    found = str(versions[-1]) if versions else shutil.which(name)
    if found is None:
        raise Unavailable(
            f"{name} is not installed; it comes with postgresql-client",
            message_zh=f"没有安装 {name}，它在 postgresql-client 中",
        )
    return found


APPLICATION = "shanhai-backup"
LOOK = text(
    """SELECT clock_timestamp() AS at, pg_walfile_name(pg_current_wal_lsn()) AS segment,
              (SELECT setting::bigint FROM pg_settings WHERE name = 'wal_segment_size')
                AS segment_bytes,
              current_setting('server_version') AS version,
              (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
              (SELECT jsonb_object_agg(name, setting) FROM pg_settings WHERE name IN (
                 'max_connections', 'max_worker_processes', 'max_wal_senders',
                 'max_prepared_transactions', 'max_locks_per_transaction')) AS settings"""
)

# Reserved at once: without that a server begins to keep its log when it is first asked for it.
SLOT = text(
    """SELECT pg_create_physical_replication_slot(:name, true)
        WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = :name)"""
)


@dataclass(frozen=True, slots=True)
class ServerPosition:
    """A server at one moment of its own clock.

    Attributes:
        settings: Those that a server which reads its log must have at least.
    """

    at: datetime
    segment: str
    segment_bytes: int
    version: str
    system_identifier: str
    settings: dict[str, str]
    revision: str | None


async def read_position(url: str) -> ServerPosition:
    """Ask a server where it stands.

    Raises:
        Unavailable: it does not answer.
    """
    async with _asking(url) as session:
        row = (await session.execute(LOOK)).one()
        revision = (await present_schema(session)).revision
        return ServerPosition(**row._mapping, revision=revision)


async def make_slot(url: str, name: str) -> None:
    """Let a server keep its log from now on until it was received; once made, a slot stays.

    Raises:
        Unavailable: it does not answer, or the account may not replicate.
    """
    async with _asking(url) as session:
        await session.execute(SLOT, {"name": name})
        await session.commit()


RIGHT = Label(
    "；备份账号须有 REPLICATION 权限（ALTER ROLE … REPLICATION），pg_hba.conf 须有 replication 行",
    "; it needs REPLICATION (ALTER ROLE … REPLICATION) and a replication line in pg_hba.conf",
)


@asynccontextmanager
async def _asking(url: str) -> AsyncIterator[AsyncSession]:
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application=APPLICATION)
    try:
        async with create_sessions(engine)() as session:
            yield session
    except DATABASE_ERRORS as error:
        if getattr(getattr(error, "orig", None), "sqlstate", None) == "42501":
            told = (f"the account of backups is refused{RIGHT.en}", f"备份账号被拒绝{RIGHT.zh}")
            raise Unavailable(told[0], message_zh=told[1]) from error
        raise refusal(error, "SHANHAI_BACKUP_DATABASE_URL, SHANHAI_DATABASE_URL") from error
    finally:
        await engine.dispose()


log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a part of the backup reaches: every change up to `reached` is in it; or, `verified`,
    when it was checked."""

    part: Literal["base", "archive", "verified"]
    reached: datetime
    detail: dict[str, Any]


async def note(url: str, mark: Mark) -> None:
    """Write a note, in a transaction of its own; backups do not fail for want of it.

    It does not wait for an archive that commits wait for: that may be the one that writes it.
    """
    engine = create_engine(DatabaseSettings(url=SecretStr(url)), application=APPLICATION)
    try:
        async with create_sessions(engine).begin() as session:
            await session.execute(LOCAL_COMMIT)
            await put_mark(session, mark.part, mark.reached, mark.detail)
    except DATABASE_ERRORS as error:
        log.warning("backup not noted", part=mark.part, error=type(error).__name__)
    finally:
        await engine.dispose()


TASK = "archive"
ARCHIVE_SLOT = "shanhai_archive"
COMPRESSED = ".gz"
OPTIONS = ("--status-interval=5", "--no-password")
PACKED = ("--compress=gzip:1",)
# The server is told at once of what lies on the disk; the last file can be read while it grows.
SYNCHRONOUS = ("--compress=none", "--synchronous")
SYNCHRONOUS_S = 5.0
"""Seconds between rounds of a synchronous archive at most."""
GROWING = ".partial"
"""What `pg_receivewal` calls a file that is not whole."""
LOCAL_COMMIT = text("SET LOCAL synchronous_commit = local")
END_S = 10.0
PR_SET_PDEATHSIG = 1
RESTART_S = (1.0, 30.0)
"""Seconds until a receiver that ended is started again, at first and at most."""


@dataclass(slots=True)
class Archiver:
    """Archives one server's log into one folder.

    Attributes:
        spool: Where received log waits; what is lost there before it was archived is lost.
        synchronous: Archive also what was received of the last file.
    """

    folder: AnyFolder
    url: str
    store: ArtifactStore
    recipient: Recipient
    spool: Path
    every_s: float
    synchronous: bool = False
    _grown: tuple[str, float] = ("", 0.0)
    _known: dict[str, float] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Receive and archive until `stop`, then once more.

        Raises:
            Conflict: another process archives there, or the folder is of another cluster.
            Unavailable: the server refuses, or `pg_receivewal` is not installed.
        """
        with alone(self.folder.root, TASK):
            self.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.claim((await read_position(self.url)).system_identifier)
            await make_slot(self.url, ARCHIVE_SLOT)
            receiving = asyncio.create_task(self._receive())
            try:
                every_s = min(self.every_s, SYNCHRONOUS_S) if self.synchronous else self.every_s
                while not await _ended(stop, every_s, receiving):
                    try:
                        await self._round()
                    except (OSError, Unavailable) as error:
                        # A full disk may be given room, an object store come back: what was
                        # received waits in the spool.
                        log.error("log not archived", reason=str(error))
            finally:
                receiving.cancel()
                await asyncio.gather(receiving, return_exceptions=True)
            await self._round()

    async def _round(self) -> None:
        moved, reached = await asyncio.to_thread(self.archive)
        if reached is not None:
            await note(self.url, Mark("archive", reached, {"segment": moved[-1]}))

    def archive(self) -> tuple[list[str], datetime | None]:
        """Move finished segments from the spool to the folder; which, and when the last ended."""
        finished = sorted(path for path in self.spool.iterdir() if _log_name(path) is not None)
        # First: rows in these segments name files that are in the store by now.
        _, damaged = copy_objects(self.store, self.folder, self.recipient, self._known)
        if damaged:
            log.error("result files damaged, not archived", files=sorted(damaged))
        moved, reached = [], None
        for path in finished:
            name = _log_name(path) or ""
            ended = path.stat().st_mtime
            target = self.folder.segment(name)
            began = ended
            if not SEGMENT.fullmatch(name) and target.exists():
                # Histories are received at each start; the first tells when the timeline began.
                began = target.stat().st_mtime
            # A bucket keeps no such time; elsewhere it is sealed anew, as the key may be another.
            if began == ended or isinstance(target, Path):
                with path.open("rb") as file:
                    packed = path.suffix == COMPRESSED
                    source = file if packed else io.BytesIO(gzip.compress(file.read(), 1))
                    seal(source, target, self.recipient)
                set_modified(target, began)
            path.unlink()
            if SEGMENT.fullmatch(name):
                self.folder.forget_begun(name)
                moved.append(name)
                reached = datetime.fromtimestamp(ended, UTC)
        if moved:
            log.info("log archived", segments=len(moved), last=moved[-1])
        growing = self._archive_growing() if self.synchronous else None
        if growing is not None:
            name, reached = growing
            moved.append(name)
        return moved, reached

    def _archive_growing(self) -> tuple[str, datetime] | None:
        """Copy the file that is not whole, if it has grown: its segment, and when it last grew.

        What is written meanwhile may be cut off in its middle; whoever reads the log stops there.
        """
        for path in self.spool.glob(f"*{GROWING}"):
            name, grown = path.name.removesuffix(GROWING), path.stat().st_mtime
            if not SEGMENT.fullmatch(name) or self._grown == (name, grown):
                continue
            packed = io.BytesIO(gzip.compress(path.read_bytes(), compresslevel=1))
            sealed = seal(packed, self.folder.segment(f"{name}{BEGUN}"), self.recipient)
            set_modified(sealed.path, grown)
            self._grown = (name, grown)
            return name, datetime.fromtimestamp(grown, UTC)
        return None

    async def _receive(self) -> None:
        """Keep a receiver running; it tries again by itself while the server is away."""
        server = PostgresServer.at(self.url)
        command = [
            find_program("pg_receivewal"),
            f"--dbname={server.address}",
            f"--slot={ARCHIVE_SLOT}",
        ]
        command += [f"--directory={self.spool}", *OPTIONS]
        command += SYNCHRONOUS if self.synchronous else PACKED
        pause_s, longest_s = RESTART_S
        while True:
            began = asyncio.get_running_loop().time()
            with tempfile.TemporaryFile() as said:
                program = await asyncio.create_subprocess_exec(
                    *command,
                    env={**server.environment, "PGAPPNAME": ARCHIVE_SLOT},
                    stderr=said,
                    # One that outlived a killed archive would hold the slot, and the spool.
                    preexec_fn=_end_with_parent,
                )
                try:
                    code = await program.wait()
                finally:
                    await _end(program)
                said.seek(0)
                reason = said.read().decode(errors="replace").strip()
            if asyncio.get_running_loop().time() - began > longest_s:
                pause_s = RESTART_S[0]
            log.error("receiver ended", code=code, reason=reason[-500:])
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)


def _log_name(path: Path) -> str | None:
    """The name in the log of a finished file of the spool; None for anything else."""
    name = path.name.removesuffix(COMPRESSED)
    return name if SEGMENT.fullmatch(name) or HISTORY.fullmatch(name) else None


async def _ended(stop: asyncio.Event, within_s: float, receiving: asyncio.Task[None]) -> bool:
    """Wait for the next round; whether it is time to stop."""
    try:
        async with asyncio.timeout(within_s):
            await stop.wait()
    except TimeoutError:
        if receiving.done():
            receiving.result()
    return stop.is_set()


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _end(program: asyncio.subprocess.Process) -> None:
    if program.returncode is not None:
        return
    program.terminate()
    try:
        async with asyncio.timeout(END_S):
            await program.wait()
    except TimeoutError:
        program.kill()
        await program.wait()
