"""The problem a selection solves: sites with amounts, and every rule that was asked for."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shanhai.errors import Fault, InvalidInput
from shanhai.processes.kit.task import LineKind, pointing_at
from shanhai.processes.select_sites.candidates import BORDER_M, Candidate, places_by_code
from shanhai.processes.select_sites.gains import BORDER_HA, Gains
from shanhai.processes.select_sites.priority import HECTARE_M2, Siting
from shanhai.science.grid import FloatArray
from shanhai.science.selection.groups import SiteGroups
from shanhai.science.selection.problem import (
    BudgetGoal,
    Goal,
    MaximumBenefit,
    MinimumSet,
    SelectionProblem,
    TargetCoverage,
    TargetShortfall,
)
from shanhai.science.selection.rules import (
    CorridorSteps,
    DistrictRule,
    Edges,
    FundRule,
    PhaseRule,
    SiteConnections,
)

_DIGITS = 6
_KM_M = 1000.0
_LEAST_PROBABILITY = 0.01
_MOST_PAIRS = 50_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What is asked for, in the terms of the programme.

    Attributes:
        problem: Sites and rules.
        goal: What the choice is for.
        features: The features that count.
        targets: Of each feature that has one, in its unit.
        totals: What the sites that may be chosen give of each feature together.
        excluded: Kinds of the control areas that keep a site out, by its number.
    """

    problem: SelectionProblem
    goal: Goal
    features: tuple[str, ...]
    targets: Mapping[str, float]
    totals: Mapping[str, float]
    excluded: Mapping[int, tuple[LineKind, ...]]


def make_rules(siting: Siting, candidates: Sequence[Candidate], gains: Gains) -> Rules:
    """The programme that was asked for.

    Raises:
        InvalidInput: rules contradict each other, or nothing that is asked for can be had.
    """
    inputs = siting.inputs
    excluded = _excluded(siting, candidates)
    numbers = places_by_code(candidates)
    locked_in = tuple(dict.fromkeys(numbers[code] for code in inputs.locked_in))
    _demand_free(siting, locked_in, numbers, excluded)
    barred = {*(numbers[code] for code in inputs.locked_out), *excluded}
    free = np.array([place not in barred for place in range(len(candidates))])
    totals = {
        name: float(values[free].sum().round(_DIGITS)) for name, values in gains.amounts.items()
    }
    targets = _targets(siting, totals)
    features = tuple(targets) if targets else inputs.goal.named
    costs = np.array([one.cost for one in candidates])
    edges = _edges(siting, candidates)
    with pointing_at("/inputs"):
        problem = SelectionProblem(
            costs=costs,
            amounts=np.stack([gains.amounts[name] for name in features]),
            features=features,
            locked_in=locked_in,
            locked_out=tuple(sorted(barred)),
            budget=inputs.budget,
            districts=_districts(siting, candidates),
            variants=tuple(
                tuple(dict.fromkeys(numbers[code] for code in group)) for group in inputs.variants
            ),
            phases=tuple(PhaseRule(one.name, one.budget, one.share) for one in inputs.phases),
            funds=_funds(siting, candidates),
            edges=edges,
            groups=_groups(siting, candidates, edges),
            connections=_connections(siting, candidates),
            corridors=_corridors(siting, gains),
        )
    goal = _goal(siting, features, targets, totals)
    return Rules(problem, goal, features, targets, totals, excluded)


def least_shortfall(rules: Rules) -> BudgetGoal:
    """The goal of missing the targets by least, every one alike."""
    targets = np.array([rules.targets[name] for name in rules.features])
    return TargetShortfall(np.full(len(targets), 1 / len(targets)), targets)


def _demand_free(
    siting: Siting,
    locked_in: Sequence[int],
    numbers: Mapping[str, int],
    excluded: Mapping[int, Sequence[str]],
) -> None:
    """Refuse sites that are taken and lie where nothing may be done."""
    faults = [
        Fault(
            f"/inputs/locked_in/{place}",
            f"site {code!r} lies in {', '.join(excluded[numbers[code]])}, which is excluded",
            f"地块 {code!r} 落入被排除的管控线：{'、'.join(excluded[numbers[code]])}",
        )
        for place, code in enumerate(siting.inputs.locked_in)
        if numbers[code] in excluded
    ]
    if faults:
        raise InvalidInput.of(faults)


def _excluded(siting: Siting, candidates: Sequence[Candidate]) -> dict[int, tuple[LineKind, ...]]:
    """Sites that lie in control areas by more than they may."""
    found: dict[int, tuple[LineKind, ...]] = {}
    for kind in siting.inputs.exclude.lines:
        areas = [shape(dict(one.geometry)) for one in siting.task.areas if one.kind == kind]
        if not areas:
            continue
        whole = shapely.union_all([shapely.make_valid(area) for area in areas])
        for place, one in enumerate(candidates):
            inside = siting.common(one.geometry, whole).area - BORDER_HA * HECTARE_M2
            if inside > siting.inputs.exclude.share * one.geometry.area:
                found[place] = (*found.get(place, ()), kind)
    return found


def _targets(siting: Siting, totals: Mapping[str, float]) -> dict[str, float]:
    """Targets above 0; a share is rounded down, so that all there is can reach it."""
    goal = siting.inputs.goal
    asked = dict(goal.targets)
    for name, share in goal.target_shares.items():
        asked[name] = math.floor(share * totals[name] * 10**_DIGITS) / 10**_DIGITS
    found = {name: value for name, value in asked.items() if value > 0}
    if asked and not found:
        raise InvalidInput(
            "no target is above 0: the sites that may be chosen give nothing of what is asked for",
            message_zh="目标均为 0：可选地块不提供所要求的效益",
            pointer="/inputs/goal",
        )
    return found


def _goal(
    siting: Siting,
    features: Sequence[str],
    targets: Mapping[str, float],
    totals: Mapping[str, float],
) -> Goal:
    asked = siting.inputs.goal
    wanted = np.array([targets.get(name, 0.0) for name in features])
    if asked.kind == "minimum_set":
        return MinimumSet(wanted)
    weights = np.array(
        [float(asked.weights.get(name, 0.0 if asked.weights else 1.0)) for name in features]
    )
    if asked.kind != "maximum_gain":
        weights = _shares(weights)
        made = TargetCoverage if asked.kind == "coverage" else TargetShortfall
        return made(weights, wanted)
    # As parts of all there is, so that hectares and scores can be weighed against each other.
    whole = np.array([totals[name] for name in features])
    scaled = np.divide(_shares(weights), whole, out=np.zeros(len(features)), where=whole > 0)
    if not scaled.any():
        raise InvalidInput(
            f"the sites that may be chosen give nothing of {', '.join(features)}",
            message_zh=f"可选地块不提供 {'、'.join(features)}",
            pointer="/inputs/goal/weights",
        )
    caps = None
    if asked.caps:
        caps = np.array([asked.caps.get(name, totals[name]) for name in features])
    return MaximumBenefit(scaled, caps)


def _shares(weights: FloatArray) -> FloatArray:
    whole = weights.sum()
    if not whole > 0:
        raise InvalidInput(
            "all weights of what is asked for are 0",
            message_zh="所要求指标的权重均为 0",
            pointer="/inputs/goal/weights",
        )
    return np.asarray(weights / whole)


def districts_of(siting: Siting, candidates: Sequence[Candidate]) -> list[int | None]:
    """The district that holds most of each site; None outside all."""
    districts = siting.place.area.districts
    if not districts:
        return [None] * len(candidates)
    tree = shapely.STRtree(districts)
    found: list[int | None] = []
    for one in candidates:
        met = sorted(tree.query(one.geometry, predicate="intersects").tolist())
        common = [shapely.intersection(one.geometry, districts[place]).area for place in met]
        found.append(met[int(np.argmax(common))] if met else None)
    return found


def _districts(siting: Siting, candidates: Sequence[Candidate]) -> tuple[DistrictRule, ...]:
    if not siting.inputs.districts:
        return ()
    codes = [one.code for one in siting.place.area.region.districts]
    of = districts_of(siting, candidates)
    return tuple(
        DistrictRule(
            one.region,
            tuple(place for place, number in enumerate(of) if number == codes.index(one.region)),
            one.budget,
            one.at_least,
            one.at_most,
        )
        for one in siting.inputs.districts
    )


def _funds(siting: Siting, candidates: Sequence[Candidate]) -> tuple[FundRule, ...]:
    """Earmarked money goes to sites with one of its measures."""
    return tuple(
        FundRule(
            fund.code,
            fund.amount,
            None
            if fund.measures is None
            else tuple(
                place
                for place, one in enumerate(candidates)
                if set(one.measures) & set(fund.measures)
            ),
        )
        for fund in siting.selection.funds
    )


def _pairs(shapes: Sequence[BaseGeometry], reach_m: float) -> list[tuple[int, int]]:
    tree = shapely.STRtree(shapes)
    found = tree.query(shapes, predicate="dwithin", distance=reach_m).T
    pairs = found[found[:, 0] < found[:, 1]]
    if len(pairs) > _MOST_PAIRS:
        raise InvalidInput(
            f"{len(pairs)} pairs of sites lie near each other; at most {_MOST_PAIRS} are weighed; "
            "take fewer sites, a smaller d50_m, or no penalty and reward",
            message_zh=f"相邻地块共 {len(pairs)} 对，上限为 {_MOST_PAIRS}；"
            "请减少地块、减小 d50_m，或取消惩罚与奖励",
            pointer="/inputs/parameters",
        )
    ordered: list[tuple[int, int]] = sorted(map(tuple, pairs.tolist()))
    return ordered


def _edges(siting: Siting, candidates: Sequence[Candidate]) -> Edges | None:
    penalty = siting.parameters.edge_penalty
    if not penalty and not siting.parameters.least_group_ha:
        return None
    return shared_borders([one.geometry for one in candidates], penalty)


def shared_borders(shapes: Sequence[BaseGeometry], penalty: float = 0.0) -> Edges:
    """Outlines of some polygons, and the borders that two of them share.

    Args:
        shapes: In a CRS of metres.
        penalty: For each km of exposed edge.

    Raises:
        InvalidInput: too many lie near each other.
    """
    around = np.array([shape.length for shape in shapes])
    pairs, lengths = list[tuple[int, int]](), list[float]()
    for one, other in _pairs(shapes, BORDER_M):
        near = shapely.buffer(shapes[other].boundary, BORDER_M)
        shared = shapely.intersection(shapes[one].boundary, near).length
        # Where two corners meet, nothing but the width of the strip is shared.
        if shared > 4 * BORDER_M:
            pairs.append((one, other))
            lengths.append(min(shared, around[one], around[other]))
    return Edges(
        around, np.array(pairs, dtype=np.int64).reshape(-1, 2), np.array(lengths), penalty / _KM_M
    )


def _groups(
    siting: Siting, candidates: Sequence[Candidate], edges: Edges | None
) -> SiteGroups | None:
    """What lies together; told of every plan whose edges are."""
    if edges is None:
        return None
    reach_m, least = siting.parameters.group_reach_m, siting.parameters.least_group_ha
    areas = np.array([one.area_ha for one in candidates]).round(_DIGITS)
    near = _pairs([one.geometry for one in candidates], reach_m) if reach_m else edges.pairs
    return SiteGroups(np.array(near, dtype=np.int64).reshape(-1, 2), areas, least)


def _connections(siting: Siting, candidates: Sequence[Candidate]) -> SiteConnections | None:
    """Pairs of sites by the probability that one is reached from the other."""
    reward, d50_m = siting.parameters.connection_reward, siting.parameters.d50_m
    if not reward:
        return None
    shapes = [one.geometry for one in candidates]
    pairs = _pairs(shapes, d50_m * math.log2(1 / _LEAST_PROBABILITY))
    away = np.array([shapes[one].distance(shapes[other]) for one, other in pairs])
    return SiteConnections(
        np.array(pairs, dtype=np.int64).reshape(-1, 2), 0.5 ** (away / d50_m), reward
    )


def _corridors(siting: Siting, gains: Gains) -> tuple[CorridorSteps, ...]:
    """Corridors whose every barrier some site opens."""
    reward = siting.parameters.corridor_reward
    links = siting.selection.links
    most = max((one.dpc_link_percent for one in links), default=0.0)
    if not reward or not most > 0:
        return ()
    found = []
    for link in links:
        steps = [
            gains.opens[one.code]
            for one in siting.selection.of_kind("barrier")
            if link.code in one.quality["gaining_corridors"]
        ]
        if steps and all(steps):
            value = reward * max(link.dpc_link_percent, 0.0) / most
            found.append(CorridorSteps(link.code, tuple(steps), value))
    return tuple(found)
