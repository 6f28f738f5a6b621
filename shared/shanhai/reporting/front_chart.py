"""The chart of cost against gain: what each budget buys at best, and the plan that was chosen."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from shanhai.reporting.fonts import font_families
from shanhai.reporting.furniture import INK
from shanhai.vocabulary import Label, Lang

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
    families = font_families(lang)
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
        axes.set_title(TITLE.in_(lang), color=INK, fontsize=13)
        axes.set_xlabel(_COST.in_(lang), color=INK)
        axes.set_ylabel(_GAIN.in_(lang), color=INK)
        axes.grid(visible=True, color="#e3eaee")
        axes.legend(frameon=False)
        FigureCanvasAgg(figure)
        figure.savefig(path, format="png", dpi=_DPI, metadata={"Software": None})
    return True
