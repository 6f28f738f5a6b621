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
    forth = starts < ends
    low, high = np.where(forth, starts, ends), np.where(forth, ends, starts)
    edge = low * len(corners) + high
    order = np.argsort(edge, kind="stable")
    edge, forth = edge[order], forth[order]
    again = edge[1:] == edge[:-1]
    if (again & (forth[1:] == forth[:-1])).any() or (again[1:] & again[:-1]).any():
        return None
    first = edge[np.concatenate([[True], ~again])]
    ends = np.stack([first // len(corners), first % len(corners)], axis=1)
    return np.asarray(corners[ends])


def _ring_edges(polygons: Geometries) -> tuple[IntArray, IntArray, FloatArray]:
    """Number of the corner every edge starts from, of the one it ends at, and the corners."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    number, corners = _numbered(coordinates)
    within = ring[1:] == ring[:-1]
    return number[:-1][within], number[1:][within], corners


def _numbered(coordinates: FloatArray) -> tuple[IntArray, FloatArray]:
    """Number of each point among the different ones, and these."""
    # Sorting numbers is many times faster than sorting pairs of them.
    x, column = np.unique(coordinates[:, 0], return_inverse=True)
    y, row = np.unique(coordinates[:, 1], return_inverse=True)
    place, number = np.unique(column * len(y) + row, return_inverse=True)
    return number.astype(np.int64), np.stack([x[place // len(y)], y[place % len(y)]], axis=1)


def _lines(edges: FloatArray) -> shapely.Geometry:
    """All edges as one multi-line."""
    ends = np.arange(0, 2 * len(edges) + 1, 2)
    made = shapely.from_ragged_array(
        shapely.GeometryType.MULTILINESTRING,
        edges.reshape(-1, 2),
        (ends, np.array([0, len(edges)])),
    )
    return shapely.MultiLineString(made[0])
