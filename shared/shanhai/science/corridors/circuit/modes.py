"""Current between every two sources, from all to one, and from one to all."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.corridors.circuit import currents
from shanhai.science.corridors.circuit.graph import Circuit, Numbers, Regions, make_circuit
from shanhai.science.corridors.circuit.solver import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    SolveReport,
    in_windows,
    require_square,
)
from shanhai.science.corridors.circuit.substructures import reduce_raster
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import FloatArray

Mode = Literal["all_to_one", "one_to_all"]
OnSource = Callable[[int, FloatArray], None]
"""Takes a source with the current, A, of its run by cell."""


@dataclass(frozen=True, slots=True)
class ManyToOne:
    """What flows between each source and the rest.

    Attributes:
        numbers: Of the sources, ascending.
        resistance: From each source to all it sends to, ohm, by their order; NaN where it reaches
            none, and everywhere when all send to one.
        maps: Current over all runs, one for each source.
        report: How it was solved.
    """

    numbers: tuple[int, ...]
    resistance: FloatArray
    maps: currents.CurrentMaps
    report: SolveReport


def all_to_one(
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    *,
    pairs: Collection[currents.Pair] | None = None,
    strengths: Mapping[int, float] | None = None,
    short_circuits: Regions | None = None,
    on_source: OnSource | None = None,
) -> ManyToOne:
    """Ground each source in turn and let all others send their current to it.

    All sources are collapsed to a node. One solution for each source but one serves all runs.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: Number of the source of each cell, from 1; 0 is none.
        spacing: Square cells in metres; their size has no bearing on currents.
        settings: Neighbours, joining of cells, method and memory.
        pairs: Of a ground and a source that sends to it; all when not given. Others send nothing.
        strengths: A that a source sends; 1 when not given.
        short_circuits: Regions without resistance, numbered from 1; 0 is none.
        on_source: Told of each run in which a current flows.

    Raises:
        InvalidInput: the input is refused (`read_sources`, `require_square`, `require_pairs`,
            `require_strengths`), or the solution is not exact enough (`require_residual`).
        LimitExceeded: it cannot be done within the memory.

    Source: McRae and Shah (2009); Circuitscape.
    """
    require_square(spacing)
    return _run(
        "all_to_one", resistance, sources, settings, pairs, strengths, short_circuits, on_source
    )


def one_to_all(
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    *,
    pairs: Collection[currents.Pair] | None = None,
    strengths: Mapping[int, float] | None = None,
    short_circuits: Regions | None = None,
    on_source: OnSource | None = None,
) -> ManyToOne:
    """Let each source in turn send its current to all others, which are grounded.

    Arguments, errors and source as in `all_to_one`; a source that a pair does not name with the
    sending one is not grounded.
    """
    require_square(spacing)
    return _run(
        "one_to_all", resistance, sources, settings, pairs, strengths, short_circuits, on_source
    )


def _run(
    mode: Mode,
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    settings: CircuitSettings,
    pairs: Collection[currents.Pair] | None,
    strengths: Mapping[int, float] | None,
    short_circuits: Regions | None,
    on_source: OnSource | None,
) -> ManyToOne:
    checked, numbers = currents.read_sources(resistance, sources)
    wanted = currents.require_pairs(pairs, numbers)
    amperes = currents.require_strengths(strengths, numbers)
    short = () if short_circuits is None else (short_circuits,)
    circuit, gathered, nodes = _open_circuit(
        checked, settings, (sources, *short), len(numbers) - 1, on_source
    )
    found = dict.fromkeys(numbers, np.nan)
    report = SolveReport()
    node_of = {number: int(nodes[0][number]) for number in numbers}
    for ports in currents.make_ports(circuit, node_of, settings):
        for one in ports.sources:
            others = _others(one, ports, node_of, wanted)
            if not others:
                continue
            if mode == "all_to_one":
                flow = ports.flow({other: amperes[other] for other in others}, one)
            else:
                flow, found[one] = _from_one(ports, one, others, amperes[one])
            gathered.add(flow)
            if on_source:
                on_source(one, currents.by_cell(circuit, flow.nodes, flow.current))
        report += ports.report
    maps = gathered.maps()
    return ManyToOne(numbers, np.array([found[n] for n in numbers]), maps, report + gathered.report)


def _open_circuit(
    resistance: FloatArray,
    settings: CircuitSettings,
    regions: Sequence[Regions],
    right_hand_sides: int,
    told: object | None,
) -> tuple[Circuit, currents.Gathered, tuple[Numbers, ...]]:
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
        return raster.circuit, currents.GatheredByWindows(raster), numbers
    circuit, numbers = make_circuit(resistance, settings, regions)
    return circuit, currents.Gathered(circuit), numbers


def _others(
    one: int,
    ports: currents.Ports,
    node_of: Mapping[int, int],
    wanted: frozenset[frozenset[int]] | None,
) -> list[int]:
    """Sources of the part that send to one, or are sent to; not those of its own node."""
    return [
        other
        for other in ports.sources
        if node_of[other] != node_of[one] and (wanted is None or frozenset((one, other)) in wanted)
    ]


def _from_one(
    ports: currents.Ports, one: int, grounds: list[int], amperes: float
) -> tuple[currents.Flow, float]:
    """The flow from one source to grounded ones, and the resistance between.

    The currents into the grounds are those that make their potentials equal.
    """
    grounds = ports.distinct(grounds)
    size = len(grounds)
    matrix = np.zeros((size + 1, size + 1))
    matrix[:size, :size] = [[ports.between(h, g) for h in grounds] for g in grounds]
    matrix[:size, size] = matrix[size, :size] = 1.0
    right = np.array([*(-ports.between(one, g) for g in grounds), -1.0])
    shares = np.linalg.solve(matrix, right)[:size]
    unit = {one: 1.0, **dict(zip(grounds, shares.tolist(), strict=True))}
    flow = ports.flow({number: share * amperes for number, share in unit.items()}, grounds[0])
    level = sum(share * ports.between(number, grounds[0]) for number, share in unit.items())
    at_one = sum(share * ports.between(number, one) for number, share in unit.items())
    return flow, at_one - level


OnPair = Callable[[currents.Pair, FloatArray, FloatArray], None]
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
    maps: currents.CurrentMaps
    report: SolveReport


@dataclass(frozen=True, slots=True)
class _Task:
    """A circuit, what gathers its currents, its ports and the pairs to be sent through it."""

    circuit: Circuit
    gathered: currents.Gathered
    ports: list[currents.Ports]
    pairs: list[currents.Pair]


def pairwise(
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    *,
    pairs: Collection[currents.Pair] | None = None,
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
    checked, numbers = currents.read_sources(resistance, sources)
    wanted = currents.require_pairs(pairs, numbers)
    all_pairs = [
        pair for pair in combinations(numbers, 2) if wanted is None or frozenset(pair) in wanted
    ]
    short = () if short_circuits is None else (short_circuits,)
    found = np.full((len(numbers), len(numbers)), np.nan)
    np.fill_diagonal(found, 0.0)
    nothing = np.where(np.isfinite(checked), 0.0, np.nan)
    maps = currents.CurrentMaps(nothing, nothing)
    report = SolveReport()
    for task in _tasks(checked, sources, short, all_pairs, settings, on_pair):
        for pair, ports in _joined(task):
            one, other = (numbers.index(number) for number in pair)
            flow = ports.flow({pair[1]: 1.0}, pair[0])
            found[one, other] = found[other, one] = ports.resistance(*pair)
            task.gathered.add(flow)
            if on_pair:
                on_pair(
                    pair,
                    currents.by_cell(task.circuit, flow.nodes, flow.current),
                    currents.by_cell(task.circuit, flow.nodes, flow.potential),
                )
        maps = currents.merged(maps, task.gathered.maps())
        report = sum((ports.report for ports in task.ports), report + task.gathered.report)
    return Pairwise(numbers, found, maps, report)


def _tasks(
    resistance: FloatArray,
    sources: Regions,
    short: tuple[Regions, ...],
    pairs: list[currents.Pair],
    settings: CircuitSettings,
    on_pair: OnPair | None,
) -> Iterator[_Task]:
    """One circuit for all pairs when the sources are cells, else one for each."""
    cells = np.unique(sources[sources > 0], return_counts=True)[1]
    groups = [pairs] if cells.max() == 1 else [[pair] for pair in pairs]
    for group in groups:
        members = sorted({number for pair in group for number in pair})
        active = np.where(np.isin(sources, members), sources, 0)
        circuit, gathered, nodes = _open_circuit(
            resistance, settings, (active, *short), len(members) - 1, on_pair
        )
        node_of = {number: int(nodes[0][number]) for number in members}
        yield _Task(circuit, gathered, currents.make_ports(circuit, node_of, settings), group)


def _joined(task: _Task) -> Iterator[tuple[currents.Pair, currents.Ports]]:
    """The pairs of one part each, with its ports."""
    for pair in task.pairs:
        for ports in task.ports:
            if set(pair) <= set(ports.sources):
                yield pair, ports
