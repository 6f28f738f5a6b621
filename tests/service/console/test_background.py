"""A background map on one map: chosen, drawn, and asked of our own hosts alone."""

import io
import time

import httpx
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page

from tests.service.console.conftest import Bureaus, OpenConsole
from tests.support.basemaps import COLOUR, TOKEN, local_provider
from tests.support.serving import PATIENCE_S

MARK = "/basemaps/"
NEAR = 12
"""Steps of brightness, of 255, to which a colour is that of the tiles."""


@pytest.mark.long
def test_a_background_comes_through_our_own_service(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console()
    asked: list[str] = []
    came: list[tuple[int, str]] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.on(
        "response",
        lambda answer: came.append((answer.status, answer.url)) if MARK in answer.url else None,
    )

    failed: list[str] = []
    visit.page.on("requestfailed", lambda request: failed.append(request.url))

    def layers() -> set[str]:
        return {httpx.URL(url).path.split("/")[-4] for _, url in came}

    def await_tiles() -> None:
        deadline = time.monotonic() + PATIENCE_S
        # The map gives up tiles that it no longer needs.
        while layers() != {"img", "cia"} or len(came) + count(failed) < count(asked):
            assert time.monotonic() < deadline, f"tiles came of {layers()}"
            visit.page.wait_for_timeout(100)

    with local_provider(bureaus.stack.receiver_port) as provider:
        page = visit.open("map")
        visit.ready_map()
        choice = page.get_by_role("combobox", name="底图")
        assert choice.input_value() == "none"
        assert count(asked) == 0
        choice.select_option("影像")
        await_tiles()
        assert {status for status, _ in came} == {200}
        # They are folded until somebody opens them.
        credits = page.locator(".maplibregl-ctrl-attrib")
        assert credits.get_attribute("open") is None
        credits.locator("summary").click()
        assert "天地图" in credits.inner_text()
        await_colour(page)
        before = [*asked]
        for told in (asked, came, failed):
            told.clear()
        page.reload()
        visit.ready_map()
        assert page.get_by_role("combobox", name="底图").input_value() == "img"
        await_tiles()
        paths = [request.path for request in provider.received]
        assert len(paths) == len(set(paths)), "what is kept was asked for again"
    own = {httpx.URL(address).netloc for address in (bureaus.url, bureaus.stack.tiles_url)}
    addresses = [url for url in (*before, *asked) if url.startswith("http")]
    assert {httpx.URL(url).netloc for url in addresses} == own
    assert not any(TOKEN in url for url in addresses)
    assert visit.refusals == []


def count(addresses: list[str]) -> int:
    """How many are of tiles of background maps."""
    return sum(MARK in url for url in addresses)


def await_colour(page: Page) -> None:
    """Wait until the background is what most of the map looks like."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        picture = Image.open(io.BytesIO(page.locator(".map").screenshot())).convert("RGB")
        far = np.abs(np.asarray(picture).astype(int) - COLOUR).max(-1)
        if (far < NEAR).mean() > 0.3:
            return
        assert time.monotonic() < deadline, "the background is not drawn"
        page.wait_for_timeout(200)
