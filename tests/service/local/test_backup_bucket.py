"""The restore drill with backups in a bucket: back up, go on, lose all but the bucket, restore."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from shanhai.backup.base_backup import prune, take_backup, verify
from shanhai.backup.encryption import BackupBroken, make_identity, read_identity, read_recipient
from shanhai.backup.place import BucketPath
from shanhai.backup.repository import BackupFolder
from shanhai.backup.restore import restore
from shanhai.backup.server import Archiver
from shanhai.db.tables.zone import Region
from shanhai.errors import Conflict, Unavailable
from shanhai.local.places import Home
from shanhai.local.servers import PrivatePostgres, Surroundings
from shanhai.storage.artifacts import LocalArtifacts
from shanhai.storage.object_store import connect
from tests.service.local.test_backup import (
    accepts_writes,
    add_region,
    archiving,
    has_slot,
    restored_server,
)
from tests.support.accounts import account_url, migrate_with_accounts
from tests.support.job_rows import open_sessions
from tests.support.object_stores import Environment, HarmfulProxy, settings_of
from tests.support.run_directory import run_directory
from tests.support.workers import eventually

pytestmark = [pytest.mark.db, pytest.mark.long]


@pytest.fixture
def own_directory() -> Iterator[Path]:
    with run_directory() as path:
        yield path


def folder_at(environment: dict[str, str]) -> BackupFolder[BucketPath]:
    settings = settings_of(environment)
    store = connect(settings, settings.bucket or "", settings.prefix)
    return BackupFolder(BucketPath(store, str(settings.root)))


def has_archived(folder: BackupFolder[BucketPath], segment: str) -> bool:
    return max(folder.segments(), default="") > segment


@pytest.mark.timeout(600)
async def test_what_was_at_the_moment_comes_back_from_the_bucket_alone(
    own_directory: Path, tmp_path: Path, in_bucket: Environment, harmful: HarmfulProxy
) -> None:
    server = PrivatePostgres(Surroundings.of_home(Home(own_directory / "first"), bound=True))
    server.start()
    folder, harmed = folder_at(in_bucket()), folder_at(in_bucket(url=harmful.url))
    store = LocalArtifacts(tmp_path / "store")
    (tmp_path / "early").write_bytes(b"a result before the backup")
    (tmp_path / "late").write_bytes(b"a result after it")
    recipient = read_recipient(make_identity(tmp_path / "key"))
    try:
        await asyncio.to_thread(migrate_with_accounts, server)
        url = account_url(server.url(), "backup")
        early = store.put(tmp_path / "early", suffix=".bin").uri
        archiver = Archiver(harmed, url, store, recipient, tmp_path / "spool", every_s=0.2)
        async with archiving(archiver):
            await eventually(lambda: has_slot(server.url()))
            with pytest.raises(Conflict, match="archive"):
                await archiver.run(asyncio.Event())
            # A backup whose store fails is none, and the next clears what it left.
            harmful.harm, harmful.only = "503", "/bases/"
            with pytest.raises(Unavailable):
                await take_backup(harmed, url=url, store=store, recipient=recipient)
            assert folder.manifests() == []
            harmful.harm = ""
            manifest = await take_backup(harmed, url=url, store=store, recipient=recipient)
            assert manifest.objects == {early: 26}
            await add_region(server.url(), "last-to-keep")
            late = store.put(tmp_path / "late", suffix=".bin").uri
            moment = await add_region(server.url(), "marks-the-moment")
            await add_region(server.url(), "never-meant")
            # The archive outlives a store that is away for a while: the log waits in the spool.
            harmful.harm, harmful.only = "500", "PUT"
            server.execute("SELECT pg_switch_wal()")
            seen = len(harmful.seen)
            await eventually(lambda: asyncio.to_thread(lambda: len(harmful.seen) > seen + 8))
            assert not has_archived(folder, manifest.last_segment)
            harmful.harm = ""
            await eventually(lambda: asyncio.to_thread(has_archived, folder, manifest.last_segment))
    finally:
        server.stop()
    identity = read_identity(tmp_path / "key")
    assert [one.name for one in folder.manifests()] == [manifest.name]
    assert {path.parent.name for path in folder.bases.glob("*/*")} == {manifest.name}
    found = verify(folder, identity)
    assert (found.bases, found.objects, found.gaps, found.opened) == (1, 2, 0, True)
    again = restored_server(own_directory / "second")
    kept = LocalArtifacts(tmp_path / "kept")
    told = restore(folder, again.data, store=kept, identity=identity, to=moment)
    assert told.checked
    assert told.objects == 2
    with kept.open(late) as file:
        assert file.read() == b"a result after it"
    shutil.copy(own_directory / "first" / "postgres" / "password", again.data.parent / "password")
    again.start()
    try:
        await eventually(lambda: accepts_writes(again.url()))
        async with open_sessions(again.url()) as sessions, sessions() as session:
            codes = set(await session.scalars(select(Region.code)))
            assert {"last-to-keep", "marks-the-moment"} <= codes
            assert "never-meant" not in codes
    finally:
        again.stop()
    # Pruning keeps the only base; a file that was changed in the bucket is named.
    now = manifest.ended_at + timedelta(days=30)
    assert prune(folder, store=store, keep_days=14, now=now).bases == 0
    harmful.harm, harmful.only = "flip", f"/bases/{manifest.name}/base"
    with pytest.raises(BackupBroken, match="not as it was written"):
        verify(harmed, None)
