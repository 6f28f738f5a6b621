"""What a reader must know of a result that is complete, or of a judgement of an indicator."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class ResultFlag:
    """A code to count on and a sentence to read, in both languages."""

    code: str
    text: Label

    @classmethod
    def of(cls, code: str, zh: str, en: str) -> "ResultFlag":
        """The flag of a code with its sentence."""
        return cls(code, Label(zh, en))

    def document(self) -> dict[str, str]:
        """The flag as results, statistics and manifest show it."""
        return {"code": self.code, "detail": self.text.en, "detail_zh": self.text.zh}


@dataclass(frozen=True, slots=True)
class IndicatorRemark:
    """What a reader must know of a judgement."""

    code: str
    label: Label


TARGET_MISSING = IndicatorRemark(
    "target_missing", Label("规划未给出目标值。", "The plan states no value for this target.")
)
VALUE_MISSING = IndicatorRemark("value_missing", Label("没有可用的数值。", "No value is known."))
VALUE_NOTE = "value_note"
"""Code of the remark that was made when the value was recorded."""
BASE_MISSING = IndicatorRemark(
    "base_missing",
    Label(
        "没有基期值，无法给出进度路径，只计算与目标的差距。",
        "No base value is known: there is no path, only the gap to the target.",
    ),
)
NO_YEAR = IndicatorRemark(
    "no_year",
    Label("目标没有年份，视为始终适用。", "The target names no year; it holds at all times."),
)


def base_beyond_target(year: int, base: Decimal, aim: Decimal) -> IndicatorRemark:
    """The base is better than the target, as after a new delimitation of the same thing."""
    return IndicatorRemark(
        "base_beyond_target",
        Label(
            f"{year} 年基期值 {base} 已优于目标值 {aim}（如重新划定）：以目标值为底线，"
            "与基期的差异不作为退步。",
            f"The base of {year}, {base}, is already beyond the target {aim}, as after "
            "a re-delimitation: the target is the limit, the change from the base is no decline.",
        ),
    )


def base_not_counted(year: int, base: Decimal, since: int, aim: Decimal) -> IndicatorRemark:
    """A total counts from after the base; perhaps the target was meant to include it."""
    return IndicatorRemark(
        "base_not_counted",
        Label(
            f"自 {since} 年起累计，{year} 年及以前的 {base} 不计入；若目标值 {aim} 已含"
            f"该部分，则自 {since} 年起应完成 {aim - base}。",
            f"Counted from {since} on; the {base} up to {year} are left out. Should the "
            f"target {aim} include them, {aim - base} are to be done from {since} on.",
        ),
    )


def earlier_value(value_year: int, year: int) -> IndicatorRemark:
    """The year asked about has no value."""
    return IndicatorRemark(
        "earlier_value",
        Label(
            f"{year} 年没有数值，采用 {value_year} 年的数值。",
            f"There is no value of {year}; the one of {value_year} is used.",
        ),
    )


def years_missing(years: Sequence[int]) -> IndicatorRemark:
    """A total lacks some years."""
    zh, en = "、".join(map(str, years)), ", ".join(map(str, years))
    return IndicatorRemark(
        "years_missing", Label(f"累计值缺少以下年份：{zh}。", f"The total knows nothing of {en}.")
    )


def measures_counted(years: Sequence[int]) -> IndicatorRemark:
    """Years without an entered value are filled by what accepted projects and mines did."""
    zh, en = "、".join(map(str, years)), ", ".join(map(str, years))
    return IndicatorRemark(
        "measures_counted",
        Label(
            f"{zh} 年未填报，按已验收的项目和矿山计入。",
            f"For {en} nothing was entered: accepted projects and mines are counted.",
        ),
    )


def measures_foreign(units: Sequence[str]) -> IndicatorRemark:
    """Some measures are in units that are not the indicator's."""
    zh, en = "、".join(units), ", ".join(units)
    return IndicatorRemark(
        "measures_foreign",
        Label(
            f"以下单位的措施量无法换算，未计入：{zh}。",
            f"Measures in {en} cannot be converted and are left out.",
        ),
    )
