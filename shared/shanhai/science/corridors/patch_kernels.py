"""Compiled loops over patches: their outlines, and how far apart these are."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import FloatArray, IntArray

Labels = NDArray[np.int32]

_FAR = np.int64(2**62)


@njit(cache=True, nogil=True)
def outline(labels: Labels) -> IntArray:
    """Corners of cells on the rim of each patch: rows of patch, row and column of the corner.

    Corner (i, j) is the north-western one of cell (i, j); where patches meet it belongs to each.
    """
    height, width = labels.shape
    found = np.empty((1024, 3), dtype=np.int64)
    count = 0
    around = np.zeros(4, dtype=np.int64)
    for row in range(height + 1):
        for col in range(width + 1):
            for place in range(4):
                i, j = row - 1 + place // 2, col - 1 + place % 2
                inside = 0 <= i < height and 0 <= j < width
                around[place] = labels[i, j] if inside else 0
            if (around == around[0]).all():
                continue
            if count + 4 > len(found):
                grown = np.empty((2 * len(found), 3), dtype=np.int64)
                grown[:count] = found[:count]
                found = grown
            for place in range(4):
                if around[place] and not (around[:place] == around[place]).any():
                    found[count, 0] = around[place]
                    found[count, 1] = row
                    found[count, 2] = col
                    count += 1
    return found[:count]


@njit(cache=True, nogil=True)
def boxes_of(points: IntArray, starts: IntArray) -> IntArray:
    """First row, last row, first and last column of the points of each group."""
    boxes = np.empty((len(starts) - 1, 4), dtype=np.int64)
    for group in range(len(boxes)):
        rows = points[starts[group] : starts[group + 1], 0]
        cols = points[starts[group] : starts[group + 1], 1]
        boxes[group, 0], boxes[group, 1] = rows.min(), rows.max()
        boxes[group, 2], boxes[group, 3] = cols.min(), cols.max()
    return boxes


@njit(cache=True, nogil=True)
def least_squares(
    points: IntArray,
    groups: IntArray,
    boxes: IntArray,
    patches: IntArray,
    reach: float,
) -> FloatArray:
    """Squared distance of every pair of patches; infinite beyond √`reach`.

    Args:
        points: Row and column of the corners, those of a group side by side, groups of a patch too.
        groups: First point of each group, and the number of points.
        boxes: Of each group.
        patches: First group of each patch, and the number of groups.
        reach: Squared distance that matters.
    """
    count = len(patches) - 1
    extents = np.empty((count, 4), dtype=np.int64)
    for patch in range(count):
        own = boxes[patches[patch] : patches[patch + 1]]
        extents[patch, 0], extents[patch, 1] = own[:, 0].min(), own[:, 1].max()
        extents[patch, 2], extents[patch, 3] = own[:, 2].min(), own[:, 3].max()
    squares = np.full((count, count), np.inf)
    for one in range(count):
        squares[one, one] = 0.0
        for other in range(one + 1, count):
            if _gap(extents[one], extents[other]) > reach:
                continue
            least = _least(points, groups, boxes, patches, extents[other], one, other)
            if least <= reach:
                squares[one, other] = squares[other, one] = least
    return squares


@njit(cache=True, nogil=True)
def _gap(one: IntArray, other: IntArray) -> int:
    """Squared distance of two boxes."""
    down = max(one[0] - other[1], other[0] - one[1], 0)
    across = max(one[2] - other[3], other[2] - one[3], 0)
    return int(down * down + across * across)


@njit(cache=True, nogil=True)
def _nearest(points: IntArray, first: int, last: int, to: int) -> int:
    """Position of the point nearest to another one."""
    best, least = first, _FAR
    for number in range(first, last):
        down = points[number, 0] - points[to, 0]
        across = points[number, 1] - points[to, 1]
        square = down * down + across * across
        if square < least:
            best, least = number, square
    return best


@njit(cache=True, nogil=True)
def _least(
    points: IntArray,
    groups: IntArray,
    boxes: IntArray,
    patches: IntArray,
    extent: IntArray,
    one: int,
    other: int,
) -> int:
    """Least squared distance of the points of two patches.

    Going to and fro between them finds a near pair at once; only groups that may hold a nearer one
    are compared point by point.
    """
    start, end = groups[patches[one]], groups[patches[one + 1]]
    begin, stop = groups[patches[other]], groups[patches[other + 1]]
    there = _nearest(points, begin, stop, start)
    here = _nearest(points, start, end, there)
    there = _nearest(points, begin, stop, here)
    down, across = points[here, 0] - points[there, 0], points[here, 1] - points[there, 1]
    least = down * down + across * across
    for group in range(patches[one], patches[one + 1]):
        if _gap(boxes[group], extent) >= least:
            continue
        for facing in range(patches[other], patches[other + 1]):
            if _gap(boxes[group], boxes[facing]) >= least:
                continue
            for here in range(groups[group], groups[group + 1]):
                there = _nearest(points, groups[facing], groups[facing + 1], here)
                down = points[here, 0] - points[there, 0]
                across = points[here, 1] - points[there, 1]
                least = min(least, down * down + across * across)
    return int(least)
