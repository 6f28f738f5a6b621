"""Areas of rings on the ellipsoid of CGCS2000, for rings of short edges.

Edges are geodesics. Between the meridians of its ends, an edge that is straight on the equal-area
cylinder lies above the area ΔλQ of a trapezoid, exactly, where Q(φ) = ∫ M N cos φ dφ; Snyder
(1987), Map Projections: A Working Manual, eq. 3-12. The geodesic departs from that chord by what
the chord's geodesic curvature, −sin α sin φ (1 + 2 cos² α) / p, makes of its length: κ s³ / 12,
which is Δλ sin φ ((p Δλ)² + 3 (M Δφ)²) / 12, with p the radius of the parallel and M that of the
meridian at the middle. The next term is smaller by the square of the edge's angle.
"""

import numpy as np

from shanhai.science.grid import FloatArray, IntArray

SEMI_MAJOR_M = 6_378_137.0
INVERSE_FLATTENING = 298.257222101
"""Of CGCS2000, and of GRS 80."""

LONGEST_EDGE_DEG = 0.05
"""Edges up to which an area differs by less than 3e-10 of itself from that of Karney's method."""

_FLATTENING = 1 / INVERSE_FLATTENING
_E2 = _FLATTENING * (2 - _FLATTENING)
_E = np.sqrt(_E2)


def ring_areas(coordinates: FloatArray, ring: IntArray, rings: int) -> FloatArray:
    """The areas that closed rings enclose, m², whichever way round they run.

    Args:
        coordinates: Longitude and latitude in degrees, shape (n, 2), ring after ring; the last
            position of a ring repeats its first one.
        ring: The number of the ring of each position, ascending from 0.
        rings: How many rings there are.

    Returns:
        One value for each ring; NaN where an edge is longer than `LONGEST_EDGE_DEG` either way, or
        a coordinate is NaN.
    """
    steps = np.diff(coordinates, axis=0)
    same = ring[1:] == ring[:-1]
    longest = np.abs(steps).max(axis=1, initial=0)
    owner = ring[1:][same]
    long_edges = owner[~(longest[same] <= LONGEST_EDGE_DEG)]
    # Sums of small edges keep their digits when counted from a place nearby.
    origin = coordinates[0] if len(coordinates) else np.zeros(2)
    edges = _beneath_edges(coordinates, steps, origin[1])[same]
    areas = np.abs(np.bincount(owner, edges, minlength=rings).astype(np.float64))
    areas[long_edges] = np.nan
    return areas


def metres_per_degree(latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Lengths of a degree on the ellipsoid, m: along the meridian, and along the parallel.

    Args:
        latitude: Degrees, −90…90.

    Source: Snyder (1987), Map Projections: A Working Manual, eqs. 4-19 and 4-21.
    """
    radians = np.radians(latitude)
    curved = 1 - _E2 * np.sin(radians) ** 2
    meridian: FloatArray = np.radians(SEMI_MAJOR_M * (1 - _E2) / curved**1.5)
    parallel: FloatArray = np.radians(SEMI_MAJOR_M * np.cos(radians) / np.sqrt(curved))
    return meridian, parallel


def _beneath_edges(coordinates: FloatArray, steps: FloatArray, from_latitude: float) -> FloatArray:
    """The area between each edge and a parallel, m², negative westward."""
    latitude = np.radians(coordinates[:, 1])
    height = _authalic(np.sin(latitude)) - _authalic(np.sin(np.radians(from_latitude)))
    width, rise = np.radians(steps[:, 0]), np.radians(steps[:, 1])
    sine = np.sin((latitude[1:] + latitude[:-1]) / 2)
    curved = 1 - _E2 * sine**2
    parallel2 = SEMI_MAJOR_M**2 * (1 - sine**2) / curved
    meridian2 = (SEMI_MAJOR_M * (1 - _E2)) ** 2 / curved**3
    bend = sine * (parallel2 * width**2 + 3 * meridian2 * rise**2) / 12
    beneath: FloatArray = width * ((height[1:] + height[:-1]) / 2 + bend)
    return beneath


def _authalic(sine: FloatArray) -> FloatArray:
    """Q, the area per radian of longitude from the equator to a latitude given by its sine, m²."""
    minor2 = SEMI_MAJOR_M**2 * (1 - _E2)
    area: FloatArray = minor2 / 2 * (sine / (1 - _E2 * sine**2) + np.arctanh(_E * sine) / _E)
    return area
