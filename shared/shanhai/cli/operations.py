"""`shanhai cluster`, `artifacts`, `db` with its backups, `seed`."""

import asyncio
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from dotenv import dotenv_values
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncSession

from shanhai.backup.base_backup import prune, take_backup, verify
from shanhai.backup.encryption import make_identity, read_identity, read_recipient
from shanhai.backup.place import BucketPath
from shanhai.backup.repository import AnyFolder, BackupFolder
from shanhai.backup.restore import LOG_FOLDER, restore
from shanhai.backup.server import Archiver, Mark, note
from shanhai.certificates import CertifiedServer, make_certificates
from shanhai.cli.kit import committed, existing_file
from shanhai.crypto import SecretBox, chosen_suite
from shanhai.db import grants
from shanhai.db.deliveries import webhooks
from shanhai.db.migrate import upgrade as migrate
from shanhai.db.queries import sign_ins
from shanhai.db.queries.audit import Act
from shanhai.db.queries.files import read_references
from shanhai.db.revision import expected_revision
from shanhai.db.seeds.load import Seeded, seed_cities
from shanhai.errors import InvalidInput
from shanhai.raster.environment import FIXED_COMPUTING
from shanhai.settings import (
    ArtifactSettings,
    BackupSettings,
    DaskSettings,
    DatabaseSettings,
    LogSettings,
    ProvisioningSettings,
    SignInSettings,
    WebhookSettings,
    bucket_named_in,
)
from shanhai.storage.artifacts import (
    ArtifactStore,
    StoredFile,
    copy_missing,
    demand_few,
    find_orphans,
    missing_files,
    open_store,
    remove,
)
from shanhai.storage.object_store import connect
from shanhai.telemetry import configure_logging
from shanhai.validation import in_both

cluster_app = typer.Typer(no_args_is_help=True)


@cluster_app.callback()
def cluster() -> None:
    """Machines that compute windows of jobs together (Dask)."""


@cluster_app.command()
def scheduler() -> None:
    """Run the scheduler in the foreground, configured by SHANHAI_DASK_* variables."""
    _become("scheduler")


@cluster_app.command()
def worker() -> None:
    """Run a worker that computes one window at a time; start as many as there are cores."""
    _become("worker")


def _become(part: str) -> None:
    """Go on as a fresh process: libraries and hashing heed what they were started with."""
    DaskSettings()  # what is set wrongly is told here, as by the other commands
    command = [sys.executable, "-P", "-m", "shanhai.raster.dask_service", part]
    os.execve(sys.executable, command, {**os.environ, **FIXED_COMPUTING})  # noqa: S606 - see above


artifacts_app = typer.Typer(no_args_is_help=True)


@artifacts_app.callback()
def artifacts() -> None:
    """Result files."""


@artifacts_app.command()
def sweep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be removed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Even if it is a large part of all files.")
    ] = False,
) -> None:
    """Remove result files that no row has named for 48 hours, as workers do."""
    store = open_store(ArtifactSettings())
    referenced = committed(read_references)
    orphans, number = find_orphans(store, referenced)
    if dry_run:
        for file in orphans:
            typer.echo(f"{file.uri}  {file.bytes}")
        typer.echo(f"{len(orphans)} of {number} files would be removed")
        return
    if not everything:
        demand_few(orphans, number)
    removed, size = remove(store, orphans)
    typer.echo(f"{removed} of {number} files removed, {size} bytes")


@artifacts_app.command()
def move(
    target: Annotated[
        str, typer.Argument(metavar="TO", help="The new store: a folder, or s3://bucket/prefix.")
    ],
    settings: Annotated[
        Path | None,
        existing_file("File with lines SHANHAI_ARTIFACTS_…=… that hold for the new store."),
    ] = None,
    follow: Annotated[
        bool, typer.Option(help="Go on copying what is new, until told to stop.")
    ] = False,
) -> None:
    """Copy all result files to a new store while services run; what is there is not copied again.

    Each is compared with its SHA-256; damaged ones are left out, named after the rest, and exit 1.
    Uploads are not copied: whoever sent one sends it again.
    """
    given = {} if settings is None else dotenv_values(settings)
    prefix = str(ArtifactSettings.model_config["env_prefix"])
    more = {name.removeprefix(prefix).lower(): value for name, value in given.items()}
    there = ArtifactSettings.model_validate({**more, "root": target})
    old, new = _filled_store(), open_store(there)
    before, damaged = -1, dict[StoredFile, str]()
    while True:
        known = set(damaged)
        number = copy_missing(
            old, new, lambda file: typer.echo(f"{file.uri}  {file.bytes}"), damaged
        )
        for file in damaged.keys() - known:
            typer.echo(f"not copied: {damaged[file]}", err=True)
        if number or before:  # that nothing is new is told once
            typer.echo(f"{number} files copied")
        if not follow:
            raise typer.Exit(bool(damaged))
        before = number
        time.sleep(2)  # between two looks for what is new


def _filled_store() -> ArtifactStore:
    """The store of the settings; a folder that is not there would be taken for an empty one."""
    here = ArtifactSettings()
    if here.bucket is None and not here.folder.is_dir():
        raise InvalidInput(
            f"there is no folder {here.folder} of result files",
            message_zh=f"没有结果文件夹 {here.folder}",
            pointer="SHANHAI_ARTIFACTS_ROOT",
        )
    return open_store(here)


@artifacts_app.command()
def missing() -> None:
    """Name the result files that rows name and the store does not have; exit 1 if there are any."""
    referenced = committed(read_references)
    lost = missing_files(open_store(ArtifactSettings()), referenced)
    for uri in lost:
        typer.echo(uri)
    typer.echo(f"{len(lost)} of {len(referenced)} files are missing")
    if lost:
        raise typer.Exit(1)


FOLDER = Annotated[
    str, typer.Argument(metavar="DIR", help="The folder of backups, or s3://bucket/prefix.")
]
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
    """Back up the database and the result files, encrypted; only what is new of the latter.

    Exit 1 if files were damaged, and left out; the rest is backed up.
    """
    settings = BackupSettings()
    taken = asyncio.run(
        take_backup(
            _folder_at(folder),
            url=_url(settings),
            store=_filled_store(),
            recipient=read_recipient(settings.recipient),
        )
    )
    typer.echo(f"backup {taken.name}: {taken.bytes} bytes, {len(taken.objects)} result files")
    typer.echo(f"any moment from {taken.ended_at.isoformat()} on, as far as the archive reaches")
    for uri in sorted(taken.damaged):
        typer.echo(f"damaged in the store, and left out: {uri}", err=True)
    if taken.damaged:
        raise typer.Exit(1)


def archive(folder: FOLDER) -> None:
    """Archive the write-ahead log and new result files as they come, until told to stop."""
    configure_logging(LogSettings())
    settings = BackupSettings()
    archiver = Archiver(
        _folder_at(folder),
        _url(settings),
        _filled_store(),
        read_recipient(settings.recipient),
        settings.spool or _spool_in(folder),
        settings.every_s,
        settings.synchronous,
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
        _folder_at(folder),
        data,
        store=open_store(ArtifactSettings()),
        identity=read_identity(_identity_file(BackupSettings())),
        to=None if to is None else _moment(to),
    )
    manifest = restored.manifest
    compared = (
        "compared with its checksums" if restored.checked else "not compared: no pg_verifybackup"
    )
    typer.echo(f"base {manifest.name} of PostgreSQL {manifest.database_version}, {compared}")
    typer.echo(f"{restored.segments} files of the log in {data / LOG_FOLDER}")
    typer.echo(f"{restored.objects} result files ({restored.object_bytes} bytes) put back")
    typer.echo("start PostgreSQL in it: it recovers to the moment, then takes connections")
    # No failure: the database is whole, and what starts it goes on.
    for uri in restored.missing:
        typer.echo(f"warning: neither whole in the backup nor in the store: {uri}", err=True)


def verify_folder(folder: FOLDER) -> None:
    """Check a folder of backups; with the secret key, every byte of it."""
    settings = BackupSettings()
    secret = None if settings.identity_file is None else read_identity(_identity_file(settings))
    found = verify(_folder_at(folder), secret)
    how = "all decrypted" if found.opened else "by digests and presence: no secret key given"
    typer.echo(
        f"{found.bases} bases, {found.segments} segments, {found.objects} result files: {how}"
    )
    # Those who look after the service see when backups were last checked.
    detail = {"opened": found.opened, "gaps": found.gaps, "bases": found.bases}
    mark = Mark("verified", datetime.now(UTC), detail)
    try:
        url = _url(settings)
    except ValidationError:
        typer.echo("not noted in the database, of which no setting tells the address")
    else:
        asyncio.run(note(url, mark))
    for name, number in found.left_out.items():
        typer.echo(f"base {name} lacks {number} result files that were damaged in the store")
    for moments in found.lost:
        told = " to ".join(f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in moments)
        typer.echo(f"no moment from {told} can be restored: segments of the log are missing")
    if found.gaps:
        typer.echo(f"{found.gaps} segments are missing: moments after them need a newer base")
        raise typer.Exit(1)


def prune_folder(
    folder: FOLDER,
    days: Annotated[float, typer.Option(min=1, max=36_500, help="Days that stay restorable.")] = 14,
) -> None:
    """Remove bases, log and result files that no moment of the last days needs."""
    pruned = prune(
        _folder_at(folder),
        store=_filled_store(),
        keep_days=days,
        now=datetime.now(UTC),
    )
    typer.echo(
        f"removed {pruned.bases} bases, {pruned.segments} segments, {pruned.objects} result files"
    )


def _folder_at(address: str) -> AnyFolder:
    try:
        named = bucket_named_in(address)
    except ValueError as error:
        english, chinese = in_both(str(error))
        raise InvalidInput(
            f"{address!r} {english}", message_zh=f"{address!r} {chinese}", pointer="DIR"
        ) from error
    if named is None:
        return BackupFolder(Path(address))
    return BackupFolder(BucketPath(connect(BackupSettings(), *named), address.rstrip("/")))


def _spool_in(address: str) -> Path:
    if bucket_named_in(address) is not None:
        raise InvalidInput(
            "backups in a bucket need SHANHAI_BACKUP_SPOOL: a folder that outlives the process",
            message_zh="备份到存储桶时须设置 SHANHAI_BACKUP_SPOOL，即进程结束后仍保留的文件夹",
            pointer="SHANHAI_BACKUP_SPOOL",
        )
    return Path(address) / SPOOL


def _url(settings: BackupSettings) -> str:
    own = settings.database_url.get_secret_value()
    return own or DatabaseSettings().url.get_secret_value()


def _identity_file(settings: BackupSettings) -> Path:
    if settings.identity_file is None or not settings.identity_file.exists():
        raise InvalidInput(
            "SHANHAI_BACKUP_IDENTITY_FILE must name the file with the secret key, not"
            f" {settings.identity_file or 'nothing'}",
            message_zh="SHANHAI_BACKUP_IDENTITY_FILE 须指明私钥文件，现为"
            f" {settings.identity_file or '空'}",
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


app = typer.Typer(no_args_is_help=True)


@app.callback()
def database() -> None:
    """The database."""


@app.command()
def provision() -> None:
    """Make the database's accounts by role, as a superuser; what there is becomes the owner's.

    Their passwords are those of SHANHAI_DB_OWNER_PASSWORD, SHANHAI_DB_API_PASSWORD and so on.
    """
    given = ProvisioningSettings()
    passwords: dict[grants.DatabaseRole, str] = {
        role: getattr(given, f"{role}_password").get_secret_value() for role in grants.ACCOUNTS
    }
    missing = [
        f"SHANHAI_DB_{role.upper()}_PASSWORD" for role, told in passwords.items() if not told
    ]
    if missing:
        raise InvalidInput(
            f"not set: {', '.join(missing)}", message_zh=f"未设置：{', '.join(missing)}"
        )
    asyncio.run(grants.provision(DatabaseSettings().url.get_secret_value(), passwords))
    typer.echo(f"accounts: {', '.join(grants.ACCOUNTS.values())}")


@app.command()
def upgrade() -> None:
    """Bring the database to the newest revision, as the owner of the tables; grant rights."""
    migrate(DatabaseSettings().url.get_secret_value())
    typer.echo(f"at revision {expected_revision()}")


@app.command()
def reseal() -> None:
    """Close kept secrets of webhooks and second factors anew, with the chosen suite.

    SHANHAI_WEBHOOKS_SECRET and SHANHAI_SIGN_IN_SECRET are those of the services. Nothing is changed
    unless all can be opened.
    """
    suite, act = chosen_suite(), Act("cli")
    kept, sign_in = WebhookSettings().secret.get_secret_value(), SignInSettings()

    async def work(session: AsyncSession) -> tuple[int, int]:
        box = SecretBox(kept, webhooks.PURPOSE)
        return (
            await webhooks.reseal_webhooks(session, box, act=act),
            await sign_ins.reseal_factors(session, sign_in, act=act),
        )

    secrets, factors = committed(work)
    typer.echo(f"{suite}: {secrets} webhooks and {factors} second factors closed anew")


app.command("key")(key)
app.command("backup")(backup)
app.command("archive")(archive)
app.command("restore")(restore_into)
app.command("verify")(verify_folder)
app.command("prune")(prune_folder)


def certificates(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where they are kept.")],
    server: Annotated[
        list[str],
        typer.Option(help="`name:owner:host,host`: its folder, its account by number; repeat."),
    ],
) -> None:
    """Make an authority of our own and certificates for servers; what still holds is left."""
    made = make_certificates(folder, [CertifiedServer.parse(told) for told in server])
    typer.echo(f"made: {', '.join(made) or 'nothing, all hold'}")
    typer.echo(f"clients need {folder / 'ca' / 'ca.pem'}")


def seed(
    cities: Annotated[
        list[str],
        typer.Argument(metavar="CITY...", help="Codes of cities; xiamen and banan are known."),
    ],
    regions: Annotated[
        list[Path] | None,
        existing_file(
            "GeoJSON of a city and its districts, as `shanhai data demo` writes it; repeat."
        ),
    ] = None,
) -> None:
    """Put cities into the database: boundaries from files, their plans where they are known."""
    seeded: Seeded = committed(lambda session: seed_cities(session, cities, regions or []))
    console = Console(soft_wrap=True)
    console.print(_rows_table(seeded))
    for city, totals in seeded.totals.items():
        if totals:
            counted = ", ".join(f"{name} {count}" for name, count in totals.items())
            typer.echo(f"{city}, as its totals ask: {counted}")
    typer.echo(f"{seeded.changes} rows made or changed")


def _rows_table(seeded: Seeded) -> Table:
    table = Table("table")
    for heading in ("rows", "made", "changed"):
        table.add_column(heading, justify="right")
    for name, put in seeded.tables.items():
        table.add_row(name, *map(str, (put.given, put.made, put.changed)))
    return table
