"""The viewer page in a real browser."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shanhai.testing.browser import Page, open_page
from shanhai.vocabulary import ZONE_CLASSES, ZoneClass

pytestmark = pytest.mark.usefixtures("browser")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with open_page(tmp_path / "profile") as opened:
        yield opened


def show(page: Page, url: str) -> None:
    """Open a viewer page and wait for its map to be complete."""
    page.open(url)
    page.wait_for("document.documentElement.dataset.state === 'drawn'")
    assert page.messages == []


def text_of(page: Page) -> str:
    return str(page.evaluate("document.body.innerText"))


def test_the_page_speaks_two_languages(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones.xiamen/map?lang=zh")
    assert all(zone.label.zh in text_of(page) for zone in ZONE_CLASSES)
    assert "含替代数据" in text_of(page)
    assert "ITU-R P.1511 (ITU)" in text_of(page)
    page.evaluate("document.getElementById('language').click()")
    assert all(zone.label.en in text_of(page) for zone in ZONE_CLASSES)
    assert "Rests on stand-in data" in text_of(page)
    assert page.evaluate("location.search") == "?lang=en"


@pytest.mark.parametrize(
    ("layer", "shown"), [("zones.xiamen", ZONE_CLASSES), ("zones", ZONE_CLASSES[:2])]
)
def test_the_map_is_drawn_in_its_colours(
    address: str, page: Page, layer: str, shown: tuple[ZoneClass, ...]
) -> None:
    show(page, f"{address}/layers/{layer}/map")
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    beside_the_card = np.asarray(image).astype(int)[:, 360:]
    columns = []
    for zone in shown:
        color = np.array(list(bytes.fromhex(zone.color[1:])))
        near = np.abs(beside_the_card - color).max(-1) <= 2
        assert near.sum() > 20_000, zone.code
        columns.append(np.median(np.nonzero(near)[1]))
    assert columns == sorted(columns), "the classes lie from west to east"


def test_a_click_tells_what_is_there(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones.xiamen/map?lang=zh")
    page.click(815, 400)
    page.wait_for("document.querySelector('.maplibregl-popup .found') !== null")
    said = str(page.evaluate("document.querySelector('.maplibregl-popup').innerText"))
    assert "一般保护与管控区" in said
    assert "含替代数据" in said
    assert "°E" in said


def test_an_unknown_layer_has_no_page(address: str, page: Page) -> None:
    page.open(f"{address}/layers/nothing/map")
    page.wait_for("document.readyState === 'complete' && document.body.innerText.length > 0")
    assert "no layer 'nothing'" in text_of(page)
