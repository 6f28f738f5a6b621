"""Circuits beside their bare solution, barrier scans, and windows of a moving window."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from pyamg import ruge_stuben_solver
from scipy import ndimage
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from benchmarks.fresh import Meter, run_fresh
from benchmarks.network_costs import CELLS, land, twenty_patches
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.processes.build_network.contract import OmnidirectionalChoice
from shanhai.processes.build_network.omnidirectional import send_currents
from shanhai.processes.build_network.resistance import RESISTANCE
from shanhai.raster.store import ScratchStore
from shanhai.raster.windows import WindowRunner
from shanhai.science.corridors.barriers import BarrierSettings, barrier_scores, disc_rows
from shanhai.science.corridors.circuit.currents import part_of
from shanhai.science.corridors.circuit.graph import make_circuit
from shanhai.science.corridors.circuit.modes import all_to_one, pairwise
from shanhai.science.corridors.circuit.solver import GIB, CircuitSettings
from shanhai.science.corridors.cost_distance import cost_distance
from shanhai.science.corridors.moving_window import WindowSettings, moving_window
from shanhai.science.grid import FloatArray, Grid

SIDES = (500, 1000)
LINK_SIDE = 500
"""A link's swath may have so many cells squared."""
BARRIER_SIDE = 2000
RADIUS = 50
FLOW_SIDE, FLOW_RADIUS, FLOW_BLOCK = 300, 25, 5
SETTINGS = CircuitSettings(memory_limit=6 * GIB)
SETUP = Setup(warm="compiled kernels; the input in memory", clock="processor")


def run(bench: Workbench) -> Table:
    """Each in a process of its own; seconds are of the processor."""
    table = Table(
        "network_circuits", "currents and barriers", "bare solution or plain way", setup=SETUP
    )
    table.rows = [run_fresh(compare_all_to_one, side) for side in SIDES]
    table.rows += [
        run_fresh(compare_link),
        run_fresh(compare_barriers, BARRIER_SIDE),
        run_fresh(compare_windows),
        run_fresh(compare_omnidirectional),
    ]
    return table


def compare_all_to_one(side: int) -> Row:
    """Twenty sources: the map of current beside a factor and its nineteen solutions alone."""
    resistance, sources = twenty_patches(side)
    all_to_one(*twenty_patches(60), CELLS, SETTINGS)
    meter = Meter()
    meter.start()
    started = time.process_time()
    found = all_to_one(resistance, sources, CELLS, SETTINGS)
    ours = time.process_time() - started
    meter.stop()
    circuit, (node_of,) = make_circuit(resistance, SETTINGS, (sources,))
    nodes, laplacian = part_of(circuit, int(node_of[1]))
    places = np.searchsorted(nodes, node_of[1:])
    free = np.delete(np.arange(len(nodes)), places[0])
    matrix = csc_array(laplacian[free][:, free])

    def bare() -> None:
        factor = splu(
            matrix,
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=0.0,
            options={"SymmetricMode": True},
        )
        for _ in places[1:]:
            factor.solve(np.ones(len(free)))

    facts = {
        "nodes": found.report.nodes,
        "residual": found.report.residual,
        "peak MiB": meter.peak_mib,
    }
    what = f"{side}², all to one, 20 sources; scipy factor and solutions"
    return Row(what, Sample((ours,)), Sample((_seconds(bare),)), facts=facts)


def compare_link() -> Row:
    """One link, from raster to map, beside the bare solution of its matrix."""
    resistance, sources = land(LINK_SIDE), np.zeros((LINK_SIDE, LINK_SIDE), dtype=np.int64)
    sources[:20, :20], sources[-20:, -20:] = 1, 2
    resistance[sources > 0] = 1.0
    pairwise(resistance[-60:, -60:], sources[-60:, -60:] + sources[:60, :60], CELLS)
    ours = _seconds(lambda: pairwise(resistance, sources, CELLS))
    circuit, (node_of,) = make_circuit(resistance, SETTINGS, (sources,))
    nodes, laplacian = part_of(circuit, int(node_of[1]))
    free = np.delete(np.arange(len(nodes)), np.searchsorted(nodes, node_of[1]))
    matrix = laplacian[free][:, free]
    right = np.zeros(len(free))
    right[-1] = 1.0
    bare = _seconds(lambda: ruge_stuben_solver(matrix).solve(right, tol=1e-10, accel="cg"))
    what = f"{LINK_SIDE}², current of one link; pyamg by its defaults, to the same residual"
    return Row(what, Sample((ours,)), Sample((bare,)))


def compare_barriers(side: int) -> Row:
    """Three radii over two whole rasters beside scipy's minimum filters on the same discs."""
    resistance, settings = land(side), BarrierSettings()
    ends = []
    for corner in ((slice(0, 20),) * 2, (slice(-20, None),) * 2):
        source = np.zeros((side, side), dtype=bool)
        source[corner] = True
        resistance[source] = 1.0
        ends.append(source)
    one, other = (cost_distance(resistance, source, CELLS).cost for source in ends)
    cost = float(one[ends[1]].min())
    barrier_scores(one[:50, :50], other[:50, :50], cost, CELLS.width_m, settings)
    ours = _seconds(lambda: barrier_scores(one, other, cost, CELLS.width_m, settings))

    def plain() -> None:
        for radius_m in settings.radii_m:
            for values in (one, other):
                ndimage.minimum_filter(values, footprint=_disc(radius_m), mode="nearest")

    what = f"{side}², barriers of one link, 3 radii; scipy minimum filters"
    return Row(what, Sample((ours,)), Sample((_seconds(plain),)))


def compare_windows() -> Row:
    """Windows, with and without resistance, beside two bare factors of each of their size."""
    side = 2 * RADIUS + 1
    resistance, strengths = land(side), np.zeros((side, side))
    strengths[RADIUS - 2 : RADIUS + 2, RADIUS - 2 : RADIUS + 2] = 1.0
    strengths[~np.isfinite(resistance)] = 0.0
    settings = WindowSettings(radius=RADIUS)
    moving_window(resistance[:9, :9], np.ones((9, 9)), CELLS, WindowSettings(radius=3))
    started = time.process_time()
    found = moving_window(resistance, strengths, CELLS, settings)
    ours = (time.process_time() - started) / found.targets
    circuit, _ = make_circuit(np.ones((side, side))[:, : int(side * 0.785)], settings.circuit)
    matrix = csc_array(circuit.laplacian[1:][:, 1:])
    options = {"SymmetricMode": True}
    bare = _seconds(
        lambda: [
            splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
            for _ in range(2)
        ]
    )
    what = f"moving window, radius {RADIUS}, per target; two bare factors"
    return Row(what, Sample((ours,)), Sample((bare,)), facts={"targets": found.targets})


def compare_omnidirectional() -> Row:
    """The layers of all windows of a raster beside the bare solution of as many windows."""
    settings = WindowSettings(FLOW_RADIUS, FLOW_BLOCK)
    choice = OmnidirectionalChoice.model_validate({"radius_m": FLOW_RADIUS * CELLS.width_m})
    resistance, meter = land(FLOW_SIDE), Meter()
    with TemporaryDirectory() as folder:
        small, store = (_stored(Path(folder), one) for one in (resistance[:64, :64], resistance))
        send_currents(small, WindowRunner(), choice, settings, lambda percent, stage: None)
        meter.start()
        started = time.process_time()
        found = send_currents(store, WindowRunner(), choice, settings, lambda *told: None)
        ours = time.process_time() - started
        meter.stop()
    bare = _seconds_of_windows(resistance, settings) * found.targets
    facts = {"windows": float(found.targets), "peak MiB": meter.peak_mib}
    what = (
        f"{FLOW_SIDE}², current from everywhere, radius {FLOW_RADIUS}, block {FLOW_BLOCK};"
        " one bare factor and solution for each window"
    )
    return Row(what, Sample((ours,)), Sample((bare,)), facts=facts)


def _stored(folder: Path, resistance: FloatArray) -> ScratchStore:
    height, width = resistance.shape
    store = ScratchStore(folder / str(height), Grid(4547, 5e5, 3e6, CELLS.width_m, width, height))
    store.create(RESISTANCE)
    store.write(RESISTANCE, store.whole, np.where(np.isfinite(resistance), resistance, np.nan))
    return store


def _seconds_of_windows(resistance: FloatArray, settings: WindowSettings) -> float:
    """Mean time of scipy's factor and solution of a window, of a hundred in the middle."""
    radius, middle = settings.radius, FLOW_SIDE // 2
    rows, cols = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    outside, matrices = np.hypot(rows, cols) > radius, []
    for row in range(middle - 5, middle + 5):
        for col in range(middle - 5, middle + 5):
            ground = resistance[row - radius : row + radius + 1, col - radius : col + radius + 1]
            circuit, _ = make_circuit(np.where(outside, np.inf, ground), settings.circuit)
            nodes = np.flatnonzero(circuit.part == np.bincount(circuit.part).argmax())[1:]
            matrices.append(csc_array(circuit.laplacian[nodes][:, nodes]))
    options = {"SymmetricMode": True}

    def solve() -> None:
        for matrix in matrices:
            factor = splu(matrix, "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)
            factor.solve(np.ones(matrix.shape[0]))

    return _seconds(solve) / len(matrices)


def _disc(radius_m: float) -> FloatArray:
    rows = disc_rows(radius_m, CELLS.width_m)
    reach = len(rows) - 1
    across = np.abs(np.arange(-reach, reach + 1))
    return np.asarray(across[None] <= rows[across][:, None])


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started
