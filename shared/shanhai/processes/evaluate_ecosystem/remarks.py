"""What a reader should know of an evaluation, from its statistics."""

from collections.abc import Mapping
from typing import Any

from shanhai.science.flags import ResultFlag
from shanhai.vocabulary import Label

NOTABLE_GAP = 0.01
"""Part of the land an evaluation may leave unknown without a remark."""

EXPECTED_CARBON = (1.0, 6.0)
"""Mean net ecosystem production of the humid south-east, tC/ha/yr."""

APPLIES_IN_PART = frozenset({"sensitivity.rocky_desertification"})
"""Evaluations that concern only part of the land by their nature."""


def remarks(statistics: Mapping[str, Any]) -> list[ResultFlag]:
    """Land that was not evaluated, and a mean that a wrong unit would explain."""
    found = [
        _gap(one, statistics["land_cells"])
        for one in statistics["evaluations"]
        if one["layer"] not in APPLIES_IN_PART
        and one["unknown_cells"] > NOTABLE_GAP * statistics["land_cells"]
    ]
    for one in statistics["quantities"]:
        if one["layer"] == "carbon" and one["cells"]:
            low, high = EXPECTED_CARBON
            found += [] if low <= one["mean"] <= high else [_unexpected(one["mean"])]
    return found


def _gap(one: Mapping[str, Any], land: int) -> ResultFlag:
    share = f"{100 * one['unknown_cells'] / land:.1f} %"
    return ResultFlag(
        "missing_cells",
        Label(
            f"{one['title_zh']}：{share} 的陆地因输入缺测未评价",
            f"{one['title_en']}: {share} of the land is not evaluated, because an input is "
            "unknown there",
        ),
    )


def _unexpected(mean: float) -> ResultFlag:
    low, high = EXPECTED_CARBON
    return ResultFlag(
        "unexpected_mean",
        Label(
            f"固碳量均值为 {mean:.4g} tC/ha/a，湿润区一般在 {low:g} 与 {high:g} 之间："
            "请检查输入数据的单位与比例系数",
            f"the mean net ecosystem production is {mean:.4g} tC/ha/yr; between {low:g} and "
            f"{high:g} is usual in humid regions: check units and scales of the inputs",
        ),
    )
