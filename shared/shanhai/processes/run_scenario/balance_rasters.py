"""The layers of supply, demand and zones after the edits, and what differs from those before."""

from collections.abc import Sequence
from functools import partial

import numpy as np

from shanhai.processes.kit.outputs import Layer
from shanhai.processes.kit.region import Place
from shanhai.processes.run_scenario.reassessment import Reassessed
from shanhai.processes.run_scenario.rezoning import Rezoned
from shanhai.raster.store import ScratchStore
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.grid import Window

RATIO_AFTER, RATIO_CHANGE = "ratio_after", "ratio_change"
ZONES_AFTER, ZONES_CHANGE = "zones_after", "zones_change"
TENS = 10
"""A class of `zones_change` is ten times the zone before, and the zone after."""


def write_ratio_changes(reassessed: Reassessed, place: Place) -> list[Layer]:
    """Write the comprehensive ratio after, and the changes of all ratios that edits can alter."""
    store = reassessed.store
    changes = {RATIO: RATIO_CHANGE} | {
        f"{RATIO}.{service}": f"{RATIO_CHANGE}.{service}" for service in reassessed.altered
    }
    for layer in (RATIO_AFTER, *changes.values()):
        store.create(layer)
    run = partial(_write, reassessed.assessment.stores.own, store, list(changes.items()))
    place.each(run)
    return [(name, "1") for name in (RATIO_AFTER, *changes.values())]


def write_zone_changes(rezoned: Rezoned, store: ScratchStore) -> list[Layer]:
    """Write the zones after, and those before and after of each cell that changes."""
    before, after = rezoned.codes
    changed = np.where(before == after, np.uint8(0), before * np.uint8(TENS) + after)
    for name, codes in ((ZONES_AFTER, after), (ZONES_CHANGE, changed)):
        store.create_classes(name)
        store.write_classes(name, store.whole, codes)
    return [(ZONES_AFTER, None), (ZONES_CHANGE, None)]


def _write(
    before: ScratchStore, after: ScratchStore, changes: Sequence[tuple[str, str]], window: Window
) -> None:
    after.write(RATIO_AFTER, window, after.read_stored(RATIO, window))
    for layer, change in changes:
        after.write(change, window, after.read(layer, window) - before.read(layer, window))
