"""The main job on a synthetic watershed, beside merely reading its inputs, and writing its results;
its clean-up alone."""

import os
import time
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import rasterio
from scipy import ndimage

from benchmarks.fresh import Meter, run_fresh
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.delineate_zones.compute import compute
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES
from shanhai.processes.kit.report_pdf import leaving_room, with_pdf
from shanhai.raster.geotiff import read_geotiff
from shanhai.raster.store import ScratchStore
from shanhai.science.grid import Grid, Window
from shanhai.science.hydrology.tiles import TILE_CELLS
from shanhai.science.zoning.delineation import RATIO
from shanhai.science.zoning.postprocess import BY_UNIT, ZONES, postprocess

SIDES = (1000, 2000)
"""Cells along each side of the watershed."""
CLEAN_SIDES = (1000, 3000)
UNIT = 9
STRIP = 512
MOST_OF_MOVING = 0.1
"""The whole job takes at most ten times as long as reading its inputs and writing its results, on
two cores."""
ZONING_BEGINS = "cluster"
"""The stage that follows the ratios."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Time and private memory of a part of the job."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of the main job took: up to the ratios, from there, and in all."""

    assessment: Stretch
    zoning: Stretch
    whole: Stretch


SETUP = Setup(
    settings="seven services, nine inputs, zones, rasters, maps and report",
    warm="inputs in the system's memory; a process of its own each time",
)


def run(bench: Workbench) -> Table:
    """One million and four million cells; reading before and after each computation."""
    table = Table("zoning", "delineate-zones, one process", "reading the inputs", setup=SETUP)
    for side in SIDES:
        folder = bench.made(f"watershed-{side}")
        watershed = run_fresh(build_watershed, folder, cells=side)
        table.rows += _compare(watershed, folder)
    table.rows += rows_by_stage(bench)
    table.rows += [
        run_fresh(compare_clean_up, bench.made("clean-up"), side) for side in CLEAN_SIDES
    ]
    return table


def compare_clean_up(folder: Path, side: int) -> Row:
    """The clean-up of zones of units of 9 cells beside copying the class raster once."""
    for cells in (64, side):
        store = _labelled(folder / str(cells), cells)
        meter = Meter()
        meter.start()
        postprocess(store, store.grid.shape, store.grid.cell_m)
        meter.stop()
    started = time.perf_counter()
    store.create_classes("copy")
    for window in store.grid.windows(TILE_CELLS):
        store.write_classes("copy", window, store.read_classes(ZONES, window))
    copied = time.perf_counter() - started
    facts = {"cells/s": side**2 / meter.seconds, "peak MiB": meter.peak_mib}
    what = f"{side}², clean-up by tiles; copying a class raster"
    return Row(what, Sample((meter.seconds,)), Sample((copied,)), facts=facts)


def _labelled(folder: Path, side: int) -> ScratchStore:
    """Units of 9 × 9 cells of 30 m in five classes, and their ratio."""
    store = ScratchStore(folder, Grid(4548, 5.2e5, 2.75e6, 30.0, side, side))
    random, units = np.random.default_rng(0), -(-side // UNIT)
    ratio = ndimage.gaussian_filter(random.normal(size=(units, units)), 2.5)
    ratio = ratio / ratio.std() + 0.25 * random.normal(size=ratio.shape)
    codes = np.array([4, 5, 3, 2, 1], np.uint8)[np.digitize(ratio, [-0.8, -0.2, 0.3, 0.9])]
    store.create_classes(BY_UNIT)
    store.create(RATIO)
    for window in store.grid.windows(TILE_CELLS):
        rows = np.arange(window.row, window.row + window.height) // UNIT
        cols = np.arange(window.col, window.col + window.width) // UNIT
        store.write_classes(BY_UNIT, window, codes[rows[:, None], cols])
        store.write(RATIO, window, np.clip(ratio[rows[:, None], cols] / 2, -2, 2))
    return store


def _compare(watershed: Watershed, folder: Path) -> list[Row]:
    before = run_fresh(read_inputs, watershed)
    run = run_fresh(delineate, watershed, folder / "run")
    together = run_fresh(delineate, watershed, folder / "together", processes=2)
    floor = Sample((before, run_fresh(read_inputs, watershed)))
    written = run_fresh(write_results, folder / "run")
    cells = watershed.grid.width * watershed.grid.height
    size = f"{cells / 1e6:.0f} million cells"
    moved = Sample(tuple(one + written for one in floor.seconds))
    both = "reading the inputs and writing the results"
    pair = replace(SETUP, processes=(2, 1))
    rows = [
        Row(
            f"{size}, {what}",
            Sample((stretch.seconds,)),
            floor,
            facts={"cells/s": cells / stretch.seconds, "peak MiB": stretch.peak_mib},
        )
        for what, stretch in (
            ("seven services", run.assessment),
            ("zones", run.zoning),
            ("whole job", run.whole),
        )
    ]
    return [
        *rows,
        Row(f"{size}, whole job; {both}", Sample((run.whole.seconds,)), moved),
        Row(
            f"{size}, whole job in two processes; {both}",
            Sample((together.whole.seconds,)),
            moved,
            MOST_OF_MOVING,
            setup=pair,
        ),
    ]


CITY_SIDE = 400
"""Cells along each side of a region as large as the land of Xiamen at 100 m."""


@dataclass(frozen=True, slots=True)
class StageCost:
    """What a stage of the job took; processor time is that of all its processes."""

    name: str
    seconds: float
    processor_s: float


def rows_by_stage(bench: Workbench) -> list[Row]:
    """The main job of a city in two processes, stage by stage; `main_job` has the bars of
    the whole, from the request on."""
    folder = bench.made(f"watershed-{CITY_SIDE}")
    watershed = run_fresh(build_watershed, folder, cells=CITY_SIDE)
    costs = run_fresh(time_stages_warm, watershed, folder)
    floor = Sample((run_fresh(read_inputs, watershed),))
    return [
        Row(
            f"{CITY_SIDE}² cells in two processes, stage {cost.name}",
            Sample((cost.seconds,)),
            floor,
            facts={"processor s": cost.processor_s},
        )
        for cost in costs
    ]


def time_stages_warm(watershed: Watershed, folder: Path) -> list[StageCost]:
    """What stages take in a process that has loaded all it needs, as those of a worker have."""
    time_stages(watershed, folder / "warm")
    return time_stages(watershed, folder / "timed")


def time_stages(watershed: Watershed, workspace: Path) -> list[StageCost]:
    """Compute the whole job on files with its PDF, and tell what each stage took, in order."""
    workspace.mkdir()
    marks = [("load", time.perf_counter(), processor_seconds())]

    def told(percent: float, stage: str) -> None:
        if stage != marks[-1][0]:
            marks.append((stage, time.perf_counter(), processor_seconds()))

    task = watershed.task().model_copy(update={"processes": 2})
    outcome = compute(task, workspace, leaving_room(told, DELINEATE_ZONES))
    with_pdf(outcome, DELINEATE_ZONES, workspace, told)
    return [
        StageCost(name, ended - began, after - before)
        for (name, began, before), (_, ended, after) in pairwise(marks)
        if name != "done"
    ]


def processor_seconds() -> float:
    """Processor time so far of this process, of its children, and of those that have ended."""
    tasks = Path("/proc/self/task").glob("*/children")
    children = [pid for task in tasks for pid in task.read_text().split()]
    ticks = sum(
        int(field)
        for pid in ("self", *children)
        # User and system, of itself and of the children it has waited for (proc_pid_stat(5)).
        for field in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
    )
    return ticks / os.sysconf("SC_CLK_TCK")


def read_inputs(watershed: Watershed) -> float:
    """Seconds to read every band of every input once, strip by strip."""
    started = time.perf_counter()
    width = watershed.grid.width
    for path in watershed.rasters.values():
        for row in range(0, watershed.grid.height, STRIP):
            height = min(STRIP, watershed.grid.height - row)
            read_geotiff(path, Window(row, 0, height, width))
    return time.perf_counter() - started


def write_results(folder: Path) -> float:
    """Seconds to write every raster of a run again, packed as it is."""
    taken = 0.0
    for path in folder.glob("*.tif"):
        with rasterio.open(path) as file:
            values, profile = file.read(), file.profile
        started = time.perf_counter()
        with rasterio.open(folder / f"{path.stem}.again", "w", **profile) as file:
            file.write(values)
        taken += time.perf_counter() - started
    return taken


def delineate(watershed: Watershed, workspace: Path, processes: int = 1) -> Run:
    """Compute the whole job on files; the memory is that of the process that leads."""
    workspace.mkdir()
    parts = [Meter(), Meter()]

    def told(percent: float, stage: str) -> None:
        if stage == ZONING_BEGINS and parts[0].running:
            parts[0].stop()
            parts[1].start()

    parts[0].start()
    compute(watershed.task().model_copy(update={"processes": processes}), workspace, told)
    parts[1].stop()
    assessment, zoning = (Stretch(part.seconds, part.peak_mib) for part in parts)
    whole = Stretch(assessment.seconds + zoning.seconds, max(assessment.peak_mib, zoning.peak_mib))
    return Run(assessment, zoning, whole)
