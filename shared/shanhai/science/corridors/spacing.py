"""How far apart the cells of a raster lie, in metres or degrees, and the moves between neighbours.

There are 4, 8 or 16 moves. Directions are counted from 1 in the row-major order of all sixteen, so
that a code means the same whatever the neighbourhood, and the smallest code is the neighbour with
the smallest row-major index.
"""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.geodesy import metres_per_degree
from shanhai.science.grid import ClassArray, FloatArray, IntArray


class Spacing(Protocol):
    """Lengths between the centres of cells."""

    @property
    def by_row(self) -> bool:
        """Whether a step is longer in some rows than in others."""
        ...

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step of so many rows and columns from each of `rows`."""
        ...

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Eastings and northings of cell centres, m, shape (n, 2); the origin is anywhere."""
        ...


@dataclass(frozen=True, slots=True)
class MetricCells:
    """Cells of a projected CRS, which may be oblong.

    Attributes:
        width_m: West to east, m.
        height_m: North to south, m.
    """

    width_m: float
    height_m: float

    def __post_init__(self) -> None:
        """Refuse cells without extent."""
        _require_positive(width_m=self.width_m, height_m=self.height_m)

    @property
    def by_row(self) -> bool:
        """Never: all rows are alike."""
        return False

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step of so many rows and columns."""
        return np.full(len(rows), math.hypot(across * self.width_m, down * self.height_m))

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Metres east and north of the first cell."""
        return np.stack([cols * self.width_m, rows * -self.height_m], axis=1)


@dataclass(frozen=True, slots=True)
class GeographicCells:
    """Cells in degrees of longitude and latitude on CGCS2000 or WGS 84.

    Attributes:
        width_deg: West to east, degrees.
        height_deg: North to south, degrees.
        north_deg: Latitude of the northern edge of the first row, −90…90.
    """

    width_deg: float
    height_deg: float
    north_deg: float

    def __post_init__(self) -> None:
        """Refuse cells without extent and an edge beyond the poles."""
        _require_positive(width_deg=self.width_deg, height_deg=self.height_deg)
        if not -90 < self.north_deg <= 90:
            raise InvalidInput(
                f"north_deg is {self.north_deg}; a latitude lies between -90 and 90 degrees",
                message_zh=f"north_deg 为 {self.north_deg}，纬度须在 -90 与 90 度之间",
                pointer="/north_deg",
            )

    @property
    def by_row(self) -> bool:
        """Always: parallels shorten towards the poles."""
        return True

    def lengths_m(self, rows: IntArray, down: int, across: int) -> FloatArray:
        """Metres of a step, by the lengths of a degree at the mean latitude of its two rows."""
        latitude = self.north_deg - (rows.astype(np.float64) + 0.5 + down / 2) * self.height_deg
        north_south, east_west = metres_per_degree(latitude)
        lengths: FloatArray = np.hypot(
            across * self.width_deg * east_west, down * self.height_deg * north_south
        )
        return lengths

    def positions_m(self, rows: IntArray, cols: IntArray) -> FloatArray:
        """Metres on the plane that is true at the mean latitude of the cells."""
        latitude = self.north_deg - (rows.astype(np.float64) + 0.5) * self.height_deg
        north_south, east_west = metres_per_degree(np.array([float(latitude.mean())]))
        return np.stack([cols * self.width_deg * east_west, latitude * north_south], axis=1)


def square_cells(cell_m: float) -> MetricCells:
    """Cells of equal sides, m."""
    return MetricCells(cell_m, cell_m)


def _require_positive(**sizes: float) -> None:
    for name, size in sizes.items():
        if not (math.isfinite(size) and size > 0):
            raise InvalidInput(
                f"{name} is {size}; it must be a positive number",
                message_zh=f"{name} 为 {size}，须为正数",
                pointer=f"/{name}",
            )


Neighbours = Literal[4, 8, 16]
NEIGHBOURS: tuple[Neighbours, ...] = (4, 8, 16)

DIRECTIONS: tuple[tuple[int, int], ...] = tuple(
    (down, across)
    for down in range(-2, 3)
    for across in range(-2, 3)
    if (down or across) and math.gcd(down, across) == 1
)
"""Rows down and columns across of each direction; the one of code c is at c − 1."""

AT_SOURCE = 0
"""Code of a cell from which the path ends."""
NOWHERE = 255
"""Code of a cell without a path."""


class Steps(NamedTuple):
    """Steps out of a cell of a padded, flattened raster, as compiled loops read them.

    Straight steps come first, then diagonals, then knight's moves.

    Attributes:
        to: How many positions further the neighbour is.
        code: Its direction.
        one: How many positions further the first cell is that the step touches on its way: a
            knight's move the cells it crosses, a diagonal those beside it, others their own.
        other: The same of the second one.
        share_m: The length of the step over the number of resistances that its mean is taken of,
            m; a row for each row of the raster, or one for all.
        by_row: Whether `share_m` has a row for each row.
        through: How many steps come before the knight's moves.
        corners_close: Whether a barrier beside a diagonal step forbids it.
        margin: Rows and columns of padding on each side.
        width: Columns of the padded raster.
    """

    to: IntArray
    code: ClassArray
    one: IntArray
    other: IntArray
    share_m: FloatArray
    by_row: bool
    through: int
    corners_close: bool
    margin: int
    width: int


def make_steps(
    shape: tuple[int, int],
    spacing: Spacing,
    neighbours: Neighbours = 8,
    *,
    forbid_corner_cutting: bool = False,
) -> Steps:
    """The steps over a raster of `shape`.

    Raises:
        InvalidInput: `neighbours` is none of 4, 8 and 16.
    """
    if neighbours not in NEIGHBOURS:
        raise InvalidInput(
            f"neighbours is {neighbours}; it must be 4, 8 or 16",
            message_zh=f"neighbours 为 {neighbours}，须为 4、8 或 16",
            pointer="/neighbours",
        )
    margin = 2 if neighbours == 16 else 1
    width = shape[1] + 2 * margin
    moves = sorted(DIRECTIONS, key=_squared_length)[:neighbours]
    touched = np.array([_touched(*move) for move in moves]) @ np.array([width, 1])
    return Steps(
        to=np.array([down * width + across for down, across in moves], dtype=np.int64),
        code=np.array([DIRECTIONS.index(move) + 1 for move in moves], dtype=np.uint8),
        one=touched[:, 0].astype(np.int64),
        other=touched[:, 1].astype(np.int64),
        share_m=_shares(moves, shape[0], margin, spacing),
        by_row=spacing.by_row,
        through=min(neighbours, 8),
        corners_close=forbid_corner_cutting,
        margin=margin,
        width=width,
    )


def lengths_m(steps: Steps) -> FloatArray:
    """Length of every step, m, in the shape of `share_m`."""
    resistances = np.full(len(steps.to), 2.0)
    resistances[steps.through :] = 4.0
    lengths: FloatArray = steps.share_m * resistances
    return lengths


def _squared_length(move: tuple[int, int]) -> int:
    return move[0] ** 2 + move[1] ** 2


def _touched(down: int, across: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The two cells a step touches besides its ends."""
    if _squared_length((down, across)) == 1:
        return (0, 0), (0, 0)
    if _squared_length((down, across)) == 2:
        return (down, 0), (0, across)
    half = (int(down / 2), int(across / 2))
    return half, (down - half[0], across - half[1])


def _shares(moves: list[tuple[int, int]], height: int, margin: int, spacing: Spacing) -> FloatArray:
    rows = np.arange(-margin, height + margin) if spacing.by_row else np.zeros(1, dtype=np.int64)
    resistances = [2 if _squared_length(move) <= 2 else 4 for move in moves]
    columns = [
        spacing.lengths_m(rows, *move) / count
        for move, count in zip(moves, resistances, strict=True)
    ]
    return np.ascontiguousarray(np.stack(columns, axis=1))
