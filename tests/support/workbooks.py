"""Excel workbooks made of plain values, and parts of them put in place of others."""

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHEET = "xl/worksheets/sheet1.xml"
CHINESE_DAY, OWN_DAY, PERCENT, LOOKING_LIKE_DAY = 1, 2, 3, 4
"""Cell styles: 31, a format of our own with year and day, 10 (percent), and a word in quotes."""
STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts count="2">'
    '<numFmt numFmtId="164" formatCode="yyyy&quot;年&quot;m&quot;月&quot;d&quot;日&quot;"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.00&quot;d&quot;"/></numFmts>'
    '<cellXfs count="5"><xf numFmtId="0"/><xf numFmtId="31"/><xf numFmtId="164"/>'
    '<xf numFmtId="10"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


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
        others: Further members of the zip, or others in place of those written.
    """
    book = Workbook(write_only=True)
    if from_1904:
        book.epoch = CALENDAR_MAC_1904
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
        for row in rows:
            sheet.append(row)
    book.save(path)
    if others:
        _replace(path, others)
    return path


def _replace(path: Path, others: Mapping[str, str]) -> None:
    with zipfile.ZipFile(path) as file:
        members: dict[str, str | bytes] = {name: file.read(name) for name in file.namelist()}
    members |= others
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)


def sheet_xml(rows: str) -> str:
    """A sheet, from the XML of its rows."""
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def table(path: Path, header: Sequence[str | None], *rows: Sequence[Any]) -> Path:
    """A workbook with one sheet of rows under a header."""
    return write_workbook(path, {"Sheet1": [header, *rows]})
