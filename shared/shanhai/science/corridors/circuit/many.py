"""Current from all sources to one, and from one to all."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.circuit.graph import Regions, make_circuit
from shanhai.science.corridors.circuit.maps import (
    CurrentMaps,
    Gathered,
    Pair,
    by_cell,
    read_sources,
    require_pairs,
    require_strengths,
)
from shanhai.science.corridors.circuit.ports import Flow, Ports, make_ports
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    require_square,
)
from shanhai.science.corridors.circuit.solve import Report
from shanhai.science.corridors.spacing import Spacing

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
    maps: CurrentMaps
    report: Report


def all_to_one(
    resistance: NDArray[np.floating | np.integer],
    sources: Regions,
    spacing: Spacing,
    settings: CircuitSettings = DEFAULT_SETTINGS,
    *,
    pairs: Collection[Pair] | None = None,
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
    pairs: Collection[Pair] | None = None,
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
    pairs: Collection[Pair] | None,
    strengths: Mapping[int, float] | None,
    short_circuits: Regions | None,
    on_source: OnSource | None,
) -> ManyToOne:
    checked, numbers = read_sources(resistance, sources)
    wanted = require_pairs(pairs, numbers)
    amperes = require_strengths(strengths, numbers)
    short = () if short_circuits is None else (short_circuits,)
    circuit, nodes = make_circuit(checked, settings, (sources, *short))
    found = dict.fromkeys(numbers, np.nan)
    gathered = Gathered(circuit)
    report = Report()
    node_of = {number: int(nodes[0][number]) for number in numbers}
    for ports in make_ports(circuit, node_of, settings):
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
                on_source(one, by_cell(circuit, flow.nodes, flow.current))
        report += ports.report
    return ManyToOne(numbers, np.array([found[n] for n in numbers]), gathered.maps(), report)


def _others(
    one: int, ports: Ports, node_of: Mapping[int, int], wanted: frozenset[frozenset[int]] | None
) -> list[int]:
    """Sources of the part that send to one, or are sent to; not those of its own node."""
    return [
        other
        for other in ports.sources
        if node_of[other] != node_of[one] and (wanted is None or frozenset((one, other)) in wanted)
    ]


def _from_one(ports: Ports, one: int, grounds: list[int], amperes: float) -> tuple[Flow, float]:
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
