"""Alternating measurements: A B A B, so that what else the machine does falls on both alike."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import numpy as np

Side = Callable[[int], float]
"""Does its work for the round of this number and returns the seconds one operation took."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds per operation, one figure a round."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median round."""
        return median(self.seconds)

    @property
    def spread(self) -> float:
        """Half the distance from the fastest round to the slowest, as a share of the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / self.median


def alternate(ours: Side, floor: Side, *, rounds: int) -> tuple[Sample, Sample]:
    """Measure both sides in turn; a first round fills caches and is not counted."""
    for side in (ours, floor):
        side(0)
    found = [(ours(number), floor(number)) for number in range(1, rounds + 1)]
    return Sample(tuple(one for one, _ in found)), Sample(tuple(one for _, one in found))


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
