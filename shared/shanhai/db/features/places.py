"""What lies at a point, over any entity with geometry."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import cos, radians

from shanhai.db.base import STORAGE_SRID
from shanhai.db.features.entity import Entity

METRES_PER_DEGREE = 111_000.0
"""Of latitude, and of longitude at the equator; somewhat less than the truth, so a box is wide."""


@dataclass(frozen=True, slots=True)
class AtPoint:
    """A filter: areas that hold the point, and lines and points no farther than a distance.

    Attributes:
        lon: Degrees east.
        lat: Degrees north.
        tolerance_m: The distance, on the ellipsoid.
        besides: SQL of one more condition on the row.
    """

    geometry: str
    lon: float
    lat: float
    tolerance_m: float
    properties: frozenset[str] = frozenset()
    besides: str = "true"

    @classmethod
    def of(cls, entity: Entity, lon: float, lat: float, tolerance_m: float) -> "AtPoint":
        """The filter for an entity that has geometry."""
        return cls(entity.geometry or "NULL::geometry", lon, lat, tolerance_m)

    @property
    def sql(self) -> str:
        """The condition; the box is spelled out so that the spatial index serves it."""
        geometry = self.geometry
        corners = ", ".join(f"CAST(:at_{side} AS float8)" for side in _SIDES)
        point = (
            "ST_SetSRID(ST_MakePoint(CAST(:at_lon AS float8), CAST(:at_lat AS float8)),"
            f" {STORAGE_SRID})"
        )
        return (
            f"{geometry} && ST_MakeEnvelope({corners}, {STORAGE_SRID})"
            f" AND CASE WHEN ST_Dimension({geometry}) = 2 THEN ST_Intersects({geometry}, {point})"
            f" ELSE ST_DWithin({geometry}::geography, {point}::geography,"
            f" CAST(:at_tolerance AS float8)) END AND {self.besides}"
        )

    @property
    def values(self) -> Mapping[str, object]:
        """The values of its binds."""
        north = self.tolerance_m / METRES_PER_DEGREE
        east = north / max(cos(radians(self.lat)), 0.01)
        corners = (self.lon - east, self.lat - north, self.lon + east, self.lat + north)
        sides = {f"at_{side}": value for side, value in zip(_SIDES, corners, strict=True)}
        place = {"at_lon": self.lon, "at_lat": self.lat, "at_tolerance": self.tolerance_m}
        return {**sides, **place}


_SIDES = ("west", "south", "east", "north")
