"""How well an ecosystem recovers: its kind, its vigour, its condition and its memory."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.landcover import LandCover

RESILIENCE: Mapping[LandCover, float] = MappingProxyType(
    {
        LandCover.CROPLAND: 0.4,
        LandCover.FOREST: 0.9,
        LandCover.SHRUBLAND: 0.7,
        LandCover.GRASSLAND: 0.6,
        LandCover.WETLAND: 0.7,
        LandCover.MANGROVE: 0.7,
        LandCover.WATER: 0.6,
        LandCover.BUILT_UP: 0.1,
        LandCover.BARE: 0.2,
    }
)
"""Resilience coefficient Rc by class, 0–1; status E."""

RESILIENCE_BREAKS = (80.0, 60.0, 40.0, 20.0)
"""Lowest index of the classes 1–4, of five; medium and above is 40; status E."""


def resilience_index(
    *,
    coefficient: FloatArray,
    npp_n: FloatArray,
    condition_n: FloatArray,
    memory_n: FloatArray | None = None,
) -> FloatArray:
    """Resilience of every cell, `100·mean(Rc, N(NPP), N(condition), 1 − N(AR1))`.

    Args:
        coefficient: Rc of the land cover, 0–1.
        npp_n: Normalised net primary productivity, 0–1.
        condition_n: Normalised habitat quality or ecosystem quality index, 0–1.
        memory_n: Normalised lag-1 autocorrelation of a yearly series, 0–1; without a series the
            term drops out, which a result must say.

    Returns:
        0–100; NaN where any term is.
    """
    terms = [coefficient, npp_n, condition_n]
    if memory_n is not None:
        terms.append(1 - memory_n)
    return np.asarray(100 * np.mean(np.stack(terms), axis=0))


def resilience_class(index: FloatArray) -> ClassArray:
    """Class 1 (high) to 5 (low) of the index, 0 where NaN."""
    classes = np.select([index >= least for least in RESILIENCE_BREAKS], [1, 2, 3, 4], 5)
    return np.where(np.isnan(index), 0, classes).astype(np.uint8)
