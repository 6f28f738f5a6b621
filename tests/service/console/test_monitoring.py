"""Stations, alerts and cases in the console, also on a phone in the field."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, box

RIVER, BUOY = "made-river", "made-buoy"
RED_LINE = "/collections/control_areas/items/xiamen.red-line"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9"
    "awAAAABJRU5ErkJggg=="
)


def sent(answer: httpx.Response) -> Any:
    assert answer.is_success, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def watched_case(bureaus: Bureaus) -> str:
    """Two stations, one beyond a limit and one silent, and a case; the code of the case."""
    admin = bureaus.admin
    for code, zh, en, kind, at in (
        (RIVER, "河口断面", "River mouth", "water_section", [118.1, 24.6]),
        (BUOY, "海湾浮标", "Buoy", "sea", [118.2, 24.65]),
    ):
        said = {"code": code, "name_zh": zh, "name_en": en, "kind": kind, "region": "xiamen"}
        feature = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": at},
            "properties": {**said, "interval_s": 3600, "visibility": "public"},
        }
        sent(admin.post("/collections/stations/items", json=feature))
    rule = {"code": "made-ammonia", "name_zh": "氨氮超标", "name_en": "Ammonia high"}
    limits = {"kind": "above", "property": "ammonia_nitrogen", "limits": {"yellow": 1, "red": 2}}
    sent(admin.post("/alert-rules", json={**rule, **limits, "region": "xiamen"}))
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    rows = [
        {
            "station": RIVER,
            "property": "ammonia_nitrogen",
            "time": (now - timedelta(hours=hour)).isoformat(),
            "value": 1.5 if hour == 0 else 0.4,
        }
        for hour in range(48)
    ]
    old = (now - timedelta(days=3)).isoformat()
    rows.append({"station": BUOY, "property": "dissolved_oxygen", "time": old, "value": 7.1})
    sent(admin.post("/observations", json=rows))
    return case_over_a_line(admin)


def case_over_a_line(admin: httpx.Client) -> str:
    """The code of a case that a lead over a part of the red line opens."""
    line = admin.get(RED_LINE)
    drawn = {
        "geometry": box(118.06, 24.43, 118.12, 24.47),
        "properties": {"delimitation": "2020"},
    }
    headers = {"Content-Type": "application/merge-patch+json", "If-Match": line.headers["ETag"]}
    sent(admin.patch(RED_LINE, json=drawn, headers=headers))
    lead = {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": box(118.08, 24.44, 118.084, 24.443)["coordinates"][0],
        },
        "properties": {
            "source": "satellite",
            "external_id": "made-1",
            "kind": "mining",
            "sensed_before": "2026-01-01",
            # The line counts as it is from today on, where the bureau is.
            "sensed_after": (datetime.now(UTC) + timedelta(hours=8)).date().isoformat(),
        },
    }
    [result] = sent(admin.post("/cases", json=lead))["results"]
    assert result["outcome"] == "opened", result
    return str(result["case"])


def alert_of(bureaus: Bureaus) -> int:
    """The alert that the river has raised, once it is there."""
    for _ in range(60):
        found = sent(bureaus.admin.get("/alerts", params={"station": RIVER}))["alerts"]
        if found:
            return int(found[0]["id"])
        bureaus.admin.get("/alerts", params={"limit": 1})
    raise AssertionError("no alert was raised")


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.long)])
def test_stations_are_shown_with_their_state_and_a_chart_with_limits(
    bureaus: Bureaus, open_console: OpenConsole, watched_case: str, lang: str
) -> None:
    visit = open_console(bureaus.key(*PLANNING), lang=lang)
    page = visit.open("monitoring")
    visit.ready_map()
    table = page.get_by_role("region", name=visit.t("站点", "Stations"), exact=True)
    table.get_by_text(visit.t("河口断面", "River mouth")).wait_for()
    buoy = table.get_by_role("row").filter(has_text=visit.t("海湾浮标", "Buoy"))
    assert visit.t("数据中断", "silent") in buoy.inner_text()
    table.get_by_role("button", name=visit.t("河口断面", "River mouth")).click()
    page.locator(".plot canvas").wait_for()
    assert visit.t("黄色 > 1（已超）", "yellow > 1 (beyond)") in page.locator("main").inner_text()
    page.get_by_label(visit.t("时间分辨率", "By hour, day or month")).select_option("values")
    page.get_by_text(visit.t("以表格查看", "The same as a table")).click()
    assert page.locator(".chart tbody tr").count() > 40
    assert visit.refusals == []


def test_an_alert_is_commented_acknowledged_and_closed_with_words(
    bureaus: Bureaus, open_console: OpenConsole, watched_case: str
) -> None:
    alert = alert_of(bureaus)
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("monitoring", tab="alerts")
    assert page.get_by_label("范围").locator("option:checked").inner_text() == "厦门市及下级区域"
    page.get_by_role("region", name="预警").get_by_text("河口断面").first.click()
    page.get_by_label("处理意见").fill("已电话询问排口")
    page.get_by_role("button", name="仅发表意见").click()
    page.locator("li").filter(has_text="意见").get_by_text("已电话询问排口").wait_for()
    assert sent(bureaus.admin.get(f"/alerts/{alert}"))["status"] == "open"
    page.get_by_label("处理意见").fill("已派人采样复核")
    page.reload()
    # What was typed survives.
    page.get_by_role("button", name="确认", exact=True).click()
    page.locator(".badge").get_by_text("已确认").wait_for()
    page.get_by_text("已派人采样复核").wait_for()
    story = page.locator("ol.plain li").filter(has_text="已派人采样复核")
    story.get_by_text(f"{PLANNING} of xiamen", exact=True).wait_for()
    page.get_by_label("处理意见").fill("复核正常")
    page.get_by_role("button", name="关闭预警").click()
    page.locator(".badge").get_by_text("已关闭").wait_for()
    assert sent(bureaus.admin.get(f"/alerts/{alert}"))["status"] == "closed"
    page = visit.open("monitoring", tab="alerts")
    page.get_by_label("状态").select_option("closed")
    page.get_by_role("region", name="预警").get_by_text("河口断面").first.wait_for()
    assert visit.refusals == []


def test_a_case_is_checked_on_site_with_a_phone(
    bureaus: Bureaus, open_console: OpenConsole, watched_case: str, tmp_path: Path
) -> None:
    visit = open_console(bureaus.key("supervisor"), size=(390, 844))
    page = visit.page
    page.context.grant_permissions(["geolocation"], origin=bureaus.url)
    page.context.set_geolocation({"latitude": 24.4415, "longitude": 118.082, "accuracy": 12})
    visit.open("monitoring", tab="cases")
    page.get_by_role("button", name="采矿采石").click()
    page.get_by_label("核查人").fill("张三")
    page.get_by_role("button", name="提交").click()
    page.locator(".badge").get_by_text("核查中").wait_for()
    photo = tmp_path / "现场.png"
    photo.write_bytes(PIXEL)
    page.get_by_label("拍照或选择照片").set_input_files(photo)
    page.get_by_role("button", name="上传照片").click()
    page.locator(".photos img").wait_for()
    page.get_by_label("进入").select_option("verified")
    page.get_by_label("核查结果").select_option("confirmed")
    page.get_by_role("button", name="写入我的位置").click()
    visit.until("document.querySelector('textarea').value.includes('118.082')")
    page.get_by_role("button", name="提交").click()
    page.locator(".badge").get_by_text("已核查").wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 390
    found = sent(bureaus.admin.get(f"/cases/{watched_case}"))
    assert found["state"] == "verified"
    assert "24.4415" in found["events"][-1]["note"]
    assert found["events"][-1]["documents"]
    assert visit.refusals == []


def test_silent_feeds_are_told_first_and_refused_rows_below(
    bureaus: Bureaus, open_console: OpenConsole, watched_case: str
) -> None:
    wrong = {"station": RIVER, "property": "ammonia_nitrogen", "value": 1, "unit": "kg"}
    now = datetime.now(UTC).isoformat()
    receipt = sent(bureaus.admin.post("/observations", json=[{**wrong, "time": now}]))
    assert receipt["rejected_count"] == 1
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("monitoring", tab="health")
    first = page.get_by_role("region", name="数据到报").get_by_role("row").nth(1)
    first.get_by_text("中断").wait_for()
    assert "海湾浮标" in first.inner_text()
    refused = page.get_by_role("region", name="拒收的数据").get_by_role("row").nth(1)
    told = refused.inner_text()
    assert "河口断面" in told
    assert "单位" in told
    assert visit.refusals == []


def test_the_public_sees_stations_but_no_alerts(
    open_console: OpenConsole, watched_case: str
) -> None:
    visit = open_console()
    page = visit.open("monitoring")
    page.get_by_role("button", name="河口断面").wait_for()
    for tab in ("alerts", "cases", "rules"):
        visit.open("monitoring", tab=tab).get_by_text("登录后可以查看").wait_for()
    assert visit.refusals == []


def test_a_rule_is_made_changed_and_ended(
    bureaus: Bureaus, open_console: OpenConsole, watched_case: str
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("monitoring", tab="rules")
    page.get_by_role("button", name="新建规则").click()
    page.get_by_role("textbox", name="代码", exact=True).fill("made-oxygen")
    page.get_by_label("中文名称").fill("溶解氧偏低")
    page.get_by_label("类型").select_option("below")
    page.get_by_label("观测指标").select_option("dissolved_oxygen")
    page.locator("form .field:has(.label:text-is('区域')) select").select_option("xiamen")
    page.get_by_text("各级限值").click()
    page.get_by_label("橙色").fill("3")
    page.get_by_role("button", name="保存").click()
    rules = page.get_by_role("region", name="预警规则")
    rules.get_by_role("button", name="溶解氧偏低").click()
    rule = sent(bureaus.admin.get("/alert-rules/made-oxygen"))
    assert rule["limits"] == {"orange": 3}
    page.get_by_label("启用").uncheck()
    page.get_by_role("button", name="保存").click()
    rules.get_by_text("停用").wait_for()
    rules.get_by_role("button", name="溶解氧偏低").click()
    page.get_by_role("button", name="终止规则").click()
    page.get_by_role("button", name="确认终止规则").click()
    rules.get_by_text("溶解氧偏低").wait_for(state="hidden")
    assert visit.refusals == []
