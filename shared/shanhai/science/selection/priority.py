"""Restoration priority without a budget, with its reasons, and what sites do for connectivity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import rankdata

from shanhai.errors import InvalidInput
from shanhai.science.corridors.connectivity import DISPERSAL_M, dispersal_graph
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.science.selection.rules import require_sites

Level = Literal["priority", "key", "general"]

LEVELS: tuple[Level, ...] = ("priority", "key", "general")
"""Codes 1, 2 and 3; 0 is no level."""

LEVEL_SHARES = (0.2, 0.5)
"""Down to which share of all a score is of the first and of the second level."""

_ROUNDING = 1e-9


def ranks(values: FloatArray) -> FloatArray:
    """Place of each value among all that are known, from 1/n to 1; equal ones share the mean.

    Returns:
        Above 0, at most 1; NaN stays NaN and counts for nothing.
    """
    placed = np.full(values.shape, np.nan)
    known = ~np.isnan(values)
    if known.any():
        placed[known] = rankdata(values[known]) / np.count_nonzero(known)
    return placed


def pinch_scores(
    current: FloatArray, protected_share: FloatArray, human_pressure: FloatArray
) -> FloatArray:
    """`P = rank(current)·(1 − protected share)·(1 + human pressure)` of pinch points.

    Args:
        current: Of each pinch point, ampere.
        protected_share: Part of it within the red line or reserves, 0–1.
        human_pressure: 0–1.

    Returns:
        0–2; NaN stays NaN.

    Raises:
        InvalidInput: a share is outside 0–1.
    """
    for name, values in (("protected_share", protected_share), ("human_pressure", human_pressure)):
        _require_shares(values, name)
    return np.asarray(ranks(current) * (1.0 - protected_share) * (1.0 + human_pressure))


def barrier_scores(score: FloatArray, link_importance: FloatArray, largest: float) -> FloatArray:
    """`B = score·w`, `w` the importance of the link relative to the largest of all links.

    Args:
        score: Cost saved for each metre restored.
        link_importance: dPC of the best link of each barrier, %, ≥ 0.
        largest: dPC of the most important link there is, %.

    Returns:
        At most the score; NaN stays NaN. 0 when no link adds anything.
    """
    weights = link_importance / largest if largest > 0 else link_importance * 0.0
    return np.asarray(score * weights)


def cost_effectiveness(score: FloatArray, area_ha: FloatArray, cost: FloatArray) -> FloatArray:
    """`B·√area/cost`: of barriers that do as much, the large and cheap come first.

    Args:
        score: B of each site.
        area_ha: ha, ≥ 0.
        cost: Above 0, any unit of money.

    Raises:
        InvalidInput: a cost is not above 0.
    """
    wrong = int(np.count_nonzero(~(cost > 0) & ~np.isnan(cost)))
    if wrong:
        raise InvalidInput(
            f"{wrong} of {cost.size} costs are not above 0",
            message_zh=f"{cost.size} 个成本中有 {wrong} 个不大于 0",
            pointer="/cost",
        )
    return np.asarray(score * np.sqrt(area_ha) / cost)


def priority_levels(scores: FloatArray) -> ClassArray:
    """The top 20 % are `priority`, the next 30 % `key`, the rest `general`.

    Equal scores are of one level, the better. What scores nothing is `general`.

    Returns:
        Number of the level in `LEVELS`, from 1; 0 where the score is NaN.
    """
    levels = np.zeros(scores.shape, dtype=np.uint8)
    known = ~np.isnan(scores)
    places = rankdata(-scores[known], method="min")
    ends = [np.ceil(share * places.size - _ROUNDING) for share in LEVEL_SHARES]
    found = 1 + np.searchsorted(ends, places)
    levels[known] = np.where(scores[known] > 0, found, len(LEVELS))
    return levels


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a unit has its priority.

    Attributes:
        name: Of what counts, such as `pinch`.
        value: What the unit has of it.
        rank: Its place among the units that have any, 0–1.
        contribution: What it adds to the score.
    """

    name: str
    value: float
    rank: float
    contribution: float


@dataclass(frozen=True, slots=True)
class UnitPriority:
    """Priority of each unit.

    Attributes:
        names: Of what counts.
        values: What each unit has of it, names by units; NaN is not known.
        ranks: Place of each value, 0–1; 0 for none.
        contributions: They add up to the scores.
        scores: 0–1; NaN where nothing is known.
        levels: Number of the level in `LEVELS`, from 1; 0 where nothing is known.
    """

    names: tuple[str, ...]
    values: FloatArray
    ranks: FloatArray
    contributions: FloatArray
    scores: FloatArray
    levels: ClassArray

    def reasons(self, unit: int) -> tuple[Reason, ...]:
        """What adds to the score of a unit, the most important first."""
        parts = self.contributions[:, unit]
        order = [int(k) for k in np.argsort(-parts, kind="stable") if parts[k] > 0]
        return tuple(
            Reason(
                self.names[k],
                float(self.values[k, unit]),
                float(self.ranks[k, unit]),
                float(parts[k]),
            )
            for k in order
        )

    def unknown(self, unit: int) -> tuple[str, ...]:
        """What is not known of a unit; its weight is shared among the rest."""
        missing = np.isnan(self.values[:, unit]).tolist()
        return tuple(name for name, lacks in zip(self.names, missing, strict=True) if lacks)


def unit_priority(
    layers: Mapping[str, FloatArray], weights: Mapping[str, float] | None = None
) -> UnitPriority:
    """Pinch points, barriers, deficit and problems of units in one priority.

    Each is replaced by its rank among the units that have any, so that units of measure do not
    matter; the score is the weighted mean of the ranks.

    Args:
        layers: By name, a value of each unit: 0 (or less) for none, more is more urgent, NaN not
            known. Such as the pinch score, the barrier score, the deficit of services and the
            severity of problems.
        weights: By name, ≥ 0, divided by their sum; equal without them.

    Raises:
        InvalidInput: there is no layer, layers differ in shape, a layer is infinite, or weights do
            not fit the layers.
    """
    names, values = tuple(layers), _stacked(layers)
    share = _shares(names, weights)[:, None]
    placed = np.zeros_like(values)
    for number, layer in enumerate(values):
        has = layer > 0
        placed[number, has] = ranks(layer[has])
    known = ~np.isnan(values)
    placed[~known] = np.nan
    whole = (share * known).sum(axis=0)
    told = whole > 0
    divisor = np.where(told, whole, 1.0)
    contributions = np.where(known, share * np.nan_to_num(placed) / divisor, 0.0)
    scores = np.where(told, contributions.sum(axis=0), np.nan)
    return UnitPriority(names, values, placed, contributions, scores, priority_levels(scores))


def _stacked(layers: Mapping[str, FloatArray]) -> FloatArray:
    shapes = {layer.shape for layer in layers.values()}
    infinite = [name for name, layer in layers.items() if np.isinf(layer).any()]
    if len(shapes) != 1 or infinite or len(next(iter(shapes))) != 1:
        raise InvalidInput(
            f"layers are {', '.join(layers) or 'none'} with the shapes {sorted(shapes)}; each must "
            f"have one finite value or NaN for each unit; infinite are {infinite}",
            message_zh=f"图层 {'、'.join(layers)} 形状为 {sorted(shapes)}；"
            f"每层每个单元须有一个有限值或 NaN；含无穷值的图层：{infinite}",
            pointer="/layers",
        )
    return np.stack(list(layers.values())).astype(np.float64)


def _shares(names: tuple[str, ...], weights: Mapping[str, float] | None) -> FloatArray:
    given = dict.fromkeys(names, 1.0) if weights is None else weights
    values = np.array([given.get(name, np.nan) for name in names])
    whole = values.sum()
    if set(given) != set(names) or not (values >= 0).all() or not 0 < whole < np.inf:
        raise InvalidInput(
            f"weights are {dict(given)} for {', '.join(names)}; each needs one, none negative, "
            "not all 0",
            message_zh=f"权重 {dict(given)} 与 {'、'.join(names)} 不符；"
            "每层须有权重，不得为负或全为 0",
            pointer="/weights",
        )
    return np.asarray(values / whole)


def _require_shares(values: FloatArray, name: str) -> None:
    wrong: BoolArray = (values < 0) | (values > 1)
    if wrong.any():
        raise InvalidInput(
            f"{int(wrong.sum())} of {values.size} values of {name} lie outside 0–1",
            message_zh=f"{name} 的 {values.size} 个值中有 {int(wrong.sum())} 个不在 0–1 之间",
            pointer=f"/{name}",
        )


@dataclass(frozen=True, slots=True)
class Opening:
    """A way that a site makes shorter.

    Attributes:
        site: Which site, from 0.
        pair: The two patches it joins, from 0.
        distance: Of the way when the site is restored, ≥ 0, in the unit of the other distances.
    """

    site: int
    pair: tuple[int, int]
    distance: float


@dataclass(frozen=True, slots=True)
class Restoration:
    """Patches, and the ways between them as they are and as sites could make them.

    Attributes:
        amounts: aᵢ of each patch, ≥ 0.
        distances: dᵢⱼ of all of them, before any site is restored; +∞ without a way.
        openings: Ways that become shorter.
        d50: Distance with a dispersal probability of 0.5.
    """

    amounts: FloatArray
    distances: FloatArray
    openings: tuple[Opening, ...] = ()
    d50: float = DISPERSAL_M

    def __post_init__(self) -> None:
        """Refuse patches that do not exist and distances that are none."""
        count = self.amounts.size
        for number, opening in enumerate(self.openings):
            require_sites(opening.pair, count, f"/openings/{number}/pair")
            if not opening.distance >= 0:
                raise InvalidInput(
                    f"the distance of opening {number} is {opening.distance}; "
                    "it must be at least 0",
                    message_zh=f"第 {number} 处连通的距离为 {opening.distance}，须不小于 0",
                    pointer=f"/openings/{number}/distance",
                )


@dataclass(frozen=True, slots=True)
class ConnectivityGain:
    """Gain of a plan in equivalent connected area, in the unit of the amounts.

    Attributes:
        before: ECA without any site.
        after: ECA with all chosen sites.
        added_up: Sum of the gains of the chosen sites one by one, which a programme reckons with.
    """

    before: float
    after: float
    added_up: float

    @property
    def together(self) -> float:
        """What the plan truly gains."""
        return self.after - self.before


def equivalent_area(restoration: Restoration, chosen: BoolArray) -> float:
    """ECA when some sites are restored; 0 when there is no patch at all.

    Source: Saura et al. 2011.
    """
    distances = restoration.distances.copy()
    for opening in restoration.openings:
        if chosen[opening.site]:
            one, other = opening.pair
            shorter = min(distances[one, other], opening.distance)
            distances[one, other] = distances[other, one] = shorter
    if not restoration.amounts.any():
        return 0.0
    return dispersal_graph(restoration.amounts, distances, restoration.d50).equivalent_area


def single_gains(restoration: Restoration, sites: int) -> FloatArray:
    """ECA that each site gains when it is the only one, ≥ 0: its amount in a programme."""
    none = np.zeros(sites, dtype=np.bool_)
    before = equivalent_area(restoration, none)
    gains = np.zeros(sites)
    for site in sorted({one.site for one in restoration.openings}):
        alone = none.copy()
        alone[site] = True
        gains[site] = max(equivalent_area(restoration, alone) - before, 0.0)
    return gains


def connectivity_gain(restoration: Restoration, chosen: BoolArray) -> ConnectivityGain:
    """The true gain of a plan beside the sum of its sites' single gains."""
    before = equivalent_area(restoration, np.zeros_like(chosen))
    added_up = float(single_gains(restoration, chosen.size)[chosen].sum())
    return ConnectivityGain(before, equivalent_area(restoration, chosen), added_up)
