"""Files of GeoJSON features that processes write and read."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from shanhai.errors import InvalidInput
from shanhai.processes.kit.task import OutputFile
from shanhai.vocabulary import Label

LINKS_FILE, NODES_FILE = "corridor_lines.geojson", "corridor_nodes.geojson"
GEOJSON = "application/geo+json"


def write_features(
    workspace: Path, name: str, path: str, title: Label, features: Iterable[dict[str, Any]]
) -> OutputFile:
    """A collection of GeoJSON features."""
    document = {"type": "FeatureCollection", "features": list(features)}
    (workspace / path).write_bytes(orjson.dumps(document))
    return OutputFile.of(name, path, GEOJSON, title, "features")


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
