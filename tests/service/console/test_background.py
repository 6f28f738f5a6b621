"""A background map on one map: chosen, drawn, and asked of our own hosts alone."""

import httpx

from tests.service.console.conftest import Bureaus, OpenConsole
from tests.support.basemaps import TOKEN, local_provider


def test_a_background_comes_through_our_own_service(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console()
    asked: list[str] = []
    came: list[tuple[int, str]] = []
    visit.page.on("request", lambda request: asked.append(request.url))
    visit.page.on(
        "response",
        lambda answer: (
            came.append((answer.status, answer.url)) if "/basemaps/" in answer.url else None
        ),
    )
    with local_provider(bureaus.stack.receiver_port) as provider:
        page = visit.open("map")
        visit.ready_map()
        choice = page.get_by_role("combobox", name="底图")
        assert choice.input_value() == "none"
        page.wait_for_load_state("networkidle")
        assert came == []
        choice.select_option("影像")
        visit.page.get_by_text("天地图").wait_for()
        provider.wait_for(1)
        page.wait_for_load_state("networkidle")
        assert {status for status, _ in came} == {200}
        assert {httpx.URL(url).path.split("/")[-4] for _, url in came} == {"img", "cia"}
        page.reload()
        visit.ready_map()
        assert page.get_by_role("combobox", name="底图").input_value() == "img"
        page.wait_for_load_state("networkidle")
        before = len(provider.received)
        # What was asked for once is kept: no tile of this place is asked for again.
        assert before == len({request.path for request in provider.received})
    own = {httpx.URL(address).netloc for address in (bureaus.url, bureaus.stack.tiles_url)}
    assert {httpx.URL(url).netloc for url in asked if url.startswith("http")} <= own
    assert not any(TOKEN in url for url in asked)
    assert visit.refusals == []
