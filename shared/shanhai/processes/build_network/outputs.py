"""Files of a network besides those every evaluation has: corridors and nodes as GeoJSON."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shanhai.processes.build_network.corridors import NetworkCorridor
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.statistics import corridor_row
from shanhai.processes.kit.feature_collections import LINKS_FILE, NODES_FILE, write_features
from shanhai.processes.kit.task import OutputFile
from shanhai.vocabulary import Label


def write_links(workspace: Path, corridors: Sequence[NetworkCorridor]) -> OutputFile:
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
