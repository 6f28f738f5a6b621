"""The evaluation of a plan's indicators as a table: its columns, in words; and as DOCX and CSV."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt
from docx.styles.style import ParagraphStyle
from docx.table import _Cell, _Row

from shanhai.science.indicators import STATUSES
from shanhai.science.units import unit_label
from shanhai.vector.formats import neutralised
from shanhai.vocabulary import INDICATOR_PROPERTIES, Label, Lang

Row = Mapping[str, Any]
Cell = str | int | float | None
SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<", "eq": "="}
BY_SENSE = {"at_least": "≥", "at_most": "≤", "track": "="}
FONTS = {"zh": "SimSun", "en": "Times New Roman"}
HEADING_FONT = "SimHei"
BYTE_ORDER_MARK = "\ufeff"
"""Spreadsheets take a file for UTF-8 by it, and show Chinese."""
BODY_PT, TITLE_PT = 8, 16
A4_CM = (29.7, 21.0)
MARGIN_CM = 1.5
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
    document = Document()
    _set_page(document)
    _set_fonts(document)
    title = title_of(content, lang)
    document.core_properties.title = title
    document.core_properties.author = "Shanhai"
    document.core_properties.language = "zh-CN" if lang == "zh" else "en"
    document.add_heading(title, level=1)
    for line in (*_scope_lines(content, lang), *summary_lines(content, lang)):
        document.add_paragraph(line)
    _add_table(document, table_of(content, lang), lang)
    if stamp is not None:
        document.add_paragraph(stamp_line(stamp, lang))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


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


def _set_page(document: DocxDocument) -> None:
    section = document.sections[0]
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = (Cm(side) for side in A4_CM)
    for side in ("left", "right", "top", "bottom"):
        setattr(section, f"{side}_margin", Cm(MARGIN_CM))


def _set_fonts(document: DocxDocument) -> None:
    """Name a font for Latin and one for Chinese letters: without, each program takes its own."""
    for name, chinese, size in (
        ("Normal", FONTS["zh"], BODY_PT),
        ("Heading 1", HEADING_FONT, TITLE_PT),
    ):
        style = document.styles[name]
        if not isinstance(style, ParagraphStyle):
            raise LookupError(f"the template has no paragraph style {name}")
        style.font.name, style.font.size = FONTS["en"], Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        # A theme's font would win over the named one.
        for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{attribute}"), None)
        fonts.set(qn("w:eastAsia"), chinese)
        style.paragraph_format.space_after = Pt(2)


def _add_table(document: DocxDocument, rows: Sequence[Sequence[Cell]], lang: Lang) -> None:
    table = document.add_table(rows=1, cols=len(COLUMNS))
    table.style = "Table Grid"
    table.autofit = False
    _fill(table.rows[0], [column.label.in_(lang) for column in COLUMNS], bold=True)
    _repeat(table.rows[0])
    for cells in rows:
        _fill(table.add_row(), cells)


def _fill(row: _Row, cells: Sequence[Cell], *, bold: bool = False) -> None:
    for place, column, value in zip(row.cells, COLUMNS, cells, strict=True):
        place.width = Cm(column.width_cm)
        _write(place, DASH if value is None else str(value), column, bold=bold)


def _write(place: _Cell, text: str, column: EvaluationColumn, *, bold: bool) -> None:
    paragraph = place.paragraphs[0]
    paragraph.add_run(_without_controls(text)).bold = bold
    if column.kind == "number":
        paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _repeat(row: _Row) -> None:
    """Show the row again at the top of every page."""
    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _without_controls(text: str) -> str:
    """Text XML can hold."""
    return "".join(letter for letter in text if letter >= " " or letter in "\t\n")
