"""Working rasters of a computation: plain files in a scratch folder, read and written by window.

A layer is stored by rows without compression, so that windows of several processes can be written
at the same time, and a window maps only the rows it needs into memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.grid import Grid, Window


@dataclass(frozen=True, slots=True)
class ScratchStore:
    """Layers of one grid in one folder: quantities as float32 (NaN nodata), classes as uint8."""

    folder: Path
    grid: Grid

    def has(self, layer: str) -> bool:
        """Whether the layer was created."""
        return any(path.exists() for path in self._paths(layer))

    def create(self, layer: str) -> None:
        """Make room for a quantity."""
        self._make(self.folder / f"{layer}.f4", 4)

    def create_classes(self, layer: str) -> None:
        """Make room for classes; every cell begins as 0."""
        self._make(self.folder / f"{layer}.u1", 1)

    def write(self, layer: str, window: Window, values: NDArray[np.floating]) -> None:
        """Store a window of a quantity, rounded to float32."""
        self._map(self.folder / f"{layer}.f4", np.dtype(np.float32), window, "r+")[:] = values

    def write_classes(self, layer: str, window: Window, values: ClassArray) -> None:
        """Store a window of classes."""
        self._map(self.folder / f"{layer}.u1", np.dtype(np.uint8), window, "r+")[:] = values

    def read(self, layer: str, window: Window) -> FloatArray:
        """A window of a quantity as float64."""
        return self.read_stored(layer, window).astype(np.float64)

    def read_stored(self, layer: str, window: Window) -> NDArray[np.float32]:
        """A window of a quantity as it is stored."""
        path = self.folder / f"{layer}.f4"
        return np.array(self._map(path, np.dtype(np.float32), window, "r"), dtype=np.float32)

    def read_classes(self, layer: str, window: Window) -> ClassArray:
        """A window of classes; 0 is nodata."""
        path = self.folder / f"{layer}.u1"
        return np.array(self._map(path, np.dtype(np.uint8), window, "r"), dtype=np.uint8)

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

    def drop(self, *layers: str) -> None:
        """Remove layers that are needed no longer."""
        for layer in layers:
            for path in self._paths(layer):
                path.unlink(missing_ok=True)

    def _paths(self, layer: str) -> tuple[Path, Path]:
        return (self.folder / f"{layer}.f4", self.folder / f"{layer}.u1")

    def _make(self, path: Path, item_bytes: int) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.truncate(self.grid.width * self.grid.height * item_bytes)

    def _map(
        self,
        path: Path,
        dtype: np.dtype[np.float32] | np.dtype[np.uint8],
        window: Window,
        mode: str,
    ) -> NDArray[np.float32 | np.uint8]:
        width = self.grid.width
        rows = np.memmap(
            path,
            dtype=dtype,
            mode="r+" if mode == "r+" else "r",
            offset=window.row * width * dtype.itemsize,
            shape=(window.height, width),
        )
        return rows[:, window.col : window.col + window.width]
