"""Working rasters of a computation: plain files in a scratch folder, read and written by window.

A layer is stored in square blocks without compression. A window of whole blocks, or of rows of them
that fill pages, is read and written in one piece each, and no two share a page of memory, so that
processes can write at the same time, also on machines that share the folder over a network. Files
are opened and closed around each access: that is when such machines see what others wrote. Machines
that share nothing ask for what a window reads, and give back what it writes (`ELSEWHERE`).
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import ClassArray, FloatArray, Grid, Window

if TYPE_CHECKING:
    from shanhai.raster.inspect import RasterFacts

BLOCK = 512
"""Cells along a side of a block; windows of as many cells, or a multiple, fit best."""

_QUANTITY, _CLASSES = np.dtype(np.float32), np.dtype(np.uint8)
Cell = TypeVar("Cell", np.float32, np.uint8)


@dataclass(frozen=True, slots=True)
class _BlockPart:
    """The cells a window has in one block.

    Attributes:
        number: The block, counted row by row from the north-west.
        rows, cols: The cells within the block.
        place: The same cells within the window.
    """

    number: int
    rows: slice
    cols: slice
    place: tuple[slice, slice]

    def cell(self, row: int = 0, col: int = 0) -> int:
        """The cell of the file that is `row` rows below the part's first, in column `col`."""
        first: int = self.rows.start
        return (self.number * BLOCK + first + row) * BLOCK + col


@dataclass(frozen=True, slots=True)
class ScratchStore:
    """Layers of one grid in one folder: quantities as float32 (NaN nodata), classes as uint8.

    Attributes:
        folder: Where its own layers are.
        grid: Their grid.
        below: Another store of the grid, in which layers are read that are not in this one.
    """

    folder: Path
    grid: Grid
    below: "ScratchStore | None" = None

    def has(self, layer: str) -> bool:
        """Whether the layer was created."""
        home = self._home(layer)
        return any(map(_exists, home._paths(layer)))

    def has_classes(self, layer: str) -> bool:
        """Whether the layer was created and holds classes."""
        return _exists(self._home(layer)._paths(layer)[1])

    def create(self, layer: str) -> None:
        """Make room for a quantity."""
        self._make(self._quantity(layer), _QUANTITY.itemsize)

    def create_classes(self, layer: str) -> None:
        """Make room for classes; every cell begins as 0."""
        self._make(self._classes(layer), _CLASSES.itemsize)

    def write(self, layer: str, window: Window, values: NDArray[np.floating]) -> None:
        """Store a window of a quantity, rounded to float32."""
        self._write(self._quantity(layer), window, values.astype(_QUANTITY, copy=False))

    def write_classes(self, layer: str, window: Window, values: ClassArray) -> None:
        """Store a window of classes."""
        self._write(self._classes(layer), window, values.astype(_CLASSES, copy=False))

    def read(self, layer: str, window: Window) -> FloatArray:
        """A window of a quantity as float64."""
        return self.read_stored(layer, window).astype(np.float64)

    def read_stored(self, layer: str, window: Window) -> NDArray[np.float32]:
        """A window of a quantity as it is stored."""
        found = np.empty((window.height, window.width), np.float32)
        self._read(self._home(layer)._quantity(layer), window, found)
        return found

    def read_classes(self, layer: str, window: Window) -> ClassArray:
        """A window of classes; 0 is nodata."""
        found = np.empty((window.height, window.width), np.uint8)
        self._read(self._home(layer)._classes(layer), window, found)
        return found

    @property
    def whole(self) -> Window:
        """The window of all cells."""
        return Window(0, 0, self.grid.height, self.grid.width)

    def read_all(self, layer: str) -> FloatArray:
        """A whole quantity."""
        return self.read(layer, self.whole)

    def blocks(self, layer: str, rows: int = 512) -> Iterator[NDArray[np.float32]]:
        """A quantity strip by strip, north first."""
        height, width = self.grid.shape
        for row in range(0, height, rows):
            yield self.read_stored(layer, Window(row, 0, min(rows, height - row), width))

    def files(self) -> Iterator[tuple[Path, Callable[[Window], NDArray[Any]]]]:
        """The file of each layer of its own, by name, and what reads a window as it is stored."""
        for path in sorted(self.folder.glob("*.[fu][41]")):
            kind = _QUANTITY if path.suffix == ".f4" else _CLASSES
            yield path, partial(read_cells, path, self.grid, dtype=kind)

    def drop(self, *layers: str) -> None:
        """Remove layers that are needed no longer."""
        for layer in layers:
            for path in self._paths(layer):
                path.unlink(missing_ok=True)

    def _home(self, layer: str) -> "ScratchStore":
        """The store a layer is read from."""
        if self.below is None or any(map(_exists, self._paths(layer))):
            return self
        return self.below._home(layer)

    def _quantity(self, layer: str) -> Path:
        return self.folder / f"{layer}.f4"

    def _classes(self, layer: str) -> Path:
        return self.folder / f"{layer}.u1"

    def _paths(self, layer: str) -> tuple[Path, Path]:
        return (self._quantity(layer), self._classes(layer))

    def _make(self, path: Path, item_bytes: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        blocks = -(-self.grid.height // BLOCK) * -(-self.grid.width // BLOCK)
        with path.open("wb") as file:
            file.truncate(blocks * BLOCK * BLOCK * item_bytes)

    def _parts(self, window: Window) -> Iterator[_BlockPart]:
        """What a window has in each block it touches."""
        across = -(-self.grid.width // BLOCK)
        for row, rows, down in _spans(window.row, window.height):
            for col, cols, right in _spans(window.col, window.width):
                yield _BlockPart(row * across + col, rows, cols, (down, right))

    def _read(self, path: Path, window: Window, found: NDArray[Cell]) -> None:
        elsewhere = ELSEWHERE.get()
        if elsewhere is not None:
            elsewhere.read(path, self.grid, window, found)
            return
        with path.open("rb", buffering=0) as file:
            for part in self._parts(window):
                # Whole rows of the block: a few more cells cost less than a call for each row.
                held = np.empty((part.rows.stop - part.rows.start, BLOCK), found.dtype)
                os.preadv(file.fileno(), [held.data], part.cell() * found.itemsize)
                found[part.place] = held[:, part.cols]

    def _write(self, path: Path, window: Window, values: NDArray[Cell]) -> None:
        record = _RECORD.get()
        if record is not None:
            record(WindowRecord(path, self.grid, window, values.copy()))
        elsewhere = ELSEWHERE.get()
        if elsewhere is not None:
            elsewhere.write(WindowRecord(path, self.grid, window, values.copy()))
            return
        with path.open("r+b", buffering=0) as file:
            for part in self._parts(window):
                cells = values[part.place]
                if self._fills_rows(part):
                    held = np.zeros((len(cells), BLOCK), values.dtype)
                    held[:, part.cols] = cells
                    _write_at(file.fileno(), held.data, part.cell())
                    continue
                for number, row in enumerate(np.ascontiguousarray(cells)):
                    _write_at(file.fileno(), row.data, part.cell(number, part.cols.start))

    def _fills_rows(self, part: _BlockPart) -> bool:
        """Whether the part reaches across all cells of the grid that lie in its block."""
        across = -(-self.grid.width // BLOCK)
        width = min(BLOCK, self.grid.width - part.number % across * BLOCK)
        return part.cols == slice(0, width)


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """A window of a layer as it was written; kept ones have their path below the workspace."""

    path: Path
    grid: Grid
    window: Window
    values: NDArray[Any]

    def repeat(self, workspace: Path = Path()) -> None:
        """Write it where it was written, or in the workspace of another attempt."""
        path = workspace / self.path
        ScratchStore(path.parent, self.grid)._write(path, self.window, self.values)

    def remake(self, workspace: Path) -> None:
        """Write it in a workspace where the file may not be yet."""
        path = workspace / self.path
        if not path.exists():
            ScratchStore(path.parent, self.grid)._make(path, self.values.itemsize)
        self.repeat(workspace)


class RemoteFiles(Protocol):
    """The files of a job on another machine."""

    def has(self, path: Path) -> bool:
        """Whether a file is there."""
        ...

    def read(self, path: Path, grid: Grid, window: Window, found: NDArray[Any]) -> None:
        """Fill `found` with a window of a layer, as it is stored."""
        ...

    def write(self, written: WindowRecord) -> None:
        """Take a window that is to be written."""
        ...

    def raster(self, path: Path, facts: "RasterFacts") -> AbstractContextManager[Any]:
        """An input raster, opened; of it `nodata`, and `read` with a window, are there."""
        ...


ELSEWHERE: ContextVar[RemoteFiles | None] = ContextVar("elsewhere", default=None)
"""Whom a window asks whose files are not on this machine; see `dask_files`."""


def _exists(path: Path) -> bool:
    elsewhere = ELSEWHERE.get()
    return path.exists() if elsewhere is None else elsewhere.has(path)


_RECORD: ContextVar[Callable[[WindowRecord], None] | None] = ContextVar("record", default=None)


@contextmanager
def recording(workspace: Path) -> Iterator[list[WindowRecord]]:
    """Note all that is written below the workspace in this context, in order."""
    found: list[WindowRecord] = []

    def record(written: WindowRecord) -> None:
        found.append(replace(written, path=written.path.relative_to(workspace)))

    token = _RECORD.set(record)
    try:
        yield found
    finally:
        _RECORD.reset(token)


def read_cells(path: Path, grid: Grid, window: Window, dtype: "np.dtype[Any]") -> NDArray[Any]:
    """A window of the layer in a file, as it is stored."""
    found = np.empty((window.height, window.width), dtype)
    ScratchStore(path.parent, grid)._read(path, window, found)
    return found


def _write_at(file: int, values: memoryview, cell: int) -> None:
    if os.pwrite(file, values, cell * values.itemsize) < values.nbytes:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _spans(start: int, length: int) -> Iterator[tuple[int, slice, slice]]:
    """Number of each block a stretch of cells touches, its cells there, and in the stretch."""
    end = start + length
    for number in range(start // BLOCK, -(-end // BLOCK)):
        first, last = max(start, number * BLOCK), min(end, (number + 1) * BLOCK)
        yield (
            number,
            slice(first - number * BLOCK, last - number * BLOCK),
            slice(first - start, last - start),
        )
