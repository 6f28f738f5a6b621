"""Maps and page of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.kit.map_notes import credit_line
from shanhai.processes.kit.outputs import write_report_files
from shanhai.processes.kit.region import Place
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.store import ScratchStore
from shanhai.reporting.map_decorations import DistrictOutline
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.science.arrays import ClassArray, FloatArray
from shanhai.science.grid import Window
from shanhai.vocabulary import Label, Lang

_LANGUAGES: tuple[Lang, ...] = ("zh", "en")
_MOST_PIXELS = 1_500
_HEADING = Label("等级（占已评价面积）", "Class (share of what is known)")
_CARBON_ENDS = (Label("净吸收 tC/ha/a", "taken up, tC/ha/yr"), Label("净排放", "given off"))


def write_report(
    place: Place,
    layers: Sequence[str],
    statistics: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
    template: str,
) -> list[OutputFile]:
    """Draw the leading layers and write the page that holds them."""
    frame = frame_of(place, manifest)
    pictures = [
        picture
        for layer in layers
        for picture in _draw(place.store, layer, statistics, frame, workspace)
    ]
    name = Label(place.area.region.name_zh, place.area.region.name_en)
    files = write_report_files(
        workspace, ReportPage(template, name, statistics, manifest, pictures)
    )
    for picture, _ in pictures:
        picture.unlink()
    return files


def frame_of(place: Place, manifest: Mapping[str, Any]) -> MapFrame:
    """What all maps of a place share."""
    area, inputs = place.area, manifest["inputs"]
    own = DistrictOutline(Label(area.region.name_zh, area.region.name_en), area.outline)
    districts = [
        DistrictOutline(Label(one.name_zh, one.name_en), geometry)
        for one, geometry in zip(area.district_tasks, area.districts, strict=True)
    ]
    cell, crs = f"{place.grid.cell_m:g} m", manifest["aoi"]["crs"]
    return MapFrame(
        place=own.name,
        bounds=place.grid.bounds,
        districts=districts or [own],
        note=Label(f"像元 {cell} · {crs}", f"Cells of {cell} · {crs}"),
        credits=credit_line(inputs),
        stand_in=any(one["stand_in"] for one in inputs),
    )


def _draw(
    store: ScratchStore,
    layer: str,
    statistics: Mapping[str, Any],
    frame: MapFrame,
    workspace: Path,
) -> list[Picture]:
    """The maps of a layer in the languages that can be written here."""
    style, drawn = style_of(layer), list[Picture]()
    for lang in _LANGUAGES:
        path = workspace / f"{layer}.{lang}.png"
        if isinstance(style, ClassStyle):
            codes, shares = thinned_classes(store, layer), _shares(layer, statistics)
            done = draw_class_map(path, codes, style, shares, _HEADING, frame, lang)
        else:
            done = draw_ramp_map(path, thinned(store, layer), layer, frame, lang, _CARBON_ENDS)
        if done:
            drawn.append((path, style.title))
    return drawn


def _shares(layer: str, statistics: Mapping[str, Any]) -> dict[int, float]:
    own = next(one for one in statistics["evaluations"] if one["layer"] == layer)
    return {entry["value"]: entry["percent"] or 0.0 for entry in own["classes"]}


def _rows(store: ScratchStore) -> tuple[int, list[Window]]:
    """Every n-th row, so that no map holds more cells than it has pixels."""
    height, width = store.grid.shape
    step = max(1, -(-max(height, width) // _MOST_PIXELS))
    return step, [Window(row, 0, 1, width) for row in range(0, height, step)]


def thinned_classes(store: ScratchStore, layer: str) -> ClassArray:
    """Classes of a layer, of no more cells than a picture has pixels."""
    step, rows = _rows(store)
    return np.concatenate([store.read_classes(layer, row)[:, ::step] for row in rows])


def thinned(store: ScratchStore, layer: str) -> FloatArray:
    """Values of a layer, of no more cells than a picture has pixels."""
    step, rows = _rows(store)
    return np.concatenate([store.read(layer, row)[:, ::step] for row in rows])
