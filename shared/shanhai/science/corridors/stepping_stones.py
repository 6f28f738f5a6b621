"""Stepping stones (踏脚石): patches within a corridor that are too small to be sources."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray
from shanhai.science.corridors.fields import grouped

LEAST_HA = 1.0
"""Area from which a patch counts."""


@dataclass(frozen=True, slots=True)
class SteppingStone:
    """A small patch that a corridor leads over.

    Attributes:
        patch: Its number.
        area_ha: Of the whole patch, ha.
        row: Of the cell of the patch nearest to its centre.
        col: Of the same cell.
    """

    patch: int
    area_ha: float
    row: int
    col: int


def stepping_stones(
    patches: NDArray[np.int32], inside: BoolArray, cell_ha: float, least_ha: float = LEAST_HA
) -> tuple[SteppingStone, ...]:
    """Patches of at least `least_ha` that a swath meets, by number.

    Args:
        patches: Number of the patch of each cell, such as cores below the least area of a source
            and islets; 0 is none.
        inside: Cells of the swath, of the same shape.
        cell_ha: Area of a cell, ha.
        least_ha: Area from which a patch counts, ha, at least 0.

    Raises:
        InvalidInput: `least_ha` is negative.
    """
    if not least_ha >= 0:
        raise InvalidInput(
            f"least_ha is {least_ha}; it must be at least 0",
            message_zh=f"least_ha 为 {least_ha}，不得为负",
            pointer="/least_ha",
        )
    met = np.unique(patches[inside & (patches > 0)])
    found: list[SteppingStone] = []
    for number, cells in grouped(np.where(np.isin(patches, met), patches, 0)).items():
        area_ha = len(cells) * cell_ha
        if area_ha >= least_ha:
            away = ((cells - cells.mean(axis=0)) ** 2).sum(axis=1)
            row, col = cells[np.argmin(away)].tolist()
            found.append(SteppingStone(number, area_ha, row, col))
    return tuple(found)
