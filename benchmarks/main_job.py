"""The main job as a planner has it: from the request to a tile of what it published.

Xiamen of the demonstration at 100 m, over HTTP, in a stack of its own; beside what a planner is
promised to wait. The job is followed by its events, as the console does: to ask every 50 ms took a
tenth of both cores. A job whose inputs an earlier one had begins at the clusters. The PDF follows
what is published, and has a row of its own. `BENCH_ROUNDS` in the environment is the number of
rounds (3).
"""

import json
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from rich.console import Console

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.client.remote import EVENTS
from shanhai.local.demo.inputs import gather, import_missing, seed_regions
from shanhai.local.demo.results import expect_tile
from shanhai.local.demo.run import CELL_M, PLAN, REGION, SEED
from shanhai.local.stack import Stack
from shanhai.raster.kept_steps import STEPS

PROMISED_S, AGAIN_S, PDF_S = 5.0, 2.5, 6.0
MOST_SILENT_S = 60.0
"""Seconds without an event after which nobody waits for more: a heartbeat comes sooner."""
FORMER_S = 14.0
"""The least of what all of it took when the bars were set, with the PDF: 14 to 18 s."""
KS = tuple(range(6, 6 + int(os.environ.get("BENCH_ROUNDS", "3"))))

SETUP = Setup(
    settings="Xiamen at 100 m; a worker with two slots, whose pool has two processes",
    warm="compiled kernels, loaded libraries, what the system keeps of files; no step of the job, "
    "but with another k, which has those before the clusters",
    connections=(1, 0),
    processes=(6, 0),
)


def run(bench: Workbench) -> Table:
    """The defaults, for which nothing is kept, and another number of clusters."""
    title = "delineate-zones, from the request to a tile"
    table = Table("main_job", title, "promised", setup=SETUP)
    given = gather(REGION, Console())
    seed_regions(bench.stack.database_url, given.folders)
    with ApiClient(bench.stack.api_url, bench.key) as api:
        import_missing(api, given.folders, lambda done, total, what: None)
        time_job(bench.stack, api, bench.key, {})  # compiles kernels, fills caches
        first, again = [], []
        for k in KS:
            shutil.rmtree(bench.stack.home.scratch / STEPS, ignore_errors=True)
            first.append(time_job(bench.stack, api, bench.key, {}))
            again.append(time_job(bench.stack, api, bench.key, {"k": k}))
    facts = {"former s": FORMER_S}
    table.rows = [
        _row("all results but the PDF", [one.drawn_s for one in first], PROMISED_S, facts),
        _row("another k, the same inputs", [one.drawn_s for one in again], AGAIN_S),
        _row("the PDF, after them", [one.pdf_s for one in (*first, *again)], PDF_S),
    ]
    return table


def _row(
    what: str, taken: list[float], promised_s: float, facts: dict[str, float] | None = None
) -> Row:
    return Row(what, Sample(tuple(taken)), Sample((promised_s,)), 1.0, facts or {})


@dataclass(frozen=True, slots=True)
class JobTime:
    """What one job took.

    Attributes:
        drawn_s: From the request until a tile of the published zones is drawn.
        pdf_s: From then on until the job has ended with its PDF.
    """

    drawn_s: float
    pdf_s: float


def time_job(stack: Stack, api: ApiClient, key: str, parameters: Mapping[str, Any]) -> JobTime:
    """Ask for zones and follow them, as a planner does who waits for the map.

    Raises:
        JobFailed: The job failed.
        Unavailable: No tile is drawn.
    """
    inputs = {
        "plan": PLAN,
        "seed": SEED,
        "publish": True,
        "region": REGION,
        "cell_m": CELL_M,
        "parameters": parameters,
    }
    tiles = ApiClient(stack.tiles_url, key)
    started = time.perf_counter()
    job = api.submit("delineate-zones", inputs)
    asked = {"Authorization": f"Bearer {key}", "Accept": EVENTS}
    with httpx.stream("GET", f"{job.url}/events", headers=asked, timeout=MOST_SILENT_S) as events:
        events.raise_for_status()
        told = (line.removeprefix("data: ") for line in events.iter_lines() if "data: " in line)
        next(one for one in map(json.loads, told) if not _awaits_results(one))
    expect_tile(tiles, f"zones.{job.id}")
    drawn = time.perf_counter()
    job.wait()
    return JobTime(drawn - started, time.perf_counter() - drawn)


def _awaits_results(status: Mapping[str, Any]) -> bool:
    """Whether a job still computes; once it links to outputs these are published."""
    going_on = status["status"] in {"accepted", "running"}
    return going_on and all(link["rel"] != "item" for link in status["links"])
