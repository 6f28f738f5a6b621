"""The main job on a synthetic watershed, beside merely reading its inputs."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fresh import Meter, run_fresh
from benchmarks.report import Row, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.data.synthetic_watershed import Watershed, build_watershed
from shanhai.processes.delineate_zones.compute import compute
from shanhai.raster.geotiff import read_geotiff
from shanhai.science.grid import Window

SIDES = (1000, 2000)
"""Cells along each side of the watershed."""
STRIP = 512
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


def run(bench: Workbench) -> Table:
    """One million and four million cells; reading before and after each computation."""
    table = Table("zoning", "delineate-zones, one process", "reading the inputs")
    for side in SIDES:
        folder = bench.made(f"watershed-{side}")
        watershed = run_fresh(build_watershed, folder, cells=side)
        table.rows += _compare(watershed, folder)
    return table


def _compare(watershed: Watershed, folder: Path) -> list[Row]:
    before = run_fresh(read_inputs, watershed)
    run = run_fresh(delineate, watershed, folder / "run")
    floor = Sample((before, run_fresh(read_inputs, watershed)))
    cells = watershed.grid.width * watershed.grid.height
    size = f"{cells / 1e6:.0f} million cells"
    return [
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


def read_inputs(watershed: Watershed) -> float:
    """Seconds to read every band of every input once, strip by strip."""
    started = time.perf_counter()
    width = watershed.grid.width
    for path in watershed.rasters.values():
        for row in range(0, watershed.grid.height, STRIP):
            height = min(STRIP, watershed.grid.height - row)
            read_geotiff(path, Window(row, 0, height, width))
    return time.perf_counter() - started


def delineate(watershed: Watershed, workspace: Path) -> Run:
    """Compute the whole job on files."""
    workspace.mkdir()
    parts = [Meter(), Meter()]

    def told(percent: float, stage: str) -> None:
        if stage == ZONING_BEGINS and parts[0].running:
            parts[0].stop()
            parts[1].start()

    parts[0].start()
    compute(watershed.task(), workspace, told)
    parts[1].stop()
    assessment, zoning = (Stretch(part.seconds, part.peak_mib) for part in parts)
    whole = Stretch(assessment.seconds + zoning.seconds, max(assessment.peak_mib, zoning.peak_mib))
    return Run(assessment, zoning, whole)
