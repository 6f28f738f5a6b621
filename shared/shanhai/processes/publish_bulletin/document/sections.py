"""What sections of a bulletin show below their texts: tables of what it tells in one language."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from shanhai.db.bulletins.template import SectionKind
from shanhai.reporting.blocks import Block, Column, Paragraph, Table
from shanhai.reporting.pages import figure
from shanhai.science.units import unit_name
from shanhai.vocabulary import WARNING_LEVELS, Label, Lang

Told = Mapping[str, Any]
DASH = "–"
MOST_ROWS = 40
"""Rows of a table; how many more there are is told, and the data of the bulletin have them all."""
LEVEL_COLORS = {one.code: one.color for one in WARNING_LEVELS}
STATUS_COLORS = {
    "reached": "#1b7f5c",
    "on_track": "#5aa469",
    "behind": "#c8402f",
    "no_data": "#9aa5ac",
}
CLASS_COLORS = ("#3f7fbf", "#4aa3df", "#58b368", "#e8c33d", "#e08a2e", "#b5342b")
"""Of water, from the best class of rivers to what is worse than all; of maps, too."""
SEA_COLORS = ("#3f7fbf", "#58b368", "#e8c33d", "#e08a2e", "#b5342b")


def number(value: float | None, digits: int = 1) -> str:
    """A number with so many digits after the point; a dash for none."""
    return DASH if value is None else f"{value:,.{digits}f}"


def _table(
    caption: Label,
    columns: Sequence[tuple[Label, float, bool]],
    rows: Sequence[Sequence[str]],
    lang: Lang,
    colors: Sequence[str | None] = (),
) -> list[Block]:
    """A table, cut where it is long; nothing without rows. The last of `columns` says: numbers."""
    if not rows:
        return []
    heads = [
        Column(label.in_(lang), width, "number" if numbers else "text")
        for label, width, numbers in columns
    ]
    found: list[Block] = [Table(caption.in_(lang), heads, rows[:MOST_ROWS], colors[:MOST_ROWS])]
    more = len(rows) - MOST_ROWS
    if more > 0:
        text = Label(f"其余 {more} 行见公报数据。", f"{more} more rows are in the data.")
        found.append(Paragraph(text.in_(lang), quiet=True))
    return found


def indicators(told: Told, lang: Lang) -> list[Block]:
    """How the indicators of the plan stand; one line where no value of any is known."""
    rows = told["indicators"]["rows"]
    if rows and all(one["value"] is None for one in rows):
        none = Label(
            f"规划指标 {len(rows)} 项，均尚无数值。",
            f"No value of {len(rows)} indicators is known.",
        )
        return [Paragraph(none.in_(lang), quiet=True)]
    notes = list(dict.fromkeys(one["note"] for one in rows if one["note"] is not None))
    marks = {note: "*" * number for number, note in enumerate(notes, start=1)}
    cells = [
        [
            one["name"] + (Label("（约束性）", " (binding)").in_(lang) if one["binding"] else ""),
            one["unit_name"],
            _with_year(one["value"], one["value_year"]) + marks.get(one["note"], ""),
            _with_year(one["target"], one["target_year"]),
            one["status_name"],
            one["course_name"],
        ]
        for one in rows
    ]
    columns = (
        (Label("指标", "Indicator"), 5.2, False),
        (Label("单位", "Unit"), 1.6, False),
        (Label("现状值（年份）", "Value (year)"), 2.6, True),
        (Label("目标值（年份）", "Target (year)"), 2.6, True),
        (Label("状态", "Status"), 2.0, False),
        (Label("趋势", "Trend"), 2.1, False),
    )
    caption = Label("规划指标进展", "Indicators of the plan")
    colors = [STATUS_COLORS[one["status"]] for one in rows]
    return [
        *_table(caption, columns, cells, lang, colors),
        *(Paragraph(f"{mark} {note}", quiet=True) for note, mark in marks.items()),
    ]


def observations(told: Told, lang: Lang) -> list[Block]:
    """Stations by kind, and how complete what they told was."""
    cells = [
        [
            one["name"],
            str(one["stations"]),
            str(one["told"]),
            f"{one['values']:,}",
            number(one["completeness_percent"]),
        ]
        for one in told["observations"]["kinds"]
    ]
    columns = (
        (Label("站点类型", "Kind of station"), 4.0, False),
        (Label("站点数", "Stations"), 2.2, True),
        (Label("有数据站点", "With data"), 2.6, True),
        (Label("有效数据量", "Valid values"), 3.0, True),
        (Label("数据完整率 %", "Completeness, %"), 3.2, True),
    )
    return _table(Label("监测站点与数据完整率", "Stations and completeness"), columns, cells, lang)


def water(told: Told, lang: Lang) -> list[Block]:
    """Classes of rivers and lakes, then of the sea: shares, and each station."""
    found: list[Block] = []
    for member, caption, palette in (
        ("water", Label("地表水水质类别", "Classes of surface water"), CLASS_COLORS),
        ("sea", Label("近岸海域水质类别", "Classes of nearshore water"), SEA_COLORS),
    ):
        own = told[member]
        if not own["assessed"]:
            continue
        found += _classes(
            caption, own["classes"], Label("断面（点位）数", "Stations"), lang, palette
        )
        found += _stations(own["rows"], lang, palette)
        standard = Label(f"评价标准：{own['standard']['name']}。", f"By {own['standard']['name']}.")
        found.append(Paragraph(standard.in_(lang), quiet=True))
    return found


def air(told: Told, lang: Lang) -> list[Block]:
    """Days by class of the air quality index."""
    own = told["air"]
    if not own["known"]:
        return []
    classes = [one for one in own["classes"] if one["count"]]
    found = _classes(Label("空气质量级别", "Classes of air"), classes, Label("天数", "Days"), lang)
    standard = Label(f"评价标准：{own['standard']['name']}。", f"By {own['standard']['name']}.")
    return [*found, Paragraph(standard.in_(lang), quiet=True)]


def zones(told: Told, lang: Lang) -> list[Block]:
    """How robust the zoning in force is, where that is known, and the areas of its classes."""
    headline = told["zones"]["headline"]
    classes = told["zones"]["classes"]
    cells = [[one["name"], number(one["area_km2"]), number(one["percent"])] for one in classes]
    columns = (
        (Label("分区", "Zone"), 7.0, False),
        (Label("面积 km²", "Area, km²"), 3.0, True),
        (Label("占比 %", "Share, %"), 3.0, True),
    )
    colors = [one["color"] for one in classes]
    table = _table(Label("生态保护修复分区面积", "Areas of zones"), columns, cells, lang, colors)
    return [*([Paragraph(headline)] if headline else []), *table]


def alerts(told: Told, lang: Lang) -> list[Block]:
    """The alerts of the period with what became of them."""
    rows = told["alerts"]["rows"]
    cells = [
        [
            one["level_name"],
            one["name"],
            # Drafts of a former release name no property.
            " · ".join(filter(None, (one["subject"], one.get("property_name")))),
            f"{figure(one['measure'], 6)}"
            f" {unit_name(one['unit'] or '1', lang).strip(DASH)}".strip(),
            one["began_on"],
            one["outcome_name"] + (f" {one['closed_on']}" if one["closed_on"] else ""),
        ]
        for one in rows
    ]
    columns = (
        (Label("级别", "Level"), 2.1, False),
        (Label("预警规则", "Rule"), 3.8, False),
        (Label("对象", "Subject"), 3.4, False),
        (Label("触发值", "Measure"), 2.3, True),
        (Label("起始日期", "Began"), 2.7, False),
        (Label("处置结果", "Outcome"), 3.6, False),
    )
    colors = [LEVEL_COLORS[one["level"]] for one in rows]
    return _table(Label("本期预警", "Alerts of the period"), columns, cells, lang, colors)


def leads(told: Told, lang: Lang) -> list[Block]:
    """Counts of red-line leads, by kind and by state; no places."""
    own = told["leads"]
    cells = [
        *(
            [Label("变化类型", "Kind").in_(lang), one["name"], str(one["count"])]
            for one in own["kinds"]
        ),
        *(
            [Label("办理状态", "State").in_(lang), one["name"], str(one["count"])]
            for one in own["states"]
        ),
        *(
            [Label("核查结果", "Result").in_(lang), one["name"], str(one["count"])]
            for one in own["results"]
        ),
    ]
    columns = (
        (Label("统计口径", "Counted by"), 3.6, False),
        (Label("分类", "Which"), 6.0, False),
        (Label("线索数", "Leads"), 2.6, True),
    )
    return _table(Label("红线监管线索统计", "Red-line leads"), columns, cells, lang)


def projects(told: Told, lang: Lang) -> list[Block]:
    """The projects, with their state, cost and how far they are."""
    cells = [
        [
            one["name"],
            one["state_name"],
            f"{one['first_year']}–{one['last_year']}",
            number(None if one["cost"] is None else one["cost"] / 1e4, 0),
            number(one["paid"] / 1e4, 0),
            number(one["progress_percent"], 0),
            str(one["steps"]),
        ]
        for one in told["projects"]["rows"]
    ]
    columns = (
        (Label("项目", "Project"), 4.5, False),
        (Label("状态", "State"), 3.4, False),
        (Label("年份", "Years"), 2.5, False),
        (Label("投资（万元）", "Cost, 10⁴ CNY"), 2.2, True),
        (Label("已支付（万元）", "Paid, 10⁴ CNY"), 2.2, True),
        (Label("措施完成 %", "Done, %"), 1.8, True),
        (Label("本期变更", "Steps"), 1.5, True),
    )
    return _table(Label("修复项目进展", "Progress of projects"), columns, cells, lang)


def balances(told: Told, lang: Lang) -> list[Block]:
    """The balances of the kinds that are booked: before, in and after the period."""
    rows = told["balances"]["rows"]
    met = Label("已平衡", "met"), Label("不足", "short")
    cells = [
        [
            f"{one['name']}（{one['unit_name']}）"
            if lang == "zh"
            else f"{one['name']}, {one['unit_name']}",
            *(one[name] for name in ("opening", "taken", "given", "closing")),
            met[not one["met"]].in_(lang) + ("" if one["met"] else f" {one['short']}"),
        ]
        for one in rows
    ]
    columns = (
        (Label("类型", "Kind"), 4.4, False),
        (Label("期初余额", "Opening"), 2.4, True),
        (Label("本期占用", "Taken"), 2.4, True),
        (Label("本期补充", "Given back"), 2.4, True),
        (Label("期末余额", "Closing"), 2.4, True),
        (Label("平衡情况", "Short or met"), 2.6, False),
    )
    colors = [STATUS_COLORS["reached" if one["met"] else "behind"] for one in rows]
    return _table(Label("占补平衡", "Balances"), columns, cells, lang, colors)


def settlements(told: Told, lang: Lang) -> list[Block]:
    """The settlements of the period, and the years that lack one."""
    cells = [
        [
            one["name"],
            str(one["year"]),
            f"{one['upstream']} / {one['downstream']}",
            one["payer_name"],
            one["amount"] or DASH,
            one["state_name"] + (f" {one['paid_on']}" if one["paid_on"] else ""),
        ]
        for one in told["settlements"]["rows"]
    ]
    columns = (
        (Label("协议", "Agreement"), 4.2, False),
        (Label("年度", "Year"), 1.6, True),
        (Label("上游 / 下游", "Upstream / downstream"), 3.8, False),
        (Label("支付方", "Pays"), 2.0, False),
        (Label("金额（元）", "Amount, CNY"), 2.6, True),
        (Label("状态", "State"), 3.6, False),
    )
    caption = Label("生态保护补偿结算", "Settlements of compensation")
    return _table(caption, columns, cells, lang)


def mines(told: Told, lang: Lang) -> list[Block]:
    """Mines accepted, land to be given back, and what producing mines lack where that is told."""
    own = told["mines"]
    name = (Label("名称", "Name"), 6.5, False)
    found = _table(
        Label("本期验收的矿山", "Mines accepted in the period"),
        (
            name,
            (Label("验收面积（公顷）", "Accepted, ha"), 3.4, True),
            (Label("验收日期", "Accepted on"), 3.0, False),
        ),
        [[one["name"], one["area_ha"], one["accepted_on"]] for one in own["rows"]],
        lang,
    )
    found += _table(
        Label("到期土地复垦", "Land to be given back"),
        (
            name,
            (Label("使用终止日", "Use until"), 3.0, False),
            (Label("状态", "State"), 4.4, False),
        ),
        [
            [
                one["name"],
                one["end_on"],
                one["state_name"] + (f" {one['accepted_on']}" if one["accepted_on"] else ""),
            ]
            for one in own["lands"]
        ],
        lang,
    )
    found += _table(
        Label("生产矿山欠报欠缴", "Reports and money producing mines lack"),
        (
            name,
            (Label("未报年度", "Years not reported"), 4.4, False),
            (Label("欠缴恢复基金（元）", "Due and not paid, CNY"), 3.6, True),
        ),
        [
            [one["name"], ", ".join(map(str, one["years"])) or DASH, one["missing"]]
            for one in own["arrears"]
        ],
        lang,
    )
    return found


SHOWN: Mapping[str, Callable[[Told, Lang], list[Block]]] = {
    "indicators": indicators,
    "observations": observations,
    "water": water,
    "air": air,
    "map": zones,
    "alerts": alerts,
    "leads": leads,
    "projects": projects,
    "balances": balances,
    "settlements": settlements,
    "mines": mines,
}
"""By kind of section; those that are not here have their text, and pictures."""


def tells(kind: SectionKind, told: Told) -> bool:
    """Whether there is anything for a section; that no alert was raised is something."""
    observed = told["observations"]
    match kind:
        case "indicators":
            return bool(told["indicators"]["rows"])
        case "observations":
            return bool(observed["stations"])
        case "water":
            return bool(told["water"]["assessed"] or told["sea"]["assessed"])
        case "air":
            return bool(told["air"]["known"])
        case "series":
            return bool(observed["series"])
        case "map":
            places = (told["zones"]["classes"], told["network"]["corridors"], observed["stations"])
            return any(places)
        case "balances" | "settlements":
            return bool(told[kind]["rows"])
        case "mines":
            return any(told["mines"][name] for name in ("rows", "lands", "arrears"))
        case _:
            return True


def _with_year(value: float | None, year: int | None) -> str:
    return figure(value, 6) + (f" ({year})" if value is not None and year is not None else "")


def _classes(
    caption: Label, classes: Sequence[Told], what: Label, lang: Lang, palette: Sequence[str] = ()
) -> list[Block]:
    cells = [[one["name"], str(one["count"]), number(one["percent"])] for one in classes]
    columns = (
        (Label("类别", "Class"), 5.0, False),
        (what, 3.0, True),
        (Label("占比 %", "Share, %"), 3.0, True),
    )
    return _table(caption, columns, cells, lang, palette)


def _stations(rows: Sequence[Told], lang: Lang, palette: Sequence[str]) -> list[Block]:
    cells = [
        [one["name"], one["class_name"], one["deciding_names"] or DASH, str(one["items"])]
        for one in rows
    ]
    columns = (
        (Label("断面（点位）", "Station"), 5.0, False),
        (Label("水质类别", "Class"), 2.6, False),
        (Label("定类项目", "Decided by"), 5.4, False),
        (Label("参评项目数", "Items assessed"), 2.2, True),
    )
    colors = [palette[one["number"] - 1] if one["number"] else None for one in rows]
    return _table(Label("各断面（点位）评价结果", "Each station"), columns, cells, lang, colors)
