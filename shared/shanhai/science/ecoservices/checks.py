"""What must be true of the results of a method; where it is not, something is wrong with them."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from shanhai.science.ecoservices.layers import CLASS_MASKS
from shanhai.science.ecoservices.method import Statistic
from shanhai.science.landcover import LandCover
from shanhai.vocabulary import Label

EXTREME_EROSION = 500.0
"""Erosion that hardly a cell should exceed, t/ha/yr."""

FEW = 0.01
"""Part of the cells that may exceed it."""


@dataclass(frozen=True, slots=True)
class Check:
    """A law that a method's results keep.

    Attributes:
        code: To count on.
        label: The law, as a reader knows it.
        statistics: The numbers it is about.
        holds: From the numbers by name to whether it is kept.
        stops: Whether a run must not go on when it is broken.
    """

    code: str
    label: Label
    statistics: tuple[Statistic, ...]
    holds: Callable[[Mapping[str, float]], bool]
    stops: bool = False


def _falls(numbers: Mapping[str, float]) -> bool:
    """Whether each number is above the next; classes that do not occur are passed over."""
    known = [number for number in numbers.values() if not math.isnan(number)]
    return all(one > other for one, other in pairwise(known))


def _is_rare(numbers: Mapping[str, float]) -> bool:
    return not numbers["p99"] > EXTREME_EROSION


def _is_zero(numbers: Mapping[str, float]) -> bool:
    return not numbers["built_up"] > 0


def _by_class(of: str, *covers: LandCover) -> tuple[Statistic, ...]:
    return tuple(
        Statistic(cover.name.lower(), of, "mean", where=CLASS_MASKS[cover].name) for cover in covers
    )


_FOREST, _GRASS, _CROP, _BUILT = (
    LandCover.FOREST,
    LandCover.GRASSLAND,
    LandCover.CROPLAND,
    LandCover.BUILT_UP,
)

CHECKS: Mapping[tuple[str, str], tuple[Check, ...]] = MappingProxyType(
    {
        ("soil_retention", "rusle"): (
            Check(
                "extreme_erosion",
                Label(
                    f"土壤侵蚀量超过 {EXTREME_EROSION:g} t/(ha·a) 的像元不应多于 1 %",
                    f"at most 1 % of the cells lose more than {EXTREME_EROSION:g} t/ha a year",
                ),
                (Statistic("p99", "actual_erosion", "quantile", 1 - FEW),),
                _is_rare,
            ),
        ),
        ("cooling", "ucm"): (
            Check(
                "cooling_order",
                Label(
                    "热缓解指数均值应为 林地 > 草地 > 建设用地",
                    "heat mitigation falls on average from forest to grassland to built-up land",
                ),
                _by_class("heat_mitigation", _FOREST, _GRASS, _BUILT),
                _falls,
                stops=True,
            ),
        ),
        ("stormwater_regulation", "scs_cn"): (
            Check(
                "stormwater_order",
                Label(
                    "雨洪调节供给均值应为 林地 > 草地 > 耕地 > 建设用地",
                    "rain taken up falls on average from forest to grassland, cropland and "
                    "built-up land",
                ),
                _by_class("supply", _FOREST, _GRASS, _CROP, _BUILT),
                _falls,
            ),
        ),
        ("biodiversity", "habitat_quality"): (
            Check(
                "habitat_order",
                Label(
                    "生境质量均值应为 林地 > 草地 > 耕地 > 建设用地",
                    "habitat quality falls on average from forest to grassland, cropland and "
                    "built-up land",
                ),
                _by_class("supply", _FOREST, _GRASS, _CROP, _BUILT),
                _falls,
            ),
            Check(
                "built_up_habitat",
                Label("建设用地的生境质量应为 0", "built-up land is no habitat"),
                (
                    Statistic(
                        "built_up", "supply", "max", where=CLASS_MASKS[LandCover.BUILT_UP].name
                    ),
                ),
                _is_zero,
            ),
        ),
    }
)
"""By service and method."""
