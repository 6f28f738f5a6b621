"""Files of a million features: how fast, and how much memory, both ways.

Each format is written and read in a process of its own, so that its peak is its own. Of workbooks
only reading is ours; its floor is openpyxl going through the same cells.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from openpyxl import Workbook, load_workbook

from shanhai.processes.import_features.compute import compute
from shanhai.processes.import_features.contract import ImportFeaturesTask
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vector.tables import BLOCK_ROWS, FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table

ROWS = 1_000_000
LIMIT_MB = 512
COLUMNS = (
    FeatureColumn("code", "text"),
    FeatureColumn("name_zh", "text"),
    FeatureColumn("name_en", "text"),
    FeatureColumn("level", "text"),
)


def blocks(rows: int) -> Iterator[list[list[Any]]]:
    """Small squares in a grid, in blocks."""
    for start in range(0, rows, BLOCK_ROWS):
        number = np.arange(start, min(start + BLOCK_ROWS, rows))
        west, south = 110 + number % 1000 / 100, 20 + number // 1000 / 100
        shapes = shapely.multipolygons(
            shapely.box(west, south, west + 0.009, south + 0.009)[:, None]
        )
        yield [
            [wkb, f"bench.{n}", "厦门市海沧区", "Haicang, Xiamen", "district"]
            for wkb, n in zip(shapely.to_wkb(shapes), number, strict=True)
        ]


XLSX = "xlsx"


def write_workbook(rows: int, path: Path) -> None:
    """The same rows as a sheet, with WKT."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("bench")
    sheet.append(["wkt", *(column.name for column in COLUMNS)])
    for block in blocks(rows):
        for row in block:
            sheet.append([shapely.to_wkt(shapely.from_wkb(row[0])), *row[1:]])
    book.save(path)


def go_through(path: Path) -> None:
    """Every cell of a workbook, by openpyxl alone."""
    for _ in load_workbook(path, read_only=True).worksheets[0].iter_rows():
        pass


def write(name: str, rows: int, path: Path) -> None:
    """Write one format."""
    if name == XLSX:
        write_workbook(rows, path)
        return
    epsg = 4326 if FILE_FORMATS[name].only_degrees else 4490
    table = FeatureTable("bench", COLUMNS, blocks(rows), "MultiPolygon", epsg)
    write_table(path, table, FILE_FORMATS[name].name)


def read(name: str, path: Path) -> None:
    """Judge one file for import, as the worker's child does."""
    inputs: dict[str, Any] = {
        "upload": "00000000-0000-0000-0000-000000000000",
        "collection": "regions",
        **({"crs": "EPSG:4490"} if name in {"csv", XLSX} else {}),
    }
    with tempfile.TemporaryDirectory() as folder:
        task = ImportFeaturesTask(
            process="import-features", inputs=inputs, upload_uri="u", files={"u": str(path)}
        )
        outcome = compute(task, Path(folder), lambda percent, stage: None)
    if outcome.values["rejected_rows"]:
        raise RuntimeError("rows were rejected")


def measure(step: str, name: str, rows: int, path: Path) -> tuple[float, int]:
    """Seconds and peak memory (MB) of a step in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.formats", step, name, str(rows), str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(told.stdout.splitlines()[-1])
    return found["seconds"], found["peak_mb"]


def run(rows: int = ROWS) -> list[tuple[str, str, float, int]]:
    """Format, step, seconds and peak of every step."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (*FILE_FORMATS, XLSX):
            known = FILE_FORMATS.get(name)
            path = Path(folder) / f"bench{known.suffix if known else '.xlsx'}"
            for step in ("write", "read", *(() if known else ("floor",))):
                seconds, peak = measure(step, name, rows, path)
                found.append((name, step, seconds, peak))
                print(f"{name:12} {step:6} {seconds:7.1f} s {peak:5} MB", flush=True)
            path.unlink()
    return found


def main() -> None:
    """One step in this process, or all of them."""
    if len(sys.argv) < 3:
        rows = int(sys.argv[1]) if len(sys.argv) == 2 else ROWS
        worst = max(peak for *_, peak in run(rows))
        print(f"peak {worst} MB of {LIMIT_MB} MB allowed")
        sys.exit(worst > LIMIT_MB)
    step, name, rows_text, path = sys.argv[1:]
    start = time.perf_counter()
    if step == "write":
        write(name, int(rows_text), Path(path))
    elif step == "floor":
        go_through(Path(path))
    else:
        read(name, Path(path))
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


if __name__ == "__main__":
    main()
