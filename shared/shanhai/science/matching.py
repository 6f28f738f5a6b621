"""How supply and demand meet: their ratio, the quadrants of their z-scores, and their coupling."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.grid import BoolArray, ClassArray, FloatArray
from shanhai.vocabulary import ECOSERVICES, Label

CAP_PROBABILITY = 0.995
"""Quantile at which supply and demand are capped before the ratio (`max_mode=p99.5`)."""

RANK_PROBABILITIES = (0.005, *(step / 20 for step in range(1, 20)), 0.995)
"""Quantiles between which a percentile rank is interpolated."""

_SERVICE_IDS = tuple(term.code for term in ECOSERVICES)

SERVICE_COUNT = len(_SERVICE_IDS)
"""Services of the plan; all are required unless a run says otherwise."""


def supply_demand_ratio(
    supply: FloatArray, demand: FloatArray, supply_max: float, demand_max: float
) -> FloatArray:
    """Ecosystem service supply–demand ratio, ESDR.

    `(S − D)/((S_max + D_max)/2)` with S and D capped at their maxima first; with plain maxima the
    capping changes nothing.

    Args:
        supply: Not normalised; same unit as `demand`.
        demand: Not normalised.
        supply_max: Maximum, or 99.5th percentile, of supply over the whole area.
        demand_max: The same of demand.

    Returns:
        −2…2, positive for surplus; 0 where both maxima are 0, NaN where either input is NaN.

    Source: Li et al. 2016, Ecological Indicators 60, 1008.
    """
    difference = np.minimum(supply, supply_max) - np.minimum(demand, demand_max)
    half_sum = (supply_max + demand_max) / 2
    return difference / half_sum if half_sum > 0 else difference * 0.0


def percentile_rank(values: FloatArray, quantiles: Sequence[float]) -> FloatArray:
    """Percentile rank within a reference that is known by its quantiles.

    An index has no unit, so that supply and demand cannot be set off against each other: a product
    of factors lies low and a single normalised layer high, whatever the land. Ranks have one scale,
    and the ratio of ranks is the rank of supply less that of demand, −1…1.

    Linear between neighbouring quantiles. A value that fills several of them, as the zeros of a
    layer do, has the middle of their probabilities.

    Args:
        values: Any unit; compared in single precision, in which the quantiles were taken.
        quantiles: Of the reference at `RANK_PROBABILITIES`, none below the one before it.

    Returns:
        0–1; 0.5 everywhere for a constant layer, NaN stays NaN.

    Source: mid-ranks of tied values as in Kendall 1945; the quantiles are engineering defaults.
    """
    knots, first, count = np.unique(
        np.asarray(quantiles, dtype=np.float64), return_index=True, return_counts=True
    )
    probabilities = np.asarray(RANK_PROBABILITIES)
    lowest, highest = probabilities[first], probabilities[first + count - 1]
    single = values.astype(np.float32).astype(np.float64)
    below = np.searchsorted(knots, single, side="right") - 1
    floor = np.clip(below, 0, None)
    above = np.clip(below + 1, None, len(knots) - 1)
    knot, top = knots[floor], highest[floor]
    gap = knots[above] - knot
    share = np.divide(single - knot, gap, out=np.zeros(single.shape), where=gap > 0)
    rank = top + share * (lowest[above] - top)
    rank = np.where(single == knot, ((lowest + highest) / 2)[floor], rank)
    rank[single < knots[0]] = 0.0
    rank[single > knots[-1]] = 1.0
    rank[np.isnan(single)] = np.nan
    return np.asarray(rank)


def comprehensive_ratio(
    ratios: Mapping[str, FloatArray],
    weights: Mapping[str, float] | None = None,
    min_services: int = SERVICE_COUNT,
) -> FloatArray:
    """Weighted mean of the ratios of the services, CESDR.

    Where a service is not known the weights of the others are scaled to sum 1, as long as enough
    of them are known; `available_services` is the band that tells how many.

    Args:
        ratios: ESDR by service id; a missing service is unknown everywhere.
        weights: Weights by service id, at least 0, scaled to sum 1; equal when not given.
        min_services: Services that must be known in a cell, 1–7; 7 asks for all.

    Returns:
        −2…2; NaN where fewer than `min_services` are known, or the known ones have no weight.

    Raises:
        InvalidInput: fewer than `min_services` are given, one is unknown to the method, or the
            weights are not positive.
    """
    _require_services(ratios, min_services)
    shares = weight_shares(weights)
    # The order of the plan, not of the mapping: floating sums must not depend on the caller.
    known = [service for service in _SERVICE_IDS if service in ratios]
    if min_services == SERVICE_COUNT:
        return _weighted_sum(ratios, shares, known)
    return _reweighted_mean(ratios, shares, known, min_services)


def available_services(ratios: Mapping[str, FloatArray]) -> ClassArray:
    """How many services are known in each cell, 0–7."""
    layers = list(ratios.values())
    count = np.zeros(layers[0].shape, dtype=np.uint8)
    for layer in layers:
        count += ~np.isnan(layer)
    return count


def _weighted_sum(
    ratios: Mapping[str, FloatArray], shares: Mapping[str, float], known: Sequence[str]
) -> FloatArray:
    total = np.zeros_like(ratios[known[0]])
    for service in known:
        total += shares[service] * ratios[service]
    return total


def _reweighted_mean(
    ratios: Mapping[str, FloatArray],
    shares: Mapping[str, float],
    known: Sequence[str],
    min_services: int,
) -> FloatArray:
    filled = {service: np.nan_to_num(ratios[service], nan=0.0) for service in known}
    total = _weighted_sum(filled, shares, known)
    count = available_services({service: ratios[service] for service in known})
    weight = np.zeros_like(total)
    for service in known:
        weight += np.where(np.isnan(ratios[service]), 0.0, shares[service])
    # Seven weights sum to 1 but for an ulp: complete cells keep the bytes of the plain mean.
    weight[count == SERVICE_COUNT] = 1.0
    mean: FloatArray = np.full(total.shape, np.nan)
    np.divide(total, weight, out=mean, where=(count >= min_services) & (weight > 0))
    return mean


def weight_shares(weights: Mapping[str, float] | None) -> dict[str, float]:
    """Weights scaled to sum 1; equal ones when none are given.

    Raises:
        InvalidInput: a service is missing or unknown, a weight is negative, or all are 0.
    """
    if weights is None:
        return dict.fromkeys(_SERVICE_IDS, 1 / len(_SERVICE_IDS))
    _require_names(weights, "weights", SERVICE_COUNT)
    for service, weight in weights.items():
        if not (math.isfinite(weight) and weight >= 0):
            raise InvalidInput(
                f"weight of {service} is {weight}; it must be a number of at least 0",
                message_zh=f"{service} 的权重为 {weight}，须为非负数",
                pointer=f"/weights/{service}",
            )
    total = math.fsum(weights.values())
    if total <= 0:
        raise InvalidInput(
            "the weights sum to 0; at least one must be positive",
            message_zh="权重之和为 0，至少一项须为正",
            pointer="/weights",
        )
    return {service: weight / total for service, weight in weights.items()}


def _require_services(ratios: Mapping[str, object], min_services: int) -> None:
    if not 1 <= min_services <= SERVICE_COUNT:
        raise InvalidInput(
            f"min_services is {min_services}; it must lie between 1 and {SERVICE_COUNT}",
            message_zh=f"min_services 为 {min_services}，须在 1 与 {SERVICE_COUNT} 之间",
            pointer="/min_services",
        )
    _require_names(ratios, "ratios", min_services)


def _require_names(mapping: Mapping[str, object], name: str, at_least: int) -> None:
    missing = [service for service in _SERVICE_IDS if service not in mapping]
    unknown = [service for service in mapping if service not in _SERVICE_IDS]
    if SERVICE_COUNT - len(missing) < at_least or unknown:
        wanted = "exactly" if at_least == SERVICE_COUNT else f"at least {at_least} of"
        wanted_zh = "恰含" if at_least == SERVICE_COUNT else f"至少含 {at_least} 项于"
        raise InvalidInput(
            f"{name} must hold {wanted} the seven services; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}",
            message_zh=f"{name} 须{wanted_zh}七项服务；缺少：{'、'.join(missing) or '无'}，"
            f"未知：{'、'.join(unknown) or '无'}",
            pointer=f"/{name}",
        )


QUADRANTS = {
    1: Label("高供给—高需求", "High supply, high demand"),
    2: Label("低供给—高需求", "Low supply, high demand"),
    3: Label("低供给—低需求", "Low supply, low demand"),
    4: Label("高供给—低需求", "High supply, low demand"),
}
"""Codes of the quadrant raster; 0 is nodata."""

COORDINATION_CLASSES = {
    1: Label("严重失调", "Severe imbalance"),
    2: Label("轻度失调", "Slight imbalance"),
    3: Label("勉强协调", "Bare coordination"),
    4: Label("中度协调", "Moderate coordination"),
    5: Label("高度协调", "High coordination"),
}
"""Codes of the classes of the coupling coordination degree, each a fifth of 0–1; 0 is nodata."""

_CLASS_BOUNDS = (0.2, 0.4, 0.6, 0.8)
_CONSTANT = 1e-12


def z_score(values: FloatArray, mean: float, sd: float) -> FloatArray:
    """`(x − mean)/sd`.

    Args:
        values: Any unit.
        mean: Of the valid cells of the whole area.
        sd: Their population standard deviation (`shanhai.science.quantiles`).

    Returns:
        0 everywhere for a constant layer, whose sd is only rounding; NaN stays NaN.
    """
    if sd > _CONSTANT * max(1.0, abs(mean)):
        return (values - mean) / sd
    return values * 0.0


def quadrant(supply_z: FloatArray, demand_z: FloatArray) -> ClassArray:
    """Quadrant of each cell by the z-scores of its supply and demand.

    Returns:
        Codes of `QUADRANTS`, a z-score of 0 counting as high; 0 where either is NaN.
    """
    rich: BoolArray = supply_z >= 0
    wanting: BoolArray = demand_z >= 0
    codes = np.where(wanting, np.where(rich, 1, 2), np.where(rich, 4, 3)).astype(np.uint8)
    codes[np.isnan(supply_z) | np.isnan(demand_z)] = 0
    return codes


@dataclass(frozen=True, slots=True)
class Coupling:
    """Coupling of supply and demand, each 0–1.

    Attributes:
        degree: C, how alike the two are; 0 where both are 0.
        development: T, the level of the two together.
        coordination: CCD, √(C·T).
    """

    degree: FloatArray
    development: FloatArray
    coordination: FloatArray


def coupling(supply_n: FloatArray, demand_n: FloatArray) -> Coupling:
    """Coupling degree C, development T and coupling coordination degree CCD.

    `C = 2·√(U1·U2)/(U1 + U2)`, `T = ½·U1 + ½·U2`, `CCD = √(C·T)`; some papers leave out the
    factor 2, which keeps C below ½.

    Args:
        supply_n: U1, normalised supply, 0–1.
        demand_n: U2, normalised demand, 0–1.

    Returns:
        NaN where either is NaN.

    Source: the two-system form of the coupling coordination degree model (Liao 1999).
    """
    total = supply_n + demand_n
    # √U1·√U2, not √(U1·U2): the product of two small numbers would vanish.
    geometric = np.sqrt(supply_n) * np.sqrt(demand_n)
    degree = np.divide(2.0 * geometric, total, out=total * 0.0, where=total > 0)
    degree = np.minimum(degree, 1.0)
    development = 0.5 * total
    return Coupling(degree, development, np.sqrt(degree * development))


def coordination_class(coordination: FloatArray) -> ClassArray:
    """Class of each cell's coupling coordination degree.

    Args:
        coordination: CCD, 0–1.

    Returns:
        Codes of `COORDINATION_CLASSES`, a bound belonging to the class above it; 0 for NaN.
    """
    codes = (np.digitize(coordination, _CLASS_BOUNDS) + 1).astype(np.uint8)
    codes[np.isnan(coordination)] = 0
    return codes
