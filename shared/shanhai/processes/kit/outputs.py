"""Files that a computation leaves: rasters, documents, tables, pictures, reports; its maps."""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from shanhai.cartography import style_of
from shanhai.processes.kit.contract import REPORTS, OutputSpec
from shanhai.processes.kit.output_files import raster_output
from shanhai.processes.kit.region import Place
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.cog import BLOCK, Block, CogFrame, write_cog
from shanhai.raster.store import ScratchStore
from shanhai.reporting.blocks import Pages, SectionHeading, blocks_of, word_of
from shanhai.reporting.furniture import crs_words
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame
from shanhai.reporting.pages import Picture, ReportPage, computed_at, data_uri, render_page
from shanhai.science.grid import ClassArray, FloatArray, Window
from shanhai.vocabulary import Label, label_of

REPORT, REPORT_WORD = "report.html", "report.docx"

Layer = tuple[str, str | None]
"""Name of a layer and its unit; None for classes."""

_TONGUES = {"zh": Label("中文", "Chinese"), "en": Label("英文", "English")}


def begin_rasters(
    place: Place,
    layers: Sequence[Layer],
    workspace: Path,
    titles: Mapping[str, Label] | None = None,
) -> Callable[[], list[OutputFile]]:
    """Begin to write layers of the store as COGs, several at a time; the call waits for them.

    Args:
        place: Its store has them.
        layers: Which.
        workspace: For the files.
        titles: By name, of those that are not called as their style is.
    """
    write = partial(_write_raster, place.store, workspace, titles or {})
    return place.runner.beside(write, list(layers))


def _write_raster(
    store: ScratchStore, workspace: Path, titles: Mapping[str, Label], layer: Layer
) -> OutputFile:
    name, unit = layer
    frame = CogFrame.of_grid(store.grid, categorical=unit is None)
    statistics = write_cog(workspace / f"{name}.tif", frame, _blocks(store, name, unit is None))
    title = titles[name] if name in titles else style_of(name).title
    return raster_output(name, f"{name}.tif", title, frame, statistics, unit)


def _blocks(store: ScratchStore, name: str, classes: bool) -> Iterator[Block]:
    height, width = store.grid.shape
    for row in range(0, height, BLOCK):
        window = Window(row, 0, min(BLOCK, height - row), width)
        values = store.read_classes(name, window) if classes else store.read_stored(name, window)
        yield window, values[np.newaxis]


def write_document(workspace: Path, output: OutputSpec, content: Any) -> OutputFile:
    """A JSON document."""
    path = f"{output.name}.json"
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS
    (workspace / path).write_bytes(orjson.dumps(content, option=options))
    return output.file(path)


def write_table(
    workspace: Path, output: OutputSpec, head: Sequence[str], rows: Iterable[Sequence[Any]]
) -> OutputFile:
    """A CSV table in UTF-8 with the mark that spreadsheets need to read Chinese."""
    path = f"{output.name}.csv"
    with (workspace / path).open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([_written(value) for value in row] for row in rows)
    return output.file(path)


def _written(value: Any) -> Any:
    """A truth value as other tables of the platform have it; anything else as it is."""
    return str(value).lower() if isinstance(value, bool) else value


def write_report(
    workspace: Path, page: ReportPage, maps: Sequence[Picture] = (), name: Label | None = None
) -> list[OutputFile]:
    """Write the report as HTML and DOCX; as PDF it follows, see `report_pdf`.

    Its pictures are in it, and their files gone; those of `maps` stand before them and stay.

    Args:
        workspace: For the files.
        page: What the report shows.
        maps: Pictures that are outputs of their own as well.
        name: What these are called; by their captions where there is none.
    """
    html = render_page(page, maps)
    (workspace / REPORT).write_text(html, encoding="utf-8")
    pictures = {data_uri(path): path for path, _ in (*maps, *page.pictures)}
    (workspace / REPORT_WORD).write_bytes(_word(html, pictures, page))
    for picture, _ in page.pictures:
        picture.unlink()
    page_file, _, word_file = REPORTS
    written = [page_file.file(REPORT), word_file.file(REPORT_WORD)]
    return [*written, *(picture_output(path, name or caption) for path, caption in maps)]


def _word(html: str, pictures: Mapping[str, Path], page: ReportPage) -> bytes:
    """The page for word processors, on wide pages for its tables."""
    blocks = blocks_of(html, pictures)
    title = next(one.text for one in blocks if isinstance(one, SectionHeading))
    made_on = computed_at(page.manifest).date()
    return word_of(
        Pages("zh", None, blocks, wide=True), " ".join(title.split()), "Shanhai", made_on
    )


def picture_output(path: Path, title: Label) -> OutputFile:
    """A picture of which there is one in each language, the last of its name."""
    lang = _TONGUES[path.stem[-2:]]
    in_language = Label(f"{title.zh}（{lang.zh}）", f"{title.en} ({lang.en})")
    return OutputFile.of(path.stem, path.name, "image/png", in_language)


def frame_of(place: Place, manifest: Mapping[str, Any], note: Label | None = None) -> MapFrame:
    """What all maps of a place share; without a note they tell of their cells."""
    area, inputs = place.area, manifest["inputs"]
    own = DistrictOutline(area.name, area.outline)
    districts = [
        DistrictOutline(Label(one.name_zh, one.name_en), geometry)
        for one, geometry in zip(area.region.districts, area.districts, strict=True)
    ]
    cell, crs = f"{place.grid.cell_m:g} m", crs_words(place.grid.epsg)
    return MapFrame(
        place=own.name,
        bounds=place.grid.bounds,
        districts=districts or [own],
        note=note or Label(f"像元 {cell} · {crs.zh}", f"Cells of {cell} · {crs.en}"),
        credits=credit_line(inputs),
        stand_in=any(one["stand_in"] for one in inputs),
    )


def resolution_note(cell: str, crs: Label, profile: str, inputs: list[dict[str, Any]]) -> Label:
    """Cells, the coarsest data behind them, system, profile: fine cells are no fine data."""
    known = [one for one in inputs if one["native_resolution_m"] is not None]
    behind = Label("", "")
    if known:
        coarsest = max(known, key=lambda one: one["native_resolution_m"])
        theme, metres = label_of(coarsest["theme"]), coarsest["native_resolution_m"]
        size = f"{metres:.0f} m" if metres < 1000 else f"{metres / 1000:.3g} km"
        behind = Label(
            f" · 最粗输入：{theme.zh}，真实分辨率约 {size}",
            f" · coarsest input: {theme.en.lower()}, true resolution about {size}",
        )
    way = label_of(profile)
    return Label(
        f"像元 {cell}{behind.zh} · {crs.zh} · {way.zh}",
        f"Cells of {cell}{behind.en} · {crs.en} · {way.en.lower()}",
    )


def credit_line(inputs: list[dict[str, Any]]) -> str:
    """The credits licences ask to be shown on pictures, each once; else the sources.

    All sources and licences are in the report; one text may name several, parted by semicolons.
    """
    asked = {
        part for one in inputs for part in _parts(one["licence"]) if "©" in part or "CC BY" in part
    }
    sources = {part for one in inputs for part in _parts(one["source"])}
    return "; ".join(sorted(asked or sources)) or "–"


def _parts(text: str | None) -> list[str]:
    return [part.strip() for part in (text or "").split(";") if part.strip()]


PANEL_CELLS = 640
"""Cells along the longer side of a small map; it has fewer pixels than that."""

MAP_CELLS = 1_500
"""Cells along the longer side of a map among others."""

SHEET_CELLS = 2_000
"""Cells along the longer side of a map that fills a page."""


def overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> NDArray[np.float32]:
    """A quantity with at most `most` cells along its longer side; NaN is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_stored(layer, row)[:, ::step] for row in rows])


def class_overview(store: ScratchStore, layer: str, most: int = PANEL_CELLS) -> ClassArray:
    """Classes with at most `most` cells along the longer side; 0 is nodata."""
    step, rows = _rows(store, most)
    return np.concatenate([store.read_classes(layer, row)[:, ::step] for row in rows])


def thinned(store: ScratchStore, layer: str) -> FloatArray:
    """A quantity for a map; NaN is nodata."""
    return overview(store, layer, MAP_CELLS).astype(np.float64)


def thinned_classes(store: ScratchStore, layer: str) -> ClassArray:
    """Classes for a map; 0 is nodata."""
    return class_overview(store, layer, MAP_CELLS)


def _rows(store: ScratchStore, most: int) -> tuple[int, list[Window]]:
    height, width = store.grid.shape
    step = max(1, -(-max(height, width) // most))
    high = BLOCK if step == 1 else 1  # rows that are all wanted are read together
    rows = range(0, height, step * high)
    return step, [Window(row, 0, min(high, height - row), width) for row in rows]
