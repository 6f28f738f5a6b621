"""Zone polygons that are simplified together and proved to be a coverage."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray, IntArray
from shanhai.science.zoning.outlines import Outlines

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


def _simplify(outlines: Outlines) -> tuple[Polygons, float, dict[int, float]]:
    """The simplified outlines, the tolerance that was kept and the change of area by zone."""
    before = _area_by_code(outlines.polygons, outlines.codes)
    tolerance = outlines.cell_m
    for _ in range(_TRIALS):
        simple: Polygons = np.asarray(
            shapely.coverage_simplify(outlines.polygons, tolerance, simplify_boundary=False),
            dtype=object,
        )
        after = _area_by_code(simple, outlines.codes)
        change = {code: abs(after[code] - before[code]) / before[code] for code in before}
        if max(change.values()) <= MAX_AREA_CHANGE and is_coverage(simple):
            return simple, tolerance, change
        tolerance /= 2
    return outlines.polygons, 0.0, dict.fromkeys(before, 0.0)


def _area_by_code(polygons: Polygons, codes: IntArray) -> dict[int, float]:
    areas = np.bincount(codes, weights=shapely.area(polygons))
    return {int(code): float(areas[code]) for code in np.unique(codes)}


def _dissolve(polygons: Polygons, codes: IntArray) -> dict[int, MultiPolygon]:
    return {
        int(code): _as_multipolygon(shapely.coverage_union_all(polygons[codes == code]))
        for code in np.unique(codes)
    }


def _as_multipolygon(geometry: shapely.Geometry) -> MultiPolygon:
    return MultiPolygon([part for part in shapely.get_parts(geometry) if part.area > 0])
