"""How much of a geometry lies in each of many areas; geodesic sizes; no database here."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from shanhai.db.compliance.result import GeodesicSize
from shanhai.science.geodesy import INVERSE_FLATTENING, SEMI_MAJOR_M, ring_areas
from shanhai.science.grid import BoolArray, FloatArray

Shapes = NDArray[Any]
"""Geometries, one-dimensional; none is None."""
ELLIPSOID = Geod(a=SEMI_MAJOR_M, rf=INVERSE_FLATTENING)


def areas_of(shapes: Shapes) -> FloatArray:
    """The area of each shape's polygons, m²; 0 where it has none."""
    polygons, of_shape = _parts(shapes, dimension=2)
    rings, of_polygon = shapely.get_rings(polygons, return_index=True)
    coordinates, of_ring = shapely.get_coordinates(rings, return_index=True)
    areas = ring_areas(coordinates, of_ring, len(rings))
    for number in np.flatnonzero(np.isnan(areas)):
        first, end = np.searchsorted(of_ring, (number, number + 1))
        places = coordinates[first:end]
        areas[number] = abs(ELLIPSOID.polygon_area_perimeter(places[:, 0], places[:, 1])[0])
    # The first ring of a polygon bounds it; what the others enclose is missing.
    outer = np.diff(of_polygon, prepend=-1) != 0
    signed = np.where(outer, areas, -areas)
    return np.bincount(of_shape[of_polygon], signed, minlength=len(shapes)).astype(np.float64)


def lengths_of(shapes: Shapes) -> FloatArray:
    """The length of each shape's lines, m; 0 where it has none."""
    lines, of_shape = _parts(shapes, dimension=1)
    places, of_line = shapely.get_coordinates(lines, return_index=True)
    same = of_line[1:] == of_line[:-1]
    ends = places[:-1][same], places[1:][same]
    owner = of_shape[of_line[1:][same]]
    *_, metres = ELLIPSOID.inv(*ends[0].T, *ends[1].T)
    return np.bincount(owner, metres, minlength=len(shapes)).astype(np.float64)


def _parts(shapes: Shapes, *, dimension: int) -> tuple[Shapes, NDArray[np.intp]]:
    """The simple parts of a dimension, and the number of the shape each is of."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    # What is left of collections inside collections.
    parts, inner = shapely.get_parts(parts, return_index=True)
    kept = shapely.get_dimensions(parts) == dimension
    return parts[kept], owner[inner][kept]


LEAST_M2 = LEAST_M = 0.01
"""Smaller overlaps are how two drawings of one border differ in the last digits."""
MARGIN = 1e-3
"""Degrees beyond the geometry's box up to which areas are kept before they are united."""


@dataclass(frozen=True)
class Given:
    """The geometry that is checked, in stored coordinates."""

    wkb: bytes

    @cached_property
    def shape(self) -> BaseGeometry:
        """The geometry, prepared to be compared with many."""
        shape = shapely.from_wkb(self.wkb)
        shapely.prepare(shape)
        return shape

    @cached_property
    def measure(self) -> GeodesicSize:
        """Its size."""
        return _measures(np.array([self.shape]), np.array([self.dimension]))[0]

    @property
    def dimension(self) -> int:
        """How many dimensions it has."""
        return int(shapely.get_dimensions(self.shape))

    @property
    def vertices(self) -> int:
        """How many positions it has."""
        return int(shapely.get_num_coordinates(self.shape))

    @cached_property
    def longest(self) -> float:
        """Degrees of its longest segment."""
        return longest_segment(self.shape)


@dataclass(frozen=True, slots=True)
class CandidateArea:
    """An area that may lie where the geometry does; its sizes as far as they are known."""

    wkb: bytes
    group: str
    area_m2: float | None = None
    length_m: float | None = None


@dataclass(frozen=True, slots=True)
class Intersection:
    """What of the geometry lies in one candidate, and in all of its group and dimension.

    Attributes:
        place: The number of the candidate.
        size: Dimensions of what was cut out.
        part: What was cut out, in stored coordinates.
        together: What all of the group and dimension cover, overlaps counted once.
    """

    place: int
    size: int
    part: BaseGeometry
    measure: GeodesicSize
    together: GeodesicSize


def cut(given: Given, candidates: Sequence[CandidateArea]) -> list[Intersection]:
    """Cut a geometry along areas.

    Args:
        candidates: Those of one group one after another.

    Returns:
        The candidates that are not only touched: by group, what has most dimensions first.
    """
    overlaps = _overlaps(given, candidates)
    found: list[Intersection] = []
    groups = groupby(overlaps, key=lambda one: candidates[one.place].group)
    for _, group in groups:
        ordered = sorted(group, key=lambda one: -one.size)
        for _, alike in groupby(ordered, key=lambda one: one.size):
            found.extend(_add_up(given, list(alike)))
    return found


DETAIL = 2_000
"""A drawing leaves out what is smaller than one such part of the geometry's box."""


def drawing_of(given: Given, parts: Sequence[BaseGeometry]) -> dict[str, Any]:
    """Parts of a geometry together as GeoJSON, simplified to be drawn beside it, not measured."""
    west, south, east, north = given.shape.bounds
    united = shapely.union_all(np.array(parts, dtype=object))
    simple = shapely.simplify(united, max(east - west, north - south) / DETAIL)
    found: dict[str, Any] = json.loads(shapely.to_geojson(simple))
    return found


def part_left(given: Given, parts: Sequence[BaseGeometry]) -> float:
    """The share of a geometry that no part of it takes; of points by their number."""
    if not parts:
        return 1.0
    left = shapely.difference(given.shape, shapely.union_all(np.array(parts, dtype=object)))
    if given.dimension == 0:
        return float(shapely.get_num_geometries(left) if not left.is_empty else 0) / float(
            shapely.get_num_geometries(given.shape)
        )
    (size,) = _measures(np.array([left]), np.array([given.dimension]))
    return size.share_of(given.measure) or 0.0


@dataclass(frozen=True, slots=True)
class _Overlap:
    place: int
    size: int
    measure: GeodesicSize
    shape: BaseGeometry
    part: BaseGeometry
    around: bool


def _overlaps(given: Given, candidates: Sequence[CandidateArea]) -> list[_Overlap]:
    """What is left of each candidate, but for those that only touch."""
    shapes: Shapes = shapely.from_wkb(np.array([one.wkb for one in candidates], dtype=object))
    places = np.flatnonzero(_met(given, shapes))
    shapes = shapes[places]
    shapely.prepare(shapes)
    around: BoolArray = shapely.covers(shapes, given.shape)
    uncut: BoolArray = around | shapely.covers(given.shape, shapes)
    parts = shapes.copy()
    parts[around] = given.shape
    parts[~uncut] = [shared(shape, given) for shape in shapes[~uncut]]
    sizes = np.minimum(shapely.get_dimensions(shapes), given.dimension)
    known = [
        given.measure if whole else _known(candidates[int(place)], int(size), uncut=bool(inside))
        for place, size, whole, inside in zip(places, sizes, around, uncut, strict=True)
    ]
    unknown = np.array([measure is None for measure in known], dtype=bool)
    measured = iter(_measures(parts[unknown], sizes[unknown]))
    columns = zip(places, sizes, known, shapes, parts, around, strict=True)
    overlaps = [
        _Overlap(int(place), int(size), measure or next(measured), shape, part, bool(whole))
        for place, size, measure, shape, part, whole in columns
    ]
    return [one for one in overlaps if one.size == 0 or _counts(one.measure)]


MANY = 500
"""Vertices from which a shape is clipped before it is cut, since most of it lies elsewhere."""


def shared(shape: BaseGeometry, given: Given) -> BaseGeometry:
    """What an area and the geometry share, found of what of either lies near the other."""
    near, other = shape, given.shape
    if given.vertices >= MANY:
        other = clip(other, shape, given.longest)
    if shapely.get_num_coordinates(shape) >= MANY:
        near = clip(shape, given.shape, longest_segment(shape))
    found: BaseGeometry = shapely.intersection(near, other)
    return found


def longest_segment(shape: BaseGeometry) -> float:
    """Degrees of the longest segment of an area; 0 where there is none."""
    rings = shapely.get_rings(shapely.get_parts(shape))
    places, ring = shapely.get_coordinates(rings, return_index=True)
    steps = np.diff(places, axis=0)[ring[1:] == ring[:-1]]
    return float(np.hypot(*steps.T).max(initial=0.0))


def clip(shape: BaseGeometry, other: BaseGeometry, margin: float) -> BaseGeometry:
    """An area without what lies further than a margin from the box of another; all else as it is.

    By the length of the longest segment as margin no segment is shortened that meets the other, so
    that what both share stays the same to the last digit.
    """
    if shapely.get_dimensions(shape) != 2:
        return shape
    west, south, east, north = other.bounds
    near = shapely.clip_by_rect(shape, west - margin, south - margin, east + margin, north + margin)
    # A clip is not sure to be valid.
    return near if shapely.get_dimensions(near) == 2 and shapely.is_valid(near) else shape


def _met(given: Given, shapes: Shapes) -> BoolArray:
    met: BoolArray = shapely.intersects(given.shape, shapes)
    if given.dimension < 2:
        met &= ~((shapely.get_dimensions(shapes) == 2) & shapely.touches(given.shape, shapes))
    return met


def _known(candidate: CandidateArea, size: int, *, uncut: bool) -> GeodesicSize | None:
    """The size of a candidate as it was kept, where it is whole."""
    kept = candidate.area_m2 if size == 2 else candidate.length_m
    if not uncut or kept is None:
        return None
    return GeodesicSize(area_m2=kept) if size == 2 else GeodesicSize(length_m=kept)


def _counts(measure: GeodesicSize) -> bool:
    return (measure.area_m2 or 0) >= LEAST_M2 or (measure.length_m or 0) >= LEAST_M


def _measures(shapes: Shapes, sizes: NDArray[Any]) -> list[GeodesicSize]:
    """The sizes of shapes: areas, or lengths, or nothing, as their dimensions say."""
    areas: FloatArray = areas_of(shapes)
    lengths: FloatArray = lengths_of(shapes)
    return [
        GeodesicSize(float(area) if size == 2 else None, float(length) if size == 1 else None)
        for area, length, size in zip(areas, lengths, sizes, strict=True)
    ]


def _add_up(given: Given, overlaps: Sequence[_Overlap]) -> list[Intersection]:
    together = _together(given, overlaps)
    return [Intersection(one.place, one.size, one.part, one.measure, together) for one in overlaps]


def _together(given: Given, overlaps: Sequence[_Overlap]) -> GeodesicSize:
    """What several parts of the same dimension cover, overlaps counted once."""
    size = overlaps[0].size
    if size == 0 or len(overlaps) == 1:
        return overlaps[0].measure
    if any(one.around for one in overlaps):
        return given.measure
    beside = _beside([one.part for one in overlaps])
    measures = [one.measure for one, met in zip(overlaps, beside, strict=True) if not met]
    if beside.any():
        united = _unite(given, [one for one, met in zip(overlaps, beside, strict=True) if met])
        measures.extend(_measures(np.array([united]), np.array([size])))
    if size == 2:
        return GeodesicSize(area_m2=sum(one.area_m2 or 0 for one in measures))
    return GeodesicSize(length_m=sum(one.length_m or 0 for one in measures))


def _beside(parts: Sequence[BaseGeometry]) -> BoolArray:
    """Which of some parts have a box that meets another's."""
    one, other = shapely.STRtree(parts).query(np.array(parts, dtype=object))
    beside = np.zeros(len(parts), dtype=bool)
    beside[one[one != other]] = True
    return beside


def _unite(given: Given, overlaps: Sequence[_Overlap]) -> BaseGeometry:
    """What several areas cover of the geometry.

    Lines are cut last: cut area by area, they are left in pieces that differ in the last digits
    where areas overlap, and would count twice. So is what has more vertices than the areas, each of
    which would else be united as often as areas meet there.
    """
    parts = np.array([one.part for one in overlaps])
    shapes = np.array([one.shape for one in overlaps])
    united: BaseGeometry
    few = shapely.get_num_coordinates(parts).sum() <= shapely.get_num_coordinates(shapes).sum()
    if few and overlaps[0].size == 2:
        united = shapely.union_all(parts)
        return united
    west, south, east, north = given.shape.bounds
    frame = shapely.box(west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    near = shapely.union_all(shapely.intersection(shapes, frame))
    united = shapely.intersection(near, given.shape)
    return united
