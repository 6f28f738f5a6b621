"""Excel workbooks: values as they were typed, and nothing run, fetched or unbounded."""

import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import shapely
from openpyxl import Workbook

from shanhai.errors import LimitExceeded, UnsupportedFile
from shanhai.file_limits import ZipLimits
from shanhai.vector import open_source as workbook
from shanhai.vector.sources import FeatureSource, SourceBlock, Wishes
from tests.support.workbooks import (
    CHINESE_DAY,
    LOOKING_LIKE_DAY,
    MAIN,
    OWN_DAY,
    PERCENT,
    SHEET,
    STYLES,
    sheet_xml,
    table,
    write_workbook,
)

HEADER = ("code", "name_zh", "amount", "day")


def opened(path: Path, **wishes: str) -> FeatureSource:
    folder = path.parent / f"opened-{path.name}"
    folder.mkdir()
    return workbook.open_source(path, folder, Wishes(**wishes))


def blocks(path: Path, **wishes: str) -> list[SourceBlock]:
    return list(opened(path, **wishes).blocks())


def column_of(path: Path, name: str, **wishes: str) -> list[Any]:
    return [value for block in blocks(path, **wishes) for value in block.columns[name]]


def styled(number: float, style: int) -> str:
    return f'<c r="A2" s="{style}"><v>{number!r}</v></c>'


def one_cell(path: Path, cell: str) -> Path:
    """A workbook with one column `a` and a cell of it."""
    rows = f'<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row><row r="2">{cell}</row>'
    others = {SHEET: sheet_xml(rows), "xl/styles.xml": STYLES}
    return write_workbook(path, {"S": []}, others=others)


def test_rows_are_read_as_they_were_typed(tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.xlsx",
        HEADER,
        ("a.1", "海沧 <&> 区", 300, date(2026, 5, 1)),
        (),
        ("a.2", None, 1.25),
        (3, "_x000D_ '=1+1", True, datetime(2026, 5, 1, 12, 30)),  # noqa: DTZ001
    )
    source = opened(path)
    assert (source.info.format, source.info.layer) == ("XLSX", "Sheet1")
    assert source.info.fields == HEADER
    assert source.info.samples == ("海沧 <&> 区",)
    [block] = source.blocks()
    assert len(block) == 3, "an empty row is none"
    assert block.numbers == [2, 4, 5], "as the sheet shows them"
    assert not block.broken
    assert block.columns["code"] == ["a.1", "a.2", 3]
    assert block.columns["name_zh"] == ["海沧 <&> 区", None, "\r '=1+1"]
    assert block.columns["amount"] == [300, 1.25, True]
    noon = datetime(2026, 5, 1, 12, 30)  # noqa: DTZ001
    assert block.columns["day"] == [date(2026, 5, 1), None, noon]
    assert block.geometry == [None, None, None]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (styled(45_000, CHINESE_DAY), date(2023, 3, 15)),
        (styled(45_000, OWN_DAY), date(2023, 3, 15)),
        (styled(45_000, PERCENT), 45_000),
        # The d of this format is a word in quotes, and [Red] a colour.
        (styled(45_000, LOOKING_LIKE_DAY), 45_000),
        (styled(0.5, CHINESE_DAY), "12:00:00"),
        ('<c r="A2"><v>1.1000000000000001</v></c>', 1.1),
        ('<c r="A2"><v>1E-4</v></c>', 0.0001),
        ('<c r="A2"><v>12345678901234.56</v></c>', 12345678901234.56),
        ('<c r="A2" t="inlineStr"><is><r><t>山</t></r><r><t>海</t></r></is></c>', "山海"),
        ('<c r="A2" t="str"><f>A1&amp;"x"</f><v>ax</v></c>', "ax"),
        ('<c r="A2"><f>1+1</f><v>2</v></c>', 2),
        (
            '<c r="A2" t="inlineStr"><is><t>山</t><rPh sb="0" eb="1"><t>shan</t></rPh></is></c>',
            "山",
        ),
        ('<c r="A2" t="d"><v>2026-05-01</v></c>', date(2026, 5, 1)),
        ('<c r="A2" t="b"><v>0</v></c>', False),
        ('<c r="A2" t="inlineStr"><is><t>_xD800_</t></is></c>', "_xD800_"),
        ('<c t="inlineStr"><is><t>without a place</t></is></c>', "without a place"),
    ],
)
def test_cells_tell_their_value(tmp_path: Path, cell: str, value: Any) -> None:
    [found] = column_of(one_cell(tmp_path / "a.xlsx", cell), "a")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ('<c r="A2" t="e"><v>#REF!</v></c>', "cell A2 holds the error #REF!"),
        ('<c r="A2"><f>1+1</f></c>', "cell A2 has a formula without a stored value"),
        ('<c r="A2"><f>1+1</f><v></v></c>', "cell A2 has a formula without a stored value"),
        (
            f'<x:c xmlns:x="{MAIN}" r="A2"><x:f>1+1</x:f></x:c>',
            "cell A2 has a formula without a stored value",
        ),
        (styled(3e6, CHINESE_DAY), "cell A2 holds the error #VALUE!"),
        ('<c r="A2"><v>1</v></c><c r="B2"><v>1</v></c>', "has 2 cells where the header has 1"),
    ],
)
@pytest.mark.filterwarnings("ignore:Cell A2 is marked as a date:UserWarning")
def test_what_holds_no_value_is_told_by_its_cell(tmp_path: Path, cell: str, told: str) -> None:
    [block] = blocks(one_cell(tmp_path / "a.xlsx", cell))
    assert block.broken[0].en == told
    assert block.columns["a"] == [None] or "cells" in told


def test_a_formula_whose_result_is_the_empty_text_is_empty(tmp_path: Path) -> None:
    named = "".join(
        f'<c r="{place}" t="inlineStr"><is><t>{place}</t></is></c>' for place in ("A1", "B1")
    )
    cells = '<c r="A2" t="str"><f>IF(B2&gt;1,"x","")</f><v></v></c><c r="B2"><v>1</v></c>'
    rows = f'<row r="1">{named}</row><row r="2">{cells}</row>'
    others = {SHEET: sheet_xml(rows)}
    [block] = blocks(write_workbook(tmp_path / "a.xlsx", {"S": []}, others=others))
    assert (block.broken, block.columns) == ({}, {"A1": [None], "B1": [1]})


def merged(path: Path, rows: Sequence[Sequence[Any]], *ranges: str) -> Path:
    """A workbook with one sheet, some of whose cells are merged."""
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(list(row))
    for cells in ranges:
        sheet.merge_cells(cells)
    book.save(path)
    return path


def test_rows_of_merged_cells_are_told_by_them(tmp_path: Path) -> None:
    lines = [(f"a.{number}", number, "x") for number in range(6)]
    path = merged(tmp_path / "a.xlsx", [("code", "n", "t"), *lines], "C2:C3", "A6:B6")
    [block] = blocks(path)
    told = {number: fault.en for number, fault in block.broken.items()}
    assert told == {
        **dict.fromkeys((0, 1), "cell C2:C3 is merged: fill in each cell of it"),
        4: "cell A6:B6 is merged: fill in each cell of it",
    }
    assert block.columns["code"] == ["a.0", "a.1", "a.2", "a.3", None, "a.5"]
    # A header of two rows begins in what is merged.
    [block] = blocks(merged(tmp_path / "b.xlsx", [("code", "n"), (), ("a", 1)], "A1:A3"))
    assert block.broken[0].zh == "单元格 A1:A3 为合并单元格，请取消合并并逐格填写"


def test_merged_cells_are_told_wherever_the_blocks_of_a_sheet_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = merged(tmp_path / "a.xlsx", [("a", "b"), (1, 2), (3, 4)], "A2:B2", "A3:B3")
    for size in range(40, 80):
        monkeypatch.setattr(workbook, "BLOCK", size)
        [block] = workbook.open_source(path, tmp_path, Wishes()).blocks()
        assert [*block.broken] == [0, 1], size


def test_days_are_counted_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    days = {"S": [("a",), (date(2026, 5, 1),)]}
    path = write_workbook(tmp_path / "a.xlsx", days, from_1904=True)
    assert column_of(path, "a") == [date(2026, 5, 1)]
    # The same numbers count from another day: 4 years and a day, as 1900 is taken for a leap year.
    with zipfile.ZipFile(path) as file:
        sheet = file.read(SHEET).decode()
    (tmp_path / "b").mkdir()
    others = {SHEET: sheet}
    again = write_workbook(tmp_path / "b" / "a.xlsx", days, others=others)
    assert column_of(again, "a") == [date(2022, 4, 30)]


def test_places_become_points(tmp_path: Path) -> None:
    path = table(
        tmp_path / "a.xlsx",
        ("code", "经度", "纬度"),
        ("a", 118.05, 24.45),
        ("b", None, None),
        ("c", "118.1", "24.5"),
        ("d", "east", 24.5),
    )
    [block] = blocks(path)
    first, none, third, wrong = block.geometry
    assert shapely.from_wkb(first) == shapely.Point(118.05, 24.45)
    assert shapely.from_wkb(third) == shapely.Point(118.1, 24.5)
    assert (none, wrong) == (None, None)
    assert block.broken[3].en == "its geometry cannot be read"
    assert block.columns["code"] == ["a", "b", "c", "d"]


def test_one_sheet_is_read_and_others_are_named(tmp_path: Path) -> None:
    sheets = {"甲": [("a",), (1,)], "乙": [("a",), (2,)], "藏": [("a",), (3,)]}
    path = write_workbook(tmp_path / "a.xlsx", sheets, hidden=["藏"])
    with pytest.raises(UnsupportedFile, match="甲, 乙"):
        opened(path)
    (tmp_path / "b").mkdir()
    again = write_workbook(tmp_path / "b" / "a.xlsx", sheets, hidden=["藏"])
    assert column_of(again, "a", layer="乙") == [2]


def test_many_rows_come_in_blocks(tmp_path: Path) -> None:
    rows = [(number, "x" * 100) for number in range(9_000)]
    path = table(tmp_path / "a.xlsx", ("a", "b"), *rows)
    found = blocks(path)
    assert [len(block) for block in found] == [4096, 4096, 808]
    assert [value for block in found for value in block.columns["a"]] == list(range(9_000))


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
    f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
)
FAR = '<row r="9999999"><c r="A9999999"><v>1</v></c></row>'
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'


@pytest.mark.parametrize(
    ("others", "rule"),
    [
        ({"xl/vbaProject.bin": "x"}, "has macros"),
        ({"xl/externalLinks/externalLink1.xml": "<x/>"}, "links to other files"),
        ({SHEET: BOMB}, "document type"),
        ({"xl/workbook.xml": BOMB}, "document type"),
        ({SHEET: "<worksheet><row>"}, "cannot be read"),
        ({SHEET: sheet_xml('<row><c t="s"><v>99</v></c></row>')}, "cannot be read"),
        ({SHEET: sheet_xml("<row><c><v>x</v></c></row>")}, "cannot be read"),
        ({SHEET: sheet_xml('<row><c r="1A"><v>1</v></c></row>')}, "cannot be read"),
        ({SHEET: sheet_xml(FIRST + FAR)}, "more than 1048576 rows"),
        ({"xl/_rels/workbook.xml.rels": "<Relationships/>"}, "cannot be read|has no layer"),
        ({SHEET: sheet_xml("")}, "no header row"),
        ({"../evil.xml": "x"}, "path that leads elsewhere"),
    ],
)
def test_what_breaks_a_rule_is_refused(tmp_path: Path, others: dict[str, str], rule: str) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"S": [("a",), (1,)]}, others=others)
    with pytest.raises(UnsupportedFile, match=rule):
        blocks(path)


def test_names_of_columns_are_distinct(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFile, match="must be distinct"):
        opened(table(tmp_path / "a.xlsx", ("a", "a")))
    with pytest.raises(UnsupportedFile, match="must be distinct"):
        opened(table(tmp_path / "b.xlsx", ("a", None, "b")))
    wide = table(tmp_path / "c.xlsx", [f"c{number}" for number in range(1_001)])
    with pytest.raises(UnsupportedFile, match="more than 1000 columns"):
        opened(wide)
    path = tmp_path / "c.csv"
    path.write_text(",".join(f"c{number}" for number in range(1_001)))
    with pytest.raises(UnsupportedFile, match="1000 at most"):
        opened(path)


def test_a_workbook_that_swells_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = {"xl/sharedStrings.xml": "x" * 30_000}
    path = write_workbook(tmp_path / "a.xlsx", {"S": [("a",)]}, others=others)
    monkeypatch.setattr(workbook, "MOST_TEXT", 20_000)
    with pytest.raises(LimitExceeded, match=r"sharedStrings\.xml' unpacks to more"):
        opened(path)
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "LIMITS", ZipLimits(members=3))
    with pytest.raises(LimitExceeded, match="members"):
        opened(table(tmp_path / "b.xlsx", ("a",)))


def test_another_zip_is_no_workbook(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("xl/workbook.xml", "<x/>")
    assert not workbook.is_workbook(path)
    with pytest.raises(UnsupportedFile, match=r"no \.shp"):
        opened(path)
