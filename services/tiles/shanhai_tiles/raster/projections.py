"""Projections, kept: making one takes tens of milliseconds."""

from functools import lru_cache

from pyproj import CRS, Transformer


@lru_cache(maxsize=64)
def projection(crs: str) -> Transformer:
    """From degrees of the system's own datum to its coordinates, x first."""
    system = CRS.from_user_input(crs)
    return Transformer.from_crs(system.geodetic_crs, system, always_xy=True)
