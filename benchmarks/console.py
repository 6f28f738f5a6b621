"""How soon the console can be worked in, and how it scrolls a register of 10,000 projects.

In Chromium, against what is asked: 1.5 s until home is answered, 1 s until a site has its verdict,
50 ms for the longest stall of a scroll.
"""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Browser, Page, expect, sync_playwright

from benchmarks.report import Row, Setup, Table
from benchmarks.timing import Sample
from benchmarks.workbench import Workbench
from tests.service.console.conftest import (
    FLAGS,
    PLANNING,
    Bureaus,
    Visit,
    program_of,
    seed,
    sign_in,
)
from tests.support.browser import PROGRAM

PROJECTS = 10_000
AT_ONCE = 8
ROUNDS = 5
USABLE_S, VERDICT_S, STALL_S = 1.5, 1.0, 0.05
SITE = "118.05 24.60\n118.12 24.60\n118.15 24.63\n118.12 24.66\n118.05 24.66"
SCROLL = """async (box) => {
  // The longest time from frame to frame while all rows pass in 180 frames.
  box.scrollTop = 0;
  await new Promise(requestAnimationFrame);
  const step = box.scrollHeight / 180;
  let longest = 0, before = performance.now();
  for (let n = 0; n < 180; n++) {
    box.scrollTop += step;
    const now = await new Promise(requestAnimationFrame);
    longest = Math.max(longest, now - before);
    before = now;
  }
  return longest / 1000;
}"""
SETUP = Setup(
    settings="Chromium's headless shell; the second figures of a browser that was started before",
    warm="the API's own caches; home in a browser without a cache, verdicts and scrolls "
    "in one page",
    processes=(1, 0),
)


def run(bench: Workbench) -> Table:
    """The longest times that people wait."""
    seed(bench.stack, bench.made("console") / "regions.geojson")
    table = Table("console", "the planner's console in Chromium", "what is asked", setup=SETUP)
    with program_of(bench.stack.api_url, bench.key) as admin, _chromium() as browser:
        bureaus = Bureaus(bench.stack, bench.stack.api_url, admin)
        _fill(bureaus)
        page = _signed_in(browser, bureaus)
        for what, measured, asked in (
            ("home, nothing cached", [_home(browser, bureaus) for _ in range(ROUNDS)], USABLE_S),
            ("verdict on five corners", _verdicts(page, bureaus), VERDICT_S),
            (f"longest stall, {PROJECTS:,} projects", _stalls(page, bureaus), STALL_S),
        ):
            table.rows.append(Row(what, Sample(tuple(measured)), Sample((asked,)), 1.0))
    return table


@contextmanager
def _chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which(PROGRAM), args=FLAGS)
        yield browser
        browser.close()


def _signed_in(browser: Browser, bureaus: Bureaus) -> Page:
    page = browser.new_context(viewport={"width": 1366, "height": 768}).new_page()
    sign_in(Visit(page, bureaus.url, "en"), bureaus.key(*PLANNING))
    return page


def _fill(bureaus: Bureaus) -> None:
    with bureaus.client(bureaus.key(*PLANNING)) as http, ThreadPoolExecutor(AT_ONCE) as hands:
        plans = http.get("/collections/plans/items", params={"filter": "region = 'xiamen'"})
        plan = plans.json()["features"][0]["id"]

        def make(number: int) -> int:
            about = {
                "code": f"bench.{number}",
                "name_zh": f"项目{number}",
                "region": "xiamen",
                "plan": plan,
                "start_year": 2026,
                "end_year": 2030,
            }
            feature = {"type": "Feature", "geometry": None, "properties": about}
            return http.post("/collections/projects/items", json=feature).status_code

        answers = set(hands.map(make, range(PROJECTS)))
    if answers != {201}:
        raise RuntimeError(f"projects were answered {answers}")


def _home(browser: Browser, bureaus: Bureaus) -> float:
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(f"{bureaus.url}/console", wait_until="commit")
    page.locator(".ways").wait_for()
    # Each panel says so while it waits for its answer.
    expect(page.locator("main .waiting")).to_have_count(0)
    took = time.perf_counter() - started
    context.close()
    return took


def _verdicts(page: Page, bureaus: Bureaus) -> list[float]:
    page.goto(f"{bureaus.url}/console/compliance?region=xiamen")
    page.locator(".canvas[data-ready]").wait_for()
    page.get_by_label("Corners").fill(SITE)
    page.get_by_role("button", name="Draw these corners").click()
    # A hand takes as long from one button to the next, while the map goes to the place.
    page.wait_for_timeout(1_000)
    found = []
    for _ in range(ROUNDS):
        with page.expect_response(lambda answer: answer.url.endswith("/execution")):
            started = time.perf_counter()
            page.get_by_role("button", name="Check", exact=True).click()
        page.locator(".opinion").wait_for()
        found.append(time.perf_counter() - started)
    return found


def _stalls(page: Page, bureaus: Bureaus) -> list[float]:
    page.goto(f"{bureaus.url}/console/projects?region=xiamen")
    page.locator(f"[aria-rowcount='{PROJECTS + 1}']").wait_for(timeout=120_000)
    box = page.locator(f":has(> [aria-rowcount='{PROJECTS + 1}'])")
    return [float(box.evaluate(SCROLL)) for _ in range(ROUNDS)]
