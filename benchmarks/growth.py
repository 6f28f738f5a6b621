"""What work costs as it grows: processor time and memory against size, over three decades.

`BENCH_ROUNDS` in the environment: how often each size is measured, 3 without it.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks import growth_picture, published
from benchmarks.cost import Cost
from benchmarks.growth_kinds import KINDS, Kind
from benchmarks.machine import Moment
from benchmarks.power_law import PowerLaw, fit
from benchmarks.workbench import open_workbench

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
LEAST_MIB = 1.0
"""Below it memory is what the interpreter happened to have left."""
PICTURES = "pictures"


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


def law_text(law: dict[str, float] | None) -> str:
    """An exponent with its interval, and that of the last decade."""
    if law is None:
        return f"below {LEAST_MIB:g} MiB"
    return (
        f"{law['exponent']:.2f} ({law['low']:.2f}–{law['high']:.2f}), at the end {law['last']:.2f}"
    )


def _publish(name: str, document: dict[str, Any]) -> None:
    data = published.read()
    data.setdefault("growth", {})[name] = document
    published.write(data)
    picture = published.DATA.parent / PICTURES / f"growth-{name}.svg"
    picture.write_text(growth_picture.draw(document), encoding="utf-8")
