"""Patches of equal code, and the clean-up of a class raster by majority and sieve.

The compiled loops keep to a few bytes per cell: codes as they are, four bytes of patch number, two
of distance.
"""

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, ClassArray, IntArray
from shanhai.science.kernels import compiled
from shanhai.science.zoning.contiguity import find

Patches = NDArray[np.int32]
"""Patch number of each cell, from 1; 0 is nodata."""

Codes = NDArray[np.integer]

_FAR = np.uint16(65_535)


@compiled
def _join(parent: IntArray, one: int, other: int) -> int:
    """Make two provisional numbers one, 0 being none; returns the lower, or the only one."""
    if one == 0 or one == other:
        return other
    a, b = find(parent, one), find(parent, other)
    parent[max(a, b)] = min(a, b)
    return min(a, b)


@compiled
def label(codes: Codes, corners: bool) -> tuple[Patches, int]:
    """Number the patches of equal code by their first cell, row by row, and count them."""
    height, width = codes.shape
    patches = np.zeros((height, width), dtype=np.int32)
    parent = np.zeros(1 << 16, dtype=np.int64)
    last = 0
    for row in range(height):
        for col in range(width):
            code = codes[row, col]
            if code == 0:
                continue
            west = col > 0 and codes[row, col - 1] == code
            north = row > 0 and codes[row - 1, col] == code
            own = patches[row, col - 1] if west else (patches[row - 1, col] if north else 0)
            if west and north:
                own = _join(parent, own, patches[row - 1, col])
            elif corners and row > 0 and not north:
                # Corners beside a cell that already belongs to the patch belong to it too.
                if not west and col > 0 and codes[row - 1, col - 1] == code:
                    own = patches[row - 1, col - 1]
                if col + 1 < width and codes[row - 1, col + 1] == code:
                    own = _join(parent, own, patches[row - 1, col + 1])
            if own == 0:
                last += 1
                if last == len(parent):
                    grown = np.zeros(2 * last, dtype=np.int64)
                    grown[:last] = parent
                    parent = grown
                parent[last] = last
                own = last
            patches[row, col] = own
    return patches, _number_roots(patches, parent, last)


@compiled
def _number_roots(patches: Patches, parent: IntArray, last: int) -> int:
    """Replace provisional numbers by those of their roots, without gaps; returns the count."""
    number = np.zeros(last + 1, dtype=np.int32)
    count = 0
    for item in range(1, last + 1):
        root = find(parent, item)
        if root == item:
            count += 1
            number[item] = count
        else:
            number[item] = number[root]
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            patches[row, col] = number[patches[row, col]]
    return count


@compiled
def measure(patches: Patches, codes: Codes, count: int) -> tuple[IntArray, IntArray]:
    """Cells and code of every patch; the first entry is nodata."""
    sizes = np.zeros(count + 1, dtype=np.int64)
    code_of = np.zeros(count + 1, dtype=np.int64)
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            patch = patches[row, col]
            sizes[patch] += 1
            code_of[patch] = codes[row, col]
    return sizes, code_of


@compiled
def _ahead(one: int, other: int, sizes: IntArray, code_of: IntArray) -> bool:
    """Whether a patch is larger; of equal ones the lower code, then the earlier one, is."""
    if sizes[one] != sizes[other]:
        return bool(sizes[one] > sizes[other])
    if code_of[one] != code_of[other]:
        return bool(code_of[one] < code_of[other])
    return one < other


@compiled
def first_cells(patches: Patches, count: int, row: int, col: int, width: int) -> IntArray:
    """First cell of every patch of a tile at `row`, `col`, counted over a raster `width` wide."""
    first = np.full(count + 1, -1, dtype=np.int64)
    for i in range(patches.shape[0]):
        for j in range(patches.shape[1]):
            if first[patches[i, j]] < 0:
                first[patches[i, j]] = (row + i) * width + col + j
    return first


@compiled
def _beside(patches: Patches, keys: IntArray, count: int) -> int:
    """Write a key for every change of patch from cell to cell; returns how many there are."""
    height, width = patches.shape
    last, at = np.int64(0), 0
    for row in range(height):
        for col in range(width):
            one = patches[row, col]
            for beside in range(2):
                i, j = row + beside, col + 1 - beside
                if one == 0 or i == height or j == width:
                    continue
                other = patches[i, j]
                if other == 0 or other == one:
                    continue
                key = np.int64(min(one, other)) * count + max(one, other)
                if key != last:
                    if len(keys) > 0:
                        keys[at] = key
                    at += 1
                    last = key
    return at


def pairs_of(patches: Patches) -> NDArray[np.int32]:
    """Numbers of the patches that share a side, the lower first, each pair once, in order."""
    count = int(patches.max(initial=0)) + 1
    keys = np.empty(_beside(patches, np.empty(0, dtype=np.int64), count), dtype=np.int64)
    _beside(patches, keys, count)
    keys = np.unique(keys)
    return np.stack([keys // count, keys % count], axis=1).astype(np.int32)


@compiled
def largest_neighbours(pairs: IntArray, sizes: IntArray, code_of: IntArray, least: int) -> IntArray:
    """For every patch below `least` cells its largest neighbour ahead of it, for others itself."""
    target = np.arange(len(sizes))
    for number in range(len(pairs)):
        one, other = pairs[number, 0], pairs[number, 1]
        small, large = (other, one) if _ahead(one, other, sizes, code_of) else (one, other)
        if sizes[small] < least and _ahead(large, target[small], sizes, code_of):
            target[small] = large
    return target


def chain_ends(target: IntArray) -> IntArray:
    """For every patch the last of its chain of ever larger neighbours."""
    while not np.array_equal(target, target[target]):
        target = target[target]
    return target


@compiled
def recode(patches: Patches, code_of: Codes, codes: ClassArray) -> int:
    """Give the cells of every patch its code, in place; returns how many changed."""
    changed = 0
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            patch = patches[row, col]
            if patch > 0 and codes[row, col] != code_of[patch]:
                codes[row, col] = code_of[patch]
                changed += 1
    return changed


@compiled
def _alike(codes: ClassArray, own: int) -> bool:
    """Whether all codes are `own`."""
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            if codes[row, col] != own:
                return False
    return True


@compiled
def _most_frequent(codes: ClassArray, own: int, votes: NDArray[np.uint8]) -> int:
    """The code of most cells; of a tie `own`, then the lowest. `votes` is room for all codes."""
    votes[:] = 0
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            votes[codes[row, col]] += 1
    best = own
    for row in range(codes.shape[0]):
        for col in range(codes.shape[1]):
            code = codes[row, col]
            more = votes[code] > votes[best]
            lower = votes[code] == votes[best] and best != own and code < best
            if code != 0 and (more or lower):
                best = code
    return best


@compiled
def majority(codes: ClassArray) -> ClassArray:
    """Most frequent code of each 3×3 neighbourhood; see `majority_filter`."""
    height, width = codes.shape
    result = np.zeros_like(codes)
    votes = np.zeros(256, dtype=np.uint8)
    for row in range(height):
        for col in range(width):
            own = codes[row, col]
            if own == 0:
                continue
            top, bottom = max(row - 1, 0), min(row + 2, height)
            left, right = max(col - 1, 0), min(col + 2, width)
            best = own
            # Few cells lie at a border; only there must votes be counted.
            if not _alike(codes[top:bottom, left:right], own):
                best = _most_frequent(codes[top:bottom, left:right], own, votes)
            result[row, col] = best
    return result


@compiled
def within(codes: ClassArray, code: int, reach: int) -> BoolArray:
    """Cells at most √`reach` cells, centre to centre, from one of `code`.

    First the distance along the column, then along each row the stretch that a cell so near still
    covers: exact, in whole numbers. Columns tell distances of up to 65 534 cells.
    """
    height, width = codes.shape
    down = np.empty((height, width), dtype=np.uint16)
    for row in range(height):
        for col in range(width):
            above = down[row - 1, col] if row > 0 else _FAR
            down[row, col] = 0 if codes[row, col] == code else min(above, _FAR - 1) + 1
    near = np.zeros((height, width), dtype=np.bool_)
    below = np.full(width, _FAR, dtype=np.uint16)
    widths = np.empty(width, dtype=np.int64)
    for row in range(height - 1, -1, -1):
        for col in range(width):
            below[col] = 0 if codes[row, col] == code else min(below[col], _FAR - 1) + 1
            distance = np.int64(min(below[col], down[row, col]))
            left = reach - distance * distance
            widths[col] = _root(int(left)) if distance < _FAR and left >= 0 else -1
        _cover(widths, near[row])
    return near


@compiled
def _root(square: int) -> int:
    """Largest whole number whose square is not above `square`."""
    root = int(math.sqrt(square))
    while root * root > square:
        root -= 1
    while (root + 1) * (root + 1) <= square:
        root += 1
    return root


@compiled
def _cover(widths: IntArray, near: BoolArray) -> None:
    """Mark the cells within `widths` of a cell of the row; −1 reaches nothing."""
    size = len(widths)
    farthest = -1
    for col in range(size):
        if widths[col] >= 0:
            farthest = max(farthest, col + widths[col])
        near[col] = farthest >= col
    farthest = size
    for col in range(size - 1, -1, -1):
        if widths[col] >= 0:
            farthest = min(farthest, col - widths[col])
        near[col] |= farthest <= col


@compiled
def contacts(
    patches: Patches, codes: ClassArray, row: int, col: int, count: int, friend: int
) -> tuple[BoolArray, BoolArray]:
    """Which patches touch, over sides and corners, `friend`, and which anything else but nodata.

    Args:
        patches: Of one code, in a tile; cells of that code around it are of the same patches.
        codes: Of the tile and the cells around it, as far as there are any.
        row, col: Where the tile begins among them.
        count: Number of patches.
        friend: Code that is told apart from others.
    """
    touches = np.zeros(count + 1, dtype=np.bool_)
    others = np.zeros(count + 1, dtype=np.bool_)
    for y in range(patches.shape[0]):
        for x in range(patches.shape[1]):
            patch = patches[y, x]
            if patch == 0:
                continue
            own = codes[row + y, col + x]
            for i in range(max(row + y - 1, 0), min(row + y + 2, codes.shape[0])):
                for j in range(max(col + x - 1, 0), min(col + x + 2, codes.shape[1])):
                    if codes[i, j] == own or codes[i, j] == 0:
                        continue
                    if codes[i, j] == friend:
                        touches[patch] = True
                    else:
                        others[patch] = True
    return touches, others


@compiled
def mark_patches(patches: Patches, mask: BoolArray, marked: BoolArray) -> None:
    """Mark the patches that hold a cell of the mask."""
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            if mask[row, col]:
                marked[patches[row, col]] = True


_ONE = float(1 << 56)
_LOW = (1 << 32) - 1


@compiled
def add_by_patch(
    patches: Patches, values: NDArray[np.floating], sums: IntArray, cells: IntArray
) -> None:
    """Add the valid values of a tile, −64 to 64, to the sums and counts of their patches.

    Sums are of whole numbers, of 2⁻⁵⁶ each, so that their order does not matter: in the first row
    those of the upper 32 bits and in the second those of the lower.
    """
    for row in range(patches.shape[0]):
        for col in range(patches.shape[1]):
            value = float(values[row, col])
            if not math.isnan(value):
                whole = np.int64(math.floor(value * _ONE))
                sums[0, patches[row, col]] += whole >> 32
                sums[1, patches[row, col]] += whole & _LOW
                cells[patches[row, col]] += 1


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


def min_patch_cells(mmu_ha: float, cell_m: float) -> int:
    """Cells of the minimum mapping unit, rounded up."""
    return math.ceil(round(mmu_ha * SQUARE_METRES_PER_HECTARE / cell_m**2, 9))


def majority_filter(codes: ClassArray) -> ClassArray:
    """The most frequent code of the 3×3 neighbourhood, centre included.

    A tie that includes the centre keeps it, another tie takes the lowest code. Nodata (0) has no
    vote and is never filled. A halo of one cell makes windows equal to the whole raster.
    """
    return majority(codes)
