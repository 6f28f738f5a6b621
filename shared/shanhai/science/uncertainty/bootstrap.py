"""Intervals for the means of the zones that allow for neighbours being alike."""

from dataclasses import dataclass

import numpy as np

from shanhai.science.arrays import ClassArray, FloatArray, IntArray
from shanhai.science.autocorrelation import correlogram

LEAST_BLOCK_M = 5_000.0
REPLICATES = 200
CONFIDENCE = 0.95

_REACH_BLOCKS = 8
"""How many least blocks away the correlogram looks for its range."""


@dataclass(frozen=True, slots=True)
class ConfidenceInterval:
    """A mean and the interval of its replicates.

    Attributes:
        mean: Area-weighted mean of the zone.
        low: Lower end; NaN with fewer than two blocks in the zone.
        high: Upper end.
        blocks: Blocks that hold a part of the zone.
    """

    mean: float
    low: float
    high: float
    blocks: int


def block_side_m(lattice: FloatArray, unit_m: float) -> float:
    """Side of the blocks: the range of autocorrelation, and no less than 5 km.

    Args:
        lattice: Comprehensive ratio of the units of a fishnet, NaN where there is none.
        unit_m: Side of a unit, m.

    Returns:
        Metres; where the correlogram never falls below 0.1, as far as it was looked at.
    """
    if np.count_nonzero(~np.isnan(lattice)) < 2:
        return LEAST_BLOCK_M
    reach = _REACH_BLOCKS * LEAST_BLOCK_M
    found = correlogram(lattice, unit_m, reach)
    distance = found.range_m()
    return max(LEAST_BLOCK_M, float(found.distance_m[-1]) if distance is None else distance)


def zone_intervals(
    values: FloatArray,
    zones: ClassArray,
    cells: IntArray,
    points: FloatArray,
    block_m: float,
    seed: int,
    replicates: int = REPLICATES,
) -> dict[int, ConfidenceInterval]:
    """Mean of every zone with the 95 % interval of a block bootstrap.

    Square blocks of units are drawn with replacement, as many as there are; a zone's mean is taken
    anew over the blocks drawn.

    Args:
        values: One per unit, without NaN.
        zones: Zone of every unit, 1–5.
        cells: Valid cells of every unit, its weight.
        points: x and y of every unit, m.
        block_m: Side of a block, m.
        seed: Seed of the draws.
        replicates: Number of draws.

    Source: Hall 1985; Lahiri 2003.
    """
    block = _blocks(points, block_m)
    count = int(block.max()) + 1
    times = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), replicates)
    found = {}
    for zone in np.unique(zones):
        own = zones == zone
        share = cells[own].astype(np.float64)
        weight = np.bincount(block[own], share, minlength=count).astype(np.float64)
        total = np.bincount(block[own], share * values[own], minlength=count).astype(np.float64)
        found[int(zone)] = _interval(total, weight, times)
    return found


def _blocks(points: FloatArray, side_m: float) -> IntArray:
    """Number of the block each unit lies in."""
    places = np.floor((points - points.min(axis=0)) / side_m).astype(np.int64)
    numbers = places[:, 1] * (int(places[:, 0].max()) + 1) + places[:, 0]
    return np.unique(numbers, return_inverse=True)[1].astype(np.int64)


def _interval(total: FloatArray, weight: FloatArray, times: IntArray) -> ConfidenceInterval:
    blocks = int(np.count_nonzero(weight))
    mean = float(total.sum() / weight.sum())
    if blocks < 2:
        return ConfidenceInterval(mean, float("nan"), float("nan"), blocks)
    # einsum adds in one fixed order, which a matrix product of several threads does not.
    drawn = np.einsum("rb,b->r", times, weight)
    means = np.einsum("rb,b->r", times, total)[drawn > 0] / drawn[drawn > 0]
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(means, (tail, 1 - tail))
    return ConfidenceInterval(mean, float(low), float(high), blocks)
