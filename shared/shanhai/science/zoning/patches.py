"""Patches of equal code, and the clean-up of a class raster by majority and sieve."""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import ClassArray, IntArray
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE
from shanhai.science.zoning.patch_kernels import (
    Codes,
    Patches,
    label,
    largest_neighbours,
    majority,
    measure,
    recode,
)

Connectivity = Literal[4, 8]


def label_patches(codes: Codes, connectivity: Connectivity = 4) -> tuple[Patches, int]:
    """Number the patches of equal code.

    Args:
        codes: Class raster; 0 is nodata and belongs to no patch.
        connectivity: 4 joins cells that share a side, 8 also those that share a corner.

    Returns:
        Patch numbers from 1 (0 for nodata), in the order of their first cells row by row, and
        their count.
    """
    patches, count = label(np.ascontiguousarray(codes), connectivity == 8)
    return patches, int(count)


def patch_sizes(codes: NDArray[np.integer]) -> dict[int, IntArray]:
    """Cells of every 4-connected patch by code; 0 is left out."""
    patches, count = label_patches(codes)
    sizes, code_of = measure(patches, codes, count)
    return {int(code): sizes[code_of == code] for code in np.unique(code_of[1:])}


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
