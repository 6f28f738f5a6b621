"""Files brought in and taken out by the console."""

import base64
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely
from playwright.sync_api import Locator, Page

from shanhai.raster.geotiff import write_geotiff
from shanhai.vector.tables import FeatureColumn, FeatureTable
from shanhai.vector.writer import write_table
from tests.service.console.conftest import PLANNING, Bureaus, OpenConsole

CELL = 0.0003
"""Degrees of some 30 m."""
FRAME = (CELL, 0.0, 118.05, 0.0, -CELL, 24.55)
DROPPED = """(files) => {
  const transfer = new DataTransfer();
  for (const [name, content] of files) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    transfer.items.add(new File([bytes], name));
  }
  return transfer;
}"""
FIELDS = tuple(FeatureColumn(name, "text") for name in ("BSM", "MC", "LX", "QY"))


def raster(folder: Path, name: str, values: np.ndarray) -> Path:
    """A GeoTIFF over the west of the city, with cells of 30 m."""
    path = folder / name
    write_geotiff(path, values, transform=FRAME, crs="EPSG:4490", nodata=-9999.0)
    return path


def elevation() -> np.ndarray:
    """A hill of 300 m."""
    down, right = np.mgrid[0:300, 0:300]
    hill = 300 * np.exp(-((right - 150) ** 2 + (down - 120) ** 2) / 8000)
    return np.asarray(hill + 5, dtype=np.float32)


def problems_of_a_bureau(folder: Path, *, region: str = "xiamen") -> Path:
    """A zipped Shapefile in GBK whose fields are called as a bureau calls them."""
    rows = [
        [
            shapely.to_wkb(shapely.box(118 + n / 100, 24.5, 118.008 + n / 100, 24.51)),
            f"made.problem.{n}",
            f"退化湿地{n}",
            "湿地退化",
            region,
        ]
        for n in range(3)
    ]
    path = folder / "退化湿地.zip"
    table = FeatureTable("problems", FIELDS, [rows], geometry_type="Polygon", epsg=4490)
    write_table(path, table, "shp", encoding="GBK")
    return path


def drop(zone: Locator, *paths: Path) -> None:
    """Drop files on a place of a page, as out of a folder's window."""
    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    held = {"dataTransfer": zone.page.evaluate_handle(DROPPED, files)}
    zone.dispatch_event("dragover", held)
    zone.and_(zone.page.locator(".over")).wait_for()
    zone.dispatch_event("drop", held)


def file_panel(page: Page, path: Path) -> Locator:
    """What the screen shows of a file."""
    return page.locator(".file").filter(has_text=path.name)


def datasets(client: httpx.Client, theme: str) -> list[str]:
    """The codes of all datasets there are of a theme."""
    asked: dict[str, str | int] = {"theme": theme, "limit": 1000}
    answer = client.get("/collections/datasets/items", params=asked)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()["features"]]


def test_a_gbk_shapefile_is_checked_matched_and_imported(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key)
    page = visit.open("data")
    path = problems_of_a_bureau(tmp_path)
    drop(page.get_by_label("导入文件"), path)
    file = file_panel(page, path)
    file.get_by_label("导入到").select_option("problems")
    file.get_by_role("button", name="检查", exact=True).click()
    # No field holds the code yet: the fields are shown with their first values all the same.
    matching = file.get_by_role("region", name="字段对应")
    matching.wait_for(timeout=60_000)
    assert "退化湿地0" in matching.inner_text()
    for field, becomes in (("BSM", "code"), ("MC", "name_zh"), ("LX", "type"), ("QY", "region")):
        file.get_by_label(f"字段 {field} 导入为").select_option(becomes)
    file.get_by_role("button", name="按此对应重新检查").click()
    file.get_by_text("3 行，0 行有错").wait_for(timeout=60_000)
    with bureaus.client(key) as client:
        found = client.get("/collections/problems/items/made.problem.1")
        assert found.status_code == 404
        file.get_by_role("button", name="导入", exact=True).click()
        file.get_by_text("已导入").wait_for(timeout=60_000)
        found = client.get("/collections/problems/items/made.problem.1")
    assert found.json()["properties"]["name_zh"] == "退化湿地1"
    assert visit.refusals == []


@pytest.mark.long
def test_the_files_of_a_shapefile_are_dropped_together(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path
) -> None:
    with zipfile.ZipFile(problems_of_a_bureau(tmp_path)) as archive:
        names = [name for name in archive.namelist() if Path(name).stem == "problems"]
        parts = [Path(archive.extract(name, tmp_path)) for name in names]
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("data")
    drop(page.get_by_label("导入文件"), *parts)
    file = page.locator(".file").filter(has_text=".zip")
    file.get_by_label("导入到").select_option("problems")
    file.get_by_role("button", name="检查", exact=True).click()
    matching = file.get_by_role("region", name="字段对应")
    matching.wait_for(timeout=60_000)
    assert "退化湿地0" in matching.inner_text()
    assert page.locator(".file").count() == 1
    page = visit.open("compliance")
    page.get_by_role("tab", name="文件").click()
    drop(page.locator("label.drop"), *parts)
    page.get_by_text("3 个图形").wait_for()
    assert visit.refusals == []


def test_faults_are_told_row_by_row_and_nothing_is_written(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path
) -> None:
    visit = open_console(bureaus.key(*PLANNING), lang="en")
    page = visit.open("data")
    page.get_by_label("Choose files").first.set_input_files(
        problems_of_a_bureau(tmp_path, region="nowhere")
    )
    file = page.locator(".file")
    file.get_by_label("Into").select_option("problems")
    file.get_by_role("button", name="Check", exact=True).click()
    file.get_by_role("region", name="Fields").wait_for(timeout=60_000)
    for field, becomes in (("BSM", "code"), ("MC", "name_zh"), ("LX", "type"), ("QY", "region")):
        file.get_by_label(f"What field {field} becomes").select_option(becomes)
    file.get_by_role("button", name="Check again with this matching").click()
    report = file.get_by_role("region", name="Report by row")
    report.get_by_text("nowhere").first.wait_for(timeout=60_000)
    assert report.locator("tbody tr").count() == 3
    assert "3 rows, 3 with faults" in file.inner_text()


def test_a_raster_is_imported_and_seen_in_the_coverage(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key)
    page = visit.open("data")
    path = raster(tmp_path, "高程.tif", elevation())
    drop(page.get_by_label("导入文件"), path)
    file = file_panel(page, path)
    file.get_by_label("专题").select_option("dem")
    file.get_by_label("中文名称").fill("测试高程")
    file.get_by_label("来源").fill("made for tests")
    file.get_by_label("许可").fill("CC0-1.0")
    with bureaus.client(key) as client:
        before = datasets(client, "dem")
        file.get_by_role("button", name="检查", exact=True).click()
        file.get_by_text("已检查，未写入").wait_for(timeout=120_000)
        assert datasets(client, "dem") == before
        assert "300×300 像元" in file.inner_text()
        file.get_by_role("button", name="导入", exact=True).click()
        file.get_by_text("完成", exact=True).and_(file.locator(":visible")).wait_for(
            timeout=120_000
        )
        assert len(datasets(client, "dem")) == len(before) + 1
    page.get_by_role("tab", name="覆盖与许可").click()
    row = (
        page.get_by_role("region", name="数据覆盖")
        .get_by_role("row")
        .filter(has_text="数字高程模型")
    )
    # Other regions may have one, too.
    row.get_by_text("齐备").first.wait_for()
    assert "CC0-1.0" in page.get_by_role("region", name="数据集").inner_text()


@pytest.mark.parametrize("lang", ["zh", pytest.param("en", marks=pytest.mark.long)])
def test_values_times_ten_thousand_are_refused_at_their_file(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path, lang: str
) -> None:
    key = bureaus.key(*PLANNING)
    visit = open_console(key, lang=lang)
    page = visit.open("data")
    good = raster(tmp_path, "good.tif", elevation())
    greenness = np.full((300, 300), 4500, dtype=np.int16)
    greenness[::7] = 8200
    bad = raster(tmp_path, "ndvi_10000.tif", greenness)
    drop(page.get_by_label(visit.t("导入文件", "Files to import")), good, bad)
    file = file_panel(page, bad)
    file.get_by_label(visit.t("专题", "Theme")).select_option("ndvi")
    with bureaus.client(key) as client:
        before = datasets(client, "ndvi")
        file.get_by_role("button", name=visit.t("导入", "Import"), exact=True).click()
        alert = file.get_by_role("alert")
        alert.wait_for(timeout=120_000)
        assert datasets(client, "ndvi") == before
        job = client.get("/jobs", params={"limit": 1}).json()["jobs"][0]
        assert (job["processID"], job["status"]) == ("import-dataset", "failed")
        assert client.get(f"/jobs/{job['jobID']}/results").status_code >= 400
    assert "ndvi_10000.tif" in alert.inner_text()
    assert "0.0001" in alert.inner_text()
    assert file_panel(page, good).get_by_role("alert").count() == 0


def draft_plan(client: httpx.Client, code: str) -> None:
    """A plan that a planner has begun."""
    properties = {
        "code": code,
        "name_zh": "湾区修复规划",
        "name_en": "Restoration of the bay",
        "region": "xiamen",
        "kind": "special",
        "level": "city",
        "period_start": 2026,
        "period_end": 2035,
    }
    body = {"type": "Feature", "geometry": None, "properties": properties}
    made = client.post("/collections/plans/items", json=body)
    assert made.status_code == 201, made.text


def test_a_plan_package_is_known_and_makes_the_plan_anew(
    bureaus: Bureaus, open_console: OpenConsole, tmp_path: Path
) -> None:
    key, code = bureaus.key(*PLANNING), "xiamen.bay-2035"
    path = tmp_path / "带走.zip"
    with bureaus.client(key) as client:
        draft_plan(client, code)
        address = f"/collections/plans/items/{code}"
        path.write_bytes(client.get(f"/plans/{code}/package").raise_for_status().content)
        version = client.get(address).headers["ETag"]
        gone = client.delete(address, headers={"If-Match": version})
        assert gone.status_code == 204, gone.text
        visit = open_console(key)
        page = visit.open("data")
        drop(page.get_by_label("导入文件"), path)
        file = file_panel(page, path)
        file.get_by_role("button", name="导入", exact=True).click()
        file.get_by_text("完成", exact=True).wait_for(timeout=120_000)
        found = client.get(address)
    assert file.get_by_label("文件内容").input_value() == "plan"
    assert found.json()["properties"]["name_zh"] == "湾区修复规划"
    assert visit.refusals == []


def test_a_collection_is_had_as_a_file_of_the_region(
    bureaus: Bureaus, open_console: OpenConsole
) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("data", tab="export")
    page.get_by_label("内容").select_option("control_areas")
    page.get_by_label("格式").select_option("csv")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载", exact=True).click()
    text = Path(download.value.path()).read_text("utf-8-sig")
    assert "xiamen" in text
    assert "banan" not in text
    with page.expect_download() as download:
        page.locator(".panel").filter(has_text="规划包").get_by_role("link").first.click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"


def test_a_layer_is_packed_and_had(bureaus: Bureaus, open_console: OpenConsole) -> None:
    visit = open_console(bureaus.key(*PLANNING))
    page = visit.open("data", tab="export")
    panel = page.locator(".panel").filter(has_text="离线数据包")
    panel.get_by_label("图层").select_option("regions")
    panel.get_by_label("最大级别").fill("8")
    panel.get_by_label("文件").select_option("mbtiles")
    panel.get_by_role("button", name="打包").click()
    with page.expect_download(timeout=120_000) as download:
        panel.get_by_role("link", name="下载数据包").click(timeout=120_000)
    with closing(sqlite3.connect(download.value.path())) as pack:
        told: dict[str, Any] = dict(pack.execute("SELECT name, value FROM metadata"))
        (tiles,) = pack.execute("SELECT count(*) FROM tiles WHERE zoom_level = 8").fetchone()
    assert told["maxzoom"] == "8"
    assert tiles > 0
    assert visit.refusals == []


@pytest.mark.parametrize("signed_in", [False, True])
def test_who_may_not_import_is_shown_what_there_is(
    bureaus: Bureaus, open_console: OpenConsole, signed_in: bool
) -> None:
    visit = open_console(bureaus.key("viewer") if signed_in else None)
    page = visit.open("data", tab="import")
    page.get_by_role("region", name="数据覆盖").wait_for()
    assert page.get_by_role("main").get_by_role("tab").all_inner_texts() == ["覆盖与许可", "导出"]
    assert page.locator("input[type=file]").count() == 0
    panel = visit.open("data", tab="export").locator(".panel").filter(has_text="规划包")
    told = panel.get_by_role("link") if signed_in else panel.get_by_text("登录后可以下载")
    told.first.wait_for()
    assert visit.refusals == []
