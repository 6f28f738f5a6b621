"""The layers of an assessment after edits: elsewhere they are what they were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy import ndimage

from shanhai.processes.assess_ecoservices.alignment import COVER, SHARES
from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.source_layers import SourceLayers, Stores, read_layer
from shanhai.processes.build_network.overlay import COVER_EDITS, ROAD_EDITS
from shanhai.processes.kit.region import windows_of
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.arrays import BoolArray, FloatArray
from shanhai.science.ecoservices.evaluation import Array
from shanhai.science.grid import Window

ROADS: Mapping[str, tuple[str, ...]] = {"roads": ("main", "minor"), "main_roads": ("main",)}
"""Kinds of roads that are drawn in the layer of each theme."""


def write_leaves(
    base: Assessment, edits: ScratchStore, stores: Stores, runner: WindowRunner
) -> tuple[str, ...]:
    """Write what is read of cover and roads after the edits, on the wide grid.

    An edited cell is wholly of its new class; a road is in every cell it touches.

    Args:
        base: The assessment before the edits.
        edits: Holds the edits.
        stores: For the layers after the edits.
        runner: Runs the windows.

    Returns:
        Names of the layers that change.
    """
    names = [name for name in _edited(edits) if name in base.plan.leaves]
    for name in names:
        stores.wide.create(name)
    windows = windows_of(stores.wide.grid)
    run = partial(_write, names, edits, stores, base.layers.stores.wide)
    for _ in runner.run(run, windows):
        pass
    return tuple(names)


def edited_cells(edits: ScratchStore, window: Window) -> BoolArray:
    """Cells of the analysis grid in which cover or roads are edited."""
    found = np.zeros((window.height, window.width), dtype=bool)
    for layer in (COVER_EDITS, *ROAD_EDITS.values()):
        if edits.has(layer):
            found |= edits.read_classes(layer, window) > 0
    return found


def within_region(stores: Stores, window: Window) -> tuple[Window, tuple[slice, slice]] | None:
    """The cells of a window of the wide grid that lie on the analysis grid.

    Returns:
        Their window of the analysis grid, and their place in the window; None without any.
    """
    grid, pad = stores.own.grid, stores.pad
    row, col = max(window.row - pad, 0), max(window.col - pad, 0)
    height = min(window.row - pad + window.height, grid.height) - row
    width = min(window.col - pad + window.width, grid.width) - col
    if height <= 0 or width <= 0:
        return None
    own = Window(row, col, height, width)
    return own, stores.on_wide(own).slices_within(window)


def _edited(edits: ScratchStore) -> list[str]:
    covers = [COVER, *SHARES] if edits.has(COVER_EDITS) else []
    roads = [
        theme for theme, kinds in ROADS.items() if any(edits.has(ROAD_EDITS[one]) for one in kinds)
    ]
    return [*covers, *roads]


def _write(
    names: Sequence[str],
    edits: ScratchStore,
    stores: Stores,
    former: ScratchStore,
    window: Window,
) -> None:
    inner = within_region(stores, window)
    for name in names:
        values = former.read(name, window)
        if inner is not None:
            own, place = inner
            values[place] = _with_edits(name, values[place], edits, own)
        stores.wide.write(name, window, values)


def _with_edits(name: str, values: FloatArray, edits: ScratchStore, own: Window) -> FloatArray:
    if name in ROADS:
        for kind in ROADS[name]:
            if edits.has(ROAD_EDITS[kind]):
                values = np.where(edits.read_classes(ROAD_EDITS[kind], own) > 0, 1.0, values)
        return values
    codes = edits.read_classes(COVER_EDITS, own)
    shown = codes == SHARES[name] if name in SHARES else codes
    return np.where(codes > 0, shown.astype(np.float64), values)


TOUCHED = "touched"
"""Class layer on the wide grid: 1 where something changes that others rest on."""


@dataclass(frozen=True, slots=True)
class NearEdits:
    """Reads layers after the edits; of what is written only cells within reach are taken.

    Attributes:
        layers: The layers after the edits.
        former: Results before them.
        reach_cells: Cells around what is touched within which each layer may be another.
    """

    layers: SourceLayers
    former: ScratchStore
    reach_cells: Mapping[str, int]

    def leaf(self, name: str, window: Window) -> Array:
        """A layer that is read, as it is after the edits."""
        return self.layers.leaf(name, window)

    def read(self, key: str, window: Window) -> Array:
        """A layer that was kept, or worked out for the whole raster."""
        return self.layers.read(key, window)

    def write(self, key: str, window: Window, values: Array) -> None:
        """Keep what lies within reach of an edit; the rest stays to the byte.

        Sums over neighbourhoods are taken block by block, so that an edit may round a cell of its
        block otherwise which it does not reach.
        """
        near = self.cells(window, self.reach_cells[key])
        kept = np.where(near, values, read_layer(self.former, key, window))
        self.layers.write(key, window, kept)

    def land(self, window: Window) -> BoolArray:
        """Cells of the region that are not sea."""
        return self.layers.land(window)

    def unknown(self, window: Window) -> Mapping[str, BoolArray]:
        """By theme, where it has no value."""
        return self.layers.unknown(window)

    def notes(self, window: Window) -> Any:
        """What the window holds of the region."""
        return self.layers.notes(window)

    def cells(self, window: Window, reach: int) -> BoolArray:
        """Cells of a window of the analysis grid within some cells of what is touched."""
        wide = self.layers.stores.wide
        place = self.layers.stores.on_wide(window)
        around = place.expanded(reach, wide.grid)
        touched = wide.read_classes(TOUCHED, around)
        if not touched.any():
            return np.zeros((window.height, window.width), dtype=bool)
        grown = ndimage.maximum_filter(touched, size=2 * reach + 1, mode="constant")
        return np.asarray(grown[place.slices_within(around)] > 0)
