"""Geodesic sizes of shapes in stored coordinates: the figures PostGIS has for geography.

PostGIS needs the better part of a microsecond for a vertex, and a check measures the same vertices
again for every area they bound; short edges are measured here at once.
"""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from shanhai.science.arrays import FloatArray
from shanhai.science.geodesy import INVERSE_FLATTENING, SEMI_MAJOR_M, ring_areas

Shapes = NDArray[Any]
"""Geometries, one-dimensional; none is None."""
ELLIPSOID = Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)


def areas_of(shapes: Shapes) -> FloatArray:
    """The area of each shape's polygons, m²; 0 where it has none."""
    polygons, of_shape = _parts(shapes, dimension=2)
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    coordinates, of_ring = shapely.get_coordinates(rings, return_index=True)
    areas = ring_areas(coordinates, of_ring, len(rings))
    for number in np.flatnonzero(np.isnan(areas)):
        first, end = np.searchsorted(of_ring, (number, number + 1))
        places = coordinates[first:end]
        areas[number] = abs(ELLIPSOID.polygon_area_perimeter(places[:, 0], places[:, 1])[0])
    # The first ring of a polygon bounds it; what the others enclose is missing.
    outer = np.diff(of_polygon, prepend=-1) != 0
    signed = np.where(outer, areas, -areas)
    return np.bincount(of_shape[of_polygon], signed, minlength=len(shapes)).astype(np.float64)


def lengths_of(shapes: Shapes) -> FloatArray:
    """The length of each shape's lines, m; 0 where it has none."""
    lines, of_shape = _parts(shapes, dimension=1)
    places, of_line = shapely.get_coordinates(lines, return_index=True)
    same = of_line[1:] == of_line[:-1]
    ends = places[:-1][same], places[1:][same]
    owner = of_shape[of_line[1:][same]]
    *_, metres = ELLIPSOID.inv(*ends[0].T, *ends[1].T)
    return np.bincount(owner, metres, minlength=len(shapes)).astype(np.float64)


def _parts(shapes: Shapes, *, dimension: int) -> tuple[Shapes, NDArray[np.intp]]:
    """The simple parts of a dimension, and the number of the shape each is of."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    # What is left of collections inside collections.
    parts, inner = shapely.get_parts(parts, return_index=True)
    kept = shapely.get_dimensions(parts) == dimension
    return parts[kept], owner[inner][kept]
