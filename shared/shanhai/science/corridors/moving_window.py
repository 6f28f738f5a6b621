"""Current from everywhere to everywhere, one round window after the other (Omniscape)."""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shanhai.errors import InvalidInput
from shanhai.science.arrays import FloatArray
from shanhai.science.corridors.circuit.advanced import potentials
from shanhai.science.corridors.circuit.graph import make_circuit
from shanhai.science.corridors.circuit.settings import (
    DEFAULT_SETTINGS,
    CircuitSettings,
    Joining,
    Method,
    Neighbours,
    require_square,
)
from shanhai.science.corridors.circuit.solver import SolveReport, choose_method
from shanhai.science.corridors.moving_window_targets import (
    WindowTarget,
    disc_of,
    find_targets,
    shares_of,
)
from shanhai.science.corridors.resistance import BARRIER, require_resistance
from shanhai.science.corridors.spacing import Spacing
from shanhai.science.corridors.surface import require_shape
from shanhai.science.grid import Window


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
    neighbours: Neighbours = 8
    joining: Joining = "average_conductance"
    method: Method | None = None
    memory_limit: int = DEFAULT_SETTINGS.memory_limit

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
    def circuit(self) -> CircuitSettings:
        """Of each window's circuit."""
        return CircuitSettings(self.neighbours, self.joining, self.method, self.memory_limit)


@dataclass(frozen=True, slots=True)
class WindowCurrents:
    """Currents summed over all windows.

    Attributes:
        cumulative: A; NaN in barriers.
        potential: The same if every cell resisted 1, barriers included, A.
        normalised: Their ratio: above 1 current is channelled, near 1 it spreads, below 1 it is
            impeded; NaN in barriers and where the potential is 0.
        targets: Number of windows solved.
        report: How they were solved.
    """

    cumulative: FloatArray
    potential: FloatArray
    normalised: FloatArray
    targets: int
    report: SolveReport


@dataclass(frozen=True, slots=True)
class RowCurrents:
    """Currents summed over the windows of one row of blocks.

    Attributes:
        window: The cells they reach.
        cumulative: A, in that window.
        potential: The same if every cell resisted 1, A.
        targets: Number of windows solved.
        report: How they were solved.
    """

    window: Window
    cumulative: FloatArray
    potential: FloatArray
    targets: int
    report: SolveReport


class MovingWindow:
    """A run over a raster, to be done row of blocks by row of blocks, in any order and anywhere.

    Arguments and errors as in `moving_window`, which does all rows in turn.
    """

    def __init__(
        self,
        resistance: NDArray[np.floating | np.integer],
        strengths: FloatArray,
        spacing: Spacing,
        settings: WindowSettings,
    ) -> None:
        require_square(spacing)
        self._resistance = require_resistance(resistance)
        self._strengths = _strengths(self._resistance, strengths, settings.threshold)
        self._settings = settings
        _require_memory(self._resistance.shape, settings)
        self._targets = tuple(find_targets(self._resistance, self._strengths, settings.block))

    @property
    def rows(self) -> int:
        """Number of rows of blocks."""
        return len(self._targets)

    def currents(self, row: int) -> RowCurrents:
        """Solve the windows of a row of blocks."""
        targets = self._targets[row]
        reach = self._settings.radius + self._settings.block
        height, width = self._resistance.shape
        first = max(row * self._settings.block - reach, 0)
        last = min((row + 1) * self._settings.block + reach, height)
        band = Window(first, 0, last - first, width)
        cumulative, potential = np.zeros((2, band.height, band.width))
        report = SolveReport()
        for target in targets:
            window, inside = disc_of(target, self._settings.radius, (height, width))
            shares = shares_of(target, window, inside, self._strengths)
            ground = np.where(inside, self._resistance[window.slices], BARRIER)
            plane = np.where(inside, 1.0, BARRIER)
            for total, resists in ((cumulative, ground), (potential, plane)):
                current, found = _currents(target, window, resists, shares, self._settings.circuit)
                total[window.slices_within(band)] += current
                report += found
        return RowCurrents(band, cumulative, potential, len(targets), report)

    def total(self, rows: Iterable[RowCurrents]) -> WindowCurrents:
        """Sum the rows; given in their order, they give the same bytes wherever they were solved.

        Args:
            rows: Of all rows of blocks.
        """
        passable = np.isfinite(self._resistance)
        cumulative = np.where(passable, 0.0, np.nan)
        potential = np.zeros(passable.shape)
        targets, report = 0, SolveReport()
        for row in rows:
            cumulative[row.window.slices] += row.cumulative
            potential[row.window.slices] += row.potential
            targets += row.targets
            report += row.report
        normalised = np.full(passable.shape, np.nan)
        np.divide(cumulative, potential, out=normalised, where=passable & (potential > 0))
        return WindowCurrents(cumulative, potential, normalised, targets, report)


def moving_window(
    resistance: NDArray[np.floating | np.integer],
    strengths: FloatArray,
    spacing: Spacing,
    settings: WindowSettings,
    *,
    on_row: Callable[[int, int], None] | None = None,
) -> WindowCurrents:
    """Send to every target what it is worth from all sources around it, and add the currents.

    In the window of a target the sources outside its own block share its strength in proportion to
    theirs. What cannot reach the target sends nothing; its share is lost, and shows how cut off the
    target is. Where the middle of a block is a barrier, its nearest passable cell is the target.

    Each window is a circuit of about π·radius² nodes of its own: expect about a tenth of a second
    for each with a radius of 50 cells, once with and once without resistance.

    Args:
        resistance: Dimensionless, above 0; NaN and infinite are barriers.
        strengths: A, ≥ 0, such as service importance or `strengths_of`; NaN is none, and barriers
            have none.
        spacing: Square cells in metres.
        settings: Radius, blocks and the circuit.
        on_row: Told how many of how many rows of blocks are done.

    Raises:
        InvalidInput: the input is refused, a strength is negative or infinite, or none is above
            the threshold.
        LimitExceeded: a window cannot be solved within the memory.

    Source: McRae et al. (2016); Landau et al. (2021), Omniscape.jl; its blocks near the upper and
        left edge of the map, which it blanks in the wrong place, are blanked in the right one here,
        and its correction of block artefacts is not made.
    """
    work = MovingWindow(resistance, strengths, spacing, settings)

    def rows() -> Iterator[RowCurrents]:
        for row in range(work.rows):
            yield work.currents(row)
            if on_row:
                on_row(row + 1, work.rows)

    return work.total(rows())


def _currents(
    target: WindowTarget,
    window: Window,
    resistance: FloatArray,
    shares: FloatArray,
    settings: CircuitSettings,
) -> tuple[FloatArray, SolveReport]:
    """Current of the cells of a window, 0 where none flows."""
    circuit, _ = make_circuit(resistance, settings)
    nodes = circuit.node_of
    to_ground = np.zeros(circuit.size)
    to_ground[nodes[target.row - window.row, target.col - window.col]] = np.inf
    injected = np.zeros(circuit.size)
    injected[nodes[nodes >= 0]] = shares[nodes >= 0]
    potential, report = potentials(circuit, injected, to_ground, settings)
    current = circuit.raster(circuit.currents(potential))
    return np.nan_to_num(current), report


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
        raise InvalidInput(
            f"no passable cell has a strength above 0 and of at least {threshold:g}",
            message_zh=f"没有可通行像元的强度大于 0 且不低于 {threshold:g}",
            pointer="/strengths",
        )
    return sent


def _require_memory(shape: tuple[int, ...], settings: WindowSettings) -> None:
    """Refuse windows that are too large before the first is solved."""
    nodes = min(math.ceil(math.pi * (settings.radius + 1) ** 2), math.prod(shape))
    choose_method(nodes, 1, settings.circuit)
