"""The yearly documents of a plan: the evaluation of its indicators, the review of its duties."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shanhai.reporting import blocks
from shanhai.science.indicators import STATUSES
from shanhai.science.units import unit_label
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import (
    ADOPTIONS,
    DUTY_PARTS,
    DUTY_STATES,
    DUTY_VERDICTS,
    INDICATOR_PROPERTIES,
    Label,
    Lang,
)

Row = Mapping[str, Any]
Cell = str | int | float | None
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "eq": "="}
BY_SENSE = {"at_least": "≥", "at_most": "≤", "track": "="}
BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheets take a file for UTF-8 by it, and show Chinese."""
DASH = "–"
TERMS = {term.code: term.label for term in (*STATUSES, *INDICATOR_PROPERTIES)}


@dataclass(frozen=True, slots=True)
class EvaluationColumn:
    """A column: its heading, what it takes from a row, and its width in a document."""

    name: str
    label: Label
    take: Callable[[Row, Lang], Cell]
    width_cm: float
    kind: Literal["text", "number"] = "text"


def _name(member: str) -> Callable[[Row, Lang], Cell]:
    def take(row: Row, lang: Lang) -> Cell:
        named = row[member]
        return None if named is None else str(named[f"name_{lang}"])

    return take


def _plain(member: str) -> Callable[[Row, Lang], Cell]:
    return lambda row, lang: row[member]


def _term(member: str) -> Callable[[Row, Lang], Cell]:
    return lambda row, lang: TERMS[row[member]].in_(lang)


def _base(row: Row, lang: Lang) -> Cell:
    base = row["base"]
    return None if base is None or base["value"] is None else f"{base['value']} ({base['year']})"


def _target(row: Row, lang: Lang) -> Cell:
    """A target with its sign, as printed or else as it reads; a total says from when it counts."""
    target = row["target"]
    if target is None or target["value"] is None:
        return None
    sign = SIGNS.get(target["comparator"]) or BY_SENSE[target["sense"]]
    year = "" if target["year"] is None else f" ({target['year']})"
    since = target["cumulative_from"]
    counted = Label(f"，自 {since} 年累计", f", counted from {since}").in_(lang) if since else ""
    return f"{sign} {target['value']}{year}{counted}"


def _remarks(row: Row, lang: Lang) -> Cell:
    return " ".join(remark[lang] for remark in row["remarks"]) or None


COLUMNS: tuple[EvaluationColumn, ...] = (
    EvaluationColumn(
        "indicator", Label("指标", "Indicator"), lambda row, lang: row[f"name_{lang}"], 4.0
    ),
    EvaluationColumn("region", Label("区域", "Region"), _name("region"), 1.8),
    EvaluationColumn("department", Label("责任部门", "Department"), _name("department"), 2.0),
    EvaluationColumn("property", Label("属性", "Property"), _term("property"), 1.5),
    EvaluationColumn(
        "unit", Label("单位", "Unit"), lambda r, lang: unit_label(r["unit"]).in_(lang), 1.5
    ),
    EvaluationColumn("base", Label("基期值", "Base"), _base, 2.1),
    EvaluationColumn("target", Label("目标值", "Target"), _target, 2.6),
    EvaluationColumn("value", Label("现状值", "Value"), _plain("value"), 1.5, "number"),
    EvaluationColumn(
        "value_year", Label("数值年份", "Value of"), _plain("value_year"), 1.3, "number"
    ),
    EvaluationColumn(
        "path_value", Label("当年应达值", "Due by path"), _plain("path_value"), 1.5, "number"
    ),
    EvaluationColumn("gap", Label("差距", "Gap"), _plain("gap"), 1.4, "number"),
    EvaluationColumn("status", Label("状态", "Status"), _term("status"), 1.5),
    EvaluationColumn("remarks", Label("说明", "Remarks"), _remarks, 4.0),
)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What marks a stored evaluation: its code, when it was stored, the hash of its content."""

    code: str
    stored_at: str
    sha256: str


def title_of(content: Mapping[str, Any], lang: Lang) -> str:
    """The heading of an evaluation."""
    name, year = content["plan"][f"name_{lang}"], content["year"]
    return Label(f"{name} {year} 年度指标评估", f"{name}: indicators in {year}").in_(lang)


def summary_lines(content: Mapping[str, Any], lang: Lang) -> list[str]:
    """How many indicators have each status, a line for the binding and one for the expected."""
    between, after = Label("，", ", ").in_(lang), Label("：", ": ").in_(lang)
    return [
        TERMS[kind].in_(lang)
        + after
        + between.join(f"{TERMS[code].in_(lang)} {count}" for code, count in counts.items())
        for kind, counts in content["summary"].items()
    ]


def table_of(content: Mapping[str, Any], lang: Lang) -> list[list[Cell]]:
    """The rows of the table, in the order of `COLUMNS`."""
    return [[column.take(row, lang) for column in COLUMNS] for row in content["rows"]]


def write_csv(content: Mapping[str, Any], lang: Lang) -> bytes:
    """The table for spreadsheets; no text in it becomes a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.label.in_(lang) for column in COLUMNS])
    for cells in table_of(content, lang):
        writer.writerow([neutralised(cell) if isinstance(cell, str) else cell for cell in cells])
    return (BYTE_ORDER_MARK + out.getvalue()).encode()


def write_docx(content: Mapping[str, Any], lang: Lang, stamp: Stamp | None = None) -> bytes:
    """A document of one table on wide pages, whose heading is repeated on each."""
    title = title_of(content, lang)
    lines = (*_scope_lines(content, lang), *summary_lines(content, lang))
    columns = [blocks.Column(one.label.in_(lang), one.width_cm, one.kind) for one in COLUMNS]
    rows = [
        [DASH if value is None else str(value) for value in cells]
        for cells in table_of(content, lang)
    ]
    parts: list[blocks.Block] = [
        blocks.SectionHeading(title),
        *map(blocks.Paragraph, lines),
        blocks.Table("", columns, rows),
    ]
    if stamp is not None:
        parts.append(blocks.Paragraph(stamp_line(stamp, lang)))
    return blocks.word_of(blocks.Pages(lang, None, parts, wide=True), title, "Shanhai")


def stamp_line(stamp: Stamp, lang: Lang) -> str:
    """What tells a stored evaluation from one made anew."""
    return Label(
        f"存档 {stamp.code}，{stamp.stored_at}，SHA-256 {stamp.sha256}",
        f"Stored as {stamp.code} at {stamp.stored_at}, SHA-256 {stamp.sha256}",
    ).in_(lang)


def _scope_lines(content: Mapping[str, Any], lang: Lang) -> Iterable[str]:
    if content["department"] is not None:
        label = Label("责任部门：", "Department: ").in_(lang)
        yield label + content["department"][f"name_{lang}"]


Content = Mapping[str, Any]
OUTCOMES: Mapping[str, Label] = {
    **{term.code: term.label for term in DUTY_VERDICTS},
    "waiting": Label("待评定", "To be judged"),
    "missing": Label("未报", "Not reported"),
}
STATES: Mapping[str, Label] = {term.code: term.label for term in DUTY_STATES}
_REVIEW_COLUMNS = (
    (Label("单位", "Party"), 3.2),
    (Label("报告", "Report"), 8.4),
    (Label("指标", "Figures"), 3.6),
    (Label("结论", "Verdict"), 2.0),
    (Label("评定意见", "Judgement"), 5.0),
)


def title_of_review(content: Content, lang: Lang) -> str:
    """The heading of a review."""
    name, year = content["plan"][f"name_{lang}"], content["year"]
    return Label(f"{name} {year} 年度职责考核", f"{name}: review of the duties in {year}").in_(lang)


def review_pages(content: Content, lang: Lang, stamp: str | None) -> blocks.Pages:
    """The review as a document; `stamp` tells when it was frozen, and with which SHA-256."""
    name, year, due = content["plan"][f"name_{lang}"], content["year"], content["reports_due_on"]
    front = blocks.Front(
        Label("年度职责考核报告", "Review of duties").in_(lang),
        name,
        Label(f"{year} 年度", f"Year {year}").in_(lang),
        Label(f"报告截止 {due}", f"Reports due {due}").in_(lang),
        None,
    )
    parts = [
        *map(blocks.Paragraph, summary_of_review(content, lang)),
        *(part for duty in content["duties"] for part in _duty(duty, lang)),
    ]
    draft = Label("考核进行中，内容尚未定稿。", "The review goes on; nothing here is final.")
    note = (stamp if stamp is not None else draft.in_(lang),)
    return blocks.Pages(lang, front, parts, note, wide=True)


def summary_of_review(content: Content, lang: Lang) -> list[str]:
    """How many duties have each state, and how many reports each outcome."""
    told, summary = Label("：", ": ").in_(lang), content["summary"]
    between = Label("，", ", ").in_(lang)
    # What is stored has lost the order of its names.
    states, reports = (
        between.join(
            f"{label.in_(lang)} {counts[code]}" for code, label in words.items() if counts.get(code)
        )
        for words, counts in ((STATES, summary["states"]), (OUTCOMES, summary["reports"]))
    )
    return [
        f"{Label('职责', 'Duties').in_(lang)} {summary['duties']}{told}{states}",
        f"{Label('报告', 'Reports').in_(lang)}{told}{reports}",
    ]


def _duty(duty: Content, lang: Lang) -> Iterator[blocks.Block]:
    told = Label("：", ": ").in_(lang)
    article = "" if duty["article"] is None else f"{duty['article']}  "
    yield blocks.SectionHeading(f"{article}{duty[f'name_{lang}']}", 1)
    heading = duty[f"heading_{lang}"]
    if heading is not None and heading != duty[f"name_{lang}"]:
        yield blocks.Paragraph(f"{Label('条款', 'Article').in_(lang)}{told}{heading}")
    yield blocks.Paragraph(Label("；", "; ").in_(lang).join(_facts(duty, lang)))
    for part in DUTY_PARTS:
        names = [party[f"name_{lang}"] for party in duty["parties"][part.code]]
        if names:
            listed = Label("、", ", ").in_(lang).join(names)
            yield blocks.Paragraph(f"{part.label.in_(lang)}{told}{listed}")
    columns = [blocks.Column(label.in_(lang), width) for label, width in _REVIEW_COLUMNS]
    if duty["reports"]:
        yield blocks.Table("", columns, [_report_cells(report, lang) for report in duty["reports"]])
    else:
        none = Label("没有填报单位。", "No party answers for it.")
        yield blocks.Paragraph(none.in_(lang), quiet=True)


def _facts(duty: Content, lang: Lang) -> Iterator[str]:
    told = Label("：", ": ").in_(lang)
    yield f"{Label('状态', 'State').in_(lang)}{told}{STATES[duty['state']].in_(lang)}"
    if duty["due"] is not None:
        yield f"{Label('期限', 'Due').in_(lang)}{told}{duty['due']}"
    if duty[f"success_{lang}"]:
        success = Label("完成标准", "Measure of success").in_(lang)
        yield f"{success}{told}{duty[f'success_{lang}']}"
    if duty["reason"]:
        yield f"{Label('原因', 'Reason').in_(lang)}{told}{duty['reason']}"


def _report_cells(report: Content, lang: Lang) -> Sequence[str]:
    figures = "; ".join(
        f"{one['name']} {one['value']} {one['unit'] or ''}".rstrip() for one in report["figures"]
    )
    evidence = ", ".join(report["evidence"])
    text = report["text"] or "–"
    if evidence:
        text += f" ({Label('依据', 'evidence').in_(lang)} {evidence})"
    return (
        report["party"][f"name_{lang}"],
        text,
        figures or "–",
        OUTCOMES[report["outcome"]].in_(lang),
        report["judgement"] or "–",
    )


ADOPTED: Mapping[str, Label] = {
    **{term.code: term.label for term in ADOPTIONS},
    "unanswered": Label("未答复", "Without a reply"),
}
_NOT_SHOWN = Label("（不公开）", "(not shown)")
_HEARD_COLUMNS = (
    (Label("意见", "Comment"), 8.0),
    (Label("采纳情况", "Adoption"), 2.6),
    (Label("理由", "Reason"), 6.0),
    (Label("答复", "Reply"), 6.0),
)


def title_of_hearing(content: Content, lang: Lang) -> str:
    """The heading of the report on the comments of a notice."""
    name = content["notice"][f"name_{lang}"]
    return Label(f"{name}：公众意见汇总", f"{name}: summary of comments").in_(lang)


def hearing_lines(content: Content, lang: Lang) -> list[str]:
    """When the notice was open, by which law, and how many comments became what."""
    notice, counts = content["notice"], content["counts"]
    basis = notice["legal_basis"]
    between, told = Label("，", ", ").in_(lang), Label("：", ": ").in_(lang)
    adopted = between.join(
        f"{label.in_(lang)} {counts['by_adoption'][code]}" for code, label in ADOPTED.items()
    )
    period = Label(
        f"{notice['published_on']} 发布，公示期 {notice['period_from']} 至 {notice['period_to']}"
        f"（不少于 {notice['least_days']} 日）",
        f"Published on {notice['published_on']}, open from {notice['period_from']} to"
        f" {notice['period_to']} (at least {notice['least_days']} days)",
    ).in_(lang)
    return [
        period if basis is None else f"{period}{between}{basis}",
        f"{Label('意见', 'Comments').in_(lang)} {counts['comments']}{told}{adopted}",
    ]


def hearing_pages(content: Content, lang: Lang, stamp: str | None) -> blocks.Pages:
    """The report as a document; `stamp` tells when it was frozen, and with which SHA-256."""
    counts, notice = content["counts"], content["notice"]
    front = blocks.Front(
        Label("公众意见汇总报告", "Summary of comments").in_(lang),
        notice[f"name_{lang}"],
        notice["code"],
        f"{notice['period_from']} – {notice['period_to']}",
        None,
    )
    parts: list[blocks.Block] = list(map(blocks.Paragraph, hearing_lines(content, lang)))
    if counts["by_topic"]:
        heads = [Label("主题", "Topic"), Label("意见", "Comments"), *ADOPTED.values()]
        columns = [
            blocks.Column(one.in_(lang), 6.0 if place == 0 else 2.6, "number" if place else "text")
            for place, one in enumerate(heads)
        ]
        rows = [
            [one["topic"] or DASH, str(one["comments"]), *(str(one[code]) for code in ADOPTED)]
            for one in counts["by_topic"]
        ]
        parts += [
            blocks.SectionHeading(Label("按主题", "By topic").in_(lang)),
            blocks.Table("", columns, rows),
        ]
    parts.append(blocks.SectionHeading(Label("意见与采纳情况", "Comments, one by one").in_(lang)))
    if content["comments"]:
        columns = [blocks.Column(label.in_(lang), width) for label, width in _HEARD_COLUMNS]
        parts.append(blocks.Table("", columns, [_heard(one, lang) for one in content["comments"]]))
    else:
        none = Label("公示期内未收到意见。", "No comment came in the period.")
        parts.append(blocks.Paragraph(none.in_(lang), quiet=True))
    draft = Label("尚未定稿。", "Not frozen yet.")
    note = (stamp if stamp is not None else draft.in_(lang),)
    return blocks.Pages(lang, front, parts, note, wide=True)


def _heard(one: Content, lang: Lang) -> Sequence[str]:
    hidden = _NOT_SHOWN.in_(lang)
    return (
        one["text"] or hidden,
        ADOPTED[one["adoption"] or "unanswered"].in_(lang),
        one["reason"] or DASH,
        one["reply"] or (hidden if one["adoption"] else DASH),
    )
