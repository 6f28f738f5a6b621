"""Statistics of a band that is read block by block."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.quantiles import exact_quantiles

DISPLAY_PROBABILITIES = (0.02, 0.98)


@dataclass(frozen=True, slots=True)
class BandStatistics:
    """Statistics over the valid cells; None where no cell is valid."""

    min: float | None
    max: float | None
    mean: float | None
    std: float | None
    p2: float | None
    p98: float | None
    valid_percent: float

    def document(self) -> dict[str, float | None]:
        """As stored in the `grid` of a dataset."""
        return asdict(self)


def band_statistics(blocks: Callable[[], Iterable[NDArray[np.floating]]]) -> BandStatistics:
    """Statistics of a band; `blocks` is called several times and yields NaN for nodata."""
    cells = valid = 0
    low, high, total = np.inf, -np.inf, 0.0
    for block in blocks():
        values = block[np.isfinite(block)].astype(np.float64)
        cells += block.size
        valid += values.size
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
            total += float(values.sum())
    percent = round(100 * valid / cells, 6) if cells else 0.0
    if valid == 0:
        return BandStatistics(None, None, None, None, None, None, percent)
    mean = total / valid
    p2, p98 = exact_quantiles(blocks, DISPLAY_PROBABILITIES)
    return BandStatistics(low, high, mean, _spread(blocks, mean, valid), p2, p98, percent)


def _spread(blocks: Callable[[], Iterable[NDArray[np.floating]]], mean: float, valid: int) -> float:
    # A second pass: sums of squares about zero lose all digits where the mean is large.
    squares = sum(
        float(np.nansum(np.square(block.astype(np.float64) - mean))) for block in blocks()
    )
    return float(np.sqrt(squares / valid))
