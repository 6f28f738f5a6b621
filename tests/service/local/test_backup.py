"""The restore drill: back up, go on, destroy, restore to a moment, compare, serve."""

import asyncio
import gzip
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import ClassVar

import httpx
import pytest
import typer
from pydantic import SecretStr
from sqlalchemy import select, text

from shanhai.backup import restore as restoring
from shanhai.backup.base_backup import Pruned, prune, take_backup, verify
from shanhai.backup.encryption import (
    BackupBroken,
    make_identity,
    read_identity,
    read_recipient,
    unseal,
)
from shanhai.backup.repository import (
    MANIFEST,
    BackupFolder,
    BackupManifest,
    copy_objects,
    put_back_objects,
)
from shanhai.backup.restore import Restored, restore
from shanhai.backup.server import Archiver
from shanhai.cli.operations import archive, backup, prune_folder, restore_into, verify_folder
from shanhai.data.synthetic_watershed import build_watershed
from shanhai.db.grants import DatabaseRole
from shanhai.db.queries.jobs import read_queue_state
from shanhai.db.queries.system_status import read_reach_s
from shanhai.db.tables.dataset import Dataset
from shanhai.db.tables.job import BackupMark
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, InvalidInput, NotFound, Unavailable
from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, Surroundings
from shanhai.settings import ArtifactSettings, DatabaseSettings, PublicSettings, Suite
from shanhai.storage.artifacts import LocalArtifacts, sha256_of
from shanhai_tiles.app import Settings, create_app
from tests.support.accounts import account_url, migrate_with_accounts
from tests.support.job_rows import open_sessions
from tests.support.run_directory import run_directory
from tests.support.stored import store_watershed
from tests.support.workers import eventually

pytestmark = [pytest.mark.db, pytest.mark.long]

DIGEST = text(
    "SELECT md5(string_agg(row::text, '|' ORDER BY row::text)) FROM"
    " (SELECT code, name_zh, ST_AsBinary(geom) FROM region) row"
)


@dataclass(frozen=True)
class Drilled:
    """What was backed up, when, and how it looked at the moment to come back to."""

    folder: BackupFolder[Path]
    store: Path
    identity_file: Path
    manifest: BackupManifest
    moment: datetime
    rows: str
    files: dict[str, str]

    def restore(self, data: Path, store: Path, to: datetime | None = None) -> Restored:
        identity = read_identity(self.identity_file)
        return restore(self.folder, data, store=LocalArtifacts(store), identity=identity, to=to)


@asynccontextmanager
async def archiving(archiver: Archiver) -> AsyncIterator[None]:
    stop = asyncio.Event()
    running = asyncio.create_task(archiver.run(stop))
    try:
        yield
    finally:
        stop.set()
        async with asyncio.timeout(30):
            await running


async def add_region(url: str, code: str) -> datetime:
    """Write a row; the database's time after its commit."""
    async with open_sessions(url) as sessions:
        async with sessions.begin() as session:
            session.add(Region(code=code, name_zh="区", name_en="Region", level="district"))
        async with sessions() as session:
            at = await session.scalar(text("SELECT clock_timestamp()"))
            assert isinstance(at, datetime)
            return at


async def has_slot(url: str) -> bool:
    async with open_sessions(url) as sessions, sessions() as session:
        return bool(await session.scalar(text("SELECT count(*) FROM pg_replication_slots")))


async def digest_rows(url: str) -> str:
    async with open_sessions(url) as sessions, sessions() as session:
        digest = await session.scalar(DIGEST)
        assert isinstance(digest, str)
        return digest


async def accepts_writes(url: str) -> bool:
    async with open_sessions(url) as sessions, sessions() as session:
        return not await session.scalar(text("SELECT pg_is_in_recovery()"))


def digest_files(store: Path) -> dict[str, str]:
    found = sorted(path for path in (store / "objects").rglob("*") if path.is_file())
    return {path.relative_to(store).as_posix(): sha256_of(path) for path in found}


@pytest.fixture(scope="module")
def directory() -> Iterator[Path]:
    with run_directory() as directory:
        yield directory


@pytest.fixture(scope="module")
def drilled(directory: Path, tmp_path_factory: pytest.TempPathFactory) -> Drilled:
    server = PrivatePostgres(Surroundings.of_home(Home(directory / "first"), bound=True))
    server.start()
    try:
        return asyncio.run(drill(server, tmp_path_factory.mktemp("drill")))
    finally:
        server.stop()


async def drill(server: PrivatePostgres, place: Path) -> Drilled:
    url, store, folder = server.url(), LocalArtifacts(place / "store"), BackupFolder(place / "kept")
    await asyncio.to_thread(migrate_with_accounts, server)
    own = account_url(url, "backup")
    watershed = build_watershed(place / "watershed", cells=64)
    async with open_sessions(url) as sessions, sessions.begin() as session:
        await store_watershed(session, store, watershed)
        # Where its cells lie, as an import would have found out.
        grid = watershed.grid
        placed = {
            "transform": [grid.cell_m, 0.0, grid.west, 0.0, -grid.cell_m, grid.north],
            "width": grid.width,
            "height": grid.height,
        }
        for dataset in await session.scalars(select(Dataset)):
            dataset.grid = {**dataset.grid, **placed}
    # As when the suite was changed: the log is for a key of SM2, the base for one of age.
    recipient = read_recipient(make_identity(place / "age", "international"))
    other = read_recipient(make_identity(place / "sm2", "commercial"))
    (place / "key").write_text((place / "age").read_text() + (place / "sm2").read_text())
    archiver = Archiver(folder, own, store, other, place / "spool", every_s=0.2)
    async with archiving(archiver):
        await eventually(lambda: has_slot(url))
        manifest = await take_backup(folder, url=own, store=store, recipient=recipient)
        await add_region(url, "after-backup")
        (place / "late").write_bytes(b"a result after the backup")
        late = store.put(place / "late", suffix=".bin")
        moment = await add_region(url, "last-to-keep")
        rows, files = await digest_rows(url), digest_files(store.root)
        await add_region(url, "never-meant")
        server.execute("SELECT pg_switch_wal()")
        await eventually(lambda: asyncio.to_thread(has_archived, folder, manifest.last_segment))
        assert folder.object(late.uri).exists()
        with pytest.raises(Conflict, match="archive"):
            await archiver.run(asyncio.Event())
    # A disk that is not mounted leaves an empty folder in its place.
    unmounted = LocalArtifacts(place / "unmounted")
    with pytest.raises(Conflict, match="is empty, and was not at an earlier backup"):
        await take_backup(folder, url=own, store=unmounted, recipient=recipient)
    assert [one.name for one in folder.manifests()] == [manifest.name]
    async with open_sessions(url) as sessions, sessions() as session:
        assert set(await read_reach_s(session)) == {"archive", "base"}
    return Drilled(folder, store.root, place / "key", manifest, moment, rows, files)


def has_archived(folder: BackupFolder[Path], segment: str) -> bool:
    return max(folder.segments(), default="") > segment


class BarePostgres(PrivatePostgres):
    """A server that is told no more than where to listen, as whoever restores would start it."""

    options: ClassVar[Mapping[str, str]] = {
        name: PrivatePostgres.options[name]
        for name in ("listen_addresses", "unix_socket_directories")
    }


def restored_server(home: Path) -> PrivatePostgres:
    """A server whose data directory is empty, for the account that will run it."""
    server = BarePostgres(Surroundings.of_home(Home(home), bound=True))
    owner = server.data.parent.stat()
    server.data.mkdir(mode=0o700)
    os.chown(server.data, owner.st_uid, owner.st_gid)
    return server


@pytest.fixture
def restored(drilled: Drilled, directory: Path, tmp_path: Path) -> Iterator[PrivatePostgres]:
    """The server as it was at the moment, running, with its files in `tmp_path / "store"`."""
    server = restored_server(directory / "second")
    told = drilled.restore(server.data, tmp_path / "store", drilled.moment)
    assert told.checked
    assert told.segments > 0
    assert told.objects == len(drilled.files)
    password = directory / "first" / "postgres" / "password"
    shutil.copy(password, server.data.parent / "password")
    server.start()
    yield server
    server.stop()


async def test_what_was_at_the_moment_is_there_again_and_served(
    drilled: Drilled,
    restored: PrivatePostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    url, store = restored.url(), tmp_path / "store"
    # Until it has read the log to the moment, it lets one read alone.
    await eventually(lambda: accepts_writes(url))
    assert await digest_rows(url) == drilled.rows
    assert digest_files(store) == drilled.files
    async with open_sessions(url) as sessions, sessions() as session:
        codes = set(await session.scalars(select(Region.code)))
        assert {"after-backup", "last-to-keep"} <= codes
        assert "never-meant" not in codes
        assert (await read_queue_state(session)).oldest_waiting_s == 0
        dataset = await session.scalar(select(Dataset.code).where(Dataset.theme == "dem"))
        # It started with what the log asks for, which `make up` tells on the command line.
        asked = PrivatePostgres.options["max_connections"]
        assert await session.scalar(text("SHOW max_connections")) == asked
    # It goes on: the cluster has left recovery.
    await add_region(url, "after-restore")
    await assert_serves_a_tile(url, store, f"dataset.{dataset}")
    # It can be backed up and restored in its turn, with what it was restored from lying in it.
    folder, artifacts = BackupFolder(tmp_path / "kept"), LocalArtifacts(store)
    recipient = read_recipient(public := make_identity(tmp_path / "key", "international"))
    await take_backup(folder, url=account_url(url, "backup"), store=artifacts, recipient=recipient)
    identity = read_identity(tmp_path / "key")
    assert restore(folder, tmp_path / "third", store=artifacts, identity=identity).checked
    # What was damaged meanwhile is left out, and is missing after the restore.
    spoil(store / (lost := min(drilled.files)))
    for name, value in {
        "ARTIFACTS_ROOT": str(store),
        "BACKUP_DATABASE_URL": account_url(url, "backup"),
        "BACKUP_RECIPIENT": public,
    }.items():
        monkeypatch.setenv(f"SHANHAI_{name}", value)
    folder = BackupFolder(tmp_path / "without")
    with pytest.raises(typer.Exit):
        await asyncio.to_thread(backup, str(folder.root))
    told = capsys.readouterr()
    assert "any moment from" in told.out
    assert told.err == f"damaged in the store, and left out: {lost}\n"
    empty = LocalArtifacts(tmp_path / "empty")
    after = restore(folder, tmp_path / "fourth", store=empty, identity=identity)
    assert after.missing == [lost]
    assert digest_files(empty.root).keys() == drilled.files.keys() - {lost}


async def assert_serves_a_tile(url: str, store: Path, layer: str) -> None:
    app = create_app(
        Settings(
            DatabaseSettings(url=SecretStr(url)),
            ArtifactSettings(root=store),
            PublicSettings(public_read=True),
        )
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://tiles.test") as client,
    ):
        tile = await client.get(f"/layers/{layer}/tiles/WebMercatorQuad/0/0/0.png")
    assert tile.status_code == 200, tile.text
    assert tile.content.startswith(b"\x89PNG")


def test_only_what_is_new_is_copied_and_all_can_be_verified(drilled: Drilled) -> None:
    found = verify(drilled.folder, read_identity(drilled.identity_file))
    assert found.bases == 1
    assert found.objects == len(drilled.files)
    assert found.gaps == 0
    assert set(drilled.manifest.objects) < drilled.folder.object_uris()


def test_a_check_is_noted_with_what_it_found(
    drilled: Drilled, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_BACKUP_DATABASE_URL", account_url(database_url, "backup"))
    monkeypatch.setenv("SHANHAI_BACKUP_IDENTITY_FILE", str(drilled.identity_file))
    began = datetime.now(UTC)
    verify_folder(str(drilled.folder.root))
    opened = asyncio.run(checked(database_url))
    assert opened.reached >= began
    assert opened.detail == {"opened": True, "gaps": 0, "bases": 1}
    monkeypatch.delenv("SHANHAI_BACKUP_IDENTITY_FILE")
    verify_folder(str(drilled.folder.root))
    assert asyncio.run(checked(database_url)).detail["opened"] is False


def test_a_folder_is_checked_where_no_database_is(
    drilled: Drilled, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("SHANHAI_BACKUP_DATABASE_URL", "SHANHAI_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    verify_folder(str(drilled.folder.root))
    said = capsys.readouterr().out
    assert "1 bases" in said
    assert "not noted" in said


async def checked(url: str) -> BackupMark:
    """The note of the last check."""
    async with open_sessions(url) as sessions, sessions() as session:
        mark = await session.get(BackupMark, "verified")
    assert mark is not None
    return mark


def test_a_folder_is_of_one_cluster(drilled: Drilled, copy: BackupFolder[Path]) -> None:
    copy.claim(drilled.manifest.system_identifier)
    with pytest.raises(Conflict, match="another cluster"):
        copy.claim("another")


def test_nothing_in_the_folder_can_be_read_without_the_key(drilled: Drilled) -> None:
    forms = {".age": b"age-encryption.org/v1\n", ".sm4": b"shanhai-sm4\n"}
    root = drilled.folder.root
    for suffix, form in forms.items():
        sealed = [path.read_bytes() for path in root.rglob(f"*{suffix}")]
        assert sealed
        assert all(content.startswith(form) for content in sealed)
        assert not any(b"last-to-keep" in content for content in sealed)
    others = {path.name for path in root.rglob("*") if path.is_file() and path.suffix not in forms}
    assert {name for name in others if not name.endswith(".lock")} == {"manifest.json", "cluster"}


def test_each_key_alone_restores_nothing_of_a_folder_of_both(
    drilled: Drilled, tmp_path: Path
) -> None:
    for name in ("age", "sm2"):
        identity = read_identity(drilled.identity_file.with_name(name))
        with pytest.raises(BackupBroken, match="secret key is not given"):
            verify(drilled.folder, identity)
        data = tmp_path / name
        with pytest.raises(BackupBroken):
            restore(
                drilled.folder, data, store=LocalArtifacts(tmp_path / "store"), identity=identity
            )
        assert not data.exists() or not list(data.iterdir())


@pytest.mark.parametrize(
    ("hours", "reason"), [(-1, "no earlier moment"), (1, "what was archived reaches to")]
)
def test_moments_outside_the_archive_are_refused(
    drilled: Drilled, tmp_path: Path, hours: int, reason: str
) -> None:
    moment = datetime.now(UTC) + timedelta(hours=hours)
    with pytest.raises(InvalidInput, match=reason):
        drilled.restore(tmp_path / "data", tmp_path / "store", moment)
    assert not (tmp_path / "data").exists()


async def let_in(server: PrivatePostgres, url: str, rules: str) -> None:
    """Give a server other lines of pg_hba.conf, and wait until connections go by them."""

    async def loaded() -> datetime:
        async with open_sessions(url) as sessions, sessions() as session:
            at = await session.scalar(text("SELECT pg_conf_load_time()"))
            assert isinstance(at, datetime)
            return at

    async def anew() -> bool:
        return await loaded() > before

    before = await loaded()
    (server.data / "pg_hba.conf").write_text(rules)
    server.execute("SELECT pg_reload_conf()")
    await eventually(anew)


async def test_the_right_that_a_backup_lacks_is_named_and_nothing_stays(
    private_postgres: PrivatePostgres, database_url: str, tmp_path: Path
) -> None:
    folder, store = BackupFolder(tmp_path / "kept"), LocalArtifacts(tmp_path / "store")
    recipient = read_recipient(make_identity(tmp_path / "key", "international"))

    async def refused(attempt: Awaitable[object]) -> None:
        with pytest.raises(Unavailable) as caught:
            await attempt
        for said in (caught.value.message, caught.value.message_zh):
            assert "\n" not in said
            assert "ALTER ROLE … REPLICATION" in said
            assert "pg_hba.conf" in said
        assert not any(one.is_file() for one in folder.bases.rglob("*"))

    def backing_up(role: DatabaseRole) -> Awaitable[object]:
        url = account_url(database_url, role)
        return take_backup(folder, url=url, store=store, recipient=recipient)

    await refused(backing_up("api"))
    url = account_url(database_url, "api")
    archiver = Archiver(folder, url, store, recipient, tmp_path / "spool", 1)
    await refused(archiver.run(asyncio.Event()))
    written = (private_postgres.data / "pg_hba.conf").read_text()
    lines = [one for one in written.splitlines() if one.split()[1:2] != ["replication"]]
    await let_in(private_postgres, database_url, "\n".join([*lines, ""]))
    try:
        await refused(backing_up("backup"))
    finally:
        await let_in(private_postgres, database_url, written)


def test_a_moment_without_an_offset_is_refused(drilled: Drilled, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="offset"):
        drilled.restore(tmp_path / "data", tmp_path / "store", drilled.moment.replace(tzinfo=None))


def test_nothing_is_overwritten(drilled: Drilled, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    with pytest.raises(InvalidInput, match="not an empty directory"):
        drilled.restore(tmp_path, tmp_path / "store")
    assert (tmp_path / "precious").exists()


@pytest.fixture
def copy(drilled: Drilled, tmp_path: Path) -> BackupFolder[Path]:
    """A copy of the folder that may be spoiled."""
    return BackupFolder(Path(shutil.copytree(drilled.folder.root, tmp_path / "copy")))


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def test_a_changed_base_is_noticed_and_leaves_nothing_behind(
    drilled: Drilled, copy: BackupFolder[Path], tmp_path: Path
) -> None:
    spoil(copy.base(drilled.manifest.name) / "base.tar.gz.age")
    with pytest.raises(BackupBroken, match="not as it was written"):
        verify(copy, None)
    data = tmp_path / "data"
    data.mkdir()
    identity = read_identity(drilled.identity_file)
    with pytest.raises(BackupBroken):
        restore(copy, data, store=LocalArtifacts(tmp_path / "store"), identity=identity)
    assert list(data.iterdir()) == []


def test_a_changed_or_missing_result_file_is_noticed(
    drilled: Drilled, copy: BackupFolder[Path]
) -> None:
    path = copy.object(min(drilled.manifest.objects))
    spoil(path)
    verify(copy, None)
    with pytest.raises(BackupBroken, match="cannot be decrypted"):
        verify(copy, read_identity(drilled.identity_file))
    path.unlink()
    with pytest.raises(BackupBroken, match="1 result files"):
        verify(copy, None)


@pytest.mark.parametrize("damaged", [False, True])
def test_a_result_file_that_is_nowhere_is_named_when_the_rest_is_back(
    damaged: bool,
    drilled: Drilled,
    copy: BackupFolder[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    lost = min(drilled.manifest.objects)
    copy.object(lost).unlink()
    if damaged:
        objects = {uri: size for uri, size in drilled.manifest.objects.items() if uri != lost}
        manifest = drilled.manifest.model_copy(
            update={"objects": objects, "damaged": frozenset([lost])}
        )
        (copy.base(manifest.name) / MANIFEST).write_text(manifest.model_dump_json())
        verify_folder(str(copy.root))
        said = f"base {manifest.name} lacks 1 result files that were damaged in the store\n"
        assert said in capsys.readouterr().out
    monkeypatch.setenv("SHANHAI_BACKUP_IDENTITY_FILE", str(drilled.identity_file))
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path / "store"))
    restore_into(str(copy.root), tmp_path / "data")
    assert f"neither whole in the backup nor in the store: {lost}\n" in capsys.readouterr().err
    assert (tmp_path / "data" / "recovery.signal").exists()
    assert digest_files(tmp_path / "store").keys() == drilled.files.keys() - {lost}
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(drilled.store))
    restore_into(str(copy.root), tmp_path / "other")


def test_no_server_starts_in_what_a_killed_restore_leaves(
    drilled: Drilled, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = restored_server(directory / "killed")
    left = tmp_path / "left"

    def end_here(data: Path) -> bool:
        shutil.copytree(data, left)
        raise BackupBroken("as if it were killed")

    monkeypatch.setattr(restoring, "_verify", end_here)
    with pytest.raises(BackupBroken, match="as if"):
        drilled.restore(tmp_path / "data", tmp_path / "store")
    owner = server.data.stat()
    shutil.copytree(left, server.data, dirs_exist_ok=True)
    for path in (server.data, *server.data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    shutil.copy(directory / "first" / "postgres" / "password", server.data.parent / "password")
    with pytest.raises(Unavailable, match="must specify restore_command"):
        server.start()


def test_a_folder_of_result_files_that_is_not_there_is_not_taken_for_an_empty_one(
    drilled: Drilled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHANHAI_ARTIFACTS_ROOT", str(tmp_path / "unmounted"))
    monkeypatch.setenv("SHANHAI_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/plans")
    public = (drilled.identity_file.read_text().splitlines()[0]).removeprefix("# public key: ")
    monkeypatch.setenv("SHANHAI_BACKUP_RECIPIENT", public)
    for command in (backup, archive, prune_folder):
        with pytest.raises(InvalidInput, match=r"there is no folder .*unmounted of result files"):
            command(str(drilled.folder.root))


def test_a_folder_of_backups_that_is_not_there_is_not_made_by_pruning(
    drilled: Drilled, tmp_path: Path
) -> None:
    none, store = tmp_path / "mistyped", LocalArtifacts(drilled.store)
    with pytest.raises(NotFound, match=r"no base backup in .*mistyped"):
        prune(BackupFolder(none), store=store, keep_days=14, now=datetime.now(UTC))
    assert not none.exists()


def test_the_log_is_used_up_to_a_gap(
    drilled: Drilled, copy: BackupFolder[Path], tmp_path: Path
) -> None:
    last = max(copy.segments())
    numbers = f"{int(last[16:], 16) + 2:08X}"
    copy.segment(last[:16] + numbers).write_bytes(copy.segment(last).read_bytes())
    assert verify(copy, None).gaps == 1
    identity = read_identity(drilled.identity_file)
    told = restore(
        copy, tmp_path / "data", store=LocalArtifacts(tmp_path / "store"), identity=identity
    )
    needed = [one for one in drilled.folder.segments() if one >= drilled.manifest.first_segment]
    assert told.segments == len(needed)


@asynccontextmanager
async def running_again(
    folder: BackupFolder[Path], home: Path, key: Path, to: datetime | None = None
) -> AsyncIterator[str]:
    """The URL of a server that was restored to a moment and takes writes."""
    server = restored_server(home)
    store = LocalArtifacts(key.parent / "store")
    restore(folder, server.data, store=store, identity=read_identity(key), to=to)
    shutil.copy(home.parent / "sixth" / "postgres" / "password", server.data.parent / "password")
    await asyncio.to_thread(server.start)
    try:
        await eventually(lambda: accepts_writes(server.url()))
        yield server.url()
    finally:
        server.stop()


def has_file(folder: BackupFolder[Path], name: str) -> bool:
    return folder.segment(name).exists()


async def codes_of(url: str) -> set[str]:
    async with open_sessions(url) as sessions, sessions() as session:
        return set(await session.scalars(select(Region.code)))


async def add_and_archive(
    url: str, folder: BackupFolder[Path], key: Path, codes: str, *, wait_for: str = ""
) -> list[datetime]:
    """Write rows, each into another segment, after a file of the log has come or, without that,
    after a base backup; when each was there."""
    own, store = account_url(url, "backup"), LocalArtifacts(key.parent / "store")
    recipient = read_recipient(str(read_identity(key).age[0].to_public()))
    moments, switch = [], text("SELECT pg_walfile_name(pg_switch_wal())")
    archiver = Archiver(folder, own, store, recipient, key.parent / f"spool{codes}", every_s=0.2)
    async with archiving(archiver), open_sessions(url) as sessions:
        await eventually(lambda: has_slot(url))
        if wait_for:
            await eventually(partial(asyncio.to_thread, has_file, folder, wait_for))
        else:
            await take_backup(folder, url=own, store=store, recipient=recipient)
        for code in codes:
            moments.append(await add_region(url, code))
            async with sessions() as session:
                written = str(await session.scalar(switch))
            await eventually(partial(asyncio.to_thread, has_file, folder, written))
    return moments


@pytest.mark.timeout(600)
async def test_a_moment_comes_back_from_the_timeline_that_was_written_then(
    directory: Path, tmp_path: Path
) -> None:
    server = PrivatePostgres(Surroundings.of_home(Home(directory / "sixth"), bound=True))
    server.start()
    folder, key = BackupFolder(tmp_path / "kept"), tmp_path / "key"
    make_identity(key)
    (tmp_path / "store").mkdir()
    try:
        await asyncio.to_thread(migrate_with_accounts, server)
        first = await add_and_archive(server.url(), folder, key, "ABCD")
    finally:
        server.stop()
    async with running_again(folder, directory / "to-a", key, first[0]) as url:
        assert await codes_of(url) == {"A"}
        second = await add_and_archive(url, folder, key, "EFG", wait_for="00000002.history")
        await add_and_archive(url, folder, key, "H")
    assert verify(folder, None).gaps == verify(folder, read_identity(key)).gaps == 0
    # A moment of what was given up, after log of another timeline has come.
    async with running_again(folder, directory / "to-b", key, first[1]) as url:
        assert await codes_of(url) == {"A", "B"}
        await add_and_archive(url, folder, key, "I", wait_for="00000003.history")
    async with running_again(folder, directory / "to-e", key, second[0]) as url:
        assert await codes_of(url) == {"A", "E"}
    # The newest timeline came of the first: the newest base does not lead to it.
    async with running_again(folder, directory / "newest", key) as url:
        assert await codes_of(url) == {"A", "B", "I"}
    between = datetime.fromtimestamp(folder.segment("00000002.history").stat().st_mtime - 0.01, UTC)
    with pytest.raises(InvalidInput, match="what was archived reaches to"):
        restore(
            folder,
            tmp_path / "data",
            store=LocalArtifacts(tmp_path / "store"),
            identity=read_identity(key),
            to=between,
        )
    # The first timeline has files of the same numbers, which do not fill the gap.
    for history in folder.wal.glob("00000003*"):
        history.unlink()
    fork, inside = sorted(name for name in folder.segments() if name.startswith("00000002"))[:2]
    assert {f"00000001{name[8:]}" for name in (fork, inside)} <= folder.segments()
    folder.segment(inside).unlink()
    # The base that came later begins after it: moments before that are lost, none from then on.
    told = verify(folder, None), verify(folder, read_identity(key))
    assert [(one.gaps, len(one.lost)) for one in told] == [(0, 1), (0, 1)]
    shutil.rmtree(folder.base(folder.manifests()[-1].name))
    assert verify(folder, None).gaps == verify(folder, read_identity(key)).gaps == 1
    folder.segment(fork).unlink()
    assert verify(folder, read_identity(key)).gaps == 2


def test_a_history_is_read_with_the_present_key_and_tells_when_it_first_came(
    tmp_path: Path,
) -> None:
    folder, spool = BackupFolder(tmp_path / "kept"), tmp_path / "spool"
    store, name = LocalArtifacts(tmp_path / "store"), "00000002.history"
    spool.mkdir()
    came = list[float]()
    for key in ("former", "present"):
        recipient = read_recipient(make_identity(tmp_path / key))
        (spool / name).write_text("1\t0/3000000\tbefore it was restored\n")
        os.utime(spool / name, (1e9 + len(came), 1e9 + len(came)))
        Archiver(folder, "", store, recipient, spool, every_s=1).archive()
        came.append(folder.segment(name).stat().st_mtime)
    assert came == [1e9, 1e9]
    packed = io.BytesIO()
    unseal(folder.segment(name), packed, read_identity(tmp_path / "present"))
    assert gzip.decompress(packed.getvalue()).startswith(b"1\t0/3000000")


def test_pruning_keeps_what_the_days_need(drilled: Drilled, copy: BackupFolder[Path]) -> None:
    manifest = drilled.manifest
    old = manifest.model_copy(
        update={
            "name": "old",
            "began_at": manifest.began_at - timedelta(days=30),
            "ended_at": manifest.ended_at - timedelta(days=30),
        }
    )
    shutil.copytree(copy.base(manifest.name), copy.base("old"))
    (copy.base("old") / "manifest.json").write_text(old.model_dump_json())
    orphan = copy.root / f"objects/ab/{'ab' * 32}.bin.age"
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"collected long ago")
    long_ago = manifest.began_at.timestamp() - 86400
    os.utime(orphan, (long_ago, long_ago))
    now = manifest.ended_at + timedelta(days=2)
    assert prune(copy, store=LocalArtifacts(drilled.store), keep_days=14, now=now).bases == 0
    before = copy.segments()
    kept = prune(copy, store=LocalArtifacts(drilled.store), keep_days=1, now=now)
    assert kept == Pruned(bases=1, segments=len(before) - len(copy.segments()), objects=1)
    assert [one.name for one in copy.manifests()] == [manifest.name]
    verify(copy, read_identity(drilled.identity_file))


def test_a_file_that_was_pruned_is_copied_when_it_is_stored_again(tmp_path: Path) -> None:
    store, folder = LocalArtifacts(tmp_path / "store"), BackupFolder(tmp_path / "kept")
    recipient, known = read_recipient(make_identity(tmp_path / "key")), dict[str, float]()
    (tmp_path / "file").write_bytes(b"a result")
    uri = store.put(tmp_path / "file", suffix=".bin").uri
    assert copy_objects(store, folder, recipient, known) == ({uri: 8}, set())
    folder.object(uri).unlink()
    copy_objects(store, folder, recipient, known)
    assert not folder.object(uri).exists()
    store.put(tmp_path / "file", suffix=".bin")
    copy_objects(store, folder, recipient, known)
    assert folder.object(uri).exists()


@pytest.mark.parametrize("suite", ["international", "commercial"])
def test_a_damaged_file_is_left_out_and_named(tmp_path: Path, suite: Suite) -> None:
    store, folder = LocalArtifacts(tmp_path / "store"), BackupFolder(tmp_path / "kept")
    recipient, known = read_recipient(make_identity(tmp_path / "key", suite)), dict[str, float]()
    uris = []
    for content in (b"damaged later", b"sound"):
        (tmp_path / "file").write_bytes(content)
        uris.append(store.put(tmp_path / "file", suffix=".bin").uri)
    spoil(store.root / uris[0])
    assert copy_objects(store, folder, recipient, known) == ({uris[1]: 5}, {uris[0]})
    assert folder.object_uris() == {uris[1]}
    copy_objects(store, folder, recipient, known)
    assert folder.object_uris() == {uris[1]}
    # A file put back is backed up in the next round.
    (store.root / uris[0]).write_bytes(b"damaged later")
    os.utime(store.root / uris[0], (1, 1))
    assert copy_objects(store, folder, recipient, known)[1] == set()
    assert folder.object_uris() == set(uris)


def test_what_is_damaged_in_the_backup_is_named_and_all_else_is_put_back(tmp_path: Path) -> None:
    store, folder = LocalArtifacts(tmp_path / "store"), BackupFolder(tmp_path / "kept")
    recipient = read_recipient(make_identity(tmp_path / "key"))
    for content in (b"right", b"sound", b"whole"):
        (tmp_path / "file").write_bytes(content)
        store.put(tmp_path / "file", suffix=".bin")
    found, _ = copy_objects(store, folder, recipient, {})
    spoilt, *sound = sorted(found)
    path = folder.object(spoilt)
    path.write_bytes(path.read_bytes()[:-1])
    back = LocalArtifacts(tmp_path / "back")
    told = put_back_objects(folder, back, read_identity(tmp_path / "key"))
    assert told == (2, 10, [spoilt])
    assert {file.uri for file in back.files()} == {*sound}


def receivers(spool: Path) -> list[Path]:
    """The processes that receive log into a folder."""
    told = f"--directory={spool}".encode()
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if told in _words(path)]


def _words(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().split(b"\0")
    except OSError:
        return []


async def test_an_archive_that_is_killed_takes_its_receiver_with_it(
    directory: Path, tmp_path: Path
) -> None:
    server = PrivatePostgres(Surroundings.of_home(Home(directory / "fifth"), bound=True))
    server.start()
    try:
        await asyncio.to_thread(migrate_with_accounts, server)
        (tmp_path / "store").mkdir()
        environment = os.environ | {
            "SHANHAI_DATABASE_URL": account_url(server.url(), "backup"),
            "SHANHAI_ARTIFACTS_ROOT": str(tmp_path / "store"),
            "SHANHAI_BACKUP_RECIPIENT": make_identity(tmp_path / "key"),
            "SHANHAI_BACKUP_SPOOL": str(tmp_path / "spool"),
        }
        program = Path(sys.executable).with_name("shanhai")
        command = [sys.executable, str(program), "db", "archive", str(tmp_path / "kept")]
        archive = subprocess.Popen(command, env=environment)  # noqa: ASYNC220 - it is at once
        try:
            await eventually(lambda: asyncio.to_thread(lambda: bool(receivers(tmp_path / "spool"))))
        finally:
            archive.kill()
            archive.wait()
        await eventually(lambda: asyncio.to_thread(lambda: not receivers(tmp_path / "spool")))
    finally:
        server.stop()


SYNC = text("SELECT sync_state FROM pg_stat_replication WHERE application_name = 'shanhai_archive'")


async def sync_state(url: str) -> str | None:
    async with open_sessions(url) as sessions, sessions() as session:
        state: str | None = await session.scalar(SYNC)
        return state


async def test_what_was_committed_is_archived_within_seconds_and_outlives_the_server(
    directory: Path, tmp_path: Path
) -> None:
    server = PrivatePostgres(Surroundings.of_home(Home(directory / "third"), bound=True))
    server.start()
    folder, url = BackupFolder(tmp_path / "kept"), server.url()
    recipient = read_recipient(make_identity(tmp_path / "key"))
    try:
        await asyncio.to_thread(migrate_with_accounts, server)
        own, spool = account_url(url, "backup"), tmp_path / "spool"
        store = LocalArtifacts(tmp_path / "store")
        archiver = Archiver(folder, own, store, recipient, spool, every_s=3600, synchronous=True)
        async with archiving(archiver):
            await eventually(lambda: has_slot(url))
            await take_backup(folder, url=own, store=store, recipient=recipient)
            server.execute("ALTER SYSTEM SET synchronous_standby_names = 'shanhai_archive'")
            server.execute("SELECT pg_reload_conf()")
            await eventually(lambda: is_sync(url))
            await add_region(url, "the-last")
            committed = time.time()
            # Long before the segment is whole, and before a round of an archive that waits for it.
            await eventually(lambda: asyncio.to_thread(reaches, folder, committed))
            # As if the machine were gone, with all it had not handed on.
            process = server.process()
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
    finally:
        server.stop()
    again = restored_server(directory / "fourth")
    identity = read_identity(tmp_path / "key")
    restore(folder, again.data, store=LocalArtifacts(tmp_path / "again"), identity=identity)
    shutil.copy(directory / "third" / "postgres" / "password", again.data.parent / "password")
    # Nobody archives what the restored server writes.
    with (again.data / "postgresql.auto.conf").open("a") as settings:
        settings.write("synchronous_standby_names = ''\n")
    again.start()
    try:
        await eventually(lambda: accepts_writes(again.url()))
        async with open_sessions(again.url()) as sessions, sessions() as session:
            assert await session.scalar(select(Region.code)) == "the-last"
    finally:
        again.stop()


async def is_sync(url: str) -> bool:
    return await sync_state(url) == "sync"


def reaches(folder: BackupFolder[Path], moment: float) -> bool:
    """Whether what was received up to a moment is archived, of a file that is not whole."""
    return any(path.stat().st_mtime >= moment - 0.5 for path in folder.begun().values())
