"""From what a run asks for and has to the graph of its layers, and what must be true of them."""

import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from types import MappingProxyType

from shanhai.errors import Fault, InvalidInput
from shanhai.science.ecoservices import matching_layers
from shanhai.science.ecoservices.choice import (
    MethodChoice,
    ParameterChanges,
    ProfileChoice,
    faults_of,
    fitting,
    lacks_of_measured,
    numbers_lacking,
    quantities_of,
    wanted_methods,
)
from shanhai.science.ecoservices.graph import (
    AreaFigure,
    Lack,
    LayerGraph,
    Linker,
    MissingLayer,
    graph_of,
    missing_layers,
    service_key,
)
from shanhai.science.ecoservices.inputs import LEAVES
from shanhai.science.ecoservices.layers import CLASS_MASKS, SHARED
from shanhai.science.ecoservices.method import Ecoservice, Method, Statistic
from shanhai.science.landcover import LandCover
from shanhai.science.matching import SERVICE_COUNT
from shanhai.vocabulary import Label

EXTREME_EROSION = 500.0
"""Erosion that hardly a cell should exceed, t/ha/yr."""

FEW = 0.01
"""Part of the cells that may exceed it."""


@dataclass(frozen=True, slots=True)
class Check:
    """A law that a method's results keep.

    Attributes:
        code: To count on.
        label: The law, as a reader knows it.
        statistics: The numbers it is about.
        holds: From the numbers by name to whether it is kept.
        stops: Whether a run must not go on when it is broken.
    """

    code: str
    label: Label
    statistics: tuple[Statistic, ...]
    holds: Callable[[Mapping[str, float]], bool]
    stops: bool = False


def _falls(numbers: Mapping[str, float]) -> bool:
    """Whether each number is above the next; classes that do not occur are passed over."""
    known = [number for number in numbers.values() if not math.isnan(number)]
    return all(one > other for one, other in pairwise(known))


def _is_rare(numbers: Mapping[str, float]) -> bool:
    return not numbers["p99"] > EXTREME_EROSION


def _is_zero(numbers: Mapping[str, float]) -> bool:
    return not numbers["built_up"] > 0


def _by_class(of: str, *covers: LandCover) -> tuple[Statistic, ...]:
    return tuple(
        Statistic(cover.name.lower(), of, "mean", where=CLASS_MASKS[cover].name) for cover in covers
    )


_FOREST, _GRASS, _CROP, _BUILT = (
    LandCover.FOREST,
    LandCover.GRASSLAND,
    LandCover.CROPLAND,
    LandCover.BUILT_UP,
)

CHECKS: Mapping[tuple[str, str], tuple[Check, ...]] = MappingProxyType(
    {
        ("soil_retention", "rusle"): (
            Check(
                "extreme_erosion",
                Label(
                    f"土壤侵蚀量超过 {EXTREME_EROSION:g} t/(ha·a) 的像元不应多于 1 %",
                    f"at most 1 % of the cells lose more than {EXTREME_EROSION:g} t/ha a year",
                ),
                (Statistic("p99", "actual_erosion", "quantile", 1 - FEW),),
                _is_rare,
            ),
        ),
        ("cooling", "ucm"): (
            Check(
                "cooling_order",
                Label(
                    "热缓解指数均值应为 林地 > 草地 > 建设用地",
                    "heat mitigation falls on average from forest to grassland to built-up land",
                ),
                _by_class("heat_mitigation", _FOREST, _GRASS, _BUILT),
                _falls,
                stops=True,
            ),
        ),
        ("stormwater_regulation", "scs_cn"): (
            Check(
                "stormwater_order",
                Label(
                    "雨洪调节供给均值应为 林地 > 草地 > 耕地 > 建设用地",
                    "rain taken up falls on average from forest to grassland, cropland and "
                    "built-up land",
                ),
                _by_class("supply", _FOREST, _GRASS, _CROP, _BUILT),
                _falls,
            ),
        ),
        ("biodiversity", "habitat_quality"): (
            Check(
                "habitat_order",
                Label(
                    "生境质量均值应为 林地 > 草地 > 耕地 > 建设用地",
                    "habitat quality falls on average from forest to grassland, cropland and "
                    "built-up land",
                ),
                _by_class("supply", _FOREST, _GRASS, _CROP, _BUILT),
                _falls,
            ),
            Check(
                "built_up_habitat",
                Label("建设用地的生境质量应为 0", "built-up land is no habitat"),
                (
                    Statistic(
                        "built_up", "supply", "max", where=CLASS_MASKS[LandCover.BUILT_UP].name
                    ),
                ),
                _is_zero,
            ),
        ),
    }
)
"""By service and method."""


@dataclass(frozen=True, slots=True)
class AssessmentRequest:
    """What a run asks for.

    Attributes:
        profile: Profile whose default methods are taken; `mixed` takes for each service the first
            biophysical method whose layers and numbers there are, else that of indices.
        choices: Of services that are not calculated by the default alone.
        shared: Changes to the layers all services share.
        allow_fallback: Whether the next method of a service may be taken where layers are missing.
        min_services: Services that must be known in a cell.
        weights: Weight of every service.
        max_mode: How the ratio's maxima are taken.
        kinds: Kinds of layers of each service that are results.
    """

    profile: ProfileChoice
    weights: Mapping[str, float]
    choices: Mapping[str, MethodChoice] = field(default_factory=dict)
    shared: ParameterChanges = field(default_factory=ParameterChanges)
    allow_fallback: bool = False
    min_services: int = SERVICE_COUNT
    max_mode: matching_layers.MaxMode = "p99.5"
    kinds: tuple[matching_layers.Kind, ...] = ("supply", "demand", "ratio")


@dataclass(frozen=True, slots=True)
class CheckedFigures:
    """A law of a service's method, and the numbers it is about by name."""

    service: str
    check: Check
    figures: Mapping[str, AreaFigure]


@dataclass(frozen=True, slots=True)
class TakenMethods:
    """How the services are calculated.

    Attributes:
        methods: Method of each service that is assessed, in the order of the plan.
        fallbacks: By service, the method that was asked for and the layers it lacked.
        left_out: By service that is not assessed, the layers it lacked.
        not_measured: By service that the profile `mixed` calculates from indices, what each
            biophysical method lacked: numbers, or else layers.
    """

    methods: dict[str, Method] = field(default_factory=dict)
    fallbacks: dict[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    left_out: dict[str, tuple[str, ...]] = field(default_factory=dict)
    not_measured: dict[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Assembled:
    """The graph of a run and how it came about.

    Attributes:
        graph: Layers of the run.
        taken: How the services are calculated.
        results: Keys of the layers that are results.
        decisive: Keys without which a cell is not valid; none where a service may be missing.
        expected: Numbers taken only to be held against what is expected.
        checked: Laws the results keep, and the numbers they are about.
    """

    graph: LayerGraph
    taken: TakenMethods
    results: tuple[str, ...]
    decisive: tuple[str, ...]
    expected: tuple[AreaFigure, ...]
    checked: tuple[CheckedFigures, ...]

    @property
    def methods(self) -> Mapping[str, Method]:
        """Method of each service that is assessed, in the order of the plan."""
        return self.taken.methods

    @property
    def figures(self) -> tuple[AreaFigure, ...]:
        """Numbers that are taken only to be looked at."""
        about = (figure for one in self.checked for figure in one.figures.values())
        return tuple(dict.fromkeys((*self.expected, *about)))

    @property
    def decisive_layers(self) -> tuple[str, ...]:
        """Supply and demand of every service that is assessed."""
        both = ("supply", "demand")
        return tuple(service_key(kind, service) for kind in both for service in self.methods)

    def graph_with(self, leaves: Collection[str]) -> LayerGraph:
        """The graph, and leaves that are wanted for their own sake."""
        wanted = {*self.graph.leaves, *leaves}
        ordered = {name: leaf for name, leaf in LEAVES.items() if name in wanted}
        return replace(self.graph, leaves=ordered)


def check_request(ecoservices: tuple[Ecoservice, ...], request: AssessmentRequest) -> None:
    """Refuse what no service has: methods, parameters, options, tables, values out of range.

    Raises:
        InvalidInput: there is something; every fault is told with its place.
    """
    faults = _faults(ecoservices, request)
    if faults:
        raise InvalidInput.of(faults)


def _faults(ecoservices: tuple[Ecoservice, ...], request: AssessmentRequest) -> list[Fault]:
    known = {one.id: one for one in ecoservices}
    faults = [
        Fault(
            f"/ecoservices/{name}",
            f"there is no ecosystem service {name!r}; there are {', '.join(known)}",
            f"没有生态系统服务 {name!r}，可选：{'、'.join(known)}",
        )
        for name in request.choices
        if name not in known
    ]
    for one in ecoservices:
        choice = request.choices.get(one.id, MethodChoice())
        pointer = f"/ecoservices/{one.id}"
        try:
            methods = wanted_methods(one, choice, request.profile)
        except InvalidInput as error:
            faults += error.faults
            continue
        where = f"{one.id} ({', '.join(method.id for method in methods)})"
        quantities = tuple(own for method in methods for own in quantities_of(method))
        faults += faults_of(quantities, choice.changes, where, pointer)
    return faults + faults_of(SHARED, request.shared, "layers", "/layers")


def assemble(
    ecoservices: tuple[Ecoservice, ...], request: AssessmentRequest, available: Collection[str]
) -> Assembled:
    """Choose the methods and link their layers.

    Args:
        ecoservices: The services of the plan, in its order.
        request: What the run asks for, checked.
        available: Names of the layers that can be read.

    Raises:
        InvalidInput: too many services lack layers; all that are missing are named.
    """
    linker = Linker(available, SHARED, request.shared)
    taken = TakenMethods()
    lacks: list[Lack] = []
    for one in ecoservices:
        choice = request.choices.get(one.id, MethodChoice())
        wanted = wanted_methods(one, choice, request.profile)
        lacked: dict[str, tuple[str, ...]] = {}
        for method in _ways(one, wanted, request):
            try:
                linker.add_method(one.id, method, fitting(choice.changes, method))
            except MissingLayer as error:
                lacked[method.id] = error.names
                continue
            taken.methods[one.id] = method
            break
        # Indices lack least of all that may be taken.
        mixed = request.profile == "mixed" and choice.method is None
        last = one.default("index") if mixed else wanted[-1]
        if one.id not in taken.methods:
            taken.left_out[one.id] = lacked[last.id]
            lacks.append((one.id, last, lacked[last.id]))
        elif taken.methods[one.id] not in wanted:
            taken.fallbacks[one.id] = (last.id, lacked[last.id])
        elif request.profile == "mixed" and _is_for_want(choice, taken.methods[one.id]):
            taken.not_measured[one.id] = lacks_of_measured(one, choice.changes, lacked)
    if len(taken.methods) < request.min_services:
        raise missing_layers(lacks)
    return _finish(linker, request, taken)


def _is_for_want(choice: MethodChoice, method: Method) -> bool:
    """Whether a service is calculated from indices, and not because it was asked for by name."""
    return choice.method is None and method.profile == "index"


def _ways(
    ecoservice: Ecoservice, wanted: tuple[Method, ...], request: AssessmentRequest
) -> list[Method]:
    """The methods that are wanted, and those that may take their place."""
    if not request.allow_fallback:
        return [*wanted]
    changes = request.choices.get(ecoservice.id, MethodChoice()).changes
    others = (method for method in ecoservice.methods if method not in wanted)
    return [*wanted, *(method for method in others if not numbers_lacking(method, changes))]


def _finish(linker: Linker, request: AssessmentRequest, taken: TakenMethods) -> Assembled:
    methods = taken.methods
    for node in matching_layers.matching_nodes(
        methods, request.weights, request.min_services, request.max_mode
    ):
        linker.add_node(node)
    results = [
        service_key(layer, service)
        for service, method in methods.items()
        for layer in _layers_of(method, request.kinds)
        if service_key(layer, service) in linker.nodes
    ]
    shared = [matching_layers.RATIO, matching_layers.SUPPLY_MEAN, matching_layers.DEMAND_MEAN]
    if request.min_services < SERVICE_COUNT:
        shared.append(matching_layers.AVAILABLE)
    both = [service_key(kind, service) for kind in ("supply", "demand") for service in methods]
    wanted = (*results, *shared)
    checked = tuple(_checks(linker, methods))
    about = [key for one in checked for figure in one.figures.values() for key in _keys(figure)]
    graph = graph_of(linker, (*wanted, *both, *about))
    return Assembled(
        graph=graph,
        taken=taken,
        results=wanted,
        decisive=tuple(both) if request.min_services == SERVICE_COUNT else (),
        expected=tuple(
            AreaFigure(key, "mean") for key, one in graph.quantities.items() if one.expected
        ),
        checked=checked,
    )


def _keys(figure: AreaFigure) -> tuple[str, ...]:
    return (figure.of, figure.where) if figure.where else (figure.of,)


def _checks(linker: Linker, methods: Mapping[str, Method]) -> Iterator[CheckedFigures]:
    """The laws of the methods, as far as their numbers can be had."""
    for service, method in methods.items():
        for check in CHECKS.get((service, method.id), ()):
            try:
                figures = {one.name: linker.figure(one, service) for one in check.statistics}
            except MissingLayer:
                continue
            yield CheckedFigures(service, check, figures)


def _layers_of(method: Method, kinds: tuple[matching_layers.Kind, ...]) -> list[str]:
    """Names of the layers of a service that are results, in the order of the kinds."""
    extra = tuple(one.name for one in method.extra)
    return [
        name
        for kind in kinds
        for name in (extra if kind == "extra" else matching_layers.KINDS[kind])
    ]
