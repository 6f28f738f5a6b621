"""`python -m benchmarks [NAME…]`: run all benchmarks, or those that are named."""

import os
import sys
import time
from datetime import UTC, datetime
from importlib import import_module

import orjson
from rich.console import Console

from benchmarks.report import Table
from benchmarks.workbench import Workbench, open_workbench
from shanhai.local.places import Home

NAMES = (
    "items",
    "features",
    "cql2",
    "pace",
    "slow_senders",
    "raster_tiles",
    "cached_tiles",
    "object_store",
    "open_data",
    "endurance",
    "vector_tiles",
    "vector_peers",
    "jobs",
    "queueing",
    "job_line",
    "quantiles",
    "zoning",
    "network_patterns",
    "ecoservices",
    "assessment",
    "main_job",
    "robustness",
    "compliance",
    "balances",
    "occurrences",
    "observations",
    "gathering",
    "observation_reading",
    "closed_months",
    "network_costs",
    "site_selection",
    "network_circuits",
    "console",
    "rollout",
)
"""The modules, in the order they are run; each has a `run`."""


def main() -> int:
    """Run, print and keep the results; 2 when a name is unknown."""
    names = [name.replace("-", "_") for name in sys.argv[1:]] or list(NAMES)
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 150)
    with open_workbench() as bench:
        tables = [_run(name, bench, console) for name in names]
    _keep(tables, console)
    return 0


def _run(name: str, bench: Workbench, console: Console) -> Table:
    started = time.perf_counter()
    table: Table = import_module(f"benchmarks.{name}").run(bench)
    table.show(console)
    console.print(f"  {time.perf_counter() - started:.0f} s in all\n", style="dim")
    return table


def _keep(tables: list[Table], console: Console) -> None:
    now = datetime.now(UTC)
    folder = Home.of_checkout().path / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{now:%Y%m%dT%H%M%SZ}.json"
    document = {
        "at": now.isoformat(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "benchmarks": [table.document() for table in tables],
    }
    path.write_bytes(
        orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY)
    )
    console.print(f"kept in {path}")


if __name__ == "__main__":
    sys.exit(main())
