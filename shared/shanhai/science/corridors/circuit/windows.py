"""Circuits of large rasters: reduced to their regions window by window, and back to currents."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy.sparse import csr_array

from shanhai.science.corridors.circuit import graph
from shanhai.science.corridors.circuit.currents import CurrentMaps, Flow, Gathered
from shanhai.science.corridors.circuit.solver import (
    WINDOW_SIDE,
    CircuitSettings,
    Run,
    SolveReport,
    in_windows,
    one_thread,
    require_small,
)
from shanhai.science.corridors.circuit.substructures import (
    NO_NODE,
    Elimination,
    Layout,
    Multiport,
    Tile,
    TileFlow,
    condensed,
    leaves,
    reach,
    spread,
    tile_flow,
)
from shanhai.science.grid import FloatArray, IntArray, Window

_MOST_RUNS: Final = 64
"""Whose currents on the borders are held at once; more take each window as often again."""


@dataclass(frozen=True, slots=True)
class ReducedRaster:
    """A raster of which only the regions are left, and the way back.

    Attributes:
        circuit: Between the regions; carries the same currents as the whole.
        node_of: Number of the node of each cell.
        tiles: The windows.
        nodes: The regions, and the nodes on the borders of windows, ascending.
        borders: Places among them of what each window is seen by from outside.
        eliminations: Of nodes on the borders, in their order.
        run: Computes windows.
    """

    circuit: graph.Circuit
    node_of: graph.Numbers
    tiles: Sequence[Tile]
    nodes: IntArray
    borders: Sequence[IntArray]
    eliminations: Sequence[Elimination]
    run: Run

    def flows(self, known: FloatArray) -> Iterator[tuple[Tile, IntArray, TileFlow]]:
        """What flows through each window, with the places of its border.

        Args:
            known: V: a row for each region, a column for each run.
        """
        potential = np.zeros((len(self.nodes), known.shape[1]))
        potential[: len(known)] = known
        with one_thread():
            spread(self.eliminations, self.nodes, potential)
        items = [
            (tile, self.nodes[border], potential[border])
            for tile, border in zip(self.tiles, self.borders, strict=True)
        ]
        return zip(self.tiles, self.borders, self.run(tile_flow, items), strict=True)


def reduce_raster(
    resistance: FloatArray, settings: CircuitSettings, regions: Sequence[graph.Regions]
) -> tuple[ReducedRaster, tuple[graph.Numbers, ...]]:
    """Reduce a raster to its regions; arguments and errors as in `make_circuit`.

    Returns:
        What is left, and for each raster the node of each of its numbers; −1 where the number does
        not occur or has no passable cell.
    """
    merged, numbers = graph.merge_regions(resistance, regions)
    most = max((int(own.max()) for own in numbers), default=0)
    graph.require_cells(resistance.size + most, 1)
    node_of, node_of_region = _number_nodes(resistance, merged, most)
    layout = Layout(
        (resistance.shape[0], resistance.shape[1]),
        int(node_of_region.max()) + 1,
        graph.conductance_rule(settings),
    )
    reach(resistance, node_of, layout.regions, layout.rule)
    whole = Window(0, 0, *layout.shape)
    tiles = [_tile(window, resistance, node_of, layout) for window in leaves(whole, WINDOW_SIDE)]
    borders, eliminations = list[IntArray](), list[Elimination]()
    parts = iter(settings.run(Tile.reduce, tiles))

    def following(_: Window) -> Multiport:
        part: Multiport = next(parts)
        borders.append(part.nodes)
        return part

    with one_thread():
        left = csr_array(condensed(whole, WINDOW_SIDE, following, layout, eliminations).laplacian)
    next(parts, None)  # lets the runner come to its end
    circuit = graph.Circuit(node_of, left, graph.number_parts(left.indptr, left.indices))
    nodes = np.unique(np.concatenate([np.arange(layout.regions), *borders]))
    places = [np.searchsorted(nodes, border) for border in borders]
    reduced = ReducedRaster(circuit, node_of, tiles, nodes, places, eliminations, settings.run)
    return reduced, tuple(node_of_region[own] for own in numbers)


def _number_nodes(
    resistance: FloatArray, merged: graph.Numbers, most: int
) -> tuple[graph.Numbers, graph.Numbers]:
    """The node of each cell and of each region, as `substructures` numbers them."""
    passable = np.isfinite(resistance)
    alive = np.zeros(most + 1, dtype=bool)
    alive[merged[passable]] = True
    alive[0] = False
    node_of_region = np.where(alive, np.cumsum(alive) - 1, NO_NODE).astype(np.int32)
    nodes = node_of_region[merged]
    cells = np.flatnonzero(passable & (merged == 0))
    nodes.flat[cells] = cells + np.count_nonzero(alive)
    return nodes, node_of_region


def _tile(window: Window, resistance: FloatArray, nodes: graph.Numbers, layout: Layout) -> Tile:
    row, col = window.row, window.col
    cells = slice(row, row + window.height + 1), slice(col, col + window.width + 1)
    return Tile(window, resistance[cells], nodes[cells], layout)


class _Gathered(Gathered):
    """Currents of a raster that was reduced, some flows between its regions at a time."""

    def __init__(self, raster: ReducedRaster) -> None:
        super().__init__(raster.circuit)
        self._raster = raster
        self._maps = np.zeros((2, *raster.node_of.shape))
        self._maps[:, raster.node_of == NO_NODE] = np.nan
        self._flows: list[FloatArray] = []

    def add(self, flow: Flow) -> None:
        """Take in a flow between the regions."""
        potential = np.zeros(self._raster.circuit.size)
        potential[flow.nodes] = flow.potential
        if potential.any():
            self._flows.append(potential)
        if len(self._flows) == _MOST_RUNS:
            self._send()

    def maps(self) -> CurrentMaps:
        """Currents by cell; the report tells how exact they are.

        Raises:
            InvalidInput: the solution is not exact enough.
        """
        if self._flows:
            self._send()
        return CurrentMaps(self._maps[0], self._maps[1])

    def _send(self) -> None:
        """Find the currents of the flows that were taken in."""
        raster, known = self._raster, np.stack(self._flows, axis=1)
        self._flows = []
        runs, regions = known.shape[1], len(known)
        flows, squares = np.zeros((runs, 3, len(raster.nodes))), np.zeros((runs, 2))
        for tile, border, found in raster.flows(known):
            self._take(tile.window.slices, found.maps)
            flows[:, :, border] += found.border
            squares += found.squares
        current = flows[:, :2].max(axis=1)
        sums = np.stack([current.sum(axis=0), current.max(axis=0)])
        cells = raster.nodes[regions:] - regions
        self._take(np.divmod(cells, raster.node_of.shape[1]), sums[:, regions:])
        held = np.nonzero((raster.node_of >= 0) & (raster.node_of < regions))
        self._take(held, sums[:, raster.node_of[held]])
        self._check(raster.circuit.laplacian @ known, flows, squares)

    def _take(self, cells: tuple[Any, ...], sums: FloatArray) -> None:
        """Take in the sums and maxima of some cells."""
        self._maps[0][cells] += sums[0]
        self._maps[1][cells] = np.maximum(self._maps[1][cells], sums[1])

    def _check(self, injected: FloatArray, flows: FloatArray, squares: FloatArray) -> None:
        """Compare what flows out of each node with what is injected, as `require_residual` does."""
        rest = flows[:, 1] - flows[:, 0]
        rest[:, : len(injected)] -= injected.T
        squares += np.square(np.stack([rest, flows[:, 2]], axis=1)).sum(axis=2)
        nodes = int(np.count_nonzero(self._raster.node_of >= 0))
        norms = np.linalg.norm(injected, axis=0)
        for residual, level in (np.sqrt(squares) / norms[:, np.newaxis]).tolist():
            require_small(residual, level)
            self.report += SolveReport(("windows",), residual, 0, nodes)


def open_circuit(
    resistance: FloatArray,
    settings: CircuitSettings,
    regions: Sequence[graph.Regions],
    right_hand_sides: int,
    told: object | None,
) -> tuple[graph.Circuit, Gathered, tuple[graph.Numbers, ...]]:
    """A circuit with all regions, and what gathers its currents, as in `make_circuit`.

    Args:
        resistance: From `require_resistance`.
        settings: Of the circuit.
        regions: Rasters of numbers from 1; 0 is none.
        right_hand_sides: How many there will be at most.
        told: Who is told of each flow, if anybody: then the circuit is solved whole.
    """
    nodes = int(np.count_nonzero(np.isfinite(resistance)))
    if not told and in_windows(nodes, resistance.size, right_hand_sides, settings):
        raster, numbers = reduce_raster(resistance, settings, regions)
        return raster.circuit, _Gathered(raster), numbers
    circuit, numbers = graph.make_circuit(resistance, settings, regions)
    return circuit, Gathered(circuit), numbers
