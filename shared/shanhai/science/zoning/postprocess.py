"""From the raster of unit labels to the final zones, in the order of the method."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, ClassArray
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.keyed import Layer
from shanhai.science.zoning.periphery import (
    PERIPHERY_M,
    apply_periphery_rule,
    restoration_ring,
)
from shanhai.science.zoning.sieve import majority_filter, min_patch_cells, sieve

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
    flags: tuple[Flag, ...]


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
