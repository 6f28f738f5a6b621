"""Checks of geometries from outside: swapped coordinates, and whether two geometries are equal."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.db.features.crs import Crs, Numbers, to_storage
from shanhai.vocabulary import Label

CHINA = (73.0, 3.0, 136.0, 54.0)
"""West, south, east, north; only to tell whether swapped coordinates would make more sense."""


def positions_in_storage(given: Numbers, crs: Crs) -> Numbers:
    """Positions as clients write them in a system, as longitude and latitude."""
    return to_storage(crs, given)


def misplacement(given: Numbers, crs: Crs) -> Label | None:
    """Why the positions cannot be meant; None when they lie in a plausible place.

    Positions that would lie in China if they were swapped, and do not as they are, are swapped.
    """
    stored = _stored(given, crs)
    if stored is not None and _on_earth(stored) and (_in_china(stored) or not _swaps(given, crs)):
        return None
    first, order = _first_outside(given, stored), _order_of(crs)
    where = f"({first[0]:.10g}, {first[1]:.10g})"
    hint = _swaps(given, crs)
    en = f"{where} is not a place when read {order.en}, as {crs.uri} has it"
    zh = f"{where} 按 {crs.uri} 的坐标顺序（{order.zh}）不是合理的位置"
    if hint:
        return Label(f"{zh}；坐标顺序似乎颠倒", f"{en}; the coordinates seem to be swapped")
    return Label(zh, en)


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
