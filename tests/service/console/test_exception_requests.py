"""An exception requested by a planner and granted by an approver, each in a window of their own."""

from collections.abc import Iterator

import pytest

from tests.service.console.conftest import Bureaus, OpenConsole, Visit, box

LINE = "made-line"
ITEMS = "/collections/control_areas/items"
SITE = "118.151 24.431\n118.155 24.431\n118.155 24.435"
REFUSED, ASKED = "不通过", "已申请，待批准"


@pytest.fixture
def made_line(bureaus: Bureaus) -> Iterator[None]:
    """A red line in Siming, in which building is forbidden."""
    properties = {
        "code": LINE,
        "name_zh": "试画红线",
        "name_en": "Line on trial",
        "kind": "red_line",
        "region": "xiamen.siming",
        "valid_from": "2020-01-01",
    }
    geometry = box(118.15, 24.43, 118.16, 24.44)
    body = {"type": "Feature", "geometry": geometry, "properties": properties}
    made = bureaus.admin.post(ITEMS, json=body)
    assert made.status_code == 201, made.text
    change = {"properties": {"status": "published"}}
    merge = {"Content-Type": "application/merge-patch+json"}
    shown = bureaus.admin.patch(f"{ITEMS}/{LINE}", json=change, headers=merge)
    assert shown.is_success, shown.text
    yield
    assert bureaus.admin.delete(f"{ITEMS}/{LINE}").is_success


def judge(visit: Visit) -> str:
    """Ask for the verdict of the site on the screen."""
    page = visit.page
    page.get_by_role("button", name="审查", exact=True).click()
    heading = page.locator(".opinion h2").first
    heading.wait_for()
    return heading.inner_text()


@pytest.mark.usefixtures("made_line")
@pytest.mark.long
def test_what_a_planner_requests_an_approver_grants(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key("planner"))
    page = visit.open("compliance")
    visit.ready_map()
    page.get_by_label("角点").fill(SITE)
    page.get_by_role("button", name="按角点成图").click()
    assert REFUSED in judge(visit)
    rules = page.locator(".opinion .panel").filter(has_text="适用规则").locator("ul.plain > li")
    rule = rules.filter(has_text="生态保护红线").filter(has_text="禁止").first
    rule.get_by_role("button", name="申请例外").click()
    page.get_by_label("理由").fill("国家重大项目")
    page.reload()
    visit.ready_map()
    judge(visit)
    rule.get_by_role("button", name="申请例外").click()
    assert page.get_by_label("理由").input_value() == "国家重大项目"
    page.get_by_role("button", name="提交申请").click()
    rule.get_by_text(ASKED).wait_for()
    assert REFUSED in judge(visit)

    deciding = open_console(bureaus.key("approver"))
    desk = deciding.open("")
    desk.get_by_role("link", name="待批准的例外申请：1").click()
    deciding.ready_map()
    desk.get_by_role("button", name="厦门市的一处范围").click()
    chosen = desk.get_by_role("region", name="所选申请")
    chosen.get_by_text("国家重大项目").wait_for()
    asking = chosen.get_by_text("('planner',) of xiamen", exact=True)
    asking.wait_for()
    assert str(asking.get_attribute("title")).startswith("key:")
    assert REFUSED in judge(deciding)
    chosen.get_by_role("button", name="批准", exact=True).click()
    desk.get_by_label("批准文件").fill("厦自然资〔2026〕1号")
    desk.get_by_role("dialog").get_by_role("button", name="批准", exact=True).click()
    chosen.get_by_text("已批准", exact=True).wait_for()
    desk.locator(".opinion").get_by_text("已有例外").wait_for()
    assert REFUSED not in desk.locator(".opinion h2").first.inner_text()

    page.get_by_role("button", name="审查", exact=True).click()
    page.locator(".opinion").get_by_text("已有例外").wait_for()
    assert REFUSED not in page.locator(".opinion h2").first.inner_text()
    assert page.get_by_text(ASKED).count() == 0
    assert visit.refusals == deciding.refusals == []

    watching = open_console(bureaus.key("viewer"))
    seen = watching.open("compliance", way="requests")
    watching.ready_map()
    assert seen.get_by_role("tab", name="例外申请").count() == 0
