"""Circuits window by window: each is reduced to what joins it with the rest, exactly.

A window, as seen from outside, is a multiport: a circuit between the nodes on its border and the
regions it holds, which carries the same currents as all of its cells (Kron reduction, the static
condensation of substructuring). Two multiports that lie side by side make one, of which the nodes
between them are eliminated in turn (nested dissection). What is left of the raster is a circuit
between its regions. Once their potentials are known, those of the eliminated nodes follow in the
opposite order, and each window finds its currents anew from the potentials on its border.

A node is known by a number: regions come first, then the cells, row by row. A window holds the row
below its cells and the column to their right as well, so that every link lies in one window only.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf, dtrtrs
from scipy.sparse import csr_array

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.graph import (
    Circuit,
    ConductanceRule,
    Numbers,
    Regions,
    conductance,
    conductance_rule,
    merge_regions,
    number_parts,
    require_cells,
)
from shanhai.science.corridors.circuit.solver import WINDOW_SIDE, CircuitSettings, Run, one_thread
from shanhai.science.grid import BoolArray, FloatArray, IntArray, Window
from shanhai.science.kernels import compiled

_LEAST_SIDE: Final = 8
"""Cells along a part of a window whose links are written to a matrix."""

NO_NODE: Final = -1
OUT_OF_REACH: Final = -2
"""Instead of the number of a node that no current from a region can reach."""

_RUNS: Final = 16
"""Whose potentials are held at once, besides those of the borders."""

_EAST, _SOUTH_WEST, _SOUTH, _SOUTH_EAST = 5, 6, 7, 8


@compiled
def reach(resistance: FloatArray, nodes: Numbers, regions: int, rule: ConductanceRule) -> None:
    """Mark the nodes that no current from a region can reach as `OUT_OF_REACH`.

    Args:
        resistance: Of each cell.
        nodes: Number of the node of each cell.
        regions: How many there are.
        rule: What links two cells.
    """
    height, width = nodes.shape
    waiting = np.empty(nodes.size, dtype=np.int64)
    found = np.zeros(nodes.shape, dtype=np.bool_)
    length = 0
    for row in range(height):
        for col in range(width):
            if 0 <= nodes[row, col] < regions:
                found[row, col] = True
                waiting[length] = row * width + col
                length += 1
    while length:
        length -= 1
        row, col = waiting[length] // width, waiting[length] % width
        for step in range(9):
            i, j = row + step // 3 - 1, col + step % 3 - 1
            if conductance(resistance, nodes, row, col, step, rule) > 0 and not found[i, j]:
                found[i, j] = True
                waiting[length] = i * width + j
                length += 1
    for row in range(height):
        for col in range(width):
            if nodes[row, col] >= 0 and not found[row, col]:
                nodes[row, col] = OUT_OF_REACH


@compiled
def links_of(
    resistance: FloatArray, nodes: Numbers, height: int, width: int, rule: ConductanceRule
) -> tuple[Numbers, FloatArray]:
    """Both nodes of each link that lies in a window, and its conductance.

    Args:
        resistance: Of the cells of the window, of the row below them and the column to their right.
        nodes: Of the same cells.
        height: Rows of the window.
        width: Columns of the window.
        rule: What links two cells.
    """
    ends = np.empty((2, 4 * height * width), dtype=np.int32)
    values = np.empty(4 * height * width)
    last = 0
    for row in range(height):
        for col in range(width):
            for step in (_EAST, _SOUTH_WEST, _SOUTH, _SOUTH_EAST):
                begin = col + 1 if step == _SOUTH_WEST else col
                if begin >= nodes.shape[1] or nodes[row, begin] < 0:
                    continue
                value = conductance(resistance, nodes, row, begin, step, rule)
                if value > 0:
                    ends[0, last] = nodes[row, begin]
                    ends[1, last] = nodes[row + step // 3 - 1, begin + step % 3 - 1]
                    values[last] = value
                    last += 1
    return ends[:, :last].copy(), values[:last].copy()


@compiled
def add_flows(ends: IntArray, values: FloatArray, potential: FloatArray, found: FloatArray) -> None:
    """Add what the links carry into each node, out of it, and conductance times potential.

    Args:
        ends: Places of both nodes of each link.
        values: Conductance of each link.
        potential: Of each node, V.
        found: Three rows, a column for each node.
    """
    for link in range(len(values)):
        one, other = ends[0, link], ends[1, link]
        if potential[one] < potential[other]:
            one, other = other, one
        flow = values[link] * (potential[one] - potential[other])
        found[1, one] += flow
        found[0, other] += flow
        found[2, one] += values[link] * potential[one]
        found[2, other] += values[link] * potential[other]


class Multiport(NamedTuple):
    """A circuit between some nodes that stands for a larger one.

    Attributes:
        nodes: Their numbers, ascending.
        laplacian: Siemens, dense.
    """

    nodes: IntArray
    laplacian: FloatArray


class Elimination(NamedTuple):
    """How potentials follow from others.

    Attributes:
        gone: Nodes that were eliminated.
        kept: Nodes on which their potentials depend.
        weights: A row for each node that is gone, a column for each that is kept.
    """

    gone: IntArray
    kept: IntArray
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class RasterNodes:
    """What all windows of a raster share.

    Attributes:
        shape: Rows and columns of the raster.
        regions: How many there are.
        rule: What links two cells.
    """

    shape: tuple[int, int]
    regions: int
    rule: ConductanceRule

    def inner(self, nodes: IntArray, window: Window) -> BoolArray:
        """Which nodes of a window neither are regions nor lie in another window too."""
        row, col = np.divmod(nodes - self.regions, self.shape[1])
        inner = (nodes >= self.regions) & (row < window.row + window.height)
        inner &= col < window.col + window.width
        inner &= (row > window.row) | (window.row == 0)
        return np.asarray(inner & ((col > window.col) | (window.col == 0)))


@dataclass(frozen=True, slots=True)
class Substructure:
    """A window of the raster, with the row below and the column to the right where there are any.

    Attributes:
        window: Its own cells.
        resistance: Of its cells and of those beside them.
        nodes: Of the same cells.
        raster: What it shares with the others.
    """

    window: Window
    resistance: FloatArray
    nodes: Numbers
    raster: RasterNodes

    def links(self, part: Window) -> tuple[Numbers, FloatArray]:
        """Links of a part of the window."""
        cells, rule = _held(part, self.window), self.raster.rule
        return links_of(self.resistance[cells], self.nodes[cells], part.height, part.width, rule)

    def leaf(self, part: Window, eliminations: list[Elimination] | None) -> Multiport:
        """A part of the window from its links."""
        ends, values = self.links(part)
        nodes = _present(self.nodes[_held(part, self.window)])
        size = len(nodes)
        one, other = np.searchsorted(nodes, ends)
        beside = np.zeros((size, size))
        np.subtract.at(beside, (one, other), values)
        whole = Multiport(nodes, _balanced(beside + beside.T))
        return reduced(whole, self.raster.inner(nodes, part), eliminations)

    def reduce(self, eliminations: list[Elimination] | None = None) -> Multiport:
        """The window as seen from outside."""
        leaf = partial(self.leaf, eliminations=eliminations)
        with one_thread():
            return condensed(self.window, _LEAST_SIDE, leaf, self.raster, eliminations)


def _held(part: Window, within: Window) -> tuple[slice, slice]:
    """The cells of a window, of the row below them and of the column to their right."""
    return replace(part, height=part.height + 1, width=part.width + 1).slices_within(within)


def halves(window: Window, side: int) -> tuple[Window, Window]:
    """A window cut across its longer side, at a multiple of a side."""
    if window.height >= window.width:
        first = -(-window.height // side) // 2 * side
        rest = Window(window.row + first, window.col, window.height - first, window.width)
        return replace(window, height=first), rest
    first = -(-window.width // side) // 2 * side
    rest = Window(window.row, window.col + first, window.height, window.width - first)
    return replace(window, width=first), rest


def leaves(window: Window, side: int) -> Iterator[Window]:
    """The windows that `condensed` asks for, in its order."""
    if max(window.height, window.width) <= side:
        yield window
    else:
        for half in halves(window, side):
            yield from leaves(half, side)


def condensed(
    window: Window,
    side: int,
    leaf: Callable[[Window], Multiport],
    raster: RasterNodes,
    eliminations: list[Elimination] | None,
) -> Multiport:
    """A window as seen from outside.

    Args:
        window: Of the raster.
        side: Cells along a window that is asked for.
        leaf: Gives the multiport of a window of at most that side.
        raster: What all windows share.
        eliminations: Takes what was eliminated, in that order; None when nobody will ask.
    """
    if max(window.height, window.width) <= side:
        return leaf(window)
    both = joined(
        *(condensed(half, side, leaf, raster, eliminations) for half in halves(window, side))
    )
    return reduced(both, raster.inner(both.nodes, window), eliminations)


def joined(one: Multiport, other: Multiport) -> Multiport:
    """Both side by side; what lies between the same two nodes adds up."""
    nodes = np.union1d(one.nodes, other.nodes)
    laplacian = np.zeros((len(nodes), len(nodes)))
    for part in (one, other):
        places = np.searchsorted(nodes, part.nodes)
        laplacian[places[:, np.newaxis], places] += part.laplacian
    return Multiport(nodes, laplacian)


def reduced(port: Multiport, inner: BoolArray, eliminations: list[Elimination] | None) -> Multiport:
    """The same as seen from the nodes that are not inner ones.

    Raises:
        InvalidInput: the conductances span too wide a range.
    """
    gone, kept = np.flatnonzero(inner), np.flatnonzero(~inner)
    if not gone.size:
        return port
    whole = port.laplacian
    # By columns, as LAPACK has them: each is symmetric, or taken from the other side.
    factor, wrong = dpotrf(whole[gone[:, np.newaxis], gone].T, lower=1, overwrite_a=1)
    if wrong:
        raise InvalidInput(
            "the currents cannot be found: the resistances span too wide a range",
            message_zh="无法求解电流：阻力值跨度过大",
            pointer="/resistance",
        )
    half, _ = dtrtrs(factor, whole[kept[:, np.newaxis], gone].T, lower=1, overwrite_b=1)
    rest = whole[kept[:, np.newaxis], kept]
    rest -= half.T @ half
    if eliminations is not None:
        weights, _ = dtrtrs(factor, half, lower=1, trans=1, overwrite_b=1)
        np.negative(weights, out=weights)
        eliminations.append(Elimination(port.nodes[gone], port.nodes[kept], weights))
    return Multiport(port.nodes[kept], _balanced(rest))


def _balanced(laplacian: FloatArray) -> FloatArray:
    """With a diagonal that makes the sum of each row 0: so no digits are lost by subtraction."""
    np.fill_diagonal(laplacian, 0.0)
    np.fill_diagonal(laplacian, -laplacian.sum(axis=1))
    return laplacian


def spread(eliminations: Sequence[Elimination], nodes: IntArray, potential: FloatArray) -> None:
    """Fill in the potentials of all that was eliminated.

    Args:
        eliminations: In their order.
        nodes: Numbers, ascending.
        potential: A row for each node, a column for each run; known of what was not eliminated.
    """
    with one_thread():
        for one in reversed(eliminations):
            kept = potential[np.searchsorted(nodes, one.kept)]
            potential[np.searchsorted(nodes, one.gone)] = one.weights @ kept


class WindowFlow(NamedTuple):
    """What flows through a window.

    Attributes:
        maps: Sum of the currents of all runs and the largest of them, A, by cell; 0 on the border,
            in regions and where there is no node.
        border: Of each run and each node of the border, A: what flows in and out within the window,
            and conductance times potential.
        squares: Of each run, over the nodes that are in no other window: what flows out and not in,
            and conductance times potential, each squared and summed.
    """

    maps: FloatArray
    border: FloatArray
    squares: FloatArray


def window_flow(item: tuple[Substructure, IntArray, FloatArray]) -> WindowFlow:
    """What flows through a window.

    Args:
        item: The window, the nodes it is seen by from outside, and their potentials, V: a row for
            each of them, a column for each run.
    """
    part, border, known = item
    eliminations = list[Elimination]()
    part.reduce(eliminations)
    nodes = _present(part.nodes)
    on_border = np.searchsorted(nodes, border)
    ends, values = part.links(part.window)
    links = np.searchsorted(nodes, ends)
    maps, runs = np.zeros((2, len(nodes) + 1)), known.shape[1]
    found = WindowFlow(maps, np.empty((runs, 3, len(border))), np.empty((runs, 2)))
    for first in range(0, runs, _RUNS):
        potential = np.zeros((len(nodes), min(_RUNS, runs - first)))
        potential[on_border] = known[:, first : first + _RUNS]
        spread(eliminations, nodes, potential)
        for run, one in enumerate(np.ascontiguousarray(potential.T), start=first):
            _add_run(found, run, _flows(links, values, one), on_border)
    own = part.nodes[: part.window.height, : part.window.width]
    cells = np.where(own < 0, len(nodes), np.searchsorted(nodes, own))
    return found._replace(maps=maps[:, cells])


def _flows(links: IntArray, values: FloatArray, potential: FloatArray) -> FloatArray:
    found = np.zeros((3, len(potential)))
    add_flows(links, values, potential, found)
    return found


def _add_run(found: WindowFlow, run: int, flows: FloatArray, on_border: IntArray) -> None:
    found.border[run] = flows[:, on_border]
    flows[:, on_border] = 0.0
    current = flows[:2].max(axis=0)
    found.maps[0, :-1] += current
    np.maximum(found.maps[1, :-1], current, out=found.maps[1, :-1])
    found.squares[run] = np.square(flows[1] - flows[0]).sum(), np.square(flows[2]).sum()


def _present(nodes: Numbers) -> IntArray:
    """The numbers of the nodes of some cells, ascending."""
    found = np.unique(nodes).astype(np.int64)
    return found[np.searchsorted(found, 0) :]


@dataclass(frozen=True, slots=True)
class ReducedRaster:
    """A raster of which only the regions are left, and the way back.

    Attributes:
        circuit: Between the regions; carries the same currents as the whole.
        node_of: Number of the node of each cell.
        parts: The windows.
        nodes: The regions, and the nodes on the borders of windows, ascending.
        borders: Places among them of what each window is seen by from outside.
        eliminations: Of nodes on the borders, in their order.
        run: Computes windows.
    """

    circuit: Circuit
    node_of: Numbers
    parts: Sequence[Substructure]
    nodes: IntArray
    borders: Sequence[IntArray]
    eliminations: Sequence[Elimination]
    run: Run

    def flows(self, known: FloatArray) -> Iterator[tuple[Substructure, IntArray, WindowFlow]]:
        """What flows through each window, with the places of its border.

        Args:
            known: V: a row for each region, a column for each run.
        """
        potential = np.zeros((len(self.nodes), known.shape[1]))
        potential[: len(known)] = known
        spread(self.eliminations, self.nodes, potential)
        items = [
            (part, self.nodes[border], potential[border])
            for part, border in zip(self.parts, self.borders, strict=True)
        ]
        return zip(self.parts, self.borders, self.run(window_flow, items), strict=True)


def reduce_raster(
    resistance: FloatArray, settings: CircuitSettings, regions: Sequence[Regions]
) -> tuple[ReducedRaster, tuple[Numbers, ...]]:
    """Reduce a raster to its regions; arguments and errors as in `make_circuit`.

    Returns:
        What is left, and for each raster the node of each of its numbers; −1 where the number does
        not occur or has no passable cell.
    """
    merged, numbers = merge_regions(resistance, regions)
    most = max((int(own.max()) for own in numbers), default=0)
    require_cells(resistance.size + most, 1)
    node_of, node_of_region = _number_nodes(resistance, merged, most)
    raster = RasterNodes(
        (resistance.shape[0], resistance.shape[1]),
        int(node_of_region.max()) + 1,
        conductance_rule(settings),
    )
    reach(resistance, node_of, raster.regions, raster.rule)
    whole = Window(0, 0, *raster.shape)
    parts = [
        Substructure(window, resistance[cells], node_of[cells], raster)
        for window in leaves(whole, WINDOW_SIDE)
        for cells in [_held(window, whole)]
    ]
    borders, eliminations = list[IntArray](), list[Elimination]()
    multiports = iter(settings.run(Substructure.reduce, parts))

    def following(_: Window) -> Multiport:
        port: Multiport = next(multiports)
        borders.append(port.nodes)
        return port

    with one_thread():
        left = csr_array(condensed(whole, WINDOW_SIDE, following, raster, eliminations).laplacian)
    next(multiports, None)  # lets the runner come to its end
    circuit = Circuit(node_of, left, number_parts(left.indptr, left.indices))
    nodes = np.unique(np.concatenate([np.arange(raster.regions), *borders]))
    places = [np.searchsorted(nodes, border) for border in borders]
    reduced = ReducedRaster(circuit, node_of, parts, nodes, places, eliminations, settings.run)
    return reduced, tuple(node_of_region[own] for own in numbers)


def _number_nodes(resistance: FloatArray, merged: Numbers, most: int) -> tuple[Numbers, Numbers]:
    """The node of each cell and of each region."""
    passable = np.isfinite(resistance)
    alive = np.zeros(most + 1, dtype=bool)
    alive[merged[passable]] = True
    alive[0] = False
    node_of_region = np.where(alive, np.cumsum(alive) - 1, NO_NODE).astype(np.int32)
    nodes = node_of_region[merged]
    cells = np.flatnonzero(passable & (merged == 0))
    nodes.flat[cells] = cells + np.count_nonzero(alive)
    return nodes, node_of_region
