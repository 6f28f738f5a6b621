"""Mending invalid geometry in a process that can be ended: GEOS cannot be interrupted."""

import sys

import shapely
from shapely.geometry.base import BaseGeometry

from shanhai.isolation import enter, run_apart

TIME_S = 20
MEMORY_BYTES = 1024**3
DIMENSIONS = {0: "MultiPoint", 1: "MultiLineString", 2: "MultiPolygon"}


async def mend(geometry: BaseGeometry) -> BaseGeometry | None:
    """A valid geometry of the same dimension; None when there is none, or not in time."""
    try:
        code, wkb = await run_apart(__name__, shapely.to_wkb(geometry), time_s=TIME_S)
    except TimeoutError:
        return None
    return shapely.from_wkb(wkb) if code == 0 and wkb else None


def mended(geometry: BaseGeometry) -> BaseGeometry | None:
    """The geometry made valid, without what has come out in a lower dimension."""
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    dimension = shapely.get_dimensions(geometry)
    parts = [
        part
        for part in _simple_parts(valid)
        if shapely.get_dimensions(part) == dimension and not part.is_empty
    ]
    if not parts:
        return None
    result: BaseGeometry = getattr(shapely, DIMENSIONS[int(dimension)])(parts)
    return result if shapely.is_valid(result) else None


def _simple_parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    parts = shapely.get_parts(geometry)
    if len(parts) == 1 and not hasattr(parts[0], "geoms"):
        return list(parts)
    return [simple for part in parts for simple in _simple_parts(part)]


def main() -> None:
    """Mend the WKB of the standard input onto the standard output."""
    enter(memory_bytes=MEMORY_BYTES, cpu_s=TIME_S)
    result = mended(shapely.from_wkb(sys.stdin.buffer.read()))
    if result is not None:
        sys.stdout.buffer.write(shapely.to_wkb(result))


if __name__ == "__main__":
    main()
