"""The layers of a scenario: corridors before, after and what differs, and the resistance."""

from functools import partial

import numpy as np

from shanhai.processes.build_network.linkages import EXCESS
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.processes.run_scenario.before_after import Rehearsal
from shanhai.raster.store import ScratchStore
from shanhai.science.grid import Window

CHANGE = "corridors_change"
GAINED, LOST, KEPT = 1, 2, 3
"""Classes of `corridors_change`."""


def write_changes(rehearsal: Rehearsal) -> None:
    """Write the layers into the store of the scene after the edits, window by window.

    A change of resistance is unknown where either has a barrier.
    """
    before, after = rehearsal.before.scene.store, rehearsal.after.scene.store
    after.create_classes(CHANGE)
    for layer in ("corridors_before", "corridors_after", "resistance_after", "resistance_change"):
        after.create(layer)
    rehearsal.after.scene.place.each(partial(_write, before, after))


def _write(before: ScratchStore, after: ScratchStore, window: Window) -> None:
    was, will_be = before.read(EXCESS, window), after.read(EXCESS, window)
    resistance = after.read(RESISTANCE, window)
    inside, inside_after = np.isfinite(was), np.isfinite(will_be)
    classes = np.zeros(was.shape, dtype=np.uint8)
    classes[inside_after & ~inside] = GAINED
    classes[inside & ~inside_after] = LOST
    classes[inside & inside_after] = KEPT
    after.write_classes(CHANGE, window, classes)
    after.write("corridors_before", window, was)
    after.write("corridors_after", window, will_be)
    after.write("resistance_after", window, resistance)
    after.write("resistance_change", window, resistance - before.read(RESISTANCE, window))
