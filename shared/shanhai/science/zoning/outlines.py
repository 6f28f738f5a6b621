"""Outlines of the patches of a class raster, along cell edges: a valid coverage as they are."""

from dataclasses import dataclass

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.grid import Grid
from shanhai.science.zoning.patch_kernels import Patches, measure
from shanhai.science.zoning.patches import label_patches

Corners = NDArray[np.int32]
"""Row and column of cell corners, 0 at the north-west corner of the grid."""

# East, north, west, south; a turn to the left adds one. Beside each step, from the corner it
# begins at: the cell to its left and the cell to its right.
_STEP = np.array([[0, 1], [-1, 0], [0, -1], [1, 0]])
_LEFT = np.array([[-1, 0], [-1, -1], [0, -1], [0, 0]])
_RIGHT = np.array([[0, 0], [-1, 0], [-1, -1], [0, -1]])
_WEST = 2


@njit(cache=True, nogil=True)
def _patch_at(patches: Patches, row: int, col: int) -> int:
    """Patch of a cell; 0 beyond the edge."""
    if 0 <= row < patches.shape[0] and 0 <= col < patches.shape[1]:
        return int(patches[row, col])
    return 0


@njit(cache=True, nogil=True)
def _walk(
    patches: Patches, seen: BoolArray, row: int, col: int, corners: Corners, at: int
) -> tuple[int, int]:
    """Follow the ring that runs west along the top of a cell, the patch on its left.

    A corner is kept where the ring turns, and where the patches on the other side change. Where
    a patch touches itself at a corner the ring turns right, so that no ring touches itself.

    Args:
        patches: Patches of the raster.
        seen: Tops of cells that a ring has run along; marked on the way.
        row: Row of the cell.
        col: Its column.
        corners: Filled from `at` on, unless it is empty.
        at: Number of corners found before.

    Returns:
        Number of corners with those of this ring, the first repeated at the end; twice its area in
        cells, negative for a hole.
    """
    own = patches[row, col]
    first = at
    area = 0
    here_row, here_col, heading = row, col, _WEST
    behind = _patch_at(patches, row - 1, col)
    last_row, last_col, first_row, first_col = -1, -1, -1, -1
    seen[row, col] = True
    while True:
        right = _patch_at(patches, here_row + _RIGHT[heading, 0], here_col + _RIGHT[heading, 1])
        left = _patch_at(patches, here_row + _LEFT[heading, 0], here_col + _LEFT[heading, 1])
        turn = 3 if right == own else (0 if left == own else 1)
        if turn != 0 or right != behind:
            if at == first:
                first_row, first_col = here_row, here_col
            else:
                area += here_col * last_row - here_row * last_col
            last_row, last_col = here_row, here_col
            if len(corners) > 0:
                corners[at, 0], corners[at, 1] = here_row, here_col
            at += 1
        heading = (heading + turn) % 4
        behind = _patch_at(patches, here_row + _RIGHT[heading, 0], here_col + _RIGHT[heading, 1])
        if heading == _WEST:
            if here_row == row and here_col - 1 == col:
                break
            seen[here_row, here_col - 1] = True
        here_row += _STEP[heading, 0]
        here_col += _STEP[heading, 1]
    area += first_col * last_row - first_row * last_col
    if len(corners) > 0:
        corners[at, 0], corners[at, 1] = first_row, first_col
    return at + 1, area


@njit(cache=True, nogil=True)
def walk_rings(
    patches: Patches, corners: Corners, ends: IntArray, owners: IntArray, areas: IntArray
) -> tuple[int, int]:
    """Walk all rings; returns the number of rings and of corners.

    Called once with empty arrays to count, and once with arrays of those sizes to fill.

    Args:
        patches: Patches of the raster.
        corners: Corners of all rings.
        ends: Where each ring ends among them.
        owners: Patch of each ring.
        areas: Twice the area of each ring in cells; negative for a hole.
    """
    seen = np.zeros(patches.shape, dtype=np.bool_)
    rings, at = 0, 0
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            own = patches[row, col]
            if own == 0 or seen[row, col] or _patch_at(patches, row - 1, col) == own:
                continue
            at, area = _walk(patches, seen, row, col, corners, at)
            if len(ends) > 0:
                ends[rings], owners[rings], areas[rings] = at, own, area
            rings += 1
    return rings, at


@njit(cache=True, nogil=True)
def place_rings(
    corners: Corners,
    begins: IntArray,
    lengths: IntArray,
    west: float,
    north: float,
    cell_m: float,
    coordinates: FloatArray,
) -> None:
    """Write x and y of rings one after the other; a corner has the same bits in every ring.

    Args:
        corners: Corners of all rings.
        begins: Where each ring begins among them, in the order wanted.
        lengths: Corners of each.
        west: x of column 0, m.
        north: y of row 0, m.
        cell_m: Side of a cell, m.
        coordinates: Filled: x and y of every corner.
    """
    at = 0
    for ring in range(len(begins)):
        for corner in range(begins[ring], begins[ring] + lengths[ring]):
            coordinates[at, 0] = west + corners[corner, 1] * cell_m
            coordinates[at, 1] = north - corners[corner, 0] * cell_m
            at += 1


Geometries = NDArray[np.object_]

Rings = tuple[NDArray[np.int32], IntArray, IntArray, NDArray[np.bool_]]
"""Corners of all rings, and for each ring its length, patch and whether it is a hole."""


@dataclass(frozen=True, slots=True)
class Outlines:
    """One polygon per 4-connected patch, in the order of their first cells row by row.

    Attributes:
        polygons: Valid polygons in the CRS of the grid; neighbours have the same vertices, namely
            where a border turns and where three patches meet.
        codes: Class of each.
        cell_m: Side of a cell, m.
    """

    polygons: Geometries
    codes: IntArray
    cell_m: float


def trace_outlines(codes: ClassArray, grid: Grid) -> Outlines:
    """Polygons of the patches of equal code.

    Args:
        codes: Class raster; cells of class 0 are left out.
        grid: Its grid.
    """
    rings, code_of = _traced(codes)
    return Outlines(_polygons(rings, len(code_of), grid), code_of, grid.cell_m)


def _traced(codes: ClassArray) -> tuple[Rings, IntArray]:
    """The rings of all patches and the code of each; the raster of patches is needed no longer."""
    patches, count = label_patches(codes)
    _, code_of = measure(patches, codes, count)
    return _rings(patches), code_of[1:]


def _polygons(rings: Rings, count: int, grid: Grid) -> Geometries:
    corners, lengths, owners, holes = rings
    # A patch's outer ring first, then its holes in the order they were met.
    order = np.lexsort((holes, owners))
    begins = (np.cumsum(lengths) - lengths)[order]
    coordinates = np.empty((len(corners), 2))
    place_rings(corners, begins, lengths[order], grid.west, grid.north, grid.cell_m, coordinates)
    ends = np.concatenate([[0], np.cumsum(lengths[order])])
    rings_of = np.bincount(owners, minlength=count + 1)[1:]
    polygons = shapely.from_ragged_array(
        shapely.GeometryType.POLYGON,
        coordinates,
        (ends, np.concatenate([[0], np.cumsum(rings_of)])),
    )
    return np.asarray(polygons, dtype=object)


def _rings(patches: Patches) -> Rings:
    """The borders of all patches."""
    nothing, none = np.empty((0, 2), dtype=np.int32), np.empty(0, dtype=np.int64)
    rings, size = walk_rings(patches, nothing, none, none, none)
    corners = np.empty((size, 2), dtype=np.int32)
    ends, owners, areas = np.empty((3, rings), dtype=np.int64)
    walk_rings(patches, corners, ends, owners, areas)
    return corners, np.diff(ends, prepend=0), owners, areas < 0
