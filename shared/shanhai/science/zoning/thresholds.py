"""Zones without clustering: classes of the comprehensive ratio, for audits and as a fallback."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.quantiles import exact_quantiles

BALANCE = 0.02
"""Deficits up to this ratio still count as balance (ε)."""

_PROBABILITIES = (0.8, 0.6)
_CODES = 6

Ratio = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Where the classes part.

    Attributes:
        strict: 80th percentile of the valid cells.
        key: 60th percentile of the valid cells.
        balance: ε; a ratio below −ε is a deficit.
        priority: Median of the deficits; NaN without any.
    """

    strict: float
    key: float
    balance: float
    priority: float


def thresholds_of(blocks: Callable[[], Iterable[Ratio]], balance: float = BALANCE) -> Thresholds:
    """Thresholds of a ratio that is read block by block, exactly.

    Args:
        blocks: Called anew for each of four passes; NaN is left out.
        balance: ε, at least 0.

    Raises:
        InvalidInput: no cell is valid.
    """
    strict, key = exact_quantiles(blocks, _PROBABILITIES)
    if np.isnan(strict):
        raise InvalidInput(
            "the comprehensive ratio has no valid cell, so there is nothing to zone",
            message_zh="综合供需比没有有效像元，无法分区",
        )
    (priority,) = exact_quantiles(lambda: (block[block < -balance] for block in blocks()), (0.5,))
    return Thresholds(strict, key, balance, priority)


def threshold_zones(ratio: Ratio, thresholds: Thresholds) -> ClassArray:
    """Zone of every cell; 0 where the ratio is NaN.

    From the top: strict protection from the 80th percentile and key protection from the 60th, both
    above 0; general protection down to −ε; the lower half of the deficits, by area, is priority
    restoration and the rest general restoration.
    """
    # As the thresholds were taken: the median of the deficits must fall on its own side.
    ratio = ratio.astype(np.float32)
    codes = np.full(ratio.shape, 5, dtype=np.uint8)
    codes[ratio <= thresholds.priority] = 4
    codes[ratio >= -thresholds.balance] = 3
    codes[(ratio >= thresholds.key) & (ratio > 0)] = 2
    codes[(ratio >= thresholds.strict) & (ratio > 0)] = 1
    codes[np.isnan(ratio)] = 0
    return codes


def cross_tabulate(one: ClassArray, other: ClassArray) -> IntArray:
    """Cells by zone of one raster (row) and of the other (column), codes 0–5."""
    pairs = one.astype(np.int64).ravel() * _CODES + other.ravel()
    return np.bincount(pairs, minlength=_CODES**2).reshape(_CODES, _CODES).astype(np.int64)
