"""What surrounds a map: its fonts, scale bar, north arrow, outlines and names of districts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from matplotlib import font_manager, patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Polygon as Patch
from shapely import Polygon, get_parts
from shapely.geometry.base import BaseGeometry

from shanhai.science.flags import ResultFlag
from shanhai.science.grid import FloatArray
from shanhai.vocabulary import Label, Lang

CJK_PACKAGE = "fonts-droid-fallback"
"""The Debian package that provides the first of the families below."""

_CJK_FAMILIES = (
    "Droid Sans Fallback",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
)
_LATIN_FAMILY = "DejaVu Sans"


@lru_cache(maxsize=1)
def cjk_family() -> str | None:
    """An installed family with Chinese glyphs; None when there is none."""
    installed = {entry.name for entry in font_manager.fontManager.ttflist}
    return next((family for family in _CJK_FAMILIES if family in installed), None)


def font_families(lang: Lang) -> list[str] | None:
    """Families in the order glyphs are looked up; None when `lang` cannot be written here.

    The Latin family comes with matplotlib. District names may be Chinese on an English map too.
    """
    chinese = cjk_family()
    if lang == "zh" and chinese is None:
        return None
    return [_LATIN_FAMILY] if chinese is None else [_LATIN_FAMILY, chinese]


def missing_font_warning() -> ResultFlag:
    """What to say where the Chinese map had to be left out."""
    text = Label(
        f"未安装中文字体，未绘制中文地图；请安装 {CJK_PACKAGE}",
        "no font with Chinese glyphs is installed, so the Chinese maps were not drawn; "
        f"install the package {CJK_PACKAGE}",
    )
    return ResultFlag("missing_font", text)


INK = "#22303a"
_LEFT, _BAR_FOOT, _BAR_HEIGHT = 0.04, 0.01, 0.009
"""Where the scale bar stands in the panel, in parts of it."""

_HALO = [patheffects.withStroke(linewidth=2.6, foreground="white", alpha=0.9)]


@dataclass(frozen=True, slots=True)
class DistrictOutline:
    """An outline in the CRS of the map, and its name."""

    name: Label
    geometry: BaseGeometry


def draw_districts(axes: Axes, districts: Sequence[DistrictOutline], lang: Lang) -> None:
    """Outlines, and each name at a point inside its largest part."""
    for district in districts:
        for ring in district_rings(district.geometry):
            axes.plot(ring[:, 0], ring[:, 1], color="#33414b", linewidth=0.8, alpha=0.85)
    for district in districts:
        largest = max(get_parts(district.geometry), key=lambda part: part.area)
        point = largest.representative_point()
        axes.text(
            point.x,
            point.y,
            district.name.in_(lang),
            ha="center",
            va="center",
            fontsize=9.5,
            color=INK,
            path_effects=_HALO,
        )


def district_rings(geometry: BaseGeometry) -> Iterator[FloatArray]:
    """Outer and inner rings of an outline, each as rows of x, y."""
    for part in get_parts(geometry):
        if isinstance(part, Polygon):
            yield _coordinates(part.exterior)
            yield from (_coordinates(ring) for ring in part.interiors)


def _coordinates(ring: Any) -> FloatArray:
    return np.asarray(ring.coords, dtype=np.float64)[:, :2]


def nice_length(width_m: float) -> float:
    """A round length of about a quarter of `width_m`: 1, 2 or 5 times a power of ten."""
    goal = width_m / 4
    power = 10.0 ** math.floor(math.log10(goal))
    return max(step * power for step in (1, 2, 5) if step * power <= goal)


def draw_scale_bar(side: Axes, width_m: float, map_share: float) -> None:
    """A bar of two halves at the foot of the panel beside the map, labelled in m or km.

    Args:
        side: The panel, drawn in axes fractions.
        width_m: Width of the map, m.
        map_share: Width of the map over the width of the panel.
    """
    length = nice_length(width_m)
    span = length / width_m * map_share
    for half, color in enumerate((INK, "white")):
        corners = _rectangle(_LEFT + half * span / 2, _BAR_FOOT, span / 2, _BAR_HEIGHT)
        side.add_patch(
            Patch(
                corners,
                closed=True,
                facecolor=color,
                edgecolor=INK,
                linewidth=0.8,
                transform=side.transAxes,
            )
        )
    unit, factor = ("km", 1000.0) if length >= 1000 else ("m", 1.0)
    for share in (0.0, 0.5, 1.0):
        side.text(
            _LEFT + share * span,
            _BAR_FOOT + 1.8 * _BAR_HEIGHT,
            f"{length * share / factor:g}" + (f" {unit}" if share == 1 else ""),
            transform=side.transAxes,
            fontsize=8,
            ha="center",
            va="bottom",
            color=INK,
        )


def _rectangle(left: float, foot: float, width: float, height: float) -> FloatArray:
    right, top = left + width, foot + height
    return np.array([(left, foot), (right, foot), (right, top), (left, top)])


def draw_north_arrow(side: Axes) -> None:
    """An arrow to grid north above the scale bar."""
    side.annotate(
        "N",
        xy=(_LEFT + 0.03, 0.195),
        xytext=(_LEFT + 0.03, 0.105),
        xycoords="axes fraction",
        ha="center",
        va="center",
        fontsize=13,
        color=INK,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.6},
    )


def draw_compass(strip: Axes, length_m: float, length_in: float, left_in: float) -> None:
    """A scale bar and beside it a north arrow, in a strip whose units are inches.

    Args:
        strip: The strip below the maps.
        length_m: What the bar stands for, m.
        length_in: How long it is drawn.
        left_in: Where it begins.
    """
    foot, height = 0.1, 0.06
    for half, color in enumerate((INK, "white")):
        corners = _rectangle(left_in + half * length_in / 2, foot, length_in / 2, height)
        strip.add_patch(Patch(corners, closed=True, facecolor=color, edgecolor=INK, linewidth=0.7))
    unit, factor = ("km", 1000.0) if length_m >= 1000 else ("m", 1.0)
    right = left_in + length_in
    label = f"{length_m / factor:g} {unit}"
    strip.text(right + 0.08, foot, label, fontsize=8.5, va="bottom", color=INK)
    north = right + 0.85
    strip.annotate(
        "",
        xy=(north, 0.34),
        xytext=(north, 0.06),
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.3},
    )
    strip.text(north + 0.09, 0.2, "N", fontsize=9.5, va="center", color=INK)
