"""All upstreams on one port: `https://HOST/PATH?QUERY` is at `ADDRESS/HOST/PATH?QUERY`.

Addresses inside answers stay those of the upstreams. What the site does otherwise than it should,
and what it was asked, is at `ADDRESS/-/`; see `tests.support.upstream.control`.
"""

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache, lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol, TypeVar

from tests.support.upstream import files, services, stac
from tests.support.upstream.faults import Edit, Fault, Request
from tests.support.upstream.files import Raster
from tests.support.upstream.scenes import scenes
from tests.support.upstream.services import Listed

PATIENCE_S = 5.0
"""How long what was asked waits for requests that are being answered."""
_Result = TypeVar("_Result")


class Content(Protocol):
    """Bytes of a known number, of which any part can be read."""

    @property
    def size(self) -> int:
        """How many there are."""

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Those from `start` up to `stop`."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Content that is held as it is."""

    content: bytes

    @property
    def size(self) -> int:
        """How many bytes there are."""
        return len(self.content)

    def pieces(self, start: int, stop: int) -> Iterator[bytes]:
        """Those from `start` up to `stop`."""
        yield self.content[start:stop]


@dataclass(slots=True)
class Reply:
    """An answer before any fault."""

    status: int
    content: Content
    headers: dict[str, str]
    ranged: bool = False


@cache
def _published() -> dict[str, Raster]:
    """Every raster by its address."""
    known = {raster.address: raster for raster in files.rasters()}
    for scene in scenes():
        known |= {asset.raster.address: asset.raster for asset in scene.assets.values()}
    return known


@cache
def _archives() -> dict[str, Raster]:
    rasters = (files.ghs_raster(row, column) for row, column in files.GHS_TILES)
    return {raster.address: raster for raster in rasters}


@lru_cache(maxsize=64)
def content_of(address: str) -> Content | None:
    """The file at `HOST/PATH`, if there is one."""
    if address in files.texts():
        return Whole(files.texts()[address])
    if address in _archives():
        return Whole(files.ghs_archive(_archives()[address]))
    raster = _published().get(address)
    return None if raster is None else raster.open()


@dataclass
class Site:
    """The upstreams as they behave at the moment."""

    token_life_s: float = 2700.0
    ranges_at_worldpop: bool = False
    """Its server has been seen to ignore ranges, though it announces them."""
    aliases: dict[str, str] = field(default_factory=dict)
    """Other hosts that serve what a host does."""
    faults: list[Fault] = field(default_factory=list)
    edits: list[Edit] = field(default_factory=list)
    log: list[Request] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _in_hand: int = 0
    _ended: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def in_hand(self) -> Iterator[None]:
        """A request that is being answered."""
        with self._ended:
            self._in_hand += 1
        try:
            yield
        finally:
            with self._ended:
                self._in_hand -= 1
                self._ended.notify_all()

    def asked(self) -> list[Request]:
        """What was asked, once it is written down: the last byte reaches its reader before that."""
        with self._ended:
            self._ended.wait_for(lambda: not self._in_hand, PATIENCE_S)
        return list(self.log)

    def strike(self, method: str, address: str) -> Fault | None:
        """The fault of a request, the first that fits."""
        with self._lock:
            for fault in self.faults:
                if fault.strikes(method, address):
                    return fault
        return None

    def reply(self, address: str, body: bytes | None) -> Reply:
        """The answer to `HOST/PATH?QUERY`."""
        path, _, query = address.partition("?")
        host, slash, rest = path.partition("/")
        path = self.aliases.get(host, host) + slash + rest
        found = stac.answer(path, query, body, self.edits)
        if found is not None:
            return _json(*found)
        if path.startswith(services.TOKENS):
            token = services.issue_token(path, self.token_life_s)
            return _json(200, token) if token else _json(404, {"detail": "collection not found"})
        if path == services.WORLDPOP_REST:
            return _json(200, services.worldpop_records(query))
        if path.rstrip("/") == files.NIGHT and "list-type=2" in query:
            listing = services.list_objects("globalnightlight", _night_keys(), query, _look)
            return Reply(200, Whole(listing), {"Content-Type": "application/xml"})
        if services.STORAGE in host and not services.is_signed(path, query):
            return _error(403, "AuthenticationFailed")
        return self._file(path)

    def _file(self, path: str) -> Reply:
        content = content_of(path)
        if content is None:
            return _error(404, "NoSuchKey")
        ranged = self.ranges_at_worldpop or not path.startswith(files.WORLDPOP)
        kind = "image/tiff" if path.lower().endswith(".tif") else "application/octet-stream"
        headers = {
            "Content-Type": kind,
            "Accept-Ranges": "bytes",
            "ETag": _etag(path),
            "Last-Modified": "Thu, 01 Feb 2024 00:00:00 GMT",
        }
        return Reply(200, content, headers, ranged)


def _etag(path: str) -> str:
    return f'"{hashlib.md5(path.encode(), usedforsecurity=False).hexdigest()}"'


def _night_keys() -> list[str]:
    start = f"{files.NIGHT}/"
    return [path.removeprefix(start) for path in _published() if path.startswith(start)]


@cache
def _look(key: str) -> Listed:
    content = content_of(f"{files.NIGHT}/{key}")
    return Listed(key, content.size if content else 0, _etag(f"{files.NIGHT}/{key}"))


def _json(status: int, document: object) -> Reply:
    content = Whole(json.dumps(document).encode())
    return Reply(status, content, {"Content-Type": "application/json"})


def _error(status: int, code: str) -> Reply:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code></Error>'
    return Reply(status, Whole(text.encode()), {"Content-Type": "application/xml"})


class Handler(BaseHTTPRequestHandler):
    """Answers for the site of its server."""

    protocol_version = "HTTP/1.1"
    # Headers and body are written apart; with Nagle's algorithm the body would wait for an
    # acknowledgement that the reader delays.
    disable_nagle_algorithm = True
    server: "Server"

    def do_POST(self) -> None:
        """Search."""
        self._answer(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def do_GET(self) -> None:
        """Give a document, a listing or a file."""
        self._answer(None)

    def do_HEAD(self) -> None:
        """Give the headers of the same."""
        self._answer(None)

    def do_DELETE(self) -> None:
        """Forget all faults, changes and requests."""
        self._answer(None)

    def log_message(self, format: str, *args: object) -> None:
        """Stay silent."""

    @property
    def _site(self) -> Site:
        return self.server.site

    def _answer(self, body: bytes | None) -> None:
        address = self.path.lstrip("/")
        if address.startswith("-/"):
            self._send(self._control(address, body), Fault(""))
            return
        with self._site.in_hand():
            self._answer_as_published(address, body)

    def _answer_as_published(self, address: str, body: bytes | None) -> None:
        fault = self._site.strike(self.command, address) or Fault("")
        if fault.delay_s:
            time.sleep(fault.delay_s)
        if fault.redirect is not None:
            self._send(Reply(302, Whole(b""), {"Location": fault.redirect}), fault)
        elif fault.status is not None:
            reply = _error(fault.status, HTTPStatus(fault.status).phrase.replace(" ", ""))
            if fault.retry_after is not None:
                reply.headers["Retry-After"] = fault.retry_after
            self._send(reply, fault)
        else:
            self._send(self.server.work(self._site.reply, address, body), fault)

    def _control(self, address: str, body: bytes | None) -> Reply:
        said = json.loads(body or b"{}")
        match self.command, address.removeprefix("-/"):
            case "POST", "faults":
                self._site.faults.append(Fault(**said))
            case "POST", "edits":
                self._site.edits.append(Edit(**said))
            case "POST", "settings":
                vars(self._site).update(said)
            case "DELETE", "":
                self.server.site = Site()
            case "GET", "log":
                return _json(200, [asdict(request) for request in self._site.asked()])
            case _:
                return _error(404, "NotFound")
        return _json(200, {})

    def _send(self, reply: Reply, fault: Fault) -> None:
        if fault.etag is not None and "ETag" in reply.headers:
            reply.headers["ETag"] = fault.etag
        first, stop = self._part(reply, fault)
        address = self.path.lstrip("/")
        request = Request(self.command, address, self.headers.get("Range"), reply.status)
        if not address.startswith("-/"):
            self._site.log.append(request)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(stop - first))
        self.end_headers()
        if self.command != "HEAD":
            whole = False
            # A reader that wanted a part hangs up when it is sent the whole.
            with suppress(ConnectionError):
                for piece in _paced(self._pieces(reply.content, first, stop), fault):
                    # Before it is sent: who has all of it may ask at once how much that was.
                    request.sent += len(piece)
                    self.wfile.write(piece)
                whole = request.sent == stop - first
            self.close_connection = self.close_connection or not whole

    def _pieces(self, content: Content, start: int, stop: int) -> Iterator[bytes]:
        pieces = content.pieces(start, stop)
        while piece := self.server.work(next, pieces, b""):
            yield piece

    def _part(self, reply: Reply, fault: Fault) -> tuple[int, int]:
        """The bytes to send; 206 and 416 where ranges are obeyed, one range only, as S3 does."""
        size: int = self.server.work(getattr, reply.content, "size")
        match = self.headers.get("If-Match")
        if match not in (None, "*", reply.headers.get("ETag")):
            return self._instead(reply, 412)
        asked = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if (
            asked is None
            or not reply.ranged
            or fault.ignore_range
            or self.headers.get("If-Range", reply.headers["ETag"]) != reply.headers["ETag"]
        ):
            return 0, size
        first, last = asked.groups()
        if not first:
            start, stop = max(size - int(last or 0), 0), size
        else:
            start, stop = int(first), min(int(last) + 1 if last else size, size)
        if start >= stop:
            reply.headers["Content-Range"] = f"bytes */{size}"
            return self._instead(reply, 416)
        reply.status = 206
        reply.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return start, stop

    @staticmethod
    def _instead(reply: Reply, status: int) -> tuple[int, int]:
        reply.status, reply.content = status, Whole(b"")
        return 0, 0


def _paced(pieces: Iterator[bytes], fault: Fault) -> Iterator[bytes]:
    """The body at the speed of the fault and up to its cut."""
    left = fault.cut_after
    for piece in pieces:
        for part in _parts(piece, fault.bytes_per_second):
            shown = part if left is None else part[:left]
            yield shown
            if left is not None:
                left -= len(shown)
                if len(shown) < len(part) or not left:
                    return


def _parts(piece: bytes, bytes_per_second: float | None) -> Iterator[bytes]:
    if bytes_per_second is None:
        yield piece
        return
    step = max(int(bytes_per_second / 20), 1)
    for start in range(0, len(piece), step):
        time.sleep(step / bytes_per_second)
        yield piece[start : start + step]


class Server(ThreadingHTTPServer):
    """All upstreams on a port of the loopback; 0 takes a free one."""

    daemon_threads = True
    # A test that opens thirty connections at once is not refused.
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.site = Site()
        # Painting is left to threads that stay: a projection is made anew for every thread.
        self._painters = ThreadPoolExecutor(2)

    def work(self, task: Callable[..., _Result], *arguments: object) -> _Result:
        """What the task gives, done by one of the threads that paint."""
        return self._painters.submit(task, *arguments).result()

    @property
    def address(self) -> str:
        """The mirror to read from."""
        return f"http://127.0.0.1:{self.server_address[1]}"
