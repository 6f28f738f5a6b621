"""Layers thinned for pictures: every n-th cell of every n-th row, and no more is read."""

import numpy as np
from numpy.typing import NDArray

from shanhai.raster.store import ScratchStore
from shanhai.science.arrays import ClassArray
from shanhai.science.grid import Window

PANEL_CELLS = 640
"""Cells along the longer side of a small map; it has fewer pixels than that."""

SHEET_CELLS = 2_000
"""Cells along the longer side of a map that fills a page."""


def overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> NDArray[np.float32]:
    """A quantity with at most `most` cells along its longer side; NaN is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_stored(layer, row)[:, ::step] for row in rows])


def class_overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> ClassArray:
    """Classes with at most `most` cells along the longer side; 0 is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_classes(layer, row)[:, ::step] for row in rows])


def _rows(store: ScratchStore, most: int) -> tuple[int, list[Window]]:
    height, width = store.grid.shape
    step = max(1, -(-max(height, width) // most))
    return step, [Window(row, 0, 1, width) for row in range(0, height, step)]
