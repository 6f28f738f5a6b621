"""The moves from a cell to its neighbours: 4, 8 or 16 of them.

Directions are counted from 1 in the row-major order of all sixteen, so that a code means the same
whatever the neighbourhood, and the smallest code is the neighbour with the smallest row-major
index.
"""

import math
from typing import Literal, NamedTuple

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray, IntArray
from shanhai.science.corridors.spacing import Spacing

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
