"""Files of GeoJSON features that processes write and read."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

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
    return OutputFile(
        name=name,
        path=path,
        kind="features",
        media_type=GEOJSON,
        title_zh=title.zh,
        title_en=title.en,
    )
