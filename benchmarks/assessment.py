"""The main job on a small and a large watershed: cells a second, memory, and a second process.

`BENCH_TIMES` in the environment makes the large one smaller: cells along a side, in multiples of
the small one's.
"""

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.family import FamilyMeter
from benchmarks.fresh import run_fresh
from benchmarks.large_watershed import enlarge
from benchmarks.machine import family, processor_seconds
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.delineate_zones.compute import compute

CELLS, CELL_M = 2000, 20.0
TIMES = int(os.environ.get("BENCH_TIMES", "5"))
MOST_MIB, MOST_US = 1536.0, 6.0
"""Of the largest process, and of processor time a cell, with maps and report."""
ZONING_BEGINS, REPORT_BEGINS = "cluster", "maps"
"""The stages that follow the ratios, and the zones with their rasters and statistics."""

PARTS = ("assessment", "zoning", "both", "with maps and report")


@dataclass(frozen=True, slots=True)
class Run:
    """The peak of the largest process, MiB, processor time of all, s, and when each stage began."""

    peak_mib: float
    processor_s: float
    began: Mapping[str, float]

    @property
    def parts(self) -> dict[str, float]:
        """Seconds up to the ratios, from there to the report, of both, and in all."""
        moments = list(self.began.values())
        ratios, report = self.began[ZONING_BEGINS], self.began[REPORT_BEGINS]
        ends = ((moments[0], ratios), (ratios, report), (moments[0], report))
        lasted = [end - start for start, end in (*ends, (moments[0], moments[-1]))]
        return dict(zip(PARTS, lasted, strict=True))


SETUP = Setup(
    warm="compiled kernels; inputs in the system's memory; a process of its own each time"
)


def run(bench: Workbench) -> Table:
    """Small in one process, large in one and in two; each in a fresh interpreter.

    Two processes are compared on the large one: it takes each of them two to three seconds to load
    what it needs, a fifth of the small job.
    """
    folder = bench.made("assessment")
    small = run_fresh(build_watershed, folder / "small", cells=CELLS, cell_m=CELL_M)
    large = run_fresh(enlarge, small, folder / "large", TIMES)
    alone = run_fresh(delineate, small, folder / "alone", 1)
    grown = run_fresh(delineate, large, folder / "grown", 1)
    pair = run_fresh(delineate, large, folder / "pair", 2)
    title = f"delineate-zones, {CELLS}² cells and {CELLS * TIMES}²"
    table = Table("assessment", title, "small, one process; large, one process", setup=SETUP)
    for part in PARTS:
        table.rows += [
            _row(f"{part}: large, per cell of the small", grown, alone, part, 0.8, TIMES**2),
            _row(f"{part}: large, two processes", pair, grown, part, 1.7),
        ]
    table.rows.append(_processing(grown, (CELLS * TIMES) ** 2))
    return table


def _row(what: str, ours: Run, floor: Run, part: str, target: float, times: float = 1.0) -> Row:
    """A comparison of the seconds of a part, and of what memory the largest process took."""
    mine, other = ours.parts[part] / times, floor.parts[part]
    return Row(what, Sample((mine,)), Sample((other,)), target, _memory(ours))


def _memory(run: Run) -> dict[str, float]:
    return {"peak MiB": run.peak_mib, "MiB left of 1.5 GiB": MOST_MIB - run.peak_mib}


def _processing(run: Run, cells: int) -> Row:
    """Processor time of a cell in one process, beside what it may take."""
    of_cell = Sample((run.processor_s / cells,))
    what = f"processor time of a cell, with maps and report, beside {MOST_US:g} µs"
    setup = replace(SETUP, clock="processor")
    return Row(what, of_cell, Sample((MOST_US * 1e-6,)), 1.0, _memory(run), setup)


def delineate(watershed: Watershed, workspace: Path, processes: int) -> Run:
    """Compute the whole job on files, which are not kept: two runs of 10⁸ cells fill a disk."""
    workspace.mkdir()
    meter, began = FamilyMeter(), dict[str, float]()
    before = processor_seconds(family(os.getpid()))

    def told(percent: float, stage: str) -> None:
        began.setdefault(stage, time.perf_counter())

    meter.start()
    compute(watershed.task(processes=processes), workspace, told)
    meter.stop()
    spent = processor_seconds(family(os.getpid())) - before
    shutil.rmtree(workspace)
    return Run(meter.largest, spent, began)
