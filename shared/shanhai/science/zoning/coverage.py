"""Whether polygons form a coverage: neighbours share their border vertex by vertex, none overlap.

GEOS has the same check, but holds every polygon against the whole of each neighbour: thousands of
specks beside one zone of a hundred thousand corners take it minutes, and this seconds.
"""

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, FloatArray, IntArray

Geometries = NDArray[np.object_]

_MAX_AREA_SHARE = 1e-9
"""Share of the area by which two sums over the same corners may differ."""


def is_coverage(polygons: Geometries) -> bool:
    """Whether valid polygons tile what they cover.

    It holds when, with all rings turned the same way,

    1. no edge is used twice in one direction: two polygons at an edge lie on either side of it;
    2. edges meet at their ends only: neighbours have the same corners, and no border crosses;
    3. the edges used once enclose as much as the polygons together: nothing lies inside another.

    Args:
        polygons: Single polygons, in one projected CRS.
    """
    if not shapely.is_valid(polygons).all():
        return False
    edges, single = _edges(shapely.orient_polygons(polygons))
    return single is not None and _is_noded(edges) and _encloses(edges[single], polygons)


def _edges(polygons: Geometries) -> tuple[FloatArray, BoolArray | None]:
    """Each edge once (edge, end, coordinate) and which are used once; None for a repeated one."""
    starts, ends, corners = _ring_edges(polygons)
    forth = starts * len(corners) + ends
    if len(np.unique(forth)) < len(forth):
        return np.empty((0, 2, 2)), None
    single = ~np.isin(forth, ends * len(corners) + starts)
    kept = single | (starts < ends)
    return corners[np.stack([starts, ends], axis=1)[kept]], single[kept]


def _ring_edges(polygons: Geometries) -> tuple[IntArray, IntArray, FloatArray]:
    """Number of the corner every edge starts from, of the one it ends at, and the corners."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    corners, number = np.unique(coordinates, axis=0, return_inverse=True)
    number = number.reshape(-1).astype(np.int64)
    within = ring[1:] == ring[:-1]
    return number[:-1][within], number[1:][within], corners


def _is_noded(edges: FloatArray) -> bool:
    return bool(shapely.is_simple(_lines(edges)))


def _encloses(border: FloatArray, polygons: Geometries) -> bool:
    outline = shapely.build_area(_lines(border))
    area = float(shapely.area(polygons).sum())
    return abs(float(shapely.area(outline)) - area) <= _MAX_AREA_SHARE * area


def _lines(edges: FloatArray) -> shapely.MultiLineString:
    return shapely.MultiLineString(list(np.asarray(shapely.linestrings(edges), dtype=object)))
