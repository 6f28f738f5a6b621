"""Charts: fronts of costs and gains, paths of indicators, small multiples of an area."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import ClassStyle, RampStyle
from shanhai.reporting import furniture, map_decorations
from shanhai.reporting.maps import MapFrame
from shanhai.science.grid import ClassArray
from shanhai.science.selection.ranking import PerformanceCurves
from shanhai.vocabulary import Label, Lang

DPI = 110
"""More than a screen shows of the page, and 168 pixels an inch on paper."""

_LEVELS = 48
"""Shades of a ramp; with so few, a row of three maps has no more colours than a palette holds."""

_WIDTH_IN = 11.0
_MARGIN_IN, _GAP_IN = 0.08, 0.22
_TITLE_IN, _LEGEND_IN, _FOOT_IN = 0.34, 0.46, 0.42
_CLASS_LINE_IN = 0.19
_TALLEST_IN = 13.0
_TITLE_PT = 9.5
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
    """Classes, the style's in the order of their values; what it does not have is not drawn."""

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
    families = map_decorations.font_families("zh") or map_decorations.font_families("en")
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        figure = _draw_multiples(panels, frame, columns)
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
        if map_decorations.font_families("zh") is None or label.zh == label.en
        else f"{label.zh} {label.en}"
    )


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
        for ring in map_decorations.district_rings(district.geometry):
            axes.plot(ring[:, 0], ring[:, 1], color="#33414b", linewidth=0.5, alpha=0.8)
    title = both(panel.title)
    size = _title_size(title, place[2] * _WIDTH_IN)
    axes.set_title(title, fontsize=size, color=furniture.INK, loc="left", pad=5)


def _title_size(title: str, width_in: float) -> float:
    """Points in which a title is no wider than its panel; Chinese letters are an em wide."""
    ems = sum(1.0 if east_asian_width(letter) in "WF" else 0.6 for letter in title)
    return min(_TITLE_PT, 72 * width_in / ems)


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
    # A style may have some of a legend's classes only: colours go by value, not by number.
    values = [entry.value for entry in entries]
    axes.imshow(
        np.ma.masked_where(~np.isin(panel.codes, values), panel.codes),
        cmap=ListedColormap([entry.color for entry in entries]),
        norm=BoundaryNorm([*values, values[-1] + 1], len(values)),
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
    metres_per_mm = (east - west) / (across * furniture.MM_IN)
    room = across * furniture.MM_IN / 4
    left = (_MARGIN_IN + 0.05) * furniture.MM_IN
    length = furniture.draw_scale_bar(strip, left, 2.5, metres_per_mm=metres_per_mm, room=room)
    furniture.draw_north_arrow(strip, left + length + 18.0, 0.6, 9.4)


TITLE = Label("成本—效益前沿", "Cost against gain")

_DPI = 130
_TEN_THOUSAND = 1e4
_COST = Label("投资（万元）", "Cost, 10 000 yuan")
_GAIN = Label("效益（目标值）", "Gain, in the unit of the goal")
_PLAN = Label("本方案", "This plan")
_LINE, _MARK = "#2b7bba", "#c2185b"

Point = tuple[float, float]
"""Cost in yuan, and gain."""


def draw_front(path: Path, front: Sequence[Point], plan: Point, lang: Lang) -> bool:
    """Draw the points of a front and the plan; False when the language has no font."""
    families = map_decorations.font_families(lang)
    if families is None:
        return False
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        figure = Figure(figsize=(8.0, 4.2), dpi=_DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        costs = [cost / _TEN_THOUSAND for cost, _ in front]
        axes.plot(costs, [gain for _, gain in front], color=_LINE, marker="o", markersize=5)
        axes.plot(
            [plan[0] / _TEN_THOUSAND],
            [plan[1]],
            color=_MARK,
            marker="D",
            markersize=8,
            linestyle="none",
            label=_PLAN.in_(lang),
        )
        axes.set_title(TITLE.in_(lang), color=furniture.INK, fontsize=13)
        axes.set_xlabel(_COST.in_(lang), color=furniture.INK)
        axes.set_ylabel(_GAIN.in_(lang), color=furniture.INK)
        axes.grid(visible=True, color="#e3eaee")
        axes.legend(frameon=False)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
    return True


CURVES_TITLE = Label("保留曲线", "Performance curves")
_LAND_LEFT = Label("保留的土地（%）", "Land that is left, %")
_HELD = Label("保留的指标（%）", "Left of each feature, %")
_WEIGHTED = Label("加权平均", "weighted mean")
_CURVES = ("#1b7f5c", "#c46a1b", "#2f6db3", "#8c4a9e", "#a8323e", "#6b7a1f", "#3b8ea5", "#7a5a3c")


def draw_curves(path: Path, names: Sequence[Label], curves: PerformanceCurves, lang: Lang) -> bool:
    """Draw a line for each feature and their mean; False when the language has no font."""
    families = map_decorations.font_families(lang)
    if families is None:
        return False
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        figure = Figure(figsize=(8.0, 4.6), dpi=_DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        land = 100 * curves.land
        for number, (name, held) in enumerate(zip(names, curves.held, strict=True)):
            # More features than colours are told apart by their strokes.
            repeat, color = divmod(number, len(_CURVES))
            style = ("-", "--", ":")[repeat % 3]
            axes.plot(land, 100 * held, color=_CURVES[color], linestyle=style, label=name.in_(lang))
        mean = _WEIGHTED.in_(lang)
        axes.plot(land, 100 * curves.weighted, color=furniture.INK, linewidth=2.4, label=mean)
        axes.plot((0, 100), (0, 100), color="#c3ccd2", linewidth=0.8)
        # As land is given up, one reads from left to right.
        axes.set_xlim(100, 0)
        axes.set_ylim(0, 102)
        axes.set_title(CURVES_TITLE.in_(lang), color=furniture.INK, fontsize=13)
        axes.set_xlabel(_LAND_LEFT.in_(lang), color=furniture.INK)
        axes.set_ylabel(_HELD.in_(lang), color=furniture.INK)
        axes.grid(visible=True, color="#e3eaee")
        axes.legend(frameon=False, fontsize=8)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
    return True


_SIZE_IN = (6.4, 2.9)
_COMPUTED, _ENTERED, _PATH, _AHEAD = "#1b7f5c", "#5a6a74", "#c46a1b", "#2f6db3"
COMPUTED = Label("计算值", "computed")
ENTERED = Label("填报值", "entered")
PATH = Label("规划路径", "path of the plan")
LINE = Label("Sen 趋势线", "Sen's line")
INTERVAL = Label("预测区间", "interval of the forecast")


def draw_indicator(
    path: Path, one: Mapping[str, Any], way: list[tuple[int, float]], line: list[tuple[int, float]]
) -> None:
    """Draw an indicator of the results as PNG; texts are in both languages as fonts allow.

    Args:
        path: The file.
        one: The indicator as the results tell it.
        way: Years and values of the path to the target.
        line: Years and values of the ends of Sen's line.
    """
    families = map_decorations.font_families("zh") or map_decorations.font_families("en")
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        figure = Figure(figsize=_SIZE_IN, dpi=DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        _draw_path(axes, one, way, line)
        title = both(Label(one["name_zh"], one["name_en"]))
        axes.set_title(title, fontsize=9, color=furniture.INK, loc="left")
        axes.set_ylabel(one["unit"], fontsize=8)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e3e8ec", linewidth=0.6)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=7, frameon=False, loc="best")
        figure.savefig(path, format="png")


def _draw_path(
    axes: Axes, one: Mapping[str, Any], way: list[tuple[int, float]], line: list[tuple[int, float]]
) -> None:
    if way:
        axes.plot(*zip(*way, strict=True), color=_PATH, linestyle="--", label=both(PATH))
    if line:
        axes.plot(*zip(*line, strict=True), color=_AHEAD, linewidth=1, label=both(LINE))
    ahead = one["forecast"]
    if ahead is not None:
        axes.errorbar(
            [ahead["year"]],
            [ahead["value"]],
            yerr=[[ahead["value"] - ahead["low"]], [ahead["high"] - ahead["value"]]],
            color=_AHEAD,
            capsize=4,
            marker="o",
            markersize=4,
            label=both(INTERVAL),
        )
    entered = [(each["year"], each["value"]) for each in one["entered"]]
    computed = [(each["year"], each["value"]) for each in one["computed"]]
    for points, color, marker, label in (
        (entered, _ENTERED, "s", ENTERED),
        (computed, _COMPUTED, "o", COMPUTED),
    ):
        if points:
            axes.plot(
                *zip(*points, strict=True),
                color=color,
                marker=marker,
                markersize=5,
                linestyle="none",
                label=both(label),
            )
