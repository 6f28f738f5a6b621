"""Whether polygons form a coverage: neighbours share their border vertex by vertex, none overlap.

GEOS has the same check, but holds every polygon against the whole of each neighbour: thousands of
specks beside one zone of a hundred thousand corners take it minutes, and this seconds.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.science.arrays import FloatArray, IntArray

Geometries = NDArray[np.object_]


def is_coverage(polygons: Geometries) -> bool:
    """Whether valid polygons tile what they cover.

    It holds when, with all rings turned the same way,

    1. no edge is used twice in one direction: two polygons at an edge lie on either side of it;
    2. edges meet at their ends only: neighbours have the same corners, and no border crosses;
    3. the polygons joined along their shared edges are valid: nothing lies inside another.

    Args:
        polygons: Single polygons, in one projected CRS.
    """
    if not shapely.is_valid(polygons).all():
        return False
    edges = _edges(shapely.orient_polygons(polygons))
    if edges is None or not shapely.is_simple(_lines(edges)):
        return False
    return _joins(polygons)


def _joins(polygons: Geometries) -> bool:
    """Whether the polygons make one valid geometry without their shared edges."""
    try:
        joined = shapely.coverage_union_all(polygons)
    except shapely.GEOSException:
        # GEOS refuses the overlaps it meets on its way, which is the answer.
        return False
    return bool(shapely.is_valid(joined))


def _edges(polygons: Geometries) -> FloatArray | None:
    """Each edge once (edge, end, coordinate); None when one repeats in its direction."""
    starts, ends, corners = _ring_edges(polygons)
    forth = starts * len(corners) + ends
    if len(np.unique(forth)) < len(forth):
        return None
    single = ~np.isin(forth, ends * len(corners) + starts)
    kept = single | (starts < ends)
    return np.asarray(corners[np.stack([starts, ends], axis=1)[kept]])


def _ring_edges(polygons: Geometries) -> tuple[IntArray, IntArray, FloatArray]:
    """Number of the corner every edge starts from, of the one it ends at, and the corners."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    corners, number = np.unique(coordinates, axis=0, return_inverse=True)
    number = number.reshape(-1).astype(np.int64)
    within = ring[1:] == ring[:-1]
    return number[:-1][within], number[1:][within], corners


def _lines(edges: FloatArray) -> shapely.MultiLineString:
    return shapely.MultiLineString(list(np.asarray(shapely.linestrings(edges), dtype=object)))
