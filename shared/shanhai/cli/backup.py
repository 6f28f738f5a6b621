"""`shanhai db backup|archive|restore|verify|prune|key`."""

import asyncio
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from shanhai.backup.age_encryption import make_identity, read_identity, read_recipient
from shanhai.backup.base_backup import prune, take_backup, verify
from shanhai.backup.repository import BackupFolder
from shanhai.backup.restore import LOG_FOLDER, restore
from shanhai.backup.wal_archive import Archiver
from shanhai.errors import InvalidInput
from shanhai.settings import ArtifactSettings, BackupSettings, DatabaseSettings, LogSettings
from shanhai.telemetry import configure_logging

FOLDER = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of backups.")]
SPOOL = "receiving"


def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the secret key.")],
) -> None:
    """Make a pair of keys for backups: the secret one into a new file, the public one printed."""
    try:
        public = make_identity(file)
    except FileExistsError as error:
        raise InvalidInput(
            f"{file} exists: a key that backups may need is not overwritten",
            message_zh=f"{file} 已存在，不会覆盖可能仍需使用的密钥",
            pointer="FILE",
        ) from error
    typer.echo(public)


def backup(folder: FOLDER) -> None:
    """Back up the database and the result files, encrypted; only what is new of the latter."""
    settings = BackupSettings()
    taken = asyncio.run(
        take_backup(
            BackupFolder(folder),
            url=_url(settings),
            store=ArtifactSettings().root,
            recipient=read_recipient(settings.recipient),
        )
    )
    typer.echo(f"backup {taken.name}: {taken.bytes} bytes, {len(taken.objects)} result files")
    typer.echo(f"any moment from {taken.ended_at.isoformat()} on, as far as the archive reaches")


def archive(folder: FOLDER) -> None:
    """Archive the write-ahead log and new result files as they come, until told to stop."""
    configure_logging(LogSettings())
    settings = BackupSettings()
    archiver = Archiver(
        BackupFolder(folder),
        _url(settings),
        ArtifactSettings().root,
        read_recipient(settings.recipient),
        settings.spool or folder / SPOOL,
        settings.every_s,
    )
    asyncio.run(_until_stopped(archiver))


def restore_into(
    folder: FOLDER,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Data directory of a new cluster, empty.")
    ],
    to: Annotated[
        str | None,
        typer.Option(help="The moment, RFC 3339 with offset. Default: all that was archived."),
    ] = None,
) -> None:
    """Put the database's files and the result files back, as they were at a moment."""
    restored = restore(
        BackupFolder(folder),
        data,
        store=ArtifactSettings().root,
        identity=read_identity(_identity_file(BackupSettings())),
        to=None if to is None else _moment(to),
    )
    manifest = restored.manifest
    compared = "compared with its checksums" if restored.checked else "not compared: no programs"
    typer.echo(f"base {manifest.name} of PostgreSQL {manifest.database_version}, {compared}")
    typer.echo(f"{restored.segments} files of the log in {data / LOG_FOLDER}")
    typer.echo(f"{restored.objects} result files ({restored.object_bytes} bytes) put back")
    typer.echo("start PostgreSQL in it: it recovers to the moment, then takes connections")


def verify_folder(folder: FOLDER) -> None:
    """Check a folder of backups; with the secret key, every byte of it."""
    file = BackupSettings().identity_file
    found = verify(BackupFolder(folder), None if file is None else read_identity(file))
    how = "all decrypted" if found.opened else "by digests and presence: no secret key given"
    typer.echo(
        f"{found.bases} bases, {found.segments} segments, {found.objects} result files: {how}"
    )
    if found.gaps:
        typer.echo(f"{found.gaps} segments are missing: moments after them need a newer base")
        raise typer.Exit(1)


def prune_folder(
    folder: FOLDER,
    days: Annotated[float, typer.Option(min=1, help="Days any moment of which must stay.")] = 14,
) -> None:
    """Remove bases, log and result files that no moment of the last days needs."""
    pruned = prune(
        BackupFolder(folder),
        store=ArtifactSettings().root,
        keep_days=days,
        now=datetime.now(UTC),
    )
    typer.echo(
        f"removed {pruned.bases} bases, {pruned.segments} segments, {pruned.objects} result files"
    )


def _url(settings: BackupSettings) -> str:
    own = settings.database_url.get_secret_value()
    return own or DatabaseSettings().url.get_secret_value()


def _identity_file(settings: BackupSettings) -> Path:
    if settings.identity_file is None:
        raise InvalidInput(
            "SHANHAI_BACKUP_IDENTITY_FILE must name the file with the secret key",
            message_zh="须以 SHANHAI_BACKUP_IDENTITY_FILE 指明私钥文件",
            pointer="SHANHAI_BACKUP_IDENTITY_FILE",
        )
    return settings.identity_file


def _moment(told: str) -> datetime:
    try:
        return datetime.fromisoformat(told)
    except ValueError as error:
        raise InvalidInput(
            f"{told!r} is no moment such as 2026-05-01T12:00:00+08:00",
            message_zh=f"{told!r} 不是形如 2026-05-01T12:00:00+08:00 的时刻",
            pointer="--to",
        ) from error


async def _until_stopped(archiver: Archiver) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await archiver.run(stop)
