"""Alternating measurements: A B A B, so that what else the machine does falls on both alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from benchmarks.machine import Moment

Side = Callable[[int], float]
"""Does its work for the round of this number and returns the seconds one operation took."""

FEWEST_PAIRS = 3
"""Below it a ratio has no interval."""
CONFIDENCE = 0.95
_RESAMPLES = 10_000
_SEED = 20_260


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds per operation, one figure a round; `began` is when the first round did."""

    seconds: tuple[float, ...]
    began: Moment | None = field(default=None, compare=False, repr=False)

    @property
    def median(self) -> float:
        """The median round."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance from the fastest round to the slowest, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / self.median


@dataclass(frozen=True, slots=True)
class Interval:
    """Where a figure lies with 95 % confidence."""

    low: float
    high: float


def alternate(ours: Side, floor: Side, *, rounds: int) -> tuple[Sample, Sample]:
    """Measure both sides in turn; a first round fills caches and is not counted."""
    found = in_turn({"ours": ours, "floor": floor}, rounds=rounds)
    return found["ours"], found["floor"]


def in_turn(sides: Mapping[str, Side], *, rounds: int) -> dict[str, Sample]:
    """Measure any number of sides in turn; a first round fills caches and is not counted."""
    for side in sides.values():
        side(0)
    began = Moment()
    found: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(1, rounds + 1):
        for name, side in sides.items():
            found[name].append(side(number))
    return {name: Sample(tuple(seconds), began) for name, seconds in found.items()}


@dataclass(slots=True)
class Waits:
    """Seconds of single operations over all rounds but the first, which fills caches."""

    seconds: list[float] = field(default_factory=list)

    def note(self, number: int, mean: float, taken: Sequence[float]) -> float:
        """Keep those of a round; its mean, as it was given."""
        if number:
            self.seconds += taken
        return mean

    def percentile_ms(self, percent: float) -> float:
        """A percentile, ms."""
        return float(np.percentile(self.seconds, percent)) * 1e3


def facts_of(ours: Waits, floor: Waits) -> dict[str, float]:
    """The 50th and 99th percentile of both sides, for a row."""
    return {
        "p50 ms": ours.percentile_ms(50),
        "p99 ms": ours.percentile_ms(99),
        "its p50 ms": floor.percentile_ms(50),
        "its p99 ms": floor.percentile_ms(99),
    }


def seconds_of(work: Callable[[], object], *, operations: int = 1) -> float:
    """Seconds per operation of a piece of work."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) / operations


def pairs(ours: Sample, floor: Sample) -> int:
    """How many rounds the sides have in common; a floor of one figure is a bound beside each."""
    if len(floor.seconds) == 1 or len(ours.seconds) == len(floor.seconds):
        return len(ours.seconds)
    return 0


def ratio_interval(ours: Sample, floor: Sample) -> Interval | None:
    """Where the ratio of the medians, floor over ours, lies: a bootstrap over the pairs.

    Pairs are drawn with replacement, as many as there are, ten thousand times from one seed; the
    interval goes from the 2.5th to the 97.5th percentile of the ratios so found.

    Returns:
        None with fewer pairs than three, or where the rounds are no pairs.
    """
    count = pairs(ours, floor)
    if count < FEWEST_PAIRS:
        return None
    mine = np.array(ours.seconds)
    other = np.broadcast_to(np.array(floor.seconds), count)
    drawn = np.random.default_rng(_SEED).integers(0, count, (_RESAMPLES, count))
    ratios = np.median(other[drawn], axis=1) / np.median(mine[drawn], axis=1)
    tail = (1 - CONFIDENCE) / 2
    return Interval(*map(float, np.quantile(ratios, (tail, 1 - tail))))
