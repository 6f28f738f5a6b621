"""Core areas as patches: their outlines, their distances, and near ones joined."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.errors import InvalidInput
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, FloatArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.contiguity import components
from shanhai.science.zoning.patches import label_patches

Labels = NDArray[np.int32]

_FAR = np.int64(2**62)


@compiled
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


@compiled
def boxes_of(points: IntArray, starts: IntArray) -> IntArray:
    """First row, last row, first and last column of the points of each group."""
    boxes = np.empty((len(starts) - 1, 4), dtype=np.int64)
    for group in range(len(boxes)):
        rows = points[starts[group] : starts[group + 1], 0]
        cols = points[starts[group] : starts[group + 1], 1]
        boxes[group, 0], boxes[group, 1] = rows.min(), rows.max()
        boxes[group, 2], boxes[group, 3] = cols.min(), cols.max()
    return boxes


@compiled
def least_squares(
    points: IntArray, groups: IntArray, boxes: IntArray, patches: IntArray, reach: float
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


@compiled
def _gap(one: IntArray, other: IntArray) -> int:
    """Squared distance of two boxes."""
    down = max(one[0] - other[1], other[0] - one[1], 0)
    across = max(one[2] - other[3], other[2] - one[3], 0)
    return int(down * down + across * across)


@compiled
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


@compiled
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


@dataclass(frozen=True, slots=True)
class Patches:
    """Patches by descending area, of equal ones by their first cell row by row.

    Attributes:
        labels: Number of each cell's patch, from 1; 0 is none.
        area_ha: Of each patch, ha.
    """

    labels: Labels
    area_ha: FloatArray

    @property
    def count(self) -> int:
        """Number of patches."""
        return len(self.area_ha)

    def mean(self, values: FloatArray) -> FloatArray:
        """Mean of each patch over its known cells; NaN where none is known."""
        known = (self.labels > 0) & ~np.isnan(values)
        labels = self.labels[known]
        sums = np.bincount(labels, weights=values[known], minlength=self.count + 1)[1:]
        counts = np.bincount(labels, minlength=self.count + 1)[1:]
        unknown = np.full(self.count, np.nan)
        return np.asarray(np.divide(sums, counts, out=unknown, where=counts > 0))

    def share(self, mask: BoolArray) -> FloatArray:
        """Part of each patch that the mask covers, 0–1."""
        return self.mean(mask.astype(np.float64))

    def kept(self, keep: BoolArray) -> "Patches":
        """Some of the patches, numbered anew."""
        numbers = np.concatenate([[0], np.where(keep, np.cumsum(keep), 0)]).astype(np.int32)
        return Patches(numbers[self.labels], self.area_ha[keep])


def core_patches(
    core: BoolArray, cell_m: float, min_area_ha: float, merge_gap_m: float = 0.0
) -> Patches:
    """Patches of core area.

    Args:
        core: Core cells; those that share a side or a corner are one core.
        cell_m: Side of a cell, m.
        min_area_ha: Smaller cores are dropped, ha, ≥ 0.
        merge_gap_m: Cores less than this apart, edge to edge, become one patch, m, ≥ 0.

    Returns:
        Patches; none when no core is large enough.

    Raises:
        InvalidInput: a size is negative.
    """
    _require_sizes(min_area_ha=min_area_ha, merge_gap_m=merge_gap_m)
    labels, count = label_patches(np.ascontiguousarray(core).view(np.uint8), 8)
    cell_ha = cell_m**2 / SQUARE_METRES_PER_HECTARE
    cells = np.bincount(labels.ravel(), minlength=count + 1)
    # Ten hectares of cells of 0.09 ha are not exactly a whole number of cells.
    large = cells * cell_ha >= min_area_ha * (1 - 1e-12)
    large[0] = False
    number = np.where(large, np.cumsum(large), 0)
    if merge_gap_m > 0 and large.any():
        number = _merged(number[labels].astype(np.int32), number, cell_m, merge_gap_m)
    return _ordered(labels, number, cell_ha)


def _merged(labels: Labels, number: IntArray, cell_m: float, gap_m: float) -> IntArray:
    """Numbers of which near patches have the lowest in common."""
    distances = patch_distances(labels, int(number.max()), cell_m, gap_m)
    near = np.argwhere(np.triu(distances < gap_m, 1))
    joined = components(near.astype(np.int64), len(distances)) + 1
    return np.concatenate([[0], joined])[number]


def _ordered(labels: Labels, number: IntArray, cell_ha: float) -> Patches:
    """Patches numbered by area; `number` says for each label what it belongs to, 0 for none."""
    cells = np.bincount(number[labels].ravel(), minlength=int(number.max()) + 1)
    cells[0] = 0
    # Labels follow their first cells row by row and a patch bears its first one's number.
    ranked = np.argsort(-cells, kind="stable")[: np.count_nonzero(cells)]
    final = np.zeros(len(cells), dtype=np.int32)
    final[ranked] = np.arange(1, len(ranked) + 1)
    area_ha: FloatArray = cells[ranked].astype(np.float64) * cell_ha
    return Patches(final[number[labels]], area_ha)


def eroded(patch: BoolArray, cells: int) -> BoolArray:
    """Cells of a patch that lie deeper in it than some cells.

    Args:
        patch: Cells of the patch; all beyond the raster is outside.
        cells: Depth, in cells between centres of a cell and of the nearest one outside, ≥ 0.
    """
    return np.asarray(_depth(patch) > cells)


def _depth(patch: BoolArray) -> FloatArray:
    """Distance of each cell to the nearest one outside the patch, in cells; 0 outside."""
    padded = np.pad(patch, 1)
    return np.asarray(ndimage.distance_transform_edt(padded)[1:-1, 1:-1])


def division_depth(patch: BoolArray, cell_m: float, min_area_ha: float) -> int:
    """Depth by which a patch is eroded to fall into the most cores.

    Args:
        patch: Cells of the patch.
        cell_m: Side of a cell, m.
        min_area_ha: Least area of what is left of a core, ha, ≥ 0.

    Returns:
        Cells, of equal depths the least; 0 where no depth leaves two cores.
    """
    depth = _depth(patch)
    best, most = 0, 1
    for cells in range(1, int(np.ceil(depth.max(initial=0.0)))):
        count = core_patches(depth > cells, cell_m, min_area_ha).count
        if count > most:
            best, most = cells, count
    return best


def _require_sizes(**sizes: float) -> None:
    for name, size in sizes.items():
        if not 0 <= size < np.inf:
            raise InvalidInput(
                f"{name} is {size}; it must be finite and at least 0",
                message_zh=f"{name} 为 {size}，须为有限数且不小于 0",
                pointer=f"/{name}",
            )
