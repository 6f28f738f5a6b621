"""Outlines of the patches of a class raster, along cell edges: a valid coverage as they are."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.grid import Grid
from shanhai.science.zoning.outline_kernels import place_rings, walk_rings
from shanhai.science.zoning.patch_kernels import Patches, measure
from shanhai.science.zoning.patches import label_patches

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
