"""What every reader of a resistance surface may take for granted."""

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray

BARRIER = np.inf
"""Resistance of a cell that nothing crosses: its cost is infinite and its conductance 0."""


def require_resistance(values: NDArray[np.floating | np.integer]) -> FloatArray:
    """The resistance surface as the methods compute with it.

    Args:
        values: Resistance of each cell, dimensionless, above 0; NaN and +∞ are barriers. A nodata
            value of another kind must have become NaN before.

    Returns:
        A contiguous float64 copy in which every barrier is +∞.

    Raises:
        InvalidInput: the array has not two dimensions, a cell is 0 or negative (their count and the
            lowest are told), or there is no cell to cross.
    """
    if values.ndim != 2:
        raise InvalidInput(
            f"the resistance has {values.ndim} dimensions; it must have two, rows and columns",
            message_zh=f"阻力面有 {values.ndim} 个维度，须为行、列两维",
            pointer="/resistance",
        )
    resistance = np.array(values, dtype=np.float64, order="C")
    resistance[np.isnan(resistance)] = BARRIER
    _require_positive(resistance)
    if not np.isfinite(resistance).any():
        raise InvalidInput(
            f"all {resistance.size} cells of the resistance are barriers (NaN or infinite); "
            "at least one must be passable",
            message_zh=f"阻力面的 {resistance.size} 个像元全部为障碍（NaN 或无穷大），"
            "至少须有一个可通行",
            pointer="/resistance",
        )
    return resistance


def _require_positive(resistance: FloatArray) -> None:
    # −∞ is no barrier either: only +∞ says "impassable".
    wrong = resistance[resistance <= 0]
    if wrong.size:
        raise InvalidInput(
            f"the resistance is 0 or negative in {wrong.size} cells (lowest {wrong.min():g}); "
            "it must be above 0, and free movement is a short-circuit region instead",
            message_zh=f"阻力面有 {wrong.size} 个像元不大于 0（最低 {wrong.min():g}）；"
            "阻力须大于 0，自由通行请用短路区域表示",
            pointer="/resistance",
        )
