"""Maps of an ecological network, of a scenario and of a selection of sites; their ground."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch
from matplotlib.path import Path as Outline
from shapely import get_parts
from shapely.geometry.base import BaseGeometry

from shanhai.cartography import RampStyle, style_of
from shanhai.reporting.legends import LegendGroup, LegendRow, Swatch
from shanhai.reporting.map_decorations import district_rings
from shanhai.reporting.maps import LEGEND, MapFrame, add_legend, draw_sheet
from shanhai.science.grid import FloatArray
from shanhai.vocabulary import Label, Lang


def draw_ground(
    axes: Axes, values: FloatArray, theme: str, frame: MapFrame, *, alpha: float = 0.30
) -> None:
    """Draw a quantity of the land in the colours of its theme, pale."""
    style = style_of(theme)
    if not isinstance(style, RampStyle):
        raise TypeError(f"{theme} is not drawn by a ramp")
    west, south, east, north = frame.bounds
    axes.imshow(
        values,
        cmap=LinearSegmentedColormap.from_list(theme, style.colors),
        norm=Normalize(style.low, style.high),
        extent=(west, east, south, north),
        interpolation="nearest",
        alpha=alpha,
    )


def fill_shapes(axes: Axes, shapes: Sequence[BaseGeometry], color: str, alpha: float) -> None:
    """Fill the polygons among some shapes."""
    for shape in shapes:
        rings = [Outline(ring, closed=True) for ring in district_rings(shape)]
        if rings:
            outline = Outline.make_compound_path(*rings)
            axes.add_patch(PathPatch(outline, facecolor=color, edgecolor="none", alpha=alpha))


NETWORK_TITLE = Label("生态网络", "Ecological network")

_SOURCES = ("#14532d", "#5aa469")
_SWATH, _LINE = "#2b7bba", "#0b3c71"
_PINCH, _BARRIER = "#f08c00", "#c2185b"
_LEGEND = (
    (Label("一级源地", "Source, level 1"), _SOURCES[0]),
    (Label("二级源地", "Source, level 2"), _SOURCES[1]),
    (Label("廊道范围", "Corridor"), _SWATH),
    (Label("夹点", "Pinch point"), _PINCH),
    (Label("障碍点", "Barrier"), _BARRIER),
)
_MAIN, _BRANCH = Label("主要廊道", "Main corridor"), Label("次要廊道", "Branch corridor")
_MAIN_WIDTH, _BRANCH_WIDTH = 1.9, 1.0


@dataclass(frozen=True, slots=True)
class NetworkDrawing:
    """What the map shows, in the CRS of the map.

    Attributes:
        resistance: Of the land, drawn pale below all.
        sources: Outlines with their levels, 1 or 2.
        swaths: Outlines of the corridors.
        lines: Paths, and whether each is a main one.
        pinch_points: Outlines.
        barriers: Outlines.
    """

    resistance: FloatArray
    sources: Sequence[tuple[BaseGeometry, int]]
    swaths: Sequence[BaseGeometry]
    lines: Sequence[tuple[BaseGeometry, bool]]
    pinch_points: Sequence[BaseGeometry]
    barriers: Sequence[BaseGeometry]


def draw_network_map(path: Path, drawing: NetworkDrawing, frame: MapFrame, lang: Lang) -> bool:
    """Draw the network; False when the language has no font."""

    def content(axes: Axes, side: Axes) -> None:
        draw_ground(axes, drawing.resistance, "resistance", frame)
        fill_shapes(axes, [shapely.union_all(list(drawing.swaths))], _SWATH, 0.38)
        for outline, level in drawing.sources:
            fill_shapes(axes, [outline], _SOURCES[level - 1], 1.0)
        _draw_lines(axes, drawing)
        fill_shapes(axes, drawing.barriers, _BARRIER, 0.9)
        fill_shapes(axes, drawing.pinch_points, _PINCH, 0.95)
        _draw_network_legend(side, lang)

    return draw_sheet(path, NETWORK_TITLE, frame, lang, content)


def _draw_lines(axes: Axes, drawing: NetworkDrawing) -> None:
    for line, is_main in drawing.lines:
        for part in shapely.get_parts(line):
            axes.add_line(_stroke(is_main=is_main, course=np.asarray(part.coords)[:, :2]))


def _stroke(*, is_main: bool, course: FloatArray) -> Line2D:
    return Line2D(
        course[:, 0],
        course[:, 1],
        color=_LINE,
        linewidth=_MAIN_WIDTH if is_main else _BRANCH_WIDTH,
        linestyle="solid" if is_main else "dashed",
    )


def _draw_network_legend(side: Axes, lang: Lang) -> None:
    rows = [LegendRow(Swatch("area", color), label) for label, color in _LEGEND]
    rows += [
        LegendRow(Swatch("line", _LINE, width=_MAIN_WIDTH), _MAIN),
        LegendRow(Swatch("line", _LINE, width=_BRANCH_WIDTH, dashed=True), _BRANCH),
    ]
    add_legend(side, [LegendGroup(LEGEND, rows)], lang)


SCENARIO_TITLE = Label("情景对比：生态网络变化", "Scenario: change of the ecological network")

_KEPT, _GAINED, _LOST = "#14532d", "#4cc38a", "#b98a9e"
_SCENARIO_SWATH, _EDIT = "#2b7bba", "#7b3fa0"
_STROKES: Mapping[str, tuple[str, Literal["solid", "dashed"], float, Label]] = {
    "opened": ("#1b9e77", "solid", 2.4, Label("新增廊道", "Opened")),
    "cheaper": ("#2166ac", "solid", 1.9, Label("阻力降低", "Cheaper")),
    "same": ("#55656f", "solid", 1.0, Label("不变", "Same")),
    "dearer": ("#e08214", "solid", 1.9, Label("阻力升高", "Dearer")),
    "closed": ("#c2185b", "dashed", 2.2, Label("消失或合并", "Closed or merged")),
}
_LIKE = {"split": "opened", "merged": "closed"}
_FILLS = (
    (Label("源地：保持", "Source, kept"), _KEPT),
    (Label("源地：新增", "Source, gained"), _GAINED),
    (Label("源地：失去", "Source, lost"), _LOST),
    (Label("编辑后的廊道范围", "Corridors after"), _SCENARIO_SWATH),
    (Label("编辑", "Edit"), _EDIT),
)


@dataclass(frozen=True, slots=True)
class ScenarioDrawing:
    """What the map shows, in the CRS of the map.

    Attributes:
        resistance: Of the land after the edits, drawn pale below all.
        kept: Sources before and after the edits.
        gained: Sources after them only.
        lost: Sources before them only.
        swaths: Outlines of the corridors after the edits.
        lines: Paths, and what became of each.
        edits: Shapes of the edits.
    """

    resistance: FloatArray
    kept: BaseGeometry
    gained: BaseGeometry
    lost: BaseGeometry
    swaths: Sequence[BaseGeometry]
    lines: Sequence[tuple[BaseGeometry, str]]
    edits: Sequence[BaseGeometry]


def draw_scenario_map(path: Path, drawing: ScenarioDrawing, frame: MapFrame, lang: Lang) -> bool:
    """Draw what changes; False when the language has no font."""

    def content(axes: Axes, side: Axes) -> None:
        draw_ground(axes, drawing.resistance, "resistance", frame)
        fill_shapes(axes, drawing.swaths, _SCENARIO_SWATH, 0.25)
        fill_shapes(axes, [drawing.kept], _KEPT, 1.0)
        fill_shapes(axes, [drawing.gained], _GAINED, 1.0)
        fill_shapes(axes, [drawing.lost], _LOST, 1.0)
        _draw_edits(axes, drawing.edits)
        for change in ("same", "closed", "dearer", "cheaper", "opened"):
            for line, kind in drawing.lines:
                if _LIKE.get(kind, kind) == change:
                    _draw_line(axes, line, change)
        _draw_scenario_legend(side, lang)

    return draw_sheet(path, SCENARIO_TITLE, frame, lang, content)


def _draw_line(axes: Axes, line: BaseGeometry, change: str) -> None:
    for part in get_parts(line):
        x, y = part.coords.xy
        axes.add_line(_scenario_stroke(change, list(x), list(y)))


def _scenario_stroke(change: str, x: Sequence[float] = (), y: Sequence[float] = ()) -> Line2D:
    color, style, width, _ = _STROKES[change]
    return Line2D(list(x), list(y), color=color, linestyle=style, linewidth=width)


def _draw_edits(axes: Axes, edits: Sequence[BaseGeometry]) -> None:
    fill_shapes(axes, [one for one in edits if one.area > 0], _EDIT, 0.2)
    for shape in edits:
        for part in get_parts(shape):
            if part.area == 0 and part.length > 0:
                x, y = part.coords.xy
                axes.add_line(Line2D(list(x), list(y), color=_EDIT, linewidth=3.0, alpha=0.8))
            elif part.area == 0:
                axes.plot(part.x, part.y, marker="D", color=_EDIT, markersize=7)


def _draw_scenario_legend(side: Axes, lang: Lang) -> None:
    rows = [LegendRow(Swatch("area", color), label) for label, color in _FILLS]
    rows += [
        LegendRow(Swatch("line", color, width=width, dashed=style == "dashed"), label)
        for color, style, width, label in _STROKES.values()
    ]
    add_legend(side, [LegendGroup(LEGEND, rows)], lang)


SELECTION_TITLE = Label("修复选址", "Restoration sites")

_GROUND_ALPHA = 0.45
_CHOSEN, _LEFT, _BARRED = "#14663a", "#8aa0ad", "#b3541e"
_KINDS = (
    (Label("入选地块", "Chosen"), _CHOSEN),
    (Label("未入选", "Not chosen"), _LEFT),
    (Label("排除", "Kept out"), _BARRED),
)


@dataclass(frozen=True, slots=True)
class SelectionDrawing:
    """What the map shows, in the CRS of the map.

    Attributes:
        priority: Of the land, drawn pale below all; None where it was not computed.
        chosen: Outlines of the chosen sites.
        left: Of those that could have been chosen.
        barred: Of those that could not.
    """

    priority: FloatArray | None
    chosen: Sequence[BaseGeometry]
    left: Sequence[BaseGeometry]
    barred: Sequence[BaseGeometry]


def draw_selection_map(path: Path, drawing: SelectionDrawing, frame: MapFrame, lang: Lang) -> bool:
    """Draw the sites; False when the language has no font."""

    def content(axes: Axes, side: Axes) -> None:
        if drawing.priority is not None:
            draw_ground(axes, drawing.priority, "priority", frame, alpha=_GROUND_ALPHA)
        for shapes, (_, color), alpha in zip(
            (drawing.left, drawing.barred, drawing.chosen),
            (_KINDS[1], _KINDS[2], _KINDS[0]),
            (0.75, 0.55, 0.95),
            strict=True,
        ):
            fill_shapes(axes, shapes, color, alpha)
        # Sites of a few cells would be lost on a map of a city.
        for shape in drawing.chosen:
            for ring in district_rings(shape):
                axes.plot(ring[:, 0], ring[:, 1], color=_CHOSEN, linewidth=1.6)
        _draw_selection_legend(side, lang)

    return draw_sheet(path, SELECTION_TITLE, frame, lang, content)


def _draw_selection_legend(side: Axes, lang: Lang) -> None:
    rows = [LegendRow(Swatch("area", color), label) for label, color in _KINDS]
    add_legend(side, [LegendGroup(LEGEND, rows)], lang)
