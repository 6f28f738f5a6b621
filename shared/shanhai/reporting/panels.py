"""Small multiples: maps of one area side by side, each with its scale of colours.

All of a picture is drawn on one pair of axes in inches of paper. Axes of its own for each map and
each scale took matplotlib longer than all that is drawn on them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import ClassStyle, RampStyle
from shanhai.reporting import furniture, map_decorations
from shanhai.reporting.maps import MapFrame, class_colours, ramp_colours, render, show_cells
from shanhai.science.grid import ClassArray, FloatArray
from shanhai.vocabulary import Label

DPI = 110
"""More than a screen shows of the page, and 168 pixels an inch on paper."""

_LEVELS = 48
"""Shades of a ramp; with so few, a row of three maps has no more colours than a palette holds."""

_WIDTH_IN = 11.0
_MARGIN_IN, _GAP_IN = 0.08, 0.22
_TITLE_IN, _LEGEND_IN, _FOOT_IN = 0.34, 0.46, 0.42
_TITLE_ABOVE_IN = 5 / 72
_BAR_BELOW_IN, _BAR_IN, _POINTED = 0.07, 0.1, 0.05
"""How far below its map a scale begins and how high it is; the part of it that each point takes."""
_TICK_IN, _TICK_PT = 2 / 72, 7.5
_CLASS_LINE_IN, _CLASS_BELOW_IN = 0.19, 0.1
_SWATCH_IN = (0.146, 0.073)
_TALLEST_IN = 13.0
_TITLE_PT = 9.5
_LINE_PT = 0.8
_FRAME, _OUTLINE = "#9fb0bb", "#33414b"
_ABOVE_LINES = 2.5


@dataclass(frozen=True, slots=True)
class RampPanel:
    """A quantity between two limits; `beyond` says that there are values outside them."""

    title: Label
    values: NDArray[np.float32]
    style: RampStyle
    low: float
    high: float
    beyond: bool = True


@dataclass(frozen=True, slots=True)
class ClassPanel:
    """Classes, the style's in the order of their values; what it does not have is not drawn."""

    title: Label
    codes: ClassArray
    style: ClassStyle


Panel = RampPanel | ClassPanel


@dataclass(frozen=True, slots=True)
class PaperRectangle:
    """A rectangle of paper, inches from the lower left corner of the picture."""

    left: float
    foot: float
    width: float
    height: float

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """Left, right, foot, top."""
        return (self.left, self.left + self.width, self.foot, self.foot + self.height)

    def patch(self, **look: Any) -> Rectangle:
        """The rectangle as something to draw."""
        return Rectangle((self.left, self.foot), self.width, self.height, **look)

    def fitting(self, ratio: float) -> "PaperRectangle":
        """The largest place in its middle whose width is `ratio` times its height."""
        width = min(self.width, self.height * ratio)
        height = width / ratio
        return PaperRectangle(
            self.left + (self.width - width) / 2,
            self.foot + (self.height - height) / 2,
            width,
            height,
        )


def draw_panels(path: Path, panels: Sequence[Panel], frame: MapFrame, columns: int = 3) -> None:
    """Draw the panels row by row, north up, with one scale bar and north arrow for all.

    Texts are in both languages, or in English alone where no font writes Chinese.
    """
    families = map_decorations.font_families("zh") or map_decorations.font_families("en")
    with map_decorations.lettering(families):
        picture = render(_draw_multiples(panels, frame, columns))
    # With a palette the pictures of a city take a quarter of the room. Faster ways to choose one
    # than the median cut leave steps in a ramp, and no paper that is white.
    picture.quantize(256, dither=Image.Dither.NONE).save(path, "PNG")


def _draw_multiples(panels: Sequence[Panel], frame: MapFrame, columns: int) -> Figure:
    rows = -(-len(panels) // columns)
    west, south, east, north = frame.bounds
    width = (_WIDTH_IN - 2 * _MARGIN_IN - (columns - 1) * _GAP_IN) / columns
    legend = max(_legend_height(panel) for panel in panels)
    frill = _TITLE_IN + legend
    # A long region must not make a picture longer than a page: its maps become narrower.
    tall = min(width * (north - south) / (east - west), (_TALLEST_IN - _FOOT_IN) / rows - frill)
    total = rows * (tall + frill) + _FOOT_IN
    figure = Figure(figsize=(_WIDTH_IN, total), dpi=DPI, facecolor="white")
    sheet = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    sheet.set_axis_off()
    sheet.set_xlim(0, _WIDTH_IN)
    sheet.set_ylim(0, total)
    sheet.set_autoscale_on(False)
    outlines = _outlines(frame)
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left = _MARGIN_IN + column * (width + _GAP_IN)
        foot = total - (row + 1) * (tall + frill) + legend
        _draw_panel(sheet, PaperRectangle(left, foot, width, tall), panel, frame, outlines)
    _draw_foot(sheet, frame, width, tall)
    return figure


def _legend_height(panel: Panel) -> float:
    if isinstance(panel, RampPanel):
        return _LEGEND_IN
    return 0.12 + _CLASS_LINE_IN * len(panel.style.entries)


def _outlines(frame: MapFrame) -> FloatArray:
    """All rings of the districts as one line with gaps, in parts of the frame's sides."""
    west, south, east, north = frame.bounds
    gap = np.full((1, 2), np.nan)
    lines = [
        part
        for district in frame.districts
        for ring in map_decorations.district_rings(district.geometry)
        for part in (ring, gap)
    ]
    joined = np.concatenate([*lines, gap])
    return (joined - (west, south)) / (east - west, north - south)


def _draw_panel(
    sheet: Axes, place: PaperRectangle, panel: Panel, frame: MapFrame, outlines: FloatArray
) -> None:
    west, south, east, north = frame.bounds
    shown = place.fitting((east - west) / (north - south))
    if isinstance(panel, RampPanel):
        _show_ramp(sheet, place, shown, panel)
    else:
        _show_classes(sheet, place, shown, panel)
    x, y = (outlines * (shown.width, shown.height) + (shown.left, shown.foot)).T
    borders = Line2D(x, y, color=_OUTLINE, linewidth=0.5, alpha=0.8)
    edge = shown.patch(
        facecolor="none", edgecolor=_FRAME, linewidth=_LINE_PT, zorder=_ABOVE_LINES, clip_on=False
    )
    sheet.add_artist(borders)
    sheet.add_artist(edge)
    borders.set_clip_path(edge)
    title = map_decorations.both(panel.title)
    sheet.text(
        shown.left,
        shown.foot + shown.height + _TITLE_ABOVE_IN,
        title,
        fontsize=_title_size(title, place.width),
        color=furniture.INK,
    )


def _title_size(title: str, width_in: float) -> float:
    """Points in which a title is no wider than its panel; Chinese letters are an em wide."""
    ems = sum(1.0 if east_asian_width(letter) in "WF" else 0.6 for letter in title)
    return min(_TITLE_PT, 72 * width_in / ems)


def _show_ramp(sheet: Axes, place: PaperRectangle, shown: PaperRectangle, panel: RampPanel) -> None:
    colors = LinearSegmentedColormap.from_list("ramp", panel.style.colors, N=_LEVELS)
    high = panel.high if panel.high > panel.low else panel.low + 1.0
    show_cells(sheet, shown.extent, ramp_colours(panel.values, colors, panel.low, high))
    pointed = _POINTED * place.width if panel.beyond else 0.0
    bar = PaperRectangle(
        place.left + pointed,
        place.foot - _BAR_BELOW_IN - _BAR_IN,
        place.width - 2 * pointed,
        _BAR_IN,
    )
    show_cells(sheet, bar.extent, colors(np.arange(_LEVELS), bytes=True)[np.newaxis])
    left, right, foot, top = bar.extent
    middle = (foot + top) / 2
    if panel.beyond:
        for end, point, level in ((left, left - pointed, 0), (right, right + pointed, _LEVELS - 1)):
            corners = [(end, foot), (point, middle), (end, top)]
            sheet.add_artist(Polygon(corners, facecolor=colors(level), linewidth=0))
    around = [
        *((left, foot), (left - pointed, middle), (left, top)),
        *((right, top), (right + pointed, middle), (right, foot)),
    ]
    line: dict[str, Any] = {"linewidth": _LINE_PT, "zorder": _ABOVE_LINES}
    sheet.add_artist(Polygon(around, facecolor="none", edgecolor=_FRAME, **line))
    for share in np.linspace(0, 1, 5):
        at = left + share * bar.width
        sheet.add_artist(Line2D([at, at], [foot - _TICK_IN, foot], color=_FRAME, **line))
        told = f"{panel.low + share * (high - panel.low):.3g}"
        below = foot - _TICK_IN - 1.5 / 72
        sheet.text(at, below, told, fontsize=_TICK_PT, ha="center", va="top")


def _show_classes(
    sheet: Axes, place: PaperRectangle, shown: PaperRectangle, panel: ClassPanel
) -> None:
    entries = panel.style.entries
    show_cells(sheet, shown.extent, class_colours(panel.codes, panel.style))
    wide, high = _SWATCH_IN
    for number, entry in enumerate(entries):
        middle = place.foot - _CLASS_BELOW_IN - number * _CLASS_LINE_IN
        swatch = PaperRectangle(place.left, middle - high / 2, wide, high)
        sheet.add_artist(swatch.patch(facecolor=entry.color, edgecolor="#5a6a74", linewidth=0.5))
        sheet.text(
            place.left + wide + 0.08,
            middle,
            map_decorations.both(entry.label),
            fontsize=_TICK_PT,
            va="center_baseline",
        )


def _draw_foot(sheet: Axes, frame: MapFrame, width_in: float, tall_in: float) -> None:
    """Scale bar and north arrow in a strip at the foot of the picture."""
    west, south, east, north = frame.bounds
    across = min(width_in, tall_in * (east - west) / (north - south))
    metres_per_mm = (east - west) / (across * furniture.MM_IN)
    room = across * furniture.MM_IN / 4
    left = (_MARGIN_IN + 0.05) * furniture.MM_IN
    length = furniture.draw_scale_bar(sheet, left, 2.5, metres_per_mm=metres_per_mm, room=room)
    furniture.draw_north_arrow(sheet, left + length + 18.0, 0.6, 9.4)
