"""Indicators by region: what a district reports is on the map, in the table, in its course."""

import io
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from PIL import Image

from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, Visit
from tests.service.console.test_everywhere import violations

PLAN, INDICATOR = "xiamen-demonstration", "forest_cover_rate"
MIDDLE = (31, 138, 140)
"""The colour of a value that is the only one."""
CITY = (117.88, 24.42, 118.45, 24.91)
SIMING = (118.125, 24.46)
EDGE = 40
"""Pixels that a map leaves around what it shows."""


@pytest.fixture(scope="module")
def reported_value(bureaus: Bureaus) -> int:
    """A value of last year that Siming reports, and the year."""
    year = datetime.now(ZoneInfo("Asia/Shanghai")).year - 1
    body = {"year": year, "value": 42.5, "region": "xiamen.siming", "source": "survey"}
    path = f"/plans/{PLAN}/indicators/{INDICATOR}/values"
    with bureaus.client(bureaus.key(*PLANNING)) as planner:
        answer = planner.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return year


def show(visit: Visit) -> None:
    """Open the indicator by region."""
    page = visit.open("projects", tab="indicators", region="xiamen", plan=PLAN)
    # The city has no value of its own, so that its table is folded.
    page.get_by_text(visit.t("均尚无数值和目标", "none with a value or a target")).click()
    page.get_by_role(
        "button", name=visit.t("森林覆盖率", "Forest cover"), exact=False
    ).first.click()
    page.get_by_role("tab", name=visit.t("分区域", "By region")).click()
    visit.ready_map()


def siming_on(visit: Visit) -> tuple[float, float]:
    """Where the middle of Siming is on the map: the city fits into it, a degree of latitude taller
    than one of longitude."""
    size = visit.ready_map().bounding_box()
    west, south, east, north = CITY
    tall = 1 / 0.9088
    scale = min(
        (size["width"] - 2 * EDGE) / (east - west),
        (size["height"] - 2 * EDGE) / ((north - south) * tall),
    )
    lon, lat = SIMING
    across = (lon - (west + east) / 2) * scale
    down = ((south + north) / 2 - lat) * tall * scale
    return size["width"] / 2 + across, size["height"] / 2 + down


def until_coloured(visit: Visit, at: tuple[float, float]) -> None:
    """Wait until a place of the map has the colour of the value."""
    for _ in range(200):
        shot = Image.open(io.BytesIO(visit.ready_map().screenshot())).convert("RGB")
        pixel = shot.getpixel((int(at[0]), int(at[1])))
        assert isinstance(pixel, tuple)
        if all(abs(seen - wanted) < 4 for seen, wanted in zip(pixel, MIDDLE, strict=True)):
            return
        visit.page.wait_for_timeout(100)
    pytest.fail(f"the place has the colour {pixel}")


@pytest.mark.parametrize(
    ("lang", "size"),
    [
        ("zh", (1366, 768)),
        pytest.param("en", (1366, 768), marks=pytest.mark.long),
        pytest.param("zh", (390, 844), marks=pytest.mark.long),
    ],
)
def test_a_region_is_chosen_on_the_map_and_in_the_table(
    open_console: OpenConsole, reported_value: int, lang: str, size: tuple[int, int]
) -> None:
    visit = open_console(lang=lang, size=size)
    show(visit)
    page = visit.page
    table = page.get_by_role("region", name=visit.t("各区域", "By region"))
    assert f"42.5 ({reported_value})" in table.inner_text()
    at = siming_on(visit)
    until_coloured(visit, at)
    assert visit.t("无数据", "No data") in page.locator(".by-region .legend").inner_text()
    assert violations(page) == []
    chosen = table.locator("tr.chosen")
    visit.ready_map().click(position={"x": at[0], "y": at[1]})
    chosen.get_by_text(visit.t("思明区", "Siming")).wait_for()
    row = table.get_by_role("button", name=visit.t("思明区", "Siming"))
    row.press("Enter")
    chosen.wait_for(state="detached")
    row.press("Enter")
    chosen.wait_for()
    page.get_by_role("tab", name=visit.t("过程", "Course")).click()
    values = page.get_by_role("region", name=visit.t("数值", "Values"), exact=True)
    values.get_by_text("survey").wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]
    assert visit.refusals == []
