"""The swath of a link: the cells around its path through which a way costs little more."""

import math

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.candidates import SearchGround
from shanhai.science.corridors.fields import CostField, overlap
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.paths import LeastCostPath
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.swaths import (
    Swath,
    SwathRule,
    Width,
    connected_to,
    corridor_excess,
    measure_width,
    trim,
    within_m,
)
from shanhai.science.grid import Window


def swath_of(
    ground: SearchGround, rule: SwathRule, one: CostField, other: CostField, path: LeastCostPath
) -> tuple[Swath, FloatArray]:
    """The swath of a link in the smallest window that holds it, and the excess of its cells.

    The excess is what the cheapest way through a cell costs above the least, cost-weighted metres;
    NaN outside the swath and, in one of fixed width, where no way leads or it costs far more.
    """
    cell = cell_size_m(ground.spacing, path.cells)
    if rule.kind == "fixed_width_m":
        window = _around(path.cells, rule.value / 2, cell, ground.surface.shape)
    else:
        window = overlap(one.window, other.window)
    excess = corridor_excess(one.read(window), other.read(window), path.cost)
    in_window = path.cells - np.array([window.row, window.col])
    if rule.kind == "fixed_width_m":
        shape = (window.height, window.width)
        inside = within_m(shape, in_window, rule.value / 2, cell)
    else:
        inside = connected_to(excess <= rule.cutoff(path.cost), in_window)
    excess[~(inside & np.isfinite(excess))] = np.nan
    swath = trim(window.row, window.col, inside)
    height, width = swath.inside.shape
    kept = Window(swath.row, swath.col, height, width).slices_within(window)
    return swath, excess[kept]


def width_of(ground: SearchGround, swath: Swath, pair: Pair, path: LeastCostPath) -> Width:
    """How wide a swath is between its sources."""
    sources = np.isin(ground.labels[swath.slices], pair)
    cell = cell_size_m(ground.spacing, path.cells)
    return measure_width(swath, sources, path.cells, path.length_m, cell)


def cell_size_m(spacing: Spacing, cells: IntArray) -> FloatArray:
    """Height and width of a cell, m; of cells in degrees, in the middle row of a path."""
    middle = np.array([cells[:, 0].min() + cells[:, 0].max()]) // 2
    return np.concatenate([spacing.lengths_m(middle, 1, 0), spacing.lengths_m(middle, 0, 1)])


def _around(cells: IntArray, reach_m: float, cell: FloatArray, shape: tuple[int, int]) -> Window:
    """The window of all cells within reach of a path."""
    down, across = (math.ceil(reach_m / side) for side in cell)
    margin = np.array([down, across])
    row, col = np.maximum(cells.min(axis=0) - margin, 0).tolist()
    end_row, end_col = np.minimum(cells.max(axis=0) + margin + 1, shape).tolist()
    return Window(row, col, end_row - row, end_col - col)
