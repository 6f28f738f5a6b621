"""A country on paper: small runs of the real mechanism, and what they come to for all counties.

The main job is run at two sizes, observations are sent, stored and closed into a file; a simulation
then lets every county ask for its zones, with workers that die, and sums up observations and files.
Sizes of counties are lognormal: their median is a third below the mean, as with areas of counties.
"""

import asyncio
import heapq
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from os import environ
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
import numpy as np

from benchmarks import closed_months, observations
from benchmarks.fresh import run_fresh
from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.data.synthetic_watershed import build_watershed
from shanhai.processes.delineate_zones.compute import compute

COUNTIES = 2_800
CELLS = 10**10
"""Of 30 m, which is nine million km²."""
A_DAY = 10**9
"""Observations of a day, in bodies of 50,000."""
PEAK = 3.0
"""How many times the mean the busiest hour has."""
SPREAD = 0.9
"""Standard deviation of the logarithm of a county's size."""
SIDES = (500, 1000)
SENT = int(environ.get("BENCH_ROLLOUT_OBSERVATIONS", "200000"))
SLOTS = (4, 8, 16, 32, 64)
DAY_S, HOUR_S = 86_400.0, 3_600.0
ASKING_S = 8 * HOUR_S
"""All counties ask within a working day, at moments independent of each other."""
LEASE_S = 30.0
DEATHS_A_DAY = 2.0
"""How often a slot loses its worker, whose job is begun anew after the lease."""
HOT_MONTHS, KEPT_YEARS = 24, 10
SEED = 20
WRITTEN = "SELECT pg_current_wal_lsn() - '0/0'"
ROW_BYTES = """
  SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('observation'))
         / (SELECT count(*) FROM observation)
"""


@dataclass(frozen=True, slots=True)
class Costs:
    """What small runs took.

    Attributes:
        fixed_s: Seconds of processor time of a job, however small.
        cell_s: Seconds of processor time of each of its cells.
        files_bytes: Bytes of results for each cell.
        peak_bytes: Memory of the process of a job at its peak.
        row_s: Seconds for an observation on all cores of this machine.
        row_bytes: Bytes of a stored observation with its indexes.
        log_bytes: Bytes of the database's log for each.
        filed_bytes: Bytes of an observation in the file of a closed month.
    """

    fixed_s: float
    cell_s: float
    files_bytes: float
    peak_bytes: float
    row_s: float
    row_bytes: float
    log_bytes: float
    filed_bytes: float


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is asked for: when, and the processor time it takes."""

    at: float
    takes: float


SETUP = Setup(settings="reckoned from small runs")


def run(bench: Workbench) -> Table:
    """Measure, simulate, and say what all counties take."""
    costs = measure(bench)
    print(asdict(costs))
    title = f"{COUNTIES:,} counties, {CELLS:.0e} cells, {A_DAY:.0e} observations a day"
    table = Table("rollout", title, "the time it may take", setup=SETUP)
    orders = ask(costs)
    for slots in SLOTS:
        waits, over = serve(orders, slots, _lives())
        facts = {
            "median wait h": float(np.median(waits)) / HOUR_S,
            "p95 wait h": float(np.quantile(waits, 0.95)) / HOUR_S,
            "busy share": sum(order.takes for order in orders) / (slots * over),
        }
        what = f"all zones with {slots} jobs at a time, one core each"
        table.rows.append(Row(what, Sample((over,)), Sample((DAY_S,)), target=1.0, facts=facts))
    table.rows += _observed(costs)
    return table


def measure(bench: Workbench) -> Costs:
    """Small runs of the main job, of observations that are sent, and of a month that is closed."""
    small, large = (run_fresh(_job, bench.made(f"rollout-{side}"), side) for side in SIDES)
    cells = [side**2 for side in SIDES]
    cell_s = (large.takes_s - small.takes_s) / (cells[1] - cells[0])
    closing = closed_months.run(bench).rows[-1]
    with asyncio.Runner() as loop:
        row_bytes = float(loop.run(_tell(bench, ROW_BYTES)))
        row_s, log_bytes = loop.run(_send(bench))
    return Costs(
        fixed_s=max(0.0, small.takes_s - cell_s * cells[0]),
        cell_s=cell_s,
        files_bytes=large.made_bytes / cells[1],
        peak_bytes=large.peak_bytes,
        row_s=row_s,
        row_bytes=row_bytes,
        log_bytes=log_bytes,
        filed_bytes=closing.facts["bytes a row"],
    )


class Job(NamedTuple):
    """Processor time of a main job, and bytes of its results and of its memory."""

    takes_s: float
    made_bytes: int
    peak_bytes: int


def _job(folder: Path, side: int) -> Job:
    """The main job in this process."""
    watershed = build_watershed(folder, cells=side)
    made = folder / "made"
    made.mkdir()
    before = time.process_time()
    compute(watershed.task(), made, lambda *_: None)
    takes_s = time.process_time() - before
    size = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    return Job(takes_s, size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


async def _send(bench: Workbench) -> tuple[float, float]:
    """Seconds of an observation, and bytes of the log."""
    await observations.prepare(bench.stack.database_url)
    client = observations.Client(bench.stack.api_url, bench.key)
    before = int(await _tell(bench, WRITTEN))
    takes_s = await observations.send_batches(client, 0, SENT // observations.STATIONS)
    return takes_s, (int(await _tell(bench, WRITTEN)) - before) / SENT


async def _tell(bench: Workbench, question: str) -> Any:
    connection = await asyncpg.connect(bench.stack.database_url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def ask(costs: Costs, counties: int = COUNTIES, cells: float = CELLS) -> list[Order]:
    """The jobs of all counties in the order they are asked for; together they have all cells."""
    chance = np.random.default_rng(SEED)
    sizes = chance.lognormal(sigma=SPREAD, size=counties)
    takes = costs.fixed_s + costs.cell_s * cells * sizes / sizes.sum()
    moments = np.sort(chance.uniform(0, ASKING_S, counties))
    return [Order(*pair) for pair in zip(moments.tolist(), takes.tolist(), strict=True)]


def _lives() -> Iterator[float]:
    """Seconds until the worker of the next job dies."""
    chance = np.random.default_rng(SEED)
    while True:
        yield float(chance.exponential(DAY_S / DEATHS_A_DAY))


def serve(orders: Sequence[Order], slots: int, lives: Iterator[float]) -> tuple[list[float], float]:
    """Seconds each job waits until it is begun for good, and when the last has ended.

    Jobs are begun in the order they came. One whose worker dies first is begun again by the next
    who is free once the lease is over, with all of its work to do.
    """
    free = [0.0] * slots
    line = [(order.at, order.at, order.takes) for order in orders]
    waits, over = [], 0.0
    while line:
        ready, asked, takes = heapq.heappop(line)
        begins = max(ready, heapq.heappop(free))
        lived = min(next(lives), takes)
        heapq.heappush(free, begins + lived)
        if lived < takes:
            heapq.heappush(line, (begins + lived + LEASE_S, asked, takes))
        else:
            waits.append(begins - asked)
            over = max(over, begins + takes)
    return waits, over


def _observed(costs: Costs) -> Iterator[Row]:
    """What observations ask of processors and disks."""
    busiest = A_DAY * PEAK / DAY_S
    machines = busiest * costs.row_s
    yield Row(
        "an observation in the busiest hour, by one machine like this",
        Sample((costs.row_s,)),
        Sample((1 / busiest,)),
        facts={
            "machines": machines,
            "a second": busiest,
            "MB/s of log": busiest * costs.log_bytes / 1e6,
        },
    )
    hot = A_DAY * 365 / 12 * HOT_MONTHS * costs.row_bytes
    filed = A_DAY * 365 * KEPT_YEARS * costs.filed_bytes
    facts = {"TB in tables": hot / 1e12, "TB in files": filed / 1e12}
    facts["TB of results"] = CELLS * costs.files_bytes / 1e12
    yield Row(
        f"an observation, {HOT_MONTHS} months in tables; {KEPT_YEARS} years in files",
        Sample((costs.row_bytes,)),
        Sample((costs.filed_bytes,)),
        facts=facts,
        unit="B",
    )
