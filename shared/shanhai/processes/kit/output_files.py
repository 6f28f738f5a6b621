"""Output files with what is told of them: a finished raster, features as GeoJSON."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
from shapely import box, segmentize
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.kit.contract import OutputSpec
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import BandStatistics, CogFrame
from shanhai.raster.crs import LON_LAT, parse_crs, reproject_geometry
from shanhai.raster.geotiff import CLASS_NODATA, FLOAT_NODATA
from shanhai.storage.artifacts import COG_TYPE
from shanhai.vocabulary import Label

_FOOTPRINT_VERTICES = 20


def raster_output(
    name: str,
    path: str,
    title: Label,
    frame: CogFrame,
    statistics: list[BandStatistics],
    unit: str | None,
    **more: Any,
) -> OutputFile:
    """The description of a COG that `write_cog` made from `frame`."""
    meta = {
        "crs": frame.crs if frame.crs.startswith("EPSG:") else parse_crs(frame.crs).name,
        "unit": unit,
        "nodata": float(CLASS_NODATA if frame.categorical else FLOAT_NODATA),
        "grid": {
            "epsg": parse_crs(frame.crs).to_epsg(),
            "transform": list(frame.transform),
            "width": frame.width,
            "height": frame.height,
            "bands": frame.bands,
            "dtype": "uint8" if frame.categorical else "float32",
            "statistics": [one.document() for one in statistics],
        },
        "footprint": mapping(_footprint(frame)),
        **more,
    }
    return OutputFile.of(name, path, COG_TYPE, title, "raster").model_copy(update={"meta": meta})


def _footprint(frame: CogFrame) -> BaseGeometry:
    """The extent in longitude and latitude, its edges densified so that they may bend."""
    a, _, west, _, e, north = frame.transform
    east, south = west + frame.width * a, north + frame.height * e
    side = max(east - west, north - south) / _FOOTPRINT_VERTICES
    outline = segmentize(box(west, south, east, north), side)
    return reproject_geometry(outline, frame.crs, LON_LAT)


LINKS_FILE, NODES_FILE = "corridor_lines.geojson", "corridor_nodes.geojson"


def write_features(
    workspace: Path, output: OutputSpec, path: str, features: Iterable[dict[str, Any]]
) -> OutputFile:
    """A collection of GeoJSON features."""
    document = {"type": "FeatureCollection", "features": list(features)}
    (workspace / path).write_bytes(orjson.dumps(document))
    return output.file(path)


def read_features(path: Path, pointer: str) -> list[dict[str, Any]]:
    """The features of a GeoJSON file, each with properties.

    Raises:
        InvalidInput: it is no GeoJSON.
    """
    try:
        return _features(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, AttributeError) as error:
        raise InvalidInput(
            f"{path.name} is not GeoJSON", message_zh=f"{path.name} 不是 GeoJSON", pointer=pointer
        ) from error


def read_drawn(path: Path, pointer: str) -> list[dict[str, Any]]:
    """What is drawn in a file as inputs have it: the properties are members beside the geometry.

    Properties without a value, as drawing programs write them, are left out.

    Raises:
        InvalidInput: it is no GeoJSON.
    """
    return [
        {
            **{name: value for name, value in one["properties"].items() if value is not None},
            "geometry": one.get("geometry"),
        }
        for one in read_features(path, pointer)
    ]


def _features(document: dict[str, Any]) -> list[dict[str, Any]]:
    kind = document.get("type")
    if kind == "FeatureCollection":
        return [one | {"properties": one.get("properties") or {}} for one in document["features"]]
    if kind == "Feature":
        return [document | {"properties": document.get("properties") or {}}]
    return [{"geometry": document, "properties": {}}]


def names_of(feature: dict[str, Any], fallback: str) -> dict[str, str]:
    """Code and names of a feature: `name` serves both languages, and the code where there is none.

    Args:
        feature: A feature with properties.
        fallback: The code of a feature that has none.
    """
    properties = feature["properties"]
    code = str(properties.get("code") or fallback)
    name = str(properties.get("name") or code)
    return {
        "code": code,
        "name_zh": str(properties.get("name_zh") or name),
        "name_en": str(properties.get("name_en") or name),
    }
