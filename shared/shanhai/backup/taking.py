"""Take a base backup."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pyrage

from shanhai import __version__
from shanhai.backup.folder import BASE, MANIFEST, BackupFolder, Manifest, name_of
from shanhai.backup.marks import Mark, note
from shanhai.backup.objects import copy_objects
from shanhai.backup.position import Position, read_position
from shanhai.backup.programs import Server, find_program
from shanhai.backup.sealing import PARTIAL, BackupBroken, Sealed, seal
from shanhai.errors import Unavailable
from shanhai.storage.artifacts import sync_folder

# One stream, and in it the log the files need, so that a base can be restored by itself.
OPTIONS = (
    *("--pgdata=-", "--format=tar", "--wal-method=fetch", "--checkpoint=fast"),
    *("--compress=client-gzip:1", "--no-password", "--label=shanhai"),
)
TASK = "backup"


async def take_backup(
    folder: BackupFolder, *, url: str, store: Path, recipient: pyrage.x25519.Recipient
) -> Manifest:
    """Back up the database and the result files it refers to; only what is new of the latter.

    Args:
        folder: Where to.
        url: The database, with an account that may replicate.
        store: The artifact store's folder.
        recipient: Whom everything is encrypted for.

    Raises:
        Conflict: another backup is being made there, or the folder is of another cluster.
        Unavailable: the database does not answer, or `pg_basebackup` failed.
    """
    with folder.alone(TASK):
        _clear_partial(folder)
        before = await read_position(url)
        folder.claim(before.system_identifier)
        place = folder.base(name_of(before.at))
        aside = place.with_name(f"{place.name}{PARTIAL}")
        aside.mkdir(parents=True)
        try:
            base = _copy_database(url, aside / BASE, recipient)
            after = await read_position(url)
            # After the database: files are stored before the rows that name them.
            objects = copy_objects(store, folder, recipient, {})
            manifest = _manifest(place.name, before, after, base, objects)
            _write(aside / MANIFEST, manifest)
            sync_folder(aside)
            aside.rename(place)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
        sync_folder(folder.bases)
    await note(url, Mark("base", manifest.ended_at, {"name": manifest.name}))
    return manifest


def _manifest(
    name: str, before: Position, after: Position, base: Sealed, objects: dict[str, int]
) -> Manifest:
    if before.system_identifier != after.system_identifier:
        raise BackupBroken(
            "the server was exchanged while it was backed up", message_zh="备份期间服务器被更换"
        )
    return Manifest(
        name=name,
        began_at=before.at,
        ended_at=after.at,
        database_version=after.version,
        system_identifier=after.system_identifier,
        revision=after.revision,
        software=__version__,
        first_segment=before.segment,
        last_segment=after.segment,
        segment_bytes=after.segment_bytes,
        sha256=base.sha256,
        bytes=base.size,
        objects=objects,
    )


def _write(path: Path, manifest: Manifest) -> None:
    with path.open("x", encoding="utf-8") as file:
        file.write(manifest.model_dump_json(indent=1))
        file.flush()
        os.fsync(file.fileno())


def _copy_database(url: str, target: Path, recipient: pyrage.x25519.Recipient) -> Sealed:
    server = Server.at(url)
    command = [find_program("pg_basebackup"), f"--dbname={server.address}", *OPTIONS]
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=said, env=server.environment
        ) as program,
    ):
        assert program.stdout is not None  # noqa: S101  (opened as a pipe)
        try:
            sealed = seal(program.stdout, target, recipient)
        except BaseException:
            program.kill()
            raise
        if program.wait() != 0:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip()
            raise Unavailable(
                f"pg_basebackup failed: {reason}", message_zh=f"pg_basebackup 失败：{reason}"
            )
    return sealed


def _clear_partial(folder: BackupFolder) -> None:
    """Remove what a backup left that was killed."""
    for left in folder.bases.glob(f"*{PARTIAL}"):
        shutil.rmtree(left)
