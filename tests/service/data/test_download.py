import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from shanhai.data.download import Reporter, default_cache, ensure_package, file_lock
from shanhai.data.regions import Package
from shanhai.errors import Unavailable
from tests.support.serving import join

CONTENT = bytes(range(256)) * 4_000


class Archive(BaseHTTPRequestHandler):
    """Serves CONTENT with ranges; hangs up half-way as often as `breaks` says."""

    breaks = 0
    status = 200
    ranges: list[str | None] = []  # noqa: RUF012 - the log of one server, reset per test

    def do_GET(self) -> None:
        self.ranges.append(self.headers["Range"])
        if Archive.status != 200:
            self.send_error(Archive.status)
            return
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        body = CONTENT[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if Archive.breaks:
            Archive.breaks -= 1
            self.wfile.write(body[: len(body) // 2])
            return
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""


@pytest.fixture
def server() -> Iterator[str]:
    Archive.breaks, Archive.status = 0, 200
    Archive.ranges.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Archive) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}/archive.whl"
        httpd.shutdown()
        join(thread)


def nobody(package: Package) -> str:
    pytest.fail(f"asked for {package}")


def package(content: bytes = CONTENT) -> Package:
    sha256 = hashlib.sha256(content).hexdigest()
    return Package("pypi", "thing", "1.0", "thing-1.0.whl", sha256, len(content))


def test_second_call_asks_nobody(server: str, tmp_path: Path, reporter: Reporter) -> None:
    path = ensure_package(package(), tmp_path, reporter, find=lambda _: server)
    assert path.read_bytes() == CONTENT
    assert ensure_package(package(), tmp_path, reporter, find=nobody) == path
    assert len(Archive.ranges) == 1


def test_partial_file_is_continued(server: str, tmp_path: Path, reporter: Reporter) -> None:
    part = tmp_path / "packages" / "thing-1.0.whl.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:1000])
    path = ensure_package(package(), tmp_path, reporter, find=lambda _: server)
    assert path.read_bytes() == CONTENT
    assert Archive.ranges == ["bytes=1000-"]
    assert not part.exists()


def test_broken_transfer_goes_on_where_it_stopped(
    server: str, tmp_path: Path, reporter: Reporter
) -> None:
    Archive.breaks = 1
    path = ensure_package(package(), tmp_path, reporter, find=lambda _: server)
    assert path.read_bytes() == CONTENT
    assert Archive.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_other_bytes_are_dropped(server: str, tmp_path: Path, reporter: Reporter) -> None:
    with pytest.raises(Unavailable, match="sha256"):
        ensure_package(package(b"other"), tmp_path, reporter, find=lambda _: server)
    assert [path.suffix for path in (tmp_path / "packages").iterdir()] == [".lock"]


def test_damaged_file_in_the_cache_is_fetched_again(
    server: str, tmp_path: Path, reporter: Reporter
) -> None:
    path = ensure_package(package(), tmp_path, reporter, find=lambda _: server)
    path.write_bytes(b"damaged")
    assert ensure_package(package(), tmp_path, reporter, find=lambda _: server) == path
    assert path.read_bytes() == CONTENT


def test_registry_that_wants_a_login_is_left_to_its_own_tool(
    server: str, tmp_path: Path, reporter: Reporter
) -> None:
    Archive.status = 401

    def tool(_: Package, folder: Path) -> Path:
        (folder / "named-otherwise.whl").write_bytes(CONTENT)
        return folder / "named-otherwise.whl"

    path = ensure_package(package(), tmp_path, reporter, find=lambda _: server, fallback=tool)
    assert path.read_bytes() == CONTENT


def test_local_mirror_is_copied(tmp_path: Path, reporter: Reporter) -> None:
    mirror = tmp_path / "mirror.whl"
    mirror.write_bytes(CONTENT)
    path = ensure_package(package(), tmp_path, reporter, find=lambda _: mirror.as_uri())
    assert path.read_bytes() == CONTENT


def test_two_at_once_download_once(server: str, tmp_path: Path, reporter: Reporter) -> None:
    calls = [
        threading.Thread(
            target=ensure_package, args=(package(), tmp_path, reporter), kwargs={"find": find}
        )
        for find in [lambda _: server] * 2
    ]
    for call in calls:
        call.start()
    join(*calls)
    assert len(Archive.ranges) == 1


def test_cache_follows_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "shanhai"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_cache() == tmp_path / ".cache" / "shanhai"


def test_waiting_is_said_and_ends_with_the_lock(tmp_path: Path) -> None:
    output, entered = StringIO(), threading.Event()

    def wait() -> None:
        with file_lock(tmp_path / "a.lock", Reporter(Console(file=output, width=200))):
            entered.set()

    with file_lock(tmp_path / "a.lock", Reporter(Console(file=StringIO()))):
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert not entered.wait(0.2)
    join(waiter)
    assert entered.is_set()
    assert output.getvalue().startswith("waiting for another process")
