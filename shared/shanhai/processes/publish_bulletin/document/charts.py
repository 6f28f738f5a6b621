"""Charts of a bulletin: the course of properties, and counts by status; one language each."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from shanhai.processes.publish_bulletin.document.sections import STATUS_COLORS
from shanhai.reporting.fonts import font_families
from shanhai.reporting.map_decorations import INK
from shanhai.vocabulary import Lang

DPI = 160
_WIDTH_IN, _ROW_IN, _BAR_IN = 7.0, 1.9, 0.72
_TICKS = 6
_LINE = "#1f6f8b"
_STATES = ("#2f6f9f", "#4f9bc4", "#7fbf9a", "#b9d48b", "#e9cf6b", "#e39a4b", "#c9653f", "#8f99a1")
Told = Mapping[str, Any]


def draw_series(path: Path, series: Sequence[Told], lang: Lang) -> bool:
    """The course of each property in a panel of its own, two beside each other.

    Args:
        path: Of the PNG.
        series: Each with `title`, `unit`, and `points` of days and values.
        lang: Language of its texts.

    Returns:
        False where no font can write the language.
    """
    families = font_families(lang)
    if families is None:
        return False
    rows = -(-len(series) // 2)
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        size = (_WIDTH_IN, _ROW_IN * rows)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        panels = figure.subplots(rows, 2, squeeze=False)
        for place, axes in enumerate(panels.flat):
            if place < len(series):
                _draw_course(axes, series[place])
            else:
                axes.set_axis_off()
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", metadata={"Software": None})
    return True


def _draw_course(axes: Axes, one: Told) -> None:
    days = [date.fromisoformat(day).toordinal() for day, _ in one["points"]]
    values = [value for _, value in one["points"]]
    few = len(days) <= 31
    axes.plot(days, values, color=_LINE, linewidth=1.5, marker="o" if few else None, markersize=3.5)
    axes.set_title(one["title"], fontsize=8.5, color=INK, loc="left")
    step = max(1, -(-len(days) // _TICKS))
    shown = days[::step]
    form = "%Y-%m" if one["every"] == "month" else "%m-%d"
    axes.set_xticks(shown, [f"{date.fromordinal(day):{form}}" for day in shown])
    axes.set_ylabel(one["unit"], fontsize=8)
    axes.tick_params(labelsize=7.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e3e8ec", linewidth=0.6)
    axes.margins(y=0.15)


def draw_counts(path: Path, members: Sequence[Told], lang: Lang) -> bool:
    """A bar of counts.

    Args:
        path: Of the PNG.
        members: What is counted, with `code`, `name` and `count`.
        lang: Language of its texts.

    Returns:
        False where no font can write the language.
    """
    families = font_families(lang)
    if families is None:
        return False
    with rc_context({"font.family": families, "axes.unicode_minus": False}):
        size = (_WIDTH_IN, _BAR_IN)
        figure = Figure(figsize=size, dpi=DPI, facecolor="white", layout="constrained")
        _draw_bar(figure.add_subplot(), members)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", metadata={"Software": None})
    return True


def _draw_bar(axes: Axes, members: Sequence[Told]) -> None:
    left = 0
    total = sum(one["count"] for one in members)
    for place, one in enumerate(members):
        color = STATUS_COLORS.get(one["code"], _STATES[place % len(_STATES)])
        label = f"{one['name']} {one['count']}"
        axes.barh(0, one["count"], left=left, color=color, height=0.62, label=label)
        left += one["count"]
    axes.set_xlim(0, total)
    axes.set_yticks([])
    axes.set_xticks([])
    axes.spines[:].set_visible(False)
    columns = max(1, min(len(members), 6))
    axes.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=columns,
        fontsize=8.5,
        frameon=False,
        handlelength=1.0,
        handleheight=1.0,
        columnspacing=1.4,
    )
