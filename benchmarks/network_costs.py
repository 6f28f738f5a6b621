"""Cost distance beside scikit-image, and a network of twenty sources beside its searches."""

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from skimage.graph import MCP_Geometric

from benchmarks.fresh import Meter, run_fresh
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import alternate, in_turn
from benchmarks.workbench import Workbench
from shanhai.science.corridors.candidates import (
    SearchGround,
    find_zones,
    grouped,
    make_ground,
    reaches,
)
from shanhai.science.corridors.cost_distance import (
    cost_distance,
    make_surface,
    memory_needed,
    require_sources,
    spread,
)
from shanhai.science.corridors.incremental_links import (
    FormerLinks,
    LinkNotes,
    changed_ground,
    match_sources,
)
from shanhai.science.corridors.links import Network, link_sources
from shanhai.science.corridors.pairs import LinkSettings, components
from shanhai.science.corridors.spacing import square_cells
from shanhai.science.grid import FloatArray, IntArray

SIDES = (1000, 2000)
CELLS = square_cells(30.0)
SOURCES = 20
ROUNDS = 3

CLASSES = np.array([1.0, 5.0, 10.0, 50.0, 100.0, 500.0])
SHARES = (0.3, 0.5, 0.65, 0.8, 0.92)
BARRIERS = 0.02

Input = tuple[FloatArray, IntArray]
"""Resistance and sources."""
SETUP = Setup(
    settings="one thread", warm="compiled kernels; the input in memory", clock="processor"
)


def run(bench: Workbench) -> Table:
    """Two sizes, each in a process of its own; seconds are of the processor."""
    table = Table(
        "network_costs", "least-cost ways of a network, one thread", "peer or parts", setup=SETUP
    )
    for side in SIDES:
        table.rows += [run_fresh(compare_search, side), *run_fresh(compare_network, side)]
        table.rows[-3].facts["bytes a cell"] = run_fresh(bytes_of_search, side)
        table.rows[-2].facts["bytes a cell"] = run_fresh(bytes_of_network, side)
        table.rows.append(run_fresh(compare_change, side))
    return table


def land(side: int) -> FloatArray:
    """Patches of six classes of resistance, 2 % of the cells barriers."""
    rng = np.random.default_rng(1)
    smooth = ndimage.gaussian_filter(rng.standard_normal((side, side)), 8)
    resistance: FloatArray = CLASSES[np.searchsorted(np.quantile(smooth, SHARES), smooth)]
    resistance[rng.random((side, side)) < BARRIERS] = np.inf
    return resistance


def patches(side: int) -> IntArray:
    """Twenty round sources of different sizes, five by four."""
    sources = np.zeros((side, side), dtype=np.int64)
    rng = np.random.default_rng(2)
    rows, cols = np.mgrid[:side, :side]
    for number in range(SOURCES):
        row = (number // 4 + 0.5 + rng.uniform(-0.2, 0.2)) * side / 5
        col = (number % 4 + 0.5 + rng.uniform(-0.2, 0.2)) * side / 4
        radius = rng.uniform(0.01, 0.04) * side
        sources[np.hypot(rows - row, cols - col) < radius] = number + 1
    return sources


def two_cells(side: int) -> tuple[FloatArray, IntArray]:
    """The land with a source of one cell in two places."""
    resistance, sources = land(side), np.zeros((side, side), dtype=np.int64)
    for number, cell in enumerate(_places(side), 1):
        resistance[cell], sources[cell] = 1.0, number
    return resistance, sources


def twenty_patches(side: int) -> tuple[FloatArray, IntArray]:
    """The land with twenty sources."""
    resistance, sources = land(side), patches(side)
    resistance[sources > 0] = 1.0
    return resistance, sources


def compare_search(side: int) -> Row:
    """Cost, ways back and allocation from two cells; scikit-image gives cost and ways back."""
    resistance, sources = two_cells(side)

    def ours() -> FloatArray:
        return cost_distance(resistance, sources, CELLS).cost

    def peer() -> FloatArray:
        search = MCP_Geometric(resistance, sampling=(CELLS.height_m, CELLS.width_m))
        costs: FloatArray = search.find_costs(list(_places(side)))[0]
        return costs

    if not np.array_equal(ours(), peer()):
        raise AssertionError("the costs differ from those of scikit-image")
    samples = alternate(_timed(ours), _timed(peer), rounds=ROUNDS)
    facts = {"bytes a cell, told": memory_needed((side, side)) / side**2}
    return Row(f"{side}², cost distance beside MCP_Geometric", *samples, target=3.0, facts=facts)


def compare_network(side: int) -> list[Row]:
    """Links, paths, swaths and the corridor raster beside the searches they rest on."""
    resistance, sources = twenty_patches(side)
    surface = make_surface(resistance, CELLS)
    ground = make_ground(surface, require_sources(sources, surface), CELLS)
    bounded = _bounded_searches(ground)

    def ours() -> None:
        link_sources(resistance, sources, CELLS)

    def complete() -> None:
        for number in range(1, SOURCES + 1):
            cost_distance(resistance, sources == number, CELLS)

    sides = {"ours": _timed(ours), "bounded": _timed(bounded), "complete": _timed(complete)}
    samples = in_turn(sides, rounds=ROUNDS)
    network = samples["ours"]
    found = link_sources(resistance, sources, CELLS)
    facts = {"links": float(len(found.links))}
    what = f"{side}², network of {SOURCES} sources beside its"
    return [
        Row(f"{what} bounded searches", network, samples["bounded"], target=1 / 3, facts=facts),
        Row(f"{what} whole cost distances", network, samples["complete"], target=1 / 3),
    ]


def compare_change(side: int) -> Row:
    """The network after a road in one place, found from the one before, beside a complete one."""
    resistance, sources = twenty_patches(side)
    after = resistance.copy()
    row, col = side // 2, side // 2
    road = after[row : row + side // 20, col : col + 2]
    road[np.isfinite(road)] = 500.0
    settings = LinkSettings()
    labels = require_sources(sources, make_surface(resistance, CELLS))
    labels_after = require_sources(sources, make_surface(after, CELLS))
    matching = match_sources(labels, labels_after)
    changed = changed_ground((resistance, after), (labels, labels_after), matching, settings)
    notes = LinkNotes(changed)
    link_sources(resistance, sources, CELLS, settings, notes=notes)
    former = FormerLinks(notes, matching, settings)

    def partial() -> Network:
        return link_sources(after, sources, CELLS, settings, former=former)

    def complete() -> Network:
        return link_sources(after, sources, CELLS, settings)

    one, other = partial(), complete()
    if one.corridors.tobytes() != other.corridors.tobytes():
        raise AssertionError("the corridors differ from those found anew")
    samples = alternate(_timed(partial), _timed(complete), rounds=ROUNDS)
    facts = {
        "links": float(len(one.links)),
        "links found anew": float(sum(former.kept(link.pair) is None for link in one.links)),
        "searches": float(one.searches),
        "searches, complete": float(other.searches),
    }
    return Row(f"{side}², network after a road beside all found anew", *samples, facts=facts)


def _bounded_searches(ground: SearchGround) -> Callable[[], None]:
    """The searches from the single sources, each as far as the network needs it."""
    settings = LinkSettings()
    touching = find_zones(ground).touching
    reach_of = reaches(settings, touching, components(ground.edges, touching))
    labels = np.pad(ground.labels, ground.surface.steps.margin).ravel()
    starts = {
        number: ground.surface.positions(cells) for number, cells in grouped(ground.labels).items()
    }

    def bounded() -> None:
        for number, reach in reach_of.items():
            spread(ground.surface, starts[number], reach, labels)

    return bounded


def _timed(work: Callable[[], object]) -> Callable[[int], float]:
    def seconds(_: int) -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return seconds


def _places(side: int) -> tuple[tuple[int, int], ...]:
    return (side // 5, side // 5), (4 * side // 5, 3 * side // 4)


def bytes_of_search(side: int) -> float:
    """Memory a cell that a cost distance takes besides its input."""
    small = two_cells(50)
    return _bytes_a_cell(lambda of: cost_distance(*of, CELLS), small, two_cells(side))


def bytes_of_network(side: int) -> float:
    """Memory a cell that a network of twenty sources takes besides its input."""
    small = twenty_patches(200)
    return _bytes_a_cell(lambda of: link_sources(*of, CELLS), small, twenty_patches(side))


def _bytes_a_cell(work: Callable[[Input], object], small: Input, large: Input) -> float:
    """Private memory at its most above what the process held before."""
    work(small)
    before, during = Meter(), Meter()
    before.start()
    before.stop()
    during.start()
    work(large)
    during.stop()
    return (during.peak_mib - before.peak_mib) * 2**20 / large[0].size
