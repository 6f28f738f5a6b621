"""Export a million features over HTTP: how fast, and how much memory the API needs for it."""

import asyncio
import sys
import time
from pathlib import Path

import httpx

from benchmarks.formats import LIMIT_MB, ROWS
from benchmarks.publishing import plain
from benchmarks.workbench import Workbench, open_workbench

FORMATS = ("geojsonseq", "csv", "fgb", "gpkg", "parquet", "shp")
KIB_IN_MIB = 1024
PATIENCE_S = 600


def main() -> None:
    """Download every format from a process that serves; fail when it needed too much memory."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    with open_workbench() as bench:
        asyncio.run(plain(bench.stack.database_url, rows))
        worst = max(_measure(bench, name, rows) for name in FORMATS)
    print(f"peak {worst} MB of {LIMIT_MB} MB allowed")
    sys.exit(worst > LIMIT_MB)


def _measure(bench: Workbench, name: str, rows: int) -> int:
    """The peak resident memory of the API, in MB, during one download."""
    process = Path("/proc") / str(_api_pid(bench))
    # Forgets the peak so far.
    (process / "clear_refs").write_text("5")
    started, size = time.perf_counter(), 0
    address = f"{bench.stack.api_url}/collections/regions/items"
    headers = {"Authorization": f"Bearer {bench.key}"}
    with (
        httpx.Client(headers=headers, timeout=PATIENCE_S) as client,
        client.stream("GET", address, params={"f": name}) as answer,
    ):
        answer.raise_for_status()
        for block in answer.iter_raw():
            size += len(block)
    seconds = time.perf_counter() - started
    peak = _peak(process)
    told = f"{seconds:7.1f} s {rows / seconds:8.0f} rows/s {size / 1e6:6.0f} MB"
    print(f"{name:12} {told}, peak {peak} MB", flush=True)
    return peak


def _api_pid(bench: Workbench) -> int:
    found = next(item.pid for item in bench.stack.status() if item.name == "api")
    if found is None:
        raise RuntimeError("the API does not run")
    return found


def _peak(process: Path) -> int:
    for line in (process / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) // KIB_IN_MIB
    raise RuntimeError("the system does not tell peaks of memory")


if __name__ == "__main__":
    main()
