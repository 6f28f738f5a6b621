"""The page of the themes: what an imported raster must be."""

from collections.abc import Mapping

from shanhai.cli.reference.markdown import code, number, table
from shanhai.raster.conversions import CONVERSIONS
from shanhai.raster.themes import THEME_RULES, ThemeRule
from shanhai.raster.warp import METHODS
from shanhai.science.ecoservices.inputs import INPUTS
from shanhai.science.landcover import SCHEMES, LandCover

HEADING = """\
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
    rows = [_row(rule, rule.theme in required) for rule in THEME_RULES.values()]
    return "\n".join(
        [HEADING, table(head, rows), CONVERSION_HEADING, _conversions(), LEGEND_HEADING, _legends()]
    )


def _row(rule: ThemeRule, required: bool) -> tuple[str, ...]:
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
