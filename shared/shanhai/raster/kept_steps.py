"""Steps of a job kept for other jobs, under the digest of all they rest on.

An entry is one file: what the step returned and every layer its stores held, read back window by
window, or the files it wrote. It counts only if it is whole. Jobs of several workers may write the
same entry at once: each writes a file of its own, and the last takes the name. What has not been
asked for longest goes first where all would take more than they may.
"""

import os
import pickle
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

from shanhai.raster.store import BLOCK, ScratchStore, WindowRecord
from shanhai.raster.windows import has_room, is_whole, require_own, write_digested
from shanhai.science.grid import Window

STEPS = "steps"
"""Name of the folder below that of a worker's working files."""

SUFFIX, PART = ".step", ".part"
_ABANDONED_S = 3600.0
"""Age of a file that is still being written after which its writer must have been killed."""


@dataclass(frozen=True, slots=True)
class KeptSteps:
    """Where finished steps are kept.

    Attributes:
        folder: Of this machine, written by one account.
        most_bytes: What all entries may take together.
    """

    folder: Path
    most_bytes: int

    def open(self) -> None:
        """Make the folder, unless it is there.

        Raises:
            PermissionError: Others may write there, so what it holds cannot be trusted.
        """
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        require_own(self.folder)

    def recall(self, key: str, workspace: Path) -> Any:
        """What the step returned, its layers written below the workspace; None where it is lost.

        Args:
            key: Digest of all the step rests on, hexadecimal.
            workspace: The folder below which its stores were.
        """
        path = self.folder / f"{key}{SUFFIX}"
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return None
        with file:
            if not is_whole(file):
                return None
            parts = _parts(file)
            result = next(parts)
            for record in parts:
                record.remake(workspace)
        with suppress(FileNotFoundError):  # taken away meanwhile
            os.utime(path)
        return result

    def keep(
        self,
        key: str,
        result: Any,
        stores: Sequence[ScratchStore],
        workspace: Path,
        files: Sequence[Path] = (),
    ) -> None:
        """Keep what the step returned, all layers of its stores and files, unless they are large.

        Args:
            key: Digest of all the step rests on, hexadecimal.
            result: What it returned.
            stores: What it filled.
            workspace: The folder below which they are.
            files: What else it wrote there.
        """
        takes = sum(_bytes_of(store) for store in stores)
        takes += sum(path.stat().st_size for path in files)
        if takes > self.most_bytes or not has_room(self.folder):
            return
        aside = self.folder / f"{key}.{uuid4().hex}{PART}"
        written = chain(_written(result, stores, workspace), _parts_of(files, workspace))
        write_digested(aside, written)
        aside.rename(self.folder / f"{key}{SUFFIX}")
        self._make_room()

    def _make_room(self) -> None:
        """Remove the entries that were asked for longest ago, and what nobody writes any more."""
        now, left = time.time(), self.most_bytes
        for changed, size, path in sorted(self._files(), reverse=True):
            left -= size
            abandoned = path.suffix == PART and now - changed > _ABANDONED_S
            if abandoned or (left < 0 and path.suffix == SUFFIX):
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):
                found = path.stat()
                yield found.st_mtime, found.st_size, path


@dataclass(frozen=True, slots=True)
class PartOfFile:
    """Some bytes of a file that a step wrote.

    Attributes:
        place: The file below the workspace.
        offset: Where the bytes begin.
        content: The bytes.
    """

    place: Path
    offset: int
    content: bytes

    def remake(self, workspace: Path) -> None:
        """Write them where they were, after those before them."""
        with (workspace / self.place).open("r+b" if self.offset else "wb") as file:
            file.seek(self.offset)
            file.write(self.content)


_PART_BYTES = 8 * 1024**2


def _parts_of(files: Sequence[Path], workspace: Path) -> Iterator[PartOfFile]:
    for path in files:
        with path.open("rb") as file:
            for offset in range(0, max(1, path.stat().st_size), _PART_BYTES):
                yield PartOfFile(path.relative_to(workspace), offset, file.read(_PART_BYTES))


def _written(result: Any, stores: Sequence[ScratchStore], workspace: Path) -> Iterator[Any]:
    yield result
    for store in stores:
        height, width = store.grid.shape
        for path, read in store.files():
            place = path.relative_to(workspace)
            for row in range(0, height, BLOCK):
                window = Window(row, 0, min(BLOCK, height - row), width)
                yield WindowRecord(place, store.grid, window, read(window))


def _bytes_of(store: ScratchStore) -> int:
    cells, one = store.grid.height * store.grid.width, Window(0, 0, 1, 1)
    return sum(cells * read(one).itemsize for _, read in store.files())


def _parts(file: BinaryIO) -> Iterator[Any]:
    """What was written, in order, from where the file is read."""
    with suppress(EOFError):
        while True:
            # Written by this account in a folder nobody else writes to.
            yield pickle.load(file)  # noqa: S301
