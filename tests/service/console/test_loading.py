"""What a browser loads before somebody can work."""

from playwright.sync_api import Page, Request

from tests.service.console.conftest import Bureaus, OpenConsole
from tests.service.console.test_everywhere import settle

KB = 1000
BEFORE_THE_MAP = 150 * KB
WITH_THE_MAP = 500 * KB


FETCHED = """() => performance.getEntriesByType("resource")
  .filter((one) => one.name.includes("/static/") && one.transferSize > 0)
  .map((one) => one.name)"""


def loaded(page: Page) -> list[Request]:
    """What is loaded from now on of the console itself: not what the API and the tiles answer."""
    found: list[Request] = []
    page.on(
        "requestfinished",
        lambda request: found.append(request) if "/static/" in request.url else None,
    )
    return found


def size(requests: list[Request]) -> int:
    """Bytes on the line, as they were compressed."""
    return sum(request.sizes()["responseBodySize"] for request in requests)


def test_the_console_is_small_before_its_map_and_with_it(open_console: OpenConsole) -> None:
    visit = open_console()
    found = loaded(visit.page)
    visit.open()
    settle(visit)
    first = size(found)
    assert 10 * KB < first <= BEFORE_THE_MAP
    visit.open("map")
    visit.ready_map()
    settle(visit)
    # A module's worker is loaded by the page, too.
    assert any("worker" in request.url for request in found)
    assert first < size(found) <= WITH_THE_MAP


def test_what_was_loaded_once_is_not_loaded_again(open_console: OpenConsole) -> None:
    visit = open_console()
    visit.open("map")
    visit.ready_map()
    visit.page.reload()
    visit.ready_map()
    assert visit.page.evaluate(FETCHED) == []


def test_home_is_at_its_address_with_a_slash_too(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    page = open_console().page
    for address in ("", "/"):
        page.goto(f"{bureaus.url}/console{address}?lang=zh")
        page.wait_for_selector("main h1")
        assert page.title().startswith("工作台"), address
