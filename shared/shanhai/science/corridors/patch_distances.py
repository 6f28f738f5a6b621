"""How far patches of a raster lie apart, from edge to edge."""

import math

import numpy as np

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.patch_kernels import Labels, boxes_of, least_squares, outline

_BLOCK = 32
"""Side, in cells, of the squares that the points of an outline are grouped by."""


def patch_distances(
    labels: Labels, count: int, cell_m: float, limit_m: float = math.inf
) -> FloatArray:
    """Distance between the edges of all pairs of patches.

    Exactly that of their outlines as polygons: between cells of a raster it is always one of two
    corners, so that whole numbers do.

    Args:
        labels: Patch number of each cell, 1 to `count`, each at least once; 0 is none.
        count: Number of patches.
        cell_m: Side of a cell, m.
        limit_m: Longer distances become infinite, m.

    Returns:
        m, symmetric, shape (count, count); 0 on the diagonal and where patches touch, at a corner
        too. Takes 8 bytes a pair.
    """
    found = outline(labels)
    order = np.lexsort((found[:, 2] // _BLOCK, found[:, 1] // _BLOCK, found[:, 0]))
    patch, points = found[order, 0], np.ascontiguousarray(found[order, 1:])
    groups = _starts(np.column_stack([patch, points // _BLOCK]))
    patches = _starts(patch[groups[:-1], None])
    reach = (limit_m / cell_m) ** 2 * (1 + 1e-12)
    squares = least_squares(points, groups, boxes_of(points, groups), patches, reach)
    if len(squares) != count:
        raise ValueError(f"{len(squares)} of {count} patches have cells")
    return np.sqrt(squares) * cell_m


def _starts(keys: IntArray) -> IntArray:
    """Positions where the key changes, with the first one and the end."""
    changes = np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)) + 1
    first = [0] if len(keys) else []
    return np.concatenate([first, changes, [len(keys)]]).astype(np.int64)
