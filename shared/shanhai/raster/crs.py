"""Coordinate reference systems, and GCJ-02, the shifted datum of Chinese web maps."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError
from shapely import transform
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, FloatArray

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


_SEMI_MAJOR_M = 6_378_245.0
_ECCENTRICITY_2 = 0.006_693_421_622_965_943
_ORIGIN_LON, _ORIGIN_LAT = 105.0, 35.0

SIMILAR = 0.8
"""Below this intersection over union the outline is not the region's, and nothing can be said."""

BETTER = 0.3
"""Part of the mismatch that the shift must remove to raise the suspicion."""

NAMES = ("gcj", "火星", "mars coordinate")


def _wave(x: FloatArray, y: FloatArray, along: FloatArray) -> FloatArray:
    """Terms that the shifts in longitude and latitude share."""
    short = 20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)
    long = 20 * np.sin(np.pi * along) + 40 * np.sin(np.pi * along / 3)
    return np.asarray((short + long) * 2 / 3)


def shift_to_gcj02(points: FloatArray) -> FloatArray:
    """WGS 84 longitudes and latitudes (two columns) as GCJ-02 shows them; only meant for China."""
    x, y = points[:, 0] - _ORIGIN_LON, points[:, 1] - _ORIGIN_LAT
    root = np.sqrt(np.abs(x))
    east = 300 + x + 2 * y + 0.1 * x**2 + 0.1 * x * y + 0.1 * root + _wave(x, y, x)
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y**2 + 0.1 * x * y + 0.2 * root + _wave(x, y, y)
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    return np.column_stack(_shifted(points, east, north))


def _shifted(
    points: FloatArray, east_m: FloatArray, north_m: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Metres on the datum's own ellipsoid turned to degrees."""
    latitude = np.radians(points[:, 1])
    magic = 1 - _ECCENTRICITY_2 * np.sin(latitude) ** 2
    meridian = _SEMI_MAJOR_M * (1 - _ECCENTRICITY_2) / (magic * np.sqrt(magic))
    parallel = _SEMI_MAJOR_M / np.sqrt(magic) * np.cos(latitude)
    return (
        points[:, 0] + np.degrees(east_m / parallel),
        points[:, 1] + np.degrees(north_m / meridian),
    )


def as_gcj02(geometry: BaseGeometry) -> BaseGeometry:
    """A WGS 84 geometry where GCJ-02 data would show it."""
    moved: BaseGeometry = transform(geometry, shift_to_gcj02)
    return moved


@dataclass(frozen=True, slots=True)
class OutlineMatch:
    """How well the valid cells cover the region, in place and shifted to GCJ-02, 0–1."""

    in_place: float
    shifted: float

    @property
    def suspicious(self) -> bool:
        """Whether the outline is the region's and fits clearly better when shifted."""
        mismatch, after = 1 - self.in_place, 1 - self.shifted
        return self.shifted >= SIMILAR and after < (1 - BETTER) * mismatch


def overlap_share(one: BoolArray, other: BoolArray) -> float:
    """Intersection over union of two masks; 0 when both are empty."""
    union = np.count_nonzero(one | other)
    return float(np.count_nonzero(one & other) / union) if union else 0.0


def names_gcj02(texts: list[str]) -> bool:
    """Whether a tag or system name speaks of GCJ-02."""
    return any(name in text.lower() for text in texts for name in NAMES)
