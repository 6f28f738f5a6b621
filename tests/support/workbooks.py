"""Excel workbooks as spreadsheet programs write them, made of plain values."""

import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
DAY, CHINESE_DAY, OWN_DAY, PERCENT = 1, 2, 3, 4
"""Cell styles: 14, 31, a format of our own with year and day, and 10 (percent)."""
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.00&quot;d&quot;"/></numFmts>'
    '<cellStyleXfs count="1"><xf numFmtId="14"/></cellStyleXfs><cellXfs count="6">'
    '<xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="31"/><xf numFmtId="164"/>'
    '<xf numFmtId="10"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)
Cell = str | float | int | bool | date | None | tuple[str, str]
"""A value, or XML of a cell with the letters of its type."""


def column(number: int) -> str:
    """The letters of a column, from 1."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_xml(value: Cell, place: str, texts: list[str]) -> str:
    """A cell as Excel writes it: texts in a list of their own, days as numbers with a style."""
    if isinstance(value, tuple):
        kind, inner = value
        return f'<c r="{place}" t="{kind}">{inner}</c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        texts.append(value)
        return f'<c r="{place}" t="s"><v>{len(texts) - 1}</v></c>'
    if isinstance(value, date):
        whole = value if isinstance(value, datetime) else datetime(*value.timetuple()[:3])  # noqa: DTZ001
        days = (whole - datetime(1899, 12, 30)).total_seconds() / 86_400  # noqa: DTZ001
        return f'<c r="{place}" s="{DAY}"><v>{days!r}</v></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def sheet_xml(rows: Sequence[Sequence[Cell]], texts: list[str]) -> str:
    """A sheet; cells that hold nothing are left out."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = "".join(
            cell_xml(value, f"{column(place)}{number}", texts)
            for place, value in enumerate(row, 1)
            if value is not None
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    return f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_workbook(
    path: Path,
    sheets: Mapping[str, Sequence[Sequence[Any]]],
    *,
    hidden: Sequence[str] = (),
    from_1904: bool = False,
    others: Mapping[str, str] | None = None,
) -> Path:
    """Write a workbook.

    Args:
        hidden: Names of the sheets that are not shown.
        others: Further members of the zip, or others in place of ours.
    """
    texts: list[str] = []
    members = {
        f"xl/worksheets/sheet{number}.xml": sheet_xml(rows, texts)
        for number, rows in enumerate(sheets.values(), 1)
    }
    listed = "".join(
        f'<sheet name={quoteattr(name)} sheetId="{number}" r:id="rId{number}"'
        f' state="{"hidden" if name in hidden else "visible"}"/>'
        for number, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{number}" Type="{LINKS}/worksheet"'
        f' Target="{"/xl/" if number == 2 else ""}worksheets/sheet{number}.xml"/>'
        for number in range(1, len(sheets) + 1)
    )
    shared = "".join(
        f"<si><t xml:space='preserve'>{escape(text)}</t><rPh sb='0' eb='1'><t>yomi</t></rPh></si>"
        for text in texts
    )
    members |= {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}">'
        f'<workbookPr date1904="{int(from_1904)}"/><sheets>{listed}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}">{shared}</sst>',
        "xl/styles.xml": STYLES,
        **(others or {}),
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return path


def table(path: Path, header: Sequence[str | None], *rows: Sequence[Any]) -> Path:
    """A workbook with one sheet of rows under a header."""
    return write_workbook(path, {"Sheet1": [header, *rows]})
