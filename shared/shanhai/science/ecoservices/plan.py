"""The order of a computation: which layer in which pass over the windows, and what is kept.

A number of the whole area can only be taken when its layer is known everywhere, so the layers fall
into stages with a pass over all windows for each. A pass calculates what it can from what is kept;
kept are the layers of which quantiles are taken, those of the first stage that a later one needs,
those that look around and are needed later, and the results. Everything else lives for one window.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from shanhai.science.ecoservices.graph import AreaFigure, LayerGraph, LayerNode
from shanhai.science.ecoservices.inputs import Leaf


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over the windows.

    Attributes:
        stage: Its number.
        steps: What is calculated in every window, in order.
        reads: What is read before, from the sources or from what is kept.
        halos: Cells around the window in which a layer is needed, where there are any.
        keeps: What is kept at its end.
        figures: Numbers of the whole area that are taken of its layers.
    """

    stage: int
    steps: tuple[str, ...]
    reads: tuple[str, ...]
    halos: Mapping[str, int]
    keeps: tuple[str, ...]
    figures: tuple[AreaFigure, ...]


@dataclass(frozen=True, slots=True)
class ComputationPlan:
    """How a graph is worked through.

    Attributes:
        nodes: What is calculated, by key.
        leaves: What is read, by name.
        cell_m: Side of a cell, m.
        passes: In order.
        tiled: Layers that rest on the whole raster, worked out before the first pass.
        wide: What is read beyond the area too, by name of the leaf.
        halo: Cells by which the raster must be larger than the area on every side.
        kept: Every layer that is kept, of any pass.
        frontier: Kept layers of the first pass that decide where the result is valid.
    """

    nodes: Mapping[str, LayerNode]
    leaves: Mapping[str, Leaf]
    cell_m: float
    passes: tuple[Pass, ...]
    tiled: tuple[str, ...]
    wide: tuple[str, ...]
    halo: int
    kept: frozenset[str]
    frontier: tuple[str, ...]

    def unit_of(self, key: str) -> str:
        """Unit of a layer."""
        return self.nodes[key].unit if key in self.nodes else self.leaves[key].unit


def plan_of(
    graph: LayerGraph,
    cell_m: float,
    *,
    results: Collection[str],
    decisive: Collection[str],
    figures: Collection[AreaFigure] = (),
    given: Collection[str] = (),
    known: Collection[AreaFigure] = (),
) -> ComputationPlan:
    """Work out the passes.

    Args:
        graph: What is to be computed.
        cell_m: Side of a cell, m.
        results: Keys of the layers that must be kept.
        decisive: Keys of layers without which a cell is not valid.
        figures: Numbers of the whole area that are wanted besides those the layers take.
        given: Layers that an earlier run kept; they are read, except where a step looks around.
        known: Numbers of the whole area that are known beforehand, and not taken.
    """
    return _Planner(graph, cell_m, figures, given, known).plan(results, decisive)


class _Planner:
    def __init__(
        self,
        graph: LayerGraph,
        cell_m: float,
        figures: Collection[AreaFigure],
        given: Collection[str],
        known: Collection[AreaFigure],
    ) -> None:
        self.graph = graph
        self.cell_m = cell_m
        self.given = frozenset(given)
        self.stage = _stages(graph, known)
        self.tiled = tuple(key for key, node in graph.nodes.items() if node.tiled)
        wanted = dict.fromkeys((*_taken(graph), *figures))
        self.figures = tuple(one for one in wanted if one not in known)
        self.wide = {name for key in self.tiled for name in graph.above(key) & graph.leaves.keys()}
        self.keeps: dict[int, set[str]] = {}
        self.copied: set[str] = set()
        self.halo = 0

    def plan(self, results: Collection[str], decisive: Collection[str]) -> ComputationPlan:
        last = max(self.stage.get(key, 0) for key in results)
        self.keeps = {stage: set() for stage in range(last + 1)}
        self._keep_results(results, last)
        passes = [self._pass(stage) for stage in range(last, -1, -1)]
        return ComputationPlan(
            nodes=self.graph.nodes,
            leaves=self.graph.leaves,
            cell_m=self.cell_m,
            passes=tuple(replace(one, keeps=self._kept(one.stage)) for one in reversed(passes)),
            tiled=self.tiled,
            wide=tuple(name for name in self.graph.leaves if name in self.wide),
            halo=self.halo,
            kept=frozenset(key for stage in self.keeps for key in self._kept(stage)),
            frontier=self._frontier(decisive),
        )

    def _keep_results(self, results: Collection[str], last: int) -> None:
        """Keep what quantiles are taken of as soon as it is known, results as late as can be."""
        measured = [one for one in self.figures if one.kind == "quantile"]
        early = {one.of for one in measured} | {one.where for one in measured if one.where}
        early |= {one.of for one in self.figures} & set(results)
        self.copied = self.graph.leaves.keys() & set(results)
        early |= self.copied
        for key in early:
            self.keeps[self.stage.get(key, 0)].add(key)
        self.keeps[last] |= set(results) - early

    def _kept(self, stage: int) -> tuple[str, ...]:
        """What a pass writes; what is read beyond the area is there already, but for results."""
        return tuple(sorted(self.keeps[stage] - (self.wide - self.copied) - set(self.tiled)))

    def _frontier(self, decisive: Collection[str]) -> tuple[str, ...]:
        deciding = {name for key in decisive for name in self.graph.above(key)}
        masks = {key for key, node in self.graph.nodes.items() if node.unit == "bool"}
        return tuple(sorted((self.keeps[0] & deciding) - masks))

    def _pass(self, stage: int) -> Pass:
        figures = tuple(one for one in self.figures if self._stage_of(one) == stage)
        targets = {one.of for one in figures} | {one.where for one in figures if one.where}
        halos = dict.fromkeys(targets | self.keeps[stage], 0)
        steps: list[str] = []
        for key in reversed(self.graph.nodes):
            if key not in halos or key in self.tiled:
                continue
            if self._is_kept_before(key, stage, halos[key]):
                continue
            steps.append(key)
            self._require_inputs(key, halos)
        self._note_leaves(stage, halos)
        reads = tuple(key for key in halos if key not in steps)
        return Pass(
            stage=stage,
            steps=tuple(reversed(steps)),
            reads=reads,
            halos={key: halo for key, halo in halos.items() if halo},
            keeps=(),
            figures=figures,
        )

    def _require_inputs(self, key: str, halos: dict[str, int]) -> None:
        node = self.graph.nodes[key]
        halo = halos[key] + reach_cells(node, self.cell_m)
        for name in node.inputs.values():
            halos[name] = max(halos.get(name, 0), halo)

    def _is_kept_before(self, key: str, stage: int, halo: int) -> bool:
        """Whether an earlier pass keeps a layer; decides it where nothing did so far."""
        if key in self.given and not halo:
            return True
        own = self.stage[key]
        if own >= stage:
            return False
        if halo:
            # Only the cells of the area are kept: beyond them a layer is calculated once more.
            return False
        if own == 0 or self.graph.nodes[key].reach_m > 0:
            self.keeps[own].add(key)
        return key in self.keeps[own]

    def _note_leaves(self, stage: int, halos: Mapping[str, int]) -> None:
        for name, halo in halos.items():
            self.halo = max(self.halo, halo)
            if name in self.graph.leaves:
                if halo:
                    self.wide.add(name)
                elif stage and name not in self.given:
                    self.keeps[0].add(name)

    def _stage_of(self, figure: AreaFigure) -> int:
        found = self.stage.get(figure.of, 0)
        return max(found, self.stage.get(figure.where, 0)) if figure.where else found


def reach_cells(node: LayerNode, cell_m: float) -> int:
    """Cells a layer looks beyond its own."""
    return math.ceil(round(node.reach_m / cell_m, 9))


def _stages(graph: LayerGraph, known: Collection[AreaFigure]) -> dict[str, int]:
    """The first pass in which each layer can be calculated; leaves are not listed and are 0."""
    stage: dict[str, int] = {}
    for key, node in graph.nodes.items():
        after = [stage.get(name, 0) for name in node.inputs.values()]
        for figure in node.figures.values():
            if figure in known:
                continue
            after.append(stage.get(figure.of, 0) + 1)
            if figure.where:
                after.append(stage.get(figure.where, 0) + 1)
        stage[key] = max(after, default=0)
    return stage


def _taken(graph: LayerGraph) -> tuple[AreaFigure, ...]:
    """Every number of the whole area, once, in the order of the layers that take them."""
    return tuple(
        dict.fromkeys(figure for node in graph.nodes.values() for figure in node.figures.values())
    )


def reaches(
    nodes: Mapping[str, LayerNode], changed: Collection[str], cell_m: float
) -> dict[str, int]:
    """Cells around a change within which a layer may be another, for each layer it can alter.

    Numbers of the whole area are taken to stay as they were: what rests on a layer through such a
    number alone is not altered. The distance is that of rows and columns, whichever is larger.

    Args:
        nodes: Calculated layers, each after those it rests on.
        changed: Layers that change, read or calculated; their own reach is 0.
        cell_m: Side of a cell, m.

    Returns:
        Cells by layer, `changed` included; layers that no change alters are left out. The reach of
        a layer is the largest reach among what it rests on, and its own.
    """
    found = dict.fromkeys(changed, 0)
    for key, node in nodes.items():
        below = [found[name] for name in node.inputs.values() if name in found]
        if below and key not in found:
            found[key] = max(below) + reach_cells(node, cell_m)
    return found
