"""Where the files of backups lie: below a folder, or below a prefix of a bucket.

A `BucketPath` has that part of `pathlib.Path` which backups use. The functions here are what a
folder and a bucket do by other means: a file that appears when it is whole, a folder that is
removed, a task that one process does at a time.
"""

import fcntl
import io
import os
import shutil
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeAlias, TypeVar

import obstore
import structlog
from obstore.store import S3Store

from shanhai.errors import Conflict, Unavailable
from shanhai.file_limits import draft_of
from shanhai.storage.artifacts import sync_folder
from shanhai.storage.object_store import patient, told

PARTIAL = ".partial"
PART_BYTES = 64 * 1024**2
"""What goes in one request when a file is written: of 10,000 parts that a service takes, 640 GB."""
PARTS_AT_ONCE = 2
RANGE_BYTES = 16 * 1024**2
"""What is asked for at once when a file is read."""
RENEWED_S, GIVEN_UP_S = 60.0, 600.0
"""How often a note tells that its process lives, and after what silence it does not."""
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class BucketStat:
    """Of `os.stat_result` what a bucket knows: the time is that of storing."""

    st_size: int
    st_mtime: float


@dataclass(frozen=True, slots=True)
class BucketPath:
    """A name in a bucket.

    Attributes:
        address: Of the bucket and prefix, as people are told.
        key: Below the prefix; empty for all of it.
    """

    store: S3Store = field(repr=False)
    address: str
    key: PurePosixPath = field(default_factory=PurePosixPath)

    def __str__(self) -> str:
        return f"{self.address}/{self.key}".removesuffix("/.")

    def __truediv__(self, name: str) -> "BucketPath":
        return BucketPath(self.store, self.address, self.key / name)

    @property
    def name(self) -> str:
        """The last part."""
        return self.key.name

    @property
    def suffix(self) -> str:
        """The last part's suffix."""
        return self.key.suffix

    @property
    def parent(self) -> "BucketPath":
        """All but the last part."""
        return BucketPath(self.store, self.address, self.key.parent)

    def with_suffix(self, suffix: str) -> "BucketPath":
        """The name with another suffix."""
        return BucketPath(self.store, self.address, self.key.with_suffix(suffix))

    def relative_to(self, other: "BucketPath") -> PurePosixPath:
        """What follows another name."""
        return self.key.relative_to(other.key)

    def stat(self) -> BucketStat:
        """Size, and when it was stored.

        Raises:
            NotFound: nothing is stored there.
        """
        with told(str(self)):
            found = obstore.head(self.store, str(self.key))
        return BucketStat(found["size"], found["last_modified"].timestamp())

    def exists(self) -> bool:
        """Whether something is stored there."""
        with told(str(self)):
            try:
                obstore.head(self.store, str(self.key))
            except FileNotFoundError:
                return False
        return True

    is_file = exists

    def glob(self, pattern: str) -> Iterator["BucketPath"]:
        """The names below that match, `*` standing for a part or some of one."""
        parts = len(self.key.parts) + len(PurePosixPath(pattern).parts)
        for path, _ in self.stored_below():
            if len(path.key.parts) == parts and path.key.match(pattern):
                yield path

    def stored_below(self) -> Iterator[tuple["BucketPath", float]]:
        """All that lies below, and when it was stored."""
        with told(str(self)):
            for page in obstore.list(self.store, str(self.key) if self.key.parts else None):
                for one in page:
                    path = BucketPath(self.store, self.address, PurePosixPath(one["path"]))
                    yield path, one["last_modified"].timestamp()

    def open(self, mode: str = "rb") -> io.BufferedReader:
        """The content, fetched range by range."""
        return io.BufferedReader(_Ranges(self, self.stat().st_size), RANGE_BYTES)

    def read_bytes(self) -> bytes:
        """The content, all at once."""
        with told(str(self)):
            return obstore.get(self.store, str(self.key)).bytes().to_bytes()

    def unlink(self, missing_ok: bool = False) -> None:
        """Remove it; what is not there counts as removed."""
        with told(str(self)):
            obstore.delete(self.store, str(self.key))

    def remove_below(self) -> None:
        """Remove all that lies below."""
        for path, _ in list(self.stored_below()):
            path.unlink()


Place: TypeAlias = Path | BucketPath
"""A file or folder of backups, wherever it lies."""
P = TypeVar("P", Path, BucketPath)


class _Ranges(io.RawIOBase):
    """Reads an object in ranges; one that breaks off is asked for once more."""

    def __init__(self, path: BucketPath, size: int) -> None:
        self._path, self._size, self._at = path, size, 0
        self._store = patient(path.store, RANGE_BYTES)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer)
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        got = self._get(self._at, end)
        view[: len(got)] = got
        self._at += len(got)
        return len(got)

    def _get(self, start: int, end: int) -> bytes:
        key = str(self._path.key)
        with told(str(self._path)):
            try:
                return obstore.get_range(self._store, key, start=start, end=end).to_bytes()
            except FileNotFoundError:
                raise
            except (obstore.exceptions.BaseError, OSError):
                return obstore.get_range(self._store, key, start=start, end=end).to_bytes()


@contextmanager
def writing(target: Place) -> Iterator[IO[bytes]]:
    """A file to be written from its beginning, which appears when the context ends without error.

    Raises:
        Unavailable: the bucket does not take it.
    """
    if isinstance(target, BucketPath):
        with _sending(target) as sink:
            yield sink
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    own = target.with_name(f"{uuid.uuid4().hex}{PARTIAL}")
    with draft_of(target, own) as aside, aside.open("xb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    for folder in (target.parent, target.parent.parent):
        sync_folder(folder)


class _Parts(io.RawIOBase):
    """Passes bytes on to an upload in parts, each signed with its digest."""

    def __init__(self, target: BucketPath) -> None:
        self.size = 0
        self._target = target
        self._writer: Any = obstore.open_writer(
            patient(target.store, PART_BYTES * PARTS_AT_ONCE),
            str(target.key),
            buffer_size=PART_BYTES,
            max_concurrency=PARTS_AT_ONCE,
        )

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        with told(str(self._target)):
            self._writer.write(bytes(data))
        number = memoryview(data).nbytes
        self.size += number
        return number

    def finish(self) -> None:
        """Let the object appear; without this it never does.

        Raises:
            Unavailable: not all of it is in the store.
        """
        with told(str(self._target)):
            self._writer.close()
        stored = self._target.stat().st_size
        if stored != self.size:
            raise Unavailable(
                f"{stored} of {self.size} bytes of {self._target} are in the store",
                message_zh=f"{self._target} 只存入 {stored} 字节，应为 {self.size} 字节",
            )


@contextmanager
def _sending(target: BucketPath) -> Iterator[IO[bytes]]:
    sink = _Parts(target)
    yield sink  # type: ignore[misc]  # of IO no more is used than writing
    sink.finish()


def set_modified(path: Place, moment: float) -> None:
    """Let a file tell a moment as its time; in a bucket it tells when it was stored."""
    if isinstance(path, Path):
        os.utime(path, (moment, moment))


def remove_tree(folder: Place) -> None:
    """Remove a folder and all in it."""
    if isinstance(folder, BucketPath):
        folder.remove_below()
    elif folder.exists():
        shutil.rmtree(folder)


@contextmanager
def alone(root: Place, task: str) -> Iterator[None]:
    """Keep two processes from doing the same work in a folder or below a prefix.

    A bucket has no locks: each leaves a note, looks for those of others, and renews its own. A
    process that is cut off from the bucket for ten minutes may be taken for dead.

    Raises:
        Conflict: another one does it.
    """
    with _locked(root, task) if isinstance(root, Path) else _noted(root, task):
        yield


@contextmanager
def _locked(root: Path, task: str) -> Iterator[None]:
    root.mkdir(parents=True, exist_ok=True)
    with (root / f"{task}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _busy(root, task) from None
        yield


@contextmanager
def _noted(root: BucketPath, task: str) -> Iterator[None]:
    folder = root / "locks" / task
    own = folder / uuid.uuid4().hex
    with _renewed(own):
        now = own.stat().st_mtime  # by the clock of the store, as all of them
        for other, stored_at in folder.stored_below():
            if other.key != own.key and now - stored_at < GIVEN_UP_S:
                raise _busy(root, task)
            if other.key != own.key:
                other.unlink()
        yield


@contextmanager
def _renewed(note: BucketPath) -> Iterator[None]:
    """Store a note again and again until the context ends; then it is removed."""
    ended = threading.Event()

    def put() -> None:
        with told(str(note)):
            obstore.put(note.store, str(note.key), datetime.now(UTC).isoformat().encode())

    def renew() -> None:
        while not ended.wait(RENEWED_S):
            try:
                put()
            except Unavailable as error:
                log.warning("backup lock not renewed", reason=error.message)

    put()
    renewing = threading.Thread(target=renew, name="backup-lock", daemon=True)
    renewing.start()
    try:
        yield
    finally:
        ended.set()
        renewing.join()
        note.unlink()


def _busy(root: Place, task: str) -> Conflict:
    return Conflict(
        f"another process is at the {task} in {root}",
        message_zh=f"另一进程正在 {root} 执行 {task}",
    )
