"""Objects that nobody had drawn: typed, drawn by mouse, and traced from a scanned map."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.service.console.conftest import (
    PLANNING,
    Bureaus,
    OpenConsole,
    Visit,
    type_corners,
)


def open_undrawn(visit: Visit, title: str) -> str:
    """Open the first object of a collection that nobody has drawn; its name."""
    page = visit.open("digitise", region="xiamen")
    visit.ready_map()
    panel = page.locator("section").filter(has=page.get_by_role("heading", name=title))
    row = panel.locator(".undrawn li").filter(has_text="未绘制").first
    name = row.get_by_role("button").inner_text()
    row.get_by_role("button").click()
    page.get_by_role("button", name="改顶点").and_(page.locator(":enabled")).wait_for()
    return name


def named(bureaus: Bureaus, collection: str, name: str) -> dict[str, Any]:
    """The object of a collection as it is now."""
    found = bureaus.admin.get(f"/collections/{collection}/items", params={"limit": 1000}).json()
    (one,) = [one for one in found["features"] if one["properties"]["name_zh"] == name]
    return dict(one)


def cleared(page: Page, *, empty: bool) -> None:
    """Wait until there is nothing, or something, to clear away."""
    state = page.locator(":disabled" if empty else ":enabled")
    page.get_by_role("button", name="清除").and_(state).wait_for()


@pytest.mark.long
def test_what_is_drawn_by_mouse_can_be_undone_and_saved(
    open_console: OpenConsole, bureaus: Bureaus
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    name = open_undrawn(visit, "廊道")
    page = visit.page
    canvas = visit.ready_map()
    page.get_by_role("button", name="画线").click()
    size = canvas.bounding_box()
    places = [(0.35, 0.4), (0.5, 0.55), (0.65, 0.4)]
    for across, down in places:
        canvas.click(position={"x": size["width"] * across, "y": size["height"] * down})
        # Two clicks at once would be a double one.
        page.wait_for_timeout(400)
    page.keyboard.press("Enter")
    page.get_by_text("长度").wait_for()
    page.get_by_role("button", name="撤销").click()
    cleared(page, empty=True)
    page.get_by_role("button", name="重做").click()
    cleared(page, empty=False)
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已保存").wait_for()
    [line] = named(bureaus, "corridors", name)["geometry"]["coordinates"]
    assert len(line) == len(places)
    west, middle, east = line
    assert west[0] < middle[0] < east[0]
    assert middle[1] < min(west[1], east[1])
    assert visit.refusals == []


def test_what_nobody_has_drawn_is_first_and_is_drawn_by_typing(
    open_console: OpenConsole, bureaus: Bureaus
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("digitise", region="xiamen")
    visit.ready_map()
    first = page.locator(".undrawn li").first
    first.get_by_text("未绘制").wait_for()
    name = first.get_by_role("button").inner_text()
    first.get_by_role("button").click()
    type_corners(visit, (118.06, 24.45), (118.09, 24.47), (118.12, 24.46))
    page.get_by_text("长度").wait_for()
    page.reload()
    page.get_by_text("已恢复上次未保存的内容").wait_for()
    page.get_by_role("button", name="保存").click()
    page.get_by_text("已保存").wait_for()
    found = bureaus.admin.get("/collections/corridors/items", params={"limit": 1000}).json()
    (drawn,) = [one for one in found["features"] if one["properties"]["name_zh"] == name]
    corners = drawn["geometry"]["coordinates"]
    assert corners == [[[118.06, 24.45], [118.09, 24.47], [118.12, 24.46]]]
    assert visit.refusals == []


@pytest.mark.long
def test_coordinates_of_a_web_map_are_suspected_and_corrected(
    open_console: OpenConsole, bureaus: Bureaus
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("digitise", region="xiamen")
    visit.ready_map()
    page.locator(".undrawn button").nth(1).click()
    # Along the western border of Xiamen (117.88° E), as GCJ-02 shows it: some 500 m to the east.
    shown = [(117.884681, 24.516987), (117.884688, 24.61698), (117.884695, 24.716981)]
    type_corners(visit, *shown)
    page.get_by_text("疑似 GCJ-02").wait_for()
    page.get_by_role("button", name="改正为 CGCS2000").click()
    page.get_by_text("疑似 GCJ-02").wait_for(state="detached")
    page.get_by_text("清除", exact=True).click()


@pytest.mark.long
def test_a_scan_is_placed_by_points_with_residuals_and_never_sent(
    open_console: OpenConsole, bureaus: Bureaus, tmp_path: Path
) -> None:
    picture = tmp_path / "scan.png"
    Image.new("RGB", (400, 300), "#d0a070").save(picture)
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("digitise", region="xiamen")
    visit.ready_map()
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.method))
    page.get_by_role("tab", name="扫描图").click()
    page.get_by_label("扫描图").and_(page.locator("input")).set_input_files(picture)
    corners = [(0, 0, 118.0, 24.6), (400, 0, 118.1, 24.6), (400, 300, 118.1, 24.53)]
    page.get_by_text("还需要控制点").wait_for()
    for number, row in enumerate(corners, 1):
        page.get_by_role("button", name="加一行").click()
        for name, value in zip(("x", "y", "经度", "纬度"), row, strict=True):
            page.get_by_label(f"第 {number} 点 {name}").fill(str(value))
    page.get_by_text("均方根误差 0.0 米").wait_for()
    page.get_by_role("button", name="加一行").click()
    for name, value in (("x", 0), ("y", 300), ("经度", 118.001), ("纬度", 24.53)):
        page.get_by_label(f"第 4 点 {name}").fill(str(value))
    # Some 100 m east of where it is: a quarter of it at each of the four.
    page.get_by_text("均方根误差 2").wait_for()
    assert "POST" not in sent
