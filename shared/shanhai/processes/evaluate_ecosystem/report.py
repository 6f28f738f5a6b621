"""Maps and page of an evaluation."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shanhai.cartography import ClassStyle, style_of
from shanhai.processes.kit.maps import frame_of, thinned, thinned_classes
from shanhai.processes.kit.outputs import write_report
from shanhai.processes.kit.region import Place
from shanhai.processes.kit.task import OutputFile
from shanhai.raster.store import ScratchStore
from shanhai.reporting.maps import MapFrame, draw_class_map, draw_ramp_map
from shanhai.reporting.pages import Picture, ReportPage
from shanhai.vocabulary import LANGUAGES, Label

TEMPLATE = "ecosystem_report.html.j2"
_HEADING = Label("等级（占已评价面积）", "Class (share of what is known)")
_CARBON_ENDS = (Label("净吸收 tC/ha/a", "taken up, tC/ha/yr"), Label("净排放", "given off"))


def write_maps_and_report(
    place: Place,
    layers: Sequence[str],
    statistics: Mapping[str, Any],
    manifest: Mapping[str, Any],
    workspace: Path,
) -> list[OutputFile]:
    """Draw the leading layers and write the page that holds them."""
    frame = frame_of(place, manifest)
    pictures = [
        picture
        for layer in layers
        for picture in _draw(place.store, layer, statistics, frame, workspace)
    ]
    page = ReportPage(TEMPLATE, place.area.name, statistics, manifest, pictures)
    return write_report(workspace, page)


def _draw(
    store: ScratchStore,
    layer: str,
    statistics: Mapping[str, Any],
    frame: MapFrame,
    workspace: Path,
) -> list[Picture]:
    """The maps of a layer in the languages that can be written here."""
    style, drawn = style_of(layer), list[Picture]()
    for lang in LANGUAGES:
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
