"""Reads from the publishers of open data: allowed hosts only, patient, kept on disk.

What was read stays in a cache by file and part, so that a fetch that broke off goes on where it
was, and two regions that share a file read each part once.
"""

import hashlib
import io
import json
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urljoin, urlsplit

import httpx

from shanhai.data.download import trusted_certificates
from shanhai.errors import InvalidInput, NotFound, Unavailable

PART = 64 * 1024
"""Bytes that are kept or fetched together."""

_MOST_AT_ONCE = 8 << 20
_SAID_EVERY = 16 << 20
"""Bytes of a file after which it is said on the disk that they are there."""

_SMALL = 64 << 20
"""A file of a host without ranges is read as a whole up to this size."""

_MOST_DOCUMENT = 256 << 20
_MOST_UNPACKED = 8 << 30
_ATTEMPTS = 6
_REFUSALS = 2
_LONGEST_PAUSE_S = 60.0
_PASSING = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 5
_EARLY_S = 60
_ABSENT = frozenset({404, 410})
_TIMEOUT = httpx.Timeout(60.0, connect=20.0)


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file of a publisher.

    Attributes:
        url: Its address, without a token.
        token_url: Where the token that opens it is given.
        member: The member of the zip that it is.
        absent: Statuses that say that there is no such file.
        whole: It is read as a whole where its host does not serve parts, however large it is.
    """

    url: str
    token_url: str | None = None
    member: str | None = None
    absent: frozenset[int] = _ABSENT
    whole: bool = False

    @property
    def label(self) -> str:
        """Address as people may read it."""
        return self.url if self.member is None else f"{self.url}!{self.member}"


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a host answered; of a whole file in place of a part of it only the beginning."""

    url: str
    status: int
    headers: httpx.Headers
    content: bytes

    @property
    def size(self) -> int:
        """Bytes of the whole file, by `Content-Range` of a part."""
        if self.status != httpx.codes.PARTIAL_CONTENT:
            return int(self.headers.get("Content-Length") or len(self.content))
        total = self.headers.get("Content-Range", "").rpartition("/")[2]
        if not total.isdecimal():
            raise Unavailable(f"{self.url} does not say how long the file is")
        return int(total)

    @property
    def mark(self) -> str | None:
        """What the host calls this content."""
        found: str | None = self.headers.get("ETag") or self.headers.get("Last-Modified")
        return found


Sink = Callable[[int, bytes], None]
"""Takes bytes of a file and where they begin."""


@dataclass(slots=True)
class _Token:
    query: str
    ends: float


class Upstream:
    """The one client of all publishers.

    Args:
        hosts: Names of hosts that may be asked, `*` allowed.
        cache: Folder for what was read.
        mirror: Address that `https://HOST/PATH` is read from as `MIRROR/HOST/PATH`.
        say: Told why it takes longer.
        pause: Waits so many seconds.

    Raises:
        InvalidInput: the mirror is no address.
    """

    def __init__(
        self,
        hosts: tuple[str, ...],
        cache: Path,
        *,
        mirror: str | None = None,
        say: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        if mirror is not None and not re.match(r"https?://[^/?#]+", mirror):
            raise InvalidInput(
                f"mirror is {mirror}; it must begin with http:// or https://",
                message_zh=f"mirror 为 {mirror}；须以 http:// 或 https:// 开头",
                pointer="--mirror",
            )
        self._hosts, self._mirror, self._say, self._pause = hosts, mirror, say, pause
        self._cache = cache / "open-data"
        self._client = httpx.Client(
            timeout=_TIMEOUT,
            verify=trusted_certificates(),
            headers={"Accept-Encoding": "identity", "User-Agent": "shanhai-data-fetch"},
        )
        self._tokens: dict[str, _Token] = {}
        self._token_lock = threading.Lock()
        self._stored: dict[str, _StoredFile] = {}
        self._stored_lock = threading.Lock()
        self.received = self.reused = 0
        self._away, self._answered, self._said = set[str](), False, ""
        self._said_lock = threading.Lock()

    def __enter__(self) -> "Upstream":
        return self

    def __exit__(self, *_: object) -> None:
        for stored in self._stored.values():
            stored.close()
        self._client.close()

    def flush(self) -> None:
        """Say on the disk what was read so far; the end of the block does so too."""
        for stored in self._stored.values():
            stored.flush()

    def document(self, url: str, body: Mapping[str, Any] | None = None) -> bytes:
        """The whole of an answer; a body is posted as JSON.

        Raises:
            NotFound: there is nothing at the address.
            Unavailable: the host does not answer, or refuses.
            InvalidInput: the host is not allowed.
        """
        return self._ask(RemoteFile(url), {}, body).content

    def json(self, url: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An answer that is a JSON object.

        Raises:
            NotFound, Unavailable, InvalidInput: as `document`; or it is none.
        """
        try:
            answer = json.loads(self.document(url, body))
        except ValueError as error:
            raise Unavailable(f"{url} does not answer with JSON: {error}") from error
        if not isinstance(answer, dict):
            raise Unavailable(f"{url} does not answer with a JSON object")
        return answer

    def open(self, file: RemoteFile) -> BinaryIO:
        """A file to read from at any place; what is read is kept.

        Raises:
            NotFound: there is no such file.
            Unavailable: the host does not answer, or refuses.
        """
        stored = self.stored(file)
        if file.member is not None:
            return stored.member(file.member)
        return cast("BinaryIO", io.BufferedReader(_PartReader(stored), PART))

    def size(self, file: RemoteFile) -> int:
        """Bytes of a file, as `open` raises."""
        return self.stored(file).size

    def etag(self, file: RemoteFile) -> str | None:
        """What the host calls this content of the file; None where it does not."""
        return self.stored(file).mark

    def stored(self, file: RemoteFile) -> "_StoredFile":
        """The file as far as it lies in the cache, looked at once in a run."""
        with self._stored_lock:
            stored = self._stored.get(file.url)
            if stored is None:
                folder = self._cache / hashlib.sha256(file.url.encode()).hexdigest()[:32]
                stored = self._stored[file.url] = _StoredFile(self, file, folder)
        stored.begin()
        return stored

    def part(self, file: RemoteFile, first: int, last: int) -> _Answer:
        """Bytes `first` to `last` of a file as the host answers."""
        return self._ask(file, {"Range": f"bytes={first}-{last}"}, None)

    def whole(self, file: RemoteFile, sink: Sink) -> _Answer:
        """All bytes of a file of a host without parts: each attempt begins at the beginning."""
        self._say(f"{file.url} is read as a whole: its host does not serve parts")
        return self._ask(file, {}, None, sink)

    def count(self, received: int = 0, reused: int = 0) -> None:
        """Add to the bytes that came from the host or from the cache."""
        self.received += received
        self.reused += reused

    def _ask(
        self,
        file: RemoteFile,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        sink: Sink | None = None,
    ) -> _Answer:
        """The answer, asked for again while the reason may pass."""
        why, lost, host = "", False, urlsplit(file.url).hostname or ""
        # Once for a host that was away before, and for all where nobody has answered yet.
        tries = 1 if host in self._away or (self._away and not self._answered) else _ATTEMPTS
        for attempt in range(tries):
            token = self._token(file, renew=attempt > 0)
            try:
                answer = self._follow(file, token, headers, body, sink)
            except httpx.TransportError as error:
                why, wait, lost = f"{type(error).__name__}: {error}", 0.0, True
            else:
                self._answered, lost = True, False
                self._away.discard(host)
                if httpx.codes.is_success(answer.status):
                    return answer
                if answer.status in file.absent:
                    raise NotFound(f"{file.url}: HTTP {answer.status}")
                # A host refuses for a moment when it is asked too often, or when a token has ended.
                refused = answer.status == httpx.codes.FORBIDDEN and attempt < _REFUSALS
                if answer.status not in _PASSING and not refused:
                    raise Unavailable(f"{file.url}: HTTP {answer.status}")
                why, wait = f"HTTP {answer.status}", _asked_to_wait(answer)
            if attempt + 1 < tries:
                seconds = min(max(wait, 2.0**attempt), _LONGEST_PAUSE_S)
                told = f"{host}: {why}; again in {seconds:.0f} s"
                with self._said_lock:  # other threads wait for other parts of the same
                    new, self._said = told != self._said, told
                if new:
                    self._say(told)
                self._pause(seconds)
        if lost:
            self._away.add(host)
        raise Unavailable(
            f"{file.url}: {why}, asked {tries} time{'s' * (tries > 1)}; what was read is kept, run"
            " it again",
            message_zh=f"{file.url}：{why}，已尝试 {tries} 次；已读部分已保留，请稍后重新运行",
        )

    def _follow(
        self,
        file: RemoteFile,
        token: str | None,
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        sink: Sink | None,
    ) -> _Answer:
        """The answer at the end of the redirects, each to a host that is allowed."""
        url = file.url
        for _ in range(_MOST_REDIRECTS + 1):
            address = self._address(url if token is None else f"{url}?{token}")
            method = "GET" if body is None else "POST"
            with self._client.stream(method, address, headers=dict(headers), json=body) as answer:
                if answer.status_code not in _REDIRECTS:
                    return self._received(file, answer, sink)
            url, token = urljoin(url, answer.headers.get("Location", "")), None
        raise Unavailable(f"{url}: more than {_MOST_REDIRECTS} redirects")

    def _received(self, file: RemoteFile, answer: httpx.Response, sink: Sink | None) -> _Answer:
        """The body, as much of it as is wanted."""
        length = int(answer.headers.get("Content-Length") or 0)
        asked_for_part = "Range" in answer.request.headers
        whole = asked_for_part and answer.status_code == httpx.codes.OK and length > _SMALL
        if (whole and not file.whole) or (sink is None and not whole and length > _MOST_DOCUMENT):
            raise Unavailable(
                f"{file.url} is {length / 1e6:.0f} MB and its host does not serve parts of it",
                message_zh=f"{file.url} 大小为 {length / 1e6:.0f} MB，其主机不支持分段读取",
            )
        at, content = 0, bytearray()
        in_parts = whole or sink is not None
        for block in answer.iter_raw(PART if in_parts else None):
            if whole or sink is None or not answer.is_success:
                content += block
            else:
                sink(at, block)
            at += len(block)
            if whole:
                break
            if len(content) > _MOST_DOCUMENT:
                raise Unavailable(f"{file.url} answers with more than {_MOST_DOCUMENT} bytes")
        return _Answer(file.url, answer.status_code, answer.headers, bytes(content))

    def _address(self, url: str) -> str:
        parts = urlsplit(url)
        allowed = any(fnmatchcase(parts.hostname or "", pattern) for pattern in self._hosts)
        if parts.scheme not in ("http", "https") or not allowed:
            bare = url.partition("?")[0]
            raise InvalidInput(
                f"{bare} lies on a host that is not allowed; hosts are {', '.join(self._hosts)}",
                message_zh=f"{bare} 所在主机未被允许；允许的主机：{'、'.join(self._hosts)}",
                pointer="/hosts",
            )
        if self._mirror is None:
            return url
        query = f"?{parts.query}" if parts.query else ""
        return f"{self._mirror.rstrip('/')}/{parts.netloc}{parts.path}{query}"

    def _token(self, file: RemoteFile, *, renew: bool) -> str | None:
        if file.token_url is None:
            return None
        with self._token_lock:
            token = self._tokens.get(file.token_url)
            if token is None or renew or token.ends - _EARLY_S < time.time():
                token = self._tokens[file.token_url] = self._new_token(file.token_url)
            return token.query

    def _new_token(self, url: str) -> _Token:
        answer = self.json(url)
        if not isinstance(answer.get("token"), str):
            raise Unavailable(f"{url} gives no token")
        ends = time.time() + 2 * _EARLY_S
        with suppress(KeyError, ValueError):
            ends = datetime.fromisoformat(str(answer["msft:expiry"])).timestamp()
        return _Token(answer["token"], ends)


def _asked_to_wait(answer: _Answer) -> float:
    """Seconds that `Retry-After` asks for, as a number or as a date (RFC 9110, 10.2.3)."""
    text = answer.headers.get("Retry-After", "")
    with suppress(ValueError):
        return float(text)
    with suppress(TypeError, ValueError):
        return (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    return 0.0


@dataclass(slots=True)
class _StoredFile:
    """One file in the cache: a sparse copy, and a byte for each part that says whether it is there.

    A part is on the disk before its byte says so, and a part that two processes fetch is the same.
    What a process that is killed had not said yet is fetched again.
    """

    upstream: Upstream
    file: RemoteFile
    folder: Path
    size: int = -1
    mark: str | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _absent: NotFound | None = None
    _in_parts: bool = True
    _data: int = -1
    _have: bytearray = field(default_factory=bytearray)
    _coming: set[int] = field(default_factory=set)
    _unsaid: list[tuple[int, int]] = field(default_factory=list)
    _unsaid_bytes: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def begin(self) -> None:
        """Ask the host once what the file is now; drop parts of another content."""
        with self._lock:
            if self._absent is not None:
                raise self._absent
            if self.size >= 0:
                return
            try:
                answer = self.upstream.part(self.file, 0, PART - 1)
            except NotFound as error:
                self._absent = error
                raise
            self._begin_with(answer)

    def _begin_with(self, answer: _Answer) -> None:
        size, mark = answer.size, answer.mark
        known = {"url": self.file.url, "size": size, "mark": mark}
        about = self.folder / "about.json"
        self.folder.mkdir(parents=True, exist_ok=True)
        data, parts = self.folder / "data", self.folder / "parts"
        if not about.exists() or json.loads(about.read_text()) != known:
            about.unlink(missing_ok=True)
            data.unlink(missing_ok=True)
            parts.unlink(missing_ok=True)
        count = -(-size // PART)
        self._data = os.open(data, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        self._have = bytearray(parts.read_bytes() if parts.exists() else b"").ljust(count, b"\0")
        if not about.exists():
            draft = self.folder / f"about.{os.getpid()}"
            draft.write_text(json.dumps(known))
            draft.replace(about)
        self.size, self.mark = size, mark
        self._in_parts = answer.status == httpx.codes.PARTIAL_CONTENT
        self._keep(0, answer.content)

    def read(self, first: int, count: int) -> bytes:
        """Bytes from a place on, fetched where they are not there."""
        count = max(0, min(count, self.size - first))
        if count == 0:
            return b""
        begin, end = first // PART, (first + count - 1) // PART
        if all(self._have[begin : end + 1]):
            self.upstream.count(reused=count)
        while runs := self._claimed(begin, end):
            for run in runs:
                try:
                    self._fetch(*run)
                finally:
                    self._released(*run)
        return os.pread(self._data, count, first)

    def _claimed(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Runs of missing parts that are this thread's to fetch; waits for those of others."""
        with self._changed:
            while True:
                runs = self._missing(begin, end)
                if runs:
                    for first, last in runs:
                        self._coming.update(range(first, last + 1))
                    return runs
                if all(self._have[begin : end + 1]):
                    return []
                self._changed.wait()

    def _released(self, begin: int, end: int) -> None:
        with self._changed:
            self._coming.difference_update(range(begin, end + 1))
            self._changed.notify_all()

    def _missing(self, begin: int, end: int) -> list[tuple[int, int]]:
        """Runs of parts that are not there nor coming, none longer than is fetched at once."""
        runs: list[tuple[int, int]] = []
        for part in range(begin, end + 1):
            if self._have[part] or part in self._coming:
                continue
            if runs and runs[-1][1] == part - 1 and part - runs[-1][0] < _MOST_AT_ONCE // PART:
                runs[-1] = (runs[-1][0], part)
            else:
                runs.append((part, part))
        return runs

    def _fetch(self, begin: int, end: int) -> None:
        first, last = begin * PART, min(self.size, (end + 1) * PART) - 1
        if not self._in_parts:
            self._fetch_whole()
            return
        answer = self.upstream.part(self.file, first, last)
        self._require_same(answer)
        if len(answer.content) != last - first + 1:
            raise Unavailable(f"{self.file.label}: asked for {last - first + 1} bytes from {first}")
        self._keep(begin, answer.content)

    def _require_same(self, answer: _Answer) -> None:
        """Refuse, and forget, a file that is another than when it was begun with."""
        if answer.size == self.size and answer.mark == self.mark:
            return
        (self.folder / "about.json").unlink(missing_ok=True)
        raise Unavailable(
            f"{self.file.label} has changed while it was read; run it again",
            message_zh=f"{self.file.label} 在读取过程中已变化，请重新运行",
        )

    def _fetch_whole(self) -> None:
        """All parts at once; other threads wait, and find them there."""
        with self._lock:
            if all(self._have):
                return

            def keep(at: int, block: bytes) -> None:
                self._keep(at // PART, block)

            self._require_same(self.upstream.whole(self.file, keep))

    def _keep(self, begin: int, content: bytes) -> None:
        os.pwrite(self._data, content, begin * PART)
        end = begin + -(-len(content) // PART)
        self.upstream.count(received=len(content))
        with self._changed:
            self._have[begin:end] = b"\1" * (end - begin)
            self._unsaid.append((begin, end))
            self._unsaid_bytes += len(content)
            wait = self._unsaid_bytes < _SAID_EVERY
        if not wait:
            self.flush()

    def flush(self) -> None:
        """Say on the disk which parts are there, once they are."""
        with self._changed:
            runs, self._unsaid, self._unsaid_bytes = self._unsaid, [], 0
        if not runs:
            return
        os.fdatasync(self._data)
        descriptor = os.open(self.folder / "parts", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            for begin, end in runs:
                os.pwrite(descriptor, b"\1" * (end - begin), begin)
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Flush, and let go of the file."""
        if self._data >= 0:
            self.flush()
            os.close(self._data)
            self._data = -1

    def member(self, name: str) -> BinaryIO:
        """A member of this zip, unpacked beside it once."""
        target = self.folder / hashlib.sha256(name.encode()).hexdigest()[:16]
        with self._lock:
            if not target.exists():
                self._unpack(name, target)
        return target.open("rb")

    def _unpack(self, name: str, target: Path) -> None:
        whole = io.BufferedReader(_PartReader(self), _MOST_AT_ONCE)
        draft = target.with_suffix(f".{os.getpid()}")
        try:
            with zipfile.ZipFile(whole) as archive:
                size = archive.getinfo(name).file_size
                if size > _MOST_UNPACKED:
                    raise Unavailable(f"{name} of {self.file.url} would unpack to {size} bytes")
                # Reading ends at that size, whatever more is packed.
                with archive.open(name) as packed, draft.open("wb") as file:
                    shutil.copyfileobj(packed, file, PART)
        except (KeyError, zipfile.BadZipFile) as error:
            draft.unlink(missing_ok=True)
            raise Unavailable(f"{self.file.url} holds no file {name}: {error}") from error
        draft.replace(target)


class _PartReader(io.RawIOBase):
    """A stored file as Python reads files."""

    def __init__(self, stored: _StoredFile) -> None:
        super().__init__()
        self._stored, self._at = stored, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._stored.size}[whence]
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """The place."""
        return self._at

    def readinto(self, buffer: Any) -> int:
        """The next bytes."""
        found = self._stored.read(self._at, len(buffer))
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
