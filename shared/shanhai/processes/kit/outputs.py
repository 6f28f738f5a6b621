"""Files of an evaluation or account: rasters, documents, tables."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from shanhai.cartography import style_of
from shanhai.processes.kit.rasters import raster_output
from shanhai.processes.kit.region import Place
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import BLOCK, Block, CogFrame, write_cog
from shanhai.raster.store import ScratchStore
from shanhai.reporting.pages import ReportPage, write_page
from shanhai.science.grid import Window
from shanhai.vocabulary import Label

REPORT, REPORT_PDF = "report.html", "report.pdf"

Layer = tuple[str, str | None]
"""Name of a layer and its unit; None for classes."""


def write_rasters(place: Place, layers: Sequence[Layer], workspace: Path) -> list[OutputFile]:
    """Write layers of the store as COGs, several at a time."""
    return list(place.runner.run(partial(_write_raster, place.store, workspace), list(layers)))


def _write_raster(store: ScratchStore, workspace: Path, layer: Layer) -> OutputFile:
    name, unit = layer
    frame = CogFrame.of_grid(store.grid, categorical=unit is None)
    statistics = write_cog(workspace / f"{name}.tif", frame, _blocks(store, name, unit is None))
    return raster_output(name, f"{name}.tif", style_of(name).title, frame, statistics, unit)


def _blocks(store: ScratchStore, name: str, classes: bool) -> Iterator[Block]:
    height, width = store.grid.shape
    for row in range(0, height, BLOCK):
        window = Window(row, 0, min(BLOCK, height - row), width)
        values = store.read_classes(name, window) if classes else store.read_stored(name, window)
        yield window, values[np.newaxis]


def write_document(workspace: Path, name: str, title: Label, content: Any) -> OutputFile:
    """A JSON document."""
    path = f"{name}.json"
    (workspace / path).write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    return _file(name, path, "application/json", title)


def write_table(
    workspace: Path, name: str, title: Label, head: Sequence[str], rows: Iterable[Sequence[Any]]
) -> OutputFile:
    """A CSV table in UTF-8 with the mark that spreadsheets need to read Chinese."""
    path = f"{name}.csv"
    with (workspace / path).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows(rows)
    return _file(name, path, "text/csv", title)


def write_report_files(workspace: Path, page: ReportPage) -> list[OutputFile]:
    """Write the report as HTML, and as PDF where that can be made."""
    write_page(workspace / REPORT, workspace / REPORT_PDF, page)
    files = [
        _file("report", REPORT, "text/html", Label("报告", "Report")),
        _file("report_pdf", REPORT_PDF, "application/pdf", Label("报告（PDF）", "Report (PDF)")),
    ]
    return [file for file in files if (workspace / file.path).exists()]


def _file(name: str, path: str, media_type: str, title: Label) -> OutputFile:
    return OutputFile(
        name=name,
        path=path,
        kind="document",
        media_type=media_type,
        title_zh=title.zh,
        title_en=title.en,
    )
