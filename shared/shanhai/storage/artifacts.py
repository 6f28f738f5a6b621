"""The port to the artifact store, and the local folder behind it.

Result files are named by their content, so a name never means two things and an interrupted
write leaves nothing that anyone refers to.
"""

import fcntl
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shanhai.errors import InvalidInput, NotFound

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
