"""A raster in tiles, and the edges on which tiles tell one another what they found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, Window

TILE_CELLS = 1024
"""Default side of a tile; its kernels then take some tens of megabytes."""

Kind = TypeVar("Kind", bound=np.generic)

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Maps a picklable function over a sequence, results in order: `map`, or a pool of processes."""


class LayerStore(Protocol):
    """Rasters of one shape by name; picklable where `Run` uses other processes."""

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""


@dataclass(frozen=True, slots=True)
class ArrayLayerStore:
    """Layers that are arrays in memory."""

    arrays: dict[str, FloatArray]

    def read(self, name: str, window: Window) -> FloatArray:
        """Values of a window; NaN is nodata."""
        return self.arrays[name][window.slices]

    def write(self, name: str, window: Window, values: FloatArray) -> None:
        """Store the values of a window."""
        self.arrays[name][window.slices] = values


@dataclass(frozen=True, slots=True)
class TileLayout:
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

    def read(self, layers: LayerStore, name: str, window: Window, halo: int) -> FloatArray:
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
    height, width = framed.shape
    rest, between = ring[2 * width :], max(height - 2, 0)
    framed[0], framed[-1] = ring[:width], ring[width : 2 * width]
    framed[1:-1, 0], framed[1:-1, -1] = rest[:between], rest[between : 2 * between]


Lines = tuple[FloatArray, FloatArray, FloatArray, FloatArray]
"""A row near the northern and the southern edge of a tile, a column near the western and eastern.

Each is as long as the tile."""


def lines_of(tile: NDArray[Any], depth: int = 0) -> Lines:
    """The rows and columns that lie `depth` cells inside the edges of a tile."""
    # In a tile as thin as that they would lie beyond it; the tiles next to it then reach beyond
    # the raster, and no line of it is asked for.
    row, column = min(depth, tile.shape[0] - 1), min(depth, tile.shape[1] - 1)
    lines = (tile[row], tile[-1 - row], tile[:, column], tile[:, -1 - column])
    north, south, west, east = (np.array(line, dtype=np.float64) for line in lines)
    return north, south, west, east


class Seams:
    """Values along all tile edges: a few lines of the raster instead of all of it.

    Tiles may be worked through with a margin of `depth` cells that they share with their
    neighbours; the lines then lie as deep, just outside the margins.
    """

    def __init__(self, tiles: TileLayout, start: float, depth: int = 0) -> None:
        self.tiles = tiles
        self.frame = depth + 1
        # Framed, so that what lies around an outer tile needs no special case.
        across, down = tiles.width + 2 * self.frame, tiles.height + 2 * self.frame
        self.lines = np.full((tiles.rows + 2, 2, across), start)
        self.columns = np.full((tiles.columns + 2, 2, down), start)

    def put(self, number: int, lines: Lines) -> None:
        """Take over the lines of a tile."""
        row, column = divmod(number, self.tiles.columns)
        window = self.tiles.window(number)
        across = slice(window.col + self.frame, window.col + self.frame + window.width)
        down = slice(window.row + self.frame, window.row + self.frame + window.height)
        self.lines[row + 1, :, across] = lines[:2]
        self.columns[column + 1, :, down] = lines[2:]

    def around(self, number: int) -> FloatArray:
        """The cells just outside a tile and its margin, in the order of `ring_of`."""
        row, column = divmod(number, self.tiles.columns)
        window = self.tiles.window(number)
        across = slice(window.col, window.col + window.width + 2 * self.frame)
        down = slice(window.row + 1, window.row + window.height + 2 * self.frame - 1)
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


Found = tuple[Lines, BoolArray]
"""Values on the lines of a tile, and which of the cells around it they rest on."""


def settle(
    tiles: TileLayout,
    find: Callable[[tuple[Window, FloatArray]], Found],
    start: float,
    run: Run,
    depth: int = 0,
) -> Seams:
    """Let tiles find values from what lies around them, again and again until none changes.

    Each tile is worked through once, and again only when a cell outside it changes on which its
    own rest. Where values depend on one another without a circle the end is reached and is the
    same whatever the tiles, because it is the only state in which all agree.

    Args:
        tiles: Of the raster.
        find: From a tile, and the values around it and its margin, to its lines.
        start: Value before anything is known, and beyond the raster.
        run: Runs `find` over several tiles.
        depth: Cells that a tile looks beyond its edges. What winds along an edge is then found at
            once, and not one crossing a round.

    Returns:
        The values on all lines.
    """
    seams = Seams(tiles, start, depth)
    rests_on: dict[int, tuple[BoolArray, FloatArray]] = {}
    pending = list(range(len(tiles.windows)))
    while pending:
        items = [(tiles.window(number), seams.around(number)) for number in pending]
        for number, (_, ring), (lines, reads) in zip(pending, items, run(find, items), strict=True):
            rests_on[number] = reads, ring[reads]
            seams.put(number, lines)
        pending = [
            number
            for number, (reads, seen) in rests_on.items()
            if not np.array_equal(seams.around(number)[reads], seen)
        ]
    return seams
