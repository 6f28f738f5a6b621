"""Patches of equal code and what lies beside them."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from shanhai.science.arrays import IntArray

Codes = NDArray[np.integer]
Connectivity = Literal[4, 8]

EIGHT_CONNECTED = np.ones((3, 3), dtype=bool)
_STRUCTURES = {4: None, 8: EIGHT_CONNECTED}


def label_patches(codes: Codes, connectivity: Connectivity = 4) -> tuple[IntArray, int]:
    """Number the patches of equal code.

    Args:
        codes: Class raster; 0 is nodata and belongs to no patch.
        connectivity: 4 joins cells that share a side, 8 also those that share a corner.

    Returns:
        Patch numbers from 1 (0 for nodata), ordered by code and then row by row, and their count.
    """
    patches = np.zeros(codes.shape, dtype=np.int64)
    values, inverse = np.unique(codes, return_inverse=True)
    compact = inverse.reshape(codes.shape) + int(values[0] != 0)
    total = 0
    # Many codes are local (a zone in a district), so each is numbered inside its bounding box.
    for number, box in enumerate(ndimage.find_objects(compact), start=1):
        mask = compact[box] == number
        numbered, count = ndimage.label(mask, structure=_STRUCTURES[connectivity])
        patches[box][mask] = numbered[mask] + total
        total += count
    return patches, total


def neighbour_pairs(labels: IntArray) -> IntArray:
    """Pairs of different labels that share a side, both ways, sorted; 0 is left out.

    Returns:
        Two columns: a label and its neighbour.
    """
    sides = (
        (labels[:, :-1].ravel(), labels[:, 1:].ravel()),
        (labels[:-1].ravel(), labels[1:].ravel()),
    )
    base = int(labels.max(initial=0)) + 1
    keys = []
    for one, other in sides:
        meet = (one != other) & (one != 0) & (other != 0)
        one, other = one[meet], other[meet]
        keys += [one * base + other, other * base + one]
    unique = np.unique(np.concatenate(keys))
    return np.stack([unique // base, unique % base], axis=1)
