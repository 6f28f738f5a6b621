"""Current from everywhere to everywhere, one round window after the other (Omniscape)."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.corridors.circuit import solver
from shanhai.science.corridors.circuit.advanced import potentials
from shanhai.science.corridors.circuit.graph import Circuit, make_circuit
from shanhai.science.corridors.cost_distance import BARRIER, require_resistance, require_shape
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.grid import BoolArray, FloatArray, Window


class WindowTarget(NamedTuple):
    """A grounded cell.

    Attributes:
        row: Of the cell.
        col: Of the cell.
        block: Whose strengths are sent to it.
        strength: Their sum, A.
    """

    row: int
    col: int
    block: Window
    strength: float


def strengths_of(resistance: FloatArray, cutoff: float) -> FloatArray:
    """Strength of each cell by its resistance, `1/R` up to a cutoff, else 0, A.

    Args:
        resistance: Above 0; NaN and infinite are barriers and have none.
        cutoff: Largest resistance of a cell that sends and draws current.
    """
    strengths = np.zeros(resistance.shape)
    return np.divide(1.0, resistance, out=strengths, where=resistance <= cutoff)


def find_targets(
    resistance: FloatArray, strengths: FloatArray, side: int, part: Window
) -> Iterator[WindowTarget]:
    """Blocks of a part with strength, row by row, each with the passable cell next to its middle.

    A block at the far edge of which not even the middle is there sends nothing.
    """
    half, (end_row, end_col) = side // 2, (part.row + part.height, part.col + part.width)
    for row in range(part.row, end_row - half, side):
        for col in range(part.col, end_col - half, side):
            block = Window(row, col, min(side, end_row - row), min(side, end_col - col))
            strength = float(strengths[block.slices].sum())
            if strength > 0:
                middle = _nearest(resistance, block, (row + half, col + half))
                yield WindowTarget(*middle, block, strength)


def _nearest(resistance: FloatArray, block: Window, middle: tuple[int, int]) -> tuple[int, int]:
    """The passable cell of a block that is nearest to its middle."""
    cells = np.argwhere(np.isfinite(resistance[block.slices])) + np.array([block.row, block.col])
    off = np.hypot(cells[:, 0] - middle[0], cells[:, 1] - middle[1])
    row, col = cells[np.argmin(off)]
    return int(row), int(col)


def cells_around(part: Window, reach: int, shape: tuple[int, ...]) -> Window:
    """A part with the cells around it, as far as there are any."""
    row, col = max(part.row - reach, 0), max(part.col - reach, 0)
    end_row = min(part.row + part.height + reach, shape[0])
    end_col = min(part.col + part.width + reach, shape[1])
    return Window(row, col, end_row - row, end_col - col)


def disc_of(target: WindowTarget, radius: int, shape: tuple[int, ...]) -> tuple[Window, BoolArray]:
    """The window around a target, and its cells within the radius."""
    window = cells_around(Window(target.row, target.col, 1, 1), radius, shape)
    down = np.arange(window.row, window.row + window.height)[:, None] - target.row
    across = np.arange(window.col, window.col + window.width)[None] - target.col
    return window, down**2 + across**2 <= radius**2


def shares_of(
    target: WindowTarget, window: Window, inside: BoolArray, strengths: FloatArray
) -> FloatArray:
    """What each cell of the window sends to the target, A."""
    sources = np.where(inside, strengths[window.slices], 0.0)
    block = target.block
    own = replace(block, row=max(block.row, window.row), col=max(block.col, window.col))
    end_row, end_col = block.row + block.height, block.col + block.width
    own = replace(own, height=end_row - own.row, width=end_col - own.col)
    sources[own.slices_within(window)] = 0.0
    total = sources.sum()
    return sources * (target.strength / total) if total > 0 else sources


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What a run may change.

    Attributes:
        radius: Of the windows, cells: centres lie at most so far from that of the target.
        block: Side of the blocks whose strengths are sent to one target in their middle, cells,
            odd; about a tenth of the radius costs little and saves the square of it.
        threshold: Strengths below it count as none.
        neighbours: Of a cell, 4 or 8.
        joining: As in `CircuitSettings`; averages of conductances are what Omniscape's maps show.
        method: As in `CircuitSettings`.
        memory_limit: Bytes that one window's solution may take.
    """

    radius: int
    block: int = 1
    threshold: float = 0.0
    neighbours: solver.Neighbours = 8
    joining: solver.Joining = "average_conductance"
    method: solver.Method | None = None
    memory_limit: int = solver.DEFAULT_SETTINGS.memory_limit

    def __post_init__(self) -> None:
        """Refuse settings outside the method."""
        if self.radius < 1:
            raise InvalidInput(
                f"radius is {self.radius} cells; it must be at least 1",
                message_zh=f"radius 为 {self.radius} 个像元，至少为 1",
                pointer="/radius",
            )
        if self.block < 1 or self.block % 2 == 0 or self.block > self.radius:
            raise InvalidInput(
                f"block is {self.block} cells; it must be odd, at least 1 and at most the radius "
                f"of {self.radius}",
                message_zh=f"block 为 {self.block} 个像元，须为奇数，"
                f"且在 1 与半径 {self.radius} 之间",
                pointer="/block",
            )

    @property
    def circuit(self) -> solver.CircuitSettings:
        """Of each window's circuit."""
        return solver.CircuitSettings(self.neighbours, self.joining, self.method, self.memory_limit)

    @property
    def reach(self) -> int:
        """Cells beside a block that its window may hold."""
        return self.radius + self.block

    def require_memory(self, shape: tuple[int, ...]) -> None:
        """Refuse windows that are too large before the first is solved.

        Raises:
            LimitExceeded: no way of solving keeps to the memory.
        """
        nodes = min(math.ceil(math.pi * (self.radius + 1) ** 2), math.prod(shape))
        solver.choose_method(nodes, 1, self.circuit)


@dataclass(frozen=True, slots=True)
class WindowCurrents:
    """Currents summed over the windows of some blocks.

    Attributes:
        window: The cells they reach.
        cumulative: A, in that window; 0 in barriers.
        potential: The same if every cell resisted 1, barriers included, A.
        targets: Number of windows solved.
        report: How they were solved.
    """

    window: Window
    cumulative: FloatArray
    potential: FloatArray
    targets: int
    report: solver.SolveReport


def moving_window(
    resistance: NDArray[np.floating | np.integer],
    strengths: FloatArray,
    spacing: Spacing,
    settings: WindowSettings,
    part: Window | None = None,
) -> WindowCurrents:
    """Send to every target what it is worth from all sources around it, and add the currents.

    In the window of a target the sources outside its own block share its strength in proportion to
    theirs. What cannot reach the target sends nothing; its share is lost, and shows how cut off the
    target is. Where the middle of a block is a barrier, its nearest passable cell is the target.

    Each window is a circuit of about π·radius² nodes of its own: expect about a twentieth of a
    second for each with a radius of 50 cells. Parts of a raster can be solved in any order and
    anywhere; their sum is the whole.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        strengths: A, ≥ 0, such as service importance or `strengths_of`; NaN is none, and barriers
            have none.
        spacing: Square cells in metres.
        settings: Radius, blocks and the circuit.
        part: Whole blocks, counted from its first cell, whose windows are solved; all unless given.

    Raises:
        InvalidInput: the input is refused, a strength is negative or infinite, or none is above
            the threshold.
        LimitExceeded: a window cannot be solved within the memory.

    Source: McRae et al. (2016); Landau et al. (2021), Omniscape.jl; its blocks near the upper and
        left edge of the map, which it blanks in the wrong place, are blanked in the right one here,
        and its correction of block artefacts is not made.
    """
    solver.require_square(spacing)
    ground = require_resistance(resistance)
    sent = _strengths(ground, strengths, settings.threshold)
    settings.require_memory(ground.shape)
    part = part or Window(0, 0, *ground.shape)
    around = cells_around(part, settings.reach, ground.shape)
    cumulative, potential = np.zeros((2, around.height, around.width))
    report, targets, plane = solver.SolveReport(), 0, None
    for target in find_targets(ground, sent, settings.block, part):
        targets += 1
        window, inside = disc_of(target, settings.radius, ground.shape)
        shares = shares_of(target, window, inside, sent)
        if not shares.any():
            continue
        cell = target.row - window.row, target.col - window.col
        if plane is None or not plane.fits(inside, cell):
            plane = _Plane(inside, cell, settings.circuit)
        resists = np.where(inside, ground[window.slices], BARRIER)
        flows = _currents(cell, resists, shares, settings.circuit), plane.currents(shares)
        for total, (current, found) in zip((cumulative, potential), flows, strict=True):
            total[window.slices_within(around)] += current
            report += found
    return WindowCurrents(around, cumulative, potential, targets, report)


def normalised(cumulative: FloatArray, potential: FloatArray) -> FloatArray:
    """Current as a multiple of what would flow without resistance, NaN where that is 0.

    Above 1 current is channelled, near 1 it spreads, below 1 it is impeded.
    """
    ratio: FloatArray = np.full(cumulative.shape, np.nan)
    np.divide(cumulative, potential, out=ratio, where=potential > 0)
    return ratio


def no_source(threshold: float) -> InvalidInput:
    """What is wrong where no cell sends current."""
    return InvalidInput(
        f"no passable cell has a strength above 0 and of at least {threshold:g}",
        message_zh=f"没有可通行像元的强度大于 0 且不低于 {threshold:g}",
        pointer="/threshold",
    )


def _currents(
    cell: tuple[int, int],
    resistance: FloatArray,
    shares: FloatArray,
    settings: solver.CircuitSettings,
) -> tuple[FloatArray, solver.SolveReport]:
    """Current of the cells of a window whose target is `cell`, 0 where none flows."""
    circuit, _ = make_circuit(resistance, settings)
    to_ground = np.zeros(circuit.size)
    to_ground[circuit.node_of[cell]] = np.inf
    potential, report = potentials(circuit, _by_node(circuit, shares), to_ground, settings)
    return _in_cells(circuit, potential), report


def _by_node(circuit: Circuit, values: FloatArray) -> FloatArray:
    """Values of the cells that are nodes, by node."""
    nodes, found = circuit.node_of, np.zeros(circuit.size)
    found[nodes[nodes >= 0]] = values[nodes >= 0]
    return found


def _in_cells(circuit: Circuit, potential: FloatArray) -> FloatArray:
    """Current of the cells, 0 where there is no node."""
    return np.nan_to_num(circuit.raster(circuit.currents(potential)))


class _Plane:
    """A window without resistance, whose one factor serves all targets that lie in it alike."""

    def __init__(
        self, inside: BoolArray, cell: tuple[int, int], settings: solver.CircuitSettings
    ) -> None:
        self._inside, self._cell = inside, cell
        self._circuit, _ = make_circuit(np.where(inside, 1.0, BARRIER), settings)
        nodes = np.arange(self._circuit.size)
        self._free = np.flatnonzero(nodes != self._circuit.node_of[cell])
        method = solver.choose_method(len(self._free), 1, settings)
        self._solver = solver.Solver(self._circuit.laplacian, self._free, method)

    def fits(self, inside: BoolArray, cell: tuple[int, int]) -> bool:
        """Whether it is the plane of another window too: the shape and the place tell the disc."""
        return self._inside.shape == inside.shape and self._cell == cell

    def currents(self, shares: FloatArray) -> tuple[FloatArray, solver.SolveReport]:
        """Current of the cells of the window, 0 where none flows."""
        injected = _by_node(self._circuit, shares)
        potential = self._solver.solve(injected)
        residual = solver.require_residual(
            self._circuit.laplacian, potential, injected, free=self._free
        )
        report = solver.SolveReport((self._solver.method,), residual, 1, len(self._free))
        return _in_cells(self._circuit, potential), report


def _strengths(resistance: FloatArray, strengths: FloatArray, threshold: float) -> FloatArray:
    require_shape("strengths", strengths.shape, (resistance.shape[0], resistance.shape[1]))
    known = np.where(np.isnan(strengths), 0.0, strengths)
    wrong = known[~(known >= 0) | np.isinf(known)]
    if wrong.size:
        raise InvalidInput(
            f"strengths are negative or infinite in {wrong.size} cells (such as {wrong[0]:g})",
            message_zh=f"strengths 有 {wrong.size} 个像元为负或无穷大（如 {wrong[0]:g}）",
            pointer="/strengths",
        )
    sent = np.where(np.isfinite(resistance) & (known >= threshold), known, 0.0)
    if not sent.any():
        raise no_source(threshold)
    return sent
