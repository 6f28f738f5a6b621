"""Areas of raster cells."""

import math

import numpy as np

from shanhai.raster.crs import parse_crs
from shanhai.raster.inspect import RasterFacts
from shanhai.science.arrays import FloatArray

_SEMI_MAJOR_M = 6_378_137.0
_ECCENTRICITY = math.sqrt(2 / 298.257222101 - (1 / 298.257222101) ** 2)
"""GRS 80, the ellipsoid of CGCS2000; WGS 84 differs by 0.1 mm."""


def _area_below(latitude_deg: FloatArray) -> FloatArray:
    """Area between the equator and a latitude, per radian of longitude, m²."""
    sine = np.sin(np.radians(latitude_deg))
    e = _ECCENTRICITY
    curved = sine / (1 - (e * sine) ** 2) + np.arctanh(e * sine) / e
    return np.asarray(_SEMI_MAJOR_M**2 * (1 - e**2) / 2 * curved)


def cell_areas_m2(facts: RasterFacts, first_row: int, rows: int) -> FloatArray:
    """Area of one cell in each of `rows` rows from `first_row`, m².

    On the ellipsoid where the system is geographic, in the plane of the projection otherwise.
    """
    a, _, _, _, e, north = facts.transform
    crs = parse_crs(facts.crs or "")
    if not crs.is_geographic:
        factor: float = crs.axis_info[0].unit_conversion_factor
        return np.full(rows, a * -e * factor**2)
    edges = np.clip(north + np.arange(first_row, first_row + rows + 1) * e, -90.0, 90.0)
    below = _area_below(edges)
    return np.asarray((below[:-1] - below[1:]) * math.radians(a))
