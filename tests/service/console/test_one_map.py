"""The map of all layers, and checking a site on it."""

import io
import json
import unicodedata
from typing import Any

import pytest
from PIL import Image
from pypdf import PdfReader

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, Visit, box
from tests.service.console.test_everywhere import violations

CORNERS = [(300, 200), (420, 180), (500, 280), (430, 380), (310, 340)]


def test_layers_are_shown_and_told_by_their_legends(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("map")
    visit.ready_map()
    page.get_by_text("管控线", exact=False).first.click()
    box = page.get_by_role("checkbox", name="管控线")
    box.check()
    shown = page.locator(".shown")
    shown.get_by_text("管控线").wait_for()
    shown.get_by_text("图例").first.click()
    assert shown.locator(".swatch").count() > 0
    page.reload()
    visit.ready_map()
    page.locator(".shown").get_by_text("管控线").wait_for()
    assert visit.refusals == []


@pytest.fixture(scope="module")
def drawn_problem(bureaus: Bureaus) -> str:
    """A serious problem whose shape covers the middle of Xiamen, known to its region alone."""
    members = {"name_zh": "中部水土流失", "type": "soil_erosion", "region": "xiamen"}
    feature = {
        "type": "Feature",
        "geometry": box(118.1, 24.6, 118.23, 24.73),
        "properties": {**members, "severity": "high"},
    }
    with bureaus.client(bureaus.key(*PLANNING)) as planner:
        answer = planner.post("/collections/problems/items", json=feature)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def until_middle(visit: Visit, *, bare: bool, nth: int = 0) -> None:
    """Wait until the middle of a map is bare ground, or is covered."""
    for _ in range(150):
        shot = Image.open(io.BytesIO(visit.ready_map(nth).screenshot())).convert("RGB")
        # Beside the centre, where the name of the city may be.
        aside = shot.width // 20
        pixel = shot.getpixel((shot.width // 2 + aside, shot.height // 2 - aside))
        assert isinstance(pixel, tuple)
        if (min(pixel) > 220) == bare:
            return
        visit.page.wait_for_timeout(100)
    pytest.fail(f"the middle of the map has the colour {pixel}")


def test_paper_has_the_map_with_its_legend_and_no_controls(
    drawn_problem: str, open_console: OpenConsole, bureaus: Bureaus
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("map", layer="problems", region="xiamen")
    visit.ready_map()
    until_middle(visit, bare=False)
    page.locator(".layers-drawn", has_text="生态问题").wait_for(state="attached")
    [paper] = PdfReader(io.BytesIO(page.pdf(format="A4", landscape=True))).pages
    # A font may have one shape for a character and its radical; NFKC knows not all of them.
    told = unicodedata.normalize("NFKC", "".join(paper.extract_text().split()))
    told = told.replace("\N{CJK RADICAL C-SIMPLIFIED GATE}", "门")
    for text in ("一张图", "厦门市", "打印于", "生态问题", "公里"):
        assert text in told, text
    for text in ("查找", "筛选图层", "不透明度", "工具"):
        assert text not in told, text
    pictures = [one.image.convert("RGB") for one in paper.images if one.image is not None]
    largest = max(pictures, key=lambda one: one.width * one.height)
    # Twice as fine as the screen, and with the shape in its middle.
    assert largest.width > 1_200
    middle = largest.getpixel((largest.width // 2 + 40, largest.height // 2 - 40))
    assert isinstance(middle, tuple)
    assert min(middle) < 220


@pytest.mark.long
@pytest.mark.parametrize(("lang", "size"), [("zh", (1366, 768)), ("en", (390, 844))])
def test_layers_are_found_by_a_word_and_classes_are_drawn_one_by_one(
    bureaus: Bureaus,
    open_console: OpenConsole,
    drawn_problem: str,
    lang: str,
    size: tuple[int, int],
) -> None:
    visit = open_console(bureaus.key(*PLANNING), lang=lang, size=size)
    page = visit.open("map", region="xiamen", layer="problems")
    until_middle(visit, bare=False)
    field = page.get_by_label(visit.t("筛选图层", "Filter layers"))
    field.fill("鲸")
    page.get_by_text(visit.t("没有名称或主题含“鲸”的图层。", "No layer has “鲸”")).wait_for()
    assert page.locator(".shown > li").count() == 2
    field.fill(visit.t("问题", "problem"))
    assert page.locator("details.group").count() == 1
    line = page.locator(".shown > li").first
    line.get_by_text(visit.t("图例", "Legend")).press("Enter")
    high = line.get_by_role("checkbox", name=visit.t("重", "High"), exact=True)
    assert violations(page) == []
    high.press(" ")
    until_middle(visit, bare=True)
    line.get_by_text(visit.t("已筛选", "filtered")).wait_for()
    page.reload()
    until_middle(visit, bare=True)
    page.get_by_role("tab", name=visit.t("工具", "Tools")).click()
    page.get_by_label(visit.t("方式", "How")).select_option("beside")
    page.get_by_label(visit.t("与什么比较", "With what")).select_option("problems")
    until_middle(visit, bare=True, nth=1)
    said = page.locator(".on-paper")
    assert not said.is_visible()
    page.emulate_media(media="print")
    assert visit.t("未显示：重", "not shown: High") in said.inner_text()
    page.emulate_media(media="screen")
    page.get_by_role("tab", name=visit.t("图层", "Layers")).click()
    line.get_by_text(visit.t("图例", "Legend")).click()
    line.get_by_role("button", name=visit.t("全部显示", "Show all")).click()
    until_middle(visit, bare=False)
    until_middle(visit, bare=False, nth=1)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    assert visit.refusals == []


def test_a_place_written_in_words_is_found_and_identified(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("map")
    visit.ready_map()
    page.get_by_role("search").get_by_role("searchbox").fill("118°06′00″ 24°36′00″")
    page.get_by_role("button", name="查找").click()
    found = page.locator(".found")
    found.wait_for()
    assert "厦门市" in found.inner_text()
    facts = page.locator("dl.facts").inner_text()
    assert "118°06′00.00″" in facts
    assert "中央经线 117°" in facts


def test_objects_are_found_by_name(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("map")
    visit.ready_map()
    page.get_by_role("search").get_by_role("searchbox").fill("思明")
    page.get_by_role("button", name="查找").click()
    page.locator(".hits").get_by_text("思明区").first.wait_for()


@pytest.mark.parametrize("how", [pytest.param("swipe", marks=pytest.mark.long), "beside"])
def test_two_maps_move_as_one(open_console: OpenConsole, how: str) -> None:
    visit = open_console()
    page = visit.open("map")
    visit.ready_map()
    page.get_by_role("tab", name="工具").click()
    page.get_by_label("方式").select_option(how)
    page.get_by_label("与什么比较").select_option("control_areas")
    visit.ready_map(1)
    assert page.locator("canvas.maplibregl-canvas").count() == 2


def draw(visit: Visit) -> None:
    """Draw five corners by the mouse."""
    page = visit.open("compliance")
    box = visit.ready_map().bounding_box()
    page.get_by_role("button", name=visit.t("画面", "Draw"), exact=True).and_(
        page.locator(":enabled")
    ).wait_for()
    for x, y in [*CORNERS, CORNERS[0]]:
        page.mouse.move(box["x"] + x, box["y"] + y)
        page.mouse.click(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(150)


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.long)])
def test_five_corners_drawn_have_the_verdict_of_the_interface(
    bureaus: Bureaus, open_console: OpenConsole, lang: str
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key, lang=lang)
    draw(visit)
    page = visit.page
    asked: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda request: (
            asked.append(json.loads(request.post_data or "{}"))
            if request.url.endswith("/execution")
            else None
        ),
    )
    page.get_by_role("button", name=visit.t("审查", "Check"), exact=True).click()
    opinion = page.locator(".opinion")
    opinion.wait_for()
    assert len(asked[0]["inputs"]["geometry"]["coordinates"][0]) == 6
    with bureaus.client(key) as http:
        headers = {"Accept-Language": lang}
        answer = http.post("/processes/check-compliance/execution", json=asked[0], headers=headers)
    result = answer.json()["result"]
    text = opinion.inner_text()
    assert result[f"verdict_{lang}"] in text
    for reason in result["reasons"]:
        assert reason[lang] in text
    assert visit.refusals == []


def test_typed_corners_are_a_site_for_the_keyboard(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("compliance")
    visit.ready_map()
    page.get_by_label("角点").fill("118.05 24.6\n118.1 24.6\n118.1 24.65\n118.05")
    assert page.get_by_role("button", name="按角点成图").is_disabled()
    assert "第 4 行" in page.locator("main").inner_text()
    page.get_by_label("角点").fill("118.05 24.6\n118.1 24.6\n118.1 24.65")
    page.get_by_role("button", name="按角点成图").press("Enter")
    page.get_by_role("button", name="审查", exact=True).press("Enter")
    page.locator(".opinion").wait_for()
    page.reload()
    visit.ready_map()
    assert "118.05 24.6" in page.get_by_label("角点").input_value()


def test_plane_coordinates_of_a_table_are_taken_by_their_zone(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("compliance")
    visit.ready_map()
    page.get_by_role("tab", name="文件").click()
    rows = "点号,X,Y\n1,2722000,39607000\n2,2722000,39608000\n3,2723000,39608000\n"
    table: Any = {"name": "角点.csv", "mimeType": "text/csv", "buffer": rows.encode("gbk")}
    page.locator("input[type=file]").set_input_files(table)
    page.get_by_text("1 个图形").wait_for()
    assert page.get_by_label("中央经线", exact=False).input_value() == "117"
    page.get_by_role("button", name="审查", exact=True).click()
    opinion = page.locator(".opinion")
    opinion.wait_for()
    # Half a square kilometre in the plane is a little less or more on the ellipsoid.
    assert "公顷" in opinion.inner_text()


def test_a_file_that_holds_no_shapes_is_refused_by_name(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("compliance")
    page.get_by_role("tab", name="文件").click()
    empty: Any = {"name": "空.geojson", "mimeType": "application/json", "buffer": b"{}"}
    page.locator("input[type=file]").set_input_files(empty)
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert "空.geojson" in alert.inner_text()


def test_the_opinion_is_a_document(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    draw(visit)
    page = visit.page
    page.get_by_role("button", name="审查", exact=True).click()
    page.locator(".opinion").wait_for()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="意见书 DOCX").click()
    assert waiting.value.suggested_filename.endswith(".docx")
