"""Any sources of current and any grounds."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit import solver
from shanhai.science.corridors.circuit.graph import Circuit, Regions, make_circuit
from shanhai.science.corridors.cost_distance import require_resistance, require_shape
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import FloatArray

Policy = Literal["keepall", "rmvsrc", "rmvgnd", "rmvall"]
"""What goes where a node is both a source and a ground; the words are Circuitscape's."""


@dataclass(frozen=True, slots=True)
class Advanced:
    """What flows from the sources to the grounds.

    Attributes:
        potential: V; 0 where no current flows, NaN in barriers.
        current: A; likewise.
        lost: A of sources in parts without a ground, which send nothing.
        report: How it was solved.
    """

    potential: FloatArray
    current: FloatArray
    lost: float
    report: solver.SolveReport


def advanced(
    resistance: NDArray[np.floating | np.integer],
    sources: FloatArray,
    grounds: FloatArray,
    spacing: Spacing,
    settings: solver.CircuitSettings = solver.DEFAULT_SETTINGS,
    *,
    short_circuits: Regions | None = None,
    policy: Policy = "keepall",
) -> Advanced:
    """Send any currents to any grounds.

    Values of the cells of one short-circuit region add up. Where a node is both source and ground,
    `rmvsrc` drops the source, `rmvgnd` the ground, `rmvall` both; `keepall` keeps both, but an
    infinite ground, which would swallow the source, still goes.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        sources: A that enters at each cell, negative where it leaves; 0 and NaN are none.
        grounds: Conductance from each cell to the ground, S, above 0, +∞ for a direct tie; 0 and
            NaN are none.
        spacing: Square cells in metres; their size has no bearing on currents.
        settings: Neighbours, joining of cells, method and memory.
        short_circuits: Regions without resistance, numbered from 1; 0 is none.
        policy: What goes where both meet.

    Raises:
        InvalidInput: the resistance or the cells are refused, shapes differ, a source is infinite,
            a ground is negative, no part has both a source and a ground, or the solution is not
            exact enough.
        LimitExceeded: it cannot be done within the memory.

    Source: McRae et al. (2008); Circuitscape, advanced mode.
    """
    solver.require_square(spacing)
    checked = require_resistance(resistance)
    _require_inputs(checked, sources, grounds, policy)
    short = () if short_circuits is None else (short_circuits,)
    circuit, _ = make_circuit(checked, settings, short)
    injected = _by_node(circuit, sources)
    to_ground = _by_node(circuit, grounds)
    _settle(injected, to_ground, policy)
    potential, report = potentials(circuit, injected, to_ground, settings)
    if not report.solutions:
        raise InvalidInput(
            "no part of the passable ground holds both a source and a ground; nothing would flow",
            message_zh="没有任何连通区域同时含有电流源与接地，不会产生电流",
            pointer="/grounds",
        )
    finite = np.where(np.isfinite(to_ground), to_ground, 0.0)
    active = _active(circuit, injected, to_ground)
    return Advanced(
        potential=circuit.raster(potential),
        current=circuit.raster(circuit.currents(potential, finite)),
        lost=float(np.abs(injected[~active]).sum()),
        report=report,
    )


def potentials(
    circuit: Circuit, injected: FloatArray, to_ground: FloatArray, settings: solver.CircuitSettings
) -> tuple[FloatArray, solver.SolveReport]:
    """Potential of each node, V; 0 in parts that lack a source or a ground.

    Args:
        circuit: The circuit.
        injected: A that enters at each node; what enters at a direct tie to the ground has no
            bearing.
        to_ground: Conductance of each node to the ground, S, ≥ 0; +∞ holds it at 0 V.
        settings: Method and memory.

    Raises:
        InvalidInput: the solution is not exact enough.
        LimitExceeded: it cannot be done within the memory.
    """
    free = np.flatnonzero(_active(circuit, injected, to_ground) & np.isfinite(to_ground))
    if not injected[free].any():
        return np.zeros(circuit.size), solver.SolveReport()
    finite = np.where(np.isfinite(to_ground), to_ground, 0.0)
    leak = finite if finite[free].any() else solver.NO_GROUND
    method = solver.choose_method(len(free), 1, settings)
    potential = solver.Solver(circuit.laplacian, free, method, leak).solve(injected)
    residual = solver.require_residual(circuit.laplacian, potential, injected, leak, free)
    return potential, solver.SolveReport((method,), residual, 1, len(free))


def _active(circuit: Circuit, injected: FloatArray, to_ground: FloatArray) -> NDArray[np.bool_]:
    """Nodes of the parts that hold both a source and a ground."""
    parts = circuit.part
    size = int(parts.max()) + 1
    fed, drained = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    fed[parts[injected != 0]] = True
    drained[parts[to_ground != 0]] = True
    return np.asarray((fed & drained)[parts])


def _by_node(circuit: Circuit, values: FloatArray) -> FloatArray:
    """Sums over the cells of each node; NaN adds nothing, and neither do barriers."""
    known = (circuit.node_of >= 0) & ~np.isnan(values)
    nodes = circuit.node_of[known]
    return np.bincount(nodes, weights=values[known], minlength=circuit.size).astype(np.float64)


def _settle(injected: FloatArray, to_ground: FloatArray, policy: Policy) -> None:
    """Drop sources or grounds where both meet."""
    both = (injected != 0) & (to_ground != 0)
    if policy in ("rmvsrc", "rmvall"):
        injected[both] = 0.0
    if policy in ("rmvgnd", "rmvall"):
        to_ground[both] = 0.0
    to_ground[np.isinf(to_ground) & (injected != 0)] = 0.0


def _require_inputs(
    resistance: FloatArray, sources: FloatArray, grounds: FloatArray, policy: Policy
) -> None:
    shape = resistance.shape[0], resistance.shape[1]
    require_shape("sources", sources.shape, shape)
    require_shape("grounds", grounds.shape, shape)
    if policy not in get_args(Policy):
        raise InvalidInput(
            f"policy is {policy!r}; it must be one of {get_args(Policy)}",
            message_zh=f"policy 为 {policy!r}，须为 {get_args(Policy)} 之一",
            pointer="/policy",
        )
    if np.isinf(sources).any():
        raise InvalidInput(
            f"sources are infinite in {np.isinf(sources).sum()} cells; currents must be finite",
            message_zh=f"电流源有 {np.isinf(sources).sum()} 个像元为无穷大，电流须为有限数",
            pointer="/sources",
        )
    if np.nanmin(grounds, initial=0.0) < 0:
        raise InvalidInput(
            f"a ground has a conductance of {np.nanmin(grounds):g}; it must not be negative",
            message_zh=f"接地电导出现 {np.nanmin(grounds):g}，不得为负",
            pointer="/grounds",
        )
