"""The parts that are read from the page of a report."""

import io
from pathlib import Path

from docx import Document
from PIL import Image

from shanhai.reporting.blocks import (
    Column,
    Pages,
    Paragraph,
    Picture,
    SectionHeading,
    Table,
    blocks_of,
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
            [Column("分区\nZone", 6), Column("km²", 6, "number"), Column("1", 6)],
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
