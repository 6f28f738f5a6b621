"""Clean-up of a class raster: majority of the neighbourhood, then removal of small patches."""

import math

import numpy as np

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.zoning.patches import Codes, label_patches, neighbour_pairs

MAX_ROUNDS = 5


def min_patch_cells(mmu_ha: float, cell_m: float) -> int:
    """Cells of the minimum mapping unit, rounded up."""
    return math.ceil(round(mmu_ha * SQUARE_METRES_PER_HECTARE / cell_m**2, 9))


def majority_filter(codes: ClassArray) -> ClassArray:
    """The most frequent code of the 3×3 neighbourhood, centre included.

    A tie that includes the centre keeps it, another tie takes the lowest code. Nodata (0) has no
    vote and is never filled. A halo of one cell makes windows equal to the whole raster.
    """
    padded = np.pad(codes, 1)
    height, width = codes.shape
    best = codes.copy()
    best_votes = _votes(padded, codes, height, width)
    for code in np.unique(codes[codes != 0]):
        votes = _votes(padded, code, height, width)
        # Codes rise, and a later one must beat the centre and every lower one outright.
        wins = (votes > best_votes) & (codes != 0)
        best[wins] = code
        best_votes[wins] = votes[wins]
    return best


def _votes(padded: ClassArray, code: Codes | int, height: int, width: int) -> ClassArray:
    """Cells of each 3×3 neighbourhood that hold `code`."""
    votes = np.zeros((height, width), dtype=np.uint8)
    for row in range(3):
        for col in range(3):
            votes += padded[row : row + height, col : col + width] == code
    return votes


def sieve(codes: ClassArray, min_cells: int, rounds: int = MAX_ROUNDS) -> ClassArray:
    """Give patches smaller than `min_cells` the code of their largest neighbour.

    Patches are 4-connected. A small patch follows its largest neighbour only if that is larger
    than itself, and on through small neighbours to the end of the chain; the smallest patches so
    vanish first. A patch without neighbour, such as an islet in nodata, stays. Of equally large
    neighbours the lowest code wins, then the first in row-major order.

    Args:
        codes: Class raster; 0 is nodata and never changes.
        min_cells: Size from which a patch stays.
        rounds: Most repetitions; it ends earlier when nothing changes.
    """
    current = codes
    for _ in range(rounds):
        cleaned = _sieve_once(current, min_cells)
        if np.array_equal(cleaned, current):
            break
        current = cleaned
    return current.copy()


def _sieve_once(codes: ClassArray, min_cells: int) -> ClassArray:
    patches, count = label_patches(codes)
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    target = _merge_targets(neighbour_pairs(patches), sizes, min_cells)
    code_of = np.zeros(count + 1, dtype=np.uint8)
    code_of[patches.ravel()] = codes.ravel()
    return np.asarray(code_of[target][patches])


def _merge_targets(pairs: IntArray, sizes: IntArray, min_cells: int) -> IntArray:
    """For every patch the patch at the end of its chain of ever larger neighbours."""
    target = np.arange(sizes.size)
    patch, neighbour = pairs.T
    # Larger means more cells, or as many and an earlier number: a strict order, hence no cycle.
    larger = (sizes[neighbour] > sizes[patch]) | (
        (sizes[neighbour] == sizes[patch]) & (neighbour < patch)
    )
    moves = (sizes[patch] < min_cells) & larger
    patch, neighbour = patch[moves], neighbour[moves]
    best_first = np.lexsort((neighbour, -sizes[neighbour], patch))
    movers, first = np.unique(patch[best_first], return_index=True)
    target[movers] = neighbour[best_first][first]
    while not np.array_equal(target, target[target]):
        target = target[target]
    return target
