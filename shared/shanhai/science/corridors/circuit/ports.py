"""Currents between the sources of a circuit, all from one solution for each source.

With one source of a part held at 0 V, the potentials that 1 A into each of the others makes are
found once; any currents between sources are then sums of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from shanhai.science.arrays import FloatArray, IntArray
from shanhai.science.corridors.circuit.graph import Circuit, entries
from shanhai.science.corridors.circuit.graph_kernels import currents
from shanhai.science.corridors.circuit.settings import CircuitSettings
from shanhai.science.corridors.circuit.solve import (
    Report,
    Solver,
    choose_method,
    require_residual,
)

_NO_GROUND: FloatArray = np.empty(0)


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
        self.report = Report()
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
        self.report += Report(residual=residual)
        through = currents(*entries(self._laplacian), potential, _NO_GROUND)
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
        free = np.delete(np.arange(size), grounded)
        solver = Solver(self._laplacian[free][:, free], method)
        for row, port in enumerate(ports):
            right = np.zeros(size)
            right[port] = 1.0
            self._potential[row, free] = solver.solve(right[free])
        self.report = Report((method,), 0.0, len(ports), size)


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
