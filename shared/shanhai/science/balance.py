"""Supply against demand: the ratio of one service and of all together."""

import math
from collections.abc import Mapping

import numpy as np

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray
from shanhai.vocabulary import ECOSERVICES

CAP_PROBABILITY = 0.995
"""Quantile at which supply and demand are capped before the ratio (`max_mode=p99.5`)."""

_SERVICE_IDS = tuple(term.code for term in ECOSERVICES)


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


def comprehensive_ratio(
    ratios: Mapping[str, FloatArray], weights: Mapping[str, float] | None = None
) -> FloatArray:
    """Weighted mean of the ratios of all seven services, CESDR.

    Args:
        ratios: ESDR by service id; all seven are required.
        weights: Positive weights by service id, scaled to sum 1; equal when not given.

    Returns:
        −2…2; NaN where any ratio is NaN.

    Raises:
        InvalidInput: a service or weight is missing or unknown, or the weights are not positive.
    """
    _require_all_services(ratios, "ratios")
    shares = weight_shares(weights)
    # The order of the plan, not of the mapping: floating sums must not depend on the caller.
    total = np.zeros_like(ratios[_SERVICE_IDS[0]])
    for service in _SERVICE_IDS:
        total += shares[service] * ratios[service]
    return total


def weight_shares(weights: Mapping[str, float] | None) -> dict[str, float]:
    """Weights scaled to sum 1; equal ones when none are given.

    Raises:
        InvalidInput: a service is missing or unknown, a weight is negative, or all are 0.
    """
    if weights is None:
        return dict.fromkeys(_SERVICE_IDS, 1 / len(_SERVICE_IDS))
    _require_all_services(weights, "weights")
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


def _require_all_services(mapping: Mapping[str, object], name: str) -> None:
    missing = [service for service in _SERVICE_IDS if service not in mapping]
    unknown = [service for service in mapping if service not in _SERVICE_IDS]
    if missing or unknown:
        raise InvalidInput(
            f"{name} must hold exactly the seven services; "
            f"missing: {', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}",
            message_zh=f"{name} 须恰含七项服务；缺少：{'、'.join(missing) or '无'}，"
            f"未知：{'、'.join(unknown) or '无'}",
            pointer=f"/{name}",
        )
