"""How long answers take at a steady pace, and what long pages cost in memory."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.request import urlopen

import numpy as np

from benchmarks.features import CELLS, LIMIT
from benchmarks.http_load import Load
from benchmarks.million import boxes, codes, lay_million
from benchmarks.report import Row, Setup, Table
from benchmarks.shaping import wait_for_shapes
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from shanhai.errors import Unavailable

PER_SECOND = 200
SECONDS = 10
CONNECTIONS = 16
PATIENCE_S = 0.010
LONG_PAGES = 6
LONG_LIMIT = 10_000
ALLOWED_MIB = 16.0
"""How much the process may grow from the second long page to the last."""
EVERY = 5
"""Every fifth request is for a page, the others are for one feature."""
SETUP = Setup(
    settings="requests at a fixed pace, waiting included",
    warm="plans of statements, connections; no box and no code is asked for twice",
    connections=(16, 16),
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """The 95th percentile beside what is allowed, and the process's memory page by page."""
    table = Table(
        "pace", f"{PER_SECOND} requests/s for {SECONDS} s; long pages", "allowed", setup=SETUP
    )
    with asyncio.Runner() as loop:
        loop.run(lay_million(bench.stack.database_url, CELLS))
        loop.run(wait_for_shapes(bench.stack.database_url))
        for what, paths in _paths().items():
            loop.run(Load(bench.stack.api_url, paths[:100], CONNECTIONS).run())
            waits = loop.run(_keep_pace(bench.stack.api_url, paths))
            low, p95, p99 = np.percentile(waits, (50, 95, 99))
            facts = {"median ms": low * 1e3, "p99 ms": p99 * 1e3}
            row = Row(f"p95, {what}", Sample((p95,)), Sample((PATIENCE_S,)), target=1.0)
            row.facts.update(facts)
            table.rows.append(row)
    table.rows.append(_long_pages(bench))
    return table


def _paths() -> dict[str, list[str]]:
    number, base = PER_SECOND * SECONDS, "/collections/regions/items"
    single = [f"{base}/{code}" for code in codes(1, number, CELLS)]
    pages = [
        f"{base}?limit={LIMIT}&bbox={','.join(map(str, box))}" for box in boxes(1, number, CELLS)
    ]
    mixed = [pages[n] if n % EVERY == 0 else single[n] for n in range(number)]
    return {"one feature": single, f"one in {EVERY} a page of {LIMIT}": mixed}


async def _keep_pace(base_url: str, paths: Sequence[str]) -> list[float]:
    """Seconds from when each request was due to when it was answered, waiting included."""
    due = [(number / PER_SECOND, path) for number, path in enumerate(paths)]
    waiting = iter(due)
    found: list[float] = []
    load = Load(base_url, paths, CONNECTIONS)
    opened = [await load.open() for _ in range(CONNECTIONS)]
    started = time.perf_counter()

    async def drain(number: int) -> None:
        for moment, path in waiting:
            early = started + moment - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            await load.ask(path, *opened[number])
            found.append(time.perf_counter() - started - moment)

    async with asyncio.TaskGroup() as group:
        for number in range(CONNECTIONS):
            group.create_task(drain(number))
    for _, writer in opened:
        writer.close()
    return found


def _long_pages(bench: Workbench) -> Row:
    """The growth of the process's own memory over several long pages, in MiB."""
    process = bench.stack.services["api"].process()
    if process is None:
        raise Unavailable("the API does not run")
    url = f"{bench.stack.api_url}/collections/regions/items?limit={LONG_LIMIT}"
    seconds, peaks = [], []
    for _ in range(LONG_PAGES):
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")
        started = time.perf_counter()
        with urlopen(url) as answer:  # noqa: S310 - the address of our own stack
            while answer.read(1 << 16):
                pass
        seconds.append(time.perf_counter() - started)
        peaks.append(_peak_mib(process.pid))
    row = Row(
        f"growth over {LONG_PAGES} pages of {LONG_LIMIT:,}",
        Sample((max(1.0, peaks[-1] - peaks[1]),)),
        Sample((ALLOWED_MIB,)),
        target=1.0,
        unit="MiB",
    )
    row.facts.update({"peak MiB": max(peaks), "page ms": float(np.median(seconds)) * 1e3})
    return row


def _peak_mib(pid: int) -> float:
    """The most memory the process had since the mark was last cleared."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines()
    )
    return int(fields["VmHWM"].split()[0]) / 1024
