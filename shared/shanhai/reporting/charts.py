"""Charts: fronts of costs and gains, curves of what is kept, paths of indicators."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from shanhai.reporting import furniture, map_decorations
from shanhai.science.selection.ranking import PerformanceCurves
from shanhai.science.units import unit_label
from shanhai.vocabulary import Label, Lang

DPI = 110
"""More than a screen shows of the page, and 168 pixels an inch on paper."""

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
    with map_decorations.lettering(families):
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
    with map_decorations.lettering(families):
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
    with map_decorations.lettering(families):
        figure = Figure(figsize=_SIZE_IN, dpi=DPI, facecolor="white", layout="constrained")
        axes = figure.add_subplot()
        _draw_path(axes, one, way, line)
        title = map_decorations.both(Label(one["name_zh"], one["name_en"]))
        axes.set_title(title, fontsize=9, color=furniture.INK, loc="left")
        axes.set_ylabel(map_decorations.both(unit_label(one["unit"])), fontsize=8)
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
        axes.plot(
            *zip(*way, strict=True), color=_PATH, linestyle="--", label=map_decorations.both(PATH)
        )
    if line:
        axes.plot(
            *zip(*line, strict=True), color=_AHEAD, linewidth=1, label=map_decorations.both(LINE)
        )
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
            label=map_decorations.both(INTERVAL),
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
                label=map_decorations.both(label),
            )
