"""The layers of an assessment near edits: elsewhere they are what they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from shanhai.processes.assess_ecoservices.source_layers import SourceLayers, read_layer
from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import BoolArray
from shanhai.science.ecoservices.evaluation import Array
from shanhai.science.grid import Window

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
