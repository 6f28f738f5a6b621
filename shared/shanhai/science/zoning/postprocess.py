"""From the raster of unit labels to the final zones, in the order of the method."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.zoning.cells_by_zone import Layer
from shanhai.science.zoning.patches import (
    Patches,
    add_by_patch,
    contacts,
    label_patches,
    majority_filter,
    mark_patches,
    measure,
    min_patch_cells,
    recode,
    sieve,
    within,
)
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
    flags: tuple[ResultFlag, ...]


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


def _flags(detached: int) -> tuple[ResultFlag, ...]:
    if not detached:
        return ()
    text = Label(
        f"{detached} 个一般修复与功能提升区图斑远离优先修复区，因供不应求而保留，请规划人员核定。",
        f"General restoration has {detached} {'patch' if detached == 1 else 'patches'} away from "
        "priority restoration, kept for a deficit of their own; a planner should confirm them.",
    )
    return (ResultFlag("detached", text),)


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


STRICT_PROTECTION = 1
KEY_PROTECTION = 2
"""Codes of the least protection the law asks for; also those of `override_source`."""


@dataclass(frozen=True, slots=True)
class PostprocessSettings:
    """What a run may change.

    Attributes:
        majority_rounds: Repetitions of the majority filter, 0–3.
        mmu_ha: Minimum mapping unit, ha.
        periphery_m: Reach of priority restoration, m.
        ring_m: Width of the restoration ring, m; 0 is off.
    """

    majority_rounds: int = 1
    mmu_ha: float = 5.0
    periphery_m: float = PERIPHERY_M
    ring_m: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if not 0 <= self.majority_rounds <= 3:
            raise InvalidInput(
                f"majority_rounds is {self.majority_rounds}; it must lie between 0 and 3",
                message_zh=f"majority_rounds 为 {self.majority_rounds}，须在 0 与 3 之间",
                pointer="/majority_rounds",
            )
        for name in ("mmu_ha", "periphery_m", "ring_m"):
            if not getattr(self, name) >= 0:
                raise InvalidInput(
                    f"{name} is {getattr(self, name)}; it must be at least 0",
                    message_zh=f"{name} 为 {getattr(self, name)}，不得为负",
                    pointer=f"/{name}",
                )


@dataclass(frozen=True, slots=True)
class Postprocessed:
    """The final class raster and how it came about.

    Attributes:
        codes: Zone codes, 0 nodata.
        before_overlay: The zones before the legal overlay.
        override_source: Where the overlay raised a zone the protection the law asks for: 1 in the
            core of a reserve, 2 within the other red line; 0 elsewhere. None without overlay.
        changed_cells: Cells each step changed, in order.
        periphery_share: Part of the general restoration area that is peripheral, 0–1.
        detached_patches: Patches of general restoration away from priority restoration.
        flags: What a planner should know.
    """

    codes: ClassArray
    before_overlay: ClassArray
    override_source: ClassArray | None
    changed_cells: dict[str, int]
    periphery_share: float
    detached_patches: int
    flags: tuple[ResultFlag, ...]


def postprocess(
    codes: ClassArray,
    ratio: Layer,
    cell_m: float,
    settings: PostprocessSettings | None = None,
    *,
    floor: ClassArray | None = None,
) -> Postprocessed:
    """Majority, sieve, periphery rule, overlay, sieve.

    Args:
        codes: Unit labels on the analysis grid, 0 nodata; no step fills nodata.
        ratio: Reads rows of the comprehensive ratio, −2…2, so that it is never held whole.
        cell_m: Side of a cell, m.
        settings: Defaults of the method unless given.
        floor: 1 where the law asks for at least strict protection, 2 for at least key protection,
            0 elsewhere (`protection_floor`). Without it no overlay is made.
    """
    settings = settings or PostprocessSettings()
    min_cells = min_patch_cells(settings.mmu_ha, cell_m)
    changed: dict[str, int] = {}

    def told(step: str, before: ClassArray, after: ClassArray) -> ClassArray:
        changed[step] = int(np.count_nonzero(before != after))
        return after

    smooth = codes
    for _ in range(settings.majority_rounds):
        smooth = majority_filter(smooth)
    told("majority", codes, smooth)
    sieved = told("sieve", smooth, sieve(smooth, min_cells))
    del smooth
    periphery = apply_periphery_rule(
        sieved, ratio, cell_m, min_cells=min_cells, periphery_m=settings.periphery_m
    )
    told("periphery", sieved, periphery.codes)
    del sieved
    ringed = restoration_ring(periphery.codes, ratio, cell_m, settings.ring_m)
    told("ring", periphery.codes, ringed)
    overlaid = told("overlay", ringed, overlay_protection(ringed, floor))
    final = sieve(overlaid, min_cells)
    if floor is not None:
        # A red-line patch below the mapping unit must outlive the last sieve: law before looks.
        final = overlay_protection(final, floor)
    told("final_sieve", overlaid, final)
    return Postprocessed(
        codes=final,
        before_overlay=ringed,
        override_source=_override_source(ringed, floor),
        changed_cells=changed,
        periphery_share=periphery.share,
        detached_patches=periphery.detached_patches,
        flags=periphery.flags,
    )


def protection_floor(red_line: BoolArray, reserve_core: BoolArray) -> ClassArray:
    """The least protection the law asks for in each cell.

    Args:
        red_line: Within the ecological red line.
        reserve_core: Within the core of a nature reserve.

    Returns:
        1, strict protection, in the core; 2, key protection, in the other red line; 0 elsewhere.
    """
    floor = np.where(red_line, np.uint8(KEY_PROTECTION), np.uint8(0))
    return np.where(reserve_core, np.uint8(STRICT_PROTECTION), floor)


def _override_source(before: ClassArray, floor: ClassArray | None) -> ClassArray | None:
    if floor is None:
        return None
    return np.where(overlay_protection(before, floor) != before, floor, np.uint8(0))


def overlay_protection(codes: ClassArray, floor: ClassArray | None) -> ClassArray:
    """Raise zones to the protection the law asks for; never lower one, never fill nodata."""
    if floor is None:
        return codes.copy()
    # Codes rise as protection falls, and nodata is 0, so one comparison says it all.
    return np.where((floor > 0) & (codes > floor), floor, codes)
