"""Barriers: where restoring a small piece of ground would shorten the ways most."""

from dataclasses import dataclass

import numpy as np

from shanhai.processes.build_network.context import Scene
from shanhai.processes.build_network.memory_check import require_room
from shanhai.processes.kit.error_pointers import pointing_at
from shanhai.science.corridors.barriers import (
    BarrierScan,
    BarrierScores,
    BarrierSettings,
    memory_needed,
)
from shanhai.science.corridors.sources import Sources
from shanhai.science.corridors.spots import SpotRule, Spots, find_spots
from shanhai.vocabulary import Label

BARRIERS = "barriers"
"""Layer of the score: cost saved for each metre restored."""

_STEP = Label("障碍点识别", "barriers")
_LEAST_CELLS = 2


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Barriers of the network.

    Attributes:
        scores: By cell.
        spots: Patches of the top class.
        radii_m: That were looked at.
    """

    scores: BarrierScores
    spots: Spots
    radii_m: tuple[float, ...]


def prepare_scan(scene: Scene, sources: Sources) -> BarrierScan:
    """What looks for barriers while the links are found.

    Raises:
        LimitExceeded: it does not fit into memory.
        InvalidInput: a radius is smaller than a cell.
    """
    choice = scene.parameters.circuit
    require_room(scene, _STEP, memory_needed(scene.grid.shape))
    with pointing_at("/inputs/parameters/circuit/barrier_radii_m"):
        return BarrierScan(
            sources.patches.labels,
            scene.spacing,
            BarrierSettings(radii(choice.barrier_radii_m, scene.cell_m), choice.barrier_joining),
        )


def find_obstacles(scene: Scene, scores: BarrierScores) -> Obstacles:
    """The barriers by their scores over all links; the score is kept as the layer `barriers`."""
    choice = scene.parameters.circuit
    # Neither the sea nor anything beyond the region can be restored.
    scores.score[~scene.known] = np.nan
    scene.store.create(BARRIERS)
    scene.store.write(BARRIERS, scene.store.whole, scores.score.astype(np.float32))
    spots = find_spots(scores.score, scene.cell_m, SpotRule(min_area_ha=choice.least_barrier_ha))
    return Obstacles(scores, spots, radii(choice.barrier_radii_m, scene.cell_m))


def radii(asked: list[float] | None, cell_m: float) -> tuple[float, ...]:
    """The radii asked for; else those of 60, 120 and 240 m that hold two cells, or two cells."""
    if asked:
        return tuple(sorted(asked))
    usual = BarrierSettings().radii_m
    return tuple(one for one in usual if one >= _LEAST_CELLS * cell_m) or (_LEAST_CELLS * cell_m,)
