"""Sums, means and extremes of a quantity by numbered area, read block by block."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray

ZonalBlock = tuple[NDArray[np.integer], NDArray[np.floating]]


@dataclass(frozen=True, slots=True)
class ZonalSummary:
    """One entry per area number, 0 included; NaN (0 for the sum) where no cell is valid."""

    count: IntArray
    sum: FloatArray
    mean: FloatArray
    min: FloatArray
    max: FloatArray


def zonal_summary(blocks: Iterable[ZonalBlock], areas: int) -> ZonalSummary:
    """Summaries of areas 0 … `areas`.

    Args:
        blocks: Area numbers and values of the same shape; NaN values are left out.
        areas: Highest area number.

    Raises:
        InvalidInput: a block holds a higher number.
    """
    size = areas + 1
    count, total = np.zeros(size, dtype=np.int64), np.zeros(size)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for numbers, values in blocks:
        known = np.isfinite(values)
        at, kept = numbers[known].astype(np.int64), values[known].astype(np.float64)
        if at.size and at.max() > areas:
            raise InvalidInput(f"area number {at.max()} exceeds the {areas} areas there are")
        count += np.bincount(at, minlength=size)
        total += np.bincount(at, kept, minlength=size)
        np.minimum.at(low, at, kept)
        np.maximum.at(high, at, kept)
    none = count == 0
    return ZonalSummary(
        count=count,
        sum=total,
        mean=np.divide(total, count, out=np.full(size, np.nan), where=~none),
        min=np.where(none, np.nan, low),
        max=np.where(none, np.nan, high),
    )
