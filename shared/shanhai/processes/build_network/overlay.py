"""What a scenario lays over the land: cover, roads and resistances, as layers of its own store.

A scene without these layers is the land as it is.
"""

import numpy as np

from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.grid import Window

COVER_EDITS = "edited_cover"
"""Class of land cover where it is edited, 0 elsewhere."""

ROAD_EDITS = {"main": "edited_main_roads", "minor": "edited_minor_roads"}
"""1 where a road of the kind is built."""

SETTLED = "settled_resistance"
"""Resistance where it is settled whatever the factors say; infinite is a barrier, NaN elsewhere."""


def edited_around(store: ScratchStore, layer: str, window: Window) -> ClassArray | None:
    """Edits on a window that may reach beyond the grid, 0 there; None where there are none."""
    if not store.has(layer):
        return None
    found = np.zeros((window.height, window.width), dtype=np.uint8)
    grid = store.grid
    row, col = max(window.row, 0), max(window.col, 0)
    end_row = min(window.row + window.height, grid.height)
    end_col = min(window.col + window.width, grid.width)
    if end_row > row and end_col > col:
        inner = Window(row, col, end_row - row, end_col - col)
        found[inner.slices_within(window)] = store.read_classes(layer, inner)
    return found


def with_settled(store: ScratchStore, values: FloatArray, window: Window) -> FloatArray:
    """A resistance with what was settled in its place; a barrier becomes NaN."""
    if not store.has(SETTLED):
        return values
    settled = store.read(SETTLED, window)
    found = np.where(np.isnan(settled), values, settled)
    return np.where(np.isinf(found), np.nan, found)


def edited_cover(store: ScratchStore, window: Window) -> BoolArray:
    """Cells whose land cover is edited."""
    edits = edited_around(store, COVER_EDITS, window)
    shape = (window.height, window.width)
    return np.zeros(shape, dtype=bool) if edits is None else np.asarray(edits > 0)
