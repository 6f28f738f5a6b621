"""Scenarios drawn, started together and compared, and a job followed from browser to browser."""

import asyncio
import csv
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from playwright.sync_api import Page

from shanhai.data.synthetic_watershed import CODE, EASY, Watershed, build_linked_watershed
from shanhai.storage.artifacts import LocalArtifacts
from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole, Visit
from tests.support.job_rows import open_sessions
from tests.support.scenario_edits import on_land, planted, wall
from tests.support.stored import store_watershed

pytestmark = pytest.mark.long
COMPUTED_MS = 240_000
"""Four scenarios of a small watershed, one after the other, beside the rest of the machine."""


@dataclass(frozen=True, slots=True)
class Land:
    """The watershed as the stack has it, and who works there."""

    watershed: Watershed
    key: str
    base: dict[str, Any]


async def store(url: str, artifacts: Path, watershed: Watershed) -> None:
    async with open_sessions(url) as sessions, sessions.begin() as session:
        await store_watershed(session, LocalArtifacts(artifacts), watershed)


@pytest.fixture(scope="module")
def land(bureaus: Bureaus, tmp_path_factory: pytest.TempPathFactory) -> Land:
    """A region of 64 × 64 cells with woods, fields and a street, from rasters made here."""
    watershed = build_linked_watershed(tmp_path_factory.mktemp("land"))
    stack = bureaus.stack
    with ThreadPoolExecutor(1) as another:
        # Playwright's own loop runs in this thread.
        stored = store(stack.postgres.url(), stack.home.artifacts, watershed)
        another.submit(asyncio.run, stored).result()
    supplies = [theme for theme in watershed.rasters if theme.startswith("supply.")]
    return Land(
        watershed,
        bureaus.key(*PLANNING, region=CODE),
        {
            "region": CODE,
            "cell_m": 100,
            "parameters": EASY,
            "supplies": {theme.removeprefix("supply."): f"{CODE}.{theme}" for theme in supplies},
        },
    )


def corners(geometry: dict[str, Any]) -> str:
    """The corners of a shape as they are typed."""
    line = geometry["coordinates"]
    positions = line[0][:-1] if geometry["type"] == "Polygon" else line
    return "\n".join(f"{lon:.7f} {lat:.7f}" for lon, lat in positions)


def typed(visit: Visit, kind: str, geometry: dict[str, Any], cover: str | None = None) -> None:
    """Add an edit by its corners, without a mouse on the map."""
    page = visit.page
    page.get_by_label(visit.t("做什么", "What happens")).select_option(kind)
    if cover is not None:
        page.get_by_label(visit.t("变为", "Becomes")).select_option(cover)
    box = page.get_by_label(visit.t("顶点", "Corners"))
    if not box.is_visible():
        page.get_by_text(visit.t("键入坐标", "Type coordinates")).click()
    box.fill(corners(geometry))
    page.get_by_role("button", name=visit.t("按坐标成图", "Draw these")).click()
    page.get_by_role("button", name=visit.t("加入这处编辑", "Add this edit")).click()


def painted(visit: Visit) -> None:
    """Add an edit by dragging the brush over the middle of the map."""
    page = visit.page
    page.get_by_label(visit.t("做什么", "What happens")).select_option("set_cover")
    page.get_by_label(visit.t("变为", "Becomes")).select_option("grassland")
    page.get_by_label(visit.t("画笔", "Brush"), exact=True).check()
    middle = visit.ready_map().bounding_box()
    assert middle is not None
    x, y = middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.down()
    page.mouse.move(x + 30, y + 20, steps=6)
    page.mouse.up()
    page.get_by_role("button", name=visit.t("加入这处编辑", "Add this edit")).click()
    page.get_by_label(visit.t("图形", "Shapes"), exact=True).check()


def plan_four(visit: Visit, land: Land) -> None:
    """Two scenarios there are from the beginning, a copy, and another one."""
    page, t = visit.page, visit.t
    visit.ready_map()
    forest = planted(land.watershed)["geometry"]
    typed(visit, "restore", forest, "forest")
    page.get_by_label(t("情景2 (0)", "Scenario 2 (0)")).check()
    painted(visit)
    page.get_by_label(t("情景1 (1)", "Scenario 1 (1)")).check()
    page.get_by_role("button", name=t("复制此情景", "Copy this one")).click()
    page.get_by_label(t("情景3 (1)", "Scenario 3 (1)")).wait_for()
    typed(visit, "build_barrier", wall(land.watershed)["geometry"])
    page.get_by_role("button", name=t("再加一个情景", "Another scenario")).click()
    town = on_land(land.watershed, (0.7, 0.3), (0.8, 0.45))
    typed(visit, "set_cover", town, "built_up")
    edits = page.get_by_role("list", name=t("编辑", "Edits")).get_by_role("listitem")
    assert edits.count() == 1
    page.get_by_label(t("中文名称", "Name in Chinese")).first.fill("建城情景")
    page.get_by_label(t("英文名称", "Name in English")).first.fill("Town")


def query_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))


def figures(page: Page, label: str) -> list[list[str]]:
    """The cells of a table as they are shown."""
    rows = page.get_by_role("region", name=label).locator("tbody tr")
    return [row.locator("td").all_inner_texts() for row in rows.all()]


def results_of(client: Any, job: str) -> dict[tuple[str, str], dict[str, str]]:
    answer = client.get(f"/jobs/{job}/results/table", headers={"Accept": "text/csv"})
    assert answer.status_code == 200, answer.text
    rows = csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))
    return {(row["group"], row["item"]): row for row in rows}


def test_four_scenarios_are_compared_as_their_results_have_it(
    bureaus: Bureaus, land: Land, open_console: OpenConsole
) -> None:
    visit = open_console(land.key)
    page = visit.page
    blank = [{"name_zh": f"情景{n}", "name_en": f"Scenario {n}", "edits": []} for n in (1, 2)]
    draft = json.dumps({"base": land.base, "scenarios": blank})
    page.evaluate("text => localStorage.setItem('shanhai.draft.scenarios', text)", draft)
    visit.open("scenarios", tab="new", region=CODE)
    page.get_by_text("已恢复上次未保存的内容").wait_for()
    plan_four(visit, land)
    page.get_by_role("button", name="开始计算 4 个情景").click()
    page.get_by_role("heading", name="正在计算").wait_for()
    jobs = query_of(page.url)["jobs"].split(",")
    assert len(jobs) == 4
    page.reload()
    label = "情景差异"
    for name in ("情景1", "情景2", "情景3", "建城情景"):
        header = page.get_by_role("columnheader", name=name)
        header.wait_for(timeout=COMPUTED_MS)
    with bureaus.client(land.key) as client:
        tables = [results_of(client, job) for job in jobs]
        asked = [client.get(f"/jobs/{job}/inputs").json()["inputs"] for job in jobs]
    assert [one["name_zh"] for one in asked] == ["情景1", "情景2", "情景3", "建城情景"]
    assert [len(one["edits"]) for one in asked] == [1, 1, 2, 1]
    assert asked[1]["edits"][0]["cover"] == "grassland"
    keys = list(dict.fromkeys(key for table in tables for key in table))
    first = {key: row for table in reversed(tables) for key, row in table.items()}
    shown = figures(page, label)
    assert len(shown) == len(keys) > 5
    for key, cells in zip(keys, shown, strict=True):
        told = [table.get(key, {}).get("after") or "–" for table in tables]
        assert cells == [
            first[key]["name_zh"],
            {"1": ""}.get(first[key]["unit"], first[key]["unit"]),
            first[key]["before"] or "–",
            *told,
        ]
    assert len({tuple(row[3:]) for row in shown}) > 1
    assert any(len(set(row[3:])) > 1 for row in shown)
    for n in range(4):
        visit.ready_map(n)
    assert visit.refusals == []


def test_a_run_is_followed_over_a_reload_cancelled_and_run_again(
    bureaus: Bureaus, land: Land, open_console: OpenConsole
) -> None:
    forest = {"kind": "restore", "name_zh": "造林", "cover": "forest"}
    edit = forest | {"geometry": planted(land.watershed)["geometry"]}
    inputs = land.base | {"name_zh": "从程序提交", "name_en": "By a program", "edits": [edit]}
    with bureaus.client(land.key) as client:
        told = client.post(
            "/processes/run-scenario/execution",
            json={"inputs": inputs},
            headers={"Prefer": "respond-async"},
        )
        assert told.status_code == 201, told.text
    # What another program asked for, this browser has never seen.
    visit = open_console(land.key, lang="en")
    page = visit.open("compute", job=told.json()["jobID"])
    page.get_by_role("heading", name="By a program done").wait_for(timeout=COMPUTED_MS)
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("progressbar").wait_for()
    again = query_of(page.url)["job"]
    assert again != told.json()["jobID"]
    page.reload()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("heading", name="By a program cancelled").wait_for(timeout=60_000)
    page.get_by_role("button", name="Run again").click()
    page.get_by_role("heading", name="By a program done").wait_for(timeout=COMPUTED_MS)
    third = query_of(page.url)["job"]
    assert third not in {again, told.json()["jobID"]}
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    report.wait_for_load_state()
    assert f"/jobs/{third}/results/report" in report.url
    assert "By a program" in report.locator("body").inner_text()
    page.get_by_role("button", name="Change and run").click()
    page.get_by_role("textbox", name="Name en").or_(
        page.get_by_label("English name")
    ).first.wait_for(state="attached")
    with bureaus.client(land.key) as client:
        sent = [client.get(f"/jobs/{job}/inputs").json()["inputs"] for job in (again, third)]
    assert sent[0] == sent[1]
    assert sent[0]["edits"][0]["geometry"] == edit["geometry"]
    assert visit.refusals == []


def test_a_form_is_filled_in_run_followed_cancelled_and_run_again(
    bureaus: Bureaus, land: Land, open_console: OpenConsole
) -> None:
    visit = open_console(land.key)
    page = visit.page
    begun = json.dumps(land.base)
    page.evaluate("text => localStorage.setItem('shanhai.draft.process.run-scenario', text)", begun)
    visit.open("compute", process="run-scenario", region=CODE)
    page.get_by_text("已恢复上次未保存的内容").wait_for()
    edits = page.get_by_role("group", name="情景编辑")
    edits.get_by_role("button", name="添加一项").click()
    edits.get_by_label("类型").select_option("restore")
    edits.get_by_label("中文名称").fill("表单造林")
    edits.get_by_label(re.compile("^土地覆盖")).select_option("forest")
    shape = planted(land.watershed)["geometry"]
    edits.get_by_label("几何").fill(json.dumps(shape))
    page.get_by_role("button", name="开始计算").click()
    page.get_by_role("progressbar").wait_for()
    first = query_of(page.url)["job"]
    page.reload()
    page.get_by_role("button", name="取消", exact=True).click()
    page.get_by_role("heading", name="已取消").wait_for(timeout=60_000)
    page.get_by_role("button", name="再算一次").click()
    page.get_by_role("heading", name=re.compile("完成$")).wait_for(timeout=COMPUTED_MS)
    second = query_of(page.url)["job"]
    assert second != first
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="打开报告").click()
    report = opened.value
    report.wait_for_load_state()
    assert f"/jobs/{second}/results/report" in report.url
    assert "表单造林" in report.locator("body").inner_text()
    with bureaus.client(land.key) as client:
        sent = client.get(f"/jobs/{second}/inputs").json()["inputs"]
    assert sent["edits"] == [
        {"kind": "restore", "name_zh": "表单造林", "cover": "forest", "geometry": shape}
    ]
    assert visit.refusals == []


def test_a_selection_is_refused_at_its_row_mended_and_shown_by_its_address(
    bureaus: Bureaus, land: Land, open_console: OpenConsole
) -> None:
    visit = open_console(land.key)
    page = visit.page
    shape = on_land(land.watershed, (0.7, 0.3), (0.8, 0.45))
    site = {"code": "s1", "name_zh": "河口湿地", "cost": 800, "gains": {"birds": 3}}
    asked = {
        "region": CODE,
        "candidates": [],
        "sites": [{**site, "geometry": shape}],
        "budget": 1000,
        "goal": {"weights": {"birds": 1}},
    }
    page.evaluate(
        "text => localStorage.setItem('shanhai.draft.process.select-sites', text)",
        json.dumps(asked),
    )
    visit.open("scenarios", tab="select", region=CODE)
    phases = page.get_by_role("group", name="分期")
    phases.get_by_role("button", name="添加一项").click()
    phases.get_by_label("起始年").fill("2030")
    phases.get_by_label("终止年").fill("2026")
    page.get_by_role("button", name="开始计算").click()
    phases.get_by_role("alert").wait_for()
    assert visit.refusals
    visit.refusals.clear()
    phases.get_by_label("终止年").fill("2035")
    page.get_by_role("button", name="开始计算").click()
    page.get_by_role("link", name="在情景与选址中查看").click(timeout=120_000)
    page.get_by_role("heading", name="选中 1 处").wait_for()
    address = page.url
    assert query_of(address)["job"]
    page.reload()
    page.get_by_role("region", name="选中的地块").get_by_text("河口湿地").wait_for()
    assert page.url == address
    assert visit.refusals == []
