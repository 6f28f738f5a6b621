"""A raster in tiles, and the edges on which tiles tell one another what they found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.grid import Window

TILE_CELLS = 1024
"""Default side of a tile; its kernels then take some tens of megabytes."""

Kind = TypeVar("Kind", bound=np.generic)

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Maps a picklable function over a sequence, results in order: `map`, or a pool of processes."""


class Layers(Protocol):
    """Rasters of one shape by name; picklable where `Run` uses other processes."""

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""


@dataclass(frozen=True, slots=True)
class ArrayLayers:
    """Layers that are arrays in memory."""

    arrays: dict[str, FloatArray]

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""
        return self.arrays[name][window.slices]

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""
        self.arrays[name][window.slices] = values


@dataclass(frozen=True, slots=True)
class Tiles:
    """Square tiles that cover a raster, row by row; those at the end may be smaller.

    Attributes:
        height: Rows of the raster.
        width: Columns of the raster.
        size: Side of a tile, cells.
    """

    height: int
    width: int
    size: int

    @property
    def columns(self) -> int:
        """Tiles side by side."""
        return -(-self.width // self.size)

    @property
    def rows(self) -> int:
        """Tiles one above the other."""
        return -(-self.height // self.size)

    def __post_init__(self) -> None:
        """Refuse tiles without cells."""
        if self.size < 1:
            raise InvalidInput(
                f"tile size is {self.size}; it must be at least one cell",
                message_zh=f"分块边长为 {self.size}，至少须为一个像元",
            )

    def window(self, number: int) -> Window:
        """Cells of the tile with this number."""
        row, col = (place * self.size for place in divmod(number, self.columns))
        height, width = min(self.size, self.height - row), min(self.size, self.width - col)
        return Window(row, col, height, width)

    @property
    def windows(self) -> list[Window]:
        """Cells of every tile, by its number."""
        return [self.window(number) for number in range(self.rows * self.columns)]

    def read(self, layers: Layers, name: str, window: Window, halo: int) -> FloatArray:
        """A window with `halo` cells around it, contiguous; NaN beyond the raster."""
        top, left = max(0, window.row - halo), max(0, window.col - halo)
        bottom = min(self.height, window.row + window.height + halo)
        right = min(self.width, window.col + window.width + halo)
        framed = np.full((window.height + 2 * halo, window.width + 2 * halo), np.nan)
        inner = Window(top, left, bottom - top, right - left)
        start = Window(window.row - halo, window.col - halo, 0, 0)
        framed[inner.slices_within(start)] = layers.read(name, inner)
        return framed


def ring_of(framed: NDArray[Kind]) -> NDArray[Kind]:
    """The outermost cells of an array: first row, last row, rest of first and of last column."""
    return np.concatenate([framed[0], framed[-1], framed[1:-1, 0], framed[1:-1, -1]])


def set_ring(framed: NDArray[Kind], ring: NDArray[Kind]) -> None:
    """Put back what `ring_of` took."""
    framed[0], framed[-1], framed[1:-1, 0], framed[1:-1, -1] = _sides(ring, *framed.shape)


def _sides(
    ring: NDArray[Kind], height: int, width: int
) -> tuple[NDArray[Kind], NDArray[Kind], NDArray[Kind], NDArray[Kind]]:
    rest = ring[2 * width :]
    between = max(height - 2, 0)
    return ring[:width], ring[width : 2 * width], rest[:between], rest[between : 2 * between]


class Seams:
    """Values of the cells along all tile edges: a few lines of the raster instead of all of it."""

    def __init__(self, tiles: Tiles, start: float) -> None:
        self.tiles = tiles
        # One column and row of frame, so that the ring of an outer tile needs no special case.
        self.lines = np.full((tiles.rows + 2, 2, tiles.width + 2), start)
        self.columns = np.full((tiles.columns + 2, 2, tiles.height + 2), start)

    def put(self, number: int, values: FloatArray) -> None:
        """Take over the edges of a tile, given as `ring_of` gives them."""
        row, column = divmod(number, self.tiles.columns)
        window = self.tiles.window(number)
        across = slice(window.col + 1, window.col + window.width + 1)
        down = slice(window.row + 1, window.row + window.height + 1)
        north, south, west, east = _sides(values, window.height, window.width)
        self.lines[row + 1, :, across] = north, south
        first = np.concatenate([north[:1], west, south[:1]])
        last = np.concatenate([north[-1:], east, south[-1:]])
        self.columns[column + 1, :, down] = first[: window.height], last[: window.height]

    def around(self, number: int) -> FloatArray:
        """The cells just outside a tile, in the order of `ring_of`."""
        row, column = divmod(number, self.tiles.columns)
        window = self.tiles.window(number)
        across = slice(window.col, window.col + window.width + 2)
        down = slice(window.row + 1, window.row + window.height + 1)
        return np.concatenate(
            [
                self.lines[row, 1, across],
                self.lines[row + 2, 0, across],
                self.columns[column, 1, down],
                self.columns[column + 2, 0, down],
            ]
        )

    def facing(self) -> Iterator[tuple[FloatArray, FloatArray]]:
        """Cells on one side of every seam, and a neighbour of each on the other."""
        for lines in (self.lines, self.columns):
            for near, far in zip(lines[1:-2, 1], lines[2:-1, 0], strict=True):
                for shift in range(3):
                    yield near[1:-1], far[shift : shift + near.size - 2]


Found = tuple[FloatArray, BoolArray]
"""Values on the edges of a tile, and which of the cells around it they rest on."""


def settle(
    tiles: Tiles, find: Callable[[tuple[Window, FloatArray]], Found], start: float, run: Run
) -> Seams:
    """Let tiles find values from what lies around them, again and again until none changes.

    Each tile is worked through once, and again only when a cell outside it changes on which its
    own rest. Where values depend on one another without a circle the end is reached and is the
    same whatever the tiles, because it is the only state in which all agree.

    Args:
        tiles: Of the raster.
        find: From a tile and the values around it to its edges.
        start: Value before anything is known, and beyond the raster.
        run: Runs `find` over several tiles.

    Returns:
        The values on all edges.
    """
    seams = Seams(tiles, start)
    rests_on: dict[int, tuple[BoolArray, FloatArray]] = {}
    pending = list(range(len(tiles.windows)))
    while pending:
        items = [(tiles.window(number), seams.around(number)) for number in pending]
        for number, (_, ring), (edges, reads) in zip(pending, items, run(find, items), strict=True):
            rests_on[number] = reads, ring[reads]
            seams.put(number, edges)
        pending = [
            number
            for number, (reads, seen) in rests_on.items()
            if not np.array_equal(seams.around(number)[reads], seen)
        ]
    return seams
