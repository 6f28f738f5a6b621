"""What holds on all screens: accessible in both looks and languages, and told in words."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
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
MOST_PAGES = 80
SHAPE = re.compile(r"=[^&]*")
"""Values of a query: screens are walked once for each set of its names."""
CODES = """() => {
  // What a person reads or hears: texts and names of controls, but for codes set as such.
  const found = [];
  const names = ["aria-label", "title", "placeholder"];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const holder = walk.currentNode.parentElement;
    if (!holder.closest("code, pre, script, style, textarea")) found.push(walk.currentNode.data);
  }
  for (const part of document.querySelectorAll(names.map((name) => `[${name}]`).join()))
    for (const name of names) found.push(part.getAttribute(name) ?? "");
  return found.filter((text) => /[a-z]+_[a-z]+/.test(text));
}"""
HREFS = "(links) => links.map((link) => link.href)"


def settle(visit: Visit) -> None:
    """Wait until nothing on the page waits any more."""
    visit.until("!document.querySelector('main [aria-busy=true], main .waiting')")
    visit.page.wait_for_timeout(100)


def parts(visit: Visit) -> Iterator[str]:
    """Each part of the open screen in turn: its tabs, the tabs within these, the first rows."""
    page, address = visit.page, visit.page.url
    settle(visit)
    for outer in range(max(1, tabs(page, 0).count())):
        inner = 0
        while (name := choose(visit, outer, inner)) is not None:
            yield name
            row = page.locator("main td button.link").first
            if row.count():
                row.click()
                settle(visit)
                yield f"{name}, first row"
                page.goto(address)
                settle(visit)
            inner += 1


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
    """What axe finds against WCAG 2.2 AA, each rule with where."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))
    found: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_screen_breaks_a_rule_of_accessibility(
    bureaus: Bureaus, open_console: OpenConsole, lang: str
) -> None:
    visit = open_console(lang=lang)
    administrator(bureaus, visit, f"axe-{lang}-{uuid4().hex[:6]}")
    found = []
    for screen in SCREENS:
        page = visit.open(screen)
        for part in parts(visit):
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme=theme)
                found += [f"{screen} {part} {theme}: {told}" for told in violations(page)]
    assert not found, "\n".join(found)


def test_the_chinese_console_is_told_in_words(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console()
    page = administrator(bureaus, visit, f"words-{uuid4().hex[:6]}")
    seen: set[str] = set()
    found: list[str] = []
    waiting = [f"{bureaus.url}/console{'/' if screen else ''}{screen}" for screen in SCREENS]
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.pop(0)
        if SHAPE.sub("=", address) in seen:
            continue
        seen.add(SHAPE.sub("=", address))
        page.goto(address)
        page.wait_for_selector("main h1")
        for part in parts(visit):
            found += [f"{address} {part}: {text}" for text in page.evaluate(CODES)]
            waiting += page.locator("main a[href*='/console']").evaluate_all(HREFS)
    assert not found, "\n".join(found)
    assert len(seen) > len(SCREENS)
