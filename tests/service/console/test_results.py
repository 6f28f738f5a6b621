"""Results and administration: sheets, templates, people, keys, the log, and who sees them."""

import re
import time

import httpx
import pytest
from playwright.sync_api import Page

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, administrator
from tests.service.console.drafts import Draft

ADMINISTRATION = ("账户", "密钥", "邮件订阅", "审计")
STORED = "() => JSON.stringify([{...localStorage}, {...sessionStorage}, location.href])"


def give_role(page: Page, role: str, region: str) -> None:
    """Give a role in the open form."""
    page.get_by_label("角色", exact=True).select_option(role)
    page.get_by_label("角色的区域").select_option(region)
    page.get_by_role("button", name="授予").click()


def secret_shown(page: Page) -> str:
    """What is shown once; then it is closed, and in no store and no address."""
    page.get_by_text("只显示这一次").wait_for()
    dialog = page.locator("dialog[open]")
    text = dialog.locator("input[readonly]").input_value()
    assert dialog.get_by_role("button", name="复制").is_visible()
    assert text not in page.evaluate(STORED)
    dialog.get_by_role("button", name="关闭").click()
    page.locator("dialog[open]").wait_for(state="detached")
    assert text not in page.content()
    assert text not in page.evaluate(STORED)
    return text


def test_a_sheet_is_composed_followed_over_a_reload_and_opened(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    with bureaus.client(bureaus.key(*PLANNING)) as planner:
        drawn = Draft(planner)
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("results", region="xiamen")
    page.get_by_text("筛选：分区").click()
    page.get_by_label(re.compile("^方案")).select_option(drawn.code)
    page.get_by_label("添加图层").select_option("control_areas")
    page.get_by_label("图名（中文）").fill("厦门市管控线图")
    page.get_by_label("图号", exact=True).fill("XM-07")
    page.reload()
    page.get_by_text("已恢复上次未保存的内容").wait_for()
    assert page.get_by_label("图号", exact=True).input_value() == "XM-07"
    page.get_by_role("button", name="编制图件").press("Enter")
    page.wait_for_url("**job=*")
    page.reload()
    picture = page.locator("img.sheet")
    picture.wait_for(timeout=120_000)
    visit.until("document.querySelector('img.sheet').naturalWidth > 1000")
    # Its zones are a draft, which the title says.
    assert picture.get_attribute("alt") == "厦门市管控线图（草案）"
    for name, media_type in (("PDF", "application/pdf"), ("SVG", "image/svg+xml")):
        address = page.get_by_role("link", name=name).get_attribute("href")
        answer = page.request.get(str(address))
        assert answer.headers["content-type"].startswith(media_type)
    assert visit.refusals == []


def test_two_edit_a_template_and_nothing_is_lost(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    key = bureaus.key("planner", region=None)
    visit = open_console(key)
    page = visit.open("results", tab="templates", template="quarterly")
    page.get_by_label("模板名称（中文）").fill("季度公报")
    preview = page.locator(".page-preview")
    preview.get_by_role("heading").first.wait_for()
    page.get_by_role("button", name="保存为新版本").click()
    page.get_by_text("已保存为第 1 版").wait_for()
    page.get_by_label("发布单位（中文）").fill("甲局")
    with bureaus.client(key) as http:
        kept = http.get("/bulletin-templates/quarterly").json()
        told = {"code", "version", "created", "created_by", "links"}
        theirs = {name: value for name, value in kept.items() if name not in told}
        theirs |= {"issuer_zh": "乙局", "issuer_en": "Bureau B"}
        assert http.put("/bulletin-templates/quarterly", json=theirs).status_code == 200
        page.get_by_role("button", name="保存为新版本").click()
        dialog = page.locator("dialog[open]")
        dialog.get_by_text("乙局").wait_for()
        assert "甲局" in dialog.inner_text()
        dialog.get_by_role("button", name="按选择重新提交").click()
        page.get_by_text("已保存为第 3 版").wait_for()
        now = http.get("/bulletin-templates/quarterly").json()
    assert (now["issuer_zh"], now["issuer_en"]) == ("甲局", "Bureau B")
    assert now["name_zh"] == "季度公报"


def test_a_faulty_template_is_refused_where_it_is_wrong(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    page = open_console(bureaus.key("planner", region=None)).open(
        "results", tab="templates", template="default"
    )
    page.get_by_label("公报标题（中文）").fill("{{ nobody }}")
    page.locator(".preview-panel .notice.bad").wait_for()
    assert page.get_by_label("公报标题（中文）").input_value() == "{{ nobody }}"


def test_somebody_is_invited_by_a_link_that_is_shown_once(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console()
    page = administrator(bureaus, visit, "head.one")
    visit.open("results", tab="accounts")
    page.get_by_role("button", name="邀请人员").click()
    page.get_by_label("登录名").fill("li.wei")
    page.get_by_label("姓名").fill("李伟")
    give_role(page, "planner", "xiamen")
    page.get_by_role("button", name="建立账户并取得链接").click()
    link = secret_shown(page)
    with httpx.Client() as http:
        assert http.get(link).status_code == 200
    row = page.get_by_role("row").filter(has_text="李伟")
    assert "规划编制 · 厦门市" in row.inner_text()
    row.get_by_role("button", name="李伟").click()
    page.get_by_label("停用").check()
    page.get_by_role("button", name="保存", exact=True).click()
    row.get_by_text("已停用").wait_for()


def test_two_change_an_account_and_the_second_sees_it(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    made = bureaus.admin.post("/accounts", json={"subject": "wang.fang", "name": "王芳"}).json()
    visit = open_console()
    page = administrator(bureaus, visit, "head.two")
    visit.open("results", tab="accounts")
    page.get_by_role("button", name="王芳").click()
    page.get_by_label("姓名").fill("王方")
    changed = bureaus.admin.patch(f"/accounts/{made['id']}", json={"email": "w@example.cn"})
    assert changed.status_code == 200
    page.get_by_role("button", name="保存", exact=True).click()
    page.get_by_role("button", name="按选择重新提交").click()
    page.get_by_role("button", name="王方").wait_for()
    now = bureaus.admin.get(f"/accounts/{made['id']}").json()
    assert (now["name"], now["email"]) == ("王方", "w@example.cn")


def test_a_key_is_made_replaced_and_revoked(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console()
    page = administrator(bureaus, visit, "head.three")
    visit.open("results", tab="keys")
    page.get_by_role("button", name="新建密钥").click()
    page.get_by_label("名称（谁或什么在用）").fill("桌面软件")
    give_role(page, "analyst", "xiamen")
    page.get_by_role("button", name="建立", exact=True).click()
    first = secret_shown(page)
    row = page.get_by_role("row").filter(has_text="桌面软件").filter(has_text="有效")
    row.get_by_role("button", name="轮换").click()
    page.locator("dialog[open]").get_by_role("button", name="轮换", exact=True).click()
    second = secret_shown(page)
    assert first != second
    for key in (first, second):
        with bureaus.client(key) as http:
            assert http.get("/jobs").status_code == 200
    row.first.get_by_role("button", name="撤销").click()
    page.get_by_role("button", name="返回").click()
    visit.until("document.activeElement.textContent === '撤销'")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="确认撤销").click()
    page.get_by_role("row").filter(has_text="桌面软件").filter(has_text="已撤销").wait_for()


def test_the_log_is_filtered_and_told_in_full(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console()
    page = administrator(bureaus, visit, "head.four")
    visit.open("results", tab="audit")
    page.get_by_label("做了什么").fill("初始装入")
    page.get_by_role("button", name="筛选").click()
    page.get_by_role("button", name="更多").click()
    visit.until("document.querySelector('[aria-rowcount]').getAttribute('aria-rowcount') > 150")
    actions = page.locator("tbody td:nth-child(3)").all_inner_texts()
    assert {text.strip() for text in actions} - {""} == {"初始装入"}
    page.locator("tbody button").first.click()
    page.locator("dialog[open]").get_by_text("运维人员（命令行）", exact=True).wait_for()
    assert page.locator("dialog[open] tbody tr").count() > 1


def test_who_may_not_administer_sees_none_of_it(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    page = open_console(bureaus.key(*PLANNING)).open("results")
    page.get_by_role("tab", name="报告").wait_for()
    tabs = page.get_by_role("tab").all_inner_texts()
    assert set(tabs).isdisjoint(ADMINISTRATION)
    page = open_console().open("results", tab="keys")
    page.get_by_text("登录并具有相应角色后才能看到这里").wait_for()
    assert page.get_by_role("tab").all_inner_texts() == ["图件", "公报"]


def test_the_state_of_the_system_is_in_words(bureaus: Bureaus, open_console: OpenConsole) -> None:
    page = open_console(bureaus.key(*PLANNING)).open("results", tab="system")
    page.get_by_text("数据库").wait_for()
    assert page.get_by_text("正常").count() > 3
    assert page.get_by_text("备份校验").count() == 0


def test_an_administrator_sees_workers_and_backups(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console()
    administrator(bureaus, visit, "watching.system")
    page = visit.open("results", tab="system")
    page.get_by_text("备份校验").wait_for()
    page.get_by_role("heading", name="工作进程").wait_for()
    assert "尚无" in page.locator("main").inner_text()
    assert visit.refusals == []


@pytest.mark.long
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_phone_scrolls_no_page_sideways(
    bureaus: Bureaus, open_console: OpenConsole, lang: str
) -> None:
    visit = open_console(lang=lang, size=(390, 844), theme="dark")
    page = administrator(bureaus, visit, f"phone.{lang}")
    for tab in ("sheets", "reports", "bulletins", "templates", "accounts", "keys", "audit"):
        visit.open("results", tab=tab)
        page.wait_for_load_state("networkidle")
        assert page.evaluate("() => document.querySelector('main').scrollWidth") <= 390, tab
    visit.open("projects", region="banan")
    name = page.locator("tbody tr > :first-child").first
    name.wait_for()
    assert name.evaluate("cell => cell.clientWidth") > 100, "a name is squeezed"


def draft_bulletin(bureaus: Bureaus, key: str, **period: str) -> None:
    """Have the draft of a period made."""
    with bureaus.client(key) as http:
        answer = http.post(
            "/processes/publish-bulletin/execution",
            json={"inputs": {"region": "xiamen", **period}},
            headers={"Prefer": "respond-async"},
        )
        assert answer.status_code == 201, answer.text
        job = f"/jobs/{answer.json()['jobID']}"
        deadline = time.monotonic() + 120
        while (status := http.get(job).json()["status"]) in {"accepted", "running"}:
            assert time.monotonic() < deadline
            time.sleep(0.5)
        assert status == "successful"


def test_the_words_of_a_draft_are_edited_beside_what_they_make(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    key = bureaus.key(*PLANNING)
    draft_bulletin(bureaus, key, first="2025-10-01", last="2025-12-31")
    visit = open_console(key)
    page = visit.open("results", tab="bulletins", region="xiamen")
    row = page.get_by_role("row").filter(has_text="2025 年第")
    row.get_by_role("button", name="编辑文字").click()
    page.wait_for_url("**bulletin=*")
    page.locator(".page-preview").get_by_role("heading").first.wait_for()
    title = page.get_by_label("公报标题（中文）")
    assert "{" not in title.input_value()
    title.fill("厦门市冬季公报")
    page.get_by_text("1. 摘要").click()
    page.get_by_label("文字（中文）").first.fill("本季总体向好。")
    page.reload()
    page.get_by_text("已恢复上次未保存的内容").wait_for()
    assert title.input_value() == "厦门市冬季公报"
    page.locator(".page-preview").get_by_text("本季总体向好。").wait_for()
    page.get_by_role("button", name="保存文字").click()
    page.get_by_role("heading", name="厦门市冬季公报", level=2).wait_for(timeout=120_000)
    page.get_by_role("button", name="返回").click()
    row.get_by_text("文字经人工修改").wait_for()
    address = str(row.get_by_role("link", name="厦门市冬季公报").get_attribute("href"))
    code = address.partition("?")[0]
    assert "本季总体向好。" in page.request.get(f"{code}/files/html_zh").text()
    assert page.request.get(f"{code}?f=pdf&lang=zh").body().startswith(b"%PDF")
    assert visit.refusals == []


def test_a_bulletin_is_published_by_who_may_after_asking_again(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    key = bureaus.key(*PLANNING)
    draft_bulletin(bureaus, key, first="2026-01-01", last="2026-03-31")
    planner = open_console(bureaus.key("planner"))
    row = planner.page.get_by_role("row").filter(has_text="2026 年第")
    planner.open("results", tab="bulletins", region="xiamen")
    row.get_by_role("link", name="DOCX").wait_for()
    assert row.get_by_role("button", name="发布").count() == 0
    page = open_console(key).open("results", tab="bulletins", region="xiamen")
    row = page.get_by_role("row").filter(has_text="2026 年第")
    row.get_by_role("button", name="发布").click()
    page.get_by_role("button", name="确认发布").press("Enter")
    row.get_by_text("已发布").wait_for()
    assert row.get_by_role("button", name="发布").count() == 0


def test_a_refused_webhook_keeps_what_was_typed(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("results", tab="webhooks")
    page.get_by_role("button", name="新建回调订阅").click()
    page.get_by_label("名称（谁接收）").fill("值班平台")
    page.get_by_label("接收地址").fill("https://hooks.example.cn/x")
    page.get_by_label("发出预警").check()
    page.get_by_role("button", name="保存", exact=True).click()
    page.locator("dialog[open] .fault").first.wait_for()
    assert page.get_by_label("名称（谁接收）").input_value() == "值班平台"
    assert page.get_by_label("发出预警").is_checked()
    # What a receiver knows the caller by may stand in its address.
    assert "hooks.example.cn" not in page.evaluate(STORED)
    page.get_by_label("接收地址").fill(f"http://127.0.0.1:{bureaus.stack.receiver_port}/x")
    page.get_by_role("button", name="保存", exact=True).click()
    secret_shown(page)
    # The list calls what it is told of as the form does.
    row = page.get_by_role("row").filter(has_text="值班平台")
    row.get_by_text("发出预警", exact=True).wait_for()
