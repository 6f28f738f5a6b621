"""The map of an ecological network: sources, corridors, pinch points and barriers on the land."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from shapely.geometry.base import BaseGeometry

from shanhai.reporting.ground import draw_ground, fill_shapes
from shanhai.reporting.maps import MapFrame, draw_sheet
from shanhai.science.arrays import FloatArray
from shanhai.vocabulary import Label, Lang

TITLE = Label("生态网络", "Ecological network")

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
        _draw_legend(side, lang)

    return draw_sheet(path, TITLE, frame, lang, content)


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


def _draw_legend(side: Axes, lang: Lang) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor=color, edgecolor="#5a6a74", linewidth=0.5) for _, color in _LEGEND
    ]
    nowhere = np.empty((0, 2))
    handles += [_stroke(is_main=is_main, course=nowhere) for is_main in (True, False)]
    labels = [label.in_(lang) for label in (*(label for label, _ in _LEGEND), _MAIN, _BRANCH)]
    side.legend(
        handles,
        labels,
        loc="upper left",
        frameon=False,
        fontsize=10,
        labelspacing=1.0,
        handlelength=2.2,
    )
