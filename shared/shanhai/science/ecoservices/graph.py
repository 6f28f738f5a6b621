"""The layers of a run and what each rests on, linked from the methods that were chosen.

A name is looked up among the quantities of the method that asks for it, then among those all
services share (`shanhai.science.ecoservices.layers`), then among what is read. Where a name is
declared more than once, the first declaration whose needs can be met is taken.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shanhai.errors import Fault, InvalidInput
from shanhai.science.ecoservices.choice import ParameterChanges, constants_of, quantities_of
from shanhai.science.ecoservices.inputs import LEAVES, Leaf
from shanhai.science.ecoservices.method import (
    Function,
    Kind,
    Method,
    Numbers,
    Quantity,
    Statistic,
    Tiled,
)
from shanhai.science.normalisation import LIMIT_PROBABILITIES
from shanhai.vocabulary import Label, label_of

Scope = str
SHARED: Scope = ""


@dataclass(frozen=True, slots=True)
class AreaFigure:
    """One number of the whole area.

    Attributes:
        of: Key of the layer it is taken of.
        kind: How.
        probability: Of a quantile.
        where: Key of the mask that narrows the cells down.
    """

    of: str
    kind: Kind
    probability: float | None = None
    where: str | None = None


def limits_figures(layer: str) -> tuple[AreaFigure, AreaFigure]:
    """The numbers a layer is normalised between: its quantiles of `LIMIT_PROBABILITIES`."""
    low, high = LIMIT_PROBABILITIES
    return AreaFigure(layer, "quantile", low), AreaFigure(layer, "quantile", high)


@dataclass(frozen=True, slots=True)
class LayerNode:
    """One layer that is calculated, as the windows need it.

    Attributes:
        key: Its name in the run: that of the quantity, with the service where it is the service's.
        name: Name of the quantity.
        unit: Unit of its values.
        function: What makes it.
        inputs: Key of the layer passed by each keyword.
        figures: The number of the whole area passed by each keyword.
        constants: Parameters, options and tables by keyword.
        reach_m: Metres it looks beyond a cell.
        takes_cell: Whether the function takes the side of a cell.
        takes_frame: Whether the function takes where its arrays lie.
        tiled: How it is worked out where it rests on the whole raster.
    """

    key: str
    name: str
    unit: str
    function: Function
    inputs: Mapping[str, str]
    figures: Mapping[str, AreaFigure] = field(default_factory=dict)
    constants: Mapping[str, Any] = field(default_factory=dict)
    reach_m: float = 0.0
    takes_cell: bool = False
    takes_frame: bool = False
    tiled: Tiled | None = None


@dataclass(frozen=True, slots=True)
class LayerGraph:
    """Layers in an order in which each comes after what it rests on.

    Attributes:
        nodes: What is calculated, by key.
        leaves: What is read, by name.
        quantities: What each calculated layer was declared as, by key; not those of the matching.
    """

    nodes: dict[str, LayerNode]
    leaves: dict[str, Leaf]
    quantities: Mapping[str, Quantity]

    def above(self, key: str) -> set[str]:
        """Everything a layer rests on by value, itself included; not what its figures rest on."""
        found: set[str] = set()
        waiting = [key]
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                waiting.extend(self.nodes[one].inputs.values() if one in self.nodes else ())
        return found

    def themes_of(self, key: str) -> tuple[str, ...]:
        """Dataset themes a layer rests on, in the order of the leaves."""
        above = self.above(key)
        themes = (leaf.theme for name, leaf in self.leaves.items() if name in above)
        return tuple(dict.fromkeys(theme for theme in themes if theme is not None))

    def title_of(self, key: str) -> Label:
        """A layer in the words of a reader."""
        if key in self.leaves:
            return self.leaves[key].label
        return self.quantities[key].label if key in self.quantities else Label(key, key)

    @property
    def themes(self) -> tuple[str, ...]:
        """Dataset themes that are read."""
        themes = (leaf.theme for leaf in self.leaves.values())
        return tuple(dict.fromkeys(theme for theme in themes if theme is not None))


def service_key(name: str, service: Scope) -> str:
    """Key of a quantity of a service, as in `supply.cooling`."""
    return f"{name}.{service}" if service else name


class MissingLayer(Exception):
    """A name leads to nothing that can be had."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(", ".join(names))
        self.names = names


class Linker:
    """Links quantities to what they rest on.

    Args:
        available: Names of the leaves that can be read.
        shared: Quantities all services may use.
        changes: Changes to the shared quantities.
    """

    def __init__(
        self,
        available: Collection[str],
        shared: tuple[Quantity, ...],
        changes: ParameterChanges | None = None,
    ) -> None:
        self.nodes: dict[str, LayerNode] = {}
        self.quantities: dict[str, Quantity] = {}
        self._available = frozenset(available)
        self._declared: dict[Scope, dict[str, list[Quantity]]] = {SHARED: _by_name(shared)}
        self._changes: dict[Scope, ParameterChanges] = {SHARED: changes or ParameterChanges()}
        self._open: list[tuple[Scope, str]] = []

    def add_method(self, service: Scope, method: Method, changes: ParameterChanges) -> None:
        """Link supply, demand and, as far as their needs are met, the extras of a method.

        Raises:
            MissingLayer: supply or demand cannot be had; nothing of the method is kept.
        """
        nodes = dict(self.nodes)
        self._declared[service] = _by_name(quantities_of(method))
        self._changes[service] = changes
        missing: list[str] = []
        for name in (method.supply.name, method.demand.name):
            try:
                self.link(name, service)
            except MissingLayer as error:
                missing.extend(error.names)
        if missing:
            self.nodes = nodes
            raise MissingLayer(tuple(dict.fromkeys(missing)))
        for one in method.extra:
            self._link_if_possible(one.name, service)

    def add_node(self, node: LayerNode) -> None:
        """Add a layer whose inputs are linked already."""
        self.nodes[node.key] = node

    def link(self, name: str, scope: Scope) -> str:
        """Key of the layer a name stands for in a scope, linked with all it rests on.

        Raises:
            MissingLayer: there is no way to it; names what would have to be given.
        """
        missing: tuple[str, ...] = ()
        for home, quantity in self._candidates(name, scope):
            try:
                return self._link_quantity(home, quantity)
            except MissingLayer as error:
                # What is tried last asks for least.
                missing = error.names
        if name in self._available:
            return name
        raise MissingLayer(missing or (name,))

    def figure(self, statistic: Statistic, scope: Scope) -> AreaFigure:
        """The number a statistic stands for in a scope, linked with all it rests on.

        Raises:
            MissingLayer: there is no way to its layer.
        """
        where = self.link(statistic.where, scope) if statistic.where else None
        of = self.link(statistic.of, scope)
        return AreaFigure(of, statistic.kind, statistic.probability, where)

    def _candidates(self, name: str, scope: Scope) -> Iterator[tuple[Scope, Quantity]]:
        for home in dict.fromkeys((scope, SHARED)):
            # A quantity may refine what is read, or shared, under its own name.
            if (home, name) not in self._open:
                for quantity in self._declared[home].get(name, ()):
                    yield home, quantity

    def _link_quantity(self, scope: Scope, quantity: Quantity) -> str:
        key = service_key(quantity.name, scope)
        if key in self.nodes:
            return key
        self._open.append((scope, quantity.name))
        try:
            node = self._node(key, scope, quantity)
        finally:
            self._open.pop()
        self.nodes[key] = node
        self.quantities[key] = quantity
        return key

    def _node(self, key: str, scope: Scope, quantity: Quantity) -> LayerNode:
        constants = constants_of(quantity, self._changes[scope])
        inputs = self._inputs(quantity, scope, constants)
        figures = {one.name: self.figure(one, scope) for one in quantity.statistics}
        numbers: Numbers = {
            one.name: constants[one.name] for one in quantity.parameters if one.name in constants
        }
        reach_m = quantity.reach_m
        return LayerNode(
            key=key,
            name=quantity.name,
            unit=quantity.unit,
            function=quantity.function,
            inputs=inputs,
            figures=figures,
            constants=constants,
            reach_m=reach_m(numbers) if callable(reach_m) else reach_m,
            takes_cell=quantity.takes_cell,
            takes_frame=quantity.takes_frame,
            tiled=quantity.tiled,
        )

    def _inputs(
        self, quantity: Quantity, scope: Scope, constants: Mapping[str, Any]
    ) -> dict[str, str]:
        chosen = [
            name for one in quantity.options for name in one.needs.get(constants[one.name], ())
        ]
        missing: list[str] = []
        inputs: dict[str, str] = {}
        for name in dict.fromkeys((*quantity.needs, *chosen)):
            try:
                inputs[name] = self.link(name, scope)
            except MissingLayer as error:
                missing.extend(error.names)
        if missing:
            raise MissingLayer(tuple(dict.fromkeys(missing)))
        of_ways = {
            name for one in quantity.options for names in one.needs.values() for name in names
        }
        for name in quantity.optional:
            found = None if name in of_ways else self._link_if_possible(name, scope)
            if found is not None:
                inputs[name] = found
        return inputs

    def _link_if_possible(self, name: str, scope: Scope) -> str | None:
        try:
            return self.link(name, scope)
        except MissingLayer:
            return None


def graph_of(linker: Linker, wanted: Collection[str]) -> LayerGraph:
    """The graph of what is wanted and all that rests on; what was linked in vain is left out."""
    needed: set[str] = set()
    waiting = list(wanted)
    while waiting:
        key = waiting.pop()
        if key in needed:
            continue
        needed.add(key)
        node = linker.nodes.get(key)
        if node is not None:
            figures = node.figures.values()
            waiting.extend(node.inputs.values())
            waiting.extend(figure.of for figure in figures)
            waiting.extend(figure.where for figure in figures if figure.where)
    return LayerGraph(
        {key: node for key, node in linker.nodes.items() if key in needed},
        {name: leaf for name, leaf in LEAVES.items() if name in needed},
        {key: quantity for key, quantity in linker.quantities.items() if key in needed},
    )


def _by_name(quantities: tuple[Quantity, ...]) -> dict[str, list[Quantity]]:
    found: dict[str, list[Quantity]] = {}
    for quantity in quantities:
        found.setdefault(quantity.name, []).append(quantity)
    return found


Lack = tuple[str, Method, tuple[str, ...]]
"""A service, the method that was wanted, and the layers it lacks."""


def missing_layers(lacks: Sequence[Lack]) -> InvalidInput:
    """The refusal of methods whose layers cannot be had: one fault for each theme, or layer that is
    of none."""
    lacked: dict[str, list[tuple[str, Method, Leaf]]] = {}
    for service, method, names in lacks:
        for leaf in (LEAVES[name] for name in names if name in LEAVES):
            lacked.setdefault(leaf.theme or leaf.name, []).append((service, method, leaf))
    faults = [_missing(source, needing) for source, needing in lacked.items()]
    return InvalidInput(
        f"datasets of {', '.join(lacked)} are missing: "
        + "; ".join(fault.detail for fault in faults),
        message_zh=f"缺少数据集 {', '.join(lacked)}："
        + "；".join(fault.detail_zh or "" for fault in faults),
        faults=faults,
    )


def _missing(source: str, needing: Sequence[tuple[str, Method, Leaf]]) -> Fault:
    first = needing[0][2]
    monthly = any(leaf.bands for _, _, leaf in needing)
    label = label_of(source) if first.theme else first.label
    by = dict.fromkeys((service, method.id) for service, method, _ in needing)
    who = ", ".join(f"{service} ({method})" for service, method in by)
    who_zh = "、".join(f"{label_of(service).zh}（{method}）" for service, method in by)
    return Fault(
        f"/{'datasets' if first.theme else 'layers'}/{source}",
        f"{source} ({label.en}{', by month' if monthly else ''}) is required by {who}; "
        "none was given or found",
        f"{who_zh}须有“{label.zh}”数据{'（逐月）' if monthly else ''}，未给出也未找到",
    )
