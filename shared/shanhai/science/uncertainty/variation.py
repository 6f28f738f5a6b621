"""The layers of a run with parameters changed, and which of these alone moves the zones most."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph, LayerNode
from shanhai.science.ecoservices.matching_layers import RATIO
from shanhai.science.ecoservices.method import Function, Quantity
from shanhai.science.grid import FloatArray
from shanhai.science.landcover import LandCover
from shanhai.science.uncertainty.draws import UNCERTAIN, Draw, shifted_curve_number

CURVE_NUMBER = "curve_number"
LIGHT_SHARE = "light_share"
WEIGHTS = "weights"
VARIED = (*(one.name for one in UNCERTAIN), CURVE_NUMBER, LIGHT_SHARE, WEIGHTS)
"""Everything a draw may change."""

_MOST_OF_LAYER = {"c_factor": 1.0}
"""Largest value of the layers that have one: land cannot erode more than bare soil."""


@dataclass(frozen=True, slots=True)
class Scaled:
    """A layer times a factor; NaN stays NaN. Picklable.

    Attributes:
        function: Makes the layer.
        factor: Positive.
        most: Value that is not exceeded.
    """

    function: Function
    factor: float
    most: float

    def __call__(self, **given: Any) -> FloatArray:
        """The layer, scaled and held."""
        values: FloatArray = self.function(**given)
        return np.minimum(values * self.factor, self.most)


@dataclass(frozen=True, slots=True)
class Varied:
    """A graph with some of its parameters changed.

    Attributes:
        graph: The graph.
        changed: Keys of the layers whose parameters are others.
        applied: What was changed, in the order of `VARIED`; parameters no layer has are left out.
    """

    graph: LayerGraph
    changed: frozenset[str]
    applied: tuple[str, ...]

    @property
    def affected(self) -> frozenset[str]:
        """The changed layers and all that rest on them, by value or by a number of the area."""
        found = set(self.changed)
        for key, node in self.graph.nodes.items():
            figures = node.figures.values()
            rests = {*node.inputs.values(), *(part for one in figures for part in _parts(one))}
            if rests & found:
                found.add(key)
        return frozenset(found)


def is_affected(figure: AreaFigure, affected: Collection[str]) -> bool:
    """Whether a number of the whole area is taken of an affected layer."""
    return any(part in affected for part in _parts(figure))


def _parts(figure: AreaFigure) -> tuple[str, ...]:
    return (figure.of,) if figure.where is None else (figure.of, figure.where)


def vary(graph: LayerGraph, draw: Draw) -> Varied:
    """The graph with the parameters of a draw.

    Numbers and rows of tables stay within the range their declaration allows.
    """
    nodes: dict[str, LayerNode] = {}
    applied: set[str] = set()
    for key, node in graph.nodes.items():
        other, names = _varied(node, graph.quantities.get(key), draw)
        if names:
            nodes[key] = other
            applied |= names
    return Varied(
        replace(graph, nodes=graph.nodes | nodes),
        frozenset(nodes),
        tuple(name for name in VARIED if name in applied),
    )


def _varied(node: LayerNode, quantity: Quantity | None, draw: Draw) -> tuple[LayerNode, set[str]]:
    """A node with the parameters of a draw, and which of them it has."""
    constants, names = dict(node.constants), set[str]()
    if node.key == RATIO and draw.weights is not None:
        constants[WEIGHTS] = dict(draw.weights)
        names.add(WEIGHTS)
    if quantity is not None:
        names |= _vary_numbers(constants, quantity, draw) | _vary_tables(constants, quantity, draw)
    function = node.function
    if node.name in draw.factors and node.name in _LAYERS:
        most = _MOST_OF_LAYER.get(node.name, np.inf)
        function = Scaled(function, draw.factors[node.name], most)
        names.add(node.name)
    return replace(node, constants=constants, function=function), names


_LAYERS = frozenset(one.name for one in UNCERTAIN if one.of == "layer")


def _vary_numbers(constants: dict[str, Any], quantity: Quantity, draw: Draw) -> set[str]:
    names = set[str]()
    for one in quantity.parameters:
        if one.name in draw.factors and one.name in constants:
            constants[one.name] = _held(constants[one.name] * draw.factors[one.name], one)
            names.add(one.name)
        if one.name == LIGHT_SHARE and draw.light_share is not None:
            constants[LIGHT_SHARE] = draw.light_share
            names.add(LIGHT_SHARE)
    return names


def _vary_tables(constants: dict[str, Any], quantity: Quantity, draw: Draw) -> set[str]:
    names = set[str]()
    for one in quantity.tables:
        rows: Mapping[LandCover, float] = constants[one.name]
        if one.name in draw.row_factors:
            factors = draw.row_factors[one.name]
            constants[one.name] = {
                cover: _held(value * factors[cover], one) for cover, value in rows.items()
            }
            names.add(one.name)
        elif one.name.startswith(CURVE_NUMBER) and draw.curve_number_shift:
            shift = draw.curve_number_shift
            constants[one.name] = {
                cover: shifted_curve_number(value, shift[cover]) for cover, value in rows.items()
            }
            names.add(CURVE_NUMBER)
    return names


def _held(value: float, declared: Any) -> float:
    """A value within its valid range."""
    low, high = declared.valid_range
    return float(min(max(value, low), high))


def alone(name: str, factor: float) -> Draw:
    """The change of one of the twelve parameters: its number, layer or all rows of its table."""
    of = next(one.of for one in UNCERTAIN if one.name == name)
    if of == "table":
        return Draw(row_factors={name: dict.fromkeys(LandCover, factor)})
    return Draw(factors={name: factor})


STEP = 0.2
PARAMETERS = tuple(one.name for one in UNCERTAIN)

ZoneAreas = Mapping[int, float]
"""Area by zone, in any one unit."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change of one parameter does.

    Attributes:
        parameter: Its name.
        lower: Change of each zone's area when it is a fifth smaller.
        higher: Change of each zone's area when it is a fifth larger.
        moved: Area that changes its zone on balance, in the worse of the two cases.
    """

    parameter: str
    lower: dict[int, float]
    higher: dict[int, float]
    moved: float


def one_at_a_time(
    zone_areas: Callable[[Mapping[str, float]], ZoneAreas],
    parameters: Sequence[str] = PARAMETERS,
    step: float = STEP,
) -> list[Effect]:
    """Effects of ±20 % of each parameter, the largest first; equal ones keep their order.

    Args:
        zone_areas: From factors by parameter name, none for the baseline, to the zones' areas.
        parameters: Names of the parameters.
        step: Change of each, as a part of it.
    """
    baseline = zone_areas({})
    effects = [
        _effect(name, baseline, zone_areas({name: 1 - step}), zone_areas({name: 1 + step}))
        for name in parameters
    ]
    return sorted(effects, key=lambda effect: -effect.moved)


def _effect(name: str, baseline: ZoneAreas, low: ZoneAreas, high: ZoneAreas) -> Effect:
    lower, higher = _difference(low, baseline), _difference(high, baseline)
    moved = max(sum(map(abs, change.values())) / 2 for change in (lower, higher))
    return Effect(name, lower, higher, moved)


def _difference(areas: ZoneAreas, baseline: ZoneAreas) -> dict[int, float]:
    zones = sorted({*areas, *baseline})
    return {zone: areas.get(zone, 0.0) - baseline.get(zone, 0.0) for zone in zones}
