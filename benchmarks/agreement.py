"""How far two rasters of the same quantity agree."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from shanhai.raster.geotiff import read_geotiff

CLOSE = 1e-5
"""Relative difference that rounding to float32 on disk and on the way explains."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Differences over the cells that both know, relative to the second.

    Attributes:
        largest: Largest relative difference.
        apart: Share of the cells that differ by more than `CLOSE`.
        one_sided: Share of all cells that only one of them knows.
    """

    largest: float
    apart: float
    one_sided: float

    @classmethod
    def of(cls, ours: Path, theirs: Path) -> "Agreement":
        """Compare two rasters of one grid."""
        mine, other = read_geotiff(ours).values[0], read_geotiff(theirs).values[0]
        both = np.isfinite(mine) & np.isfinite(other)
        size = np.maximum(np.abs(other[both]), 1e-6)
        difference = np.abs(mine[both] - other[both]) / size
        return cls(
            float(difference.max()),
            float((difference > CLOSE).mean()),
            float((np.isfinite(mine) != np.isfinite(other)).mean()),
        )
