"""Zone polygons without gaps and overlaps, from the stair-stepped outlines of a class raster."""

from dataclasses import dataclass

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from shanhai.errors import InvalidInput
from shanhai.science.arrays import IntArray
from shanhai.science.zoning.coverage import is_coverage
from shanhai.science.zoning.outlines import Geometries, Outlines

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
