"""Files of a network besides those every evaluation has: corridors and nodes as GeoJSON."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.corridors import Corridor
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.statistics import corridor_row
from shanhai.processes.kit.task import OutputFile
from shanhai.vocabulary import Label

LINKS_FILE, NODES_FILE = "corridor_lines.geojson", "corridor_nodes.geojson"
GEOJSON = "application/geo+json"


def write_links(workspace: Path, corridors: Sequence[Corridor]) -> OutputFile:
    """Corridors as lines, each with its footprint as a member `footprint`."""
    features = [
        _feature(one.code, one.line, {**corridor_row(one), "footprint": mapping(one.footprint)})
        for one in corridors
    ]
    return write_features(
        workspace, "corridor_lines", LINKS_FILE, Label("廊道", "Corridors"), features
    )


def write_nodes(workspace: Path, nodes: Sequence[Node]) -> OutputFile:
    """Sources, pinch points, barriers and the other places as points, each with its footprint."""
    features = [
        _feature(
            one.code,
            one.point,
            {
                "code": one.code,
                "kind": one.kind,
                "score": one.score,
                "corridors": list(one.corridors),
                "footprint": None if one.footprint is None else mapping(one.footprint),
                **one.document,
            },
        )
        for one in nodes
    ]
    return write_features(workspace, "corridor_nodes", NODES_FILE, Label("节点", "Nodes"), features)


def _feature(code: str, geometry: BaseGeometry, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "Feature",
        "id": code,
        "geometry": mapping(geometry),
        "properties": properties,
    }


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
