"""Whether the zones come back when some units are left out, or the seed is another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn.metrics import adjusted_rand_score

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.flags import ResultFlag
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
