"""Ground to route water over, and the flood of the paper to compare with."""

import heapq

import numpy as np
from scipy import ndimage

from shanhai.science.grid import FloatArray


def terrain(seed: int, shape: tuple[int, int], levels: int, missing: float) -> FloatArray:
    """Rolling ground in few whole levels, so that pits and flats abound, with holes."""
    rng = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(rng.normal(size=shape), 2.0)
    spread = np.ptp(smooth) or 1.0
    ground: FloatArray = np.round((smooth - smooth.min()) / spread * levels)
    ground[rng.random(shape) < missing] = np.nan
    return ground


def flooded(ground: FloatArray) -> FloatArray:
    """Priority flood as in the paper, with the heap of the standard library."""
    framed = np.pad(ground, 1, constant_values=np.nan)
    levels = np.full(ground.shape, np.nan)
    height, width = ground.shape
    queue = [
        (float(ground[r, c]), r, c)
        for r in range(height)
        for c in range(width)
        if not np.isnan(ground[r, c]) and np.isnan(framed[r : r + 3, c : c + 3]).any()
    ]
    heapq.heapify(queue)
    seen = {(r, c) for _, r, c in queue}
    while queue:
        level, row, column = heapq.heappop(queue)
        levels[row, column] = level
        for r in range(max(row - 1, 0), min(row + 2, height)):
            for c in range(max(column - 1, 0), min(column + 2, width)):
                if (r, c) not in seen and not np.isnan(ground[r, c]):
                    seen.add((r, c))
                    heapq.heappush(queue, (max(level, float(ground[r, c])), r, c))
    return levels
