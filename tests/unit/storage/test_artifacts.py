"""The local artifact store: content names, durability of the steps, no way out of the folder."""

import hashlib
import os
import resource
import time
from pathlib import Path
from uuid import uuid4

import pytest

from shanhai.errors import InvalidInput, NotFound
from shanhai.storage.artifacts import GRACE_S, LocalArtifacts, sha256_of
from tests.support.room import room_for


def file_with(folder: Path, content: bytes) -> Path:
    path = folder / uuid4().hex
    path.write_bytes(content)
    return path


def test_a_file_is_named_by_its_content(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path / "store")
    stored = store.put(file_with(tmp_path, b"zones"), suffix=".tif")
    digest = hashlib.sha256(b"zones").hexdigest()
    assert stored.sha256 == digest
    assert stored.uri == f"objects/{digest[:2]}/{digest}.tif"
    assert stored.bytes == 5
    assert store.local_path(stored.uri).read_bytes() == b"zones"


def test_the_same_content_is_stored_once(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path / "store")
    first = store.put(file_with(tmp_path, b"same"), suffix=".tif")
    written = store.local_path(first.uri).stat().st_ino
    second = store.put(file_with(tmp_path, b"same"), suffix=".tif")
    assert second == first
    assert store.local_path(first.uri).stat().st_ino == written


def test_the_names_of_files_are_made_durable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LocalArtifacts(tmp_path / "store")
    synced: list[Path] = []
    monkeypatch.setattr("shanhai.storage.artifacts.sync_folder", synced.append)
    objects = store.root / "objects"
    for _ in ("placed", "found there, as another process may just have placed it"):
        synced.clear()
        path = store.root / store.put(file_with(tmp_path, b"zones"), suffix=".tif").uri
        assert synced == [path.parent, objects, store.root]
    synced.clear()
    with store.receive(uuid4(), 0) as sink:
        sink.write(b"upload")
    assert synced == [store.root / "uploads", store.root]


def test_nothing_is_left_aside(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path / "store")
    store.put(file_with(tmp_path, b"x" * 3_000_000), suffix=".bin")
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_what_found_no_room_is_not_left_aside(tmp_path: Path) -> None:
    store = LocalArtifacts(tmp_path / "store")
    large = file_with(tmp_path, b"x" * 3_000_000)
    with room_for(1_000_000), pytest.raises(OSError, match="File too large"):
        store.put(large, suffix=".bin")
    assert list((tmp_path / "store" / "incoming").iterdir()) == []


def test_what_killed_processes_left_aside_is_removed_once_nobody_can_write_it(
    tmp_path: Path,
) -> None:
    store = LocalArtifacts(tmp_path / "store")
    left, written = store.scratch(), store.scratch()
    for path, age_s in ((left, GRACE_S + 60), (written, GRACE_S - 60)):
        path.write_bytes(b"half")
        os.utime(path, (0, time.time() - age_s))
    store.put(file_with(tmp_path, b"zones"), suffix=".tif")
    assert list((tmp_path / "store" / "incoming").iterdir()) == [written]


def test_sha256_reads_files_larger_than_a_block(tmp_path: Path) -> None:
    content = bytes(range(256)) * 10_000
    assert sha256_of(file_with(tmp_path, content)) == hashlib.sha256(content).hexdigest()


def test_unknown_addresses_are_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="objects/aa/none"):
        LocalArtifacts(tmp_path).local_path("objects/aa/none.tif")


@pytest.mark.parametrize("uri", ["../secret", "/etc/passwd", "objects/../../secret"])
def test_no_address_leads_out_of_the_store(tmp_path: Path, uri: str) -> None:
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(InvalidInput, match="leaves the store"):
        LocalArtifacts(tmp_path / "store").local_path(uri)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = tmp_path / "store"
    root.mkdir()
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(InvalidInput, match="leaves the store"):
        LocalArtifacts(root).local_path("link")


def test_a_store_without_room_is_named(tmp_path: Path) -> None:
    store, source = LocalArtifacts(tmp_path / "store"), tmp_path / "source"
    source.write_bytes(b"x" * 100)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
    try:
        with pytest.raises(OSError, match="too large") as caught:
            store.put(source, suffix=".tif")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert Path(caught.value.filename).is_relative_to(tmp_path / "store" / "objects")
