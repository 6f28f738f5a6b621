"""The place of general restoration: at the periphery of priority restoration."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.keyed import Layer
from shanhai.science.zoning.patch_kernels import (
    Patches,
    add_by_patch,
    contacts,
    mark_patches,
    measure,
    recode,
    within,
)
from shanhai.science.zoning.patches import label_patches
from shanhai.vocabulary import Label

GENERAL_PROTECTION = 3
PRIORITY_RESTORATION = 4
GENERAL_RESTORATION = 5

PERIPHERY_M = 2_000.0
ABSORB_MMU_FACTOR = 4

_STRIP_ROWS = 512


@dataclass(frozen=True, slots=True)
class Periphery:
    """Zones after the periphery rule.

    Attributes:
        codes: The class raster.
        share: Part of the general restoration area that is peripheral, 0–1; 1 without such area.
        detached_patches: Patches far from priority restoration that stay for their deficit.
        flags: `detached` when such patches exist.
    """

    codes: ClassArray
    share: float
    detached_patches: int
    flags: tuple[Flag, ...]


def apply_periphery_rule(
    codes: ClassArray,
    ratio: Layer,
    cell_m: float,
    *,
    min_cells: int,
    periphery_m: float = PERIPHERY_M,
) -> Periphery:
    """Move patches of general restoration (8-connected) to where the plan's wording puts them.

    Small patches (below four minimum mapping units) with only priority restoration around them
    join it. Patches farther than `periphery_m` from it become general protection when their mean
    ratio is not negative; with a deficit they stay and are flagged as detached.

    Args:
        codes: Zone codes, 0 nodata.
        ratio: Reads rows of the comprehensive ratio, −2…2; NaN cells do not count in a mean.
        cell_m: Side of a cell, m.
        min_cells: Cells of the minimum mapping unit.
        periphery_m: Reach of priority restoration, between cell centres, m.
    """
    if not (codes == GENERAL_RESTORATION).any():
        return Periphery(codes.copy(), 1.0, 0, ())
    in_reach = near_priority(codes, cell_m, periphery_m)
    patches, count = label_patches((codes == GENERAL_RESTORATION).view(np.uint8), 8)
    sizes, _ = measure(patches, codes, count)
    touches, others = contacts(patches, codes, count, PRIORITY_RESTORATION)
    enclosed = touches & ~others & (sizes < ABSORB_MMU_FACTOR * min_cells)
    near = np.zeros(count + 1, dtype=np.bool_)
    mark_patches(patches, in_reach, near)
    near &= ~enclosed
    code_of = np.full(count + 1, GENERAL_RESTORATION)
    code_of[enclosed] = PRIORITY_RESTORATION
    code_of[~enclosed & ~near & (_mean_ratio(patches, count, ratio) >= 0)] = GENERAL_PROTECTION
    moved = codes.copy()
    recode(patches, code_of, moved)
    return _report(moved, sizes, near, code_of == GENERAL_RESTORATION)


def _report(
    codes: ClassArray, sizes: NDArray[np.int64], near: BoolArray, stays: BoolArray
) -> Periphery:
    stays[0] = False
    area = int(sizes[stays].sum())
    share = float(sizes[stays & near].sum() / area) if area else 1.0
    detached = int((stays & ~near).sum())
    return Periphery(codes, share, detached, _flags(detached))


def _flags(detached: int) -> tuple[Flag, ...]:
    if not detached:
        return ()
    text = Label(
        f"{detached} 个一般修复与功能提升区图斑远离优先修复区，因供不应求而保留，请规划人员核定。",
        f"General restoration has {detached} {'patch' if detached == 1 else 'patches'} away from "
        "priority restoration, kept for a deficit of their own; a planner should confirm them.",
    )
    return (Flag("detached", text),)


def near_priority(codes: ClassArray, cell_m: float, reach_m: float) -> BoolArray:
    """Cells within `reach_m` of priority restoration, between cell centres."""
    farthest = math.hypot(*codes.shape)
    cells = min(reach_m / cell_m, farthest)
    # A hair of tolerance, lest 2000 m at 0.1 m lose its last cell to rounding.
    return within(codes, PRIORITY_RESTORATION, math.floor(cells * cells * (1 + 1e-12)))


def _mean_ratio(patches: Patches, count: int, ratio: Layer) -> FloatArray:
    """Mean over the valid cells of every patch; NaN, which is no surplus, without one."""
    total, cells = np.zeros(count + 1), np.zeros(count + 1, dtype=np.int64)
    for row in range(0, len(patches), _STRIP_ROWS):
        rows = slice(row, min(row + _STRIP_ROWS, len(patches)))
        add_by_patch(patches[rows], ratio(rows), total, cells)
    mean: FloatArray = np.full(count + 1, np.nan)
    np.divide(total, cells, out=mean, where=cells > 0)
    return mean


def restoration_ring(codes: ClassArray, ratio: Layer, cell_m: float, ring_m: float) -> ClassArray:
    """General protection with a deficit within `ring_m` of priority restoration joins restoration.

    Off in the default settings (`ring_m` = 0).
    """
    ringed = codes.copy()
    if ring_m <= 0:
        return ringed
    near = near_priority(codes, cell_m, ring_m)
    for row in range(0, len(codes), _STRIP_ROWS):
        rows = slice(row, min(row + _STRIP_ROWS, len(codes)))
        joins = (codes[rows] == GENERAL_PROTECTION) & (ratio(rows) < 0) & near[rows]
        ringed[rows][joins] = GENERAL_RESTORATION
    return ringed
