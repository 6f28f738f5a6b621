"""The report, as the main job leaves it."""

import json
import re
import zlib
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from weasyprint import HTML

from shanhai.data.synthetic_watershed import Watershed
from shanhai.processes.assess_ecoservices.report import leading_cover
from shanhai.processes.kit.outputs import REPORT, credit_line, resolution_note
from shanhai.reporting.furniture import crs_words
from shanhai.reporting.map_decorations import cjk_family
from shanhai.reporting.pages import write_pdf
from shanhai.vocabulary import ECOSERVICES, ZONE_CLASSES


def unpacked(part: bytes) -> bytes:
    try:
        return zlib.decompress(part)
    except zlib.error:
        return b""


def page_of(run: Any) -> str:
    page: str = (run.workspace / "report.html").read_text(encoding="utf-8")
    return page


def test_the_page_needs_nothing_else(zoned: Any) -> None:
    page = page_of(zoned)
    assert "<script" not in page
    assert set(re.findall(r'(?:src|href)="(data:image/png|[^"]{1,20})', page)) == {"data:image/png"}
    # Zones, ratio, quadrants, coordination, how far the zones hold, and a row of maps for each
    # service.
    assert page.count("data:image/png") == 5 + len(ECOSERVICES)


def test_the_pdf_holds_its_fonts(zoned: Any) -> None:
    held = (zoned.workspace / "report.pdf").read_bytes()
    assert held.startswith(b"%PDF-")
    assert len(held) < 6_000_000
    parts = [unpacked(part) for part in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", held, re.S)]
    described = held + b"".join(parts)
    fonts = set(re.findall(rb"/BaseFont /[A-Z]{6}\+([A-Za-z-]+)", described))
    # Outlines of TrueType, or those of PostScript that Noto Sans CJK has.
    assert len(re.findall(rb"/FontFile[23]", described)) >= len(fonts) > 0
    family = cjk_family()
    if family is not None:
        assert family.replace(" ", "-").encode() in fonts


def test_without_libraries_to_set_type_there_is_a_page_and_it_says_so(
    zone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.processes.kit.report_pdf.can_write_pdf", lambda: False)
    run = zone()
    names = {file.name for file in run.outcome.files}
    assert "report" in names
    assert "report_pdf" not in names
    for told in (run.outcome.warnings, run.outcome.manifest["warnings"]):
        assert "missing_pdf" in {one["code"] for one in told}


def test_no_page_before_the_maps_of_services_is_half_empty(zoned: Any) -> None:
    pages = HTML(string=page_of(zoned)).render().pages[:3]
    for page in pages:
        ends = [
            box.position_y + box.height
            for box in page._page_box.descendants()
            if box.element_tag in {"tr", "img", "p", "h2"}
        ]
        assert max(ends) > 0.75 * page.height


def test_codes_are_told_in_words(zoned: Any) -> None:
    page = page_of(zoned)
    for name in ("mmu_ha", "kmeans", "E", "*"):
        assert f">{name}<" not in page
    assert (
        '最小图斑（公顷） <span class="en" lang="en">Least patch, ha</span></td><td>5</td>' in page
    )
    assert '双线性 <span class="en" lang="en">bilinear</span>' in page
    assert '工程取值 <span class="en" lang="en">engineering default</span>' in page


def test_equal_pages_are_equal_files(zoned: Any, tmp_path: Path) -> None:
    write_pdf(tmp_path / "again.pdf", page_of(zoned))
    assert (tmp_path / "again.pdf").read_bytes() == (zoned.workspace / "report.pdf").read_bytes()


def test_a_page_that_asks_for_more_than_it_holds_is_no_report(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    with pytest.raises(ValueError, match="file:///"):
        write_pdf(tmp_path / "a.pdf", f'<img src="{secret.as_uri()}">')


def test_it_speaks_of_zones_services_and_districts_in_both_languages(zoned: Any) -> None:
    page = page_of(zoned)
    terms = [term.label for term in ZONE_CLASSES], [term.label for term in ECOSERVICES]
    for label in chain(*terms):
        assert label.zh in page
        assert label.en in page
    for name in ("上游区", "Upper", "左岸区", "Left bank"):
        assert name in page


def test_it_never_claims_an_optimal_number_of_clusters(zoned: Any) -> None:
    assert "optimal" not in page_of(zoned).lower()
    assert "最优" not in page_of(zoned)


def test_without_stand_ins_there_is_no_band(zoned: Any) -> None:
    assert "STAND-IN" not in page_of(zoned)


def test_stand_ins_are_marked_in_both_languages(
    zone: Any, watershed: Watershed, tmp_path: Any
) -> None:
    from shanhai.processes.catalogue import compute_of

    task = watershed.task()
    task.datasets["soil"] = task.datasets["soil"].model_copy(
        update={"stand_in": True, "stand_in_note_zh": "常数土壤", "stand_in_note_en": "constant"}
    )
    (tmp_path / "work").mkdir()
    compute_of("delineate-zones")(task, tmp_path / "work", lambda p, s: None)
    page = (tmp_path / "work" / "report.html").read_text(encoding="utf-8")
    assert "替代数据 STAND-IN DATA" in page
    assert "常数土壤" in page
    assert "no basis for planning" in page


def test_a_missing_font_costs_the_chinese_maps_and_is_said(
    zone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shanhai.reporting.map_decorations.cjk_family", lambda: None)
    run = zone()
    names = {file.name for file in run.outcome.files}
    assert {"map_en", "ratio_map_en"} <= names
    assert not {"map_zh", "ratio_map_zh"} & names
    assert "fonts-droid-fallback" in " ".join(
        text for one in run.outcome.warnings for text in one.values()
    )
    assert REPORT in {file.path for file in run.outcome.files}


def test_pictures_carry_the_credits_licences_ask_for_once_and_no_more() -> None:
    inputs: list[dict[str, Any]] = [
        {"source": "OSM; NASA", "licence": "ODbL 1.0, © OpenStreetMap contributors; MIT (package)"},
        {"source": "NASA", "licence": None},
        {"source": None, "licence": "CC BY 4.0, GeoNames"},
    ]
    credits = "CC BY 4.0, GeoNames; ODbL 1.0, © OpenStreetMap contributors"
    assert credit_line([*inputs, *inputs]) == credits
    assert credit_line(inputs[1:2]) == "NASA"
    assert credit_line([]) == "–"


def test_maps_name_the_coarsest_input() -> None:
    inputs: list[dict[str, Any]] = [
        {"theme": "dem", "native_resolution_m": 30.0},
        {"theme": "soil", "native_resolution_m": None},
        {"theme": "temperature", "native_resolution_m": 83_396.0},
    ]
    note = resolution_note("100 m", crs_words(4548), "index", inputs)
    assert note.en.startswith("Cells of 100 m · coarsest input: air temperature, true resolution")
    assert "about 83.4 km" in note.en
    assert "最粗输入：气温，真实分辨率约 83.4 km" in note.zh
    assert note.zh.endswith("高斯-克吕格投影，3°带，中央经线117° · 指数法")
    assert note.en.endswith("3° zone, central meridian 117°E · index methods")
    assert (
        "coarsest" not in resolution_note("100 m", crs_words(4548), "biophysical", inputs[1:2]).en
    )


def test_flags_are_sentences_in_both_languages(zoned: Any) -> None:
    page = page_of(zoned)
    assert zoned.outcome.manifest["flags"]
    for flag in zoned.outcome.manifest["flags"]:
        assert flag["detail_zh"] in page
        assert f"<code>{flag['code']}</code>" not in page


def test_people_and_the_leading_land_cover_stand_beside_each_zone(zoned: Any) -> None:
    page = page_of(zoned)
    statistics = json.loads((zoned.workspace / "statistics.json").read_bytes())
    for zone in statistics["zones"]:
        assert f'</span>{zone["name_zh"]}</span> <span class="en"' in page
        assert f'<td class="n">{zone["population"]:,.0f}</td>' in page
        assert 1 <= len(leading_cover(zone)) <= 2
        for label, share in leading_cover(zone):
            # A name that is broken between its letters is read badly in a narrow column.
            assert f'<span class="keep">{share:.1f} % {label.zh}</span> <span class="en"' in page


def test_the_leading_land_cover_is_what_holds_most() -> None:
    zone = {"land_cover_percent": {"8": 20.0, "2": 50.0, "1": 30.0}}
    assert [(label.en, share) for label, share in leading_cover(zone)] == [
        ("Forest", 50.0),
        ("Cropland", 30.0),
    ]


def test_how_the_zones_come_back_is_told_where_it_was_asked_for(zone: Any, zoned: Any) -> None:
    assert "Jaccard overlap" not in page_of(zoned)
    page = page_of(zone({"parameters": {"stability": True}}))
    assert "稳定性" in page
    assert "median adjusted Rand index" in page
    assert "Jaccard overlap" in page


def test_how_many_parameters_were_moved_is_told_beside_the_share(zone: Any) -> None:
    run = zone({"uncertainty": {"draws": 30}})
    drawn = run.outcome.manifest["uncertainty"]["monte_carlo"]
    moved, known = len(drawn["applied"]), len(drawn["applied"]) + len(drawn["not_applied"])
    assert 0 < moved < known
    assert drawn["parameters_moved"] == {"moved": moved, "of": known}
    page = page_of(run)
    assert f"{moved} of {known} parameters were moved" in page
    assert f"{moved} 个参数被改变（共 {known} 个）" in page
    assert "support_practice" not in page
    assert "水土保持措施因子" in page
