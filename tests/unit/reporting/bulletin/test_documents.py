"""Documents of a bulletin: their numbers are those of the content, their texts stay texts."""

import html
import io
import zipfile
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from docx import Document
from PIL import Image

from shanhai.db.bulletins.template import Section, Template
from shanhai.db.bulletins.templates import default_template
from shanhai.processes.publish_bulletin.compute import draw_pictures, draw_series
from shanhai.processes.publish_bulletin.document.composing import (
    check_template,
    compose,
    write_out,
)
from shanhai.processes.publish_bulletin.document.content import build_content
from shanhai.processes.publish_bulletin.document.examples import (
    empty_task,
    example_contents,
    example_inputs,
    example_region,
    full_task,
)
from shanhai.processes.publish_bulletin.document.language import in_language
from shanhai.processes.publish_bulletin.document.maps import caption_of_zones
from shanhai.processes.publish_bulletin.document.sections import MOST_ROWS, zones
from shanhai.reporting.blocks import (
    Pages,
    Paragraph,
    Picture,
    SectionHeading,
    Table,
    render_page,
)
from shanhai.reporting.word import write_word
from shanhai.vocabulary import LANGUAGES, Label, Lang

TEMPLATE = default_template().template
FULL, EMPTY = example_contents(TEMPLATE)


def pages(
    content: dict[str, Any] = FULL, lang: Lang = "zh", template: Template = TEMPLATE
) -> Pages:
    return compose(template, content, {}, lang)


def cells(made: Pages) -> list[list[str]]:
    return [list(row) for one in made.blocks if isinstance(one, Table) for row in one.rows]


def of_kind(kind: str, **more: Any) -> Template:
    section = Section(kind=kind, heading_zh="甲", heading_en="A", **more)
    return TEMPLATE.model_copy(update={"sections": [section]})


def with_rows(**changed: Any) -> dict[str, Any]:
    """A bulletin whose indicators are all changed alike."""
    told = FULL["indicators"]
    return {**FULL, "indicators": {**told, "rows": [{**row, **changed} for row in told["rows"]]}}


@pytest.mark.parametrize(
    ("lang", "line"),
    [("zh", "规划指标 6 项，均尚无数值。"), ("en", "No value of 6 indicators is known.")],
)
def test_indicators_without_any_value_are_one_line(lang: Lang, line: str) -> None:
    made = pages(with_rows(value=None, value_year=None, note=None), lang, of_kind("indicators"))
    assert cells(made) == []
    assert line in [one.text for one in made.blocks if isinstance(one, Paragraph)]


@pytest.mark.parametrize(
    ("value", "written"),
    [(1234567.0, "1,234,567"), (1e6, "1,000,000"), (12.5, "12.5"), (999999.7, "1,000,000")],
)
def test_indicators_are_never_written_in_powers_of_ten(value: float, written: str) -> None:
    told = with_rows(value=value, value_year=None, note=None, target=value, target_year=None)
    for row in cells(pages(told, template=of_kind("indicators"))):
        assert row[2:4] == [written, written]


def test_what_was_noted_with_values_is_below_their_table() -> None:
    told = with_rows(value=1.5, value_year=2025, note="演示 Demo")
    told["indicators"]["rows"][0]["note"] = None
    told["indicators"]["rows"][-1]["note"] = "另一 other"
    made = pages(told, "en", of_kind("indicators"))
    marked = [row[2] for row in cells(made)]
    assert marked == ["1.5 (2025)", *["1.5 (2025)*"] * 4, "1.5 (2025)**"]
    quiet = [one.text for one in made.blocks if isinstance(one, Paragraph)]
    assert quiet[-2:] == ["* 演示 Demo", "** 另一 other"]


def test_a_note_is_taken_from_the_remarks_of_an_indicator() -> None:
    task = full_task(TEMPLATE)
    remark = {"code": "value_note", "zh": "演示 Demo", "en": "演示 Demo"}
    other = {"code": "no_target", "zh": "无", "en": "none"}
    rows = [{**task.indicators[0], "remarks": [other, remark]}, *task.indicators[1:]]
    told = build_content(
        example_inputs(), example_region(), task.model_copy(update={"indicators": rows})
    )
    assert [row["note"] for row in told["indicators"]["rows"]] == ["演示 Demo", *[None] * 5]


def test_the_template_that_ships_is_right() -> None:
    assert check_template(TEMPLATE, [FULL, EMPTY]) == []


def test_what_has_no_english_is_called_in_english_as_in_chinese() -> None:
    given = {
        "name_zh": "季报",
        "title_zh": "{{ region.name }}公报",
        "issuer_zh": "示例局",
        "sections": [{"kind": "text", "heading_zh": "下期重点"}],
    }
    template = Template.model_validate(given)
    assert check_template(template, [FULL, EMPTY]) == []
    made = pages(lang="en", template=template)
    assert made.front is not None
    assert made.front.title == f"{FULL['region']['name_zh']}公报"
    assert made.front.issuer == "示例局"
    [heading] = [one for one in made.blocks if isinstance(one, SectionHeading)]
    assert heading.text == "1  下期重点"
    assert "1  下期重点" in render_page(made)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_zoning_is_told_with_how_robust_it_is(lang: Lang) -> None:
    headline = Paragraph(FULL["zones"][f"headline_{lang}"])
    blocks = zones(in_language(FULL, lang), lang)
    assert blocks[0] == headline
    silent = {"zones": {**FULL["zones"], "headline_zh": None, "headline_en": None}}
    assert zones(in_language(silent, lang), lang) == blocks[1:]


def test_figures_in_tables_are_those_of_the_content() -> None:
    rows = {row[0]: row[1:] for row in cells(pages(lang="en"))}
    first = FULL["indicators"]["rows"][0]
    assert rows[first["name_en"]] == ["%", "96.4 (2025)", "94.9 (2030)", "Reached", "improving"]
    for one in FULL["water"]["rows"]:
        assert rows[one["name_en"]][0] == one["class_name_en"]
        assert rows[one["name_en"]][2] == str(one["items"])
    for one in FULL["zones"]["classes"]:
        assert rows[one["name_en"]] == [f"{one['area_km2']:.1f}", f"{one['percent']:.1f}"]
    for one in FULL["projects"]["rows"]:
        assert rows[one["name_en"]][2:] == [
            f"{one['cost'] / 1e4:,.0f}",
            f"{one['paid'] / 1e4:,.0f}",
            f"{one['progress_percent']:.0f}",
            str(one["steps"]),
        ]
    alerts = [row for row in cells(pages(lang="en")) if row[0] in {"Orange", "Yellow", "Blue"}]
    assert [row[3] for row in alerts] == ["2.6 mg/L", "2.2 mg/L", "1.8 mg/L"]


@pytest.mark.parametrize(
    ("unit", "measured"), [("ug/m3", "2.6 µg/m³"), ("1", "2.6"), (None, "2.6"), ("Cel", "2.6 °C")]
)
def test_an_alert_names_its_property_and_its_unit_as_people_write_it(
    unit: str | None, measured: str
) -> None:
    (first, *_), told = FULL["alerts"]["rows"], in_language(FULL, "en")["alerts"]["rows"][0]

    def shown(row: dict[str, Any]) -> list[str]:
        alerts = {**FULL["alerts"], "rows": [row]}
        return cells(pages({**FULL, "alerts": alerts}, "en", of_kind("alerts")))[0]

    row = {**first, "unit": unit}
    assert shown(row)[2:4] == [f"{told['subject']} · Ammonia nitrogen", measured]
    assert shown({**row, "property_name_en": None})[2] == told["subject"]
    # As drafts of a former release have it.
    former = {name: one for name, one in row.items() if not name.startswith("property_name")}
    assert shown(former)[2] == told["subject"]


def test_figures_in_texts_are_those_of_the_content() -> None:
    (_, *texts) = [one.text for one in pages().blocks if isinstance(one, Paragraph)]
    air, water = FULL["air"], FULL["water"]
    assert any(
        f"有效天数 {air['known']} 天，优良天数 {air['good']} 天，占 {air['good_percent']:.1f}%"
        in text
        for text in texts
    )
    assert any(f"Ⅰ～Ⅲ类占 {water['good_percent']:.1f}%" in text for text in texts)
    assert any("落后的指标为：自然岸线保有率。" in text for text in texts)


@pytest.mark.parametrize("lang", ["zh", "en"])
# Silent stations are told of, and on no map in a region that nobody has drawn.
@pytest.mark.parametrize(("stations", "silent"), [(0, 9), (1, 8)])
def test_a_section_without_data_says_so(stations: int, silent: int, lang: Lang) -> None:
    observed = {**EMPTY["observations"], "stations": stations}
    made = pages({**EMPTY, "observations": observed}, lang)
    headings = [n for n, one in enumerate(made.blocks) if isinstance(one, SectionHeading)]
    assert len(headings) == len(TEMPLATE.sections)
    quiet = [one for one in made.blocks if isinstance(one, Paragraph) and one.quiet]
    # Of indicators, observations, water, air, series, maps, balances, settlements and mines.
    assert [one.text for one in quiet] == [
        {"zh": "本期没有数据。", "en": "There are no data of this period."}[lang]
    ] * silent
    assert not cells(made)


def test_sections_come_in_the_order_of_the_template() -> None:
    turned = TEMPLATE.model_copy(update={"sections": TEMPLATE.sections[::-1]})
    headings = [
        one.text for one in pages(template=turned).blocks if isinstance(one, SectionHeading)
    ]
    assert (headings[0], headings[-1]) == ("一、矿山与土地复垦", "十三、摘要")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_shows_every_part(lang: Lang) -> None:
    made = pages(lang=lang)
    page = html.unescape(render_page(made))
    shown = (SectionHeading, Paragraph)
    assert all(one.text in page for one in made.blocks if isinstance(one, shown))
    tables = [one for one in made.blocks if isinstance(one, Table)]
    assert all(one.caption in page for one in tables)
    assert page.count("<table>") == len(tables)


def test_long_tables_are_cut_and_tell_what_is_left() -> None:
    held = full_task(TEMPLATE)
    many = held.model_copy(update={"projects": held.projects * 20})
    content = build_content(example_inputs(), example_region(), many)
    made = pages(content, "en", of_kind("projects"))
    assert len(cells(made)) == MOST_ROWS
    assert made.blocks[-1] == Paragraph("20 more rows are in the data.", quiet=True)


def test_names_are_text_and_no_markup() -> None:
    held = empty_task(TEMPLATE.model_copy(update={"issuer_zh": "<script>alert(1)</script>"}))
    content = build_content(example_inputs(), example_region(), held)
    page = render_page(pages(content, "zh", held.template))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    held = empty_task(TEMPLATE.model_copy(update={"title_zh": '公报"; } body { x: "\\'}))
    page = render_page(pages(content, "zh", held.template))
    assert 'content: "公报; } body { x:   2026年第1期"' in page


def test_a_correction_names_what_it_replaces() -> None:
    front, first = pages(lang="en").front, pages(EMPTY).front
    assert front is not None
    assert first is not None
    assert front.number == "No. 1 of 2026 (version 2)"
    assert front.corrects == "This corrects and replaces example.20260101-20260331.1"
    assert first.corrects is None
    assert first.number == "2026年第1期"


def _texts(document: Any) -> Iterable[str]:
    yield from (one.text for one in document.paragraphs)
    for table in document.tables:
        for row in table.rows:
            yield "|".join(cell.text for cell in row.cells)


def test_word_documents_hold_the_same_and_are_equal_when_made_again(tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    Image.new("RGB", (40, 80), "white").save(picture)
    drawn = {"series": [Picture("图", picture)]}
    made = compose(TEMPLATE, FULL, drawn, "zh")
    for name in ("one.docx", "two.docx"):
        write_word(tmp_path / name, made, date(2026, 4, 5))
    content = (tmp_path / "one.docx").read_bytes()
    assert content == (tmp_path / "two.docx").read_bytes()
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    document = Document(io.BytesIO(content))
    told = "\n".join(_texts(document))
    assert all("|".join(row).replace("■ ", "") in told.replace("■ ", "") for row in cells(made))
    assert "2026年第1期（第2版）" in told
    assert (len(document.inline_shapes), len(document.tables)) == (1, 16)
    assert document.inline_shapes[0]._inline.docPr.get("descr") == "图"
    footer = document.sections[0].footer.paragraphs[0]._p.xml
    assert "PAGE" in footer
    assert "NUMPAGES" in footer
    assert document.core_properties.created.year == 2026


def test_maps_and_charts_are_drawn_where_there_is_something_to_draw(tmp_path: Path) -> None:
    region, held = example_region(), full_task(TEMPLATE)
    drawn = draw_pictures(region, held, in_language(FULL, "en"), tmp_path, "en")
    assert {kind: len(found) for kind, found in drawn.items()} == {
        "indicators": 1,
        "projects": 1,
        "series": 1,
        "map": 2,
    }
    assert drawn["map"][0].caption == "the example zoning, and corridors"
    zones = Image.open(tmp_path / "zones.en.png").convert("RGB")
    counted = zones.getcolors(1_000_000) or []
    colors = {color for count, color in counted if count > 2_000}
    # Those of the zones, a little lighter where what lies below shines through.
    assert len(colors) >= 5
    nothing = draw_pictures(region, empty_task(TEMPLATE), in_language(EMPTY, "en"), tmp_path, "en")
    assert nothing == {}


@pytest.mark.parametrize(
    ("left_out", "caption"),
    [
        ({"zones": [], "scheme": None}, Label("生态廊道", "Corridors")),
        ({"corridors": []}, Label("示例分区", "the example zoning")),
        ({}, Label("示例分区与生态廊道", "the example zoning, and corridors")),
    ],
)
def test_the_caption_of_a_map_says_what_is_on_it(left_out: dict[str, Any], caption: Label) -> None:
    held = full_task(TEMPLATE).model_copy(update=left_out)
    assert caption_of_zones(held) == caption


@pytest.mark.parametrize("content", [FULL, EMPTY])
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_words_that_are_written_out_make_the_same_document(
    content: dict[str, Any], lang: Lang
) -> None:
    words = write_out(TEMPLATE, content)
    assert check_template(words, [content]) == []
    assert compose(words, content, {}, lang) == compose(TEMPLATE, content, {}, lang)
    told = [words.title_zh, words.note_en, *(one.text_zh for one in words.sections)]
    assert not any("{" in text for text in told)


def test_written_words_that_look_like_placeholders_stay_words() -> None:
    named = {**FULL, "region": {**FULL["region"], "name_zh": "{{ 甲 }}{% 乙 %}{# 丙 #}"}}
    words = write_out(TEMPLATE, named)
    made = compose(words, named, {}, "zh")
    assert made == compose(TEMPLATE, named, {}, "zh")
    assert made.front is not None
    assert made.front.title.startswith("{{ 甲 }}{% 乙 %}{# 丙 #}")


def test_a_text_too_long_to_be_kept_stays_with_its_placeholders() -> None:
    loop = "{% for one in projects.rows %}{{ one.name }}{% endfor %}"
    named = [{**FULL["projects"]["rows"][0], "name_zh": "长" * 3000, "name_en": "long"}] * 2
    content = {**FULL, "projects": {**FULL["projects"], "rows": named}}
    (section,) = write_out(of_kind("projects", text_zh=loop, text_en=loop), content).sections
    assert (section.text_zh, section.text_en) == (loop, "longlong")


def drawn_columns(path: Path, days: Iterable[int], every: str = "day") -> list[int]:
    """The columns of the picture that show a course of these days of 2025."""
    points = [[(date(2025, 1, 1) + timedelta(days=day)).isoformat(), 1.0 + day % 2] for day in days]
    assert draw_series(path, [{"title": "a", "unit": "b", "every": every, "points": points}], "en")
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    blue = np.abs(pixels - (0x1F, 0x6F, 0x8B)).max(-1) < 40
    return [int(column) for column in np.flatnonzero(blue.any(axis=0))]


@pytest.mark.parametrize(
    ("days", "every", "widths"),
    [
        # All of a quarter, or of a year, is one line.
        (range(92), "day", [91]),
        ([0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334], "month", [334]),
        # Weeks are missing, and a day stands alone between them.
        ([*range(31), 45, *range(61, 92)], "day", [30, 0, 30]),
        ([0, 31, 59, 243, 273, 304], "month", [59, 61]),
    ],
)
def test_no_line_is_drawn_through_days_without_data(
    tmp_path: Path, days: Iterable[int], every: str, widths: list[int]
) -> None:
    columns = drawn_columns(tmp_path / "course.png", days, every)
    breaks = [place for place, step in enumerate(np.diff(columns), start=1) if step > 10]
    runs = np.split(np.array(columns), breaks)
    assert len(runs) == len(widths)
    scale = (columns[-1] - columns[0]) / (max(days) - min(days))
    for run, width in zip(runs, widths, strict=True):
        assert run[-1] - run[0] == pytest.approx(width * scale, abs=12)
