"""Statistics of a band that is read block by block."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

DISPLAY_PROBABILITIES = (0.02, 0.98)

_HELD_VALUES = 4_000_000
"""Values that are sorted at once."""

Blocks = Callable[[], Iterable[NDArray[np.floating]]]


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


def band_statistics(blocks: Blocks) -> BandStatistics:
    """Statistics of a band; `blocks` is called several times and yields NaN for nodata.

    Mean and spread of the blocks are joined as they pass (Chan, Golub and LeVeque 1983).
    """
    cells = valid = 0
    low, high, mean, squares = np.inf, -np.inf, 0.0, 0.0
    for block in blocks():
        values = block[np.isfinite(block)].astype(np.float64)
        cells += block.size
        if not values.size:
            continue
        low, high = min(low, float(values.min())), max(high, float(values.max()))
        # Sums of squares about zero would lose all digits where the mean is large.
        middle = float(values.mean())
        apart, share = middle - mean, values.size / (valid + values.size)
        values -= middle
        squares += float(np.vdot(values, values)) + apart * apart * valid * share
        mean += apart * share
        valid += values.size
    percent = round(100 * valid / cells, 6) if cells else 0.0
    if valid == 0:
        return BandStatistics(None, None, None, None, None, None, percent)
    p2, p98 = _display_quantiles(blocks, valid)
    return BandStatistics(low, high, mean, float(np.sqrt(squares / valid)), p2, p98, percent)


def _display_quantiles(blocks: Blocks, valid: int) -> list[float]:
    """The exact quantiles of the float32 values, by whichever way."""
    if valid > _HELD_VALUES:
        # Here, because most rasters are smaller, and to import one need not load compiled code.
        from shanhai.science.quantiles import exact_quantiles

        return exact_quantiles(blocks, DISPLAY_PROBABILITIES)
    held = [block[np.isfinite(block)].astype(np.float32) for block in blocks()]
    values = np.concatenate(held).astype(np.float64)
    return [float(value) for value in np.quantile(values, DISPLAY_PROBABILITIES)]
