"""The evaluation of a plan's indicators as a table: its columns, in words; and as DOCX and CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shanhai.reporting.blocks import Block, Column, Pages, Paragraph, SectionHeading, Table
from shanhai.reporting.word import word_of
from shanhai.science.indicators import STATUSES
from shanhai.science.units import unit_label
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import INDICATOR_PROPERTIES, Label, Lang

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
    columns = [Column(one.label.in_(lang), one.width_cm, one.kind) for one in COLUMNS]
    rows = [
        [DASH if value is None else str(value) for value in cells]
        for cells in table_of(content, lang)
    ]
    blocks: list[Block] = [SectionHeading(title), *map(Paragraph, lines), Table("", columns, rows)]
    if stamp is not None:
        blocks.append(Paragraph(stamp_line(stamp, lang)))
    return word_of(Pages(lang, None, blocks, wide=True), title, "Shanhai")


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
