"""The folder of what was fetched from an object store: shared by processes, bounded, checked.

A file that is not whole yet is as long as the stored one and has holes. Which blocks it has is
nowhere written: a block is there when its digest is right. So it does not matter who wrote it, or
whether the machine lost power meanwhile, and nothing that is damaged is ever read as if it was not.
"""

import errno
import fcntl
import hashlib
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Self

from xxhash import xxh3_128_digest

from shanhai.errors import Unavailable
from shanhai.vocabulary import Label

BLOCK_BYTES = 256 * 1024
BLOCKS_AT_ONCE = 32
IN_USE_S = 600.0
"""A file used so lately is not removed: somebody may be about to open it."""
OPEN_FILES = 256
DIGEST_BYTES = 16
"""Of XXH3, which tells damage as surely as SHA-256 does and takes a tenth of its time."""
NAME_BYTES = 32
"""Of SHA-256, by which a file is named."""


class Damaged(Unavailable):
    """What came is not what was stored; it is not used."""

    title = Label("存储文件已损坏", "Stored file damaged")

    @classmethod
    def named(cls, uri: str, why: str) -> Self:
        """The error of a file."""
        return cls(
            f"the stored file {uri} is refused: {why}; restore it with `shanhai db restore`, or"
            " from a copy of the store, if this stays",
            message_zh=f"存储文件 {uri} 校验失败，已拒绝使用；若持续出现，请从备份恢复",
        )


@dataclass(frozen=True, slots=True)
class BlockSums:
    """The size of a file, its SHA-256 and the digests of its blocks."""

    size: int
    sha256: str
    digests: bytes

    @classmethod
    def of(cls, path: Path) -> Self:
        """Those of a file here."""
        with path.open("rb") as file:
            return cls.of_blocks(iter(lambda: file.read(BLOCK_BYTES), b""))

    @classmethod
    def of_blocks(cls, blocks: Iterable[bytes]) -> Self:
        """Those of a file given block by block."""
        whole, size, digests = hashlib.sha256(), 0, bytearray()
        for block in blocks:
            whole.update(block)
            digests += xxh3_128_digest(block)
            size += len(block)
        return cls(size, whole.hexdigest(), bytes(digests))

    def to_bytes(self) -> bytes:
        """To be stored, with a digest of its own."""
        content = self.size.to_bytes(8) + bytes.fromhex(self.sha256) + self.digests
        return content + xxh3_128_digest(content)

    @classmethod
    def parse(cls, kept: bytes) -> Self | None:
        """What `to_bytes` made; None when it is not that."""
        content, digest = kept[:-DIGEST_BYTES], kept[-DIGEST_BYTES:]
        head = 8 + NAME_BYTES
        if len(content) < head or xxh3_128_digest(content) != digest:
            return None
        return cls(int.from_bytes(content[:8]), content[8:head].hex(), content[head:])

    def digest(self, block: int) -> bytes:
        """That of a block."""
        return self.digests[block * DIGEST_BYTES : (block + 1) * DIGEST_BYTES]


Fetch = Callable[[str, int, int], bytes]
"""Gets the bytes of an address from one offset to before another."""


class FetchedFile:
    """A file with holes, which are filled as its parts are asked for."""

    def __init__(self, uri: str, path: Path, whole: Path, sums: BlockSums, fetch: Fetch) -> None:
        self.uri, self.path, self.sums = uri, path, sums
        self._whole, self._fetch = whole, fetch
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if os.fstat(self._file).st_size != sums.size:
            os.truncate(self._file, sums.size)
        self._there = bytearray(-(-sums.size // BLOCK_BYTES))
        self._used = 0.0

    def __del__(self) -> None:
        with suppress(AttributeError, OSError):
            os.close(self._file)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return self.sums.size

    @property
    def current(self) -> bool:
        """Whether the file is still the one under its name."""
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._file))
        except FileNotFoundError:
            return False

    def ensure(self, start: int, end: int) -> None:
        """Have some bytes in the file, checked."""
        if time.monotonic() - self._used > IN_USE_S / 10:
            self._used = time.monotonic()
            _note_use(self._file)
        first, last = start // BLOCK_BYTES, -(-min(end, self.sums.size) // BLOCK_BYTES)
        if self._there.find(0, first, last) < 0:
            return
        for hole, behind in self._holes(first, last):
            for at in range(hole, behind, BLOCKS_AT_ONCE):
                self._fill(at, min(at + BLOCKS_AT_ONCE, behind))

    def read(self, start: int, end: int) -> bytes:
        """Some bytes, checked."""
        self.ensure(start, end)
        return os.pread(self._file, end - start, start)

    def _holes(self, first: int, behind: int) -> Iterator[tuple[int, int]]:
        """Runs of blocks that are not there."""
        begun: int | None = None
        for block in range(first, behind):
            missing = not self._there[block] and not self._is_right(block)
            if missing and begun is None:
                begun = block
            elif not missing and begun is not None:
                yield begun, block
                begun = None
        if begun is not None:
            yield begun, behind

    def _is_right(self, block: int) -> bool:
        if self._is_hole(block * BLOCK_BYTES):
            return False
        content = os.pread(self._file, BLOCK_BYTES, block * BLOCK_BYTES)
        right = xxh3_128_digest(content) == self.sums.digest(block)
        self._there[block] = right
        return right

    def _is_hole(self, start: int) -> bool:
        """Whether a block was never written, which is known without a look at its bytes."""
        try:
            return os.lseek(self._file, start, os.SEEK_DATA) >= start + BLOCK_BYTES
        except OSError as error:
            return error.errno == errno.ENXIO

    def _fill(self, first: int, behind: int) -> None:
        start, end = first * BLOCK_BYTES, min(behind * BLOCK_BYTES, self.sums.size)
        content = memoryview(self._fetch(self.uri, start, end))
        for block in range(first, behind):
            at = (block - first) * BLOCK_BYTES
            part = content[at : at + BLOCK_BYTES]
            if xxh3_128_digest(part) != self.sums.digest(block):
                raise Damaged.named(self.uri, f"bytes from {start + at} on are not as stored")
            os.pwrite(self._file, part, start + at)
            self._there[block] = 1

    def ensure_all(self) -> None:
        """Have all of it, compared with its name."""
        size = self.sums.size
        self.ensure(0, size)
        blocks = (os.pread(self._file, BLOCK_BYTES, at) for at in range(0, size, BLOCK_BYTES))
        if BlockSums.of_blocks(blocks).sha256 != self._whole.name[: NAME_BYTES * 2]:
            raise Damaged.named(self.uri, "its content is not what its name says")

    def complete(self) -> Path:
        """Fetch all of it; the file under its name for good."""
        self.ensure_all()
        os.fsync(self._file)
        self._whole.parent.mkdir(parents=True, exist_ok=True)
        # Who reads it by its former name goes on to; somebody else may have been as quick.
        with suppress(FileExistsError):
            self._whole.hardlink_to(self.path)
        return self._whole


class FetchedFiles:
    """The folder, from which the longest unused goes when there is too much."""

    def __init__(self, folder: Path, capacity: int) -> None:
        self.folder, self.capacity = folder, capacity
        self._open: OrderedDict[str, FetchedFile] = OrderedDict()
        self._lock = Lock()
        self._looked = time.monotonic()

    def scratch(self) -> Path:
        """A path for a file that is made to be stored."""
        folder = self.folder / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / uuid.uuid4().hex

    def whole(self, uri: str) -> Path | None:
        """The file, if all of it was fetched; it counts as used."""
        path = self.folder / uri
        try:
            _note_use(path)
        except FileNotFoundError:
            return None
        return path

    def opened(self, uri: str) -> FetchedFile | None:
        """The file, if this process has begun to fetch it and it is still there."""
        if time.monotonic() - self._looked > IN_USE_S / 10:
            self._close_removed()
        found = self._open.get(uri)
        return found if found is not None and found.current else None

    def file(self, uri: str, sums: Callable[[str], BlockSums], fetch: Fetch) -> FetchedFile:
        """The file, to be fetched in parts."""
        found = self.opened(uri)
        if found is None:
            known = sums(uri)
            self.make_room(known.size)
            self._close_removed()
            path = self.folder / "parts" / uri.rpartition("/")[2]
            found = FetchedFile(uri, path, self.folder / uri, known, fetch)
        with self._lock:
            self._open[uri] = found
            self._open.move_to_end(uri)
            while len(self._open) > OPEN_FILES:
                self._open.popitem(last=False)
        return found

    def complete(self, uri: str, sums: Callable[[str], BlockSums], fetch: Fetch) -> Path:
        """All of the file, which is not kept open any more."""
        whole = self.file(uri, sums, fetch).complete()
        with self._lock:
            self._open.pop(uri, None)
        return whole

    def _close_removed(self) -> None:
        """Close what was removed, by whichever process: until then it takes its room."""
        self._looked = time.monotonic()
        with self._lock:
            for uri in [uri for uri, file in self._open.items() if not file.current]:
                del self._open[uri]

    def aside(self, uri: str, sums: BlockSums, fetch: Fetch) -> FetchedFile:
        """The same for who reads it once: it is removed by whom it was made for."""
        return FetchedFile(uri, self.scratch(), self.folder / uri, sums, fetch)

    def make_room(self, size: int) -> None:
        """Remove what was not used for longest until so much more fits."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "room.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return  # somebody is at it
            files = sorted(self._files())
            room = self.capacity - size - sum(taken for _, taken, _ in files)
            for used, taken, path in files:
                if room >= 0 or time.time() - used < IN_USE_S:
                    return
                path.unlink(missing_ok=True)
                room += taken

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """When each was used last, the room it takes, and where it is."""
        for kind in ("objects/*", "parts", "incoming"):
            for path in self.folder.glob(f"{kind}/*"):
                with suppress(FileNotFoundError):
                    status = path.stat()
                    used = max(status.st_atime, status.st_mtime)
                    yield used, status.st_blocks * 512 // status.st_nlink, path


def _note_use(file: int | Path) -> None:
    """Set the time of access alone: one whose time of change is another is opened anew."""
    os.utime(file, ns=(time.time_ns(), os.stat(file).st_mtime_ns))
