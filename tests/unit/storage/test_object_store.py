import hashlib
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import obstore
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from shanhai.errors import InvalidInput, NotFound, Unavailable
from shanhai.settings import ArtifactSettings
from shanhai.storage import fetched, object_store
from shanhai.storage.artifacts import (
    LocalArtifacts,
    StoredFile,
    copy_missing,
    find_orphans,
    missing_files,
    remove,
)
from shanhai.storage.fetched import BLOCK_BYTES, Damaged
from shanhai.storage.object_store import PART_BYTES, ObjectArtifacts, StoreRefused
from tests.support.object_stores import SECRET, Environment, HarmfulProxy, open_bucket

LARGE = os.urandom(5 * BLOCK_BYTES // 2)
IN_PARTS = os.urandom(PART_BYTES) + LARGE


@pytest.fixture
def bucket_store(in_bucket: Environment) -> ObjectArtifacts:
    return open_bucket(in_bucket())


@pytest.fixture
def other_machine(in_bucket: Environment, tmp_path: Path) -> Callable[..., ObjectArtifacts]:
    """The same store from another machine, with other settings."""
    return lambda **more: open_bucket(in_bucket(cache=tmp_path / uuid.uuid4().hex, **more))


def put(store: ObjectArtifacts, tmp_path: Path, content: bytes = LARGE) -> str:
    path = tmp_path / "file.bin"
    path.write_bytes(content)
    stored = store.put(path, suffix=".bin")
    assert (stored.sha256, stored.bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    return stored.uri


@pytest.mark.parametrize("content", [b"", b"zones", IN_PARTS], ids=["empty", "small", "in parts"])
def test_what_is_put_is_read_elsewhere(
    bucket_store: ObjectArtifacts,
    other_machine: Callable[..., ObjectArtifacts],
    tmp_path: Path,
    content: bytes,
) -> None:
    uri, other = put(bucket_store, tmp_path, content), other_machine()
    assert bucket_store.has(uri)
    assert other.local_path(uri).read_bytes() == content
    with other_machine().open(uri) as file:
        assert file.read() == content
    held = other.hold(uri, tmp_path)
    assert held.read_bytes() == content
    assert [file.uri for file in bucket_store.files() if file.uri == uri] == [uri]


def test_nothing_is_where_nothing_was_put(bucket_store: ObjectArtifacts) -> None:
    uri = f"objects/aa/{'a' * 64}.bin"
    assert not bucket_store.has(uri)
    for read in (bucket_store.local_path, bucket_store.ranged):
        with pytest.raises(NotFound, match="aaaa"):
            read(uri)


def test_a_part_is_read_without_the_rest(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path
) -> None:
    uri = put(open_bucket(in_bucket()), tmp_path, IN_PARTS)
    bucket_store = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    found = bucket_store.ranged(uri)
    assert not isinstance(found, Path)
    assert (
        found.read(BLOCK_BYTES - 5, BLOCK_BYTES + 5) == IN_PARTS[BLOCK_BYTES - 5 : BLOCK_BYTES + 5]
    )
    asked = sum("/objects/" in line for line in harmful.seen)
    assert (
        found.read(BLOCK_BYTES - 9, BLOCK_BYTES + 9) == IN_PARTS[BLOCK_BYTES - 9 : BLOCK_BYTES + 9]
    )
    assert sum("/objects/" in line for line in harmful.seen) == asked == 1
    assert found.path.stat().st_blocks * 512 < len(IN_PARTS) // 2


def test_what_was_fetched_serves_after_a_restart(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path
) -> None:
    uri = put(open_bucket(in_bucket()), tmp_path)
    for _ in range(2):
        found = open_bucket(in_bucket(url=harmful.url)).ranged(uri)
        assert not isinstance(found, Path)
        found.ensure(0, 10)
    assert sum("/objects/" in line for line in harmful.seen) == 1
    assert not isinstance(found, Path)
    os.truncate(found.path, 0)  # as a power cut might leave it
    again = open_bucket(in_bucket(url=harmful.url)).ranged(uri)
    assert not isinstance(again, Path)
    assert again.read(0, 10) == LARGE[:10]


@pytest.mark.parametrize("harm", ["500", "503", "cut", "slow"])
def test_what_passes_is_got_over(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path, harm: str
) -> None:
    bucket_store = open_bucket(in_bucket(url=harmful.url))
    harmful.harm, harmful.times = harm, 1
    uri = put(bucket_store, tmp_path)
    harmful.times, harmful.only = 1, "GET"
    other = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    assert other.local_path(uri).read_bytes() == LARGE


@pytest.mark.parametrize("harm", ["500", "503", "cut"])
def test_what_stays_is_told_and_leaves_nothing_half(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path, harm: str
) -> None:
    bucket_store = open_bucket(in_bucket(url=harmful.url))
    if harm != "cut":  # what answers a PUT has no body
        harmful.harm, harmful.only = harm, "/objects/"
        with pytest.raises(Unavailable, match="object store does not answer"):
            put(bucket_store, tmp_path)
    harmful.harm = ""
    uri = put(bucket_store, tmp_path)  # the same again
    harmful.harm, harmful.only = harm, "GET /"
    other = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    with pytest.raises(Unavailable, match="object store does not answer"):
        other.local_path(uri)
    assert not list((tmp_path / "other" / "objects").rglob("*.bin"))
    harmful.harm = ""
    assert other.local_path(uri).read_bytes() == LARGE


@pytest.mark.parametrize("harm", ["500", "503", "slow"])
@pytest.mark.parametrize("step", ["?uploads", "partNumber=2", "?uploadId"])
def test_what_passes_while_a_file_is_sent_in_parts_is_got_over(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path, step: str, harm: str
) -> None:
    harmful.harm, harmful.only, harmful.times = harm, step, 1
    bucket_store = open_bucket(in_bucket(url=harmful.url))
    uri = put(bucket_store, tmp_path, IN_PARTS)
    assert harmful.times == 0
    assert bucket_store.local_path(uri).read_bytes() == IN_PARTS


@pytest.mark.parametrize(
    ("step", "harm", "there"),
    [
        ("?uploads", "503", []),
        ("?uploads", "cut", []),
        ("partNumber=2", "503", []),
        ("?uploadId", "503", []),
        ("?uploadId", "cut", [len(IN_PARTS)]),
    ],
)
def test_a_file_whose_parts_are_refused_is_whole_or_not_there(
    in_bucket: Environment,
    harmful: HarmfulProxy,
    tmp_path: Path,
    step: str,
    harm: str,
    there: list[int],
) -> None:
    harmful.harm, harmful.only = harm, step
    bucket_store = open_bucket(in_bucket(url=harmful.url))
    with pytest.raises(Unavailable, match="object store does not answer"):
        put(bucket_store, tmp_path, IN_PARTS)
    assert [file.bytes for file in bucket_store.files() if file.uri.endswith(".bin")] == there
    harmful.harm = ""
    uri = put(bucket_store, tmp_path, IN_PARTS)
    assert bucket_store.local_path(uri).read_bytes() == IN_PARTS


@pytest.mark.parametrize("content", [LARGE, IN_PARTS], ids=["small", "in parts"])
def test_what_is_sent_by_a_slow_line_has_time_and_a_silent_store_is_told(
    in_bucket: Environment,
    harmful: HarmfulProxy,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: bytes,
) -> None:
    # Less than a slow answer takes.
    monkeypatch.setattr(object_store, "TIMEOUT", timedelta(seconds=0.4))
    environment = in_bucket(url=harmful.url)
    root = environment["SHANHAI_ARTIFACTS_ROOT"].removeprefix("s3:/")
    bucket_store, upload = open_bucket(environment), uuid.uuid4()
    harmful.harm, harmful.only = "slow", f"PUT {root}/objects/"
    assert bucket_store.local_path(put(bucket_store, tmp_path, content)).read_bytes() == content
    harmful.only = f"PUT {root}/uploads/"
    with bucket_store.receive(upload, 0) as sink:
        sink.write(content)
    assert bucket_store.received(upload) == len(content)
    harmful.only = "HEAD"
    with pytest.raises(Unavailable, match="object store does not answer"):
        put(bucket_store, tmp_path, content + b"more")


def test_no_store_is_told(in_bucket: Environment, tmp_path: Path) -> None:
    bucket_store = open_bucket(in_bucket(url="http://127.0.0.1:9"))
    with pytest.raises(Unavailable, match=r"does not answer \(no connection\)"):
        put(bucket_store, tmp_path)


def test_a_bucket_that_is_not_there_is_told(in_bucket: Environment, tmp_path: Path) -> None:
    bucket_store = open_bucket(in_bucket(root="s3://not-there/files"))
    for ask in (lambda: put(bucket_store, tmp_path), lambda: list(bucket_store.files())):
        with pytest.raises(Unavailable, match="no such bucket"):
            ask()


@pytest.fixture
def another_server() -> Iterator[str]:
    """A server that speaks HTTP and has nothing anywhere, as one that is no object store."""

    class Nothing(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_error(404)

        do_GET = do_HEAD = do_POST = do_PUT

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_an_address_where_nothing_can_be_put_is_told(
    in_bucket: Environment, another_server: str, tmp_path: Path
) -> None:
    bucket_store = open_bucket(in_bucket(url=another_server))
    with pytest.raises(Unavailable, match="the object store has no such bucket"):
        put(bucket_store, tmp_path)


def test_what_is_not_as_stored_is_named_and_not_used(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path
) -> None:
    uri = put(open_bucket(in_bucket()), tmp_path)
    bucket_store = open_bucket(in_bucket(cache=tmp_path / "other", url=harmful.url))
    harmful.harm, harmful.only = "flip", "/objects/"
    with pytest.raises(Damaged, match=uri):
        bucket_store.local_path(uri)
    found = bucket_store.ranged(uri)
    assert not isinstance(found, Path)
    with pytest.raises(Damaged, match=uri):
        found.read(0, len(LARGE))
    harmful.harm = ""
    assert found.read(0, len(LARGE)) == LARGE


def test_sums_that_are_lost_or_damaged_are_made_anew(
    bucket_store: ObjectArtifacts, other_machine: Callable[..., ObjectArtifacts], tmp_path: Path
) -> None:
    uri = put(bucket_store, tmp_path)
    sums = f"sums/{uri[8:10]}/{uri[11:75]}"
    right = obstore.get(bucket_store.store, sums).bytes().to_bytes()
    former = right[:40] + hashlib.sha256(LARGE).digest()
    for wrong in (right[:-1], former + hashlib.sha256(former).digest()):
        obstore.put(bucket_store.store, sums, wrong)
        assert other_machine().local_path(uri).read_bytes() == LARGE
        assert obstore.get(bucket_store.store, sums).bytes().to_bytes() == right
    obstore.put(bucket_store.store, uri, LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
    obstore.delete(bucket_store.store, sums)
    with pytest.raises(Damaged, match="not what its name says"):
        other_machine().local_path(uri)


@pytest.mark.parametrize("wrong", ["key", "ended"])
def test_credentials_that_do_not_hold_are_told_and_not_shown(
    in_bucket: Environment, harmful: HarmfulProxy, tmp_path: Path, wrong: str
) -> None:
    more = {"s3_secret_access_key": "another"} if wrong == "key" else {}
    bucket_store = open_bucket(in_bucket(url=harmful.url, **more))
    harmful.harm = "expired" if wrong == "ended" else ""
    with capture_logs() as logs:
        for ask in (lambda: put(bucket_store, tmp_path), lambda: list(bucket_store.files())):
            with pytest.raises(StoreRefused, match="refuses the credentials") as told:
                ask()
            assert SECRET not in str(told.value)
    assert SECRET not in str(logs)
    assert "Credential=" not in str(logs)


def test_credentials_are_read_anew_when_they_end(in_bucket: Environment, tmp_path: Path) -> None:
    file = tmp_path / "credentials.json"
    more = {"s3_access_key_id": "", "s3_secret_access_key": "", "s3_credentials_file": file}
    bucket_store = open_bucket(in_bucket(**more))
    ended = "2020-01-01T00:00:00+00:00"
    text = '{{"access_key_id": "testkey", "secret_access_key": "{}", "expires": "{}"}}'
    file.write_text(text.format("former", ended))
    with pytest.raises(StoreRefused):
        put(bucket_store, tmp_path)
    file.write_text(text.format(SECRET, ended))
    assert bucket_store.has(put(bucket_store, tmp_path))
    file.write_text("{}")
    with pytest.raises(StoreRefused, match=f"{file.name} has no credentials"):
        list(bucket_store.files())
    file.unlink()
    with pytest.raises(StoreRefused, match=f"{file.name} has no credentials"):
        list(bucket_store.files())


def test_a_bucket_in_the_host_name_needs_a_name() -> None:
    for endpoint in ("http://127.0.0.1:9000", "http://[::1]:9000"):
        with pytest.raises(ValidationError, match="needs an endpoint with a name"):
            ArtifactSettings(root="s3://shanhai", s3_endpoint=endpoint, s3_path_style=False)
    named = "https://oss-cn-beijing.aliyuncs.com"
    assert ArtifactSettings(root="s3://shanhai", s3_endpoint=named, s3_path_style=False).bucket


def test_uploads_go_on_where_they_stopped(
    bucket_store: ObjectArtifacts,
    other_machine: Callable[..., ObjectArtifacts],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    upload, other = uuid.uuid4(), other_machine()
    monkeypatch.setattr(object_store, "PART_BYTES", 100_000)

    def send(bucket_store: ObjectArtifacts, start: int, end: int) -> None:
        with bucket_store.receive(upload, start) as sink:
            for at in range(start, end, 30_000):
                sink.write(LARGE[at : min(at + 30_000, end)])

    send(bucket_store, 0, 150_000)
    assert other.received(upload) == 150_000
    with suppress(ConnectionError), bucket_store.receive(upload, 150_000) as sink:
        sink.write(LARGE[150_000:150_500])
        raise ConnectionError
    assert other.received(upload) == 150_500
    send(other, 150_500, len(LARGE))
    send(bucket_store, 150_500, 150_600)  # a request that was overtaken ends late
    assert bucket_store.received(upload) == len(LARGE)
    sha256 = hashlib.sha256(LARGE).hexdigest()
    assert bucket_store.upload_digest(upload) == sha256
    assert other.hold(f"uploads/{upload}", tmp_path, sha256).read_bytes() == LARGE
    with pytest.raises(InvalidInput, match="not what was sent"):
        other.hold(f"uploads/{upload}", tmp_path, hashlib.sha256(LARGE[1:]).hexdigest())
    bucket_store.drop_upload(upload)
    assert other.received(upload) == 0
    with pytest.raises(NotFound):
        other.hold(f"uploads/{upload}", tmp_path)


def test_a_piece_is_stored_without_a_look_at_those_before_it(
    bucket_store: ObjectArtifacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload, list_pages = uuid.uuid4(), obstore.list
    listed: list[str] = []

    def noted(*asked: Any, **options: Any) -> Iterator[Any]:
        for page in list_pages(*asked, **options):
            listed.extend(one["path"].rpartition("/")[2] for one in page)
            yield page

    monkeypatch.setattr(object_store, "PART_BYTES", 1000)
    monkeypatch.setattr(obstore, "list", noted)
    for start in (0, 20_000):
        with bucket_store.receive(upload, start) as sink:
            sink.write(LARGE[start : start + 20_000])
    assert listed == []
    for start in (0, 7000, 39_000):
        with bucket_store.receive(upload, start) as sink:
            sink.write(LARGE[start : start + 10])  # a request that was overtaken ends late
        assert listed[0] == f"{start:015d}"
        listed.clear()
    assert bucket_store.upload_digest(upload) == hashlib.sha256(LARGE[:40_000]).hexdigest()


def test_uploads_are_listed(bucket_store: ObjectArtifacts) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    for upload in (one, one, other):
        with bucket_store.receive(upload, bucket_store.received(upload)) as sink:
            sink.write(b"bytes")
    found = list(bucket_store.uploads())
    assert sorted(upload for upload, _ in found) == sorted([one, one, other])
    assert all(abs(time.time() - at) < 3600 for _, at in found)


def test_what_nobody_names_is_removed(bucket_store: ObjectArtifacts, tmp_path: Path) -> None:
    kept, dropped = put(bucket_store, tmp_path, b"kept"), put(bucket_store, tmp_path, b"dropped")
    orphans, number = find_orphans(bucket_store, {kept}, grace_s=-60)
    assert ([file.uri for file in orphans], number) == ([dropped], 2)
    # Some servers list fractions of a second, which their headers leave out.
    orphans = [replace(file, modified=int(file.modified) + 0.75) for file in orphans]
    assert remove(bucket_store, orphans) == (1, len("dropped"))
    assert missing_files(bucket_store, {kept, dropped}) == [dropped]
    assert remove(bucket_store, orphans) == (0, 0)


def test_what_is_stored_again_is_not_removed(bucket_store: ObjectArtifacts, tmp_path: Path) -> None:
    uri = put(bucket_store, tmp_path, b"again")
    (file,) = bucket_store.files()
    assert not bucket_store.remove_unchanged(uri, file.modified - 48 * 3600)
    assert bucket_store.has(uri)


def test_who_stores_what_is_being_removed_waits_and_stores_it_again(
    bucket_store: ObjectArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(bucket_store, tmp_path, b"raced")
    (file,) = bucket_store.files()
    monkeypatch.setattr(object_store, "GRACE_S", 0)  # it counts as old
    delete, began = obstore.delete, time.monotonic()

    def slow(where: Any, path: str) -> None:
        if path == uri:
            time.sleep(0.7)
        delete(where, path)

    monkeypatch.setattr(obstore, "delete", slow)
    with ThreadPoolExecutor(1) as apart:
        removing = apart.submit(bucket_store.remove_unchanged, uri, file.modified)
        time.sleep(0.3)
        put(bucket_store, tmp_path, b"raced")
        assert removing.result()
    assert time.monotonic() - began > 0.7
    assert bucket_store.has(uri)


def test_the_longest_unused_goes(in_bucket: Environment, tmp_path: Path) -> None:
    bucket_store = open_bucket(in_bucket(cache_mb=64))
    bucket_store.fetched.capacity = 7 * len(LARGE) // 2
    uris = [put(bucket_store, tmp_path, bytes([n]) + LARGE) for n in range(4)]
    paths = [bucket_store.local_path(uri) for uri in uris[:3]]
    ago = time.time() - 2 * fetched.IN_USE_S
    for n, path in enumerate(paths):
        os.utime(path, (ago + n, ago + n))
    bucket_store.fetched.whole(uris[0])  # used just now
    bucket_store.local_path(uris[3])
    assert [path.exists() for path in paths] == [True, False, True]


def open_files(folder: Path) -> list[tuple[str, int]]:
    """Files below a folder that this process has open, and how many names each has."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            name = link.readlink()
            if name.is_relative_to(folder):
                found.append((name.name, link.stat().st_nlink))
    return found


def test_what_was_removed_takes_no_room(
    bucket_store: ObjectArtifacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uris = [put(bucket_store, tmp_path, bytes([n]) + LARGE) for n in range(5)]
    folder = bucket_store.fetched.folder
    bucket_store.local_path(uris[0])
    assert open_files(folder / "parts") == []

    def fetch_part(uri: str) -> None:
        found = bucket_store.ranged(uri)
        assert not isinstance(found, Path)
        assert found.read(0, 10) == bytes([uris.index(uri)]) + LARGE[:9]

    def age() -> None:
        ago = time.time() - 2 * fetched.IN_USE_S
        for path in folder.rglob("*.bin"):
            os.utime(path, (ago, ago))

    fetch_part(uris[1])
    fetch_part(uris[2])
    age()
    bucket_store.fetched.capacity = len(LARGE) + 1
    fetch_part(uris[3])
    assert [links for _, links in open_files(folder)] == [1]
    # Another process removes it; this one goes on with what is there.
    fetch_part(uris[4])
    age()
    (folder / "parts" / uris[3].rpartition("/")[2]).unlink()
    monkeypatch.setattr(fetched, "IN_USE_S", 0.0)
    fetch_part(uris[4])
    assert [links for _, links in open_files(folder)] == [1]


def test_many_fetch_the_same_at_once(
    bucket_store: ObjectArtifacts, other_machine: Callable[..., ObjectArtifacts], tmp_path: Path
) -> None:
    uri, other = put(bucket_store, tmp_path), other_machine()
    with ThreadPoolExecutor(8) as many:
        paths = set(many.map(lambda _: other.local_path(uri), range(8)))
    assert [path.read_bytes() for path in paths] == [LARGE]


def test_files_move_there_and_back(bucket_store: ObjectArtifacts, tmp_path: Path) -> None:
    folder, back = LocalArtifacts(tmp_path / "bucket_store"), LocalArtifacts(tmp_path / "back")
    for content in (b"one", LARGE, b""):
        (tmp_path / "file").write_bytes(content)
        folder.put(tmp_path / "file", suffix=".tar.gz")
    uris = {file.uri for file in folder.files()}
    told: list[StoredFile] = []
    assert copy_missing(folder, bucket_store, told.append, {}) == 3
    assert copy_missing(folder, bucket_store, told.append, {}) == 0
    assert {file.uri for file in told} == uris == {file.uri for file in bucket_store.files()}
    assert copy_missing(bucket_store, back, told.append, {}) == 3
    assert {uri: back.local_path(uri).read_bytes() for uri in uris} == {
        uri: folder.local_path(uri).read_bytes() for uri in uris
    }


def test_what_is_damaged_is_not_moved(bucket_store: ObjectArtifacts, tmp_path: Path) -> None:
    folder = LocalArtifacts(tmp_path / "bucket_store")
    (tmp_path / "file").write_bytes(b"right")
    uri = folder.put(tmp_path / "file", suffix=".bin").uri
    (folder.root / uri).write_bytes(b"wrong")
    sound = []
    for content in (b"one", b"two", b"three"):
        (tmp_path / "file").write_bytes(content)
        sound.append(folder.put(tmp_path / "file", suffix=".bin").uri)
    damaged: dict[StoredFile, str] = {}
    assert copy_missing(folder, bucket_store, print, damaged) == len(sound)
    [(file, told)] = damaged.items()
    assert file.uri == uri
    for word in (uri, hashlib.sha256(b"wrong").hexdigest(), "restore it with"):
        assert word in told
    # Nor is what it has become stored under another name.
    assert {file.uri for file in bucket_store.files()} == {*sound}
