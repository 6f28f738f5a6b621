import csv
import io
from typing import Any

import pytest
from docx import Document
from docx.oxml.ns import qn

from shanhai.reporting.plan_evaluation import (
    COLUMNS,
    Stamp,
    stamp_line,
    summary_lines,
    table_of,
    title_of,
    write_csv,
    write_docx,
)
from shanhai.vocabulary import Lang

REGION = {"code": "banan", "name_zh": "巴南区", "name_en": "Banan"}
STAMP = Stamp("plan.2023.1", "2024-01-31T00:00:00Z", "ab" * 32)


def row(**changed: Any) -> dict[str, Any]:
    target = {
        "value": 261,
        "year": 2025,
        "comparator": "none",
        "sense": "at_least",
        "cumulative_from": 2021,
    }
    return {
        "name_zh": "矿山修复面积",
        "name_en": "Restored mines",
        "region": REGION,
        "department": None,
        "property": "binding",
        "unit": "ha",
        "base": {"year": 2020, "value": 131.8},
        "target": target,
        "value": 160,
        "value_year": 2023,
        "path_value": 156.6,
        "gap": 101,
        "status": "on_track",
        "remarks": [{"code": "x", "zh": "缺少年份。", "en": "Some years are missing."}],
        **changed,
    }


def content(*rows: dict[str, Any], department: Any = None) -> dict[str, Any]:
    counts = {"reached": 0, "on_track": 1, "behind": 0, "no_data": 0}
    return {
        "plan": {"code": "plan", "name_zh": "规划", "name_en": "Plan"},
        "year": 2023,
        "department": department,
        "summary": {"binding": counts, "expected": dict.fromkeys(counts, 0)},
        "rows": list(rows),
    }


def cells(lang: Lang, **changed: Any) -> dict[str, Any]:
    values = table_of(content(row(**changed)), lang)[0]
    return dict(zip((column.name for column in COLUMNS), values, strict=True))


def test_a_row_in_words() -> None:
    zh, en = cells("zh"), cells("en")
    assert (zh["target"], en["target"]) == (
        "≥ 261 (2025)，自 2021 年累计",
        "≥ 261 (2025), counted from 2021",
    )
    assert (zh["status"], en["status"]) == ("按进度", "On track")
    assert (zh["unit"], zh["property"], zh["base"]) == ("公顷", "约束性", "131.8 (2020)")
    assert (zh["remarks"], en["remarks"]) == ("缺少年份。", "Some years are missing.")


def test_what_is_not_known_stays_empty() -> None:
    known = cells("en", base={"year": 2020, "value": None}, target=None, value=None, remarks=[])
    assert [known[name] for name in ("base", "target", "value", "remarks", "department")] == [
        None
    ] * 5


def test_a_printed_comparator_goes_before_the_reading() -> None:
    target = {"value": 5, "year": None, "comparator": "gt", "sense": "at_least"}
    assert cells("en", target={**target, "cumulative_from": None})["target"] == "> 5"


def test_title_and_summary() -> None:
    assert title_of(content(), "zh") == "规划 2023 年度指标评估"
    assert summary_lines(content(), "en")[0] == (
        "Binding: Reached 0, On track 1, Behind 0, Not judged 0"
    )


def test_csv_holds_numbers_as_numbers_and_no_formulas() -> None:
    made = write_csv(content(row(name_en="=cmd()", gap=-0.5)), "en").decode("utf-8-sig")
    heading, first = csv.reader(io.StringIO(made))
    assert heading[0] == "Indicator"
    assert (first[0], first[10], first[2]) == ("'=cmd()", "-0.5", "")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_docx_reads_back(lang: Lang) -> None:
    department = {"code": "x", "name_zh": "林业局", "name_en": "Forestry bureau"}
    told = content(row(), row(name_zh="坏\x00字\x1b", name_en="bad\x00"), department=department)
    document = Document(io.BytesIO(write_docx(told, lang, STAMP)))
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts[0] == title_of(told, lang)
    assert texts[1].endswith({"zh": "林业局", "en": "Forestry bureau"}[lang])
    assert texts[-1] == stamp_line(STAMP, lang)
    table = document.tables[0]
    assert [cell.text for cell in table.rows[0].cells] == [
        column.label.in_(lang) for column in COLUMNS
    ]
    assert table.rows[2].cells[0].text == {"zh": "坏字", "en": "bad"}[lang]
    assert table.rows[1].cells[2].text == "–"
    for name, font in (("Normal", "SimSun"), ("Heading 1", "SimHei")):
        fonts = document.styles[name].element.rPr.rFonts
        assert fonts.get(qn("w:eastAsia")) == font
        assert fonts.get(qn("w:eastAsiaTheme")) is None


def test_columns_fit_the_page() -> None:
    assert sum(column.width_cm for column in COLUMNS) <= 29.7 - 2 * 1.5
