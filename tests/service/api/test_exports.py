"""Whole selections as files: every format, filters, systems, visibility and the audit entry."""

import asyncio
import csv
import io
import json
import os
import tempfile
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import shapely
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import Response

from shanhai.db.tables.access import AuditLog
from shanhai.db.tables.zone import Region
from shanhai.vector.formats import FILE_FORMATS
from shanhai.vector.open_source import open_source
from shanhai.vector.sources import Wishes
from shanhai_api import exports
from shanhai_api.kit.state import ServiceState
from tests.support.feature_rows import add_five_zones, add_scheme
from tests.support.job_rows import add_region

REGIONS = "/collections/regions/items"
ZONES = "/collections/zones/items"
GAUSS_KRUGER = "http://www.opengis.net/def/crs/EPSG/0/4548"


@pytest.fixture
async def many(session: AsyncSession) -> list[str]:
    """25 regions in a row, one without geometry."""
    found = [f"r{number:02}" for number in range(25)]
    for number, code in enumerate(found):
        west = 100 + number
        region = await add_region(session, code, box=(west, 20, west + 0.5, 20.5))
        if number == 24:
            region.geom = None
    await session.commit()
    return found


@pytest.fixture
async def city_on_the_meridian(session: AsyncSession) -> Region:
    city = await add_region(session, "city", box=(117.0, 24.4, 117.5, 24.5))
    await session.commit()
    return city


def opened(answer: httpx.Response, tmp_path: Path) -> tuple[Any, list[str], list[Any]]:
    assert answer.status_code == 200, answer.text
    path = tmp_path / "file"
    path.write_bytes(answer.content)
    folder = tmp_path / "opened"
    folder.mkdir()
    source = open_source(path, folder, Wishes())
    codes, shapes = [], []
    for block in source.blocks():
        codes += list(block.columns["code"])
        shapes += list(block.geometry)
    return source.info, codes, shapes


@pytest.mark.parametrize("name", FILE_FORMATS)
async def test_a_file_has_the_whole_selection(
    anonymous: httpx.AsyncClient, many: list[str], tmp_path: Path, name: str
) -> None:
    answer = await anonymous.get(REGIONS, params={"f": name})
    _, codes, shapes = opened(answer, tmp_path)
    assert codes == many
    assert shapely.from_wkb(shapes[0]).bounds == pytest.approx((100, 20, 100.5, 20.5))
    assert shapes[24] is None
    chosen = FILE_FORMATS[name]
    assert answer.headers["content-type"] == chosen.media_type
    assert answer.headers["content-disposition"].endswith(f'filename="regions{chosen.suffix}"')
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert "CRS84" in answer.headers["content-crs"]


async def test_filters_limit_and_order_hold(
    anonymous: httpx.AsyncClient, many: list[str], tmp_path: Path
) -> None:
    params = {"f": "csv", "bbox": "103,19,110,21", "sortby": "-code", "limit": "3"}
    answer = await anonymous.get(REGIONS, params=params)
    assert opened(answer, tmp_path)[1] == ["r10", "r09", "r08"]


async def test_file_in_gauss_kruger_has_eastings_first(
    anonymous: httpx.AsyncClient, city_on_the_meridian: Region, tmp_path: Path
) -> None:
    answer = await anonymous.get(REGIONS, params={"f": "gpkg", "crs": GAUSS_KRUGER})
    info, _, shapes = opened(answer, tmp_path)
    assert info.crs == "EPSG:4548"
    west, south, *_ = shapely.from_wkb(shapes[0]).bounds
    assert (west, south) == pytest.approx((500_000, 2_699_700), abs=500)
    assert answer.headers["content-crs"] == f"<{GAUSS_KRUGER}>"


async def test_drafts_stay_at_home(
    anonymous: httpx.AsyncClient, admin: httpx.AsyncClient, session: AsyncSession, city: Region
) -> None:
    await add_five_zones(session, await add_scheme(session, city, status="draft"))
    await session.commit()
    params = {"f": "csv", "scheme": "city.supply_demand", "status": "draft"}
    assert len((await anonymous.get(ZONES, params=params)).text.splitlines()) == 1
    assert len((await admin.get(ZONES, params=params)).text.splitlines()) == 6


async def test_accept_asks_for_a_file_too(anonymous: httpx.AsyncClient, city: Region) -> None:
    answer = await anonymous.get(REGIONS, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0]["code"] == "city"


async def test_properties_choose_columns(anonymous: httpx.AsyncClient, city: Region) -> None:
    answer = await anonymous.get(REGIONS, params={"f": "csv", "properties": "code,name_zh"})
    assert answer.content.decode("utf-8-sig").splitlines()[0] == "code,name_zh,geometry"


@pytest.mark.parametrize("wanted", ["name_zh", "", "code", "code,name_zh"])
async def test_features_of_a_sequence_are_named_whatever_is_chosen(
    anonymous: httpx.AsyncClient, city: Region, wanted: str
) -> None:
    answer = await anonymous.get(REGIONS, params={"f": "geojsonseq", "properties": wanted})
    [feature] = [json.loads(record) for record in answer.text.split("\x1e")[1:]]
    assert feature["id"] == city.code
    assert ",".join(feature["properties"]) == wanted


async def test_shapefile_in_gbk(anonymous: httpx.AsyncClient, city: Region) -> None:
    answer = await anonymous.get(REGIONS, params={"f": "shp", "encoding": "gbk"})
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.read("regions.cpg") == b"GBK"


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"f": "csv", "offset": "3"}, "offset"),
        ({"f": "csv", "cursor": "x"}, "cursor"),
        ({"f": "kml", "crs": GAUSS_KRUGER}, "crs"),
        ({"f": "csv", "encoding": "GBK"}, "encoding"),
        ({"f": "shp", "encoding": "EBCDIC"}, "encoding"),
        ({"f": "csv", "nonsense": "1"}, "nonsense"),
        ({"f": "xlsx"}, "f"),
    ],
)
async def test_what_makes_no_sense_is_refused(
    anonymous: httpx.AsyncClient, city: Region, params: dict[str, str], pointer: str
) -> None:
    answer = await anonymous.get(REGIONS, params=params)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_format_nobody_knows_is_answered_by_all_that_are(
    anonymous: httpx.AsyncClient, city: Region
) -> None:
    answer = await anonymous.get(REGIONS, params={"f": "xls"})
    known = "geojson, html, csv, geojsonseq, fgb, gpkg, parquet, shp, kml"
    assert answer.json()["detail"] == f"f is 'xls'; it must be one of {known}"
    assert (await anonymous.get(REGIONS, params={"f": "json"})).json()["numberReturned"] == 1


async def test_place_outside_the_projection_is_told_and_leaves_no_file(
    anonymous: httpx.AsyncClient,
    session: AsyncSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    await add_region(session, "far", box=(26.0, -1, 28.0, 1))
    await session.commit()
    answer = await anonymous.get(REGIONS, params={"f": "gpkg", "crs": GAUSS_KRUGER})
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"][0]["pointer"] == "crs"
    assert left_over(tmp_path) == []


def left_over(folder: Path) -> list[Path]:
    return list(folder.glob("shanhai-export-*"))


async def test_a_sent_file_is_removed(
    anonymous: httpx.AsyncClient, city: Region, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert (await anonymous.get(REGIONS, params={"f": "gpkg"})).status_code == 200
    assert left_over(tmp_path) == []


@pytest.fixture
def on_disk(tmp_path: Path, state: ServiceState, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what was fetched, where the system's own has no room."""
    cache = tmp_path / "fetched"
    artifacts = state.configuration.artifacts.model_copy(update={"cache": cache})
    monkeypatch.setattr(state, "configuration", replace(state.configuration, artifacts=artifacts))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nothing"))
    return cache


async def write_some(path: Path) -> None:
    await asyncio.to_thread(path.write_bytes, b"some")


async def send(answer: Response) -> bytes:
    sent = []

    async def keep(message: Any) -> None:
        sent.append(message.get("body", b""))

    await answer({"type": "http"}, None, keep)  # type: ignore[arg-type]
    return b"".join(sent)


async def test_files_lie_beside_what_was_fetched_while_they_are_sent(
    state: ServiceState, on_disk: Path
) -> None:
    left = on_disk / "shanhai-export-left"
    left.mkdir(parents=True)
    os.utime(left, (0, time.time() - exports.LEFT_S - 60))
    answer = await exports.written_file(state, "a.csv", "text/csv", {}, write_some)
    (folder,) = left_over(on_disk)
    assert (folder / "a.csv").read_bytes() == b"some"
    assert await send(answer) == b"some"
    assert left_over(on_disk) == []


@pytest.mark.usefixtures("on_disk")
async def test_as_many_files_are_sent_as_are_written(state: ServiceState) -> None:
    state.exports = asyncio.Semaphore(1)
    answer = await exports.written_file(state, "a.csv", "text/csv", {}, write_some)
    assert state.exports.locked()
    await send(answer)
    assert not state.exports.locked()


@pytest.mark.usefixtures("on_disk")
async def test_who_reads_slowly_keeps_nobody_waiting_for_long(
    state: ServiceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.exports = asyncio.Semaphore(1)
    monkeypatch.setattr(exports, "HELD_S", 0)
    slow = await exports.written_file(state, "a.csv", "text/csv", {}, write_some)
    other = await exports.written_file(state, "b.csv", "text/csv", {}, write_some)
    assert await send(slow) == await send(other) == b"some"
    async with state.exports:
        assert state.exports.locked()  # each gave back one place, and once


async def test_exports_are_in_the_audit_log(
    reader: httpx.AsyncClient, session: AsyncSession, city: Region
) -> None:
    await reader.get(REGIONS, params={"f": "fgb", "limit": "1"})
    query = select(AuditLog).where(AuditLog.action == "export").order_by(AuditLog.id.desc())
    entry = (await session.scalars(query.limit(1))).one()
    assert (entry.object_table, entry.object_id) == ("region", "regions")
    assert entry.after == {"format": "fgb", "rows": 1, "query": {"f": "fgb", "limit": "1"}}


@pytest.mark.parametrize("name", ["gpkg", "fgb", "parquet", "shp"])
async def test_a_file_tells_licence_and_datum(
    anonymous: httpx.AsyncClient, session: AsyncSession, city: Region, name: str
) -> None:
    city.attrs = {"licence": "CC-BY-4.0-of-the-city"}
    await session.commit()
    content = (await anonymous.get(REGIONS, params={"f": name, "properties": "code"})).content
    if name == "shp":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            content = archive.read("fields.txt")
    assert b"CC-BY-4.0-of-the-city" in content
    assert b"CGCS2000 (EPSG:4490)" in content


async def test_records_leave_as_csv_without_geometry(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/zone-classes", params={"f": "csv"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    listed = (await anonymous.get("/zone-classes", params={"limit": 1000})).json()["zone_classes"]
    assert [row["code"] for row in rows] == [item["code"] for item in listed]
    assert rows
    assert "geometry" not in rows[0]
    assert rows[0]["name_zh"] == listed[0]["name_zh"]


async def test_records_are_offered_in_no_format_that_needs_geometry(
    anonymous: httpx.AsyncClient,
) -> None:
    assert (await anonymous.get("/zone-classes", params={"f": "gpkg"})).status_code == 400
