"""What lies over a map: outlines and names of districts; the fonts of maps."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from shapely import Polygon, get_parts
from shapely.geometry.base import BaseGeometry

from shanhai.reporting.furniture import write_over
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


def lettering(families: list[str] | None) -> AbstractContextManager[None]:
    """Letters of these families as their fonts have them while something is drawn.

    Fitted to the pixels they take half as long again, and small ones stand unevenly.
    """
    return rc_context(
        {"font.family": families, "axes.unicode_minus": False, "text.hinting": "none"}
    )


def both(label: Label) -> str:
    """A label in both languages as far as the fonts go."""
    return (
        label.en
        if font_families("zh") is None or label.zh == label.en
        else f"{label.zh} {label.en}"
    )


def drawing_software() -> dict[str, str | None]:
    """What pictures depend on besides what they show: the libraries, and the Chinese font."""
    return {"matplotlib": version("matplotlib"), "pillow": version("pillow"), "font": cjk_family()}


def missing_font_warning() -> ResultFlag:
    """What to say where the Chinese map had to be left out."""
    text = Label(
        f"未安装中文字体，未绘制中文地图；请安装 {CJK_PACKAGE}",
        "no font with Chinese glyphs is installed, so the Chinese maps were not drawn; "
        f"install the package {CJK_PACKAGE}",
    )
    return ResultFlag("missing_font", text)


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
        write_over(axes, point.x, point.y, district.name.in_(lang), 9.5, zorder=4)


def district_rings(geometry: BaseGeometry) -> Iterator[FloatArray]:
    """Outer and inner rings of an outline, each as rows of x, y."""
    for part in get_parts(geometry):
        if isinstance(part, Polygon):
            yield _coordinates(part.exterior)
            yield from (_coordinates(ring) for ring in part.interiors)


def _coordinates(ring: Any) -> FloatArray:
    return np.asarray(ring.coords, dtype=np.float64)[:, :2]
