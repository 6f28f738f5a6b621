"""Patches of equal code."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import IntArray
from shanhai.science.zoning.patch_kernels import Codes, Patches, label, measure

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
