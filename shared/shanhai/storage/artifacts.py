"""The port to the artifact store, the local folder behind it, and its removal of unused files.

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
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shanhai.errors import Conflict, InvalidInput, NotFound

BLOCK = 1024 * 1024
COG_TYPE = "image/tiff; application=geotiff; profile=cloud-optimized"
"""Media type of the rasters that datasets are."""


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """A stored file: its address in the store, SHA-256 and size."""

    uri: str
    sha256: str
    bytes: int


class ArtifactStore(Protocol):
    """Where files live; an address (`uri`) is opaque and relative to the store."""

    def put(self, path: Path, *, suffix: str) -> StoredArtifact:
        """Store a finished file durably under its content's name."""
        ...

    def local_path(self, uri: str) -> Path:
        """A readable local file for the address.

        Raises:
            NotFound: nothing is stored there.
        """
        ...


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


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
        aside = self.root / "incoming" / uuid.uuid4().hex
        aside.parent.mkdir(exist_ok=True)
        with path.open("rb") as source, aside.open("xb") as copy:
            shutil.copyfileobj(source, copy, BLOCK)
            copy.flush()
            os.fsync(copy.fileno())
        aside.rename(target)
        sync_folder(target.parent)

    def local_path(self, uri: str) -> Path:
        """The file at `uri`, which must lie inside the store."""
        path = (self.root / uri).resolve()
        if not path.is_relative_to(self.root.resolve()):
            raise InvalidInput(f"artifact address {uri!r} leaves the store")
        if not path.is_file():
            raise NotFound(f"artifact {uri!r} is not in the store")
        return path

    def upload_path(self, upload: uuid.UUID) -> Path:
        """Where the bytes of an upload are received."""
        folder = self.root / "uploads"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / str(upload)


URI = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})(\.[a-z0-9.]{1,20})?")
GRACE_S = 48 * 3600.0
MOST_SHARE, FEW = 0.2, 20
"""Of more files than a few, a larger share is taken for a mistake."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file in the store."""

    uri: str
    bytes: int
    modified: float


class TooMany(Conflict):
    """So much would be removed that the database is more likely to be the wrong one."""

    title = "Too many files to remove"
    title_zh = "待删除文件过多"


def stored_files(store: Path) -> Iterator[StoredFile]:
    """The files in a store; what others put there is left out."""
    for folder in sorted((store / "objects").glob("[0-9a-f][0-9a-f]")):
        for path in folder.iterdir():
            uri = f"objects/{folder.name}/{path.name}"
            if not URI.fullmatch(uri):
                continue
            try:
                status = path.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            yield StoredFile(uri, status.st_size, status.st_mtime)


def find_orphans(
    store: Path, referenced: set[str], *, grace_s: float = GRACE_S
) -> tuple[list[StoredFile], int]:
    """Files that no row names and that have been there for a while, and how many files there are.

    Args:
        store: The artifact store's folder.
        referenced: What rows name, read before.
        grace_s: For how long a file must have been there.
    """
    before, number, orphans = time.time() - grace_s, 0, []
    for file in stored_files(store):
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


def remove(store: LocalArtifacts, orphans: Iterable[StoredFile]) -> tuple[int, int]:
    """Remove files unless they were stored again meanwhile; how many, and their bytes."""
    number = size = 0
    for file in orphans:
        if store.remove_unchanged(file.uri, file.modified):
            number, size = number + 1, size + file.bytes
    return number, size


def missing_files(store: Path, referenced: set[str]) -> list[str]:
    """What rows name and the store does not have."""
    return sorted(uri for uri in referenced if not (store / uri).is_file())


class KeptFolders:
    """A folder for each job that wants one, made by the job itself."""

    def __init__(self, store: Path) -> None:
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
