"""How cost grows with size: a line through the logarithms of both."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from scipy import stats

from benchmarks.timing import CONFIDENCE


@dataclass(frozen=True, slots=True)
class PowerLaw:
    """A cost of `factor` · size^`exponent`.

    Attributes:
        low: Where the exponent lies with 95 % confidence, from here
        high: to here.
        last: The exponent from the last but one size to the last, by their medians: what does not
            grow hides in small sizes what large ones have.
    """

    factor: float
    exponent: float
    low: float
    high: float
    last: float


def fit(sizes: Sequence[float], costs: Sequence[float]) -> PowerLaw:
    """Least squares of the logarithms, a pair of size and cost for each repeat.

    The interval is the slope's standard error times Student's t of two degrees of freedom fewer
    than there are pairs. Sizes and costs are above zero.

    Raises:
        ValueError: There are fewer than three pairs, or one size alone.
    """
    if len(costs) < 3 or len(set(sizes)) < 2:
        raise ValueError("an exponent takes three pairs at least, of two sizes or more")
    across, up = np.log(np.array(sizes, float)), np.log(np.array(costs, float))
    square = float(((across - across.mean()) ** 2).sum())
    slope = float(((across - across.mean()) * up).sum()) / square
    level = float(up.mean() - slope * across.mean())
    rest = float(((up - level - slope * across) ** 2).sum()) / (len(costs) - 2)
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(costs) - 2)) * (rest / square) ** 0.5
    return PowerLaw(float(np.exp(level)), slope, slope - reach, slope + reach, _last(sizes, costs))


def _last(sizes: Sequence[float], costs: Sequence[float]) -> float:
    before, end = sorted(set(sizes))[-2:]
    of = {
        size: median(cost for one, cost in zip(sizes, costs, strict=True) if one == size)
        for size in (before, end)
    }
    return float(np.log(of[end] / of[before]) / np.log(end / before))
