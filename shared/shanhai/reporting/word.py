"""Documents as DOCX, for word processors; equal documents are equal files."""

import io
import re
import zipfile
from collections.abc import Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, time
from itertools import zip_longest
from pathlib import Path

from docx import Document
from docx.document import Document as DocxDocument
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_TAB_ALIGNMENT
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Emu, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.table import _Cell, _Row
from docx.text.paragraph import Paragraph as DocxParagraph
from docx.text.run import Run

from shanhai.reporting import blocks

RED = RGBColor(0xB5, 0x12, 0x1B)
SOFT = RGBColor(0x59, 0x65, 0x6D)
A4_CM = (21.0, 29.7)
MARGINS_CM = {"left": 2.6, "right": 2.4, "top": 2.6, "bottom": 2.4}
TALLEST_CM = 12.5
LONGEST_PROPERTY = 255
FONTS = {"body": ("Times New Roman", "SimSun"), "head": ("Arial", "SimHei")}
BODY_PT, HEAD_PT, TITLE_PT, TABLE_PT = 12, 14, 24, 9
AFTER_BORDERS = tuple(
    f"w:{name}"
    for name in ("shd", "tabs", "suppressAutoHyphens", "spacing", "ind", "contextualSpacing", "jc")
)
"""What the schema wants behind the borders of a paragraph."""
ZIP_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest a ZIP archive knows: the parts of a file would tell when they were written."""


def document_of(pages: blocks.Pages, title: str, author: str, made_on: date | None = None) -> bytes:
    """What `blocks.word_of` makes."""
    document = Document()
    _set_page(document, wide=pages.wide)
    _set_styles(document)
    properties = document.core_properties
    properties.title, author = _clean(title)[:LONGEST_PROPERTY], _clean(author)[:LONGEST_PROPERTY]
    properties.author = properties.last_modified_by = author
    properties.language = "zh-CN" if pages.lang == "zh" else "en"
    if made_on is not None:
        properties.created = properties.modified = datetime.combine(made_on, time(), UTC)
    if pages.front is not None:
        _add_front(document, pages.front, _text_cm(pages))
    for block, following in zip_longest(pages.blocks, pages.blocks[1:]):
        match block:
            case blocks.SectionHeading():
                style = f"Heading{block.level}" if block.level else "Title"
                _add_styled(document, block.text, style)
            case blocks.Paragraph():
                paragraph = _add_paragraph(document, block, pages)
                keep = isinstance(following, blocks.Picture) or None
                paragraph.paragraph_format.keep_with_next = keep
            case blocks.Table():
                _add_table(document, block, _text_cm(pages))
            case blocks.Picture():
                _add_picture(document, block, _text_cm(pages))
    for text in pages.note:
        _add_paragraph(document, blocks.Paragraph(text, quiet=True), pages)
    _add_page_numbers(document, pages.lang)
    out = io.BytesIO()
    document.save(out)
    return _timeless(out.getvalue())


def write_word(path: Path, pages: blocks.Pages, issued_on: date) -> None:
    """Write a bulletin; the day it tells in its properties is that of its issue."""
    front = pages.front or blocks.Front("", "", "", "", None)
    path.write_bytes(document_of(pages, f"{front.title} {front.number}", front.issuer, issued_on))


def _text_cm(pages: blocks.Pages) -> float:
    """Width of the text."""
    return A4_CM[pages.wide] - MARGINS_CM["left"] - MARGINS_CM["right"]


def _timeless(content: bytes) -> bytes:
    """The archive with one time for all its parts, in the order they have."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name in given.namelist():
            info = zipfile.ZipInfo(name, ZIP_TIME)
            # A picture would not become smaller.
            stored = name.endswith(".png")
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            made.writestr(info, given.read(name))
    return out.getvalue()


def _set_page(document: DocxDocument, *, wide: bool) -> None:
    section = document.sections[0]
    section.start_type = WD_SECTION.NEW_PAGE
    section.orientation = WD_ORIENT.LANDSCAPE if wide else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Cm(side) for side in sorted(A4_CM, reverse=wide))
    for side, width in MARGINS_CM.items():
        setattr(section, f"{side}_margin", Cm(width))


def _set_styles(document: DocxDocument) -> None:
    for name, kind, size, bold in (
        ("Normal", "body", BODY_PT, False),
        ("Heading 1", "head", HEAD_PT, True),
        ("Heading 2", "head", BODY_PT, True),
        ("Title", "head", TITLE_PT, True),
        ("Caption", "head", TABLE_PT + 1, True),
    ):
        style = document.styles[name]
        if not isinstance(style, ParagraphStyle):
            raise LookupError(f"the template has no paragraph style {name}")
        latin, chinese = FONTS[kind]
        style.font.name, style.font.size, style.font.bold = latin, Pt(size), bold
        style.font.color.rgb = RED if name == "Title" else RGBColor(0, 0, 0)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        # A theme's font would win over the named one.
        for attribute in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
            fonts.attrib.pop(qn(f"w:{attribute}"), None)
        fonts.set(qn("w:eastAsia"), chinese)
    # The template's own is Japanese, by whose rules and shapes Chinese would be set.
    for part in (document.styles, document.settings):
        for lang in part.element.xpath("//w:lang | //w:themeFontLang"):
            lang.set(qn("w:eastAsia"), "zh-CN")
    normal = document.styles["Normal"].paragraph_format
    normal.space_after, normal.line_spacing = Pt(4), 1.4
    document.styles["Caption"].paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    heading = document.styles["Heading 1"].paragraph_format
    heading.space_before, heading.space_after, heading.keep_with_next = Pt(14), Pt(6), True


def _add_front(document: DocxDocument, front: blocks.Front, text_cm: float) -> None:
    title = _add_styled(document, front.title, "Title")
    title.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _border(title, None)
    number = document.add_paragraph(_clean(front.number))
    number.alignment = WD_ALIGN_PARAGRAPH.CENTER
    issued = document.add_paragraph(_clean(f"{front.issuer}\t{front.day}"))
    issued.paragraph_format.tab_stops.add_tab_stop(Cm(text_cm), WD_TAB_ALIGNMENT.RIGHT)
    _border(issued, "B5121B")
    if front.corrects is not None:
        corrects = document.add_paragraph()
        corrects.alignment = WD_ALIGN_PARAGRAPH.CENTER
        corrects.add_run(_clean(front.corrects)).font.color.rgb = RED


def _border(paragraph: DocxParagraph, color: str | None) -> None:
    """A line below a paragraph; with no colour, none."""
    properties = paragraph._p.get_or_add_pPr()
    borders = OxmlElement("w:pBdr")
    bottom = OxmlElement("w:bottom")
    line = {"val": "nil"}
    if color is not None:
        line = {"val": "single", "sz": "18", "space": "4", "color": color}
    for name, value in line.items():
        bottom.set(qn(f"w:{name}"), value)
    borders.append(bottom)
    properties.insert_element_before(borders, *AFTER_BORDERS)


def _add_styled(document: DocxDocument, text: str, style: str) -> DocxParagraph:
    """A paragraph in a style, which its id names: for a name all styles are looked through."""
    paragraph = document.add_paragraph(_clean(text))
    paragraph._p.style = style
    return paragraph


def _add_paragraph(
    document: DocxDocument, block: blocks.Paragraph, pages: blocks.Pages
) -> DocxParagraph:
    paragraph = document.add_paragraph()
    run = paragraph.add_run(_clean(block.text))
    if block.quiet:
        run.font.size, run.font.color.rgb = Pt(TABLE_PT), SOFT
    elif pages.lang == "zh" and pages.front is not None:
        paragraph.paragraph_format.first_line_indent = Pt(2 * BODY_PT)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY
    return paragraph


def _add_table(document: DocxDocument, block: blocks.Table, text_cm: float) -> None:
    if block.caption:
        caption = _add_styled(document, block.caption, "Caption")
        caption.paragraph_format.keep_with_next = True
    table = document.add_table(rows=0, cols=len(block.columns))
    table._tbl.tblStyle_val, table.autofit = "TableGrid", False
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    total = sum(column.width for column in block.columns)
    # New cells take the widths of the grid, which LibreOffice goes by.
    for column, shown in zip(block.columns, table.columns, strict=True):
        shown.width = Cm(text_cm * column.width / total)
    if any(column.text for column in block.columns):
        head = table.add_row()
        _fill(head, [column.text for column in block.columns], block, head=True)
        _mark(head, "tblHeader")
    formatted = None
    for place, cells in enumerate(block.rows):
        if formatted is None:
            row = table.add_row()
            _mark(row, "cantSplit")
            _fill(row, cells, block)
            formatted = deepcopy(row._tr)
        else:  # a copy takes a fifth of the time
            row = _Row(deepcopy(formatted), table)
            table._tbl.append(row._tr)
            for cell, text in zip(row._tr.tc_lst, cells, strict=True):
                cell.p_lst[0].r_lst[0].text = _clean(text)
        color = block.colors[place] if place < len(block.colors) else None
        if color is not None:
            _put_swatch(row.cells[0], color)
    document.add_paragraph().paragraph_format.space_after = Pt(0)


def _fill(row: _Row, cells: Sequence[str], block: blocks.Table, *, head: bool = False) -> None:
    for place, column, text in zip(row.cells, block.columns, cells, strict=True):
        paragraph = place.paragraphs[0]
        paragraph.paragraph_format.space_after = Pt(0)
        paragraph.paragraph_format.line_spacing = 1.15
        run = paragraph.add_run(_clean(text))
        run.font.size, run.bold = Pt(TABLE_PT), head
        if column.kind == "number":
            paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _put_swatch(cell: _Cell, color: str) -> None:
    """A square of the colour before the text of a cell."""
    first = cell.paragraphs[0].runs[0]
    mark = Run(OxmlElement("w:r"), first._parent)
    first._r.addprevious(mark._r)
    mark.text = "■ "
    mark.font.size = Pt(TABLE_PT)
    mark.font.color.rgb = RGBColor.from_string(color.removeprefix("#").upper())


def _mark(row: _Row, what: str) -> None:
    """Repeat the row on every page, or keep it on one."""
    mark = OxmlElement(f"w:{what}")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)


def _add_picture(document: DocxDocument, block: blocks.Picture, text_cm: float) -> None:
    if block.path is not None:
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.paragraph_format.keep_with_next = True
        shape = paragraph.add_run().add_picture(str(block.path), width=Cm(text_cm))
        if shape.height > Cm(TALLEST_CM):
            shape.width = Emu(shape.width * Cm(TALLEST_CM) // shape.height)
            shape.height = Cm(TALLEST_CM)
        # What screen readers say of it.
        shape._inline.docPr.set("descr", _clean(block.caption))
    _add_styled(document, block.caption, "Caption")


def _add_page_numbers(document: DocxDocument, lang: str) -> None:
    paragraph = document.sections[0].footer.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    before, between, after = ("第 ", " 页，共 ", " 页") if lang == "zh" else ("Page ", " of ", "")
    paragraph.add_run(before)
    _add_field(paragraph, "PAGE")
    paragraph.add_run(between)
    _add_field(paragraph, "NUMPAGES")
    paragraph.add_run(after)


def _add_field(paragraph: DocxParagraph, name: str) -> None:
    field = OxmlElement("w:fldSimple")
    field.set(qn("w:instr"), name)
    field.append(paragraph.add_run("1")._r)
    paragraph._p.append(field)


def _clean(text: str) -> str:
    """Text XML can hold."""
    return re.sub("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)
