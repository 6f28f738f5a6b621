"""Current through the corridors: pinch points, and how well each corridor conducts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.memory_check import memory_left
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.corridors.circuit.settings import CircuitSettings
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.link_flows import link_flow
from shanhai.science.corridors.links import Network, SourceLink
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.pinch_points import PinchPoints, pinch_points
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.spacing import MetricCells
from shanhai.science.corridors.spots import SpotRule

CURRENT = "current"
"""Layer of the current through corridors, between the sources, A."""


def find_currents(scene: Scene, sources: Sources, network: Network) -> PinchPoints:
    """Send current through the corridors; between the sources it is kept as the layer `current`.

    Raises:
        LimitExceeded: the circuit of the corridors does not fit into memory.
    """
    choice = scene.parameters.circuit
    with within_memory(scene):
        found = scene.place.once(
            partial(
                pinch_points,
                scene.whole(RESISTANCE),
                sources.patches.labels,
                inside_any(network, scene.grid.shape),
                scene.spacing,
                SpotRule(min_area_ha=choice.least_pinch_ha),
                circuit_settings(scene),
            )
        )
    scene.store.create(CURRENT)
    # A source is one node, and all that ends in it would outshine the corridors.
    between = np.where(sources.patches.labels > 0, np.nan, found.current)
    scene.store.write(CURRENT, scene.store.whole, between.astype(np.float32))
    return found


@contextmanager
def within_memory(scene: Scene) -> Iterator[None]:
    """Let the errors of a circuit point into the inputs."""
    try:
        yield
    except LimitExceeded as error:
        raise LimitExceeded(
            f"{error.message} (cells of {scene.cell_m:g} m)",
            message_zh=f"{error.message_zh}（像元 {scene.cell_m:g} m）",
            pointer="/inputs/cell_m",
        ) from error
    except InvalidInput:
        with pointing_at("/inputs/parameters"):
            raise


def inside_any(network: Network, shape: tuple[int, int]) -> BoolArray:
    """Cells of any corridor."""
    inside = np.zeros(shape, dtype=bool)
    for link in network.links:
        inside[link.swath.slices] |= link.swath.inside
    return inside


@dataclass(frozen=True, slots=True)
class Conduct:
    """How well a corridor conducts between its two sources.

    Attributes:
        r_eff_ohm: Effective resistance; None where the circuit has no way.
        width_mean_m: Mean width of the part that carries nine tenths of the current, m.
        width_min_m: Its narrowest width, m.
    """

    r_eff_ohm: float | None
    width_mean_m: float | None
    width_min_m: float | None


def conduct_of(scene: Scene, sources: Sources, network: Network) -> dict[Pair, Conduct]:
    """What flows through each corridor alone, 1 A from one of its sources to the other."""
    resistance, labels = scene.whole(RESISTANCE), sources.patches.labels
    settings = circuit_settings(scene)
    found = {}
    for link in network.links:
        flow = partial(_flow, resistance, labels, link, scene.spacing, settings)
        with within_memory(scene):
            found[link.pair] = scene.place.once(flow)
    return found


def _flow(
    resistance: FloatArray,
    labels: Labels,
    link: SourceLink,
    spacing: MetricCells,
    settings: CircuitSettings,
) -> Conduct:
    flow = link_flow(resistance, labels, link, spacing, settings)
    ohm, width = flow.effective_resistance, flow.width
    return Conduct(
        ohm if np.isfinite(ohm) else None,
        width.mean_m if width else None,
        width.narrowest_m if width else None,
    )


def circuit_settings(scene: Scene) -> CircuitSettings:
    """What was asked for, within the memory that is left."""
    choice = scene.parameters.circuit
    return CircuitSettings(
        neighbours=choice.neighbours, joining=choice.joining, memory_limit=memory_left()
    )
