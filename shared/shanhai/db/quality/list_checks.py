"""Checks of lists: are they as long as stated, named alike, and is every problem answered?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shanhai.db.quality.plan_figures import (
    PlanFigures,
    PlanFinding,
    Row,
    in_words,
    number,
    rounded,
    shown,
    slack,
)
from shanhai.vocabulary import Label

ISLAND = "岛"
"""An ending that names of islands have or have not."""
MOST_PERCENT = 1
"""How far an outline may lie from the statutory area before that is more than a remark."""
STATED_LISTS: Mapping[str, Label] = {
    "main_tasks": Label("任务", "tasks"),
    "programmes": Label("重点工程", "programmes"),
    "projects": Label("重点项目", "projects"),
    "zones": Label("分区", "zones"),
    "indicators": Label("指标", "indicators"),
}


def check_coverage(figures: PlanFigures) -> Iterator[PlanFinding]:
    """What can be said of lists, names, programmes and projects."""
    yield from _area(figures)
    yield from _totals(figures)
    yield from _members(figures)
    yield from _names(figures)
    for programme in figures.listed("programme"):
        yield from _programme(figures, programme)
    yield from _unanswered(figures)
    yield from _years(figures)


def _area(figures: PlanFigures) -> Iterator[PlanFinding]:
    """The statutory area of the region beside that of its outline, which was drawn elsewhere."""
    stated, drawn = figures.area, figures.region.get("area_m2")
    if stated is None or drawn is None:
        return
    outline = number(drawn) / 1_000_000
    gap = outline - stated
    if abs(gap) <= slack(stated):
        return
    percent = gap / stated * 100
    yield PlanFinding.of(
        "area_differs",
        "medium" if abs(percent) > MOST_PERCENT else "low",
        f"{figures.region['name_zh']}法定面积为 {shown(stated)} km²，图形面积为"
        f" {rounded(outline)} km²，相差 {rounded(gap)} km²（{rounded(percent)} %）。",
        f"The statutory area of {figures.region['name_en']} is {shown(stated)} km², that of"
        f" its outline {rounded(outline)} km²: a difference of {rounded(gap)} km²"
        f" ({rounded(percent)} %).",
        {
            "stated": float(stated),
            "outline": rounded(outline),
            "difference": rounded(gap),
            "percent": rounded(percent),
        },
    )


def _totals(figures: PlanFigures) -> Iterator[PlanFinding]:
    counted = {
        "main_tasks": len(figures.tasks),
        "programmes": len(figures.listed("programme")),
        "projects": len(figures.projects),
        "zones": len(figures.zones),
        "indicators": len(figures.indicators),
    }
    stated = {
        row["code"]: int(row["value"])
        for row in figures.printed("count")
        if row["code"] in STATED_LISTS
    }
    right = {name: count for name, count in counted.items() if stated.get(name) == count}
    if right:
        zh = in_words([f"{STATED_LISTS[name].zh} {count}" for name, count in right.items()], "zh")
        en = in_words([f"{STATED_LISTS[name].en} {count}" for name, count in right.items()], "en")
        yield PlanFinding.of(
            "count_ok",
            "info",
            f"所列数量与载明数量相符：{zh}。",
            f"As many are listed as are stated: {en}.",
            right,
        )
    for name in (stated.keys() & counted.keys()) - right.keys():
        label = STATED_LISTS[name]
        yield PlanFinding.of(
            f"count_mismatch.{name}",
            "high",
            f"载明{label.zh} {stated[name]} 个，列出 {counted[name]} 个。",
            f"{stated[name]} {label.en} are stated, {counted[name]} listed.",
            {"stated": stated[name], "listed": counted[name]},
        )


def _members(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Lists whose stated number exceeds the names that are given."""
    lists = [
        (row["code"], Label(row["name_zh"], row["name_en"]), int(row["value"]), row["places"])
        for row in figures.printed("count")
        if row["code"] not in STATED_LISTS
    ]
    patterns = {row["code"] for row in figures.listed("pattern")}
    parts = [row for row in figures.rows.get("pattern_component", ()) if row["pattern"] in patterns]
    for part in parts:
        if "count_stated" in part["attrs"]:
            label = Label(part["name_zh"], part["name_en"])
            named = _part_members(figures, parts, part)
            lists.append((part["code"], label, part["attrs"]["count_stated"], named))
    for code, label, stated, named in lists:
        if len(named) < stated:
            yield PlanFinding.of(
                f"membership_unknown.{code}",
                "medium",
                f"{label.zh}载明 {stated} 个，仅点名 {len(named)} 个：{in_words(named, 'zh')}。",
                f"{label.en}: {stated} are stated, {len(named)} named: {in_words(named, 'en')}.",
                {"stated": stated, "named": len(named), "members": list(named)},
            )


def _part_members(figures: PlanFigures, parts: Sequence[Row], part: Row) -> list[str]:
    if part["attrs"].get("members_of") == "corridors":
        region = figures.plan.get("region")
        return [
            row["name_zh"] for row in figures.rows.get("corridor", ()) if row["region"] == region
        ]
    return [row["name_zh"] for row in parts if row["parent"] == part["code"]]


def _names(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Places printed in more than one way."""
    for town in figures.towns:
        for variant in town.get("attrs", {}).get("name_zh_variants", []):
            yield PlanFinding.of(
                f"name_variant.{town['code']}",
                "medium",
                f"{town['name_zh']}在文中又写作{variant}，按同一镇街处理，须确认。",
                f"{town['name_zh']} is also printed {variant}; taken for one town, to be"
                " confirmed.",
                {"official": town["name_zh"], "variant": variant},
            )
    spelled: dict[str, set[str]] = {}
    for place in _all_places(figures):
        spelled.setdefault(place.removesuffix(ISLAND), set()).add(place)
    varied = {stem: sorted(names) for stem, names in spelled.items() if len(names) > 1}
    if varied:
        pairs = "；".join(" / ".join(names) for names in varied.values())
        yield PlanFinding.of(
            "name_variant.islands",
            "low",
            f"岛屿名称写法不一：{pairs}。",
            f"Islands are printed in two ways: {pairs}.",
            {"variants": varied},
        )


def _all_places(figures: PlanFigures) -> Iterator[str]:
    for problem in figures.listed("problem"):
        yield from problem["places"]
    for task in figures.tasks:
        yield from task["places"]
    for feature in figures.rows.get("named_feature", ()):
        if feature["kind"] == "river_island":
            yield feature["name_zh"]
    for part in figures.rows.get("pattern_component", ()):
        if part["type"] == "river_island":
            yield part["name_zh"]


def _programme(figures: PlanFigures, programme: Row) -> Iterator[PlanFinding]:
    projects = [row for row in figures.projects if row["programme"] == programme["code"]]
    towns = sorted({town for project in projects for town in project["towns"]})
    stated = programme["attrs"].get("towns_stated")
    if stated is not None and len(towns) < stated:
        yield PlanFinding.of(
            f"list_shorter_than_stated.{programme['code']}",
            "low",
            f"{programme['name_zh']}载明 {stated} 个镇街，其项目共点名 {len(towns)} 个。",
            f"{programme['name_en']} states {stated} towns; its projects name {len(towns)}.",
            {"stated": stated, "listed": len(towns), "towns": towns},
        )
    own = programme["attrs"].get("lakes")
    named = [lake for project in projects for lake in project["attrs"].get("lakes", [])]
    if own is not None and set(own) != set(named):
        extra, lacking = sorted(set(named) - set(own)), sorted(set(own) - set(named))
        yield PlanFinding.of(
            f"list_differs.{programme['code']}",
            "low",
            f"{programme['name_zh']}列出湖库 {len(own)} 个，其项目列出 {len(named)} 个"
            f"（多：{in_words(extra, 'zh')}；少：{in_words(lacking, 'zh')}）。",
            f"{programme['name_en']} lists {len(own)} lakes, its projects {len(named)}"
            f" (more: {in_words(extra, 'en')}; fewer: {in_words(lacking, 'en')}).",
            {"programme": len(own), "projects": len(named), "added": extra, "lacking": lacking},
        )


def _unanswered(figures: PlanFigures) -> Iterator[PlanFinding]:
    """Problems without a project, and places of problems and tasks that no project names."""
    if not figures.projects:
        return
    answered = {code for project in figures.projects for code in project["problems"]}
    alone = [row for row in figures.listed("problem") if row["code"] not in answered]
    if alone:
        yield PlanFinding.of(
            "coverage_gap.problems",
            "medium",
            f"没有项目应对的问题：{in_words([row['name_zh'] for row in alone], 'zh')}。",
            f"Problems without a project: {in_words([row['name_en'] for row in alone], 'en')}.",
            {"problems": [row["code"] for row in alone]},
        )
    text = "；".join(part for project in figures.projects for part in _project_words(project))
    missing = _distinct(
        place for place in _acted_on(figures) if place.removesuffix(ISLAND) not in text
    )
    if missing:
        yield PlanFinding.of(
            "coverage_gap.places",
            "medium",
            f"问题或任务提到而没有项目点名的地点：{in_words(missing, 'zh')}。",
            f"Places of problems or tasks that no project names: {in_words(missing, 'en')}.",
            {"places": missing},
        )


def _project_words(project: Row) -> Iterator[str]:
    attrs: Mapping[str, Any] = project["attrs"]
    yield project["name_zh"]
    yield from attrs.get("places", [])
    yield from attrs.get("lakes", [])


def _acted_on(figures: PlanFigures) -> Iterator[str]:
    for problem in figures.listed("problem"):
        yield from problem["places"]
    for task in figures.tasks:
        yield from task["places"]


def _distinct(places: Iterator[str]) -> list[str]:
    """The places once each, short names first, under the shortest of names that end alike."""
    kept: list[str] = []
    for place in sorted(dict.fromkeys(places), key=len):
        stem = place.removesuffix(ISLAND)
        if not any(stem.endswith(known.removesuffix(ISLAND)) for known in kept):
            kept.append(place)
    return kept


def _years(figures: PlanFigures) -> Iterator[PlanFinding]:
    first, last = figures.plan["first_year"], figures.plan["last_year"]
    if not figures.projects or last is None:
        return
    outside = [
        row for row in figures.projects if row["start_year"] < first or row["end_year"] > last
    ]
    if outside:
        yield PlanFinding.of(
            "period_conflict",
            "high",
            f"{len(outside)} 个项目超出规划期 {first}—{last} 年。",
            f"{len(outside)} projects lie outside the plan's years {first}-{last}.",
            {"projects": [row["code"] for row in outside]},
        )
        return
    ends, starts = (
        sorted(row[name] for row in figures.projects) for name in ("end_year", "start_year")
    )
    yield PlanFinding.of(
        "rule_check.years",
        "info",
        f"全部项目在规划期 {first}—{last} 年内；最早 {ends[0]} 年结束，最晚 {starts[-1]} 年开始。",
        f"All projects lie within {first}-{last}; the first ends in {ends[0]}, the last"
        f" starts in {starts[-1]}.",
        {"earliest_end": ends[0], "latest_start": starts[-1]},
    )
