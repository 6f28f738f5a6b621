"""Checks of bases and targets of indicators."""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal

from shanhai.db.quality.plan_figures import (
    Measured,
    PlanFigures,
    PlanFinding,
    Severity,
    in_words,
    number,
    rounded,
    shown,
    slack,
)
from shanhai.vocabulary import Label


def check_targets(figures: PlanFigures) -> Iterator[PlanFinding]:
    """What can be said of the indicators' figures."""
    for indicator in figures.indicators:
        yield from _cumulative(figures, indicator)
        yield from _direction(indicator)
        yield from _complement(figures, indicator)
    yield from _grouped(figures)
    yield from _references(figures)


def _values(indicator: Measured) -> list[Decimal]:
    return [number(row["value"]) for row in indicator.targets if row["value"] is not None]


def _cumulative(figures: PlanFigures, indicator: Measured) -> Iterator[PlanFinding]:
    """A sum from a year on cannot exceed what there was to do in that year."""
    problem = figures.problem(indicator.attrs.get("inventory_problem"))
    values = _values(indicator)
    if problem is None or problem["quantity"] is None or not values:
        return
    inventory, done, last = number(problem["quantity"]), indicator.base or Decimal(0), values[-1]
    if last <= inventory + slack(last):
        return
    total = inventory + done
    net = {
        f"target_{row['year']}_net": float(number(row["value"]) - done) for row in indicator.targets
    }
    since = indicator.targets[-1]["cumulative_from"]
    likely = abs(total - last) <= slack(last)
    zh = (
        f"与存量加此前完成量 {shown(total)} 相符，很可能包含此前完成的 {shown(done)}。"
        if likely
        else ""
    )
    en = (
        f" It equals inventory and earlier work together, {shown(total)}, rounded: the sums very"
        f" likely include the {shown(done)} done before."
        if likely
        else ""
    )
    unit = indicator.known["unit"]
    yield PlanFinding(
        f"definition_conflict.{indicator.code}",
        "definition_conflict",
        "high",
        Label(
            f"{indicator.known['name_zh']}：目标自 {since} 年起累计，末期目标 {shown(last)} {unit}"
            f" 大于存量 {shown(inventory)} {unit}。{zh}",
            f"{indicator.known['name_en']}: targets are cumulative from {since}, yet the last,"
            f" {shown(last)} {unit}, exceeds the inventory of {shown(inventory)} {unit}.{en}",
        ),
        {
            "inventory": float(inventory),
            "done_before": float(done),
            "sum": float(total),
            f"target_{indicator.targets[-1]['year']}": float(last),
            **net,
        },
    )


def _direction(indicator: Measured) -> Iterator[PlanFinding]:
    """A target on the wrong side of the base, unless a new delimitation explains it."""
    values = _values(indicator)
    if indicator.base is None or not values or indicator.targets[-1]["cumulative_from"]:
        return
    step = values[-1] - indicator.base
    worse = step < 0 if indicator.known["direction"] == "higher" else step > 0
    if not worse:
        return
    floor = indicator.attrs.get("floor", {})
    redrawn = "value" in floor and number(floor["value"]) == values[-1]
    zh = (
        f"降幅来自重新划定（{floor.get('document')}），底线为 {shown(values[-1])}，不作预警。"
        if redrawn
        else "目标与改善方向相反。"
    )
    en = (
        f"the line was drawn anew ({floor.get('document')}), so {shown(values[-1])} is the floor"
        " and the base raises no alert."
        if redrawn
        else "the target lies on the wrong side of the base."
    )
    base = shown(indicator.base)
    yield PlanFinding(
        f"direction_conflict.{indicator.code}",
        "direction_conflict",
        "info" if redrawn else "high",
        Label(
            f"{indicator.known['name_zh']}由 {base} 变为 {shown(values[-1])}：{zh}",
            f"{indicator.known['name_en']} goes from {base} to {shown(values[-1])}: {en}",
        ),
        {
            "base": float(indicator.base),
            "target": float(values[-1]),
            "drop": float(-step),
            "alert": not redrawn,
        },
    )


def _complement(figures: PlanFigures, indicator: Measured) -> Iterator[PlanFinding]:
    """What a share of the region that is not affected leaves of the affected area."""
    problem = figures.problem(indicator.attrs.get("complement_problem"))
    values = _values(indicator)
    if problem is None or problem["quantity"] is None or figures.area is None or not values:
        return
    left = figures.area * (100 - values[-1]) / 100
    less = number(problem["quantity"]) - left
    yield PlanFinding(
        f"derived_target.{indicator.code}",
        "derived_target",
        "info",
        Label(
            f"{indicator.known['name_zh']}达到 {shown(values[-1])} % 时，{problem['name_zh']}"
            f"至多 {rounded(left, 1)} km²，比现状少 {rounded(less, 1)} km²。",
            f"{indicator.known['name_en']} of {shown(values[-1])} % leaves at most"
            f" {rounded(left, 1)} km², {rounded(less, 1)} km² less than now.",
        ),
        {"left": rounded(left, 1), "less": rounded(less, 1)},
    )


def _is_flat(indicator: Measured) -> bool:
    values = _values(indicator)
    return indicator.base is not None and set(values) == {indicator.base}


def _lacks_base(indicator: Measured) -> bool:
    return indicator.base is None and bool(_values(indicator))


def _mixes_comparators(indicator: Measured) -> bool:
    return len({row["comparator_printed"] for row in indicator.targets}) > 1


def _lacks_figures(indicator: Measured) -> bool:
    return indicator.base is None and not _values(indicator)


GROUPS: Sequence[tuple[str, Severity, Callable[[Measured], bool], Label]] = (
    (
        "target_flat",
        "info",
        _is_flat,
        Label("目标与基期相同，只求保持", "Targets equal the base: to be kept, not raised"),
    ),
    (
        "missing_baseline",
        "low",
        _lacks_base,
        Label(
            "未载明基期值，只能算与目标的差距",
            "No base is printed: only the gap to the target can be told",
        ),
    ),
    (
        "mixed_comparator",
        "low",
        _mixes_comparators,
        Label(
            "各年目标的比较符不一，比较符与读法分开记录",
            "Comparators differ between the years; as printed and as read are kept apart",
        ),
    ),
    (
        "missing_figures",
        "low",
        _lacks_figures,
        Label("未载明基期值和目标值", "Neither base nor target is printed"),
    ),
)
"""Findings that list the indicators they hold for."""


def _grouped(figures: PlanFigures) -> Iterator[PlanFinding]:
    for kind, severity, holds, label in GROUPS:
        found = [indicator for indicator in figures.indicators if holds(indicator)]
        if found:
            zh = in_words([item.known["name_zh"] for item in found], "zh")
            en = in_words([item.known["name_en"] for item in found], "en")
            yield PlanFinding(
                kind,
                kind,
                severity,
                Label(
                    f"{label.zh}（{len(found)} 项）：{zh}。", f"{label.en} ({len(found)}): {en}."
                ),
                {"indicators": [item.code for item in found], "count": len(found)},
            )


def _references(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Targets beside what another document gives for the same indicator and region."""
    every = figures.rows.get("indicator_target", ())
    told = {
        row["indicator"]: row
        for row in every
        if row["role"] == "reference" and row["region"] == figures.plan.get("region")
    }
    names = {
        item.code: Label(item.known["name_zh"], item.known["name_en"])
        for item in figures.indicators
    }
    for row in figures.listed("indicator_target"):
        name = names.get(row["indicator"], Label(row["indicator"], row["indicator"]))
        other = told.get(row["indicator"])
        if row["role"] != "target" or row["value"] is None or other is None:
            continue
        ours, theirs = number(row["value"]), number(other["value"])
        same = abs(ours - theirs) <= slack(ours) + slack(theirs)
        verdict = (
            ("一致（考虑修约）", "agree, allowing for rounding") if same else ("不一致", "differ")
        )
        yield PlanFinding(
            f"reference.{row['indicator']}",
            "consistency_ok" if same else "reference_differs",
            "info" if same else "medium",
            Label(
                f"{name.zh}：目标 {shown(ours)}，外部参考值 {shown(theirs)}，{verdict[0]}。",
                f"{name.en}: target {shown(ours)} and external reference"
                f" {shown(theirs)} {verdict[1]}.",
            ),
            {"target": float(ours), "reference": float(theirs), "source": other["source"]},
        )
