"""The targets of a moving window, and what is sent to each."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.grid import Window


class WindowTarget(NamedTuple):
    """A grounded cell.

    Attributes:
        row: Of the cell.
        col: Of the cell.
        block: Whose strengths are sent to it.
        strength: Their sum, A.
    """

    row: int
    col: int
    block: Window
    strength: float


def strengths_of(resistance: FloatArray, cutoff: float) -> FloatArray:
    """Strength of each cell by its resistance, `1/R` up to a cutoff, else 0, A.

    Args:
        resistance: Above 0; NaN and infinite are barriers and have none.
        cutoff: Largest resistance of a cell that sends and draws current.
    """
    strengths = np.zeros(resistance.shape)
    return np.divide(1.0, resistance, out=strengths, where=resistance <= cutoff)


def find_targets(
    resistance: FloatArray, strengths: FloatArray, side: int, part: Window
) -> Iterator[WindowTarget]:
    """Blocks of a part with strength, row by row, each with the passable cell next to its middle.

    A block at the far edge of which not even the middle is there sends nothing.
    """
    half, (end_row, end_col) = side // 2, (part.row + part.height, part.col + part.width)
    for row in range(part.row, end_row - half, side):
        for col in range(part.col, end_col - half, side):
            block = Window(row, col, min(side, end_row - row), min(side, end_col - col))
            strength = float(strengths[block.slices].sum())
            if strength > 0:
                middle = _nearest(resistance, block, (row + half, col + half))
                yield WindowTarget(*middle, block, strength)


def _nearest(resistance: FloatArray, block: Window, middle: tuple[int, int]) -> tuple[int, int]:
    """The passable cell of a block that is nearest to its middle."""
    cells = np.argwhere(np.isfinite(resistance[block.slices])) + np.array([block.row, block.col])
    off = np.hypot(cells[:, 0] - middle[0], cells[:, 1] - middle[1])
    row, col = cells[np.argmin(off)]
    return int(row), int(col)


def cells_around(part: Window, reach: int, shape: tuple[int, ...]) -> Window:
    """A part with the cells around it, as far as there are any."""
    row, col = max(part.row - reach, 0), max(part.col - reach, 0)
    end_row = min(part.row + part.height + reach, shape[0])
    end_col = min(part.col + part.width + reach, shape[1])
    return Window(row, col, end_row - row, end_col - col)


def disc_of(target: WindowTarget, radius: int, shape: tuple[int, ...]) -> tuple[Window, BoolArray]:
    """The window around a target, and its cells within the radius."""
    window = cells_around(Window(target.row, target.col, 1, 1), radius, shape)
    down = np.arange(window.row, window.row + window.height)[:, None] - target.row
    across = np.arange(window.col, window.col + window.width)[None] - target.col
    return window, down**2 + across**2 <= radius**2


def shares_of(
    target: WindowTarget, window: Window, inside: BoolArray, strengths: FloatArray
) -> FloatArray:
    """What each cell of the window sends to the target, A."""
    sources = np.where(inside, strengths[window.slices], 0.0)
    block = target.block
    own = replace(block, row=max(block.row, window.row), col=max(block.col, window.col))
    end_row, end_col = block.row + block.height, block.col + block.width
    own = replace(own, height=end_row - own.row, width=end_col - own.col)
    sources[own.slices_within(window)] = 0.0
    total = sources.sum()
    return sources * (target.strength / total) if total > 0 else sources
