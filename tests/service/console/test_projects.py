"""A project's card and the ledgers, as those who plan and carry out projects work with them."""

import io
import itertools
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, Visit, box
from tests.service.console.test_everywhere import settle, violations

PLACE = box(118.06, 24.44, 118.07, 24.45)
NUMBERS = itertools.count(1)


class Project:
    """A project that is a draft, with what its proposal asks for but measures, as a program
    makes it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.code = f"walk-{next(NUMBERS)}"
        self.path = f"/projects/{self.code}"
        about = {
            "code": self.code,
            "name_zh": f"下潭尾湿地修复{self.code}",
            "name_en": f"Wetland of Xiatanwei {self.code}",
            "region": "xiamen",
            "start_year": 2025,
            "end_year": 2027,
            "type": "wetland_restoration",
            "cost": "3505000.00",
        }
        make(client, "/collections/projects/items", feature(PLACE, about))

    def open(self, visit: Visit, tab: str) -> Page:
        """Open its card at a tab."""
        page = visit.open("projects", region="xiamen", project=self.code)
        page.get_by_role("tab", name=tab, exact=True).click()
        settle(visit)
        return page


def feature(geometry: Any, properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def make(client: httpx.Client, path: str, body: dict[str, Any]) -> None:
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text


@pytest.fixture
def wetland(bureaus: Bureaus) -> Iterator[Project]:
    with bureaus.client(bureaus.key(*PLANNING)) as client:
        yield Project(client)


def row(page: Page, table: str, words: str) -> Locator:
    """A row of a table by words in it."""
    return (
        page.get_by_role("region", name=table, exact=True).get_by_role("row").filter(has_text=words)
    )


def form(page: Page) -> Locator:
    """The dialog that was opened last."""
    return page.get_by_role("dialog").last


def photo() -> bytes:
    drawn = io.BytesIO()
    Image.new("RGB", (64, 48), (30, 120, 60)).save(drawn, "JPEG")
    return drawn.getvalue()


def test_a_card_is_walked_from_its_measures_to_a_step(
    bureaus: Bureaus, open_console: OpenConsole, wetland: Project
) -> None:
    source = {"name_zh": "省级资金", "name_en": "Provincial fund", "kind": "provincial"}
    fund = source | {"code": f"{wetland.code}.fund", "amount": "9000000.00"}
    make(bureaus.admin, "/fund-sources", fund)
    visit = open_console(bureaus.key(*PLANNING))
    page = wetland.open(visit, "措施")

    page.get_by_role("button", name="添加措施").click()
    page.get_by_label("措施代码").fill("wetland_planting")
    page.get_by_label("中文名称").fill("补植红树")
    page.get_by_label("计划量").fill("12.5")
    page.get_by_role("dialog").get_by_role("button", name="添加", exact=True).click()
    expect(row(page, "措施", "补植红树")).to_contain_text("12.5 公顷")
    assert violations(page) == []

    # Somebody else changes it while its form is open: both are shown, and what is chosen stays.
    page.get_by_role("button", name="补植红树").click()
    page.get_by_label("计划量").fill("14")
    place = f"{wetland.path}/measures/wetland_planting"
    theirs = {"name_zh": "补植红树", "name_en": "Planting", "planned": 13, "unit": "ha"}
    assert wetland.client.put(place, json=theirs).status_code == 200
    page.get_by_role("button", name="保存").click()
    beside = page.get_by_role("dialog", name="他人已修改此对象")
    expect(beside).to_contain_text("13")
    beside.get_by_role("button", name="按选择重新提交").click()
    expect(row(page, "措施", "补植红树")).to_contain_text("14 公顷")
    kept = wetland.client.get(place).json()
    assert (kept["planned"], kept["name_en"]) == (14, "Planting")

    page.get_by_role("tab", name="步骤", exact=True).click()
    panel = page.locator("section.panel").filter(has_text="→ 已申报")
    panel.get_by_role("button", name="办理").click()
    page.get_by_role("dialog").get_by_role("button", name="办理").click()
    expect(page.locator(".track [aria-current=step]")).to_have_text("已申报")

    page.get_by_role("tab", name="资金", exact=True).click()
    page.get_by_role("button", name="记一笔").click()
    page.get_by_label("类别").select_option("拨入")
    page.get_by_label("资金来源").select_option("省级资金")
    page.get_by_label("金额（元）").fill("1250000.00")
    page.get_by_role("button", name="记入", exact=True).click()
    expect(row(page, "资金台账", "省级资金")).to_contain_text("1,250,000.00 元")

    page.get_by_role("tab", name="文件", exact=True).click()
    page.get_by_label("类别").select_option("照片")
    page.get_by_label("有关措施").select_option("补植红树")
    page.get_by_label("拍摄日期").fill("2025-03-04")
    page.get_by_label("标题", exact=True).fill("补植前")
    page.get_by_label("文件", exact=True).and_(page.locator("input")).set_input_files(
        {"name": "before.jpg", "mimeType": "image/jpeg", "buffer": photo()}
    )
    figure = page.locator(".photos figure")
    expect(figure).to_contain_text("补植红树 · 2025年3月4日")
    visit.until("document.querySelector('.photos img')?.naturalWidth === 64")
    assert violations(page) == []
    refused = [told for told in visit.refusals if not told.startswith("412 PUT")]
    assert refused == []


def test_the_ledgers_are_kept(
    bureaus: Bureaus, open_console: OpenConsole, wetland: Project
) -> None:
    owner = {"name_zh": "采石公司", "name_en": f"Quarry company {wetland.code}", "kind": "firm"}
    make(wetland.client, "/parties", owner | {"code": f"{wetland.code}.firm", "region": "xiamen"})
    visit = open_console(bureaus.key(*PLANNING, "supervisor"), lang="en")
    page = visit.open("projects", region="xiamen", tab="balances")
    settle(visit)
    title = f"Shore {wetland.code}"
    page.get_by_role("button", name="Add an entry").click()
    form(page).get_by_label("Title in Chinese").fill("占用岸线")
    form(page).get_by_label("Title in English").fill(title)
    form(page).get_by_label("Kind").select_option("Natural shoreline (m)")
    form(page).get_by_label("Direction").select_option("Taken")
    form(page).get_by_label("Amount").fill("300.5")
    form(page).get_by_label("Project").select_option(f"Wetland of Xiatanwei {wetland.code}")
    form(page).get_by_role("button", name="Propose").click()
    expect(row(page, "Entries", title)).to_contain_text("Proposed")
    page.get_by_role("button", name=title).click()
    form(page).get_by_label("Decision").select_option("Accept")
    page.get_by_role("button", name="Decide").click()
    expect(row(page, "Entries", title)).to_contain_text("Accepted")
    expect(row(page, "Balances", "Natural shoreline")).to_contain_text("300.5")
    assert violations(page) == []

    page.get_by_role("tab", name="Mines", exact=True).click()
    settle(visit)
    name = f"Quarry {wetland.code}"
    page.get_by_role("button", name="Add a mine").click()
    form(page).get_by_label("Code").fill(f"{wetland.code}.mine")
    form(page).get_by_label("Chinese name").fill("采石场")
    form(page).get_by_label("English name").fill(name)
    form(page).get_by_label("Kind").select_option("producing")
    form(page).get_by_label("Owner").select_option(f"Quarry company {wetland.code}")
    form(page).get_by_label("Licence", exact=True).fill("C3502002024")
    page.get_by_role("button", name="Make").click()
    page.get_by_role("button", name=name).click()
    fund = page.locator("section.panel").filter(
        has=page.get_by_role("heading", name="Restoration fund")
    )
    fund.get_by_role("button", name="Add an entry").click()
    form(page).get_by_label("Kind").select_option("Due")
    form(page).get_by_label("Amount").fill("125000.00")
    form(page).get_by_role("button", name="Add", exact=True).click()
    expect(row(page, "Entries of the fund", "Due")).to_contain_text("125,000.00 CNY")
    expect(fund.locator(".inline").first).to_contain_text("Missing 125,000.00 CNY")
    assert violations(page) == []
    assert visit.refusals == []


def test_a_duty_is_reported_by_one_and_judged_by_another(
    bureaus: Bureaus, open_console: OpenConsole, wetland: Project
) -> None:
    plan = "xiamen-vanguard-2025"
    review = {"year": 2025, "reports_due_on": "2026-01-31"}
    begun = wetland.client.post(f"/plans/{plan}/duty-reviews", json=review)
    assert begun.status_code in {201, 409}, begun.text

    def court(*roles: str) -> tuple[Page, Locator]:
        visit = open_console(bureaus.key(*roles))
        page = visit.open("projects", region="xiamen", plan=plan, tab="duties")
        page.get_by_role("button", name="2025", exact=True).click()
        return page, page.locator("li").filter(has_text="市中级法院").filter(
            has=page.locator("button")
        )

    page, line = court("planner")
    line.get_by_role("button", name="填报").first.click()
    form(page).get_by_label("当年开展的工作").fill("审结环境资源案件")
    form(page).get_by_label("数据").fill("审结案件: 120.5 件")
    form(page).get_by_role("button", name="提交").click()
    expect(line.first).to_contain_text("待评定")
    expect(line.first).to_contain_text("审结案件: 120.5 件")
    assert line.get_by_role("button", name="评定").count() == 0
    assert violations(page) == []

    page, line = court("supervisor")
    line.get_by_role("button", name="评定").first.click()
    form(page).get_by_label("结论").select_option("退回补充")
    form(page).get_by_label("评定意见").fill("请补充证明材料")
    form(page).get_by_role("button", name="评定").click()
    expect(line.first).to_contain_text("退回补充")
    expect(line.first).to_contain_text("请补充证明材料")
