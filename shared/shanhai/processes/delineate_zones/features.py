"""The zones as polygons: a valid coverage, in longitude and latitude, as GeoJSON."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.processes.kit.geometry import to_lon_lat
from shanhai.science.arrays import ClassArray
from shanhai.science.grid import Grid
from shanhai.science.zoning.outlines import trace_outlines
from shanhai.science.zoning.polygons import ZoneCoverage, clean_coverage
from shanhai.vocabulary import ZONE_CLASSES

_CLASSES = {zone.value: zone for zone in ZONE_CLASSES}


@dataclass(frozen=True, slots=True)
class ZoneGeometry:
    """Zones and patches in longitude and latitude.

    Attributes:
        coverage: The same in the CRS of the grid.
        zones: One valid multipolygon per zone code.
        patches: Zone code and polygon of every single part.
    """

    coverage: ZoneCoverage
    zones: dict[int, BaseGeometry]
    patches: list[tuple[int, BaseGeometry]]


def draw_zones(codes: ClassArray, grid: Grid) -> ZoneGeometry:
    """Outline, simplify and project the class raster."""
    coverage = clean_coverage(trace_outlines(codes, grid))
    return ZoneGeometry(
        coverage=coverage,
        zones={code: to_lon_lat(zone, grid) for code, zone in sorted(coverage.zones.items())},
        patches=[(patch.code, to_lon_lat(patch.polygon, grid)) for patch in coverage.patches],
    )


def write_zones(path: Path, geometry: ZoneGeometry, scheme: str) -> None:
    """One feature per zone; its id is the zone's code."""
    features = [
        _feature(zone, code, f"{scheme}.{_CLASSES[code].code}")
        for code, zone in geometry.zones.items()
    ]
    _write_collection(path, features)


def write_patches(path: Path, geometry: ZoneGeometry, scheme: str) -> None:
    """One feature per connected piece of a zone, numbered within the zone."""
    seen: dict[int, int] = {}
    features = []
    for code, polygon in geometry.patches:
        seen[code] = seen.get(code, 0) + 1
        features.append(_feature(polygon, code, f"{scheme}.{_CLASSES[code].code}.{seen[code]}"))
    _write_collection(path, features)


def _feature(geometry: BaseGeometry, code: int, identifier: str) -> dict[str, Any]:
    zone = _CLASSES[code]
    return {
        "type": "Feature",
        "id": identifier,
        "geometry": mapping(geometry),
        "properties": {
            "class": zone.code,
            "class_value": zone.value,
            "name_zh": zone.label.zh,
            "name_en": zone.label.en,
            "color": zone.color,
        },
    }


def _write_collection(path: Path, features: list[dict[str, Any]]) -> None:
    path.write_bytes(orjson.dumps({"type": "FeatureCollection", "features": features}))
