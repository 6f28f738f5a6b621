"""The factors of a resistance surface, and their weighted sum."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import BoolArray, ClassArray, FloatArray
from shanhai.science.corridors.resistance_tables import FACTORS, ROADS, Bands, ResistanceTable
from shanhai.science.distance import distance_m
from shanhai.science.landcover import LandCover, class_values

CLASS_NAMES: Mapping[int, str] = {int(cover): cover.name.lower() for cover in LandCover}
"""Name in a table of every internal class of land cover."""


@dataclass(frozen=True, slots=True)
class Weighed:
    """The sum of the factors.

    Attributes:
        resistance: `R_base = Σ w_f·r_f`, ≥ 1; NaN where a factor is.
        weights: Used, of the factors there were; their sum is 1.
        left_out: Factors without input, whose weight the others share in proportion.
    """

    resistance: FloatArray
    weights: Mapping[str, float]
    left_out: tuple[str, ...]


def land_cover_resistance(land_cover: ClassArray, table: ResistanceTable) -> FloatArray:
    """Resistance of the class of internal land cover; NaN for the sea and nodata.

    Raises:
        InvalidInput: a class that occurs is not in the table.
    """
    rows = {
        cover: table.land_cover[name]
        for cover in LandCover
        if (name := CLASS_NAMES[cover]) in table.land_cover
    }
    return class_values(land_cover, rows)


def road_resistance(
    roads: Mapping[str, BoolArray],
    table: ResistanceTable,
    cell_m: float,
    structures: BoolArray | None = None,
) -> FloatArray:
    """Resistance by the distance to roads; where kinds differ, the highest.

    With a halo of `halo_cells(reach_m(table), cell_m)` a window gives the bytes of the whole.

    Args:
        roads: Cells that a road of a kind (`main`, `minor`) touches.
        table: The table.
        cell_m: Side of a cell, m.
        structures: Cells where the road runs in a tunnel or on a viaduct of more than 100 m: there
            it is no road to what lives on the ground.

    Returns:
        Resistance, never NaN.

    Raises:
        InvalidInput: there is no kind, or one the table does not know.
    """
    unknown = sorted(set(roads) - set(ROADS))
    if unknown or not roads:
        kinds = sorted(roads) or ["none"]
        raise InvalidInput(
            f"kinds of roads are {', '.join(kinds)}; known are {', '.join(ROADS)}",
            message_zh=f"道路类别为 {'、'.join(kinds)}，可用：{'、'.join(ROADS)}",
            pointer="/roads",
        )
    layers = [
        _by_distance(mask if structures is None else mask & ~structures, table.roads[kind], cell_m)
        for kind, mask in roads.items()
    ]
    return np.asarray(np.maximum.reduce(layers))


def water_resistance(water: BoolArray, table: ResistanceTable, cell_m: float) -> FloatArray:
    """Resistance by the distance to water; halo as for `road_resistance`; never NaN."""
    return _by_distance(water, table.water, cell_m)


def reach_m(table: ResistanceTable) -> float:
    """Distance beyond which no road and no water is felt, m."""
    return max(bands.edges[-1] for bands in (*table.roads.values(), table.water))


def _by_distance(mask: BoolArray, bands: Bands, cell_m: float) -> FloatArray:
    return bands.of(distance_m(mask, cell_m, bands.edges[-1]))


def weigh(factors: Mapping[str, FloatArray], table: ResistanceTable) -> Weighed:
    """Weighted sum of the factors there are.

    Args:
        factors: Resistance by factor: some of `land_cover`, `slope`, `roads`, `water`.
        table: Gives the weights.

    Raises:
        InvalidInput: a factor is unknown, or those that are given weigh nothing.
    """
    unknown = sorted(set(factors) - set(FACTORS))
    if unknown:
        raise InvalidInput(
            f"unknown factors of resistance: {', '.join(unknown)}; known are {', '.join(FACTORS)}",
            message_zh=f"未知阻力因子：{'、'.join(unknown)}；可用：{'、'.join(FACTORS)}",
            pointer="/factors",
        )
    weights = _shared(factors, table)
    total = np.zeros(next(iter(factors.values())).shape)
    for name, weight in weights.items():
        total += weight * factors[name]
    left_out = tuple(name for name in FACTORS if name not in factors and table.weights[name] > 0)
    return Weighed(total, weights, left_out)


def _shared(factors: Mapping[str, FloatArray], table: ResistanceTable) -> dict[str, float]:
    given = {name: table.weights[name] for name in FACTORS if name in factors}
    whole = sum(given.values())
    if whole <= 0:
        raise InvalidInput(
            f"the factors {', '.join(given) or 'none'} weigh {whole:g}; "
            "at least one with a weight above 0 is needed",
            message_zh=f"因子 {'、'.join(given) or '无'} 的权重合计为 {whole:g}，"
            "至少须有一个权重大于 0 的因子",
            pointer="/factors",
        )
    return {name: weight / whole for name, weight in given.items()}
