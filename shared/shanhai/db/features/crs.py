"""The coordinate reference systems of features, swapped coordinates, and equal geometries.

A client sees the axis order the authority gives a system: latitude first in EPSG:4490 and 4326,
northing first in the CGCS2000 Gauss-Krüger systems. Storage is longitude first, always.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from shanhai.db.base import STORAGE_SRID
from shanhai.vocabulary import Label

EPSG_URI = "http://www.opengis.net/def/crs/EPSG/0"
DEGREE_DIGITS = 7
METRE_DIGITS = 3
WGS84 = 4326
WEB_MERCATOR = 3857
GAUSS_KRUGER = (*range(4513, 4534), *range(4534, 4555))
"""CGCS2000 in 3-degree zones: with the zone's number before the easting, then without."""
WORLD_HALF_M = 20_037_508.342789244
STEPS_ON_AN_EDGE = 16
RETURN_TOLERANCE_M = 1.0

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Crs:
    """A coordinate reference system clients can name.

    Attributes:
        srid: The number PostGIS knows it by.
        flipped: Clients write and read the coordinate that points north first.
        geographic: Its unit is the degree.
    """

    uri: str
    srid: int
    flipped: bool
    geographic: bool

    @property
    def as_stored(self) -> bool:
        """Whether its coordinates are the stored ones, but for their order.

        CGCS2000 and WGS 84 differ by less than either is measured to: the same numbers in both.
        """
        return self.geographic


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", STORAGE_SRID, False, True)
CRS84_NAMES = (CRS84.uri, "[OGC:CRS84]")


@lru_cache(maxsize=1)
def known_systems() -> Mapping[str, Crs]:
    """The systems by all their names: URIs and safe CURIEs."""
    numbers = (STORAGE_SRID, WGS84, WEB_MERCATOR, *GAUSS_KRUGER)
    systems = {number: _described(number) for number in numbers}
    return (
        dict.fromkeys(CRS84_NAMES, CRS84)
        | {item.uri: item for item in systems.values()}
        | {f"[EPSG:{number}]": item for number, item in systems.items()}
    )


def _described(epsg: int) -> Crs:
    described = CRS.from_epsg(epsg)
    first = described.axis_info[0].direction
    return Crs(f"{EPSG_URI}/{epsg}", epsg, first == "north", described.is_geographic)


def crs_uris() -> list[str]:
    """The URIs of all systems, the default one first."""
    return list(dict.fromkeys(item.uri for item in known_systems().values()))


@lru_cache(maxsize=16)
def published_uris(numbers: tuple[int, ...]) -> tuple[str, ...]:
    """The URIs of systems given by EPSG number, after the default one; all where none is given.

    Raises:
        ValueError: a system is not known here.
    """
    if not numbers:
        return tuple(crs_uris())
    return (CRS84.uri, *(parse_crs(f"{EPSG_URI}/{number}").uri for number in numbers))


def storage_crs() -> Crs:
    """The system geometries are kept in."""
    return known_systems()[f"{EPSG_URI}/{STORAGE_SRID}"]


def parse_crs(text: str) -> Crs:
    """The system a URI or safe CURIE names.

    Raises:
        ValueError: none that is served.
    """
    found = known_systems().get(text)
    if found is None:
        raise ValueError(
            f"must be {CRS84.uri} or {EPSG_URI}/ with 4490, 4326, 3857 or 4513 to 4554,"
            f" not {text[:80]!r} / 必须是 CRS84，或 EPSG 4490、4326、3857、4513 至 4554 之一"
        )
    return found


def geometry_in(geometry: str, crs: Crs) -> str:
    """SQL of a stored geometry in a system, in the order of its axes."""
    if not crs.as_stored:
        # From 4326, whose numbers are those of storage: PROJ has no exact way from 4490 to 3857.
        source = f"ST_SetSRID({geometry}, {WGS84})" if crs.srid == WEB_MERCATOR else geometry
        geometry = f"ST_Transform({source}, {crs.srid})"
    return f"ST_FlipCoordinates({geometry})" if crs.flipped else geometry


def digits_of(crs: Crs) -> int:
    """Decimal places that tell a centimetre in degrees, a millimetre in metres."""
    return DEGREE_DIGITS if crs.geographic else METRE_DIGITS


def to_storage(crs: Crs, coordinates: Numbers) -> Numbers:
    """Rows of two coordinates as clients write them, as longitude and latitude.

    Raises:
        ValueError: some lie where the system is not defined.
    """
    ordered = coordinates[:, ::-1] if crs.flipped else coordinates
    if crs.as_stored:
        return np.ascontiguousarray(ordered)
    if not np.isfinite(ordered).all():
        raise ValueError("coordinates must be finite / 坐标必须是有限的数")
    there, back = _ways(crs.srid)
    found = np.column_stack(there.transform(ordered[:, 0], ordered[:, 1]))
    again = np.column_stack(back.transform(found[:, 0], found[:, 1]))
    # Beyond its domain a projection answers with infinity, or with a place that is not meant.
    if not np.allclose(again, ordered, rtol=0, atol=RETURN_TOLERANCE_M):
        raise ValueError(
            f"coordinates do not lie where {crs.uri} is defined / 坐标不在 {crs.uri} 的定义范围内"
        )
    return found


@lru_cache(maxsize=64)
def _ways(srid: int) -> tuple[Transformer, Transformer]:
    """From a projected system to longitude and latitude, and back."""
    degrees = WGS84 if srid == WEB_MERCATOR else STORAGE_SRID
    return (
        Transformer.from_crs(srid, degrees, always_xy=True),
        Transformer.from_crs(degrees, srid, always_xy=True),
    )


def edges_of(crs: Crs, low: tuple[float, float], high: tuple[float, float]) -> Numbers:
    """A box between two corners in a projected system, as a closed ring in degrees.

    Its edges are bent on the sphere, so each is followed in steps.

    Raises:
        ValueError: it does not lie where the system is defined.
    """
    steps = np.linspace(0.0, 1.0, STEPS_ON_AN_EDGE, endpoint=False)
    first = np.concatenate([steps, np.ones_like(steps), 1 - steps, np.zeros_like(steps), [0.0]])
    second = np.concatenate([np.zeros_like(steps), steps, np.ones_like(steps), 1 - steps, [0.0]])
    corner, size = np.array(low), np.array(high) - np.array(low)
    return to_storage(crs, corner + np.column_stack([first, second]) * size)


def mercator_degrees(x: float, y: float) -> tuple[float, float]:
    """A place of EPSG:3857 in degrees; what lies beyond the map is taken as its edge."""
    inside = min(max(x, -WORLD_HALF_M), WORLD_HALF_M), min(max(y, -1e9), 1e9)
    lon, lat = _ways(WEB_MERCATOR)[0].transform(*inside)
    return float(lon), float(lat)


NO_METRES = Label(
    "不是以米为单位的投影坐标系的 EPSG 编号（如 4548）",
    "is not the EPSG number of a projected system in metres, such as 4548",
)


@lru_cache(maxsize=256)
def is_metric(epsg: int) -> bool:
    """Whether there is such a system, and lengths and areas can be measured in it."""
    try:
        crs = CRS.from_epsg(epsg)
    except CRSError:
        return False
    axes = crs.axis_info[:2]
    return crs.is_projected and all(axis.unit_conversion_factor == 1 for axis in axes)


CHINA = (73.0, 3.0, 136.0, 54.0)
"""West, south, east, north; only to tell whether swapped coordinates would make more sense."""


def positions_in_storage(given: Numbers, crs: Crs) -> Numbers:
    """Positions as clients write them in a system, as longitude and latitude."""
    return to_storage(crs, given)


SWAPPED = Label("坐标顺序似乎颠倒", "the coordinates seem to be swapped")
ON_EARTH = Label(
    "经度须在 ±180 之内，纬度须在 ±90 之内",
    "longitude must lie within ±180, latitude within ±90",
)


def crossing(shape: Any) -> Label | None:
    """Why edges cannot be meant: one leads from one side of the antimeridian to the other.

    Edges of 360° are whole parallels, as of the outline of the world.
    """
    west, _, east, _ = shapely.bounds(shape)
    if not east - west > 180:
        return None
    parts = shapely.get_parts(shape)
    for line in shapely.get_rings(parts) if shapely.get_dimensions(shape) == 2 else parts:
        longitudes = shapely.get_coordinates(line)[:, 0]
        steps = np.abs(np.diff(longitudes))
        for first in np.flatnonzero((steps > 180) & (steps < 360)):
            edge = f"{longitudes[first]:.10g} → {longitudes[first + 1]:.10g}"
            return Label(
                f"边 {edge} 跨 {steps[first]:.10g} 度经度；跨 180° 经线的图形须在该经线处断开",
                f"the edge {edge} is {steps[first]:.10g}° of longitude wide; what crosses the"
                " antimeridian must be cut there",
            )
    return None


def box_fault(west: float, south: float, east: float, north: float) -> Label | None:
    """Why four numbers are no box in degrees."""
    if -180 <= west < east <= 180 and -90 <= south < north <= 90:
        return None
    told = f"{west:g}, {south:g}, {east:g}, {north:g}"
    return Label(
        f"bbox 为 {told}；应为西、南、东、北（度），西小于东、南小于北，且在 ±180 与 ±90 之内",
        f"bbox is {told}; it must be west, south, east, north in degrees, each first less than its"
        " second, within -180 to 180 and -90 to 90",
    )


def misplacement(given: Numbers, crs: Crs) -> Label | None:
    """Why the positions cannot be meant; None when they lie in a plausible place.

    Positions that would lie in China if they were swapped, and do not as they are, are swapped.
    """
    stored = _stored(given, crs)
    if stored is not None and _on_earth(stored) and (_in_china(stored) or not _swaps(given, crs)):
        return None
    first, order = _first_outside(given, stored), _order_of(crs)
    where = f"({first[0]:.10g}, {first[1]:.10g})"
    rule = SWAPPED if _swaps(given, crs) else ON_EARTH
    en = f"{where} is not a place when read {order.en}, as {crs.uri} has it"
    zh = f"{where} 按 {crs.uri} 的坐标顺序（{order.zh}）不是合理的位置"
    return Label(f"{zh}；{rule.zh}", f"{en}; {rule.en}")


def _stored(given: Numbers, crs: Crs) -> Numbers | None:
    """The positions in degrees; None where the system does not reach."""
    try:
        return to_storage(crs, given)
    except ValueError:
        return None


def _swaps(given: Numbers, crs: Crs) -> bool:
    swapped = _stored(given[:, ::-1], crs)
    return swapped is not None and _in_china(swapped)


def _on_earth(stored: Numbers) -> bool:
    return not _outside(stored).any()


def _outside(stored: Numbers) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    outside: np.ndarray[tuple[int], np.dtype[np.bool_]] = (np.abs(stored[:, 0]) > 180) | (
        np.abs(stored[:, 1]) > 90
    )
    return outside


def _in_china(stored: Numbers) -> bool:
    west, south, east, north = CHINA
    low, high = stored.min(axis=0), stored.max(axis=0)
    return bool(west <= low[0] and south <= low[1] and high[0] <= east and high[1] <= north)


def _first_outside(given: Numbers, stored: Numbers | None) -> tuple[float, float]:
    number = 0 if stored is None else int(np.argmax(_outside(stored)))
    return float(given[number, 0]), float(given[number, 1])


def _order_of(crs: Crs) -> Label:
    if crs.flipped:
        return Label("先北后东", "north first")
    return Label("先东后北", "east first")


Shapes = NDArray[np.object_]
_Positions = NDArray[np.float64]
SAME_DIGITS = 7
"""Positions are shown with so many digits; what is sent back with them has not moved."""
TOLERANCE = 0.51 * 10.0**-SAME_DIGITS
"""What rounding to the digits shown moves a position, and a little for the arithmetic."""
AREAL = (3, 6)
"""Numbers of the types that are areas."""


def same_shapes(first: Sequence[bytes | None], second: Sequence[bytes | None]) -> NDArray[np.bool_]:
    """Which pairs of geometries, as WKB, differ in nothing that a format may change."""
    mine, other = (shapely.from_wkb(np.array(one, dtype=object)) for one in (first, second))
    found: NDArray[np.bool_] = shapely.is_missing(mine) & shapely.is_missing(other)
    # Most are told apart, or found the same, many at once.
    found |= shapely.equals_exact(_normal(mine), _normal(other), TOLERANCE)
    dimensions = np.equal(shapely.get_dimensions(mine), shapely.get_dimensions(other))
    counts = np.equal(shapely.get_num_coordinates(mine), shapely.get_num_coordinates(other))
    open_still = ~found & dimensions & counts & ~shapely.is_missing(mine)
    for index in np.flatnonzero(open_still):
        found[index] = _same(mine[index], other[index])
    return found


def _normal(shapes: Shapes) -> Shapes:
    """Areas in one order; lines keep their direction, which says something."""
    kept = shapes.copy()
    areal = np.isin(shapely.get_type_id(shapes), AREAL)
    kept[areal] = shapely.normalize(shapes[areal])
    return kept


def _same(first: Any, second: Any) -> bool:
    """Part by part: one part alone is the same as a collection of it."""
    mine, other = _parts(first), _parts(second)
    if len(mine) != len(other):
        return False
    alike = _turned if shapely.get_type_id(first) in AREAL else _near
    return all(
        len(one) == len(two) and all(map(alike, one, two))
        for one, two in zip(mine, other, strict=True)
    )


def _parts(shape: Any) -> list[list[_Positions]]:
    """The parts as lists of chains of positions; areas and their holes by where they lie."""
    if shapely.get_type_id(shape) not in AREAL:
        return [[shapely.get_coordinates(part)] for part in shapely.get_parts(shape)]
    parts = []
    for part in shapely.get_parts(shape):
        holes = sorted(map(_ring, part.interiors), key=_place)
        parts.append([_ring(part.exterior), *holes])
    return sorted(parts, key=lambda rings: _place(rings[0]))


def _ring(ring: Any) -> _Positions:
    """The positions of a ring counter-clockwise, each once."""
    points: _Positions = shapely.get_coordinates(ring)[:-1]
    return points if ring.is_ccw else points[::-1]


def _place(ring: _Positions) -> tuple[float, ...]:
    """Where a ring lies; coarse, so that what rounding does to it changes no order."""
    box = np.concatenate([ring.min(axis=0), ring.max(axis=0)])
    return tuple(np.round(box, SAME_DIGITS - 2))


def _turned(first: _Positions, second: _Positions) -> bool:
    """Whether two rings are one, wherever each begins."""
    if first.shape != second.shape:
        return False
    starts = np.flatnonzero((np.abs(second - first[0]) <= TOLERANCE).all(axis=1))
    return any(_near(first, np.roll(second, -start, axis=0)) for start in starts)


def _near(first: _Positions, second: _Positions) -> bool:
    return first.shape == second.shape and bool((np.abs(first - second) <= TOLERANCE).all())
