"""The map of a selection: candidate and chosen sites on the priority of the land."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.patches import Patch
from shapely.geometry.base import BaseGeometry

from shanhai.reporting.furniture import district_rings
from shanhai.reporting.ground import draw_ground, fill_shapes
from shanhai.reporting.maps import MapFrame, draw_sheet
from shanhai.science.arrays import FloatArray
from shanhai.vocabulary import Label, Lang

TITLE = Label("修复选址", "Restoration sites")

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
        _draw_legend(side, lang)

    return draw_sheet(path, TITLE, frame, lang, content)


def _draw_legend(side: Axes, lang: Lang) -> None:
    handles = [Patch(facecolor=color, edgecolor="#5a6a74", linewidth=0.5) for _, color in _KINDS]
    side.legend(
        handles,
        [label.in_(lang) for label, _ in _KINDS],
        loc="upper left",
        frameon=False,
        fontsize=10,
        labelspacing=1.0,
        handlelength=2.2,
    )
