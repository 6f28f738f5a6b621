"""The pages of the settings and of the themes."""

from collections.abc import Mapping
from itertools import groupby

from shanhai.cli.reference.markdown import code, number, table
from shanhai.cli.settings_reference import Setting, all_settings
from shanhai.raster.themes import CONVERSIONS, THEME_RULES, ThemeRule
from shanhai.raster.warp import METHODS
from shanhai.science.ecoservices.inputs import INPUTS
from shanhai.science.landcover import SCHEMES, LandCover

SETTINGS_HEADING = """\
# Settings

Made from the code by `make docs`; do not edit. Every setting is an environment variable; a value
that breaks its rule keeps a process from starting, with the variable named. `shanhai settings`
prints this list, `shanhai settings --env` a file to start from (`deploy/env.example`).
"""


def settings_page() -> str:
    """Every variable with type, default and meaning, by concern."""
    parts = [SETTINGS_HEADING]
    for concern, settings in groupby(all_settings(), key=lambda setting: setting.concern):
        parts.append(f"## {concern.rstrip('.')}\n")
        parts.append(table(("variable", "type", "default", "meaning"), map(_setting_row, settings)))
    return "\n".join(parts)


def _setting_row(setting: Setting) -> tuple[str, ...]:
    default = "required" if setting.default is None else code(setting.default)
    return (code(setting.name), setting.kind, default, setting.meaning)


THEMES_HEADING = """\
# Themes · 专题

Made from the code by `make docs`; do not edit. What the raster of each theme must be; how to import
one: [Your own rasters](guide/your-own-rasters.md). A value outside the range becomes nodata; a file
with more than a fifth of such values is refused.
"""
CONVERSION_HEADING = """\
## Units that are converted

With `unit` given as below, values are converted to the unit of the theme; any other scale is stated
by `scale` and `offset`.
"""
LEGEND_HEADING = """\
## Legends of land cover · 土地覆盖分类体系

Codes of each `legend` that become a class. A code without a class is refused, and its cells are
counted in the message.
"""


def themes_page() -> str:
    """Bands, unit, range and resampling of every theme; conversions; legends."""
    required = {one.theme for one in INPUTS if one.required}
    head = ("theme", "专题", "bands: range", "unit", "needed", "to coarser cells", "to finer cells")
    rows = [_theme_row(rule, rule.theme in required) for rule in THEME_RULES.values()]
    return "\n".join(
        [
            THEMES_HEADING,
            table(head, rows),
            CONVERSION_HEADING,
            _conversions(),
            LEGEND_HEADING,
            _legends(),
        ]
    )


def _theme_row(rule: ThemeRule, required: bool) -> tuple[str, ...]:
    ranges = "; ".join(
        f"{bands}: {number(low)} … {number(high)}" for bands, (low, high) in rule.runs
    )
    needed = "yes" if required else ""
    methods = METHODS[rule.quantity]
    return (code(rule.theme), rule.label.zh, ranges, code(rule.unit), needed, *methods)


def _conversions() -> str:
    rows = [
        (code(theme), code(unit), number(factor), number(shift))
        for (theme, unit), (factor, shift) in CONVERSIONS.items()
    ]
    return table(("theme", "unit", "multiplied by", "then added"), rows)


def _legends() -> str:
    rows = [
        (code(cover.name.lower()), *(_codes(legend, cover) for legend in SCHEMES.values()))
        for cover in LandCover
    ]
    return table(("class", *map(code, SCHEMES)), rows)


def _codes(legend: Mapping[int, int], cover: LandCover) -> str:
    return ", ".join(str(number) for number, internal in legend.items() if internal == cover)
