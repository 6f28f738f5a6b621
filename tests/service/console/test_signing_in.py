"""Signing in by the console, and what only shows to whom it is for."""

import re

import pytest

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_key_begins_a_session_and_is_kept_nowhere(
    bureaus: Bureaus, open_console: OpenConsole, lang: str
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key, lang=lang)
    kept = visit.page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")
    assert key not in kept
    assert key.split("_")[-1] not in visit.page.url
    assert visit.refusals == []


def test_a_wrong_key_is_refused_in_words(open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("sign-in")
    page.get_by_role("tab", name="接口密钥").click()
    page.get_by_role("textbox", name="接口密钥").fill("shk_00000000_" + "x" * 43)
    page.locator("form").get_by_role("button", name="登录").click()
    alert = page.get_by_role("alert")
    alert.wait_for()
    assert re.search("密钥", alert.inner_text())
    assert [line.split()[0] for line in visit.refusals] == ["401"]


def test_roles_and_regions_are_told_in_words(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key("planner", "approver"))
    text = visit.open("sign-in").locator("main").inner_text()
    assert "规划编制" in text
    assert "审批" in text
    assert "厦门市" in text
    assert "planner" not in text.replace("('planner', 'approver') of xiamen", "")


def test_signing_out_ends_the_session_and_forgets_drafts(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open()
    page.evaluate("localStorage.setItem('shanhai.draft.test', '1')")
    page.get_by_role("button", name="退出").click()
    page.get_by_role("link", name="登录").wait_for()
    assert page.evaluate("localStorage.getItem('shanhai.draft.test')") is None
    page.reload()
    page.get_by_role("link", name="登录").wait_for()


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_what_is_told_in_passing_covers_nothing_that_can_be_clicked(
    bureaus: Bureaus, open_console: OpenConsole, width: int
) -> None:
    visit = open_console(bureaus.key("viewer"), size=(width, 500))
    page = visit.open("map")
    visit.ready_map()
    page.get_by_role("button", name="退出").click()
    notice = page.locator(".toasts .notice")
    notice.wait_for()
    told, screen = notice.bounding_box(), page.locator("main").bounding_box()
    assert told is not None
    assert screen is not None
    assert screen["y"] + screen["height"] <= told["y"]
    assert told["y"] + told["height"] <= 500


def test_who_signs_in_goes_on_where_they_were(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("compliance")
    page.get_by_role("link", name="登录").click()
    page.get_by_role("tab", name="接口密钥").click()
    page.get_by_role("textbox", name="接口密钥").fill(bureaus.key(*PLANNING))
    page.locator("form").get_by_role("button", name="登录").click()
    page.get_by_role("heading", name="合规审查").wait_for()
    assert page.url.endswith("/console/compliance")


def test_a_foreign_next_leads_home(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console()
    page = visit.open("sign-in", next="//example.org/console")
    page.get_by_role("tab", name="接口密钥").click()
    page.get_by_role("textbox", name="接口密钥").fill(bureaus.key(*PLANNING))
    page.locator("form").get_by_role("button", name="登录").click()
    page.wait_for_selector(".ways")
    assert page.url.endswith("/console")


def test_writes_without_the_proof_of_the_session_are_refused(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    status = visit.page.evaluate(
        """async () => {
          const answer = await fetch("/collections/problems/items", {
            method: "POST", headers: {"Content-Type": "application/json"}, body: "{}"});
          return answer.status;
        }"""
    )
    assert status == 403


def test_a_viewer_is_refused_each_write_even_by_script(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key("viewer"))
    status = visit.page.evaluate(
        """async () => {
          const {csrf} = await (await fetch("/session")).json();
          const headers = {"Content-Type": "application/json", "X-CSRF-Token": csrf};
          const body = JSON.stringify({type: "Feature", geometry: null, properties: {}});
          const sent = {method: "POST", headers, body};
          return (await fetch("/collections/problems/items", sent)).status;
        }"""
    )
    assert status == 403
