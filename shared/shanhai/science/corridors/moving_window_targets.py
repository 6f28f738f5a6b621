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
    resistance: FloatArray, strengths: FloatArray, side: int
) -> Iterator[tuple[WindowTarget, ...]]:
    """Blocks with strength by rows of blocks, each with the passable cell next to its middle."""
    for middle_row in range(side // 2, strengths.shape[0], side):
        found = (
            _target(resistance, strengths, side, (middle_row, middle_col))
            for middle_col in range(side // 2, strengths.shape[1], side)
        )
        yield tuple(target for target in found if target)


def _target(
    resistance: FloatArray, strengths: FloatArray, side: int, middle: tuple[int, int]
) -> WindowTarget | None:
    row, col = (place - side // 2 for place in middle)
    height, width = strengths.shape
    block = Window(row, col, min(side, height - row), min(side, width - col))
    strength = float(strengths[block.slices].sum())
    if strength == 0:
        return None
    cells = np.argwhere(np.isfinite(resistance[block.slices])) + np.array([row, col])
    off = np.hypot(cells[:, 0] - middle[0], cells[:, 1] - middle[1])
    nearest = cells[np.argmin(off)]
    return WindowTarget(int(nearest[0]), int(nearest[1]), block, strength)


def disc_of(target: WindowTarget, radius: int, shape: tuple[int, ...]) -> tuple[Window, BoolArray]:
    """The window around a target, and its cells within the radius."""
    row, col = max(target.row - radius, 0), max(target.col - radius, 0)
    end_row = min(target.row + radius + 1, shape[0])
    end_col = min(target.col + radius + 1, shape[1])
    down = np.arange(row, end_row)[:, None] - target.row
    across = np.arange(col, end_col)[None] - target.col
    return Window(row, col, end_row - row, end_col - col), down**2 + across**2 <= radius**2


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
