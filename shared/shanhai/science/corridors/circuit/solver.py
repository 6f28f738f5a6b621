"""Solutions of a grounded circuit, by a factor or by multigrid, with the residual; its settings."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pyamg import ruge_stuben_solver
from scipy.sparse import csc_array, csr_array, diags_array
from scipy.sparse.linalg import splu
from threadpoolctl import ThreadpoolController

from shanhai.errors import InvalidInput, LimitExceeded
from shanhai.science.corridors.spacing import MetricCells, Spacing
from shanhai.science.grid import FloatArray, IntArray
from shanhai.science.kernels import compiled

Neighbours = Literal[4, 8]
Joining = Literal["average_resistance", "average_conductance"]
Method = Literal["direct", "multigrid", "windows"]
WHOLE: Final[tuple[Method, ...]] = ("direct", "multigrid")
"""Methods that solve a circuit at once."""

Run = Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]]
"""Computes a function of each of some windows, and gives the results in their order."""

GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class CircuitSettings:
    """What a run may change.

    Attributes:
        neighbours: Of a cell, 4 or 8; the centres of diagonal ones lie √2 apart.
        joining: What two cells make: `average_resistance` a conductance of 2/(ℓ(R₁ + R₂)), so that
            the resistance of a link is its cost in cell lengths; `average_conductance` one of
            (1/R₁ + 1/R₂)/(2ℓ), the default of Circuitscape and the only one of Omniscape.
        method: `direct`, `multigrid` or `windows`; None takes what is faster for the size and the
            memory.
        memory_limit: Bytes the solution may take; a larger one is refused before it begins.
        run: Computes windows, in this process unless given.
    """

    neighbours: Neighbours = 8
    joining: Joining = "average_resistance"
    method: Method | None = None
    memory_limit: int = 4 * GIB
    run: Run = map

    def __post_init__(self) -> None:
        """Refuse words that are none of the method's."""
        for name, words in (
            ("neighbours", get_args(Neighbours)),
            ("joining", get_args(Joining)),
            ("method", (*get_args(Method), None)),
        ):
            value = getattr(self, name)
            if value not in words:
                raise InvalidInput(
                    f"{name} is {value!r}; it must be one of {words}",
                    message_zh=f"{name} 为 {value!r}，须为 {words} 之一",
                    pointer=f"/{name}",
                )


DEFAULT_SETTINGS = CircuitSettings()


def require_square(spacing: Spacing) -> float:
    """Side of the cells, m.

    Raises:
        InvalidInput: the cells are in degrees, or oblong: a circuit has no lengths of its own.
    """
    if isinstance(spacing, MetricCells) and spacing.width_m == spacing.height_m:
        return spacing.width_m
    raise InvalidInput(
        f"the cells are {spacing}; circuits and moving windows need square cells in metres: "
        "reproject the raster first",
        message_zh=f"像元为 {spacing}；电路与移动窗口计算需要以米为单位的正方形像元，请先重投影",
        pointer="/spacing",
    )


MOST_RESIDUAL: Final = 1e-8
"""‖Lv − I‖/‖I‖ above which a solution is refused."""

_ROUNDINGS: Final = 2.0
"""Of ε·d·v, what the currents of a node round by: its own potential, and those beside it."""

NO_GROUND: FloatArray = np.empty(0)
"""No node has a conductance to the ground."""

_AIM: Final = 1e-10
_MOST_ITERATIONS: Final = 300
# One sweep each way before and after a coarser level is as symmetric as two, and half the work; a
# threshold of 0.1 instead of 0.25 took a quarter off the iterations on land of six classes.
_MULTIGRID: Final[dict[str, Any]] = {
    "presmoother": ("gauss_seidel", {"sweep": "forward"}),
    "postsmoother": ("gauss_seidel", {"sweep": "backward"}),
    "strength": ("classical", {"theta": 0.1}),
    "max_coarse": 500,
}
_SMALL: Final = 10_000
"""Unknowns up to which a factor takes less time than the levels of a multigrid."""

_BYTES_PER_UNKNOWN: Final = 900
"""Of a multigrid with the matrix it stands on; with 8 neighbours 740 in all were measured."""

_LARGE: Final = 1_000_000
_MANY: Final = 8
"""Nodes and right-hand sides from which windows take less time than a multigrid."""

WINDOW_SIDE: Final = 512
"""Cells along a window: what it is reduced to takes 32 MiB at most."""

_BYTES_OF_WINDOW: Final = 750
"""For each cell of one window; 200 MiB in all were measured."""

_BYTES_PER_FILL: Final = 130
"""Of a factor, for each unknown and each doubling of their number; 128 were measured."""

_THREADS: Final = ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Where the sums of BLAS are the same on every machine, and soon begun."""
    with _THREADS.limit(limits=1, user_api="blas"):
        yield


def memory_needed(unknowns: int, method: Method, kept: int = 0) -> int:
    """Bytes that a solution takes at most besides its input.

    Args:
        unknowns: Nodes; the passable cells at most.
        method: Of the solution.
        kept: Solutions that are kept at once.
    """
    # What the cells, their nodes and the maps of current take.
    bytes_per_cell = 64 + 8 * kept
    if method == "multigrid":
        return (bytes_per_cell + _BYTES_PER_UNKNOWN) * unknowns
    if method == "windows":
        return _windows_memory(unknowns)
    fill = _BYTES_PER_FILL * math.log2(max(unknowns, 2)) + 300
    return math.ceil((bytes_per_cell + fill) * unknowns)


def _windows_memory(cells: int) -> int:
    """Of the rasters, of what is kept of the borders of windows, and of one window.

    Borders take more the more windows there are: without a window, 98 bytes a cell in all were
    measured at 3000².
    """
    doublings = math.log2(max(math.sqrt(cells) / WINDOW_SIDE, 1.0))
    of_window = _BYTES_OF_WINDOW * min(cells, WINDOW_SIDE**2)
    return math.ceil((64 + 40 * doublings) * cells + of_window)


def choose_method(
    unknowns: int, right_hand_sides: int, settings: CircuitSettings, kept: int = 0
) -> Method:
    """The faster way to solve that keeps to the memory.

    A factor is dear and each solution with it cheap: with 8 neighbours it was ahead from 4 or 5
    right-hand sides at 245 000 unknowns and from 8 to 10 at a million.

    Raises:
        LimitExceeded: no way, or not the one that is asked for, keeps to the memory.
    """
    enough = 5.0 * math.sqrt(unknowns / 245_000)
    direct_first = unknowns <= _SMALL or right_hand_sides >= enough
    order = WHOLE if direct_first else WHOLE[::-1]
    if settings.method in order:
        order = (settings.method,)
    needed = {method: memory_needed(unknowns, method, kept) for method in order}
    for method in order:
        if needed[method] <= settings.memory_limit:
            return method
    raise _too_large(unknowns, needed, settings)


def in_windows(unknowns: int, cells: int, right_hand_sides: int, settings: CircuitSettings) -> bool:
    """Whether a circuit is reduced window by window: so it keeps to little memory, and takes about
    as long as seven solutions by multigrid, however many there are.

    Args:
        unknowns: Nodes.
        cells: Of the raster.
        right_hand_sides: That there will be.
        settings: Method and memory.

    Raises:
        LimitExceeded: it is, and does not keep to the memory.
    """
    chosen = settings.method == "windows"
    if settings.method is None:
        chosen = unknowns >= _LARGE and right_hand_sides >= _MANY
        chosen = chosen or settings.memory_limit < min(
            memory_needed(unknowns, method, right_hand_sides) for method in WHOLE
        )
    needed = memory_needed(cells, "windows")
    if chosen and needed > settings.memory_limit:
        raise _too_large(unknowns, {"windows": needed}, settings)
    return chosen


def _too_large(
    unknowns: int, needed: dict[Method, int], settings: CircuitSettings
) -> LimitExceeded:
    """What is wrong where no way of solving keeps to the memory."""
    method, least = min(needed.items(), key=lambda item: item[1])
    return LimitExceeded(
        f"the circuit of {unknowns} nodes needs {least / 2**20:.0f} MiB ({method}), and "
        f"{settings.memory_limit / 2**20:.0f} MiB are allowed; take larger cells, a smaller area "
        "or only the corridors",
        message_zh=f"{unknowns} 个节点的电路需要 {least / 2**20:.0f} MiB 内存，上限为 "
        f"{settings.memory_limit / 2**20:.0f} MiB；请增大像元、缩小范围或仅计算廊道内部",
        pointer="/memory_limit",
    )


@dataclass(frozen=True, slots=True)
class SolveReport:
    """How circuits were solved.

    Attributes:
        methods: That were used, in the order of the alphabet.
        residual: Largest ‖Lv − I‖/‖I‖ of all solutions.
        solutions: Number of systems solved.
        nodes: Of the largest system.
    """

    methods: tuple[Method, ...] = ()
    residual: float = 0.0
    solutions: int = 0
    nodes: int = 0

    def __add__(self, other: "SolveReport") -> "SolveReport":
        """Both in one."""
        return SolveReport(
            methods=tuple(sorted({*self.methods, *other.methods})),
            residual=max(self.residual, other.residual),
            solutions=self.solutions + other.solutions,
            nodes=max(self.nodes, other.nodes),
        )


class Solver:
    """Potentials of a circuit of which some nodes are held at 0 V, for many injected currents.

    Args:
        laplacian: Of the circuit.
        free: The nodes that are not held, ascending.
        method: Of the solution.
        to_ground: Conductance of each node to the ground, S; empty when there is none.
    """

    def __init__(
        self,
        laplacian: csr_array,
        free: IntArray,
        method: Method,
        to_ground: FloatArray = NO_GROUND,
    ) -> None:
        self.method = method
        self._laplacian, self._free, self._to_ground = laplacian, free, to_ground
        matrix = laplacian[free][:, free]
        if len(to_ground):
            matrix = csr_array(matrix + diags_array(to_ground[free]))
        if method == "direct":
            self._factor = splu(
                csc_array(matrix),
                permc_spec="MMD_AT_PLUS_A",
                diag_pivot_thresh=0.0,
                options={"SymmetricMode": True},
            )
        else:
            self._levels = ruge_stuben_solver(matrix, **_MULTIGRID)

    def solve(self, injected: FloatArray) -> FloatArray:
        """Potential of each node, V; one that a residual is left of is corrected once.

        What all free nodes lack together counts as well: the node at 0 V takes it up.
        """
        free = self._free
        found = np.zeros(len(injected))
        found[free] = self._solve(injected[free])
        rest = (injected - net_currents(self._laplacian, found, self._to_ground))[free]
        if math.hypot(_norm(rest), rest.sum()) > _AIM * _norm(injected[free]):
            found[free] += self._solve(rest)
        return found

    def _solve(self, right: FloatArray) -> FloatArray:
        if self.method == "direct":
            return np.asarray(self._factor.solve(right))
        # Threads for the sums of one vector cost more than they bring: 3.3 s instead of 1.1 s.
        with one_thread():
            return np.asarray(
                self._levels.solve(right, tol=_AIM, maxiter=_MOST_ITERATIONS, accel="cg")
            )


def net_currents(
    laplacian: csr_array, potential: FloatArray, to_ground: FloatArray = NO_GROUND
) -> FloatArray:
    """Current that leaves each node less what enters it, A: Lv, from differences of potentials.

    The sums of conductances on the diagonal are rounded. At high potentials the product of matrix
    and vector turns that into currents nobody has, and the node at 0 V takes up all of them.
    """
    return _net_currents(laplacian.indptr, laplacian.indices, laplacian.data, potential, to_ground)


@compiled
def _net_currents(
    starts: NDArray[np.int32],
    columns: NDArray[np.int32],
    values: FloatArray,
    potential: FloatArray,
    to_ground: FloatArray,
) -> FloatArray:
    found = np.empty(len(potential))
    for node in range(len(potential)):
        total = 0.0
        for place in range(starts[node], starts[node + 1]):
            total += values[place] * (potential[columns[place]] - potential[node])
        if len(to_ground):
            total += to_ground[node] * potential[node]
        found[node] = total
    return found


def require_residual(
    laplacian: csr_array,
    potential: FloatArray,
    injected: FloatArray,
    to_ground: FloatArray = NO_GROUND,
    free: IntArray | slice = slice(None),
) -> float:
    """‖Lv − I‖/‖I‖ of a solution, from the currents that its potentials make.

    Where high potentials meet good conductors, as behind ground of a very high resistance,
    potentials themselves round by more than 1e-8 of the current; a residual of no more than that
    rounding is none.

    Args:
        laplacian: Of the circuit.
        potential: Of each node, V.
        injected: Into each node, A.
        to_ground: Conductance of each node to the ground, S; empty when there is none.
        free: The nodes that are looked at: those that are not held at 0 V.

    Raises:
        InvalidInput: it is above both, or not a number.
    """
    norm = _norm(injected[free])
    rest = net_currents(laplacian, potential, to_ground) - injected
    residual = _norm(rest[free]) / norm
    diagonal = laplacian.diagonal()
    if len(to_ground):
        diagonal = diagonal + to_ground
    require_small(residual, _norm((diagonal * potential)[free]) / norm)
    return residual


def require_small(residual: float, level: float) -> None:
    """Refuse a residual that is neither small nor what rounding makes of the currents.

    The potentials are rounded: that of a node moves all it gives off, those beside it as much.

    Args:
        residual: ‖Lv − I‖/‖I‖.
        level: ‖dv‖/‖I‖, where d is the diagonal of L.

    Raises:
        InvalidInput: it is above both, or not a number.
    """
    if residual <= max(MOST_RESIDUAL, _ROUNDINGS * float(np.finfo(np.float64).eps) * level):
        return
    raise InvalidInput(
        f"the currents could only be found with a residual of {residual:.1e}, and "
        f"{MOST_RESIDUAL:.0e} is allowed: the resistances may span too wide a range",
        message_zh=f"电流求解残差为 {residual:.1e}，超过允许的 {MOST_RESIDUAL:.0e}："
        "阻力值跨度可能过大",
        pointer="/resistance",
    )


def _norm(values: FloatArray) -> float:
    """Without BLAS, whose threads take longer to start than one vector to sum."""
    return math.sqrt(float(np.square(values).sum()))
