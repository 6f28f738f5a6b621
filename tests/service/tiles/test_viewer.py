"""The viewer page in a real browser."""

import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from shanhai.cartography import RampStyle, style_of
from shanhai.db.authentication import TileToken, seal
from shanhai.db.queries.keys import prefix_of
from shanhai.vocabulary import ZONE_CLASSES, Lang, ZoneClass
from shanhai_tiles.pages import DRAWABLE
from tests.support.browser import Page, open_page

pytestmark = [
    pytest.mark.long,
    pytest.mark.usefixtures("browser"),
    pytest.mark.skipif(
        not DRAWABLE, reason="the map library is absent: run services/api/console/build.sh"
    ),
]

CARD = 372
"""The width of the card beside the map, with its margins."""
POPUP = ".maplibregl-popup .found"


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with open_page(tmp_path_factory.mktemp("viewer") / "profile") as opened:
        yield opened


@pytest.fixture
def page(tab: Page) -> Page:
    """The tab, empty: two addresses that differ in their fragment alone are one page."""
    tab.open("about:blank")
    tab.wait_for("location.href === 'about:blank'")
    tab.messages.clear()
    return tab


def show(page: Page, url: str) -> None:
    """Open a viewer page and wait for its map to be complete."""
    page.open(url)
    page.wait_for("document.documentElement.dataset.state !== undefined")
    assert page.evaluate("document.documentElement.dataset.state") == "drawn", text_of(page)
    assert page.messages == []


def text_of(page: Page, selector: str = "body") -> str:
    return str(page.evaluate(f"document.querySelector({selector!r}).innerText"))


def pixels_of(page: Page) -> NDArray[np.int64]:
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return np.asarray(image).astype(int)


def near(pixels: NDArray[np.int64], color: str) -> NDArray[np.bool_]:
    """Which pixels have a colour."""
    wanted = np.array(list(bytes.fromhex(color[1:])))
    found: NDArray[np.bool_] = np.abs(pixels - wanted).max(-1) <= 2
    return found


def ask(page: Page, x: int, y: int) -> str:
    """Click, and what the page then says of the place."""
    page.click(x, y)
    page.wait_for(f"document.querySelector({POPUP!r}) !== null")
    return text_of(page, POPUP)


def read(url: str, **query: Any) -> dict[str, Any]:
    answer = httpx.get(url, params=query, timeout=30)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_the_page_speaks_two_languages(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones.xiamen/map?lang=zh")
    assert all(zone.label.zh in text_of(page) for zone in ZONE_CLASSES)
    assert "含替代数据" in text_of(page)
    assert page.evaluate("document.title").endswith("· 山海")
    page.evaluate("document.getElementById('language').click()")
    page.wait_for("document.documentElement.lang === 'en'")
    page.wait_for("document.documentElement.dataset.state === 'drawn'")
    assert all(zone.label.en in text_of(page) for zone in ZONE_CLASSES)
    assert "Rests on stand-in data" in text_of(page)
    assert page.evaluate("location.search") == "?lang=en"


def test_other_languages_links_keep_what_is_shown(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones/map?lang=en&with=ratio.xiamen&scheme=xiamen.supply_demand")
    link = page.evaluate("document.getElementById('language').href")
    assert link.split("#")[0].endswith("/map?lang=zh&with=ratio.xiamen&scheme=xiamen.supply_demand")


@pytest.mark.parametrize(
    ("layer", "shown"), [("zones.xiamen", ZONE_CLASSES), ("zones", ZONE_CLASSES[:2])]
)
def test_the_map_is_drawn_in_its_colours(
    address: str, page: Page, layer: str, shown: tuple[ZoneClass, ...]
) -> None:
    show(page, f"{address}/layers/{layer}/map")
    beside_the_card = pixels_of(page)[:, CARD:]
    columns = []
    for zone in shown:
        found = near(beside_the_card, zone.color)
        assert found.sum() > 20_000, zone.code
        columns.append(np.median(np.nonzero(found)[1]))
    assert columns == sorted(columns), "the classes lie from west to east"


def test_the_names_of_regions_are_written(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones/map?lang=en")
    around_the_middle_of_siming = pixels_of(page)[380:412, 550:625]
    assert (around_the_middle_of_siming[..., 1] < 80).sum() > 10, "ink darker than the zone"


def test_the_legend_lists_the_classes_there_are(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones/map?lang=zh")
    assert classes_of(page) == [zone.label.zh for zone in ZONE_CLASSES[:2]]


def classes_of(page: Page) -> list[str]:
    """The lines of the legend that are shown."""
    return [line for line in text_of(page, ".classes").split("\n") if line]


@pytest.mark.parametrize(
    ("lang", "nothing"),
    [("zh", "图上没有该图层的要素"), ("en", "No feature of this layer is on the map")],
)
def test_the_legend_follows_what_the_map_shows(
    address: str, page: Page, lang: Lang, nothing: str
) -> None:
    west, east = (zone.label.in_(lang) for zone in ZONE_CLASSES[:2])
    show(page, f"{address}/layers/zones/map?lang={lang}#13/24.55/117.95")
    assert classes_of(page) == [west]
    for view, shown in (
        ("#13/24.55/118.25", [east]),
        ("#9/24.55/118.1", [west, east]),
        ("#13/30/100", [nothing]),
        ("#13/24.55/118.1", [west, east]),
    ):
        page.evaluate(f"location.hash = {view!r}")
        lines = "[...document.querySelectorAll('.classes li:not([hidden])')]"
        told = f"{lines}.map((one) => one.innerText).join('|')"
        page.wait_for(f"{told} === {json.dumps('|'.join(shown))}")
    assert classes_of(page) == [west, east]


def test_the_legend_of_regions_has_the_levels_drawn(address: str, page: Page) -> None:
    show(page, f"{address}/layers/regions/map?lang=en")
    assert classes_of(page) == ["Administrative unit"]


def test_each_of_two_legends_follows_its_own_map(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones.xiamen/map?lang=en&with=zones#13/24.55/117.95")
    legends = [
        page.evaluate(f"document.querySelectorAll('.classes')[{n}].innerText.trim()")
        for n in range(2)
    ]
    assert all(zone.label.en in legends[0] for zone in ZONE_CLASSES), "a raster's is the same"
    assert legends[1] == ZONE_CLASSES[0].label.en


def test_the_legend_of_a_quantity_has_its_ends(address: str, page: Page) -> None:
    show(page, f"{address}/layers/ratio.xiamen/map?lang=zh")
    assert text_of(page, ".ramp").split() == ["−1", "0", "1"]
    assert "综合供需比" in text_of(page, ".layer")


def test_a_click_tells_what_is_there(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones.xiamen/map?lang=zh")
    said = ask(page, 815, 400)
    assert "一般保护与管控区" in said
    assert "含替代数据" in said
    place = next(line for line in said.split("\n") if "°E" in line)
    lon, lat = (float(part[:-2]) for part in place.split(", "))
    told = read(f"{address}/layers/zones.xiamen/point", lon=lon, lat=lat)
    assert told["class"]["label_zh"] in said


def test_a_click_tells_a_features_members(address: str, page: Page) -> None:
    show(page, f"{address}/layers/zones/map?lang=en")
    said = ask(page, 600, 400)
    zone = read(f"{address}/layers/zones/point", lon=118.0, lat=24.55)["features"][0]
    assert zone["name_en"] in said
    assert f"{zone['area_km2']:.5g} km²" in said.replace(",", "")
    assert zone["requirement_en"] in said
    assert "xiamen.supply_demand" not in said, "codes are for the page about the zone"
    link = page.evaluate(f"document.querySelector('{POPUP} .feature a').href")
    assert f"/collections/zones/items/{zone['code']}?f=html&lang=en" in link


def test_enter_asks_at_the_centre(address: str, page: Page) -> None:
    show(page, f"{address}/layers/ratio.xiamen/map?lang=en")
    page.evaluate("document.querySelector('#map canvas').focus()")
    page.press("Enter")
    page.wait_for(f"document.querySelector({POPUP!r}) !== null")
    assert "Value:" in text_of(page, POPUP) or "No data" in text_of(page, POPUP)


class TestSwipe:
    """Two layers with a divider."""

    def shown(self, page: Page) -> tuple[float, float]:
        """Shares of pixels left and right of the divider that are drawn as classes."""
        pixels = pixels_of(page)[150:650]
        classes = np.any([near(pixels, zone.color) for zone in ZONE_CLASSES], axis=0)
        at = round(page.evaluate("document.querySelector('.divider').getBoundingClientRect().x"))
        left, right = classes[:, 500:at], classes[:, at + 40 : 1100]
        return float(left.mean()) if left.size else 0.0, float(right.mean())

    def open(self, page: Page, address: str) -> None:
        show(page, f"{address}/layers/zones.xiamen/map?with=ratio.xiamen&lang=en")

    def test_each_side_shows_its_layer(self, address: str, page: Page) -> None:
        self.open(page, address)
        left, right = self.shown(page)
        assert left > 0.6
        assert right < 0.1
        ratio = pixels_of(page)[300:500, 900:1000].reshape(-1, 3)
        assert len(np.unique(ratio, axis=0)) > 3, "the ramp is drawn on the right"

    def test_the_divider_is_dragged(self, address: str, page: Page) -> None:
        self.open(page, address)
        start = page.evaluate("document.querySelector('.divider').getBoundingClientRect().x + 14")
        page.drag((round(start), 400), (620, 400))
        assert page.evaluate("document.querySelector('.divider').ariaValueNow") == "48"
        pixels = pixels_of(page)[150:650]
        classes = np.any([near(pixels, zone.color) for zone in ZONE_CLASSES], axis=0)
        assert classes[:, 500:600].mean() > 0.6
        assert classes[:, 660:760].mean() < 0.1

    def test_the_divider_obeys_keys(self, address: str, page: Page) -> None:
        self.open(page, address)
        page.evaluate("document.querySelector('.divider').focus()")
        before = int(page.evaluate("document.activeElement.ariaValueNow"))
        page.press("ArrowLeft")
        assert int(page.evaluate("document.activeElement.ariaValueNow")) == before - 2
        page.press("End")
        pixels = pixels_of(page)[150:650, 500:1100]
        alone = np.any([near(pixels, zone.color) for zone in ZONE_CLASSES], axis=0)
        assert alone.mean() > 0.6
        page.press("Home")
        assert page.evaluate("document.activeElement.ariaValueNow") == "0"
        pixels = pixels_of(page)[150:650, 500:1100]
        assert np.any([near(pixels, zone.color) for zone in ZONE_CLASSES], axis=0).mean() < 0.1

    def test_both_legends_and_both_values_are_told(self, address: str, page: Page) -> None:
        self.open(page, address)
        card = text_of(page, "#panel")
        assert ZONE_CLASSES[0].label.en in card
        assert "supply–demand ratio" in card
        for x in (600, 1000):
            said = ask(page, x, 400)
            assert any(zone.label.en in said for zone in ZONE_CLASSES)
            assert "Value:" in said
            page.evaluate("document.querySelector('.maplibregl-popup-close-button').click()")

    def test_the_maps_move_as_one(self, address: str, page: Page) -> None:
        self.open(page, address)
        left, right = self.ends(page)
        page.evaluate("document.querySelector('.maplibregl-ctrl-zoom-out').click()")
        page.wait_for("location.hash.length > 0")
        centre = 640
        halved = [centre + (end - centre) / 2 for end in (left, right)]
        assert list(self.ends_at_rest(page)) == pytest.approx(halved, abs=3)

    def test_both_sides_have_the_same_lines_of_degrees(self, address: str, page: Page) -> None:
        self.open(page, address)
        page.evaluate(
            """(async () => {
              const main = document.querySelector("script[type=module]").src;
              const { createMaps } = await import(main.replace("main.js", "map.js"));
              const data = { type: "FeatureCollection", features: [] };
              const style = { sources: { none: { type: "geojson", data } }, layers: [] };
              const shown = [[118, 24, 118.5, 24.5], [-180, -85, 180, 85]].map((bounds) => (
                { description: { bounds, title_en: "a", title_zh: "a" }, style }));
              const told = { fail() {}, idle() {} };
              window.sides = createMaps(document.getElementById("map"), shown, null, "en", told);
            })()"""
        )
        page.wait_for("window.sides?.every((map) => map.getStyle()?.sources.graticule)")
        sides = "window.sides.map((map) => JSON.stringify(map.getStyle().sources.graticule.data))"
        left, right = page.evaluate(sides)
        assert left == right
        assert "118.1°E" in left

    def ends_at_rest(self, page: Page) -> tuple[int, int]:
        """Where they are once two pictures show them in the same place."""
        deadline = time.monotonic() + 10
        before = self.ends(page)
        while (now := self.ends(page)) != before:
            assert time.monotonic() < deadline, "the maps do not come to rest"
            before = now
        return now

    def ends(self, page: Page) -> tuple[int, int]:
        """The columns of the west end of the zones and of the east end of the ratio."""
        same_in_both = ZONE_CLASSES[0].color
        (columns,) = np.nonzero(near(pixels_of(page), same_in_both)[380:420, CARD:].any(0))
        return int(columns[0]) + CARD, int(columns[-1]) + CARD

    def test_what_is_chosen_of_the_other_layer_is_kept(self, address: str, page: Page) -> None:
        show(
            page,
            f"{address}/layers/ratio.xiamen/map?with=zones%3Fscheme%3Dxiamen.supply_demand",
        )
        pixels = pixels_of(page)
        at = round(page.evaluate("document.querySelector('.divider').getBoundingClientRect().x"))
        assert near(pixels[150:650, at + 40 :], ZONE_CLASSES[1].color).mean() > 0.3

    def test_the_other_layer_is_chosen_from_a_list(self, address: str, page: Page) -> None:
        show(page, f"{address}/layers/zones.xiamen/map?lang=en")
        page.wait_for("document.getElementById('compare').hidden === false")
        page.evaluate(
            "{ const list = document.getElementById('with'); list.value = 'ratio.xiamen';"
            " list.dispatchEvent(new Event('change')); }"
        )
        page.wait_for("document.querySelector('.divider') !== null")
        assert "with=ratio.xiamen" in page.evaluate("location.search")


@pytest.mark.parametrize("other", ["", "&with=ratio.xiamen"])
def test_a_token_shows_what_is_not_public(address: str, world: Any, page: Page, other: str) -> None:
    layer = "dataset.ndvi.secret"
    until = int(time.time() + 600)
    secret = world.settings(public_read=True).tokens.secret.get_secret_value()
    token = seal(TileToken(f"key:{prefix_of(world.key)}", frozenset({layer}), until), secret)
    page.open(f"{address}/layers/{layer}/map?lang=en&token={token}{other}")
    page.wait_for("document.documentElement.dataset.state !== undefined")
    assert page.evaluate("document.documentElement.dataset.state") == "drawn", text_of(page)
    assert "Value:" in ask(page, 500, 400)
    style = style_of("ndvi")
    assert isinstance(style, RampStyle)
    west_end = style.colors[0]
    assert near(pixels_of(page)[200:550, CARD:500], west_end).sum() > 100
    assert f"token={token}" in page.evaluate("document.getElementById('language').href")
    without = httpx.get(f"{address}/layers/{layer}/map", timeout=30)
    assert without.status_code == 404


def test_a_layer_that_fails_says_so(address: str, page: Page) -> None:
    page.open(f"{address}/layers/dataset.npp.truncated/map?lang=zh")
    page.wait_for("document.documentElement.dataset.state === 'failed'")
    said = text_of(page, "#problem")
    assert "npp 图层" in said
    assert "读取失败" in said


def test_a_second_layer_that_fails_leaves_the_first(address: str, page: Page) -> None:
    page.open(f"{address}/layers/zones.xiamen/map?with=nothing&lang=en")
    page.wait_for("document.documentElement.dataset.state === 'failed'")
    assert "no layer 'nothing'" in text_of(page, "#problem")
    page.wait_for("document.querySelector('#map canvas') !== null")
    assert ZONE_CLASSES[0].label.en in text_of(page)


def test_a_small_screen_shows_map_and_legend(address: str, tmp_path: Path) -> None:
    with open_page(tmp_path / "profile", width=390, height=780) as page:
        show(page, f"{address}/layers/zones.xiamen/map?lang=zh")
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide == 390
        folded = "document.getElementById('card').offsetHeight"
        assert page.evaluate(folded) > 0
        page.evaluate("document.getElementById('fold').click()")
        assert page.evaluate(folded) == 0
        drawn = np.any([near(pixels_of(page), zone.color) for zone in ZONE_CLASSES], axis=0)
        assert drawn.mean() > 0.1


def test_nothing_of_the_page_is_inline(address: str) -> None:
    answer = httpx.get(f"{address}/layers/zones.xiamen/map", timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "style=" not in answer.text
    assert answer.text.count("<script") == answer.text.count('<script type="module" src=') == 1


def test_an_unknown_layer_has_no_page(address: str, page: Page) -> None:
    page.open(f"{address}/layers/nothing/map")
    page.wait_for("document.readyState === 'complete' && document.body.innerText.length > 0")
    assert "no layer 'nothing'" in text_of(page)
