"""Coordinate reference systems: parsed by PROJ, compared, and transformed between."""

from functools import lru_cache

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import transform
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray

LON_LAT = "EPSG:4490"
"""CGCS2000, the system vectors are stored in."""


@lru_cache(maxsize=64)
def parse_crs(text: str) -> CRS:
    """The system an authority code or WKT names.

    Raises:
        InvalidInput: PROJ does not know it.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise InvalidInput(
            f"{text[:80]!r} is no known coordinate reference system",
            message_zh=f"{text[:80]!r} 不是已知的坐标参考系",
        ) from error


@lru_cache(maxsize=64)
def transformer(source: str, target: str) -> Transformer:
    """A transformer between two systems, always in the order easting or longitude first."""
    return Transformer.from_crs(parse_crs(source), parse_crs(target), always_xy=True)


def reproject_geometry(geometry: BaseGeometry, source: str, target: str) -> BaseGeometry:
    """The geometry with every vertex in `target`."""
    change = transformer(source, target)

    def vertices(points: FloatArray) -> FloatArray:
        return np.column_stack(change.transform(points[:, 0], points[:, 1]))

    moved: BaseGeometry = transform(geometry, vertices)
    return moved
