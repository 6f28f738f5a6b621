"""`python -m benchmarks [--publish] [NAME…]`: run all benchmarks, or those that are named."""

import argparse
import ast
import os
import sys
import time
import traceback
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console

from benchmarks import machine, published
from shanhai.local.places import Home

NAMES = (
    "starting",
    "items",
    "features",
    "cql2",
    "pace",
    "slow_senders",
    "raster_tiles",
    "raster_conditions",
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
APART = ("quick", "growth")
"""Those that run only when they are named."""
GROWTH = "growth"
"""Its names are of kinds of work."""
PUBLISH = "put the figures into docs/benchmarks.json and the page, in the place of these rows"


def main(arguments: Sequence[str]) -> int:
    """Run, print and keep the results; 1 when a benchmark failed, 2 when a name is unknown."""
    given = _parser().parse_intermixed_args(arguments)
    os.environ[machine.ROOT] = str(os.getpid())
    console = Console(width=None if sys.stdout.isatty() else 170)
    if given.names[:1] == [GROWTH]:
        # Here, because it loads the whole platform.
        from benchmarks import growth

        return growth.main(given.names[1:], console, publish=given.publish)
    names = [name.replace("-", "_") for name in given.names] or list(NAMES)
    unknown = [name for name in names if name not in NAMES + APART]
    if unknown:
        print(f"unknown: {', '.join(unknown)}; --help lists the names", file=sys.stderr)
        return 2
    documents = _run_all(names, console, publish=given.publish)
    _keep(documents, console)
    return int(len(documents) < len(names))


def _parser() -> argparse.ArgumentParser:
    listed = "\n".join(f"  {name:20} {_first_line(name)}" for name in NAMES + APART)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"Run benchmarks: all, or those that are named.\n\n{listed}",
        epilog=f"alone: {' '.join(APART)}, which no run of all takes along",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--publish", action="store_true", help=PUBLISH)
    return parser


def _first_line(name: str) -> str:
    source = Path(__file__).with_name(f"{name}.py").read_text("utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def _run_all(names: Sequence[str], console: Console, *, publish: bool) -> list[dict[str, Any]]:
    """The results of those that did not fail; each is published as soon as it is there."""
    # Here, because it loads the whole platform.
    from benchmarks.workbench import open_workbench

    documents = []
    with open_workbench() as bench:
        for name in names:
            started, now = time.perf_counter(), datetime.now(UTC)
            try:
                table = import_module(f"benchmarks.{name}").run(bench)
            except Exception:
                # The others may still be measured: a whole run takes hours.
                traceback.print_exc()
                continue
            table.show(console)
            console.print(f"  {time.perf_counter() - started:.0f} s in all\n", style="dim")
            document = published.with_origin(name, table.document(), now)
            documents.append(document)
            if publish:
                published.replace(document)
    return documents


def _keep(documents: list[dict[str, Any]], console: Console) -> None:
    folder = Home.of_checkout().path / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_bytes(
        orjson.dumps(
            {"benchmarks": documents}, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY
        )
    )
    console.print(f"kept in {path}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
