"""Whether the zones come back from some of the units, and bootstrap intervals of their means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.metrics import adjusted_rand_score

from shanhai.science.autocorrelation import correlogram
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.vocabulary import Label

SUBSAMPLES = 50
SHARE = 0.8
SEEDS = 10

GOOD_ARI, FAIR_ARI = 0.8, 0.6
STABLE_JACCARD, WEAK_JACCARD = 0.75, 0.6

Rezone = Callable[[IntArray, int], ClassArray]
"""Features, clusters and names anew for some of the units (their numbers, rising) by a seed; zone
codes of these units."""

ZoneGrade = Literal["stable", "weak", "not_stable"]
Grade = Literal["good", "fair", "unstable"]


@dataclass(frozen=True, slots=True)
class Stability:
    """How alike repeated zonings are to the baseline; adjusted Rand index, at most 1.

    Attributes:
        median: Median index of the subsamples.
        p05: Its 5th percentile.
        jaccard: By zone of the baseline the mean overlap with the same zone, 0–1.
        seeds_median: Median index of the other seeds; about 0.95 or more is to be expected.
        seeds_least: The lowest of them.
    """

    median: float
    p05: float
    jaccard: dict[int, float]
    seeds_median: float
    seeds_least: float

    @property
    def grade(self) -> Grade:
        """`good` from 0.8, `fair` from 0.6, else `unstable`."""
        if self.median >= GOOD_ARI:
            return "good"
        return "fair" if self.median >= FAIR_ARI else "unstable"

    @property
    def zone_grades(self) -> dict[int, ZoneGrade]:
        """`stable` from 0.75, `weak` from 0.6, else `not_stable`, by zone."""
        return {zone: _zone_grade(overlap) for zone, overlap in self.jaccard.items()}

    @property
    def flags(self) -> tuple[ResultFlag, ...]:
        """`unstable` when the zones hardly come back."""
        if self.grade != "unstable":
            return ()
        text = Label(
            f"分区不稳定：抽取八成单元重新聚类，与原分区的调整兰德指数中位数仅 {self.median:.2f}，"
            f"低于 {FAIR_ARI}。",
            "The zones are not stable: clustering four fifths of the units anew agrees with them "
            f"to a median adjusted Rand index of {self.median:.2f} only, below {FAIR_ARI}.",
        )
        return (ResultFlag("unstable", text),)


def cluster_stability(
    rezone: Rezone,
    baseline: ClassArray,
    seed: int,
    *,
    subsamples: int = SUBSAMPLES,
    share: float = SHARE,
    seeds: int = SEEDS,
) -> Stability:
    """Zone subsamples of the units, and all of them by other seeds, and compare by name.

    Args:
        rezone: The whole way from units to zones.
        baseline: Zone of every unit, in unit order.
        seed: Parent of all seeds used.
        subsamples: Number of subsamples, at least 1.
        share: Part of the units in each, 0–1.
        seeds: Number of other seeds, at least 1.

    Source: Hennig 2007; Hubert and Arabie 1985.
    """
    units = len(baseline)
    by_sample, by_seed = np.random.SeedSequence(seed).spawn(2)
    indices, overlaps = [], list[dict[int, float]]()
    for child in by_sample.spawn(subsamples):
        random = np.random.default_rng(child)
        size = max(1, round(share * units))
        chosen = np.sort(random.choice(units, size, replace=False)).astype(np.int64)
        zones = rezone(chosen, _seed_of(random))
        indices.append(adjusted_rand_score(baseline[chosen], zones))
        overlaps.append(jaccard_by_zone(baseline[chosen], zones))
    every = np.arange(units)
    others = [
        adjusted_rand_score(baseline, rezone(every, _seed_of(np.random.default_rng(child))))
        for child in by_seed.spawn(seeds)
    ]
    return Stability(
        median=float(np.median(indices)),
        p05=float(np.quantile(indices, 0.05)),
        jaccard=_mean_overlaps(overlaps),
        seeds_median=float(np.median(others)),
        seeds_least=float(np.min(others)),
    )


def jaccard_by_zone(baseline: ClassArray, zones: ClassArray) -> dict[int, float]:
    """Units in a zone both times, of those in it at least once, 0–1, by zone of the baseline."""
    return {
        int(zone): float(
            np.count_nonzero((baseline == zone) & (zones == zone))
            / np.count_nonzero((baseline == zone) | (zones == zone))
        )
        for zone in np.unique(baseline)
    }


def _mean_overlaps(overlaps: list[dict[int, float]]) -> dict[int, float]:
    zones = sorted({zone for one in overlaps for zone in one})
    return {zone: float(np.mean([one[zone] for one in overlaps if zone in one])) for zone in zones}


def _zone_grade(overlap: float) -> ZoneGrade:
    if overlap >= STABLE_JACCARD:
        return "stable"
    return "weak" if overlap >= WEAK_JACCARD else "not_stable"


def _seed_of(random: np.random.Generator) -> int:
    return int(random.integers(2**31 - 1))


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
