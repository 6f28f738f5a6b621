"""Take the pictures of the console's screens anew, in both languages, on the demo's data.

Run after `make demo`: `.venv/bin/python -m docs.pictures.take_console [SCREEN…]`.
"""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from shutil import which

import httpx
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from shanhai.local.places import Home
from tests.support.browser import PROGRAM

HERE = Path(__file__).parent
SIZE = {"width": 1366, "height": 768}
FLAGS = ["--no-sandbox", "--enable-unsafe-swiftshader"]
ROLES = ("planner", "analyst", "approver", "owner")
PATIENCE_MS = 60_000
SITE = "118.05 24.60\n118.12 24.60\n118.12 24.66\n118.05 24.66"
Steps = Callable[[Page, bool], object]


def drawn(page: Page) -> None:
    """Wait until each map has its tiles, and nothing waits."""
    page.locator(".canvas[data-ready]").first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(6_000)


def on_map(page: Page, zh: bool) -> None:
    """The zones with their legend, below the corridors."""
    drawn(page)
    group = "格局与廊道" if zh else "Pattern and corridors"
    page.locator("summary").filter(has_text=group).click()
    page.get_by_role("checkbox", name="生态廊道" if zh else "Corridors", exact=True).check()
    page.locator(".shown").get_by_text("图例" if zh else "Legend").last.click()
    drawn(page)


def on_compliance(page: Page, zh: bool) -> None:
    """A site of four corners with its verdict."""
    drawn(page)
    page.get_by_label("角点" if zh else "Corners").fill(SITE)
    page.get_by_role("button", name="按角点成图" if zh else "Draw these corners").click()
    page.get_by_role("button", name="审查" if zh else "Check", exact=True).click()
    page.locator(".opinion").wait_for(timeout=PATIENCE_MS)
    drawn(page)


def on_sites(page: Page, zh: bool) -> None:
    """The sites that the demo chose, on their map."""
    page.get_by_role("tab", name="选址" if zh else "Sites", exact=True).click()
    page.locator(".canvas").first.wait_for(timeout=PATIENCE_MS)
    page.locator(".canvas").first.scroll_into_view_if_needed()
    drawn(page)


def on_tab(zh: str, en: str) -> Steps:
    """One of the screen's tabs."""
    return lambda page, chinese: page.get_by_role(
        "tab", name=zh if chinese else en, exact=True
    ).click()


SCREENS: dict[str, tuple[str, Steps]] = {
    "home": ("", lambda page, zh: None),
    "map": ("map", on_map),
    "zones": ("zones", lambda page, zh: drawn(page)),
    "digitise": ("digitise", lambda page, zh: drawn(page)),
    "compliance": ("compliance", on_compliance),
    "compute": ("compute", lambda page, zh: None),
    "scenarios": ("scenarios", on_sites),
    "projects": ("projects?region=banan", lambda page, zh: None),
    "monitoring": ("monitoring", lambda page, zh: drawn(page)),
    "data": ("data", on_tab("覆盖与许可", "Coverage and licences")),
    "results": ("results", lambda page, zh: None),
}
"""By the name of its picture: a screen's address, and what is done there before it is taken."""


def take(browser: Browser, url: str, key: str, zh: bool, wanted: set[str]) -> None:
    """Take the screens in a language, that of signing in first."""
    lang = "zh" if zh else "en"
    page = browser.new_context(viewport=SIZE, locale="zh-CN" if zh else "en-GB").new_page()
    page.goto(f"{url}/console/sign-in?region=xiamen")
    page.wait_for_selector("main h1")
    write(page, f"console-sign-in-{lang}")
    words = "接口密钥" if zh else "API key"
    page.get_by_role("tab", name=words).click()
    page.get_by_role("textbox", name=words).fill(key)
    page.locator("form").get_by_role("button", name="登录" if zh else "Sign in").click()
    page.wait_for_selector(".ways")
    for name, (address, steps) in SCREENS.items():
        if wanted and name not in wanted:
            continue
        place = address if "?" in address else f"{address}?region=xiamen"
        page.goto(f"{url}/console/{place}".replace("/console/?", "/console?"))
        page.wait_for_selector("main h1")
        page.wait_for_load_state("networkidle")
        steps(page, zh)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(700)
        write(page, f"console-{name}-{lang}")


def write(page: Page, name: str) -> None:
    """Keep what is seen, in 256 colours."""
    whole = Image.open(io.BytesIO(page.screenshot()))
    whole.convert("RGB").quantize(256).save(HERE / f"{name}.png", optimize=True)


def main() -> None:
    """Write the pictures beside this script."""
    demo = json.loads((Home.of_checkout().path / "demo.json").read_text())
    held = [{"role": role, "region": None} for role in ROLES]
    admin = {"Authorization": f"Bearer {demo['admin_key']}"}
    made = httpx.post(
        f"{demo['api']}/keys", json={"name": "李规划", "roles": held}, headers=admin
    ).raise_for_status()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which(PROGRAM), args=FLAGS)
        for zh in (True, False):
            take(browser, demo["api"], made.json()["key"], zh, set(sys.argv[1:]))


if __name__ == "__main__":
    main()
