"""Checks of figures: percentages, a plan's zones, and the bases and targets of its indicators."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from shanhai.db.quality.plan_figures import (
    Measured,
    PlanFigures,
    PlanFinding,
    Row,
    Severity,
    in_words,
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


def check_shares(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Percentages that cannot be, those that can, and amounts nobody can add."""
    shares = list(_shares(figures))
    for share in shares:
        if not share.possible:
            yield _wrong(share)
    right = [share for share in shares if share.possible]
    if right:
        yield PlanFinding.of(
            "consistency_ok.shares",
            "info",
            f"{len(right)} 个百分比与其分子分母一致（考虑修约）。",
            f"{len(right)} percentages agree with their figures, allowing for rounding.",
            {
                share.code: {"computed": share.computed, "printed": float(share.printed)}
                for share in right
            },
        )
    yield from _vague_amounts(figures)


def _wrong(share: Share) -> PlanFinding:
    return PlanFinding.of(
        f"percent_mismatch.{share.code}",
        "high",
        f"{share.name.zh}：{shown(share.part)} / {shown(share.whole)} 为 {share.computed} %，"
        f"文中为 {shown(share.printed)} %。",
        f"{share.name.en}: {shown(share.part)} of {shown(share.whole)} is"
        f" {share.computed} %, the text prints {shown(share.printed)} %.",
        {
            "part": float(share.part),
            "whole": float(share.whole),
            "computed": share.computed,
            "printed": float(share.printed),
        },
    )


def _shares(figures: PlanFigures) -> Iterator[Share]:
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
            # Of nothing there is no share.
            if whole:
                yield Share(
                    f"{problem['code']}.{order}",
                    Label(item["name_zh"], item.get("name_en") or item["name_zh"]),
                    number(item["part"]),
                    number(whole),
                    number(item["printed_percent"]),
                )


def _vague_amounts(figures: PlanFigures) -> Iterator[PlanFinding]:
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
    yield PlanFinding.of(
        "ambiguous_unit",
        "medium",
        f"以下数值未载明时段或物质（碳或二氧化碳），不可相加：{zh}。",
        f"These amounts lack a period or a substance and must not be added: {en}.",
        {"untold": {row["code"]: row["untold"] for row in vague}},
    )


SERIOUS_GAP = 1
"""Percent of the region's area from which a gap is serious."""


def check_zoning(figures: PlanFigures) -> Iterator[PlanFinding]:
    """What can be said of the zones."""
    yield from _areas(figures)
    yield from _short_lists(figures)
    yield from _several_zones(figures)
    yield from _locations(figures)
    yield from _counted_features(figures)


def _areas(figures: PlanFigures) -> Iterator[PlanFinding]:
    stated = [zone["attrs"].get("stated_area_km2") for zone in figures.zones]
    whole = figures.area
    if whole is None or not stated or None in stated:
        return
    areas = [number(area) for area in stated]
    total = sum(areas, Decimal(0))
    gap = whole - total
    if abs(gap) <= slack(whole) + sum(map(slack, areas)):
        return
    percent = rounded(gap / whole * 100)
    yield PlanFinding.of(
        "sum_mismatch.zones",
        "high" if abs(percent) >= SERIOUS_GAP else "low",
        f"各分区面积之和为 {shown(total)} km²，全域为 {shown(whole)} km²，"
        f"相差 {shown(gap)} km²（{percent} %）。",
        f"The zones' areas sum to {shown(total)} km², the region has {shown(whole)} km²:"
        f" {shown(gap)} km² ({percent} %) differ.",
        {
            "sum": float(total),
            "stated": float(whole),
            "gap": float(gap),
            "gap_percent": percent,
        },
    )


def _short_lists(figures: PlanFigures) -> Iterator[PlanFinding]:
    short = [zone for zone in figures.zones if _missing_towns(zone) > 0]
    placed = {town for zone in figures.zones for town in zone["towns"]}
    homeless = [town for town in figures.towns if town["code"] not in placed]
    for zone in short:
        # A town that is in no other list belongs to the only list that is not complete.
        forced = homeless if len(short) == 1 else []
        unknown = max(0, _missing_towns(zone) - len(forced))
        stated, listed = zone["attrs"]["towns_stated"], len(zone["towns"])
        zh = f"；另有 {unknown} 个未知" if unknown else ""
        en = f"; {unknown} more unknown" if unknown else ""
        names_zh = in_words([town["name_zh"] for town in forced], "zh")
        names_en = in_words([town["name_en"] for town in forced], "en")
        yield PlanFinding.of(
            f"list_shorter_than_stated.{zone['code']}",
            "medium",
            f"{zone['name_zh']}载明 {stated} 个镇街，仅列出 {listed} 个；"
            f"未列入任何分区的 {len(forced)} 个应属此区：{names_zh}{zh}。",
            f"{zone['name_en']} states {stated} towns and lists {listed}; {len(forced)} that"
            f" stand in no list must belong to it: {names_en}{en}.",
            {
                "stated": stated,
                "listed": listed,
                "forced": len(forced),
                "forced_towns": [town["code"] for town in forced],
                "unknown": unknown,
            },
        )


def _missing_towns(zone: Row) -> int:
    stated: int = zone["attrs"].get("towns_stated", 0)
    return stated - len(zone["towns"])


def _several_zones(figures: PlanFigures) -> Iterator[PlanFinding]:
    counts = Counter(town for zone in figures.zones for town in zone["towns"])
    shared = sorted(town for town, count in counts.items() if count > 1)
    if shared:
        most = max(counts.values())
        yield PlanFinding.of(
            "overlap_by_design.towns",
            "info",
            f"{len(shared)} 个镇街分属两个以上分区（最多 {most} 个），"
            "分区不能由整个镇街的图形拼成，须有自己的图形。",
            f"{len(shared)} towns lie in two or more zones (at most {most}): a zone cannot be"
            " built from whole towns and needs a polygon of its own.",
            {"towns": shared, "count": len(shared), "most": most},
        )


def _locations(figures: PlanFigures) -> Iterator[PlanFinding]:
    places: dict[tuple[str, str], list[Row]] = {}
    for zone in figures.zones:
        attrs = zone["attrs"]
        if "location_en" in attrs:
            places.setdefault((attrs["location_zh"], attrs["location_en"]), []).append(zone)
    for (zh, en), zones in places.items():
        if len(zones) > 1:
            names_zh = in_words([zone["name_zh"] for zone in zones], "zh")
            names_en = in_words([zone["name_en"] for zone in zones], "en")
            yield PlanFinding.of(
                f"location_doubt.{en}",
                "low",
                f"{names_zh}都写为位于{zh}。",
                f"{names_en} are all said to lie in the {en}.",
                {"location": en, "zones": [zone["code"] for zone in zones]},
            )


def _counted_features(figures: PlanFigures) -> Iterator[PlanFinding]:
    for zone in figures.zones:
        for kind, stated in zone["attrs"].get("counts_stated", {}).items():
            named = zone["attrs"].get("features", {}).get(kind, [])
            if len(named) != stated:
                yield PlanFinding.of(
                    f"membership_unknown.{zone['code']}.{kind}",
                    "low",
                    f"{zone['name_zh']}载明 {stated} 个（{kind}），列出 {len(named)} 个："
                    f"{in_words(named, 'zh')}。",
                    f"{zone['name_en']} states {stated} ({kind}) and names {len(named)}:"
                    f" {in_words(named, 'en')}.",
                    {"stated": stated, "named": len(named), "members": named},
                )


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
    yield PlanFinding.of(
        f"definition_conflict.{indicator.code}",
        "high",
        f"{indicator.known['name_zh']}：目标自 {since} 年起累计，末期目标 {shown(last)} {unit}"
        f" 大于存量 {shown(inventory)} {unit}。{zh}",
        f"{indicator.known['name_en']}: targets are cumulative from {since}, yet the last,"
        f" {shown(last)} {unit}, exceeds the inventory of {shown(inventory)} {unit}.{en}",
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
    yield PlanFinding.of(
        f"direction_conflict.{indicator.code}",
        "info" if redrawn else "high",
        f"{indicator.known['name_zh']}由 {base} 变为 {shown(values[-1])}：{zh}",
        f"{indicator.known['name_en']} goes from {base} to {shown(values[-1])}: {en}",
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
    yield PlanFinding.of(
        f"derived_target.{indicator.code}",
        "info",
        f"{indicator.known['name_zh']}达到 {shown(values[-1])} % 时，{problem['name_zh']}"
        f"至多 {rounded(left, 1)} km²，比现状少 {rounded(less, 1)} km²。",
        f"{indicator.known['name_en']} of {shown(values[-1])} % leaves at most"
        f" {rounded(left, 1)} km², {rounded(less, 1)} km² less than now.",
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
            yield PlanFinding.of(
                kind,
                severity,
                f"{label.zh}（{len(found)} 项）：{zh}。",
                f"{label.en} ({len(found)}): {en}.",
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
