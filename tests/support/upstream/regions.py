"""Two regions of the country: one at the coast in two UTM zones, one inland of 80 000 km²."""

import json
from pathlib import Path
from typing import Any

from tests.support.upstream.landscape import Box

COASTAL: Box = (119.7, 26.9, 120.3, 27.4)
INLAND: Box = (104.0, 29.2, 107.2, 31.6)
MARGIN = 0.35
"""Degrees around a region in which files hold data."""

DATA = tuple(
    (west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN)
    for west, south, east, north in (COASTAL, INLAND)
)


def outlines(name: str) -> dict[str, Any]:
    """The FeatureCollection of `coastal` or `inland`: the city and its districts."""
    if name == "coastal":
        return _collection("minhai", "闽海", "Minhai", 4549, COASTAL, columns=2)
    return _collection("bashan", "巴山", "Bashan", 4544, INLAND, columns=4)


def write_outlines(name: str, folder: Path) -> Path:
    """The same as a GeoJSON file in a folder."""
    path = folder / f"{name}.geojson"
    path.write_text(json.dumps(outlines(name), ensure_ascii=False, indent=1), encoding="utf-8")
    return path


def _collection(
    code: str, name_zh: str, name_en: str, metric_epsg: int, box: Box, columns: int
) -> dict[str, Any]:
    west, south, east, north = box
    step = (east - west) / columns
    city = {"code": code, "name_zh": name_zh, "name_en": name_en, "level": "city"}
    features = [_feature(city | {"metric_epsg": metric_epsg}, box)]
    for column in range(columns):
        district = {
            "code": f"{code}.d{column + 1}",
            "name_zh": f"{name_zh}{'一二三四'[column]}区",
            "name_en": f"{name_en} {column + 1}",
            "level": "district",
            "parent": code,
        }
        strip = (west + column * step, south, west + (column + 1) * step, north)
        features.append(_feature(district, strip))
    return {"type": "FeatureCollection", "features": features}


def _feature(properties: dict[str, Any], box: Box) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": polygon(box)}


def polygon(box: Box) -> dict[str, Any]:
    """The box as a GeoJSON geometry."""
    west, south, east, north = (round(degrees, 9) for degrees in box)
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}
