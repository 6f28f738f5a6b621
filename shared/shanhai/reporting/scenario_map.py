"""The map of a scenario: what of the network is gained, lost and kept, and where land is edited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from shapely import get_parts
from shapely.geometry.base import BaseGeometry

from shanhai.reporting.ground import draw_ground, fill_shapes
from shanhai.reporting.maps import MapFrame, draw_sheet
from shanhai.science.arrays import FloatArray
from shanhai.vocabulary import Label, Lang

TITLE = Label("情景对比：生态网络变化", "Scenario: change of the ecological network")

_KEPT, _GAINED, _LOST = "#14532d", "#4cc38a", "#b98a9e"
_SWATH, _EDIT = "#2b7bba", "#7b3fa0"
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
    (Label("编辑后的廊道范围", "Corridors after"), _SWATH),
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
        fill_shapes(axes, drawing.swaths, _SWATH, 0.25)
        fill_shapes(axes, [drawing.kept], _KEPT, 1.0)
        fill_shapes(axes, [drawing.gained], _GAINED, 1.0)
        fill_shapes(axes, [drawing.lost], _LOST, 1.0)
        _draw_edits(axes, drawing.edits)
        for change in ("same", "closed", "dearer", "cheaper", "opened"):
            for line, kind in drawing.lines:
                if _LIKE.get(kind, kind) == change:
                    _draw_line(axes, line, change)
        _draw_legend(side, lang)

    return draw_sheet(path, TITLE, frame, lang, content)


def _draw_line(axes: Axes, line: BaseGeometry, change: str) -> None:
    for part in get_parts(line):
        x, y = part.coords.xy
        axes.add_line(_stroke(change, list(x), list(y)))


def _stroke(change: str, x: Sequence[float] = (), y: Sequence[float] = ()) -> Line2D:
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


def _draw_legend(side: Axes, lang: Lang) -> None:
    handles: list[Patch | Line2D] = [
        Patch(facecolor=color, edgecolor="#5a6a74", linewidth=0.5) for _, color in _FILLS
    ]
    handles += [_stroke(change) for change in _STROKES]
    labels = [label.in_(lang) for label, _ in _FILLS]
    labels += [label.in_(lang) for *_, label in _STROKES.values()]
    side.legend(
        handles,
        labels,
        loc="upper left",
        frameon=False,
        fontsize=10,
        labelspacing=1.0,
        handlelength=2.2,
    )
