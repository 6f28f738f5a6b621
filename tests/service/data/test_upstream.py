import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from shanhai.data.upstream import PART, RemoteFile, Upstream
from shanhai.errors import InvalidInput, NotFound, Unavailable
from tests.support.upstream import files
from tests.support.upstream.control import Upstreams
from tests.support.upstream.files import elevation_name

HOSTS = (
    files.DEM,
    "data.worldpop.org",
    "*.blob.core.windows.net",
    "planetarycomputer.microsoft.com",
    "example.org",
)
NAME = elevation_name(119, 27)
DEM = RemoteFile(f"https://{files.DEM}/{NAME}/{NAME}.tif")
PATTERN = f"{files.DEM}/*"
THREADS = 4


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def upstream(upstreams: Upstreams, tmp_path: Path, waits: list[float]) -> Iterator[Upstream]:
    with client(upstreams, tmp_path, waits) as made:
        yield made


def client(upstreams: Upstreams, cache: Path, waits: list[float], **rest: Any) -> Upstream:
    return Upstream(HOSTS, cache, mirror=upstreams.address, pause=waits.append, **rest)


def some(upstream: Upstream, file: RemoteFile = DEM, first: int = 300_000) -> bytes:
    with upstream.open(file) as opened:
        opened.seek(first)
        return opened.read(200_000)


def test_parts_are_kept_and_read_once(upstreams: Upstreams, tmp_path: Path) -> None:
    with client(upstreams, tmp_path, []) as first:
        content = some(first)
        sent = upstreams.sent(PATTERN)
        assert len(content) == 200_000
        assert 200_000 <= sent <= 200_000 + 3 * PART
        assert some(first) == content
        assert upstreams.sent(PATTERN) == sent
    with client(upstreams, tmp_path, []) as later:
        assert some(later) == content
    assert upstreams.sent(PATTERN) == sent + PART, "its head, to see whether it has changed"


def test_an_answer_that_asks_to_wait_is_waited_for(
    upstreams: Upstreams, upstream: Upstream, waits: list[float]
) -> None:
    upstreams.fault(PATTERN, times=2, status=429, retry_after="7")
    assert some(upstream)
    assert waits == [7, 7]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_host_that_stays_broken_is_told_and_what_was_read_is_kept(
    upstreams: Upstreams, upstream: Upstream, tmp_path: Path, status: int
) -> None:
    before = some(upstream, first=0)
    upstreams.fault(PATTERN, status=status)
    with pytest.raises(Unavailable, match=f"HTTP {status}, asked 6 times; what was read is kept"):
        some(upstream)
    assert some(upstream, first=0) == before
    upstream.flush()
    upstreams.reset()
    with client(upstreams, tmp_path, []) as later:
        some(later, first=0)
    assert upstreams.sent(PATTERN) == PART


def test_without_a_network_no_host_but_the_first_is_waited_for(
    upstreams: Upstreams, tmp_path: Path, waits: list[float]
) -> None:
    said: list[str] = []
    elsewhere = "https://data.worldpop.org/nothing"
    with client(upstreams, tmp_path, waits, say=said.append) as upstream:
        upstreams.fault("*", cut_after=0)
        with pytest.raises(Unavailable, match=r"RemoteProtocolError.*asked 6 times"):
            some(upstream)
        assert waits == [1, 2, 4, 8, 16]
        with pytest.raises(Unavailable, match="asked 1 time;"):
            upstream.document(elsewhere)
        upstreams.reset()
        assert some(upstream)
        upstreams.fault("*", cut_after=0)
        with pytest.raises(Unavailable, match="asked 1 time;"):
            upstream.document(elsewhere)
        with pytest.raises(Unavailable, match="asked 6 times"):
            upstream.document("https://example.org/nothing")
    assert len(waits) == len(said) == 10


def test_what_threads_wait_for_is_said_once(
    upstreams: Upstreams, tmp_path: Path, waits: list[float]
) -> None:
    said: list[str] = []
    at_once = Barrier(THREADS)

    def say(told: str) -> None:
        time.sleep(0.05)  # as a terminal takes its time, while others come to the same point
        said.append(told)

    with client(upstreams, tmp_path, waits, say=say) as upstream:

        def read(number: int) -> bytes:
            at_once.wait()
            return upstream.part(DEM, number * PART, number * PART + 9).content

        upstreams.fault(PATTERN, times=THREADS, status=503, retry_after="7")
        with ThreadPoolExecutor(THREADS) as threads:
            assert {len(found) for found in threads.map(read, range(THREADS))} == {10}
    assert waits == [7] * THREADS
    assert len(said) == 1


def test_a_transfer_that_is_cut_goes_on(upstreams: Upstreams, upstream: Upstream) -> None:
    whole = some(upstream)
    upstreams.fault(PATTERN, times=2, cut_after=30_000)
    assert some(upstream, first=900_000)
    upstreams.fault(PATTERN, times=1, cut_after=10)
    assert some(upstream) == whole


def test_a_file_that_changes_while_it_is_read_is_not_mixed(
    upstreams: Upstreams, upstream: Upstream, tmp_path: Path
) -> None:
    some(upstream)
    upstreams.fault(PATTERN, etag='"other"')
    with pytest.raises(Unavailable, match="has changed while it was read"):
        some(upstream, first=1_500_000)
    upstreams.fault(PATTERN, etag='"other"')
    with client(upstreams, tmp_path, []) as later:
        assert some(later, first=1_500_000)
        assert later.etag(DEM) == '"other"'


def test_of_a_host_without_parts_a_large_file_is_read_only_where_that_is_wanted(
    upstreams: Upstreams, upstream: Upstream
) -> None:
    url = f"https://{files.WORLDPOP}/{files.worldpop_path(2020)}"
    with pytest.raises(Unavailable, match="114 MB and its host does not serve parts"):
        upstream.open(RemoteFile(url))


@pytest.mark.long  # a hundred megabytes
def test_a_large_file_is_read_as_a_whole_and_kept(
    upstreams: Upstreams, upstream: Upstream, tmp_path: Path
) -> None:
    file = RemoteFile(f"https://{files.WORLDPOP}/{files.worldpop_path(2020)}", whole=True)
    assert some(upstream, file, 0)[:2] == b"II"
    assert upstreams.sent("data.worldpop.org/*") > 100e6
    upstreams.reset()
    with client(upstreams, tmp_path, []) as later:
        middle = some(later, file, 50_000_000)
    assert upstreams.sent("data.worldpop.org/*") < 2e6, "its head, to see whether it has changed"
    upstreams.set(ranges_at_worldpop=True)
    with client(upstreams, tmp_path / "other", []) as parts:
        assert some(parts, file, 50_000_000) == middle


@pytest.mark.long  # a hundred megabytes
def test_a_large_file_that_changes_before_it_is_read_as_a_whole_is_not_mixed(
    upstreams: Upstreams, upstream: Upstream, tmp_path: Path
) -> None:
    file = RemoteFile(f"https://{files.WORLDPOP}/{files.worldpop_path(2020)}", whole=True)
    upstreams.fault("data.worldpop.org/*", skip=1, etag='"newer"')
    with pytest.raises(Unavailable, match="has changed while it was read"):
        some(upstream, file, 50_000_000)
    assert not list(tmp_path.rglob("about.json"))


def test_what_is_not_there_is_told_once(upstreams: Upstreams, upstream: Upstream) -> None:
    missing = RemoteFile(f"https://{files.DEM}/none.tif")
    for _ in range(2):
        with pytest.raises(NotFound, match="404"):
            upstream.open(missing)
    assert len(upstreams.asked(f"{files.DEM}/none.tif")) == 1


def test_a_bucket_that_refuses_what_it_does_not_have_says_so_by_403(
    upstreams: Upstreams, upstream: Upstream
) -> None:
    upstreams.fault(PATTERN, status=403)
    with pytest.raises(NotFound):
        upstream.open(RemoteFile(DEM.url, absent=frozenset({403, 404})))
    with pytest.raises(Unavailable, match="HTTP 403"):
        upstream.open(RemoteFile(DEM.url + "?", absent=frozenset({404})))


TOKEN = "https://planetarycomputer.microsoft.com/api/sas/v1/token/modis-17A3HGF-061"


def signed(upstream: Upstream) -> RemoteFile:
    search = "https://planetarycomputer.microsoft.com/api/stac/v1/search"
    body = {"collections": ["modis-17A3HGF-061"], "bbox": [119.9, 27, 120, 27.1], "limit": 1}
    item = upstream.json(search, body)["features"][0]
    return RemoteFile(item["assets"]["Npp_500m"]["href"], token_url=TOKEN)


def test_a_token_is_asked_for_once_and_again_when_it_has_ended(
    upstreams: Upstreams, upstream: Upstream, tmp_path: Path
) -> None:
    file = signed(upstream)
    some(upstream, file, 0)
    some(upstream, file, 400_000)
    assert len(upstreams.asked("*/sas/v1/token/*")) == 1
    upstreams.fault("*.blob.core.windows.net/*", times=1, status=403)
    some(upstream, file, 900_000)
    assert len(upstreams.asked("*/sas/v1/token/*")) == 2
    upstreams.set(token_life_s=30)
    with client(upstreams, tmp_path / "other", []) as later:
        some(later, file, 0)
    assert "sig=" not in "".join(path.read_text() for path in tmp_path.rglob("about.json"))


def test_only_hosts_that_are_allowed_are_asked(upstreams: Upstreams, upstream: Upstream) -> None:
    for url in (
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "ftp://example.org/a",
        "https://example.org.evil.net/a",
    ):
        with pytest.raises(InvalidInput, match="not allowed"):
            upstream.open(RemoteFile(url))
    upstreams.fault(PATTERN, times=1, redirect="https://evil.net/a.tif")
    with pytest.raises(InvalidInput, match=r"evil\.net"):
        some(upstream)
    assert not upstreams.asked("*evil*")


def test_a_redirect_to_a_host_that_is_allowed_is_followed(
    upstreams: Upstreams, upstream: Upstream
) -> None:
    upstreams.fault("example.org/*", redirect=DEM.url)
    assert some(upstream, RemoteFile("https://example.org/moved.tif")) == some(upstream)
    upstreams.fault("example.org/*", redirect="https://example.org/round")
    upstreams.reset()
    upstreams.fault("example.org/*", redirect="https://example.org/round")
    with pytest.raises(Unavailable, match="redirects"):
        upstream.open(RemoteFile("https://example.org/other.tif"))


@pytest.mark.long
def test_a_member_of_a_zip_is_unpacked_once(
    upstreams: Upstreams, tmp_path: Path, waits: list[float]
) -> None:
    row, column = files.GHS_TILES[0]
    address = files.ghs_raster(row, column).address
    url = f"https://{address}"
    name = Path(address).name.replace(".zip", ".tif")
    with Upstream(
        ("jeodpp.jrc.ec.europa.eu",), tmp_path, mirror=upstreams.address, pause=waits.append
    ) as upstream:
        with upstream.open(RemoteFile(url, member=name)) as file:
            assert file.read(4) in {b"II*\0", b"II+\0"}
        sent = upstreams.sent()
        upstream.open(RemoteFile(url, member=name)).close()
        assert upstreams.sent() == sent
        with pytest.raises(Unavailable, match=r"holds no file other\.tif"):
            upstream.open(RemoteFile(url, member="other.tif"))


def test_a_reader_may_go_anywhere(upstream: Upstream) -> None:
    with upstream.open(DEM) as file:
        size = file.seek(0, io.SEEK_END)
        assert size == upstream.size(DEM)
        assert file.read(10) == b""
        file.seek(-4, io.SEEK_END)
        assert len(file.read(100)) == 4
        file.seek(0)
        assert file.read(2) in {b"II", b"MM"}
