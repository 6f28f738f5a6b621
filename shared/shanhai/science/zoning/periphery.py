"""The place of general restoration: at the periphery of priority restoration."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from shanhai.science.arrays import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.science.distance import distance_m
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.patches import EIGHT_CONNECTED
from shanhai.vocabulary import Label

GENERAL_PROTECTION = 3
PRIORITY_RESTORATION = 4
GENERAL_RESTORATION = 5

PERIPHERY_M = 2_000.0
ABSORB_MMU_FACTOR = 4


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
    ratio: FloatArray,
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
        ratio: Comprehensive ratio, −2…2; NaN cells do not count in a mean.
        cell_m: Side of a cell, m.
        min_cells: Cells of the minimum mapping unit.
        periphery_m: Reach of priority restoration, between cell centres, m.
    """
    numbered, count = ndimage.label(codes == GENERAL_RESTORATION, structure=EIGHT_CONNECTED)
    patches = numbered.astype(np.int64)
    if count == 0:
        return Periphery(codes.copy(), 1.0, 0, ())
    sizes = np.bincount(patches.ravel(), minlength=count + 1)
    priority = codes == PRIORITY_RESTORATION
    enclosed = _enclosed(codes, patches, count) & (sizes < ABSORB_MMU_FACTOR * min_cells)
    near = _within_reach(patches, count, distance_m(priority, cell_m, periphery_m)) & ~enclosed
    surplus = _mean_ratio(patches, count, ratio) >= 0
    code_of = np.full(count + 1, GENERAL_RESTORATION, dtype=np.uint8)
    code_of[enclosed] = PRIORITY_RESTORATION
    code_of[~enclosed & ~near & surplus] = GENERAL_PROTECTION
    moved = np.where(patches > 0, code_of[patches], codes)
    return _report(moved, sizes, near, code_of == GENERAL_RESTORATION)


def _report(codes: ClassArray, sizes: IntArray, near: BoolArray, stays: BoolArray) -> Periphery:
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


def _enclosed(codes: ClassArray, patches: IntArray, count: int) -> BoolArray:
    """Patches that touch priority restoration and, nodata aside, nothing else."""
    padded = np.pad(codes, 1)
    height, width = codes.shape
    touches = np.zeros(count + 1, dtype=bool)
    touches_other = np.zeros(count + 1, dtype=bool)
    for row in range(3):
        for col in range(3):
            beside = padded[row : row + height, col : col + width]
            touches[patches[beside == PRIORITY_RESTORATION]] = True
            other = ~np.isin(beside, (0, PRIORITY_RESTORATION, GENERAL_RESTORATION))
            touches_other[patches[other]] = True
    return touches & ~touches_other


def _within_reach(patches: IntArray, count: int, distance: FloatArray) -> BoolArray:
    reached = np.zeros(count + 1, dtype=bool)
    reached[patches[np.isfinite(distance)]] = True
    return reached


def _mean_ratio(patches: IntArray, count: int, ratio: FloatArray) -> FloatArray:
    """Mean over the valid cells of every patch; NaN, which is no surplus, without one."""
    valid = ~np.isnan(ratio)
    cells = np.bincount(patches[valid], minlength=count + 1)
    total = np.bincount(patches[valid], weights=ratio[valid], minlength=count + 1)
    mean: FloatArray = np.full(count + 1, np.nan)
    np.divide(total, cells, out=mean, where=cells > 0)
    return mean


def restoration_ring(
    codes: ClassArray, ratio: FloatArray, cell_m: float, ring_m: float
) -> ClassArray:
    """General protection with a deficit within `ring_m` of priority restoration joins restoration.

    Off in the default settings (`ring_m` = 0).
    """
    if ring_m <= 0:
        return codes.copy()
    near = np.isfinite(distance_m(codes == PRIORITY_RESTORATION, cell_m, ring_m))
    joins = (codes == GENERAL_PROTECTION) & (ratio < 0) & near
    return np.where(joins, np.uint8(GENERAL_RESTORATION), codes)
