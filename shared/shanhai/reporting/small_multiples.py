"""Small multiples: several layers of one area side by side, each with its own legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import ClassStyle, RampStyle
from shanhai.reporting.fonts import font_families
from shanhai.reporting.map_decorations import INK, district_rings, draw_compass, nice_length
from shanhai.reporting.maps import MapFrame
from shanhai.science.arrays import ClassArray
from shanhai.vocabulary import Label

DPI = 110
"""More than a screen shows of the page, and 168 pixels an inch on paper."""

_LEVELS = 48
"""Shades of a ramp; with so few, a row of three maps has no more colours than a palette holds."""

_WIDTH_IN = 11.0
_MARGIN_IN, _GAP_IN = 0.08, 0.22
_TITLE_IN, _LEGEND_IN, _FOOT_IN = 0.34, 0.46, 0.42
_CLASS_LINE_IN = 0.19
_TALLEST_IN = 13.0
_GROUND, _FRAME = "#eef3f6", "#9fb0bb"


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
    """Classes; 0 is not drawn."""

    title: Label
    codes: ClassArray
    style: ClassStyle


Panel = RampPanel | ClassPanel
Place = tuple[float, float, float, float]
"""Left, foot, width and height in parts of the picture."""


def draw_panels(path: Path, panels: Sequence[Panel], frame: MapFrame, columns: int = 3) -> None:
    """Draw the panels row by row, north up, with one scale bar and north arrow for all.

    Texts are in both languages, or in English alone where no font writes Chinese.
    """
    families = font_families("zh") or font_families("en")
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        figure = _draw(panels, frame, columns)
        size = FigureCanvasAgg(figure).get_width_height()
        held = BytesIO()
        figure.savefig(held, format="rgba", dpi=DPI)
    picture = Image.frombytes("RGBA", size, held.getvalue()).convert("RGB")
    # With a palette the pictures of a city take a quarter of the room.
    picture.quantize(256, dither=Image.Dither.NONE).save(path, "PNG")


def both(label: Label) -> str:
    """A label in both languages as far as the fonts go."""
    return (
        label.en
        if font_families("zh") is None or label.zh == label.en
        else f"{label.zh} {label.en}"
    )


def _draw(panels: Sequence[Panel], frame: MapFrame, columns: int) -> Figure:
    rows = -(-len(panels) // columns)
    west, south, east, north = frame.bounds
    width = (_WIDTH_IN - 2 * _MARGIN_IN - (columns - 1) * _GAP_IN) / columns
    legend = max(_legend_height(panel) for panel in panels)
    frill = _TITLE_IN + legend
    # A long region must not make a picture longer than a page: its maps become narrower.
    tall = min(width * (north - south) / (east - west), (_TALLEST_IN - _FOOT_IN) / rows - frill)
    total = rows * (tall + frill) + _FOOT_IN
    figure = Figure(figsize=(_WIDTH_IN, total), dpi=DPI, facecolor="white")
    for number, panel in enumerate(panels):
        row, column = divmod(number, columns)
        left = _MARGIN_IN + column * (width + _GAP_IN)
        foot = total - (row + 1) * (tall + frill) + legend
        place = (left / _WIDTH_IN, foot / total, width / _WIDTH_IN, tall / total)
        _draw_panel(figure, place, panel, frame)
    _draw_foot(figure, frame, width, tall)
    return figure


def _legend_height(panel: Panel) -> float:
    if isinstance(panel, RampPanel):
        return _LEGEND_IN
    return 0.12 + _CLASS_LINE_IN * len(panel.style.entries)


def _draw_panel(figure: Figure, place: Place, panel: Panel, frame: MapFrame) -> None:
    axes = figure.add_axes(place, facecolor=_GROUND)
    west, south, east, north = frame.bounds
    axes.set_xlim(west, east)
    axes.set_ylim(south, north)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_color(_FRAME)
    if isinstance(panel, RampPanel):
        _show_ramp(figure, axes, place, panel, frame)
    else:
        _show_classes(axes, panel, frame)
    for district in frame.districts:
        for ring in district_rings(district.geometry):
            axes.plot(ring[:, 0], ring[:, 1], color="#33414b", linewidth=0.5, alpha=0.8)
    axes.set_title(both(panel.title), fontsize=9.5, color=INK, loc="left", pad=5)


def _extent(frame: MapFrame) -> tuple[float, float, float, float]:
    west, south, east, north = frame.bounds
    return (west, east, south, north)


def _show_ramp(figure: Figure, axes: Axes, place: Place, panel: RampPanel, frame: MapFrame) -> None:
    colors = LinearSegmentedColormap.from_list("ramp", panel.style.colors, N=_LEVELS)
    high = panel.high if panel.high > panel.low else panel.low + 1.0
    norm = Normalize(panel.low, high)
    axes.imshow(
        panel.values, cmap=colors, norm=norm, extent=_extent(frame), interpolation="nearest"
    )
    _, height_in = figure.get_size_inches()
    bar_axes = figure.add_axes((place[0], place[1] - 0.17 / height_in, place[2], 0.1 / height_in))
    bar = figure.colorbar(
        ScalarMappable(norm, colors),
        cax=bar_axes,
        orientation="horizontal",
        extend="both" if panel.beyond else "neither",
        ticks=np.linspace(panel.low, high, 5),
        format=lambda value, _: f"{value:.3g}",
    )
    bar.outline.set_edgecolor(_FRAME)
    bar.ax.tick_params(labelsize=7.5, color=_FRAME, length=2, pad=1.5)


def _show_classes(axes: Axes, panel: ClassPanel, frame: MapFrame) -> None:
    entries = panel.style.entries
    axes.imshow(
        np.ma.masked_equal(panel.codes, 0),
        cmap=ListedColormap([entry.color for entry in entries]),
        norm=Normalize(entries[0].value, entries[-1].value),
        extent=_extent(frame),
        interpolation="nearest",
    )
    axes.legend(
        [Patch(facecolor=entry.color, edgecolor="#5a6a74", linewidth=0.5) for entry in entries],
        [both(entry.label) for entry in entries],
        loc="upper left",
        bbox_to_anchor=(-0.02, -0.005),
        frameon=False,
        fontsize=7.5,
        labelspacing=0.35,
        handlelength=1.4,
        borderaxespad=0.2,
    )


def _draw_foot(figure: Figure, frame: MapFrame, width_in: float, tall_in: float) -> None:
    """Scale bar and north arrow in a strip at the foot of the picture."""
    west, south, east, north = frame.bounds
    _, total = figure.get_size_inches()
    strip = figure.add_axes((0.0, 0.0, 1.0, _FOOT_IN / total))
    strip.set_axis_off()
    strip.set_xlim(0, _WIDTH_IN)
    strip.set_ylim(0, _FOOT_IN)
    across = min(width_in, tall_in * (east - west) / (north - south))
    length = nice_length(east - west)
    draw_compass(strip, length, across * length / (east - west), _MARGIN_IN)
