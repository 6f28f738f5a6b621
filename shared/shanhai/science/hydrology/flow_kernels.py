"""A cell's eight neighbours, and kernels of flow: across flats, down slopes, and gathered."""

import math

import numpy as np

from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.kernels import compiled

NODATA = 0
OUTLET = 9
"""The cell drains off the grid, or into nodata such as the sea."""

ROW_STEPS = np.array([0, 1, 0, -1, 1, 1, -1, -1])
COLUMN_STEPS = np.array([1, 0, -1, 0, 1, -1, -1, 1])
"""East, south, west, north, south-east, south-west, north-west, north-east: codes 1 to 8.

The order decides between neighbours that are equally steep: sides go before corners.
"""

DISTANCES = np.array([1.0] * 4 + [math.sqrt(2)] * 4)
"""Distance to each neighbour, in sides of a cell."""

OPPOSITE = np.array([2, 3, 0, 1, 6, 7, 4, 5])
"""Position of the cell as its neighbour sees it."""


@compiled
def drains_down(ground: FloatArray, start: int, steps: IntArray, drains: BoolArray) -> None:
    """Mark the cells of a row that have a lower neighbour, or one without data to drain into.

    All neighbours are compared whatever the first say: without branches the row is gone through
    several cells at once.
    """
    drains[:] = False
    first, last = start + 1, start + drains.size - 1
    here, inside = ground[first:last], drains[1:-1]
    for step in steps:
        near = ground[first + step : last + step]
        for column in range(inside.size):
            inside[column] |= not near[column] >= here[column]
    for column in range(inside.size):  # NaN is not as high as itself
        inside[column] &= here[column] == here[column]


@compiled
def beside_drained(
    ground: FloatArray, drains: BoolArray, start: int, steps: IntArray, beside: BoolArray
) -> None:
    """Mark the cells of a row beside one as high that drains; without branches likewise."""
    beside[:] = False
    first, last = start + 1, start + beside.size - 1
    here, inside = ground[first:last], beside[1:-1]
    for step in steps:
        near, drained = ground[first + step : last + step], drains[first + step : last + step]
        for column in range(inside.size):
            inside[column] |= drained[column] & (near[column] == here[column])


@compiled
def frame_of(height: int, width: int) -> IntArray:
    """Flat indices of the outermost cells, some of them twice."""
    rows, columns = np.arange(height) * width, np.arange(width)
    return np.concatenate((columns, columns + (height - 1) * width, rows, rows + width - 1))


@compiled
def flat_distances(filled: FloatArray, around: FloatArray) -> BoolArray:
    """Steps from each cell of a flat, over the flat, to one that drains.

    Args:
        filled: Elevation without depressions, framed by one cell, NaN for nodata; C-contiguous.
        around: Array of the same shape that holds the distances of the frame, ∞ where unknown;
            the distances of the tile are written into it, 0 where a cell drains.

    Returns:
        Cells of the frame on which distances may rest.
    """
    height, width = filled.shape
    ground, distance = filled.ravel(), around.ravel()
    reads, drains = np.zeros(ground.size, dtype=np.bool_), np.zeros(ground.size, dtype=np.bool_)
    steps = ROW_STEPS * width + COLUMN_STEPS
    for row in range(1, height - 1):
        start = row * width
        inside = drains[start : start + width]
        drains_down(ground, start, steps, inside)
        for column in range(1, width - 1):
            distance[start + column] = 0.0 if inside[column] else np.inf
    frame = frame_of(height, width)
    for cell in frame:
        for k in range(8):
            row, column = cell // width + ROW_STEPS[k], cell % width + COLUMN_STEPS[k]
            if 0 < row < height - 1 and 0 < column < width - 1:
                near = row * width + column
                reads[cell] |= distance[near] == np.inf and ground[near] == ground[cell]
    # Most cells drain; only those of flats are gone through from here on.
    queue, head, tail = np.empty(ground.size, dtype=np.int64), 0, 0
    beside = np.zeros(width, dtype=np.bool_)
    for row in range(1, height - 1):
        start = row * width
        beside_drained(ground, drains, start, steps, beside)
        for cell in range(start + 1, start + width - 1):
            if beside[cell - start] and distance[cell] == np.inf:
                distance[cell] = 1.0
                queue[tail] = cell
                tail += 1
    seeds = np.flatnonzero(reads)
    seeds = seeds[np.isfinite(distance[seeds])]
    seeds = seeds[np.argsort(distance[seeds], kind="mergesort")]
    seed = 0
    unknown = frame[distance[frame] == np.inf]
    distance[unknown] = -1.0  # so that only cells of the tile are still to be reached
    while head < tail or seed < seeds.size:
        # Two sorted queues in step: what comes from the frame, and what was found in the tile.
        if head == tail or (seed < seeds.size and distance[seeds[seed]] < distance[queue[head]]):
            cell = seeds[seed]
            seed += 1
            row, column = cell // width, cell % width
            for k in range(8):
                near_row, near_column = row + ROW_STEPS[k], column + COLUMN_STEPS[k]
                if 0 <= near_row < height and 0 <= near_column < width:
                    near = near_row * width + near_column
                    if distance[near] == np.inf and ground[near] == ground[cell]:
                        distance[near] = distance[cell] + 1.0
                        queue[tail] = near
                        tail += 1
        else:
            cell = queue[head]
            head += 1
            for step in steps:
                near = cell + step
                # Either alone is as good as a coin's toss to the processor.
                if (distance[near] == np.inf) & (ground[near] == ground[cell]):
                    distance[near] = distance[cell] + 1.0
                    queue[tail] = near
                    tail += 1
    distance[unknown] = np.inf
    return reads.reshape(filled.shape)


@compiled
def steepest(filled: FloatArray, distances: FloatArray) -> ClassArray:
    """Direction codes of the cells inside the frame.

    Args:
        filled: Elevation without depressions, framed by one cell, NaN for nodata.
        distances: Of `flat_distances`, framed likewise.
    """
    height, width = filled.shape
    codes = np.zeros((height - 2, width - 2), dtype=np.uint8)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            here = filled[row, column]
            if np.isnan(here):
                continue
            code, most = OUTLET, 0.0
            for k in range(8):
                drop = here - filled[row + ROW_STEPS[k], column + COLUMN_STEPS[k]]
                if drop > 0 and drop / DISTANCES[k] > most:
                    code, most = k + 1, drop / DISTANCES[k]
            if distances[row, column] > 0:
                for k in range(8):
                    near_row, near_column = row + ROW_STEPS[k], column + COLUMN_STEPS[k]
                    nearer = distances[near_row, near_column] == distances[row, column] - 1
                    if nearer and filled[near_row, near_column] == here:
                        code = k + 1
                        break
            codes[row - 1, column - 1] = code
    return codes


@compiled
def downstream(codes: ClassArray, width: int) -> IntArray:
    """Flat index of the cell each one drains to inside the tile; −1 elsewhere."""
    height = codes.size // width
    target = np.full(codes.size, -1, dtype=np.int64)
    for cell in range(codes.size):
        if codes[cell] == NODATA or codes[cell] == OUTLET:
            continue
        row = cell // width + ROW_STEPS[codes[cell] - 1]
        column = cell % width + COLUMN_STEPS[codes[cell] - 1]
        if 0 <= row < height and 0 <= column < width:
            target[cell] = row * width + column
    return target


@compiled
def gather(codes: ClassArray, inflow: IntArray) -> tuple[IntArray, IntArray]:
    """Cells above each cell and itself, and the last cell of its way through the tile.

    Args:
        codes: Directions of the tile; C-contiguous.
        inflow: Cells that drain into each cell from other tiles.

    Returns:
        Number of cells, 0 for nodata, and flat index of the last cell on the way, itself where it
        leaves the tile; both flat.
    """
    flat = codes.ravel()
    target = downstream(flat, codes.shape[1])
    waiting = np.zeros(flat.size, dtype=np.int8)
    total = inflow.copy().ravel()
    last = np.arange(flat.size)
    for cell in range(flat.size):
        if target[cell] >= 0:
            waiting[target[cell]] += 1
    order, tail = np.empty(flat.size, dtype=np.int64), 0
    for start in range(flat.size):
        if flat[start] == NODATA:
            continue
        total[start] += 1
        if waiting[start] == 0:
            order[tail] = start
            tail += 1
    head = 0
    while head < tail:
        cell = order[head]
        head += 1
        into = target[cell]
        if into >= 0:
            total[into] += total[cell]
            waiting[into] -= 1
            if waiting[into] == 0:
                order[tail] = into
                tail += 1
    for place in range(tail - 1, -1, -1):
        cell = order[place]
        if target[cell] >= 0:
            last[cell] = last[target[cell]]
    return total, last


@compiled
def pass_on(leaves: IntArray, into: IntArray, total: IntArray) -> IntArray:
    """Cells that flow into each edge cell from other tiles.

    Args:
        leaves: By edge cell, the edge cell at which its way leaves the tile; −1 when it does not.
        into: By edge cell, the one it drains to in another tile; −1 when it does not.
        total: By edge cell, the cells of its own tile above it, and itself.
    """
    waiting = np.zeros(into.size, dtype=np.int64)
    inflow = np.zeros(into.size, dtype=np.int64)
    outflow = total.copy()
    for cell in range(into.size):
        if into[cell] >= 0 and leaves[into[cell]] >= 0:
            waiting[leaves[into[cell]]] += 1
    ready, size = np.empty(into.size, dtype=np.int64), 0
    for cell in range(into.size):
        if into[cell] >= 0 and waiting[cell] == 0:
            ready[size] = cell
            size += 1
    while size > 0:
        size -= 1
        cell = ready[size]
        near = into[cell]
        inflow[near] += outflow[cell]
        leaving = leaves[near]
        if leaving >= 0:
            outflow[leaving] += outflow[cell]
            waiting[leaving] -= 1
            if waiting[leaving] == 0 and into[leaving] >= 0:
                ready[size] = leaving
                size += 1
    return inflow


@compiled
def weight(drop: float, k: int, exponent: float, corner: float) -> float:
    """Share, not yet scaled, of what a cell sends to its lower neighbour `k`."""
    slope = drop / DISTANCES[k]
    pull = float(slope if exponent == 1.0 else slope**exponent)
    return pull if k < 4 else pull * corner


@compiled
def receivers_of(
    filled: FloatArray, codes: ClassArray, exponent: float, corner: float
) -> tuple[ClassArray, FloatArray]:
    """Neighbours each cell sends flow to, a bit for each, and the sum of their weights.

    A cell without a lower neighbour sends all in its direction; its sum is 0.
    """
    height, width = codes.shape
    receivers = np.zeros((height, width), dtype=np.uint8)
    scale = np.zeros((height, width))
    for row in range(height):
        for column in range(width):
            here = filled[row + 1, column + 1]
            bits, total = 0, 0.0
            for k in range(8):
                drop = here - filled[row + 1 + ROW_STEPS[k], column + 1 + COLUMN_STEPS[k]]
                if drop > 0:
                    bits |= 1 << k
                    total += weight(drop, k, exponent, corner)
            if bits == 0 and codes[row, column] != NODATA and codes[row, column] != OUTLET:
                bits = 1 << (codes[row, column] - 1)
            receivers[row, column] = bits
            scale[row, column] = total
    return receivers, scale


@compiled
def disperse(
    filled: FloatArray, codes: ClassArray, around: FloatArray, exponent: float, corner: float
) -> BoolArray:
    """Gather flow that spreads over all lower neighbours.

    Every cell sums what its neighbours send in one fixed order, so that the sums do not depend on
    the tiles.

    Args:
        filled: Elevation without depressions, framed by two cells, NaN for nodata.
        codes: Directions, framed by one cell; the way out of flats.
        around: Array framed by one cell that holds the sums of the frame; those of the tile are
            written into it: cells above each cell and itself, 0 for nodata.
        exponent: Of the slope in the share of a neighbour.
        corner: Width of the flow over a corner, that over a side being 1.

    Returns:
        Cells of the frame that flow into the tile.
    """
    height, width = codes.shape
    receivers, scale = receivers_of(filled, codes, exponent, corner)
    donors = np.zeros((height, width), dtype=np.uint8)
    reads = np.zeros((height, width), dtype=np.bool_)
    waiting = np.zeros((height, width), dtype=np.int8)
    ready, size = np.empty(height * width, dtype=np.int64), 0
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            around[row, column] = 0.0
            if codes[row, column] == NODATA:
                continue
            bits = 0
            for k in range(8):
                near_row, near_column = row + ROW_STEPS[k], column + COLUMN_STEPS[k]
                if receivers[near_row, near_column] & (1 << OPPOSITE[k]):
                    bits |= 1 << k
                    if 0 < near_row < height - 1 and 0 < near_column < width - 1:
                        waiting[row, column] += 1
                    else:
                        reads[near_row, near_column] = True
            donors[row, column] = bits
            if waiting[row, column] == 0:
                ready[size] = row * width + column
                size += 1
    while size > 0:
        size -= 1
        row, column = ready[size] // width, ready[size] % width
        total = 1.0
        for k in range(8):
            if donors[row, column] & (1 << k):
                near_row, near_column = row + ROW_STEPS[k], column + COLUMN_STEPS[k]
                share = 1.0
                if scale[near_row, near_column] > 0:
                    drop = filled[near_row + 1, near_column + 1] - filled[row + 1, column + 1]
                    share = weight(drop, k, exponent, corner) / scale[near_row, near_column]
                total += share * around[near_row, near_column]
        around[row, column] = total
        for k in range(8):
            if receivers[row, column] & (1 << k):
                near_row, near_column = row + ROW_STEPS[k], column + COLUMN_STEPS[k]
                if 0 < near_row < height - 1 and 0 < near_column < width - 1:
                    waiting[near_row, near_column] -= 1
                    if waiting[near_row, near_column] == 0:
                        ready[size] = near_row * width + near_column
                        size += 1
    return reads
