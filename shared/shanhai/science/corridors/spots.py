"""Small patches of a network: cells of a raster's top class, and stepping stones (踏脚石)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.candidates import grouped
from shanhai.science.corridors.cost_kernels import Labels
from shanhai.science.corridors.natural_breaks import natural_breaks
from shanhai.science.corridors.pairs import Pair
from shanhai.science.corridors.patches import Patches, core_patches
from shanhai.science.corridors.swaths import Swath
from shanhai.science.grid import SQUARE_METRES_PER_HECTARE, BoolArray, ClassArray, FloatArray
from shanhai.science.zoning.patches import label_patches

ALIKE = 1e-9
"""Relative difference up to which currents are alike: less is rounding of the solver."""


@dataclass(frozen=True, slots=True)
class SpotRule:
    """What makes a spot.

    Attributes:
        classes: Natural breaks divide the values into so many, and the top one counts.
        few: Below so many values a percentile takes the place of the breaks.
        percentile: Which, 0–100.
        min_area_ha: Smaller spots are dropped, ha.
    """

    classes: int = 5
    few: int = 50
    percentile: float = 95.0
    min_area_ha: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a percentile that is none."""
        if not 0 <= self.percentile <= 100:
            raise InvalidInput(
                f"percentile is {self.percentile}; it must lie between 0 and 100",
                message_zh=f"percentile 为 {self.percentile}，须在 0 与 100 之间",
                pointer="/percentile",
            )


@dataclass(frozen=True, slots=True)
class Spots:
    """Patches of the top class, by descending area.

    Attributes:
        patches: The spots.
        threshold: Least value of the top class; NaN when there is no value at all.
        highest: Largest value of each spot.
        mean: Mean value of each spot.
    """

    patches: Patches
    threshold: float
    highest: FloatArray
    mean: FloatArray


@dataclass(frozen=True, slots=True)
class Fragments:
    """Spots cut along the kinds of their ground.

    Attributes:
        labels: Number of each cell's fragment, from 1 row by row; 0 is none.
        spot: Number of the spot of each fragment.
        kind: Of the ground of each fragment.
        area_ha: Of each fragment, ha.
    """

    labels: Labels
    spot: Labels
    kind: ClassArray
    area_ha: FloatArray


def top_class(values: FloatArray, rule: SpotRule) -> float:
    """Least value of the top class; NaN when no value is finite.

    Values that are alike are in one class: the top one takes in those just below its least value.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return np.nan
    if known.size < rule.few:
        least = np.percentile(known, rule.percentile)
    else:
        least = (known.min(), *natural_breaks(known, rule.classes))[-1]
    lower = np.append(np.unique(known[known < least]), least)
    apart = np.flatnonzero(np.diff(lower) > ALIKE * np.abs(lower[1:]))
    return float(lower[apart[-1] + 1] if apart.size else lower[0])


def find_spots(values: FloatArray, cell_m: float, rule: SpotRule) -> Spots:
    """Patches of the cells in the top class; those that share a corner are one.

    Args:
        values: NaN where none is looked for.
        cell_m: Side of a cell, m.
        rule: What makes a spot.
    """
    threshold = top_class(values, rule)
    patches = core_patches(values >= threshold, cell_m, rule.min_area_ha)
    return Spots(patches, threshold, _highest(patches, values), patches.mean(values))


def links_of(patches: Patches, swaths: Mapping[Pair, Swath]) -> tuple[tuple[Pair, ...], ...]:
    """The links through whose swath each patch lies, wholly or in part."""
    found: list[list[Pair]] = [[] for _ in range(patches.count)]
    for pair, swath in sorted(swaths.items()):
        inside = np.unique(patches.labels[swath.slices][swath.inside])
        for number in inside[inside > 0].tolist():
            found[number - 1].append(pair)
    return tuple(tuple(pairs) for pairs in found)


def cut_by_kind(patches: Patches, kinds: ClassArray, cell_m: float) -> Fragments:
    """Cut patches where the kind of their ground changes, such as road, built-up, cropland, water.

    Args:
        patches: The spots.
        kinds: Of every cell; 0 is unknown ground and makes no fragment.
        cell_m: Side of a cell, m.
    """
    # A code for each kind in each patch, so that no fragment reaches into a second one.
    codes = np.where(kinds > 0, patches.labels.astype(np.int64) * 256 + kinds, 0)
    codes[patches.labels == 0] = 0
    labels, count = label_patches(codes, 8)
    first = np.unique(labels, return_index=True)[1][-count:] if count else np.empty(0, np.int64)
    code_of = codes.ravel()[first]
    cells = np.bincount(labels.ravel(), minlength=count + 1)[1:].astype(np.float64)
    return Fragments(
        labels=labels,
        spot=(code_of // 256).astype(np.int32),
        kind=(code_of % 256).astype(np.uint8),
        area_ha=cells * (cell_m**2 / SQUARE_METRES_PER_HECTARE),
    )


def _highest(patches: Patches, values: FloatArray) -> FloatArray:
    found = np.full(patches.count + 1, -np.inf)
    np.maximum.at(found, patches.labels.ravel(), np.nan_to_num(values, nan=-np.inf).ravel())
    return found[1:]


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
