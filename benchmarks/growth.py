"""What work costs as it grows: processor time and memory against size, over three decades.

`BENCH_ROUNDS` in the environment: how often each size is measured, 3 without it.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks import growth_kinds as kinds
from benchmarks import growth_picture, published
from benchmarks.cost import Cost
from benchmarks.machine import Moment
from benchmarks.power_law import PowerLaw, fit
from benchmarks.report import law_text
from benchmarks.workbench import open_workbench

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LEAST_MIB = 1.0
"""Below it memory is what the interpreter happened to have left."""
PICTURES = "pictures"
CELLS = (4_096, 40_000, 400_689, 4_000_000)
"""Squares."""
SITES = (18, 200, 2_048, 20_000)
"""Twice a square each."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of work.

    Attributes:
        title: What is done.
        unit: What its size counts.
        sizes: From the smallest on, over three decades.
        open: Makes it ready.
        grows: Sizes can only grow, so that all repeats of one come before the next size; else
            sizes take turns.
    """

    title: str
    unit: str
    sizes: tuple[int, ...]
    open: kinds.Opener
    grows: bool = False


IN_TABLE_UNIT = "features in the table"
IN_TABLE = (100, 1_000, 10_000, 100_000)
KINDS = {
    "main_job": Kind(
        "delineate-zones, from files to the report",
        "cells",
        CELLS,
        kinds.computing(kinds.delineated, math.isqrt),
    ),
    "network": Kind(
        "links of 20 sources", "cells", CELLS, kinds.computing(kinds.linked, math.isqrt)
    ),
    "selection": Kind(
        "a least-cost set of sites within 1 %",
        "sites",
        SITES,
        kinds.computing(kinds.selected, int),
    ),
    "tiles": Kind(
        "a vector tile of 20 features", IN_TABLE_UNIT, IN_TABLE, kinds.tiling, grows=True
    ),
    "items": Kind("a page of 30 features", IN_TABLE_UNIT, IN_TABLE, kinds.paging, grows=True),
    "ingest": Kind(
        "rows by NDJSON, until their days are summed up",
        "rows",
        (300, 3_000, 30_000, 300_000),
        kinds.ingesting,
    ),
    "alerts": Kind(
        "alerts that open and end", "stations", (5, 50, 500, kinds.WATCHED), kinds.warning
    ),
    "jobs": Kind("trivial jobs", "jobs", (3, 30, 300, 3_000), kinds.queueing),
}


def main(names: Sequence[str], console: Console, *, publish: bool) -> int:
    """Measure kinds of work, all without a name; 2 when a name is unknown."""
    wanted = [name.replace("-", "_") for name in names] or list(KINDS)
    unknown = [name for name in wanted if name not in KINDS]
    if unknown:
        console.print(f"unknown: {', '.join(unknown)}; there are {', '.join(KINDS)}")
        return 2
    with open_workbench() as bench:
        for name in wanted:
            began, now = Moment(), datetime.now(UTC)
            kind = KINDS[name]
            with kind.open(bench) as measure:
                costs = [(size, measure(size)) for size in _order(kind)]
            document = published.with_origin(f"growth {name}", _document(kind, costs, began), now)
            _show(document, console)
            if publish:
                _publish(name, document)
    return 0


def _order(kind: Kind) -> Iterator[int]:
    """Sizes take turns, unless they can only grow."""
    if kind.grows:
        for size in kind.sizes:
            yield from [size] * ROUNDS
    else:
        for _ in range(ROUNDS):
            yield from kind.sizes


def _document(kind: Kind, costs: list[tuple[int, Cost]], began: Moment) -> dict[str, Any]:
    seconds = [(size, cost.processor_s) for size, cost in costs if cost.processor_s > 0]
    memory = [(size, cost.peak_mib) for size, cost in costs if cost.peak_mib >= LEAST_MIB]
    return {
        "what": kind.title,
        "unit": kind.unit,
        "load": (began.load, os.getloadavg()[0]),
        "seconds": seconds,
        "mib": memory,
        "time_grows": _fit(seconds),
        "memory_grows": _fit(memory),
    }


def _fit(points: list[tuple[int, float]]) -> dict[str, float] | None:
    """None where too few sizes take anything that could be told."""
    sizes = [size for size, _ in points]
    if len(set(sizes)) < 3:
        return None
    law: PowerLaw = fit(sizes, [value for _, value in points])
    return asdict(law)


def _show(document: dict[str, Any], console: Console) -> None:
    shown = RichTable(title=f"{document['name']}: {document['what']}", title_justify="left")
    for heading in (document["unit"], "processor s", "MiB"):
        shown.add_column(heading, justify="right")
    memory = dict(document["mib"])
    for size, seconds in document["seconds"]:
        shown.add_row(f"{size:,}", f"{seconds:.4g}", f"{memory.get(size, 0):.3g}")
    console.print(shown)
    console.print(f"  time {law_text(document['time_grows'])}")
    console.print(f"  memory {law_text(document['memory_grows'])}\n")


def _publish(name: str, document: dict[str, Any]) -> None:
    data = published.read()
    data.setdefault("growth", {})[name] = document
    published.write(data)
    picture = published.DATA.parent / PICTURES / f"growth-{name}.svg"
    picture.write_text(growth_picture.draw(document), encoding="utf-8")
