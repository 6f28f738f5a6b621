"""The yearly review of a plan's duties as a document: HTML, PDF and DOCX; and its board as bars."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from shanhai.reporting import blocks, pages
from shanhai.reporting.word import word_of
from shanhai.vocabulary import DUTY_STATES, DUTY_VERDICTS, Label, Lang

Content = Mapping[str, Any]
OUTCOMES: Mapping[str, Label] = {
    **{term.code: term.label for term in DUTY_VERDICTS},
    "waiting": Label("待评定", "To be judged"),
    "missing": Label("未报", "Not reported"),
}
STATES: Mapping[str, Label] = {term.code: term.label for term in DUTY_STATES}
_COLUMNS = (
    (Label("单位", "Party"), 3.2),
    (Label("报告", "Report"), 8.4),
    (Label("指标", "Figures"), 3.6),
    (Label("结论", "Verdict"), 2.0),
    (Label("评定意见", "Judgement"), 5.0),
)
_PARTS = {
    "lead": Label("牵头单位", "Leads"),
    "cooperating": Label("配合单位", "Cooperating"),
    "supervising": Label("督导单位", "Supervising"),
    "named": Label("责任单位（分工未载明）", "Named without a part"),
}


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
    states = between.join(f"{STATES[code].in_(lang)} {n}" for code, n in summary["states"].items())
    reports = between.join(
        f"{OUTCOMES[code].in_(lang)} {n}" for code, n in summary["reports"].items() if n
    )
    return [
        f"{Label('职责', 'Duties').in_(lang)} {summary['duties']}{told}{states}",
        f"{Label('报告', 'Reports').in_(lang)}{told}{reports}",
    ]


def write_review_docx(content: Content, lang: Lang, stamp: str | None) -> bytes:
    """The review for word processors."""
    return word_of(review_pages(content, lang, stamp), title_of_review(content, lang), "Shanhai")


def write_review_pdf(content: Content, lang: Lang, stamp: str | None) -> bytes:
    """The review on A4 pages; equal reviews are equal files.

    Raises:
        OSError: the libraries that set type are not installed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "review.pdf"
        pages.write_pdf(path, blocks.render_page(review_pages(content, lang, stamp)))
        return path.read_bytes()


def _duty(duty: Content, lang: Lang) -> Iterator[blocks.Block]:
    told = Label("：", ": ").in_(lang)
    article = "" if duty["article"] is None else f"{duty['article']}  "
    yield blocks.SectionHeading(f"{article}{duty[f'name_{lang}']}", 1)
    heading = duty[f"heading_{lang}"]
    if heading is not None and heading != duty[f"name_{lang}"]:
        yield blocks.Paragraph(f"{Label('条款', 'Article').in_(lang)}{told}{heading}")
    yield blocks.Paragraph(Label("；", "; ").in_(lang).join(_facts(duty, lang)))
    for part, label in _PARTS.items():
        names = [party[f"name_{lang}"] for party in duty["parties"][part]]
        if names:
            listed = Label("、", ", ").in_(lang).join(names)
            yield blocks.Paragraph(f"{label.in_(lang)}{told}{listed}")
    columns = [blocks.Column(label.in_(lang), width) for label, width in _COLUMNS]
    if duty["reports"]:
        yield blocks.Table("", columns, [_cells(report, lang) for report in duty["reports"]])
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


def _cells(report: Content, lang: Lang) -> Sequence[str]:
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
