"""The main job on a small and a large watershed: cells a second, memory, and a second process.

`BENCH_TIMES` in the environment makes the large one smaller: cells along a side, in multiples of
the small one's.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.family import FamilyMeter
from benchmarks.fresh import run_fresh
from benchmarks.large_watershed import enlarge
from benchmarks.report import Row, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.processes.delineate_zones import DelineateZones
from shanhai.testing.watershed import Watershed, build_watershed

CELLS, CELL_M = 2000, 20.0
TIMES = int(os.environ.get("BENCH_TIMES", "5"))
MEMORY_MIB = 2048.0
ZONING_BEGINS = "cluster"
"""The stage that follows the ratios."""


PARTS = ("assessment", "zoning", "whole job")


@dataclass(frozen=True, slots=True)
class Run:
    """The peak of the largest process, MiB, and when each stage began."""

    peak_mib: float
    began: Mapping[str, float]

    @property
    def parts(self) -> dict[str, float]:
        """Seconds up to the ratios, from there on, and in all."""
        moments = list(self.began.values())
        ratios = self.began[ZONING_BEGINS]
        lasted = (ratios - moments[0], moments[-1] - ratios, moments[-1] - moments[0])
        return dict(zip(PARTS, lasted, strict=True))


def run(bench: Workbench) -> Table:
    """Small in one process and in two, then large in one; each in a fresh interpreter."""
    folder = bench.made("assessment")
    small = run_fresh(build_watershed, folder / "small", cells=CELLS, cell_m=CELL_M)
    large = run_fresh(enlarge, small, folder / "large", TIMES)
    alone = run_fresh(delineate, small, folder / "alone", 1)
    pair = run_fresh(delineate, small, folder / "pair", 2)
    grown = run_fresh(delineate, large, folder / "grown", 1)
    title = f"delineate-zones, {CELLS}² cells and {CELLS * TIMES}²"
    table = Table("assessment", title, "small, one process")
    for part in PARTS:
        table.rows += [
            _row(f"{part}: large, per cell of the small", grown, alone, part, 0.8, TIMES**2),
            _row(f"{part}: small, two processes", pair, alone, part, 1.7),
        ]
    return table


def _row(what: str, ours: Run, floor: Run, part: str, target: float, times: float = 1.0) -> Row:
    """A comparison of the seconds of a part, and of what memory the largest process took."""
    mine, other = ours.parts[part] / times, floor.parts[part]
    facts = {"peak MiB": ours.peak_mib, "MiB left of 2 GiB": MEMORY_MIB - ours.peak_mib}
    return Row(what, Sample((mine,)), Sample((other,)), target, facts)


def delineate(watershed: Watershed, workspace: Path, processes: int) -> Run:
    """Compute the whole job on files."""
    workspace.mkdir()
    meter, began = FamilyMeter(), dict[str, float]()

    def told(percent: float, stage: str) -> None:
        began.setdefault(stage, time.perf_counter())

    meter.start()
    DelineateZones().compute(watershed.task(processes=processes), workspace, told)
    meter.stop()
    return Run(meter.largest, began)
