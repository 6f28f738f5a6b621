"""Currents between the sources of a circuit, and their sums and maxima over the raster."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit.graph import Circuit, Regions, currents, entries
from shanhai.science.corridors.circuit.solver import (
    NO_GROUND,
    CircuitSettings,
    Solver,
    SolveReport,
    choose_method,
    require_residual,
    require_small,
)
from shanhai.science.corridors.circuit.substructures import NO_NODE, ReducedRaster
from shanhai.science.corridors.cost_distance import require_resistance, require_shape
from shanhai.science.grid import FloatArray, IntArray

_MOST_RUNS: Final = 64
"""Whose currents on the borders are held at once; more take each window as often again."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Currents of one setting of sources and grounds.

    Attributes:
        nodes: Positions in the circuit.
        potential: V, at those nodes.
        current: A, at those nodes.
    """

    nodes: IntArray
    potential: FloatArray
    current: FloatArray


class Ports:
    """The sources within one part of a circuit, and what 1 A into each of them does.

    Args:
        circuit: The circuit.
        node_of: Node of each source in that part, at least one.
        settings: Method and memory.
    """

    def __init__(
        self, circuit: Circuit, node_of: Mapping[int, int], settings: CircuitSettings
    ) -> None:
        self.sources = tuple(node_of)
        self.nodes, self._laplacian = part_of(circuit, next(iter(node_of.values())))
        places = np.searchsorted(self.nodes, list(node_of.values()))
        self._place = dict(zip(self.sources, places.tolist(), strict=True))
        ports = np.unique(places[places != places[0]]).tolist()
        self._rows = {port: row for row, port in enumerate(ports)}
        self._potential = np.zeros((len(ports), len(self.nodes)))
        self.report = SolveReport()
        if ports:
            self._solve(int(places[0]), ports, settings)

    def flow(self, injected: Mapping[int, float], at_zero: int) -> Flow:
        """Potentials and currents when sources take in or give off so many amperes.

        Args:
            injected: A into each source; what is missing to a sum of 0 leaves at `at_zero`.
            at_zero: The source at 0 V.
        """
        right = np.zeros(len(self.nodes))
        amperes = np.zeros(len(self._rows))
        for source, amount in self._balanced(injected, at_zero).items():
            place = self._place[source]
            right[place] += amount
            if place in self._rows:
                amperes[self._rows[place]] += amount
        potential = amperes @ self._potential
        if not right.any():
            # All of it flows between sources that are one node.
            return Flow(self.nodes, potential, potential.copy())
        potential -= potential[self._place[at_zero]]
        residual = require_residual(self._laplacian, potential, right)
        self.report += SolveReport(residual=residual)
        through = currents(*entries(self._laplacian), potential, NO_GROUND)
        return Flow(self.nodes, potential, through)

    def between(self, one: int, other: int) -> float:
        """Potential at one source when 1 A enters at another, V above the part's source at 0 V."""
        row = self._rows.get(self._place[one])
        return 0.0 if row is None else float(self._potential[row, self._place[other]])

    def resistance(self, one: int, other: int) -> float:
        """Effective resistance between two sources, ohm; 0 when they are one node."""
        across = self.between(one, other) + self.between(other, one)
        return self.between(one, one) + self.between(other, other) - across

    def distinct(self, sources: Sequence[int]) -> list[int]:
        """The first source of each node among them."""
        return list({self._place[source]: source for source in reversed(sources)}.values())[::-1]

    def _balanced(self, injected: Mapping[int, float], at_zero: int) -> dict[int, float]:
        amperes = dict(injected)
        amperes[at_zero] = amperes.get(at_zero, 0.0) - sum(injected.values())
        return amperes

    def _solve(self, grounded: int, ports: list[int], settings: CircuitSettings) -> None:
        """Potentials of 1 A into each port but the grounded one."""
        size = len(self.nodes)
        method = choose_method(size, len(ports), settings, kept=len(ports))
        solver = Solver(self._laplacian, np.delete(np.arange(size), grounded), method)
        for row, port in enumerate(ports):
            right = np.zeros(size)
            right[port] = 1.0
            self._potential[row] = solver.solve(right)
        self.report = SolveReport((method,), 0.0, len(ports), size)


def part_of(circuit: Circuit, node: int) -> tuple[IntArray, csr_array]:
    """The nodes of the part that a node lies in, ascending, and their Laplacian."""
    nodes = np.flatnonzero(circuit.part == circuit.part[node])
    if len(nodes) == circuit.size:
        return nodes, circuit.laplacian
    return nodes, circuit.laplacian[nodes][:, nodes]


def make_ports(
    circuit: Circuit, node_of: Mapping[int, int], settings: CircuitSettings
) -> list[Ports]:
    """The ports of each part that holds any of the sources.

    Raises:
        LimitExceeded: the largest part cannot be solved within the memory; nothing was solved then.
    """
    in_part: dict[int, dict[int, int]] = {}
    for source, node in node_of.items():
        in_part.setdefault(int(circuit.part[node]), {})[source] = node
    sizes = np.bincount(circuit.part)
    for part, members in in_part.items():
        ports = len(set(members.values())) - 1
        if ports:
            choose_method(int(sizes[part]), ports, settings, kept=ports)
    return [Ports(circuit, members, settings) for members in in_part.values()]


Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class CurrentMaps:
    """Current of every cell over all flows, A; NaN in barriers.

    Attributes:
        cumulative: Sum.
        maximum: Largest.
    """

    cumulative: FloatArray
    maximum: FloatArray


class Gathered:
    """Currents by node of one circuit, as the flows come in.

    Attributes:
        report: How they were found, besides the flows themselves.
    """

    def __init__(self, circuit: Circuit) -> None:
        self.report = SolveReport()
        self._circuit = circuit
        self._cumulative = np.zeros(circuit.size)
        self._maximum = np.zeros(circuit.size)

    def add(self, flow: Flow) -> None:
        """Take in a flow."""
        self._cumulative[flow.nodes] += flow.current
        self._maximum[flow.nodes] = np.maximum(self._maximum[flow.nodes], flow.current)

    def maps(self) -> CurrentMaps:
        """Currents by cell."""
        raster = self._circuit.raster
        return CurrentMaps(raster(self._cumulative), raster(self._maximum))


class GatheredByWindows(Gathered):
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
        for part, border, found in raster.flows(known):
            self._take(part.window.slices, found.maps)
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


def merged(one: CurrentMaps, other: CurrentMaps) -> CurrentMaps:
    """The maps of all flows of two; a barrier may be a cell of a source in one of them only."""
    cumulative = np.where(np.isnan(one.cumulative), other.cumulative, one.cumulative)
    both = ~np.isnan(one.cumulative) & ~np.isnan(other.cumulative)
    cumulative[both] += other.cumulative[both]
    return CurrentMaps(cumulative, np.fmax(one.maximum, other.maximum))


def by_cell(circuit: Circuit, nodes: IntArray, values: FloatArray) -> FloatArray:
    """Values of some nodes in their cells, 0 in those of others, NaN where there is no node."""
    whole = np.zeros(circuit.size)
    whole[nodes] = values
    return circuit.raster(whole)


def read_sources(
    resistance: NDArray[np.floating | np.integer], sources: Regions, least: int = 2
) -> tuple[FloatArray, tuple[int, ...]]:
    """The checked resistance and the numbers of the sources, ascending.

    Raises:
        InvalidInput: `require_resistance` refuses the resistance, the shapes differ, there are
            fewer than `least` sources, or one of them has no passable cell (all such are named).
    """
    checked = require_resistance(resistance)
    require_shape("sources", sources.shape, (checked.shape[0], checked.shape[1]))
    numbers = np.unique(sources[sources > 0])
    if len(numbers) < least:
        raise InvalidInput(
            f"there are {len(numbers)} sources; currents need at least {least}",
            message_zh=f"源地数为 {len(numbers)}，电流计算至少需要 {least} 个",
            pointer="/sources",
        )
    lost = np.setdiff1d(numbers, sources[np.isfinite(checked)]).tolist()
    if lost:
        raise InvalidInput(
            f"sources {lost} lie on barriers only; each needs a passable cell",
            message_zh=f"源地 {lost} 全部位于障碍上；每个源地至少需一个可通行像元",
            pointer="/sources",
        )
    return checked, tuple(numbers.tolist())


def require_pairs(
    pairs: Collection[Pair] | None, numbers: tuple[int, ...]
) -> frozenset[frozenset[int]] | None:
    """The pairs that are asked for, in no order; None for all.

    Raises:
        InvalidInput: a pair names a source that is not there, or one source twice.
    """
    if pairs is None:
        return None
    for pair in pairs:
        if not set(pair) <= set(numbers) or len(set(pair)) != 2:
            raise InvalidInput(
                f"pairs holds {pair}; a pair names two different sources of {numbers}",
                message_zh=f"pairs 中有 {pair}；每对须为 {numbers} 中两个不同的源地",
                pointer="/pairs",
            )
    return frozenset(frozenset(pair) for pair in pairs)


def require_strengths(
    strengths: Mapping[int, float] | None, numbers: tuple[int, ...]
) -> dict[int, float]:
    """Amperes that each source sends, 1 where none are given.

    Raises:
        InvalidInput: a source is not there, or its strength is negative or not finite.
    """
    given = dict(strengths or {})
    for number, amperes in given.items():
        if number not in numbers or not 0 <= amperes < np.inf:
            raise InvalidInput(
                f"strengths gives source {number} {amperes} A; "
                f"it must be one of {numbers} and get a finite number of at least 0",
                message_zh=f"strengths 中源地 {number} 为 {amperes} A；须为 {numbers} 之一，"
                "且为不小于 0 的有限数",
                pointer="/strengths",
            )
    return {number: given.get(number, 1.0) for number in numbers}
