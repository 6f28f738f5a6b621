"""Checks of percentages against the figures they are made of, and of units that say too little."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from shanhai.db.quality.figures import (
    Figures,
    Finding,
    number,
    percent_range,
    rounded,
    shown,
    slack,
)
from shanhai.vocabulary import Label


@dataclass(frozen=True, slots=True)
class Share:
    """A printed percentage and what it is made of."""

    code: str
    name: Label
    part: Decimal
    whole: Decimal
    printed: Decimal

    @property
    def possible(self) -> bool:
        """Whether rounded figures could have given what is printed."""
        low, high = percent_range(self.part, self.whole)
        step = slack(self.printed)
        return low <= self.printed + step and high >= self.printed - step

    @property
    def computed(self) -> float:
        """The percentage of the printed figures."""
        return rounded(self.part / self.whole * 100)


def check_shares(figures: Figures) -> Iterator[Finding]:
    """Percentages that cannot be, those that can, and amounts nobody can add."""
    shares = list(_shares(figures))
    for share in shares:
        if not share.possible:
            yield _wrong(share)
    right = [share for share in shares if share.possible]
    if right:
        yield Finding(
            "consistency_ok.shares",
            "consistency_ok",
            "info",
            Label(
                f"{len(right)} 个百分比与其分子分母一致（考虑修约）。",
                f"{len(right)} percentages agree with their figures, allowing for rounding.",
            ),
            {
                share.code: {"computed": share.computed, "printed": float(share.printed)}
                for share in right
            },
        )
    yield from _vague_amounts(figures)


def _wrong(share: Share) -> Finding:
    return Finding(
        f"percent_mismatch.{share.code}",
        "percent_mismatch",
        "high",
        Label(
            f"{share.name.zh}：{shown(share.part)} / {shown(share.whole)} 为 {share.computed} %，"
            f"文中为 {shown(share.printed)} %。",
            f"{share.name.en}: {shown(share.part)} of {shown(share.whole)} is"
            f" {share.computed} %, the text prints {shown(share.printed)} %.",
        ),
        {
            "part": float(share.part),
            "whole": float(share.whole),
            "computed": share.computed,
            "printed": float(share.printed),
        },
    )


def _shares(figures: Figures) -> Iterator[Share]:
    for row in figures.listed("plan_figure"):
        if row["share_percent"] is not None and figures.area is not None:
            yield Share(
                row["code"],
                Label(row["name_zh"], row["name_en"]),
                number(row["value"]),
                figures.area,
                number(row["share_percent"]),
            )
    for problem in figures.listed("problem"):
        for order, item in enumerate(problem.get("attrs", {}).get("shares", []), start=1):
            whole = figures.area if item["whole_of"] == "region" else problem["quantity"]
            if whole is not None:
                yield Share(
                    f"{problem['code']}.{order}",
                    Label(item["name_zh"], item["name_en"]),
                    number(item["part"]),
                    number(whole),
                    number(item["printed_percent"]),
                )


def _vague_amounts(figures: Figures) -> Iterator[Finding]:
    """Amounts of which a period or a substance is not printed."""
    vague = [row for row in figures.listed("plan_figure") if row["untold"]]
    if not vague:
        return
    zh = "；".join(f"{row['name_zh']} {shown(number(row['value']))} {row['unit']}" for row in vague)
    en = "; ".join(
        f"{row['name_en']} {shown(number(row['value']))} {row['unit']}"
        f" (no {' and no '.join(row['untold'])})"
        for row in vague
    )
    yield Finding(
        "ambiguous_unit",
        "ambiguous_unit",
        "medium",
        Label(
            f"以下数值未载明时段或物质（碳或二氧化碳），不可相加：{zh}。",
            f"These amounts lack a period or a substance and must not be added: {en}.",
        ),
        {"untold": {row["code"]: row["untold"] for row in vague}},
    )
