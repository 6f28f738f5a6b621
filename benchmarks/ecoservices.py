"""Kernels of the services from GeoTIFF to GeoTIFF, beside InVEST's models of the same quantities.

Both sides run alone in processes of their own, which first work through small inputs so that
nothing is loaded or compiled while they are timed.
"""

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ecoservice_kernels
from benchmarks.agreement import Agreement
from benchmarks.ecoservice_inputs import Inputs, make_inputs
from benchmarks.fresh import run_fresh
from benchmarks.invest import Run, python_of_invest, run_invest
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample, alternate
from benchmarks.workbench import Workbench
from shanhai.raster.geotiff import read_geotiff, write_geotiff

CELLS = int(os.environ.get("BENCH_CELLS", "2000"))
SMALL = 256
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Model:
    """A comparison.

    Attributes:
        name: Of our kernel and of the peer's model.
        title: What is computed.
        target: Least ratio to the peer's whole model, where one is asked for.
        target_of_kernel: Least ratio to its time up to the raster that is compared, where one is.
    """

    name: str
    title: str
    target: float | None
    target_of_kernel: float | None = None


MODELS = (
    Model("carbon", "carbon stock", 2.0),
    Model("annual_water_yield", "annual water yield (Fu)", 5.0),
    Model("soil_loss", "RKLS and USLE, with flow routing", None, 5.0),
    Model("urban_cooling", "urban cooling", 5.0),
    Model("quality_of_habitats", "habitat quality, three threats", 5.0),
    Model("urban_flood_risk", "runoff of a storm (SCS-CN)", 5.0),
    Model("urban_nature_access", "urban nature access", 5.0),
)


@dataclass(frozen=True, slots=True)
class Bench:
    """The files of one run."""

    python: Path
    small: Inputs
    large: Inputs
    folder: Path

    def ours(self, model: str) -> Run:
        """What our kernel takes."""
        return run_fresh(timed, model, self.small, self.large, self.folder / "ours" / model)

    def theirs(self, model: str) -> Run:
        """What the peer takes."""
        place = self.folder / "theirs" / model
        return run_invest(self.python, model, self.small.folder, self.large.folder, place)


SETUP = Setup(
    settings="GeoTIFF to GeoTIFF; InVEST by its own Python with one worker",
    warm="code loaded and compiled on small inputs; files in the system's memory",
)


def run(bench: Workbench) -> Table:
    """Every model in turn, and the floor under all: reading and writing one file."""
    folder = bench.made("ecoservices")
    small, large = (
        run_fresh(make_inputs, bench.made(f"ecoservices-{cells}"), cells)
        for cells in (SMALL, CELLS)
    )
    place = Bench(python_of_invest(), small, large, folder)
    table = Table(
        "ecoservices", f"kernels at {CELLS} × {CELLS}, one process", "InVEST", setup=SETUP
    )
    for model in MODELS:
        table.rows += _compare(place, model)
    one_file = Sample(tuple(run_fresh(copy_one, place.large, folder) for _ in range(ROUNDS)))
    table.rows.append(Row("read and write one GeoTIFF", one_file, one_file))
    return table


def _compare(place: Bench, model: Model) -> list[Row]:
    """Our kernel beside the peer's whole model, and beside it up to the raster that is compared."""
    mine: list[Run] = []
    others: list[Run] = []

    def ours(_: int) -> float:
        mine.append(place.ours(model.name))
        return mine[-1].whole

    def theirs(_: int) -> float:
        others.append(place.theirs(model.name))
        return others[-1].whole

    sample, whole = alternate(ours, theirs, rounds=ROUNDS)
    part = Sample(tuple(run.part for run in others[1:]), whole.began)
    # The rasters of the last round are still there on both sides.
    agreement = Agreement.of(mine[-1].result, others[-1].result)
    facts = {
        "largest difference": agreement.largest,
        "cells apart": agreement.apart,
        "one-sided": agreement.one_sided,
    }
    cpu = {"CPU": min(run.cpu for run in others) / min(run.cpu for run in mine)}
    return [
        Row(f"{model.title}; whole model", sample, whole, model.target, cpu | facts),
        Row(f"{model.title}; kernel, to its raster", sample, part, model.target_of_kernel, facts),
    ]


def timed(model: str, small: Inputs, large: Inputs, out: Path) -> Run:
    """What a kernel takes on the large inputs after it has run on the small ones."""
    kernel = getattr(ecoservice_kernels, model)
    for inputs in (small, large):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        started, busy = time.perf_counter(), time.process_time()
        result = kernel(inputs, out)
    seconds, cpu = time.perf_counter() - started, time.process_time() - busy
    return Run(seconds, seconds, cpu, result)


def copy_one(inputs: Inputs, folder: Path) -> float:
    """Seconds to read a raster of the inputs and write it again."""
    started = time.perf_counter()
    found = read_geotiff(inputs.raster("rainfall"))
    write_geotiff(folder / "copy.tif", found.values, transform=found.transform, crs=found.crs)
    return time.perf_counter() - started
