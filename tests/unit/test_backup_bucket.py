"""Files of backups in a bucket of a real server: whole or not there, and read in ranges."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path, PurePosixPath

import pytest
from pydantic import ValidationError

from shanhai.backup import place
from shanhai.backup.encryption import (
    BackupBroken,
    Digesting,
    make_identity,
    read_identity,
    read_recipient,
    seal,
    unseal,
)
from shanhai.backup.place import BucketPath, alone, remove_tree, writing
from shanhai.backup.repository import BackupFolder
from shanhai.cli.operations import _folder_at, _spool_in
from shanhai.errors import Conflict, InvalidInput, NotFound, Unavailable
from shanhai.settings import ArtifactSettings
from shanhai.storage import object_store
from shanhai.storage.object_store import StoreRefused, connect
from tests.support.object_stores import Environment, HarmfulProxy, settings_of

PART = 5 * 1024**2
"""The least that a service takes as a part which is not the last."""


@pytest.fixture
def root(in_bucket: Environment) -> BucketPath:
    return bucket_path(in_bucket())


def bucket_path(environment: dict[str, str]) -> BucketPath:
    settings = settings_of(environment)
    return BucketPath(connect(settings, settings.bucket or "", settings.prefix), str(settings.root))


def keys(folder: BucketPath) -> set[str]:
    return {str(path.key) for path, _ in folder.stored_below()}


@pytest.mark.parametrize("size", [0, 1, PART, 3 * PART + 1])
def test_what_is_written_is_read_again(
    root: BucketPath, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(place, "PART_BYTES", PART)
    content = bytes(range(251)) * (size // 251 + 1)
    with writing(root / "a" / "file") as file:
        for at in range(0, size, 999_999):
            file.write(content[at : min(at + 999_999, size)])
    assert (root / "a" / "file").stat().st_size == size
    with (root / "a" / "file").open() as read:
        assert read.read() == content[:size]
    assert (root / "a" / "file").read_bytes() == content[:size]


@pytest.mark.parametrize("size", [1, 3 * PART])
def test_what_was_not_finished_never_appears(
    root: BucketPath, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(place, "PART_BYTES", PART)

    def write_some() -> None:
        with writing(root / "file") as file:
            file.write(bytes(size))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_some()
    assert not (root / "file").exists()
    assert keys(root) == set()
    with pytest.raises(NotFound):
        (root / "file").open()


def test_names_are_those_of_a_folder(root: BucketPath) -> None:
    for name in ("wal/a.gz.age", "wal/a.begun.gz.sm4", "objects/ab/abc.tif.age", "cluster"):
        with writing(root / name) as file:
            file.write(b"x")
    assert {path.name for path in (root / "wal").glob("*")} == {"a.gz.age", "a.begun.gz.sm4"}
    assert [path.name for path in (root / "wal").glob("*.begun.gz.*")] == ["a.begun.gz.sm4"]
    [found] = (root / "objects").glob("*/*")
    assert found.relative_to(root) == PurePosixPath("objects/ab/abc.tif.age")
    assert found.suffix == ".age"
    remove_tree(root / "wal")
    assert keys(root) == {"objects/ab/abc.tif.age", "cluster"}


def test_a_base_that_was_begun_is_none(root: BucketPath) -> None:
    with writing(root / "bases" / "now" / "base.tar.gz.age") as file:
        file.write(b"half of it")
    assert BackupFolder(root).manifests() == []


def test_a_folder_is_of_one_cluster(root: BucketPath) -> None:
    BackupFolder(root).claim("7001")
    BackupFolder(root).claim("7001")
    with pytest.raises(Conflict, match="another cluster"):
        BackupFolder(root).claim("7002")


@pytest.mark.parametrize("suite", ["international", "commercial"])
def test_a_sealed_stream_is_opened_again(root: BucketPath, tmp_path: Path, suite: str) -> None:
    recipient = read_recipient(make_identity(tmp_path / "key", suite))  # type: ignore[arg-type]
    sealed = seal(io.BytesIO(b"log" * 100_000), root / "wal" / "segment.gz.age", recipient)
    opened = io.BytesIO()
    unseal(sealed.path, opened, read_identity(tmp_path / "key"))
    assert opened.getvalue() == b"log" * 100_000
    assert sealed.path.stat().st_size == sealed.size
    segment = BackupFolder(root).segment("segment")
    assert str(segment.key) == f"wal/{sealed.path.name}"


class Behind:
    """The same prefix, once as it is and once behind a proxy that does harm."""

    def __init__(self, harmful: HarmfulProxy, in_bucket: Environment) -> None:
        self.proxy = harmful
        self.root = bucket_path(in_bucket())
        self.harmed = bucket_path(in_bucket(url=harmful.url))


@pytest.fixture
def behind(harmful: HarmfulProxy, in_bucket: Environment) -> Behind:
    return Behind(harmful, in_bucket)


@pytest.mark.parametrize(
    ("harm", "error"), [("500", Unavailable), ("503", Unavailable), ("expired", StoreRefused)]
)
def test_a_store_that_fails_midway_has_nothing(
    behind: Behind, monkeypatch: pytest.MonkeyPatch, harm: str, error: type[Unavailable]
) -> None:
    monkeypatch.setattr(place, "PART_BYTES", PART)

    def store() -> None:
        with writing(behind.harmed / "file") as file:
            file.write(bytes(2 * PART))
            behind.proxy.harm, behind.proxy.only = harm, "PUT"
            for _ in range(4):
                file.write(bytes(PART))

    with pytest.raises(error):
        store()
    assert keys(behind.root) == set()


def test_a_store_that_fails_for_a_moment_is_asked_again(behind: Behind) -> None:
    behind.proxy.harm, behind.proxy.times = "503", 2
    with writing(behind.harmed / "file") as file:
        file.write(b"content")
    assert (behind.root / "file").read_bytes() == b"content"


def test_a_file_has_time_on_a_slow_line_and_a_silent_store_is_told(
    harmful: HarmfulProxy, in_bucket: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "PART_BYTES", PART)
    # Less than a slow answer takes.
    monkeypatch.setattr(object_store, "TIMEOUT", timedelta(seconds=0.4))
    file = bucket_path(in_bucket(url=harmful.url)) / "file"
    for harmful.only, size in (("PUT", 1000), ("partNumber=", 3 * PART)):
        harmful.harm = "slow"
        with writing(file) as sink:
            sink.write(bytes(size))
        harmful.only = "GET"
        with file.open() as source:
            assert source.read(size) == bytes(size)
    harmful.only = "HEAD"
    with pytest.raises(Unavailable, match="object store does not answer"):
        file.exists()


@pytest.mark.parametrize("harm", ["cut", "503", "slow"])
def test_a_range_that_breaks_off_is_asked_for_again(behind: Behind, harm: str) -> None:
    with writing(behind.root / "file") as file:
        file.write(bytes(1_000_000))
    source = (behind.harmed / "file").open()
    behind.proxy.harm, behind.proxy.times, behind.proxy.only = harm, 1, "GET"
    with source:
        assert source.read() == bytes(1_000_000)
    assert behind.proxy.times == 0


def test_a_bit_that_was_turned_on_the_way_is_noticed(behind: Behind, tmp_path: Path) -> None:
    recipient = read_recipient(make_identity(tmp_path / "key"))
    sealed = seal(io.BytesIO(bytes(200_000)), behind.root / "base.age", recipient)
    source = behind.harmed / sealed.path.name
    behind.proxy.harm, behind.proxy.only = "flip", "GET"
    with pytest.raises(BackupBroken, match="cannot be decrypted"):
        unseal(source, Digesting(), read_identity(tmp_path / "key"))


def test_one_process_is_at_a_task(root: BucketPath) -> None:
    def enter(task: str) -> None:
        with alone(root, task):
            pass

    with alone(root, "backup"):
        with pytest.raises(Conflict, match="another process is at the backup"):
            enter("backup")
        enter("archive")
    enter("backup")
    assert keys(root) == set()


def test_a_note_is_renewed_and_one_that_is_not_counts_no_more(
    root: BucketPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(root / "locks" / "backup" / "left") as file:
        file.write(b"of a process that was killed")
    monkeypatch.setattr(place, "RENEWED_S", 0.01)
    with pytest.raises(Conflict), alone(root, "backup"):
        raise AssertionError
    monkeypatch.setattr(place, "GIVEN_UP_S", -1.0)
    with alone(root, "backup"):
        # Nanio lists what it is writing, too.
        note = next(one for one in (root / "locks" / "backup").glob("*") if len(one.name) == 32)
        first = note.read_bytes()
        wait_until(lambda: note.read_bytes() != first)
    assert keys(root) == set()


def wait_until(done: Callable[[], bool]) -> None:
    for _ in range(100_000):
        if done():
            return
    raise TimeoutError


def test_an_address_names_a_folder_or_a_bucket(
    tmp_path: Path, in_bucket: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in in_bucket().items():
        if "_S3_" in name:
            monkeypatch.setenv(name.replace("_ARTIFACTS_", "_BACKUP_"), value)
    folder = _folder_at("s3://shanhai/kept/here/")
    assert isinstance(folder.root, BucketPath)
    with writing(folder.root / "cluster") as file:
        file.write(b"7")
    assert str(folder.root / "cluster") == "s3://shanhai/kept/here/cluster"
    assert _folder_at(str(tmp_path)).root == tmp_path
    for address in ("gs://elsewhere", "s3:/shanhai/kept", "S3://shanhai", "s3:shanhai", "s3://b"):
        with pytest.raises(InvalidInput, match="must be a folder or s3://bucket/prefix") as caught:
            _folder_at(address)
        assert "须为文件夹或 s3://存储桶/前缀" in caught.value.message_zh
        with pytest.raises(ValidationError, match="must be a folder or s3://bucket/prefix"):
            ArtifactSettings(root=address)
    with pytest.raises(InvalidInput, match="SHANHAI_BACKUP_SPOOL"):
        _spool_in("s3://shanhai/kept")
