"""All that was found of a network."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shanhai.processes.build_network.barriers import Obstacles
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.corridors import NetworkCorridor
from shanhai.processes.build_network.metrics import Metrics
from shanhai.processes.build_network.nodes import Node
from shanhai.processes.build_network.pattern import HabitatPattern
from shanhai.processes.build_network.sensitivity import Contrast
from shanhai.science.corridors.links import Network
from shanhai.science.corridors.pinch_points import PinchPoints
from shanhai.science.corridors.sources import Sources


@dataclass(frozen=True, slots=True)
class Built:
    """A network, and how it was found.

    Attributes:
        scene: Where.
        pattern: Of the habitat.
        sources: Its nodes.
        network: Its links.
        metrics: What it is as a whole.
        pinch: Currents and pinch points.
        obstacles: Barriers.
        corridors: Links as they are told.
        nodes: Places as they are told.
        contrasts: The same under other powers of the resistance, where it was asked for.
        record: How importance and resistance were made.
    """

    scene: Scene
    pattern: HabitatPattern
    sources: Sources
    network: Network
    metrics: Metrics
    pinch: PinchPoints
    obstacles: Obstacles
    corridors: Sequence[NetworkCorridor]
    nodes: Sequence[Node]
    contrasts: Sequence[Contrast]
    record: Mapping[str, Any]
