"""Make shapes simpler for low zooms; edges that neighbours share stay shared."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from shanhai.db.tiles.shapes import BANDS, LABEL, Band

Geometries = NDArray[Any]
AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


class Shape(NamedTuple):
    """A shape of an object for a band of zooms, as well-known binary."""

    id: int
    band: int
    size: float
    wkb: bytes


def simpler_shapes(
    numbers: Sequence[int], geometries: Geometries, covers: Sequence[object]
) -> list[Shape]:
    """The shapes of objects in every band in which they are a pixel wide, and where names go.

    Args:
        numbers: The numbers of the objects.
        geometries: Their exact shapes in degrees.
        covers: What is the same for those that lie side by side; None for those by themselves.
    """
    ids = np.asarray(numbers, dtype=np.int64)
    found = list(_labels(ids, geometries))
    for cover in dict.fromkeys(covers):
        of_cover = np.array([one == cover for one in covers])
        exact = geometries[of_cover]
        sizes = sizes_of(exact)
        for band in BANDS:
            seen = sizes >= band.pixel
            # Most objects of a large layer are in few bands; what none is in is not worked out.
            if seen.any():
                simpler = _simplify(exact, band, together=cover is not None)
                found += _visible(ids[of_cover][seen], sizes[seen], simpler[seen], band)
    return found


def sizes_of(geometries: Geometries) -> NDArray[np.float64]:
    """The diagonal of each box in degrees; infinite for points, which have no size to be seen."""
    west, south, east, north = shapely.bounds(geometries).T
    sizes = np.hypot(east - west, north - south)
    return np.where(shapely.get_dimensions(geometries) == 0, np.inf, sizes)


def _simplify(geometries: Geometries, band: Band, *, together: bool) -> Geometries:
    """Areas of a cover are made simpler edge by edge, all else one by one."""
    simpler = geometries.copy()
    covering = np.isin(shapely.get_type_id(geometries), AREAS) & together
    if covering.any():
        simpler[covering] = shapely.coverage_simplify(geometries[covering], band.tolerance)
    alone = ~covering
    simpler[alone] = shapely.simplify(geometries[alone], band.tolerance, preserve_topology=True)
    return simpler


def _visible(
    ids: NDArray[np.int64], sizes: NDArray[np.float64], shapes: Geometries, band: Band
) -> Iterator[Shape]:
    """Those a pixel wide, without the parts that are not."""
    several = shapely.get_num_geometries(shapes) > 1
    shapes[several] = [_without_specks(shape, band) for shape in shapes[several]]
    for number, size, wkb in zip(ids, sizes, shapely.to_wkb(shapes), strict=True):
        yield Shape(int(number), band.deepest, float(size), wkb)


def _without_specks(geometry: shapely.Geometry, band: Band) -> shapely.Geometry:
    """The parts of an area that are a pixel wide, or the largest if none is."""
    if not isinstance(geometry, shapely.MultiPolygon):
        return geometry
    parts = shapely.get_parts(geometry)
    sizes = sizes_of(parts)
    return shapely.MultiPolygon(list(parts[sizes >= min(band.pixel, sizes.max())]))


def _labels(ids: NDArray[np.int64], geometries: Geometries) -> Iterator[Shape]:
    points = shapely.to_wkb(shapely.point_on_surface(geometries))
    for number, size, point in zip(ids, sizes_of(geometries), points, strict=True):
        yield Shape(int(number), LABEL, float(size), point)
