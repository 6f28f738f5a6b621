"""How an assessment was computed: its numbers, ways and tables, and the form of each layer."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from shanhai.processes.assess_ecoservices.assessed import Assessment
from shanhai.processes.assess_ecoservices.contract import AssessmentInputs, FrozenLimits
from shanhai.science.ecoservices.graph import AreaFigure, LayerNode
from shanhai.science.ecoservices.layers import RELIEF_RADIUS_M
from shanhai.science.ecoservices.method import OptionSpec, ParameterSpec, Quantity, TableSpec
from shanhai.science.ecoservices.recreation import ACCESS_CUTOFF_M, WATER_CUTOFF_M
from shanhai.science.landcover import LandCover
from shanhai.science.normalisation import LIMIT_PROBABILITIES

USER = "user"
"""Status of what the run changed."""

Spec = ParameterSpec | OptionSpec | TableSpec


def derived_forms(assessment: Assessment) -> dict[str, str]:
    """Which of its forms each layer took; the forms of one layer differ by tens of percent."""
    graph = assessment.assembled.graph
    forms = {key: one.source for key, one in graph.quantities.items() if "." not in key}
    return {key: source for key, source in forms.items() if source} | {
        "sea": "land_cover" if "land_cover" in assessment.sources else "none"
    }


def parameters_of(inputs: AssessmentInputs, assessment: Assessment) -> dict[str, Any]:
    """Every number, way and table of the run, each with its source and status."""
    graph = assessment.assembled.graph
    return {
        "cell_m": inputs.cell_m,
        "fill_zero": inputs.fill_zero,
        "parameters": inputs.parameters.model_dump(),
        "layers": [
            record
            for key, quantity in graph.quantities.items()
            for record in _records(quantity, graph.nodes[key])
        ],
        "reach": {
            "halo_cells": assessment.plan.halo,
            "water_cutoff_m": WATER_CUTOFF_M,
            "access_cutoff_m": ACCESS_CUTOFF_M,
            "relief_radius_m": RELIEF_RADIUS_M,
        },
    }


def _records(quantity: Quantity, node: LayerNode) -> Iterator[dict[str, Any]]:
    specs: tuple[Spec, ...] = (*quantity.parameters, *quantity.options, *quantity.tables)
    for one in specs:
        yield {
            "layer": node.key,
            "kind": _kind(one),
            "name": one.name,
            "value": _told(node.constants[one.name]),
            "unit": "" if isinstance(one, OptionSpec) else one.unit,
            "source": one.source,
            "status": USER if _changed(one, node) else one.status.value,
        }


def _kind(spec: Spec) -> str:
    if isinstance(spec, OptionSpec):
        return "option"
    return "table" if isinstance(spec, TableSpec) else "parameter"


def _changed(spec: Spec, node: LayerNode) -> bool:
    own = dict(spec.values) if isinstance(spec, TableSpec) else spec.default
    return bool(node.constants[spec.name] != own)


def _told(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    return {LandCover(code).name.lower(): number for code, number in value.items()}


def figures_of(assessment: Assessment) -> list[dict[str, Any]]:
    """Every number of the whole area that was taken or given; not those no cell gave."""
    return [
        {
            "of": figure.of,
            "kind": figure.kind,
            "probability": figure.probability,
            "where": figure.where,
            "value": value,
        }
        for figure, value in sorted(assessment.figures.items(), key=_place)
        if not math.isnan(value)
    ]


def _place(entry: tuple[AreaFigure, float]) -> tuple[str, str, str, float]:
    """Where a number stands in the list, however it came to be known."""
    figure = entry[0]
    return figure.of, figure.where or "", figure.kind, figure.probability or 0.0


def normalization_of(inputs: AssessmentInputs, assessment: Assessment) -> list[dict[str, Any]]:
    """Pairs of quantiles between which layers are normalised, as a later run may be given them."""
    given = {(one.layer, one.where): one for one in inputs.normalization}
    found: dict[tuple[str, str | None], list[AreaFigure]] = {}
    for figure, _ in sorted(assessment.figures.items(), key=_place):
        if figure.kind == "quantile":
            found.setdefault((figure.of, figure.where), []).append(figure)
    return [
        _limits(_pair(taken), assessment.figures, given.get(place))
        for place, taken in found.items()
        if len(taken) > 1
    ]


def _pair(taken: list[AreaFigure]) -> tuple[AreaFigure, AreaFigure]:
    """The quantiles a layer is normalised between, of all that were taken of it."""
    usual = [one for one in taken if one.probability in LIMIT_PROBABILITIES]
    low, *_, high = sorted(
        usual if len(usual) > 1 else taken, key=lambda one: one.probability or 0.0
    )
    return low, high


def _limits(
    pair: tuple[AreaFigure, AreaFigure],
    figures: Mapping[AreaFigure, float],
    given: FrozenLimits | None,
) -> dict[str, Any]:
    low, high = pair
    return {
        "layer": low.of,
        "lo": figures[low],
        "hi": figures[high],
        "quantiles": [low.probability, high.probability],
        "where": low.where,
        "frozen_from": (given.frozen_from or "given") if given else None,
    }
