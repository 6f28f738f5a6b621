"""Which cluster becomes which zone: deterministic, and blind to cluster numbers."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.flags import ResultFlag
from shanhai.science.grid import BoolArray, ClassArray, FloatArray, IntArray
from shanhai.vocabulary import ZONE_CLASSES, Label

NEAR_TIE = 0.02
"""Difference of mean ratios below which mean supply decides the order."""

BALANCE_TOLERANCE = 0.1
"""How far below 0 the mean ratio of general protection may lie."""

KEY_PROTECTION = 2
ZONES_BY_RANK = {5: (1, 2, 3, 5, 4), 4: (1, 3, 5, 4), 3: (1, 3, 4), 2: (1, 4)}
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
        demand: Area-weighted mean of normalised demand over the services.
        delta: Share of the area with a negative comprehensive ratio, 0–1.
        cells: Area in valid cells.
    """

    label: int
    zone: int
    mu: float
    sigma: float
    demand: float
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


@dataclass(frozen=True, slots=True)
class UnitValues:
    """What the names of the zones rest on, one value per unit.

    Attributes:
        ratio: Comprehensive ratio, −2…2.
        supply: Mean normalised supply over the services, 0–1.
        demand: Mean normalised demand over the services, 0–1.
        cells: Valid cells, the weight of the unit.
    """

    ratio: FloatArray
    supply: FloatArray
    demand: FloatArray
    cells: IntArray


def name_zones(labels: IntArray, values: UnitValues) -> Naming:
    """Name two to five clusters as zones.

    Clusters are ranked by mean ratio (ties by supply, area, first unit); neighbours in rank that
    differ by less than `NEAR_TIE` swap when the lower one supplies more. Nothing is relabelled
    for a wrong sign: the flags say so and a planner decides.

    Args:
        labels: Cluster of every unit, any integers.
        values: What the names rest on.

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
    means = _cluster_means(compact, values)
    by_ratio = np.lexsort((first, -means.weight, -means.sigma, -means.mu))
    ranked, swaps = _settle_near_ties(by_ratio, means.mu, means.sigma)
    zone_of = dict(zip(ranked.tolist(), ZONES_BY_RANK[unique.size], strict=True))
    order = _profiles(means, unique, zone_of)
    codes = np.array([zone_of[place] for place in range(unique.size)], dtype=np.uint8)
    pairs = tuple((int(unique[a]), int(unique[b])) for a, b in swaps)
    return Naming(codes[compact], order, pairs, _flags(order))


def named(zones: IntArray | ClassArray, values: UnitValues) -> Naming:
    """The outcome of names that are known: each zone is one cluster, with the code as its number.

    Args:
        zones: Zone code of every unit.
        values: What the names rest on.
    """
    unique, compact = np.unique(zones.astype(np.int64), return_inverse=True)
    place = {int(zone): number for number, zone in enumerate(unique)}
    from_the_top = (zone for zone in ZONES_BY_RANK[5] if zone in place)
    order = _profiles(
        _cluster_means(compact, values), unique, {place[zone]: zone for zone in from_the_top}
    )
    return Naming(np.asarray(zones, dtype=np.uint8), order, (), _flags(order))


def _profiles(
    means: "_ClusterMeans", labels: IntArray, zone_of: Mapping[int, int]
) -> tuple[ClusterProfile, ...]:
    """Profiles of the clusters, those of the highest rank first, by their places."""
    return tuple(
        ClusterProfile(
            label=int(labels[place]),
            zone=zone,
            mu=float(means.mu[place]),
            sigma=float(means.sigma[place]),
            demand=float(means.demand[place]),
            delta=float(means.delta[place]),
            cells=int(means.weight[place]),
        )
        for place, zone in zone_of.items()
    )


@dataclass(frozen=True, slots=True)
class _ClusterMeans:
    """Area of each cluster and its weighted means, as `ClusterProfile` has them."""

    weight: FloatArray
    mu: FloatArray
    sigma: FloatArray
    demand: FloatArray
    delta: FloatArray


def _cluster_means(compact: IntArray, values: UnitValues) -> _ClusterMeans:
    weight = np.bincount(compact, weights=values.cells).astype(np.float64)

    def mean(of: FloatArray | BoolArray) -> FloatArray:
        return np.asarray(np.bincount(compact, weights=values.cells * of) / weight)

    return _ClusterMeans(
        weight, mean(values.ratio), mean(values.supply), mean(values.demand), mean(values.ratio < 0)
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
    outdone = _outdone(by_zone)
    if outdone:
        flags.append(ResultFlag("supply_order", _contradiction(outdone)))
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


def _outdone(zones: Mapping[int, ClusterProfile]) -> list[tuple[ClusterProfile, ClusterProfile]]:
    """Strict and key protection, each with the zone of less protection that supplies most, where
    that one supplies more."""
    found = []
    for zone in (1, 2):
        others = [one for code, one in zones.items() if code not in (1, zone)]
        most = max(others, key=lambda one: one.sigma, default=None)
        if zone in zones and most is not None and most.sigma > zones[zone].sigma:
            found.append((zones[zone], most))
    return found


def _contradiction(outdone: list[tuple[ClusterProfile, ClusterProfile]]) -> Label:
    pairs = [(_NAMES[high.zone], high.sigma, _NAMES[low.zone], low.sigma) for high, low in outdone]
    listed_zh = "；".join(
        f"{low.zh}平均供给 {more:.3f}，高于{high.zh}的 {less:.3f}"
        for high, less, low, more in pairs
    )
    listed_en = "; ".join(
        f"the {low.en.lower()} supplies {more:.3f} on average, the {high.en.lower()} {less:.3f}"
        for high, less, low, more in pairs
    )
    return Label(
        f"保护等级与供给次序不一致：{listed_zh}。分区按供需比命名，请规划人员核定。",
        f"More protection does not mean more supply: {listed_en}. Zones are named by the ratio of"
        " supply and demand; a planner should decide.",
    )


HIGH_PROBABILITY = 0.75
"""Quantile from which supply, and demand, count as high (status E)."""


@dataclass(frozen=True, slots=True)
class HighLand:
    """From where on land supplies much and much is wanted of it.

    Such land has a ratio about 0, so that the names alone would leave it to general protection or
    restoration, although nobody can do without it.

    Attributes:
        supply: Least mean normalised supply, 0–1.
        demand: Least mean normalised demand, 0–1.
    """

    supply: float
    demand: float

    @classmethod
    def of(cls, values: UnitValues) -> "HighLand":
        """The upper quarter of the area by each."""
        return cls(
            _weighted_quantile(values.supply, values.cells, HIGH_PROBABILITY),
            _weighted_quantile(values.demand, values.cells, HIGH_PROBABILITY),
        )

    def protected(self, zones: ClassArray, supply: FloatArray, demand: FloatArray) -> ClassArray:
        """The zones, at least key protection where supply and demand are high.

        Args:
            zones: Zone code of every unit.
            supply: Mean normalised supply of every unit, 0–1.
            demand: Mean normalised demand of every unit, 0–1.
        """
        high = (supply >= self.supply) & (demand >= self.demand) & (zones > KEY_PROTECTION)
        return np.where(high, np.uint8(KEY_PROTECTION), zones)


def _weighted_quantile(values: FloatArray, weights: IntArray, probability: float) -> float:
    """The least value up to which the given part of the weight lies."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order])
    place = int(np.searchsorted(reached, probability * reached[-1]))
    return float(values[order[min(place, len(order) - 1)]])


def _inconsistency(rules: list[Label], order: tuple[ClusterProfile, ...]) -> Label:
    found = [(_NAMES[one.zone], f"{one.mu:.3f}", f"{100 * one.delta:.1f} %") for one in order]
    numbers_zh = "；".join(f"{name.zh} {mu}、{delta}" for name, mu, delta in found)
    numbers_en = "; ".join(f"{name.en} {mu}, {delta}" for name, mu, delta in found)
    return Label(
        f"分区含义与数值不完全相符，请规划人员核定。未满足：{'；'.join(r.zh for r in rules)}。"
        f"各区平均供需比与供给低于需求的面积占比：{numbers_zh}。",
        "The numbers do not fully fit the meaning of the zones; a planner should decide. "
        f"Not met: {'; '.join(rule.en for rule in rules)}. "
        f"Mean ratio and share of the area with supply below demand: {numbers_en}.",
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
        f"{name.zh}供给低于需求的面积占比 ≥ {than.zh}",
        f"share of the {name.en.lower()} with supply below demand ≥ {than.en.lower()}",
    )
