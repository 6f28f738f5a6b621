"""Current and effective resistance between every two sources."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.circuit.graph import Circuit, Regions, make_circuit
from shanhai.science.corridors.circuit.maps import (
    CurrentMaps,
    Gathered,
    Pair,
    by_cell,
    merged,
    read_sources,
    require_pairs,
)
from shanhai.science.corridors.circuit.ports import Ports, make_ports
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    require_square,
)
from shanhai.science.corridors.circuit.solve import Report
from shanhai.science.corridors.spacing import Spacing

OnPair = Callable[[Pair, FloatArray, FloatArray], None]
"""Takes a pair with its current, A, and its potential, V, by cell."""


@dataclass(frozen=True, slots=True)
class Pairwise:
    """What flows between pairs of sources.

    Attributes:
        numbers: Of the sources, ascending.
        resistance: Effective resistance, ohm, in their order; NaN between sources that no way
            joins and for pairs that were not asked for.
        maps: Current over all pairs.
        report: How it was solved.
    """

    numbers: tuple[int, ...]
    resistance: FloatArray
    maps: CurrentMaps
    report: Report


@dataclass(frozen=True, slots=True)
class _Task:
    """A circuit, its ports and the pairs to be sent through it."""

    circuit: Circuit
    ports: list[Ports]
    pairs: list[Pair]


def pairwise(
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    *,
    pairs: Collection[Pair] | None = None,
    short_circuits: Regions | None = None,
    on_pair: OnPair | None = None,
) -> Pairwise:
    """Send 1 A from the second to the first source of every pair.

    Only the two sources of a pair are collapsed to a node while it is solved: other sources are
    ground like any other. Where every source is one cell, all pairs are sums of one solution for
    each source.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: Number of the source of each cell, from 1; 0 is none.
        spacing: Square cells in metres; their size has no bearing on currents.
        settings: Neighbours, joining of cells, method and memory.
        pairs: That are wanted; all when not given.
        short_circuits: Regions without resistance, numbered from 1; 0 is none.
        on_pair: Told of each pair between which a current flows.

    Raises:
        InvalidInput: the input is refused (`read_sources`, `require_square`, `require_pairs`), or
            the solution is not exact enough (`require_residual`).
        LimitExceeded: it cannot be done within the memory.

    Source: McRae (2006); McRae et al. (2008); Circuitscape.
    """
    require_square(spacing)
    checked, numbers = read_sources(resistance, sources)
    wanted = require_pairs(pairs, numbers)
    all_pairs = [
        pair for pair in combinations(numbers, 2) if wanted is None or frozenset(pair) in wanted
    ]
    short = () if short_circuits is None else (short_circuits,)
    found = np.full((len(numbers), len(numbers)), np.nan)
    np.fill_diagonal(found, 0.0)
    nothing = np.where(np.isfinite(checked), 0.0, np.nan)
    maps = CurrentMaps(nothing, nothing)
    report = Report()
    for task in _tasks(checked, sources, short, all_pairs, settings):
        gathered = Gathered(task.circuit)
        for pair, ports in _joined(task):
            one, other = (numbers.index(number) for number in pair)
            flow = ports.flow({pair[1]: 1.0}, pair[0])
            found[one, other] = found[other, one] = ports.resistance(*pair)
            gathered.add(flow)
            if on_pair:
                on_pair(
                    pair,
                    by_cell(task.circuit, flow.nodes, flow.current),
                    by_cell(task.circuit, flow.nodes, flow.potential),
                )
        maps = merged(maps, gathered.maps())
        report = sum((ports.report for ports in task.ports), report)
    return Pairwise(numbers, found, maps, report)


def _tasks(
    resistance: FloatArray,
    sources: Regions,
    short: tuple[Regions, ...],
    pairs: list[Pair],
    settings: CircuitSettings,
) -> Iterator[_Task]:
    """One circuit for all pairs when the sources are cells, else one for each."""
    cells = np.unique(sources[sources > 0], return_counts=True)[1]
    groups = [pairs] if cells.max() == 1 else [[pair] for pair in pairs]
    for group in groups:
        members = sorted({number for pair in group for number in pair})
        active = np.where(np.isin(sources, members), sources, 0)
        circuit, nodes = make_circuit(resistance, settings, (active, *short))
        node_of = {number: int(nodes[0][number]) for number in members}
        yield _Task(circuit, make_ports(circuit, node_of, settings), group)


def _joined(task: _Task) -> Iterator[tuple[Pair, Ports]]:
    """The pairs of one part each, with its ports."""
    for pair in task.pairs:
        for ports in task.ports:
            if set(pair) <= set(ports.sources):
                yield pair, ports
