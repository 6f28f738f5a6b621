"""Checks of ledgers: do duties, mines, balances, titles, scores and permits fit plan and region?

What lies in the region is told by spatial and special plans: opinions and action plans of the same
region would repeat it. All may read what is told, so only what all may read is counted.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import pairwise

from shanhai.db.balance_rules import balance_rules
from shanhai.db.quality import plan_figures as plans
from shanhai.db.quality.plan_figures import PlanFigures, PlanFinding, Row
from shanhai.science.units import unit_label
from shanhai.vocabulary import BALANCE_KINDS, DEMONSTRATION_SECTIONS, Label, codes

OF_PLACES = frozenset({"spatial_plan", "special_plan"})
"""Kinds of plans that tell of what lies in their region."""
PARTS = ("leads", "cooperatings", "supervisings", "nameds")
WORDS = (("zh", "；"), ("en", "; "))
MOST_NAMED = 12
"""Names in one finding; the codes of all are beside it."""
WITHOUT_PERMIT = frozenset({"storm_drain"})
"""Outfalls of rain need none."""
ACCEPTED = frozenset({"accepted", "watched"})
"""States of mines whose restoration was accepted."""


def check_ledgers(figures: PlanFigures) -> Iterator[PlanFinding]:
    """What can be said of the plan's ledgers, and of those of its region."""
    yield from _duties(figures)
    yield from _periods(figures)
    yield from _mines(figures)
    yield from _titles(figures)
    if figures.plan.get("kind") in OF_PLACES:
        yield from _balances(figures)
        yield from _members(figures)
        yield from _criteria(figures)
        yield from _scores(figures)
        yield from _outfalls(figures)
        yield from _occurrences(figures)


def _names(rows: Sequence[Row]) -> Label:
    """The names of rows, the first of many."""
    shown = rows[:MOST_NAMED]
    # Headings have commas of their own.
    zh, en = (sep.join(row[f"name_{lang}"] for row in shown) for lang, sep in WORDS)
    more = len(rows) - len(shown)
    return Label(f"{zh}等", f"{en} and {more} more") if more else Label(zh, en)


def _listed(code: str, severity: plans.Severity, rows: Sequence[Row], say: Label) -> PlanFinding:
    """A finding that names rows: `{n}` is how many, `{names}` which."""
    names = _names(rows)
    zh = say.zh.format(n=len(rows), names=names.zh)
    en = say.en.format(n=len(rows), names=names.en)
    return PlanFinding.of(code, severity, zh, en, {"rows": [row["code"] for row in rows]})


def _duties(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Duties nobody leads, nobody is named for, of no known article, or without a last year."""
    duties = [row for row in figures.listed("duty") if row["state"] != "dropped"]
    known = {row["article"] for row in figures.listed("plan_provision")}
    alone = [row for row in duties if not any(row[part] for part in PARTS)]
    checks: tuple[tuple[str, plans.Severity, list[Row], Label], ...] = (
        (
            "duty_without_party",
            "medium",
            alone,
            Label("{n} 项职责未列任何单位：{names}。", "Duties that name no party ({n}): {names}."),
        ),
        (
            "duty_without_lead",
            "medium",
            [row for row in duties if not row["leads"] and row not in alone],
            Label(
                "{n} 项职责列有单位而未写明牵头单位：{names}。",
                "Duties that name parties but no lead ({n}): {names}.",
            ),
        ),
        (
            "duty_unknown_article",
            "low",
            [row for row in duties if known and row["article"] and row["article"] not in known],
            Label(
                "{n} 项职责所在条款不在本规划已录的条文中：{names}。",
                "Duties of articles that are not among the plan's provisions ({n}): {names}.",
            ),
        ),
        (
            "duty_without_year",
            "low",
            [row for row in duties if row["last_year"] is None and row["due_on"] is None],
            Label(
                "{n} 项职责未载明完成年份，不会到期提醒：{names}。",
                "Duties without a year by when, of which nothing reminds ({n}): {names}.",
            ),
        ),
    )
    for code, severity, rows, say in checks:
        if rows:
            yield _listed(code, severity, rows, say)


def _periods(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Duties and titles whose years lie outside those of the plan."""
    first, last = figures.plan["first_year"], figures.plan["last_year"]
    named = (
        ("duties", "duty", ("first_year", "last_year"), Label("项职责", "duties")),
        ("titles", "title", ("target_year",), Label("项称号", "titles")),
    )
    for code, table, members, label in named:
        outside = []
        for row in figures.listed(table):
            due = row.get("due_on")
            years = [row.get(name) for name in members] + [due.year if due else None]
            if any(
                year is not None
                and ((first is not None and year < first) or (last is not None and year > last))
                for year in years
            ):
                outside.append(row)
        if outside:
            until = "" if last is None else last
            yield _listed(
                f"period_conflict.{code}",
                "medium",
                outside,
                Label(
                    f"{{n}} {label.zh}的年份超出规划期 {first}—{until}：{{names}}。",
                    f"Years of {label.en} outside the plan's {first}-{until} ({{n}}): {{names}}.",
                ),
            )


def _area(row: Row, member: str = "area_ha") -> Decimal:
    return plans.number(row[member] or 0)


def _mines(figures: PlanFigures) -> Iterator[PlanFinding]:
    """The areas of mines beside the figures the plan prints of them, and of parts beside wholes."""
    mines = figures.listed("mine")
    parts = defaultdict(list)
    for row in mines:
        if row.get("part_of") is not None:
            parts[row["part_of"]].append(row)
    whole = [row for row in mines if row.get("part_of") is None and row["kind"] == "legacy"]
    yield from _printed_mines(figures, whole)
    for row in mines:
        area, accepted = row["area_ha"], row.get("accepted_area_ha")
        inside = sum((_area(part) for part in parts[row["code"]]), Decimal(0))
        if area is None:
            continue
        for name, what, sum_of in (
            ("mine_parts", Label("各部分面积之和", "its parts together"), inside),
            (
                "mine_accepted",
                Label("验收面积", "the accepted area"),
                plans.number(accepted or 0) if row["state"] in ACCEPTED else Decimal(0),
            ),
        ):
            if sum_of > _area(row) + plans.slack(_area(row)):
                given, stated = plans.shown(sum_of), plans.shown(_area(row))
                yield PlanFinding.of(
                    f"{name}.{row['code']}",
                    "high",
                    f"{row['name_zh']}：{what.zh} {given} ha 大于所载面积 {stated} ha。",
                    f"{row['name_en']}: {what.en}, {given} ha, exceed{'' if inside else 's'} the"
                    f" stated {stated} ha.",
                    {"sum": float(sum_of), "stated": float(_area(row))},
                )


def _printed_mines(figures: PlanFigures, mines: Sequence[Row]) -> Iterator[PlanFinding]:
    """The inventory of legacy mines beside the problem it belongs to and the plan's benefit."""
    told = [row for row in mines if row["area_ha"] is not None]
    if not told:
        return
    total = sum((_area(row) for row in told), Decimal(0))
    printed = {}
    for code in sorted({row["problem"] for row in told if row.get("problem")}):
        problem = figures.problem(code)
        if problem and problem["quantity"] is not None and problem["unit"] == "ha":
            name = Label(problem["name_zh"], problem["name_en"])
            printed[code] = (name, plans.number(problem["quantity"]))
    for row in figures.printed("benefit"):
        if row["code"] == "mines" and row["unit"] == "ha" and row["value"] is not None:
            name = Label(row["name_zh"], row["name_en"])
            printed["mines"] = (name, plans.number(row["value"]))
    right = {}
    for code, (name, value) in printed.items():
        if abs(total - value) <= plans.slack(value):
            right[code] = float(value)
            continue
        yield PlanFinding.of(
            f"sum_mismatch.mines.{code}",
            "high",
            f"历史遗留废弃矿山清单合计 {plans.shown(total)} ha，{name.zh}载明"
            f" {plans.shown(value)} ha。",
            f"The legacy mines sum up to {plans.shown(total)} ha; {name.en} states"
            f" {plans.shown(value)} ha.",
            {"sum": float(total), "stated": float(value)},
        )
    if right:
        yield PlanFinding.of(
            "consistency_ok.mines",
            "info",
            f"历史遗留废弃矿山清单合计 {plans.shown(total)} ha，与文中 {len(right)} 处数字一致。",
            f"The legacy mines sum up to {plans.shown(total)} ha, as {len(right)} figures of the"
            " plan say.",
            {"sum": float(total), "stated": right},
        )


def _titles(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Titles that were given without a document, and candidates without a year."""
    titles = figures.listed("title")
    bare = [row for row in titles if row.get("state") == "approved" and not row.get("document")]
    if bare:
        say = Label(
            "{n} 项称号已授予而未载明文件：{names}。",
            "Titles that were given without a document ({n}): {names}.",
        )
        yield _listed("title_without_document", "high", bare, say)
    open_ended = [
        row
        for row in titles
        if row.get("state", "candidate") == "candidate" and row.get("target_year") is None
    ]
    if open_ended:
        say = Label(
            "{n} 项创建目标未载明年份：{names}。",
            "Titles to be reached in no stated year ({n}): {names}.",
        )
        yield _listed("title_without_year", "low", open_ended, say)


def _balances(figures: PlanFigures) -> Iterator[PlanFinding]:
    """What was taken and not given back in the region and below it, by kind."""
    names = {kind.code: kind for kind in BALANCE_KINDS}
    sums: dict[str, dict[str, tuple[Decimal, Decimal]]] = defaultdict(dict)
    for row in figures.rows.get("balance", ()):
        taken, given = sums[row["kind"]].get(row["region"], (Decimal(0), Decimal(0)))
        sums[row["kind"]][row["region"]] = (taken + row["taken"], given + row["given"])
    right = {}
    for kind, regions in sorted(sums.items()):
        rule = balance_rules()[kind].rule
        taken, given = (sum(side) for side in zip(*regions.values(), strict=True))
        asked = Decimal(taken) * rule.ratio
        if asked <= given:
            right[kind] = str(given - asked)
            continue
        unit, name = unit_label(names[kind].unit), names[kind].label
        lacking = {code: t * rule.ratio - g for code, (t, g) in regions.items()}
        zh, en = ("；差额可由上级储备库调剂", "; the pool of a region above may supply it")
        told = [plans.shown(number) for number in (taken, asked, given, asked - given)]
        yield PlanFinding.of(
            f"balance_lacking.{kind}",
            "medium" if rule.pool else "high",
            f"{name.zh}：已占用 {told[0]} {unit.zh}，须补充 {told[1]} {unit.zh}，已补充 {told[2]}"
            f" {unit.zh}，尚缺 {told[3]} {unit.zh}{zh if rule.pool else ''}。",
            f"{name.en}: {told[0]} {unit.en} were taken, {told[1]} {unit.en} must be given back,"
            f" {told[2]} {unit.en} were, {told[3]} {unit.en} are lacking{en if rule.pool else ''}.",
            {
                "taken": str(taken),
                "given": str(given),
                "lacking": str(asked - given),
                "regions": {code: str(less) for code, less in sorted(lacking.items()) if less > 0},
            },
        )
    if right:
        zh = plans.in_words([names[kind].label.zh for kind in right], "zh")
        en = plans.in_words([names[kind].label.en for kind in right], "en")
        yield PlanFinding.of(
            "consistency_ok.balances",
            "info",
            f"占补平衡：{zh}。",
            f"As much was given back as the rules ask: {en}.",
            right,
        )


def _members(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Members of demonstration areas that do not follow one another from the summit to the sea."""
    areas: dict[str, list[Row]] = defaultdict(list)
    for row in figures.rows.get("demonstration_member", ()):
        areas[row["region"]].append(row)
    sections = codes(DEMONSTRATION_SECTIONS)
    for region, rows in sorted(areas.items()):
        ordered = sorted(rows, key=lambda row: (row["order_no"], row["code"]))
        numbers = [row["order_no"] for row in ordered]
        back = [
            after
            for before, after in pairwise(ordered)
            if before["section"]
            and after["section"]
            and sections.index(after["section"]) < sections.index(before["section"])
        ]
        if numbers == [*range(1, len(numbers) + 1)] and not back:
            continue
        shown = _names(back or ordered)
        listed = "、".join(map(str, numbers))
        area = _place(figures, region)
        yield PlanFinding.of(
            f"members_out_of_order.{region}",
            "medium",
            f"示范引领区 {area.zh} 的组成未依次排列（序号 {listed}）：{shown.zh}。",
            f"The members of the demonstration area {area.en} are out of order (numbers"
            f" {', '.join(map(str, numbers))}): {shown.en}.",
            {"order": numbers, "rows": [row["code"] for row in back]},
        )


def _place(figures: PlanFigures, code: str) -> Label:
    """What a region is called; its code where it lies deeper than the regions below the plan's."""
    for row in figures.rows.get("region", ()):
        if row["code"] == code:
            return Label(row["name_zh"], row["name_en"])
    return Label(code, code)


def _criteria(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Criteria without a weight, which count as much as a weight of 1."""
    criteria = figures.rows.get("demonstration_criterion", ())
    bare = [row for row in criteria if row.get("weight") is None]
    if bare and len(bare) == len(criteria):
        say = Label(
            "{n} 项准则均未载明权重，按相同权重计：{names}。",
            "No criterion has a weight, so that all {n} count alike: {names}.",
        )
        yield _listed("criterion_without_weight", "info", bare, say)
    elif bare:
        say = Label(
            "{n} 项准则未载明权重，与有权重的准则并列时按 1 计：{names}。",
            "Criteria without a weight count as 1 beside those that have one ({n}): {names}.",
        )
        yield _listed("criterion_without_weight", "medium", bare, say)


def _scores(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Scores by criteria of elsewhere or of other years, and years that are scored in part."""
    criteria = {row["code"]: row for row in figures.rows.get("demonstration_criterion", ())}
    above = {row["code"]: row.get("parent") for row in figures.rows.get("region", ())}
    years: Counter[tuple[str, int]] = Counter()
    outside = []
    for score in figures.rows.get("demonstration_score", ()):
        criterion = criteria.get(score["criterion"])
        if criterion is None or not _holds(criterion, score, above):
            outside.append(score)
        else:
            years[score["region"], score["year"]] += 1
    if outside:
        listed = plans.in_words([f"{one['region']} {one['year']}" for one in outside], "zh")
        yield PlanFinding.of(
            "score_outside",
            "high",
            f"{len(outside)} 项得分不属于其示范引领区当年有效的准则：{listed}。",
            f"Scores by criteria that do not hold for their area in their year ({len(outside)}):"
            f" {listed.replace('、', ', ')}.",
            {"rows": [one["code"] for one in outside]},
        )
    for (region, year), scored in sorted(years.items()):
        wanted = sum(
            _holds(one, {"region": region, "year": year}, above) for one in criteria.values()
        )
        if scored < wanted:
            area = _place(figures, region)
            yield PlanFinding.of(
                f"scores_incomplete.{region}.{year}",
                "medium",
                f"示范引领区 {area.zh} {year} 年的 {wanted} 项准则中有 {scored} 项已评分。",
                f"Of {wanted} criteria, {scored} are scored for the demonstration area {area.en}"
                f" in {year}.",
                {"scored": scored, "criteria": wanted},
            )


def _holds(criterion: Row, score: Row, above: Mapping[str, str | None]) -> bool:
    """Whether a criterion is one of a score's area, or of one above it, in the score's year."""
    # From when on it holds is often no more than the day somebody wrote it down.
    last = criterion.get("valid_to")
    if last and score["year"] > last.year:
        return False
    region, seen = score["region"], set[str]()
    while region is not None and region not in seen:
        if region == criterion["region"]:
            return True
        seen.add(region)
        region = above.get(region)
    return False


def _outfalls(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Outfalls that need a permit and have none."""
    bare = [
        row
        for row in figures.rows.get("outfall", ())
        if row["kind"] not in WITHOUT_PERMIT and not row.get("permit")
    ]
    if bare:
        say = Label(
            "{n} 个入河（海）排污口未载明许可：{names}。",
            "Outfalls without a permit ({n}): {names}.",
        )
        yield _listed("outfall_without_permit", "medium", bare, say)


def _occurrences(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Occurrences that lie outside the region they are said to be of."""
    outside = figures.rows.get("occurrence", ())
    if outside:
        shown = [row["code"] for row in outside[:MOST_NAMED]]
        count = outside[0]["matched"]
        yield PlanFinding.of(
            "occurrence_outside",
            "low",
            f"{count} 条公开物种记录位于所属区域图形之外：{plans.in_words(shown, 'zh')}"
            f"{'等' if count > len(shown) else ''}。",
            f"Occurrences of open species outside the outline of their region ({count}):"
            f" {plans.in_words(shown, 'en')}.",
            {"count": count, "rows": shown},
        )
