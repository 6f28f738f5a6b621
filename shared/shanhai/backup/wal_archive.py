"""Archive the write-ahead log as it is written, and result files before the log that names them.

`pg_receivewal` keeps the log coming, from wherever the server is; the server keeps what it has not
received (a replication slot). A finished segment is encrypted into the folder of backups and then
removed from the spool.
"""

import asyncio
import gzip
import io
import os
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pyrage
import structlog

from shanhai.backup.age_encryption import seal
from shanhai.backup.repository import HISTORY, SEGMENT, BackupFolder
from shanhai.backup.result_files import copy_objects
from shanhai.backup.server import Mark, PostgresServer, find_program, make_slot, note, read_position

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

TASK = "archive"
SLOT = "shanhai_archive"
COMPRESSED = ".gz"
OPTIONS = ("--compress=gzip:1", "--status-interval=5", "--no-password")
END_S = 10.0
RESTART_S = (1.0, 30.0)
"""Seconds until a receiver that ended is started again, at first and at most."""


@dataclass(slots=True)
class Archiver:
    """Archives one server's log into one folder.

    Attributes:
        spool: Where received log waits; what is lost there before it was archived is lost.
    """

    folder: BackupFolder
    url: str
    store: Path
    recipient: pyrage.x25519.Recipient
    spool: Path
    every_s: float
    _known: dict[str, float] = field(default_factory=dict)

    async def run(self, stop: asyncio.Event) -> None:
        """Receive and archive until `stop`, then once more.

        Raises:
            Conflict: another process archives there, or the folder is of another cluster.
            Unavailable: the server refuses, or `pg_receivewal` is not installed.
        """
        with self.folder.alone(TASK):
            self.spool.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.folder.claim((await read_position(self.url)).system_identifier)
            await make_slot(self.url, SLOT)
            receiving = asyncio.create_task(self._receive())
            try:
                while not await _ended(stop, self.every_s, receiving):
                    try:
                        await self._round()
                    except OSError as error:
                        # A full disk may be given room: what was received waits in the spool.
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
        copy_objects(self.store, self.folder, self.recipient, self._known)
        moved, reached = [], None
        for path in finished:
            name = _log_name(path) or ""
            ended = path.stat().st_mtime
            with path.open("rb") as file:
                packed = path.suffix == COMPRESSED
                source = file if packed else io.BytesIO(gzip.compress(file.read()))
                seal(source, self.folder.segment(name), self.recipient)
            os.utime(self.folder.segment(name), (ended, ended))
            path.unlink()
            if SEGMENT.fullmatch(name):
                moved.append(name)
                reached = datetime.fromtimestamp(ended, UTC)
        if moved:
            log.info("log archived", segments=len(moved), last=moved[-1])
        return moved, reached

    async def _receive(self) -> None:
        """Keep a receiver running; it tries again by itself while the server is away."""
        server = PostgresServer.at(self.url)
        command = [find_program("pg_receivewal"), f"--dbname={server.address}", f"--slot={SLOT}"]
        command += [f"--directory={self.spool}", *OPTIONS]
        pause_s, longest_s = RESTART_S
        while True:
            began = asyncio.get_running_loop().time()
            with tempfile.TemporaryFile() as said:
                program = await asyncio.create_subprocess_exec(
                    *command, env=server.environment, stderr=said
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
