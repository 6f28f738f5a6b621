"""Zone polygons without gaps and overlaps, from the stair-stepped outlines of a class raster."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.zoning.coverage import is_coverage

MAX_AREA_CHANGE = 0.01
"""Largest part of a zone's area that simplification may add or take."""

# The smallest step of a stair spans a triangle of half a cell, √½ cells of tolerance: below one
# half nothing is simplified any more.
_TRIALS = 2

Geometries = NDArray[np.object_]


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


def clean_coverage(
    polygons: Sequence[Polygon], codes: Sequence[int], cell_m: float
) -> ZoneCoverage:
    """Simplify the 4-connected outlines of a class raster together.

    The tolerance starts at one cell and is halved until no zone changes its area by more than
    `MAX_AREA_CHANGE`; the outer border is not simplified.

    Args:
        polygons: Outlines along cell edges, in the projected CRS of the grid.
        codes: Zone code of each outline.
        cell_m: Side of a cell, m.

    Raises:
        InvalidInput: there is no polygon, or polygons overlap.

    Source: GEOS coverage simplifier (Visvalingam and Whyatt 1993).
    """
    if not polygons:
        raise InvalidInput(
            "the class raster holds no zone, so there is nothing to draw",
            message_zh="分类栅格中没有任何分区，无可生成的面",
        )
    outlines, outline_codes = _single_parts(
        _with_cell_corners(np.asarray(polygons, dtype=object), cell_m),
        np.asarray(codes, dtype=np.int64),
    )
    if not is_coverage(outlines):
        raise InvalidInput("the zone outlines overlap or miss each other's corners")
    simple, tolerance, change = _simplify(outlines, outline_codes, cell_m)
    return ZoneCoverage(
        zones=_dissolve(simple, outline_codes),
        patches=tuple(
            ZonePatch(int(code), polygon)
            for code, polygon in zip(outline_codes, simple, strict=True)
        ),
        tolerance_m=tolerance,
        area_change=change,
    )


def _with_cell_corners(polygons: Geometries, cell_m: float) -> Geometries:
    """Give every outline a vertex at each cell corner it passes, exactly on the lattice.

    Raw outlines have no vertex where two others meet on a straight edge (a T-junction), which is
    no valid coverage. The rounding makes the two sides of an edge equal in every bit.
    """
    origin = shapely.get_coordinates(polygons[:1])[0]

    def snap(coordinates: FloatArray) -> FloatArray:
        return np.asarray(np.round((coordinates - origin) / cell_m) * cell_m + origin)

    # A hair above one cell, or noise in the lengths would split whole cells in two.
    dense = shapely.segmentize(polygons, cell_m * (1 + 1e-6))
    return np.asarray(shapely.transform(dense, snap), dtype=object)


def _single_parts(polygons: Geometries, codes: IntArray) -> tuple[Geometries, IntArray]:
    """Valid single polygons; outlines that touch themselves at a corner are taken apart."""
    repaired = np.where(
        shapely.is_valid(polygons),
        polygons,
        shapely.make_valid(polygons, method="structure", keep_collapsed=False),
    )
    parts, index = shapely.get_parts(repaired, return_index=True)
    return parts, codes[index]


def _simplify(
    outlines: Geometries, codes: IntArray, cell_m: float
) -> tuple[Geometries, float, dict[int, float]]:
    """The simplified outlines, the tolerance that was kept and the change of area by zone."""
    before = _area_by_code(outlines, codes)
    tolerance = cell_m
    for _ in range(_TRIALS):
        simple = _without_straight_vertices(
            shapely.coverage_simplify(outlines, tolerance, simplify_boundary=False), cell_m
        )
        after = _area_by_code(simple, codes)
        change = {code: abs(after[code] - before[code]) / before[code] for code in before}
        if max(change.values()) <= MAX_AREA_CHANGE and is_coverage(simple):
            return simple, tolerance, change
        tolerance /= 2
    return _without_straight_vertices(outlines, cell_m), 0.0, dict.fromkeys(before, 0.0)


def _without_straight_vertices(polygons: Geometries, cell_m: float) -> Geometries:
    """Drop the cell corners that no longer mark a turn; where borders meet they stay.

    The tolerance is a thousandth of a cell: enough for float noise, too little to move a line.
    """
    return np.asarray(shapely.coverage_simplify(polygons, cell_m / 1000), dtype=object)


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
