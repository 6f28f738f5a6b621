"""Mean and standard deviation of a layer that is read block by block."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, mean and sum of squared deviations of the values seen so far.

    Joining the moments of windows in window order gives the same bytes whoever counted them.

    Source: Chan, Golub and LeVeque 1979.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "Moments":
        """Moments of one block; NaN is left out."""
        known = values[~np.isnan(values)].astype(np.float64)
        if known.size == 0:
            return cls()
        mean = float(known.mean())
        return cls(known.size, mean, float(np.square(known - mean).sum()))

    def joined(self, other: "Moments") -> "Moments":
        """Moments of both sets of values."""
        count = self.count + other.count
        if count == 0:
            return self
        gap, share = other.mean - self.mean, other.count / count
        return Moments(
            count,
            self.mean + gap * share,
            self.squares + other.squares + gap * gap * self.count * share,
        )

    @property
    def sd(self) -> float:
        """Population standard deviation; NaN of nothing."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan
