"""The parts that are read from the page of a report."""

import io
from pathlib import Path

import pytest
from docx import Document
from docx.document import Document as DocxDocument
from docx.oxml.ns import qn
from PIL import Image

from shanhai.reporting.blocks import (
    LETTERS,
    Block,
    Column,
    Front,
    Pages,
    Paragraph,
    Picture,
    SectionHeading,
    Table,
    blocks_of,
    widths_of,
    word_of,
)

PAGE = """<!DOCTYPE html><html><head><title>hidden</title><style>p { }</style></head><body>
<h1>区域报告<br><span class="en">A region:
 the report</span></h1>
<p>第一
行 &amp; <code>more</code></p>
<section><div class="wide"><table>
<thead><tr><th>分区<br><span>Zone</span></th><th></th><th class="n">km²</th><th>1</th></tr></thead>
<tbody><tr><td><span class="swatch" style="background:#1b6e3c"></span>保护</td>
<td><div class="bar"><i style="width:50%"></i></div></td><td class="n">1.50</td><td></td></tr>
<tr><th colspan="2">合计</th><td class="n">2.00</td><td></td></tr></tbody></table></div></section>
<h2>图</h2><figure><img src="data:a"><figcaption>地图 map</figcaption></figure>
<ul><li>甲</li><li>乙</li></ul><footer>山海 1.0</footer></body></html>"""


def test_a_page_is_read_part_by_part() -> None:
    assert blocks_of(PAGE, {"data:a": Path("map.png")}) == [
        SectionHeading("区域报告\nA region: the report", 0),
        Paragraph("第一 行 & more"),
        Table(
            "",
            [Column("分区\nZone", 7), Column("km²", 7, "number"), Column("1", 6)],
            [["保护", "1.50", ""], ["合计", "2.00", ""]],
            ["1b6e3c", None],
        ),
        SectionHeading("图"),
        Picture("地图 map", Path("map.png")),
        Paragraph("• 甲"),
        Paragraph("• 乙"),
        Paragraph("山海 1.0", quiet=True),
    ]


def test_a_table_without_rows_keeps_its_heading() -> None:
    page = (
        "<body><table><thead><tr><th>甲</th><th>乙</th></tr></thead><tbody></tbody></table></body>"
    )
    (table,) = blocks_of(page, {})
    assert isinstance(table, Table)
    assert [column.text for column in table.columns] == ["甲", "乙"]


def test_a_document_of_a_page_holds_its_tables_and_pictures(tmp_path: Path) -> None:
    Image.new("RGB", (40, 20), "white").save(tmp_path / "map.png")
    blocks = blocks_of(PAGE, {"data:a": tmp_path / "map.png"})
    document = Document(io.BytesIO(word_of(Pages("zh", None, blocks, wide=True), "题", "山海")))
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert rows == [["分区\nZone", "km²", "1"], ["■ 保护", "1.50", ""], ["合计", "2.00", ""]]
    assert len(document.inline_shapes) == 1
    assert document.paragraphs[0].text == "区域报告\nA region: the report"
    section = document.sections[0]
    assert (section.page_width or 0) > (section.page_height or 0)


@pytest.mark.parametrize("number", [0, 0x0B, 0x0D, 0xD800, 0xDFFF, 0xFFFE, 0xFFFF])
def test_a_document_takes_any_text(number: int) -> None:
    odd = chr(number)
    name = f"题{odd}𠮷" + "长" * 300
    table = Table(name, [Column(name, 1)], [[name]])
    blocks: list[Block] = [SectionHeading(name), Paragraph(name), table, Picture(name, None)]
    front = Front(name, name, name, name, name)
    made = word_of(Pages("zh", front, blocks, note=[name]), name, f"{odd}{name}")
    document = Document(io.BytesIO(made))
    clean = name.replace(odd, "")
    properties = document.core_properties
    assert properties.title == properties.author == clean[:255]
    assert document.tables[0].rows[1].cells[0].text == clean
    assert clean in [paragraph.text for paragraph in document.paragraphs]


FRONT = Front("考核报告", "厦门市", "2025 年度", "2026-02-28", None)
UNEVEN = Table("", [Column("单位", 1), Column("意见", 3)], [["甲", "已完成"], ["乙", "未完成"]])


def wide_document() -> DocxDocument:
    return Document(io.BytesIO(word_of(Pages("zh", FRONT, [UNEVEN], wide=True), "题", "山海")))


def test_columns_are_as_wide_as_they_say_in_grid_and_cells() -> None:
    (table,) = wide_document().tables
    for widths in (
        [column.width for column in table.columns],
        *([cell.width for cell in row.cells] for row in table.rows),
    ):
        narrow, broad = (width or 0 for width in widths)
        assert broad == pytest.approx(3 * narrow, rel=1e-3)
        assert narrow + broad == pytest.approx(text_width(wide_document()), rel=1e-3)


def test_chinese_counts_twice_in_the_width_of_a_column() -> None:
    columns = [["氨氮浓度", "4 mg/L"], ["Ammonia nitrogen", "氨氮"], [""], ["长" * 90]]
    assert widths_of(columns) == [2 * 4 + 3, 16 + 3, 6, 40]


def test_a_full_page_breaks_lines_and_no_words() -> None:
    numbers = [["人口\nPopulation", "7,023"]] * 5
    lines = [["供给最落后的服务\nSupply furthest behind", "雨洪调节 Stormwater regulation"]] * 3
    widths = widths_of([*numbers, *lines])
    assert sum(widths) == pytest.approx(LETTERS)
    assert min(widths[:5]) >= len("Population") + 3
    assert len("Stormwater") + 3 < widths[-1] < len("Stormwater regulation") + 9


def test_numbers_stand_at_the_right_where_a_total_is_left_out() -> None:
    page = (
        '<table><thead><tr><th>区</th><th class="n">均值</th></tr></thead><tbody><tr><td>甲</td>'
        '<td class="n">0.5</td></tr><tr><td>合计</td><td></td></tr></tbody></table>'
    )
    (table,) = blocks_of(page, {})
    assert isinstance(table, Table)
    assert [one.kind for one in table.columns] == ["text", "number"]


def text_width(document: DocxDocument) -> int:
    page = document.sections[0]
    return (page.page_width or 0) - (page.left_margin or 0) - (page.right_margin or 0)


def test_the_day_stands_at_the_right_edge_of_a_wide_page() -> None:
    document = wide_document()
    (issued,) = (one for one in document.paragraphs if one.text == "厦门市\t2026-02-28")
    (stop,) = issued.paragraph_format.tab_stops
    assert stop.position == pytest.approx(text_width(document), rel=1e-3)


def test_what_is_said_of_a_picture_stands_on_its_page() -> None:
    parts: list[Block] = [Paragraph("概述"), Paragraph("方法"), Picture("图", None)]
    document = Document(io.BytesIO(word_of(Pages("zh", None, parts), "题", "山海")))
    kept = {one.text: one.paragraph_format.keep_with_next for one in document.paragraphs}
    assert kept == {"概述": None, "方法": True, "图": None}


def test_chinese_is_set_by_the_rules_of_chinese() -> None:
    document = wide_document()
    told = [
        element.get(qn("w:eastAsia"))
        for part in (document.styles, document.settings)
        for element in part.element.xpath("//w:lang | //w:themeFontLang")
    ]
    assert told == ["zh-CN", "zh-CN"]
