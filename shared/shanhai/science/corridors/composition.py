"""What the land beside a corridor's path is, and how wide a corridor it allows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.landcover import NODATA, LandCover

BANDS_M = (30.0, 60.0, 100.0, 200.0, 400.0, 800.0)
"""Metres on either side of a path; common practice."""

MOST_BUILT_UP = 0.10
LEAST_NATURAL = 0.60
"""Shares of a band that a recommended width keeps to; common practice."""

NATURAL = frozenset(LandCover) - {LandCover.CROPLAND, LandCover.BUILT_UP, LandCover.BARE}


@dataclass(frozen=True, slots=True)
class CorridorBand:
    """The land within a distance of a path.

    Attributes:
        reach_m: Metres on either side.
        area_ha: Of known land cover, ha.
        shares: By class, 0–1, of the known area; classes that occur.
    """

    reach_m: float
    area_ha: float
    shares: Mapping[LandCover, float]

    @property
    def built_up(self) -> float:
        """Share that is built-up, 0–1."""
        return self.shares.get(LandCover.BUILT_UP, 0.0)

    @property
    def natural(self) -> float:
        """Share that is neither cropland, built-up nor bare, 0–1."""
        return sum(share for cover, share in self.shares.items() if cover in NATURAL)


@dataclass(frozen=True, slots=True)
class Recommendation:
    """How wide a corridor the land allows.

    Attributes:
        reach_m: Metres on either side of the path.
        is_met: Whether that band keeps to the shares; else it is the narrowest, for want of one.
    """

    reach_m: float
    is_met: bool


def land_along(
    cells: IntArray,
    land_cover: ClassArray,
    cell: FloatArray,
    bands_m: Sequence[float] = BANDS_M,
) -> tuple[CorridorBand, ...]:
    """Land cover within distances of a path, each band from the path outwards.

    A cell belongs to a band when its centre lies within the distance of the centre of a cell of the
    path. Sea and nodata (0) are left out.

    Args:
        cells: Rows and columns of the path, shape (n, 2).
        land_cover: Internal codes of the raster.
        cell: Height and width of a cell, m.
        bands_m: Metres on either side, above 0.

    Raises:
        InvalidInput: a band is not above 0, or there is none.
    """
    if not bands_m or not min(bands_m) > 0:
        raise InvalidInput(
            f"bands_m is {list(bands_m)}; at least one band is needed, all above 0",
            message_zh=f"bands_m 为 {list(bands_m)}，至少需一个，且均须大于 0",
            pointer="/bands_m",
        )
    window, distance = _distance_from(cells, land_cover.shape, cell, max(bands_m))
    codes = land_cover[window]
    area_ha = float(cell[0] * cell[1]) / SQUARE_METRES_PER_HECTARE
    return tuple(_band(codes[distance <= reach_m], reach_m, area_ha) for reach_m in sorted(bands_m))


def recommended_width(bands: Sequence[CorridorBand]) -> Recommendation:
    """The widest band with at most 10 % built-up and at least 60 % natural land.

    Where none is, the narrowest one, not met. A band without known land does not keep to them.
    """
    for band in sorted(bands, key=lambda band: -band.reach_m):
        if band.area_ha and band.built_up <= MOST_BUILT_UP and band.natural >= LEAST_NATURAL:
            return Recommendation(band.reach_m, is_met=True)
    return Recommendation(min(band.reach_m for band in bands), is_met=False)


def covered_share(inside: BoolArray, mask: BoolArray) -> float:
    """Share of the cells of a swath that lie in a mask, such as a control line; 0 of no cell."""
    cells = np.count_nonzero(inside)
    return np.count_nonzero(inside & mask) / cells if cells else 0.0


def _band(codes: ClassArray, reach_m: float, cell_ha: float) -> CorridorBand:
    counts = np.bincount(codes, minlength=len(LandCover) + 1)
    counts[NODATA] = 0
    known = int(counts.sum())
    shares = {cover: int(counts[cover]) / known for cover in LandCover if counts[cover]}
    return CorridorBand(reach_m, known * cell_ha, shares)


def _distance_from(
    cells: IntArray, shape: tuple[int, ...], cell: FloatArray, reach_m: float
) -> tuple[tuple[slice, slice], FloatArray]:
    """The window within reach of a path, and the distance of its cells to the path, m."""
    margin = np.ceil(reach_m / cell).astype(np.int64)
    low = np.maximum(cells.min(axis=0) - margin, 0)
    high = np.minimum(cells.max(axis=0) + margin + 1, shape)
    off = np.ones(high - low, dtype=bool)
    off[tuple((cells - low).T)] = False
    distance: FloatArray = ndimage.distance_transform_edt(off, sampling=cell)
    return (slice(low[0], high[0]), slice(low[1], high[1])), distance
