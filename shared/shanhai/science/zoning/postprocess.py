"""From the raster of unit labels to the final zones, in the order of the method."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.zoning.flag import Flag
from shanhai.science.zoning.periphery import (
    PERIPHERY_M,
    apply_periphery_rule,
    restoration_ring,
)
from shanhai.science.zoning.sieve import majority_filter, min_patch_cells, sieve

KEY_PROTECTION = 2


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
        before_overlay: The same without the legal overlay.
        changed_cells: Cells each step changed, in order.
        periphery_share: Part of the general restoration area that is peripheral, 0–1.
        detached_patches: Patches of general restoration away from priority restoration.
        flags: What a planner should know.
    """

    codes: ClassArray
    before_overlay: ClassArray
    changed_cells: dict[str, int]
    periphery_share: float
    detached_patches: int
    flags: tuple[Flag, ...]


def postprocess(
    codes: ClassArray,
    ratio: FloatArray,
    cell_m: float,
    settings: PostprocessSettings | None = None,
    *,
    protection_floor: ClassArray | None = None,
) -> Postprocessed:
    """Majority, sieve, periphery rule, overlay, sieve.

    Args:
        codes: Unit labels on the analysis grid, 0 nodata; no step fills nodata.
        ratio: Comprehensive ratio, −2…2.
        cell_m: Side of a cell, m.
        settings: Defaults of the method unless given.
        protection_floor: 1 where the law asks for at least strict protection, 2 for at least key
            protection, 0 elsewhere. Without it no overlay is made.
    """
    settings = settings or PostprocessSettings()
    min_cells = min_patch_cells(settings.mmu_ha, cell_m)
    majority = codes
    for _ in range(settings.majority_rounds):
        majority = majority_filter(majority)
    sieved = sieve(majority, min_cells)
    periphery = apply_periphery_rule(
        sieved, ratio, cell_m, min_cells=min_cells, periphery_m=settings.periphery_m
    )
    ringed = restoration_ring(periphery.codes, ratio, cell_m, settings.ring_m)
    overlaid = overlay_protection(ringed, protection_floor)
    final = sieve(overlaid, min_cells)
    if protection_floor is not None:
        # A red-line patch below the mapping unit must outlive the last sieve: law before looks.
        final = overlay_protection(final, protection_floor)
    steps = {
        "majority": (codes, majority),
        "sieve": (majority, sieved),
        "periphery": (sieved, periphery.codes),
        "ring": (periphery.codes, ringed),
        "overlay": (ringed, overlaid),
        "final_sieve": (overlaid, final),
    }
    return Postprocessed(
        codes=final,
        before_overlay=ringed,
        changed_cells={
            name: int(np.count_nonzero(before != after)) for name, (before, after) in steps.items()
        },
        periphery_share=periphery.share,
        detached_patches=periphery.detached_patches,
        flags=periphery.flags,
    )


def overlay_protection(codes: ClassArray, floor: ClassArray | None) -> ClassArray:
    """Raise zones to the protection the law asks for; never lower one, never fill nodata."""
    if floor is None:
        return codes.copy()
    # Codes rise as protection falls, and nodata is 0, so one comparison says it all.
    return np.where((floor > 0) & (codes > floor), floor, codes)
