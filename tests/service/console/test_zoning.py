"""Zonings seen, edited by two at once, and approved in the browser."""

from collections.abc import Iterator

import pytest

from tests.service.console.conftest import (
    PLANNING,
    Bureaus,
    OpenConsole,
    Visit,
    type_corners,
)
from tests.service.console.drafts import EAST, Draft

STRICT, KEY = "严格保护与管控区", "重点保护与管控区"


@pytest.fixture
def draft_of_siming(bureaus: Bureaus) -> Iterator[Draft]:
    with bureaus.client(bureaus.key(*PLANNING)) as client:
        yield Draft(client)


def edit(visit: Visit, draft: Draft, how: str) -> None:
    draft.open(visit)
    visit.ready_map()
    visit.page.get_by_role("tab", name="编辑").click()
    visit.page.get_by_role("button", name=how, exact=True).click()


def choose_zone(visit: Visit, code: str) -> None:
    visit.page.get_by_label("分区（也可在地图上点选）").select_option(code)


def test_a_bar_chooses_zones_on_the_map_and_the_map_a_bar(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    draft_of_siming.open(visit)
    canvas = visit.ready_map()
    bars = visit.page.locator(".bars button")
    assert bars.count() == 2
    bars.filter(has_text=KEY).click()
    requirements = visit.page.locator(".zone-list")
    assert KEY in requirements.inner_text()
    assert STRICT not in requirements.inner_text()
    bars.filter(has_text=KEY).click()
    size = canvas.bounding_box()
    # West of the middle: the border between the two lies there.
    canvas.click(position={"x": size["width"] * 0.35, "y": size["height"] * 0.5})
    pressed = visit.page.locator('.bars button[aria-pressed="true"]')
    pressed.wait_for()
    assert STRICT in pressed.inner_text()
    assert visit.refusals == []


def test_the_second_of_two_planners_sees_the_conflict_and_nothing_is_lost(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    zone = f"{draft_of_siming.code}.strict_protection"
    first, second = (open_console(bureaus.key(*PLANNING)) for _ in range(2))
    for visit in (first, second):
        edit(visit, draft_of_siming, "属性")
        choose_zone(visit, zone)
        visit.page.get_by_label("英文名称").wait_for()
    first.page.get_by_label("英文名称").fill("Western hills")
    first.page.get_by_label("位置", exact=True).fill("湖滨以西")
    first.page.get_by_role("button", name="保存").click()
    first.page.get_by_text("已保存").wait_for()
    second.page.get_by_label("英文名称").fill("West")
    second.page.get_by_label("位置", exact=True).fill("西部")
    second.page.get_by_label("中文名称").fill("西区")
    second.page.get_by_role("button", name="保存").click()
    dialog = second.page.get_by_role("dialog")
    dialog.wait_for()
    told = dialog.inner_text()
    for text in ("Western hills", "West", "湖滨以西", "西部", "西区", "仅我修改"):
        assert text in told
    dialog.get_by_role("radio", name="英文名称: 对方").check()
    dialog.get_by_role("button", name="按选择重新提交").click()
    second.page.get_by_text("已保存").wait_for()
    now = draft_of_siming.zones()[zone]
    assert now["name_en"] == "Western hills"
    assert now["location_zh"] == "西部"
    assert now["name_zh"] == "西区"
    assert [refusal.split()[0] for refusal in second.refusals] == ["412"]


def test_what_is_not_saved_survives_a_reload(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    zone = f"{draft_of_siming.code}.key_protection"
    visit = open_console(bureaus.key(*PLANNING))
    edit(visit, draft_of_siming, "属性")
    choose_zone(visit, zone)
    visit.page.get_by_label("中文名称").fill("东区")
    visit.page.reload()
    edit(visit, draft_of_siming, "属性")
    choose_zone(visit, zone)
    visit.page.get_by_text("已恢复上次未保存的内容").wait_for()
    assert visit.page.get_by_label("中文名称").input_value() == "东区"
    visit.page.get_by_role("button", name="放弃").click()
    assert visit.page.get_by_label("中文名称").input_value() == KEY


@pytest.mark.long
def test_a_zone_is_split_by_a_typed_line_and_merged_again(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    zone = f"{draft_of_siming.code}.key_protection"
    visit = open_console(bureaus.key(*PLANNING))
    edit(visit, draft_of_siming, "分割")
    choose_zone(visit, zone)
    type_corners(visit, (118.15, 24.4), (118.17, 24.52))
    visit.page.get_by_label("理由").fill("山脊两侧")
    visit.page.locator("main").get_by_role("button", name="分割", exact=True).last.click()
    visit.page.get_by_text("已分割").wait_for()
    assert set(draft_of_siming.zones()) == {
        f"{draft_of_siming.code}.strict_protection",
        zone,
        f"{zone}-2",
    }
    visit.page.get_by_role("tab", name="报批").click()
    visit.page.get_by_text("无空缺、无重叠").wait_for()
    edit(visit, draft_of_siming, "合并")
    for one in visit.page.get_by_role("checkbox").filter(visible=True).all()[1:]:
        one.check()
    visit.page.get_by_label("理由").fill("仍为一区")
    visit.page.locator("main").get_by_role("button", name="合并", exact=True).last.click()
    visit.page.get_by_text("已合并").wait_for()
    assert len(draft_of_siming.zones()) == 2
    assert visit.refusals == []


def test_a_version_is_submitted_approved_and_published_by_those_who_may(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    planner = open_console(bureaus.key("planner"))
    draft_of_siming.open(planner)
    planner.page.get_by_role("tab", name="报批").click()
    planner.page.get_by_role("button", name="提交审查").click()
    planner.page.get_by_text("第 1 版：审查中").wait_for()
    assert planner.page.get_by_role("button", name="批准").count() == 0
    approver = open_console(bureaus.key("approver"))
    draft_of_siming.open(approver)
    approver.page.get_by_role("tab", name="报批").click()
    approver.page.get_by_role("button", name="批准").click()
    approver.page.get_by_role("button", name="发布").click()
    approver.page.get_by_text("第 1 版：现行").wait_for()
    public = open_console()
    draft_of_siming.open(public)
    assert "现行" in public.page.get_by_label("分区方案与版本").inner_text()
    assert public.page.get_by_role("tab", name="编辑").count() == 0


def test_two_versions_are_compared_on_a_map(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    other = Draft(draft_of_siming.client)
    moved = {
        "geometry": EAST,
        "to_class": "strict_protection",
        "note": "all of it",
        "version": 1,
    }
    answer = other.client.post(f"/zone-schemes/{other.code}/adjustments", json=moved)
    assert answer.status_code == 201, answer.text
    visit = open_console(bureaus.key(*PLANNING))
    other.open(visit)
    visit.page.get_by_role("tab", name="版本比较").click()
    visit.page.get_by_label("与之比较").select_option(f"{draft_of_siming.code}@1")
    visit.page.get_by_role("button", name=f"{KEY} → {STRICT}").wait_for()
    assert visit.refusals == []


def test_an_area_is_reassigned_with_no_gap_and_the_step_can_be_undone_before(
    open_console: OpenConsole, bureaus: Bureaus, draft_of_siming: Draft
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    edit(visit, draft_of_siming, "改划类别")
    page = visit.page
    before = draft_of_siming.areas()
    type_corners(visit, (118.12, 24.42), (118.14, 24.42), (118.14, 24.5), (118.12, 24.5))
    page.get_by_text("面积").first.wait_for()
    page.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="清除").and_(page.locator(":disabled")).wait_for()
    page.get_by_role("button", name="重做").click()
    page.get_by_role("button", name="清除").and_(page.locator(":enabled")).wait_for()
    page.get_by_label("改为").select_option(label=STRICT)
    page.get_by_label("理由").fill("水源地在此")
    page.locator("main").get_by_role("button", name="改划", exact=True).click()
    page.get_by_text("已改划").wait_for()
    now = draft_of_siming.areas()
    assert now["strict_protection"] > before["strict_protection"]
    assert now["key_protection"] < before["key_protection"]
    assert sum(now.values()) == pytest.approx(sum(before.values()), rel=1e-6)
    assert visit.refusals == []
