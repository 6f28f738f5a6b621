"""Outlines of a class raster's patches, and zone polygons that are proved to be a coverage."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, Grid, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.patches import Patches, label_patches, measure

Corners = NDArray[np.int32]
"""Row and column of cell corners, 0 at the north-west corner of the grid."""

# East, north, west, south; a turn to the left adds one. Beside each step, from the corner it
# begins at: the cell to its left and the cell to its right.
_STEP = np.array([[0, 1], [-1, 0], [0, -1], [1, 0]])
_LEFT = np.array([[-1, 0], [-1, -1], [0, -1], [0, 0]])
_RIGHT = np.array([[0, 0], [-1, 0], [-1, -1], [0, -1]])
_WEST = 2


@compiled
def _patch_at(patches: Patches, row: int, col: int) -> int:
    """Patch of a cell; 0 beyond the edge."""
    if 0 <= row < patches.shape[0] and 0 <= col < patches.shape[1]:
        return int(patches[row, col])
    return 0


@compiled
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


@compiled
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


@compiled
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


Polygons = NDArray[np.object_]
Number = TypeVar("Number", np.float64, np.int64)

_STRIP_EDGES = 50_000
"""Edges that are held against one another at a time, about."""


def is_coverage(polygons: Polygons) -> bool:
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
    if edges is None or not _meet_at_ends_only(edges):
        return False
    return _joins(polygons)


def _joins(polygons: Polygons) -> bool:
    """Whether the polygons make one valid geometry without their shared edges."""
    try:
        joined = shapely.coverage_union_all(polygons)
    except shapely.GEOSException:
        # GEOS refuses the overlaps it meets on its way, which is the answer.
        return False
    return bool(shapely.is_valid(joined))


def _meet_at_ends_only(edges: FloatArray) -> bool:
    """Whether no two edges cross or touch but where both end.

    Edges are held against those at their height only, strip by strip: two that meet share the
    strip they meet in, and all of them at once take a hundred bytes and more each.
    """
    low, high = edges[:, :, 1].min(axis=1), edges[:, :, 1].max(axis=1)
    count = -(-len(edges) // _STRIP_EDGES)
    borders = np.quantile(low, np.linspace(0, 1, count + 1))
    borders[-1] = np.inf
    return all(
        shapely.is_simple(_lines(edges[(low < above) & (high >= below)]))
        for below, above in pairwise(borders)
    )


def _edges(polygons: Polygons) -> FloatArray | None:
    """Each edge once (edge, end, coordinate); None when one repeats in its direction."""
    edge, forth, corners = _directed_edges(polygons)
    order = np.argsort(edge, kind="stable")
    edge, forth = edge[order], forth[order]
    again = edge[1:] == edge[:-1]
    if (again & (forth[1:] == forth[:-1])).any() or (again[1:] & again[:-1]).any():
        return None
    first = edge[np.concatenate([[True], ~again])]
    return np.stack([corners[first // len(corners)], corners[first % len(corners)]], axis=1)


def _directed_edges(polygons: Polygons) -> tuple[IntArray, BoolArray, FloatArray]:
    """A number for every edge of a ring, whether it runs from its lower corner, the corners."""
    number, ring, corners = _ring_corners(polygons)
    within = ring[1:] == ring[:-1]
    starts, ends = number[:-1][within], number[1:][within]
    edge = np.minimum(starts, ends) * len(corners) + np.maximum(starts, ends)
    return edge, starts < ends, corners


def _ring_corners(polygons: Polygons) -> tuple[IntArray, IntArray, FloatArray]:
    """Number of every corner of the rings among the different ones, its ring, and these."""
    coordinates, ring = shapely.get_coordinates(shapely.get_rings(polygons), return_index=True)
    # Sorting numbers is many times faster than sorting pairs of them.
    place, x = _ranked(coordinates[:, 0])
    row, y = _ranked(coordinates[:, 1])
    del coordinates
    place *= len(y)
    place += row
    del row
    number, place = _ranked(place)
    return number, ring, np.stack([x[place // len(y)], y[place % len(y)]], axis=1)


def _ranked(values: NDArray[Number]) -> tuple[IntArray, NDArray[Number]]:
    """The rank of each value among the different ones, and these, rising."""
    order = np.argsort(values)
    ordered = values[order]
    new = np.empty(len(values), dtype=bool)
    new[:1] = True
    np.not_equal(ordered[1:], ordered[:-1], out=new[1:])
    distinct = ordered[new]
    del ordered
    rank = np.empty(len(values), dtype=np.int64)
    rank[order] = np.cumsum(new) - 1
    return rank, distinct


def _lines(edges: FloatArray) -> shapely.Geometry:
    """All edges as one multi-line."""
    ends = np.arange(0, 2 * len(edges) + 1, 2)
    made = shapely.from_ragged_array(
        shapely.GeometryType.MULTILINESTRING,
        edges.reshape(-1, 2),
        (ends, np.array([0, len(edges)])),
    )
    return shapely.MultiLineString(made[0])


MAX_AREA_CHANGE = 0.01
"""Largest part of a zone's area that simplification may add or take."""

# The smallest step of a stair spans a triangle of half a cell, √½ cells of tolerance: below one
# half nothing is simplified any more.
_TRIALS = 2


@dataclass(frozen=True, slots=True)
class ZonePatch:
    """One connected piece of a zone."""

    code: int
    polygon: Polygon


@dataclass(frozen=True, slots=True)
class ZoneCoverage:
    """The polygons of a class raster; neighbours share their border vertex by vertex.

    Attributes:
        zones: One multipolygon per zone code.
        patches: Its single parts, in the order of the input.
        tolerance_m: Tolerance of the simplification that was kept, m; 0 for none.
        area_change: Relative change of each zone's area by the simplification.
    """

    zones: dict[int, MultiPolygon]
    patches: tuple[ZonePatch, ...]
    tolerance_m: float
    area_change: dict[int, float]


def clean_coverage(outlines: Outlines) -> ZoneCoverage:
    """Simplify the outlines of a class raster together.

    The tolerance starts at one cell and is halved until no zone changes its area by more than
    `MAX_AREA_CHANGE`; the outer border is not simplified.

    Raises:
        InvalidInput: there is no polygon.

    Source: GEOS coverage simplifier (Visvalingam and Whyatt 1993).
    """
    if len(outlines.polygons) == 0:
        raise InvalidInput(
            "the class raster holds no zone, so there is nothing to draw",
            message_zh="分类栅格中没有任何分区，无可生成的面",
        )
    simple, tolerance, change = _simplify(outlines)
    return ZoneCoverage(
        zones=_dissolve(simple, outlines.codes),
        patches=tuple(
            ZonePatch(int(code), polygon)
            for code, polygon in zip(outlines.codes, simple, strict=True)
        ),
        tolerance_m=tolerance,
        area_change=change,
    )


def _simplify(outlines: Outlines) -> tuple[Geometries, float, dict[int, float]]:
    """The simplified outlines, the tolerance that was kept and the change of area by zone."""
    before = _area_by_code(outlines.polygons, outlines.codes)
    tolerance = outlines.cell_m
    for _ in range(_TRIALS):
        simple: Geometries = np.asarray(
            shapely.coverage_simplify(outlines.polygons, tolerance, simplify_boundary=False),
            dtype=object,
        )
        after = _area_by_code(simple, outlines.codes)
        change = {code: abs(after[code] - before[code]) / before[code] for code in before}
        if max(change.values()) <= MAX_AREA_CHANGE and is_coverage(simple):
            return simple, tolerance, change
        tolerance /= 2
    return outlines.polygons, 0.0, dict.fromkeys(before, 0.0)


def _area_by_code(polygons: Geometries, codes: IntArray) -> dict[int, float]:
    areas = np.bincount(codes, weights=shapely.area(polygons))
    return {int(code): float(areas[code]) for code in np.unique(codes)}


def _dissolve(polygons: Geometries, codes: IntArray) -> dict[int, MultiPolygon]:
    return {
        int(code): _as_multipolygon(shapely.coverage_union_all(polygons[codes == code]))
        for code in np.unique(codes)
    }


def _as_multipolygon(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon([part for part in shapely.get_parts(geometry) if part.area > 0])
