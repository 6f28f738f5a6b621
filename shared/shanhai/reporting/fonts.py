"""Fonts that can write the language of a map."""

from functools import lru_cache

from matplotlib import font_manager

from shanhai.science.flags import ResultFlag
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
