"""Whether two geometries are one: rings may begin elsewhere, run the other way, come in any order.

Formats differ in all of that, and positions are shown with seven digits: none of it is an edit.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

Shapes = NDArray[np.object_]
Numbers = NDArray[np.float64]
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


def _parts(shape: Any) -> list[list[Numbers]]:
    """The parts as lists of chains of positions; areas and their holes by where they lie."""
    if shapely.get_type_id(shape) not in AREAL:
        return [[shapely.get_coordinates(part)] for part in shapely.get_parts(shape)]
    parts = []
    for part in shapely.get_parts(shape):
        holes = sorted(map(_ring, part.interiors), key=_place)
        parts.append([_ring(part.exterior), *holes])
    return sorted(parts, key=lambda rings: _place(rings[0]))


def _ring(ring: Any) -> Numbers:
    """The positions of a ring counter-clockwise, each once."""
    points: Numbers = shapely.get_coordinates(ring)[:-1]
    return points if ring.is_ccw else points[::-1]


def _place(ring: Numbers) -> tuple[float, ...]:
    """Where a ring lies; coarse, so that what rounding does to it changes no order."""
    box = np.concatenate([ring.min(axis=0), ring.max(axis=0)])
    return tuple(np.round(box, SAME_DIGITS - 2))


def _turned(first: Numbers, second: Numbers) -> bool:
    """Whether two rings are one, wherever each begins."""
    if first.shape != second.shape:
        return False
    starts = np.flatnonzero((np.abs(second - first[0]) <= TOLERANCE).all(axis=1))
    return any(_near(first, np.roll(second, -start, axis=0)) for start in starts)


def _near(first: Numbers, second: Numbers) -> bool:
    return first.shape == second.shape and bool((np.abs(first - second) <= TOLERANCE).all())
