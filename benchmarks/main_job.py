"""The main job as a planner has it: from the request to a tile of what it published.

Xiamen of the demonstration at 100 m, over HTTP, in a stack of its own; beside what a planner is
promised to wait. A job whose inputs an earlier one had begins at the clusters. `BENCH_ROUNDS` in
the environment is the number of rounds (3).
"""

import os
import shutil
import time
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from benchmarks.report import Row, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.client import ApiClient
from shanhai.local.demo.inputs import gather, import_missing, seed_regions
from shanhai.local.demo.results import expect_tile
from shanhai.local.demo.run import CELL_M, PLAN, REGION, SEED
from shanhai.local.stack import Stack
from shanhai.raster.kept_steps import STEPS

PROMISED_S, AGAIN_S = 5.0, 2.5
FORMER_S = 27.4
"""What the step took in `make demo` before, with the PDF."""
KS = tuple(range(6, 6 + int(os.environ.get("BENCH_ROUNDS", "3"))))


def run(bench: Workbench) -> Table:
    """The defaults, for which nothing is kept, and another number of clusters."""
    table = Table("main_job", "delineate-zones, from the request to a tile", "promised")
    given = gather(REGION, Console())
    seed_regions(bench.stack.database_url, given.folders)
    with ApiClient(bench.stack.api_url, bench.key) as api:
        import_missing(api, given.folders, lambda done, total, what: None)
        seconds_until_seen(bench.stack, api, bench.key, {})  # compiles kernels, fills caches
        first, again = [], []
        for k in KS:
            shutil.rmtree(bench.stack.home.scratch / STEPS, ignore_errors=True)
            first.append(seconds_until_seen(bench.stack, api, bench.key, {}))
            again.append(seconds_until_seen(bench.stack, api, bench.key, {"k": k}))
    facts = {"former s": FORMER_S}
    table.rows = [
        _row("all results but the PDF", first, PROMISED_S, facts),
        _row("another k, the same inputs", again, AGAIN_S, facts),
    ]
    return table


def _row(what: str, taken: list[float], promised_s: float, facts: dict[str, float]) -> Row:
    return Row(what, Sample(tuple(taken)), Sample((promised_s,)), 1.0, facts)


def seconds_until_seen(
    stack: Stack, api: ApiClient, key: str, parameters: Mapping[str, Any]
) -> float:
    """Seconds from the request until the published zones are drawn.

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
    started = time.perf_counter()
    job = api.submit("delineate-zones", inputs)
    job.wait()
    expect_tile(ApiClient(stack.tiles_url, key), job.results()["layers"]["zones"])
    return time.perf_counter() - started
