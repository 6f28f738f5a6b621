"""Clean-up of a class raster: majority of the neighbourhood, then removal of small patches."""

import math

import numpy as np

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.zoning.patch_kernels import largest_neighbours, majority, measure, recode
from shanhai.science.zoning.patches import label_patches

MAX_ROUNDS = 5


def min_patch_cells(mmu_ha: float, cell_m: float) -> int:
    """Cells of the minimum mapping unit, rounded up."""
    return math.ceil(round(mmu_ha * SQUARE_METRES_PER_HECTARE / cell_m**2, 9))


def majority_filter(codes: ClassArray) -> ClassArray:
    """The most frequent code of the 3×3 neighbourhood, centre included.

    A tie that includes the centre keeps it, another tie takes the lowest code. Nodata (0) has no
    vote and is never filled. A halo of one cell makes windows equal to the whole raster.
    """
    return majority(codes)


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
    current = codes.copy()
    for _ in range(rounds if min_cells > 1 else 0):
        if _sieve_in_place(current, min_cells) == 0:
            break
    return current


def _sieve_in_place(codes: ClassArray, min_cells: int) -> int:
    """One round; returns the number of cells that changed."""
    patches, count = label_patches(codes)
    sizes, code_of = measure(patches, codes, count)
    target = _chain_ends(largest_neighbours(patches, sizes, code_of, min_cells))
    return int(recode(patches, code_of[target], codes))


def _chain_ends(target: IntArray) -> IntArray:
    """For every patch the last of its chain of ever larger neighbours."""
    while not np.array_equal(target, target[target]):
        target = target[target]
    return target
