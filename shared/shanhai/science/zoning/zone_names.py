"""Which cluster becomes which zone: deterministic, and blind to cluster numbers."""

from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import ClassArray, FloatArray, IntArray
from shanhai.vocabulary import ZONE_CLASSES, Label

NEAR_TIE = 0.02
"""Difference of mean ratios below which mean supply decides the order."""

BALANCE_TOLERANCE = 0.1
"""How far below 0 the mean ratio of general protection may lie."""

ZONES_BY_RANK = {
    5: (1, 2, 3, 5, 4),
    4: (1, 3, 5, 4),
    3: (1, 3, 4),
    2: (1, 4),
}
"""Zone codes from the highest to the lowest mean ratio. Five is the plan; fewer clusters keep the
outermost zones first (status E)."""

_NAMES = {zone.value: zone.label for zone in ZONE_CLASSES}


@dataclass(frozen=True, slots=True)
class ClusterProfile:
    """What the naming rule looks at.

    Attributes:
        label: Number of the cluster.
        zone: Code of the zone it became.
        mu: Area-weighted mean of the comprehensive ratio.
        sigma: Area-weighted mean of normalised supply over the services.
        delta: Share of the area with a negative comprehensive ratio, 0–1.
        cells: Area in valid cells.
    """

    label: int
    zone: int
    mu: float
    sigma: float
    delta: float
    cells: int


@dataclass(frozen=True, slots=True)
class Naming:
    """The outcome of the naming rule.

    Attributes:
        zones: Zone code of every unit.
        order: Clusters from the highest to the lowest rank.
        swaps: Pairs of cluster labels that a near tie exchanged.
        flags: What does not fit the meaning of the zones, with the numbers.
    """

    zones: ClassArray
    order: tuple[ClusterProfile, ...]
    swaps: tuple[tuple[int, int], ...]
    flags: tuple[ResultFlag, ...]


def name_zones(labels: IntArray, ratio: FloatArray, supply: FloatArray, cells: IntArray) -> Naming:
    """Name two to five clusters as zones.

    Clusters are ranked by mean ratio (ties by supply, area, first unit); neighbours in rank that
    differ by less than `NEAR_TIE` swap when the lower one supplies more. Nothing is relabelled
    for a wrong sign: the flags say so and a planner decides.

    Args:
        labels: Cluster of every unit, any integers.
        ratio: Comprehensive ratio of every unit, −2…2.
        supply: Mean normalised supply over the services of every unit, 0–1.
        cells: Valid cells of every unit, its weight.

    Returns:
        Zones of the units with the numbers behind them.

    Raises:
        InvalidInput: the number of clusters is not 2–5.
    """
    unique, first, compact = np.unique(labels, return_index=True, return_inverse=True)
    if unique.size not in ZONES_BY_RANK:
        raise InvalidInput(
            f"{unique.size} clusters cannot be named; two to five are required",
            message_zh=f"{unique.size} 个聚类无法命名，须为二至五个",
        )
    weight = np.bincount(compact, weights=cells)
    mu = np.bincount(compact, weights=cells * ratio) / weight
    sigma = np.bincount(compact, weights=cells * supply) / weight
    delta = np.bincount(compact, weights=cells * (ratio < 0)) / weight
    ranked, swaps = _settle_near_ties(np.lexsort((first, -weight, -sigma, -mu)), mu, sigma)
    zone_of = np.zeros(unique.size, dtype=np.uint8)
    zone_of[ranked] = ZONES_BY_RANK[unique.size]
    order = tuple(
        ClusterProfile(
            int(unique[c]),
            int(zone_of[c]),
            float(mu[c]),
            float(sigma[c]),
            float(delta[c]),
            int(weight[c]),
        )
        for c in ranked
    )
    return Naming(
        zones=zone_of[compact],
        order=order,
        swaps=tuple((int(unique[a]), int(unique[b])) for a, b in swaps),
        flags=_flags(order),
    )


def _settle_near_ties(
    ranked: IntArray, mu: FloatArray, sigma: FloatArray
) -> tuple[IntArray, list[tuple[int, int]]]:
    """One pass over neighbours in rank; returns the new order and the exchanged pairs."""
    order = ranked.copy()
    swaps = []
    for place in range(order.size - 1):
        upper, lower = int(order[place]), int(order[place + 1])
        if abs(mu[upper] - mu[lower]) < NEAR_TIE and sigma[lower] > sigma[upper]:
            order[place], order[place + 1] = lower, upper
            swaps.append((upper, lower))
    return order, swaps


def _flags(order: tuple[ClusterProfile, ...]) -> tuple[ResultFlag, ...]:
    by_zone = {profile.zone: profile for profile in order}
    flags = []
    if len(by_zone) < len(ZONES_BY_RANK[5]):
        flags.append(ResultFlag("fewer_than_five_zones", _existing(sorted(by_zone))))
    failures = [rule for rule, holds in _expectations(by_zone) if not holds]
    if failures:
        flags.append(ResultFlag("sign_inconsistent", _inconsistency(failures, order)))
    return tuple(flags)


def _existing(zones: list[int]) -> Label:
    names = [_NAMES[zone] for zone in zones]
    return Label(
        f"各类不足五个，仅有：{'、'.join(name.zh for name in names)}。",
        f"There are fewer than five zones, only: {'; '.join(name.en for name in names)}.",
    )


def _inconsistency(rules: list[Label], order: tuple[ClusterProfile, ...]) -> Label:
    found = [(_NAMES[one.zone], f"{one.mu:.3f}", f"{100 * one.delta:.1f} %") for one in order]
    numbers_zh = "；".join(f"{name.zh} {mu}、{delta}" for name, mu, delta in found)
    numbers_en = "; ".join(f"{name.en} {mu}, {delta}" for name, mu, delta in found)
    return Label(
        f"分区含义与数值不完全相符，请规划人员核定。未满足：{'；'.join(r.zh for r in rules)}。"
        f"各区平均供需比与赤字面积占比：{numbers_zh}。",
        "The numbers do not fully fit the meaning of the zones; a planner should decide. "
        f"Not met: {'; '.join(rule.en for rule in rules)}. "
        f"Mean ratio and share of area in deficit: {numbers_en}.",
    )


def _expectations(zones: dict[int, ClusterProfile]) -> list[tuple[Label, bool]]:
    """Rules on the zones that exist, each with whether it holds."""
    rules = [(_mean_rule(zone, "> 0"), zones[zone].mu > 0) for zone in (1, 2) if zone in zones]
    if 3 in zones:
        lowest = -BALANCE_TOLERANCE
        rules.append((_mean_rule(3, f"≥ {lowest}"), zones[3].mu >= lowest))
    if 4 in zones:
        rules.append((_mean_rule(4, "< 0"), zones[4].mu < 0))
    if 5 in zones and 3 in zones:
        rules.append((_mean_rule(5, "<", 3), zones[5].mu < zones[3].mu))
        rules.append((_deficit_rule(5, 3), zones[5].delta >= zones[3].delta))
    if 5 in zones and 4 in zones:
        rules.append((_deficit_rule(4, 5), zones[4].delta >= zones[5].delta))
    return rules


def _mean_rule(zone: int, relation: str, other: int | None = None) -> Label:
    """What the mean ratio of a zone must be, against a number or another zone."""
    name, than = _NAMES[zone], Label("", "") if other is None else _NAMES[other]
    return Label(
        f"{name.zh}平均供需比 {relation} {than.zh}".rstrip(),
        f"mean ratio of the {name.en.lower()} {relation} {than.en.lower()}".rstrip(),
    )


def _deficit_rule(zone: int, other: int) -> Label:
    name, than = _NAMES[zone], _NAMES[other]
    return Label(
        f"{name.zh}赤字面积占比 ≥ {than.zh}",
        f"share in deficit of the {name.en.lower()} ≥ {than.en.lower()}",
    )
