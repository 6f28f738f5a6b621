"""Which land to give up last: candidate sites, or all units of the priority map, in one order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from shapely.geometry.base import BaseGeometry

from shanhai.errors import InvalidInput
from shanhai.processes.kit.region import LAND
from shanhai.processes.select_sites.candidates import Candidate
from shanhai.processes.select_sites.contract import RANKING_LAYER
from shanhai.processes.select_sites.gains import Gains
from shanhai.processes.select_sites.priority import Priority, Siting, Units
from shanhai.processes.select_sites.ranking_inputs import RankingInputs
from shanhai.processes.select_sites.rules import Rules, shared_borders
from shanhai.processes.select_sites.task import COMPONENTS, FEATURE_NAMES
from shanhai.raster.store import ScratchStore
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.selection.ranking import (
    LandRanks,
    OuterEdge,
    PerformanceCurves,
    RankedLand,
    Removal,
    performance_curves,
    rank_land,
)
from shanhai.vocabulary import Label

_STEPS = 100
BEST_SHARES = (0.1, 0.17, 0.3)
"""Shares of the land at which a ranking is told: a tenth, and the aims for land of the Convention
on Biological Diversity for 2020 and 2030."""

_DIGITS = 6
_POINTER = "/inputs/ranking/weights"
_OUTER_M = 2.0
"""What of an outline no other site shares, beyond the width of the strip that borders may have."""

_SIDES = 4
_MADE_UP = ("area", "priority")
"""Gains that others make up, or that all land has alike."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Land in the order in which it would be given up.

    Attributes:
        asked: How it was ranked.
        names: Of the features that count.
        places: The sites, or the units with land, that were ranked.
        land: Their features, areas and weights.
        found: Their ranks.
        curves: What is left of each feature at each percent of the land.
    """

    asked: RankingInputs
    names: tuple[str, ...]
    places: IntArray
    land: RankedLand
    found: LandRanks
    curves: PerformanceCurves

    @property
    def labels(self) -> list[Label]:
        """What the features are called."""
        known = COMPONENTS if self.asked.land == "units" else FEATURE_NAMES
        return [known.get(name, Label(name, name)) for name in self.names]

    def rank_of(self, land: str, place: int) -> float | None:
        """Rank of a site or a unit; None where such land, or this one, was not ranked."""
        number = int(np.searchsorted(self.places, place))
        if self.asked.land != land or number == len(self.places) or self.places[number] != place:
            return None
        return round(float(self.found.ranks[number]), _DIGITS)


def find_ranking(
    siting: Siting,
    priority: Priority | None,
    candidates: Sequence[Candidate],
    gains: Gains,
    rules: Rules,
) -> Ranking | None:
    """Rank what was asked for and write the layer; None where no ranking was asked for.

    Sites on which nothing may be done are not ranked, and border on nothing.

    Raises:
        InvalidInput: what is to count is nowhere, or a site costs nothing where value is by cost.
    """
    asked = siting.inputs.ranking
    if asked.rule == "none":
        return None
    if asked.land == "units":
        made = _of_units(siting, priority)
    else:
        made = _of_sites(siting, candidates, gains, rules)
    removal = Removal(asked.rule, asked.exponent, asked.warp)
    names, land = _weighed(asked, made)
    found = siting.place.once(partial(rank_land, land, removal, made.edge))
    siting.store.create(RANKING_LAYER)
    ranks = np.full(made.units.count + 1, np.nan)
    ranks[made.numbers] = found.ranks
    on_land = asked.land == "units"
    siting.place.each(partial(_write_ranks, siting.store, made.units, ranks, on_land))
    curves = performance_curves(land, found, np.linspace(0.0, 1.0, _STEPS + 1))
    return Ranking(asked, names, made.places, land, found, curves)


@dataclass(frozen=True, slots=True)
class _Ranked:
    """What can be ranked.

    Attributes:
        units: Its shapes.
        places: Which of the sites, or of the units with land.
        numbers: Of these among the shapes, from 1.
        features: By name, an amount of each.
        areas: Of each, ha.
        costs: By which values are divided.
        edge: Where only its edge is given up.
    """

    units: Units
    places: IntArray
    numbers: IntArray
    features: Mapping[str, FloatArray]
    areas: FloatArray
    costs: FloatArray
    edge: OuterEdge | None


def _of_sites(
    siting: Siting, candidates: Sequence[Candidate], gains: Gains, rules: Rules
) -> _Ranked:
    free = np.setdiff1d(np.arange(len(candidates)), rules.problem.locked_out)
    sites = [candidates[place] for place in free.tolist()]
    if not sites:
        raise InvalidInput(
            "there is no site to rank: all are kept out",
            message_zh="候选地块均被排除，没有可排序的地块",
            pointer="/inputs/ranking/land",
        )
    areas = np.array([one.area_ha for one in sites])
    costs = areas
    if siting.inputs.ranking.value_per == "cost":
        costs = np.array([one.cost for one in sites])
        _demand_costs(sites)
    edge = None
    if siting.inputs.ranking.edge_removal:
        edge = _edge_of([one.geometry for one in sites])
    return _Ranked(
        Units(siting.grid, 0, [one.geometry for one in sites]),
        free,
        np.arange(1, len(sites) + 1),
        {name: values[free] for name, values in gains.amounts.items()},
        areas,
        costs,
        edge,
    )


def _edge_of(shapes: Sequence[BaseGeometry]) -> OuterEdge:
    """Shapes that share borders; at the edge is what no other borders on all around."""
    borders = shared_borders(shapes)
    shared = np.zeros(len(shapes))
    np.add.at(shared, borders.pairs, borders.lengths[:, None])
    return OuterEdge(borders.pairs, borders.perimeters - shared > _OUTER_M)


def _demand_costs(sites: Sequence[Candidate]) -> None:
    free = [one.code for one in sites if not one.cost > 0]
    if free:
        raise InvalidInput(
            f"sites {', '.join(free[:5])} cost nothing; rank them per area",
            message_zh=f"地块 {'、'.join(free[:5])} 的投资额为 0，请按面积排序",
            pointer="/inputs/ranking/value_per",
        )


def _of_units(siting: Siting, priority: Priority | None) -> _Ranked:
    if priority is None:
        raise InvalidInput(
            "units cannot be ranked: there is no network, ratio or problem to rank them by",
            message_zh="无法对单元排序：没有生态网络、供需比或生态问题",
            pointer="/inputs/ranking/land",
        )
    units, numbers, found = priority.units, priority.numbers, priority.found
    edge = _edge_of_units(units, numbers) if siting.inputs.ranking.edge_removal else None
    amounts = (np.nan_to_num(found.values) * priority.land_ha).round(_DIGITS)
    return _Ranked(
        units,
        np.arange(len(numbers)),
        numbers,
        dict(zip(found.names, amounts, strict=True)),
        priority.land_ha,
        priority.land_ha,
        edge,
    )


def _edge_of_units(units: Units, numbers: IntArray) -> OuterEdge:
    """Neighbours with land; a unit that lacks one on a side lies at the edge."""
    if not units.side:
        return _edge_of([units.polygons[number - 1] for number in numbers.tolist()])
    place_of = np.full(units.count + units.columns + 1, -1)
    place_of[numbers] = np.arange(len(numbers))
    beside = np.where(numbers % units.columns != 0, place_of[numbers + 1], -1)
    below = place_of[numbers + units.columns]
    own = np.arange(len(numbers))
    pairs = np.concatenate(
        [np.stack([own, other], axis=1)[other >= 0] for other in (beside, below)]
    )
    return OuterEdge(pairs, np.bincount(pairs.ravel(), minlength=len(numbers)) < _SIDES)


def _weighed(asked: RankingInputs, made: _Ranked) -> tuple[tuple[str, ...], RankedLand]:
    """The features that count and are somewhere.

    Raises:
        InvalidInput: there is none, or one that is to count is not measured here.
    """
    strange = sorted(asked.weights.keys() - made.features.keys())
    there = {name: values for name, values in made.features.items() if values.any()}
    own = [name for name in there if name not in _MADE_UP] or list(there)
    weights = dict(asked.weights) or dict.fromkeys(own, 1.0)
    names = tuple(name for name in there if weights.get(name, 0.0) > 0)
    if strange or not names:
        known = ", ".join(there) or "-"
        raise InvalidInput(
            f"the land cannot be ranked by {', '.join(strange or weights)}; it has: {known}",
            message_zh=f"无法按 {'、'.join(strange or weights)} 排序；可用指标：{known}",
            pointer=_POINTER,
        )
    amounts = np.stack([there[name] for name in names])
    shares = np.array([weights[name] for name in names])
    return names, RankedLand(amounts, made.areas, made.costs, shares / shares.sum())


def _write_ranks(
    store: ScratchStore, units: Units, ranks: FloatArray, on_land: bool, window: Window
) -> None:
    values = ranks[units.numbers(window)]
    if on_land:
        land: BoolArray = store.read_classes(LAND, window) == 1
        values = np.where(land, values, np.nan)
    store.write(RANKING_LAYER, window, values)


def ranking_document(ranking: Ranking) -> dict[str, Any]:
    """How land was ranked, and what is left of each feature in the best of it."""
    asked, curves, land = ranking.asked, ranking.curves, ranking.land
    best = [int(np.argmin(np.abs(curves.land - share))) for share in BEST_SHARES]
    return {
        "rule": asked.rule,
        "exponent": asked.exponent if asked.rule == "abf" else None,
        "land": asked.land,
        "value_per": asked.value_per,
        "edge_removal": asked.edge_removal,
        "warp": asked.warp,
        "ranked": int(land.sizes.size),
        "area_ha": _told(land.sizes.sum()),
        "features": [
            {
                "name": name,
                "name_zh": label.zh,
                "name_en": label.en,
                "weight": _told(weight),
                "held": [_told(held[place]) for place in best],
            }
            for name, label, weight, held in zip(
                ranking.names, ranking.labels, land.weights, curves.held, strict=True
            )
        ],
        "best": [
            {
                "land_share": share,
                "mean": _told(curves.mean[place]),
                "least": _told(curves.least[place]),
                "weighted": _told(curves.weighted[place]),
            }
            for share, place in zip(BEST_SHARES, best, strict=True)
        ],
    }


def _told(value: float) -> float:
    return round(float(value), _DIGITS)
