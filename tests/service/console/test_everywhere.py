"""What holds on all screens: accessible in both looks and languages, and told in words."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from playwright.sync_api import Locator, Page

from tests.service.console.conftest import Bureaus, OpenConsole, Visit, administrator

AXE = Path("services/api/console/node_modules/axe-core/axe.min.js")
SCREENS = (
    "",
    "sign-in",
    "map",
    "zones",
    "digitise",
    "compliance",
    "compute",
    "scenarios",
    "projects",
    "monitoring",
    "data",
    "results",
)
MOST_PAGES = 200
"""A crawl that comes to so many fails; it ends by itself after some thirty in either city."""
ROWS = 2
"""Of each table so many are opened: the first ones, which tell the newest or the most urgent."""
VALUES = 2
"""A screen is walked for so many values of the same names of its query."""
SHAPE = re.compile(r"=[^&]*")
"""Values of a query."""
CODE_COLUMNS = ("代码", "成员", "之前", "之后")
"""What stands in these is set as it is written in files and in the log: codes, and the members and
values of rows as they were stored."""
CODES = """(columns) => {
  // What a person reads or hears: texts and names of controls. Codes are set as such in columns
  // of them, and nowhere else.
  const found = [];
  const names = ["aria-label", "title", "placeholder"];
  const isCode = (holder) => {
    const code = holder.closest("code");
    const cell = code?.closest("td, th");
    const heading = cell?.closest("table").tHead?.rows[0]?.cells[cell.cellIndex];
    return columns.includes((heading?.querySelector("button")?.firstChild ?? heading)?.textContent);
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!holder.closest("script, style, textarea") && !isCode(holder))
      found.push(walk.currentNode.data);
  }
  for (const part of document.querySelectorAll(names.map((name) => `[${name}]`).join()))
    for (const name of names) found.push(part.getAttribute(name) ?? "");
  const told = /[a-z]+_[a-z]+|[0-9a-f]{8}-[0-9a-f]{4}-/;
  return found.filter((text) => told.test(text));
}"""
CHOSEN = "(tabs) => tabs.findIndex((tab) => tab.ariaSelected === 'true')"
BORDERS = """() => {
  // Fields whose border is too like what is behind (WCAG 1.4.11), which axe does not try.
  const dot = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgba = (color) => {
    dot.clearRect(0, 0, 1, 1);
    dot.fillStyle = color;
    dot.fillRect(0, 0, 1, 1);
    return [...dot.getImageData(0, 0, 1, 1).data];
  };
  const linear = (part) =>
    part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = (node) => {
    for (let one = node.parentElement; one; one = one.parentElement) {
      const color = rgba(getComputedStyle(one).backgroundColor);
      if (color[3] === 255) return color;
    }
    return [255, 255, 255, 255];
  };
  const drawn = ["checkbox", "radio", "range", "file"];
  return [...document.querySelectorAll("main :is(input, select, textarea):enabled")]
    .filter((node) => !drawn.includes(node.type) && node.getClientRects().length)
    .map((node) => {
      const style = getComputedStyle(node);
      const [one, other] = [light(rgba(style.borderBottomColor)), light(behind(node))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      return [ratio, node.outerHTML.slice(0, 120), style.borderBottomWidth];
    })
    .filter(([ratio, , width]) => ratio < 3 || parseFloat(width) < 1)
    .map(([ratio, html]) => `border ${ratio.toFixed(2)}:1 ${html}`);
}"""
HREFS = "(links) => links.map((link) => link.href)"


def settle(visit: Visit) -> None:
    """Wait until nothing on the page waits any more."""
    visit.until("!document.querySelector('main [aria-busy=true], main .waiting')")
    visit.page.wait_for_timeout(100)


def parts(
    visit: Visit, rows: int = 1, walked: set[tuple[str, ...]] | None = None
) -> Iterator[tuple[str, bool]]:
    """Each part of the open screen in turn: its tabs, the tabs within these, the first rows.

    Args:
        rows: How many of each table are opened.
        walked: Lists of tabs that were walked; of one that was, only the chosen tab is. Those of
            this screen are added.

    Yields:
        What the part is called, and whether it is a row that has an address of its own.
    """
    page, address = visit.page, visit.page.url
    settle(visit)
    for outer in outer_tabs(page, set() if walked is None else walked):
        inner = 0
        while (name := choose(visit, outer, inner)) is not None:
            yield name, False
            for table, row in first_rows(page, rows):
                opener = openers(page, table).nth(row)
                # The table may be gone with what was chosen before.
                if opener.count():
                    unfold(page)
                    before = page.url
                    opener.click()
                    settle(visit)
                    yield f"{name}, table {table + 1}, row {row + 1}", page.url != before
                    page.goto(address)
                    settle(visit)
                    choose(visit, outer, inner)
            inner += 1


def outer_tabs(page: Page, walked: set[tuple[str, ...]]) -> list[int]:
    """The outermost tabs to be walked: all of a list that was not yet, else the chosen one."""
    found = tabs(page, 0)
    names = (urlsplit(page.url).path, *found.all_inner_texts())
    if names in walked:
        return [max(0, found.evaluate_all(CHOSEN))]
    walked.add(names)
    return list(range(max(1, found.count())))


def first_rows(page: Page, most: int) -> list[tuple[int, int]]:
    """The first rows of each table that can be opened, by the numbers of both."""
    counts = [openers(page, n).count() for n in range(page.locator("main table").count())]
    return [(n, row) for n, count in enumerate(counts) for row in range(min(count, most))]


def unfold(page: Page) -> None:
    """Open what is folded to one line."""
    page.locator("main details:not([open]) > summary").evaluate_all(
        "all => all.forEach(one => one.click())"
    )


def openers(page: Page, table: int) -> Locator:
    """What opens the rows of a table."""
    return page.locator("main table").nth(table).locator("td button.link")


def tabs(page: Page, nth: int) -> Locator:
    """The tabs of a list of tabs, from the outermost."""
    return page.get_by_role("tablist").nth(nth).get_by_role("tab")


def choose(visit: Visit, *wanted: int) -> str | None:
    """Choose a tab of the outer list, and one of the inner; None where there is none."""
    names = []
    for nth, at in enumerate(wanted):
        tab = tabs(visit.page, nth).nth(at)
        if tab.count():
            tab.click()
            settle(visit)
            # The tab of a job goes with the job when another tab is chosen.
            names += tab.all_inner_texts()
        elif at:
            return None
    return " / ".join(names)


def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA, each rule with where, and fields with faint borders."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    borders: list[str] = page.evaluate(BORDERS)
    return borders + [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.long
@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_screen_breaks_a_rule_of_accessibility(
    bureaus: Bureaus, open_console: OpenConsole, lang: str
) -> None:
    visit = open_console(lang=lang)
    administrator(bureaus, visit, f"axe-{lang}-{uuid4().hex[:6]}")
    found = []
    for screen in SCREENS:
        page = visit.open(screen)
        for part, _ in parts(visit):
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                found += [f"{screen} {part} {theme}: {told}" for told in violations(page)]
    assert not found, "\n".join(found)


@pytest.mark.long
@pytest.mark.parametrize("city", ["xiamen", "banan"])
def test_the_chinese_console_is_told_in_words(
    bureaus: Bureaus, open_console: OpenConsole, city: str
) -> None:
    visit = open_console()
    page = administrator(bureaus, visit, f"words-{uuid4().hex[:6]}")
    visit.open(region=city)
    seen: set[str] = set()
    shapes, walked = Counter[str](), set[tuple[str, ...]]()
    found: list[str] = []
    waiting = [f"{bureaus.url}/console{'/' if screen else ''}{screen}" for screen in SCREENS]
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        shape = SHAPE.sub("=", address)
        if address in seen or shapes[shape] == VALUES:
            continue
        seen.add(address)
        shapes[shape] += 1
        page.goto(address)
        page.wait_for_selector("main h1")
        for part, apart in parts(visit, ROWS, walked):
            found += [f"{address} {part}: {text}" for text in page.evaluate(CODES, CODE_COLUMNS)]
            if apart:
                # It may have tabs.
                waiting.append(page.url)
            waiting += page.locator("main a[href*='/console']").evaluate_all(HREFS)
    assert not found, "\n".join(found)
    assert not waiting, f"{len(waiting)} addresses are left after {len(seen)} pages: {waiting[:10]}"
    assert len(seen) > len(SCREENS)
