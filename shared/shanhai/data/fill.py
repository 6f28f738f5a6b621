"""Fills cells of net primary productivity that a product leaves out, by the region's own NDVI."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput

FEWEST_CELLS = 30
"""Cells a line is drawn through at least."""

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FilledByLine:
    """What was filled, and by which line `value = slope * predictor + intercept`.

    Attributes:
        values: With the cells filled.
        cells: How many were.
        unknown: Marked cells that stay NaN, for the predictor is not known there.
        fitted: Cells the line was drawn through.
        r_squared: Part of their variance that it explains, 0–1.
    """

    values: Values
    cells: int
    unknown: int
    slope: float
    intercept: float
    fitted: int
    r_squared: float


def fill_by_line(values: Values, predictor: Values) -> FilledByLine:
    """Give marked cells what the least-squares line over the other cells says of them.

    Not below 0 nor above the largest value there is: built-up land and wetland within a region do
    not grow more than its best cell.

    Args:
        values: Rows and columns; NaN is unknown, +inf is to be filled.
        predictor: Of the same shape, NaN where unknown.

    Raises:
        InvalidInput: fewer than `FEWEST_CELLS` cells have both, or the predictor is the same in
            all of them.
    """
    marked = np.isposinf(values)
    both = np.isfinite(values) & ~np.isnan(predictor)
    x, y = predictor[both].astype(np.float64), values[both].astype(np.float64)
    if x.size < FEWEST_CELLS or np.ptp(x) == 0:
        raise InvalidInput(
            f"a line of NPP over NDVI needs {FEWEST_CELLS} cells with different NDVI; the box has "
            f"{x.size}",
            message_zh=f"NPP 对 NDVI 的回归至少需要 {FEWEST_CELLS} 个 NDVI 不同的像元，"
            f"当前为 {x.size} 个",
            pointer="/codes",
        )
    apart_x, apart_y = x - x.mean(), y - y.mean()
    spread, shared = float(apart_x @ apart_x), float(apart_x @ apart_y)
    slope = shared / spread
    intercept = float(y.mean() - slope * x.mean())
    total = float(apart_y @ apart_y)
    filled = np.where(marked, np.nan, values)
    known = marked & ~np.isnan(predictor)
    filled[known] = np.clip(slope * predictor[known] + intercept, 0.0, max(0.0, float(y.max())))
    return FilledByLine(
        values=filled.astype(np.float32),
        cells=int(np.count_nonzero(known)),
        unknown=int(np.count_nonzero(marked & ~known)),
        slope=slope,
        intercept=intercept,
        fitted=int(x.size),
        r_squared=shared * shared / (spread * total) if total > 0 else 1.0,
    )
