"""The port to the artifact store, the local folder that may be behind it, and unused files.

Result files are named by their content, so a name never means two things and an interrupted
write leaves nothing that anyone refers to. A file is stored before the row that names it is
committed, so only what has been there for a while is removed: longer than any transaction lasts,
and longer than backups take. Storing the same content again begins that while anew.

Folders that outlive an attempt at a job lie here too, because all workers share the store. Nothing
in them is a result: whatever is lost is made again.
"""

import fcntl
import hashlib
import os
import re
import shutil
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, runtime_checkable

from shanhai.errors import Conflict, InvalidInput, NotFound
from shanhai.settings import ArtifactSettings
from shanhai.storage.fetched import Damaged
from shanhai.vocabulary import Label

BLOCK = 1024 * 1024
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
"""Media type of the rasters that datasets are."""


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A stored file: its address in the store, SHA-256 and size."""

    uri: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store, and when it was stored last, in seconds since 1970."""

    uri: str
    bytes: int
    modified: float


class ByteSink(Protocol):
    """Takes the bytes of an upload as they arrive."""

    def write(self, block: bytes, /) -> object:
        """Take the next bytes."""
        ...

    def flush(self) -> object:
        """Make durable what was taken."""
        ...


class RangedFile(Protocol):
    """A file of which only what is asked for need be on this machine."""

    @property
    def path(self) -> Path:
        """Where it is, as long as the store; what was not ensured reads as zeros."""
        ...

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    def read(self, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`, checked.

        Raises:
            Unavailable: the store does not give them, or gives others than were stored.
        """
        ...

    def ensure(self, start: int, end: int) -> None:
        """Have the bytes from `start` to before `end` in the file, checked.

        Raises:
            Unavailable: the store does not give them, or gives others than were stored.
        """
        ...


class ArtifactStore(Protocol):
    """Where files live; an address (`uri`) is opaque and relative to the store.

    Any method may wait for a disk or a network, and raise Unavailable where the store is one that
    does not answer.
    """

    def put(self, path: Path, *, suffix: str) -> StoredArtifact:
        """Store a finished file durably under its content's name."""
        ...

    def local_path(self, uri: str) -> Path:
        """A readable local file for the address, to be opened soon.

        Raises:
            NotFound: nothing is stored there.
        """
        ...

    def hold(self, uri: str, folder: Path, upload_sha256: str | None = None) -> Path:
        """The same, readable for as long as `folder` is there; also of an upload.

        Raises:
            NotFound: nothing is stored there.
            InvalidInput: the pieces of an upload make up another file than was sent.
        """
        ...

    def ranged(self, uri: str) -> Path | RangedFile:
        """The file for who reads a little of it.

        Raises:
            NotFound: nothing is stored there.
        """
        ...

    def open(self, uri: str) -> AbstractContextManager[BinaryIO]:
        """The file, to be read once from its beginning to its end.

        Raises:
            NotFound: nothing is stored there.
        """
        ...

    def has(self, uri: str) -> bool:
        """Whether a file is there."""
        ...

    def files(self) -> Iterator[StoredFile]:
        """All stored files; what others put there is left out."""
        ...

    def remove_unchanged(self, uri: str, modified: float) -> bool:
        """Remove a file unless it was stored again after it was seen; whether it was removed."""
        ...

    def scratch(self) -> Path:
        """A path for a file that is made to be stored; who makes it removes it."""
        ...

    def receive(self, upload: uuid.UUID, offset: int) -> AbstractContextManager[ByteSink]:
        """Take bytes of an upload from `offset` on; at the end of the context they are durable.

        Raises:
            Conflict: another request is writing it.
        """
        ...

    def received(self, upload: uuid.UUID) -> int:
        """How many bytes of an upload are there, from its first on."""
        ...

    def upload_digest(self, upload: uuid.UUID) -> str:
        """SHA-256 of what there is of an upload."""
        ...

    def drop_upload(self, upload: uuid.UUID) -> None:
        """Remove what there is of an upload."""
        ...

    def uploads(self) -> Iterator[tuple[uuid.UUID, float]]:
        """Uploads of which there is something and when that came, one for each piece."""
        ...


@runtime_checkable
class StoreThatSigns(Protocol):
    """A store from which others may fetch by an address that is valid for so many seconds."""

    signed_s: int

    def signed(self, uri: str) -> str:
        """Such an address."""
        ...


def open_store(settings: ArtifactSettings) -> ArtifactStore:
    """The store that the settings name."""
    if settings.bucket is None:
        return LocalArtifacts(settings.folder)
    from shanhai.storage.object_store import ObjectArtifacts  # its library is of no use to folders

    return ObjectArtifacts.named_in(settings)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make a folder's entries durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class LocalArtifacts:
    """The store in a folder: `objects/ab/<sha256><suffix>`, written aside and renamed."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, path: Path, *, suffix: str) -> StoredArtifact:
        """Copy `path` into the store under its SHA-256; a file already there is kept."""
        sha256 = sha256_of(path)
        uri = f"objects/{sha256[:2]}/{sha256}{suffix}"
        target = self.root / uri
        if not self._renew(target):
            self._place(path, target)
        # Also where another process has just placed it, and those it made on the way.
        for folder in target.parents[:3]:
            sync_folder(folder)
        return StoredArtifact(uri, sha256, target.stat().st_size)

    def _renew(self, target: Path) -> bool:
        """Let a file count as stored just now, if it is there: nobody may have named it so far."""
        if not target.exists():
            return False
        with self._removals(fcntl.LOCK_SH):
            try:
                os.utime(target)
            except FileNotFoundError:
                return False
        return True

    def remove_unchanged(self, uri: str, modified: float) -> bool:
        """Remove a file unless it was stored again after it was seen; whether it was removed."""
        path = self.root / uri
        with self._removals(fcntl.LOCK_EX):
            try:
                if path.stat().st_mtime != modified:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    @contextmanager
    def _removals(self, kind: int) -> Iterator[None]:
        """Keep a file from being removed while it is found to be there."""
        with (self.root / "removals.lock").open("ab") as lock:
            fcntl.flock(lock, kind)
            yield

    def _place(self, path: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = self.scratch()
        try:
            with path.open("rb") as source, aside.open("xb") as copy:
                shutil.copyfileobj(source, copy, BLOCK)
                copy.flush()
                os.fsync(copy.fileno())
            aside.rename(target)
        except OSError as error:
            error.filename = error.filename or str(target)  # a full disk names none
            raise
        finally:
            aside.unlink(missing_ok=True)  # of a disk that is full, for one

    def local_path(self, uri: str) -> Path:
        """The file at `uri`, which must lie inside the store."""
        path = (self.root / uri).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise InvalidInput(f"artifact address {uri!r} leaves the store")
        if not path.is_file():
            raise NotFound(f"artifact {uri!r} is not in the store")
        return path

    def hold(self, uri: str, folder: Path, upload_sha256: str | None = None) -> Path:
        """The file itself: only what no row names is removed."""
        return self.local_path(uri)

    def ranged(self, uri: str) -> Path:
        """The file itself."""
        return self.local_path(uri)

    def open(self, uri: str) -> BinaryIO:
        """The file itself."""
        return self.local_path(uri).open("rb")

    def has(self, uri: str) -> bool:
        """Whether a file is there."""
        return (self.root / uri).is_file()

    def files(self) -> Iterator[StoredFile]:
        """All stored files; what others put there is left out."""
        for folder in sorted((self.root / "objects").glob("[0-9a-f][0-9a-f]")):
            for path in folder.iterdir():
                uri = f"objects/{folder.name}/{path.name}"
                if not URI.fullmatch(uri):
                    continue
                try:
                    status = path.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                yield StoredFile(uri, status.st_size, status.st_mtime)

    def scratch(self) -> Path:
        """A path for what is being written; what a killed process left there is removed in time."""
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.iterdir():
            with suppress(FileNotFoundError):
                if left.stat().st_mtime < time.time() - GRACE_S:
                    left.unlink()
        return folder / uuid.uuid4().hex

    def upload_path(self, upload: uuid.UUID) -> Path:
        """Where the bytes of an upload are received."""
        folder = self.root / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(upload)

    def receive(self, upload: uuid.UUID, offset: int) -> AbstractContextManager[ByteSink]:
        """The upload's file, to be written from `offset` on by this request alone."""
        return receiving(self.upload_path(upload), offset)

    def received(self, upload: uuid.UUID) -> int:
        """Size of the upload's file, if there is one."""
        path = self.upload_path(upload)
        return path.stat().st_size if path.exists() else 0

    def upload_digest(self, upload: uuid.UUID) -> str:
        """SHA-256 of the upload's file."""
        return sha256_of(self.upload_path(upload))

    def drop_upload(self, upload: uuid.UUID) -> None:
        """Remove the upload's file."""
        self.upload_path(upload).unlink(missing_ok=True)

    def uploads(self) -> Iterator[tuple[uuid.UUID, float]]:
        """Those that have a file, and when it was last written."""
        for path in (self.root / "uploads").glob("*"):
            with suppress(FileNotFoundError, ValueError):
                yield uuid.UUID(path.name), path.stat().st_mtime


class FileTail:
    """Writes a file from an offset on; what lay behind is cut off with the first bytes."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file, self._offset = file, offset
        self._begun = False

    def write(self, block: bytes) -> None:
        """Take the next bytes."""
        if not self._begun:
            self._file.truncate(self._offset)
            self._file.seek(self._offset)
            self._begun = True
        self._file.write(block)

    def flush(self) -> None:
        """Make durable what was taken."""
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def receiving(path: Path, offset: int = 0) -> Iterator[ByteSink]:
    """A file that is written from `offset` on, by its owner alone; made durable at the end.

    Raises:
        Conflict: somebody else is writing it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    with os.fdopen(descriptor, "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "another request is sending this upload", message_zh="另一请求正在发送该上传"
            ) from None
        sink = FileTail(file, offset)
        try:
            yield sink
        finally:
            sink.flush()
            for folder in path.parents[:2]:
                sync_folder(folder)


URI = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z0-9.]{1,20})?")


def suffix_of(uri: str) -> str:
    """What follows the digest in an address; empty if nothing does."""
    found = URI.fullmatch(uri)
    return "" if found is None else found[3] or ""


GRACE_S = 48 * 3600.0
MOST_SHARE, FEW = 0.2, 20
"""Of more files than a few, a larger share is taken for a mistake."""


class TooMany(Conflict):
    """So much would be removed that the database is more likely to be the wrong one."""

    title = Label("待删除文件过多", "Too many files to remove")


def find_orphans(
    store: ArtifactStore, referenced: set[str], *, grace_s: float = GRACE_S
) -> tuple[list[StoredFile], int]:
    """Files that no row names and that have been there for a while, and how many files there are.

    Args:
        store: Where they are.
        referenced: What rows name, read before.
        grace_s: For how long a file must have been there.
    """
    before, number, orphans = time.time() - grace_s, 0, []
    for file in store.files():
        number += 1
        if file.uri not in referenced and file.modified < before:
            orphans.append(file)
    return orphans, number


def demand_few(orphans: list[StoredFile], number: int) -> None:
    """Refuse to remove a large part of a store.

    Raises:
        TooMany: More than a fifth of it would go.
    """
    if len(orphans) > FEW and len(orphans) > MOST_SHARE * number:
        raise TooMany(
            f"{len(orphans)} of {number} files are named by no row: is this the right database?"
            " `shanhai artifacts sweep --all` removes them",
            message_zh=f"{number} 个文件中有 {len(orphans)} 个无人引用：数据库是否正确？"
            "`shanhai artifacts sweep --all` 可强制删除",
        )


def remove(store: ArtifactStore, orphans: Iterable[StoredFile]) -> tuple[int, int]:
    """Remove files unless they were stored again meanwhile; how many, and their bytes."""
    number = size = 0
    for file in orphans:
        if store.remove_unchanged(file.uri, file.modified):
            number, size = number + 1, size + file.bytes
    return number, size


def missing_files(store: ArtifactStore, referenced: set[str]) -> list[str]:
    """What rows name and the store does not have."""
    there = {file.uri for file in store.files()} if len(referenced) > FEW else set()
    return sorted(uri for uri in referenced - there if not store.has(uri))


def copy_missing(
    source: ArtifactStore,
    target: ArtifactStore,
    tell: Callable[[StoredFile], object],
    damaged: dict[StoredFile, str],
) -> int:
    """Copy to one store what it lacks of another, each file compared with its name; how many.

    What was copied before an interruption is not copied again.

    Args:
        source: Where files come from.
        target: Where they go.
        tell: Called with each that was copied.
        damaged: Files whose content is not what their names say, and what is told of each; it
            grows. They are passed over until they are stored again.

    Raises:
        Unavailable: one of both does not answer.
    """
    there = {file.uri: file.bytes for file in target.files()}
    number = 0
    for file in source.files():
        if there.get(file.uri) == file.bytes or file in damaged:
            continue
        aside = target.scratch()
        try:
            with source.open(file.uri) as given, aside.open("xb") as taken:
                shutil.copyfileobj(given, taken, BLOCK)
            if (found := sha256_of(aside)) not in file.uri:
                why = f"its SHA-256 is {found}, and should be that of its name"
                raise Damaged.named(file.uri, why)
            target.put(aside, suffix=suffix_of(file.uri))
        except NotFound:
            continue  # removed since it was listed: no row named it
        except Damaged as error:
            damaged[file] = str(error)
            continue
        finally:
            aside.unlink(missing_ok=True)
        tell(file)
        number += 1
    return number


class KeptFolders:
    """A folder for each job that wants one, made by the job itself."""

    def __init__(self, store: Path) -> None:
        self.store = store
        self._root = store / "kept"

    def of(self, job: uuid.UUID) -> Path:
        """Where a job keeps what it has finished; nothing is there before it makes the folder."""
        return self._root / str(job)

    def drop(self, job: uuid.UUID) -> None:
        """Remove what a job kept."""
        shutil.rmtree(self.of(job), ignore_errors=True)

    def jobs(self) -> Collection[uuid.UUID]:
        """The jobs that have something there; what others put there is left alone."""
        if not self._root.exists():
            return []
        names = (folder.name for folder in self._root.iterdir() if folder.is_dir())
        return [job for name in names if (job := _job_named(name)) is not None]


def _job_named(name: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(name)
    except ValueError:
        return None
