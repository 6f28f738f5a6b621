"""The layers in which supply meets demand: ratios, normalised layers, quadrants, coupling."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from shanhai.science import matching
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode, service_key
from shanhai.science.ecoservices.layers import normalised
from shanhai.science.ecoservices.least_spans import SPAN_BY_UNIT
from shanhai.science.ecoservices.method import Method
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.science.normalisation import (
    LIMIT_PROBABILITIES,
    LeastSpan,
    NormalisationLimits,
    settled,
)

MaxMode = Literal["p99.5", "max"]
Kind = Literal["supply", "demand", "ratio", "normalised", "quadrant", "coupling", "extra"]
"""Kinds of layers of a service that can be results; `extra` are those of the method itself."""

KINDS: Mapping[Kind, tuple[str, ...]] = {
    "supply": ("supply",),
    "demand": ("demand",),
    "ratio": ("ratio",),
    "normalised": ("supply_n", "demand_n"),
    "quadrant": ("quadrant",),
    "coupling": ("coupling", "coordination"),
}
"""Layers of each service by kind of result."""

RATIO = "ratio"
"""The comprehensive ratio."""

SUPPLY_MEAN = "supply_mean"
DEMAND_MEAN = "demand_mean"
"""Means of the normalised supplies and demands of the services."""

AVAILABLE = "available_services"
"""How many services are known in a cell, where not all are required."""


def _rank_difference(
    *, supply: FloatArray, demand: FloatArray, least: LeastSpan, **quantiles: float
) -> FloatArray:
    return _ranks("supply", supply, quantiles, least) - _ranks("demand", demand, quantiles, least)


def _ranks(
    kind: str, values: FloatArray, quantiles: Mapping[str, float], least: LeastSpan
) -> FloatArray:
    """Percentile ranks; 0.5 everywhere in a layer that counts as constant."""
    own = [quantiles[f"{kind}_{place}"] for place in range(len(matching.RANK_PROBABILITIES))]
    limits = settled(NormalisationLimits(own[0], own[-1]), least)
    if limits.high <= limits.low:
        return np.multiply(values, 0.0) + 0.5
    return matching.percentile_rank(values, own)


def _comprehensive(
    *, weights: Mapping[str, float], min_services: int, **ratios: FloatArray
) -> FloatArray:
    return matching.comprehensive_ratio(ratios, weights, min_services)


def _available(**ratios: FloatArray) -> ClassArray:
    return matching.available_services(ratios)


def _mean(**layers: FloatArray) -> FloatArray:
    known = list(layers.values())
    total = np.zeros_like(known[0])
    for layer in known:
        total += layer
    return total / len(known)


def _quadrant(
    *,
    supply: FloatArray,
    demand: FloatArray,
    supply_mean: float,
    supply_sd: float,
    demand_mean: float,
    demand_sd: float,
) -> ClassArray:
    return matching.quadrant(
        matching.z_score(supply, supply_mean, supply_sd),
        matching.z_score(demand, demand_mean, demand_sd),
    )


def _coordination(*, supply_n: FloatArray, demand_n: FloatArray) -> FloatArray:
    return matching.coupling(supply_n, demand_n).coordination


def matching_nodes(
    services: Mapping[str, Method],
    weights: Mapping[str, float],
    min_services: int,
    max_mode: MaxMode,
) -> list[LayerNode]:
    """The layers of the matching, each after what it rests on.

    Args:
        services: Method of each service that is assessed, in the order of the plan.
        weights: Weight of every service of the plan.
        min_services: Services that must be known in a cell.
        max_mode: Whether supply and demand are capped at their 99.5th percentile or their maximum.
    """
    nodes = [
        node
        for service, method in services.items()
        for node in _of_service(service, method, max_mode)
    ]
    ratios = {service: service_key("ratio", service) for service in services}
    supplies = {service: service_key("supply_n", service) for service in services}
    demands = {service: service_key("demand_n", service) for service in services}
    constants = {"weights": dict(weights), "min_services": min_services}
    return [
        *nodes,
        LayerNode(RATIO, RATIO, "1", _comprehensive, ratios, constants=constants),
        LayerNode(SUPPLY_MEAN, SUPPLY_MEAN, "1", _mean, supplies),
        LayerNode(DEMAND_MEAN, DEMAND_MEAN, "1", _mean, demands),
        LayerNode(AVAILABLE, AVAILABLE, "class", _available, ratios),
    ]


def _of_service(service: str, method: Method, max_mode: MaxMode) -> list[LayerNode]:
    supply, demand = (service_key(kind, service) for kind in ("supply", "demand"))
    both = {"supply": supply, "demand": demand}
    spread = {
        f"{name}_{kind}": AreaFigure(key, kind)
        for name, key in both.items()
        for kind in ("mean", "sd")
    }
    normal = {f"{name}_n": service_key(f"{name}_n", service) for name in both}
    degree = service_key("coupling", service)
    return [
        _ratio_node(service, method, both, max_mode),
        *(
            _normal(normal[f"{name}_n"], key, SPAN_BY_UNIT[method.unit])
            for name, key in both.items()
        ),
        LayerNode(service_key("quadrant", service), "quadrant", "class", _quadrant, both, spread),
        LayerNode(degree, "coupling", "1", _coordination, normal),
        LayerNode(
            service_key("coordination", service),
            "coordination",
            "class",
            matching.coordination_class,
            {"coordination": degree},
        ),
    ]


def _ratio_node(
    service: str, method: Method, both: Mapping[str, str], max_mode: MaxMode
) -> LayerNode:
    """The ratio of a service: of what it measures, or of the ranks of its indices."""
    key = service_key("ratio", service)
    if method.is_physical:
        maxima = {f"{name}_max": maximum_of(of, max_mode) for name, of in both.items()}
        return LayerNode(key, "ratio", "1", matching.supply_demand_ratio, both, maxima)
    quantiles = {
        f"{name}_{place}": AreaFigure(of, "quantile", probability)
        for name, of in both.items()
        for place, probability in enumerate(matching.RANK_PROBABILITIES)
    }
    constants = {"least": SPAN_BY_UNIT[method.unit]}
    return LayerNode(key, "ratio", "1", _rank_difference, both, quantiles, constants)


def _normal(key: str, of: str, least: LeastSpan) -> LayerNode:
    low, high = (AreaFigure(of, "quantile", probability) for probability in LIMIT_PROBABILITIES)
    limits = {"low": low, "high": high}
    return LayerNode(key, key, "1", normalised, {"values": of}, limits, {"least": least})


def maximum_of(key: str, max_mode: MaxMode) -> AreaFigure:
    """The maximum that the ratio takes of a supply or demand."""
    probability = 1.0 if max_mode == "max" else matching.CAP_PROBABILITY
    return AreaFigure(key, "quantile", probability)
